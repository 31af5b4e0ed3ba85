// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <vector>

#include "models/net/e1000_regs.hpp"

namespace tb::model::net {

/// The register file of the MAC: the bank, and by name what the engines work with. Statistics stick at their
/// maximum.
class MacRegisters {
  public:
    using Register = RegisterBank::Register;

    MacRegisters();

    static std::uint32_t get(const Register& reg) { return static_cast<std::uint32_t>(reg.value()); }
    static bool has(const Register& reg, std::uint32_t bits) { return (get(reg) & bits) != 0; }
    /// The start of a descriptor ring; the low four bits of the address are ignored.
    static std::uint64_t ring_base(const Register& low, const Register& high) {
        return (std::uint64_t{get(high)} << 32) + (get(low) & ~std::uint32_t{0xf});
    }

    /// Adds one.
    static void count(Register& reg);
    /// Adds to a pair of registers, low word first.
    static void add(Register& low, Register& high, std::uint64_t bytes);
    /// Counts a frame of `bytes` (with FCS) in one of six registers, "64" to "1024 and more"; runts count
    /// nowhere.
    static void count_size(Register* first, std::size_t bytes);

    void reset();

    std::uint32_t read(std::uint32_t offset) {
        if (offset >= kPacketBufferOffset) return packet_buffer_word(offset);
        return static_cast<std::uint32_t>(bank.read(offset));
    }
    void write(std::uint32_t offset, std::uint32_t value);

    RegisterBank bank;
    Register& ctrl;
    Register& status;
    Register& eecd;
    Register& eerd;
    Register& mdic;
    Register& vet;
    Register& icr;
    Register& itr;
    Register& ics;
    Register& ims;
    Register& imc;
    Register& rctl;
    Register& tctl;
    Register& rdbal;
    Register& rdbah;
    Register& rdlen;
    Register& rdh;
    Register& rdt;
    Register& rdtr;
    Register& radv;
    Register& tdbal;
    Register& tdbah;
    Register& tdlen;
    Register& tdh;
    Register& tdt;
    Register& tadv;
    Register& mpc;
    Register& prc64;  ///< the first of six
    Register& gprc;
    Register& bprc;
    Register& mprc;
    Register& gptc;
    Register& gorcl;
    Register& gorch;
    Register& gotcl;
    Register& gotch;
    Register& rnbc;
    Register& roc;
    Register& torl;
    Register& torh;
    Register& totl;
    Register& toth;
    Register& tpr;
    Register& tpt;
    Register& ptc64;  ///< the first of six
    Register& mptc;
    Register& bptc;
    Register& tsctc;
    Register* mta;   ///< kTableWords
    Register* ra;    ///< kReceiveAddresses pairs, low first
    Register* vfta;  ///< kTableWords

  private:
    std::uint32_t& packet_buffer_word(std::uint32_t offset);

    std::vector<std::uint32_t> packet_buffer_;
    bool packet_buffer_written_ = false;  ///< since it was zero
};

}  // namespace tb::model::net
