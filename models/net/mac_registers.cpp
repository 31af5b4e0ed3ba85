// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/mac_registers.hpp"

#include <algorithm>

namespace tb::model::net {

namespace {

constexpr std::size_t kPacketBufferWords = (kRegisterBytes - kPacketBufferOffset) / 4;

// Sixteen thousand words without behaviour are kept as plain memory, not as registers.
std::span<const RegisterSpec> with_behaviour() {
    const auto all = e1000_registers();
    return all.first(all.size() - 1);
}

}  // namespace

MacRegisters::MacRegisters()
    : bank(with_behaviour(), kPacketBufferOffset, 4),
      ctrl(bank.at("CTRL")),
      status(bank.at("STATUS")),
      eecd(bank.at("EECD")),
      eerd(bank.at("EERD")),
      mdic(bank.at("MDIC")),
      vet(bank.at("VET")),
      icr(bank.at("ICR")),
      itr(bank.at("ITR")),
      ics(bank.at("ICS")),
      ims(bank.at("IMS")),
      imc(bank.at("IMC")),
      rctl(bank.at("RCTL")),
      tctl(bank.at("TCTL")),
      rdbal(bank.at("RDBAL")),
      rdbah(bank.at("RDBAH")),
      rdlen(bank.at("RDLEN")),
      rdh(bank.at("RDH")),
      rdt(bank.at("RDT")),
      rdtr(bank.at("RDTR")),
      radv(bank.at("RADV")),
      tdbal(bank.at("TDBAL")),
      tdbah(bank.at("TDBAH")),
      tdlen(bank.at("TDLEN")),
      tdh(bank.at("TDH")),
      tdt(bank.at("TDT")),
      tadv(bank.at("TADV")),
      mpc(bank.at("MPC")),
      prc64(bank.at("PRC64")),
      gprc(bank.at("GPRC")),
      bprc(bank.at("BPRC")),
      mprc(bank.at("MPRC")),
      gptc(bank.at("GPTC")),
      gorcl(bank.at("GORCL")),
      gorch(bank.at("GORCH")),
      gotcl(bank.at("GOTCL")),
      gotch(bank.at("GOTCH")),
      rnbc(bank.at("RNBC")),
      roc(bank.at("ROC")),
      torl(bank.at("TORL")),
      torh(bank.at("TORH")),
      totl(bank.at("TOTL")),
      toth(bank.at("TOTH")),
      tpr(bank.at("TPR")),
      tpt(bank.at("TPT")),
      ptc64(bank.at("PTC64")),
      mptc(bank.at("MPTC")),
      bptc(bank.at("BPTC")),
      tsctc(bank.at("TSCTC")),
      mta(&bank.at("MTA")),
      ra(&bank.at("RA")),
      vfta(&bank.at("VFTA")),
      packet_buffer_(kPacketBufferWords) {
    // Reading the high word of a 64-bit counter clears both; reading the low one clears nothing.
    const auto clears_low = [](Register& high, Register& low) {
        high.on_read([&low](std::uint64_t stored) {
            low.set(0);
            return stored;
        });
    };
    clears_low(gorch, gorcl);
    clears_low(gotch, gotcl);
    clears_low(torh, torl);
    clears_low(toth, totl);
}

void MacRegisters::count(Register& reg) {
    if (get(reg) != 0xffff'ffff) reg.set(reg.value() + 1);
}

void MacRegisters::add(Register& low, Register& high, std::uint64_t bytes) {
    const std::uint64_t old = std::uint64_t{get(high)} << 32 | get(low);
    const std::uint64_t sum = old + bytes < old ? ~std::uint64_t{0} : old + bytes;
    low.set(sum & 0xffff'ffff);
    high.set(sum >> 32);
}

void MacRegisters::count_size(Register* first, std::size_t bytes) {
    if (bytes < 64) return;
    const unsigned bucket = bytes > 1023  ? 5
                            : bytes > 511 ? 4
                            : bytes > 255 ? 3
                            : bytes > 127 ? 2
                            : bytes > 64  ? 1
                                          : 0;
    count(first[bucket]);
}

void MacRegisters::reset() {
    bank.reset();
    if (!packet_buffer_written_) return;
    std::fill(packet_buffer_.begin(), packet_buffer_.end(), 0);
    packet_buffer_written_ = false;
}

std::uint32_t& MacRegisters::packet_buffer_word(std::uint32_t offset) {
    return packet_buffer_[(offset - kPacketBufferOffset) / 4 % kPacketBufferWords];
}

void MacRegisters::write(std::uint32_t offset, std::uint32_t value) {
    if (offset < kPacketBufferOffset) return bank.write(offset, value);
    packet_buffer_word(offset) = value;
    packet_buffer_written_ = true;
}

}  // namespace tb::model::net
