// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "net/e1000.hpp"
#include "pci/testing/fake_board.hpp"

/// A small device for unit tests of the e1000 driver. It does as the manual says, and where a test bends it,
/// what the test says. It is not a model of any real device: timing, filtering and offloads are missing.
namespace tb::net::testing {

using ::testing::_;
using Bytes = std::vector<std::uint8_t>;
using Descriptor = std::array<std::uint8_t, 16>;

inline constexpr std::uint64_t kBarAddress = 0xfeb8'0000;
inline constexpr MacAddress kMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
inline constexpr std::uint32_t kVector = 32;  // the first that the mock machine hands out

class FakeE1000 {
  public:
    FakeE1000() {
        config.set16(pci::kVendorId, e1000::kVendorIntel);
        config.set16(pci::kDeviceId, e1000::kDevice82540Em);
        config.memory_bar(0, e1000::kRegisterBytes, kBarAddress);
        board.add(config);
        board.add_registers(
            kBarAddress, e1000::kRegisterBytes,
            [this](std::uint32_t offset, unsigned) { return std::uint64_t{read(offset)}; },
            [this](std::uint32_t offset, unsigned, std::uint64_t value) {
                write(offset, static_cast<std::uint32_t>(value));
            });
        ON_CALL(board.machine, dma_free(_, _)).WillByDefault([this](std::uint64_t, std::uint64_t) {
            ++freed;
        });
        ON_CALL(board.machine, detach(_)).WillByDefault([this](std::uint32_t) { ++detached; });
        ON_CALL(board.machine, log(_, _, _, _)).WillByDefault([](auto...) {});
        reg(e1000::reg::kSTATUS) = 0x8008'0783;  // 1000 Mb/s, full duplex, link up
        reg(e1000::reg::kCTRL) = 0x0014'0240;
        reg(e1000::reg::kEECD) = e1000::eecd::kPRES;
        phy[e1000::phy::kControl] = 0x1140;
        phy[e1000::phy::kStatus] = 0x794d;
        set_mac_in_nvm(kMac);
    }

    void set_mac_in_nvm(const MacAddress& mac) {
        nvm.fill(0);
        for (std::size_t i = 0; i < 3; ++i)
            nvm[i] = static_cast<std::uint16_t>(mac[2 * i] | mac[2 * i + 1] << 8);
        std::uint16_t sum = 0;
        for (const std::uint16_t word : nvm) sum = static_cast<std::uint16_t>(sum + word);
        nvm[0x3f] = static_cast<std::uint16_t>(0xbaba - sum);
    }

    std::uint32_t& reg(std::uint32_t offset) { return registers_[offset / 4]; }

    /// Causes, as an event inside the device raises them.
    void raise(std::uint32_t causes) {
        reg(e1000::reg::kICR) |= causes;
        if ((reg(e1000::reg::kICR) & reg(e1000::reg::kIMS)) != 0) board.machine.raise(kVector);
    }

    /// A frame arrives and is written to as many descriptors as it needs, with four bytes of FCS. False: no
    /// room.
    bool deliver(const Bytes& frame, std::uint8_t status = 0, std::uint8_t errors = 0,
                 std::uint16_t special = 0) {
        Bytes with_fcs = frame;
        with_fcs.insert(with_fcs.end(), {0xf0, 0xf1, 0xf2, 0xf3});
        std::size_t done = 0;
        while (done < with_fcs.size()) {
            const unsigned slot = rdh();
            if (slot == reg(e1000::reg::kRDT)) return false;
            const std::size_t part = std::min<std::size_t>(rx_buffer_bytes, with_fcs.size() - done);
            std::memcpy(memory(rx_address(slot)), with_fcs.data() + done, part);
            done += part;
            const auto end = static_cast<std::uint8_t>(done == with_fcs.size() ? e1000::rxd::kEOP : 0);
            report(slot, static_cast<std::uint16_t>(part),
                   static_cast<std::uint8_t>(e1000::rxd::kDD | end | status), errors, special);
            set_rdh(slot + 1);
        }
        raise(e1000::icr::kRXT0);
        return true;
    }
    /// Writes a receive descriptor's second quadword: a device may claim anything there.
    void report(unsigned slot, std::uint16_t length, std::uint8_t status, std::uint8_t errors = 0,
                std::uint16_t special = 0) {
        const std::uint64_t value = std::uint64_t{length} | std::uint64_t{status} << 32 |
                                    std::uint64_t{errors} << 40 | std::uint64_t{special} << 48;
        std::memcpy(memory(rx_ring() + std::uint64_t{16} * slot + 8), &value, 8);
    }
    unsigned rdh() { return reg(e1000::reg::kRDH); }
    void set_rdh(unsigned slot) { reg(e1000::reg::kRDH) = slot % (reg(e1000::reg::kRDLEN) / 16); }
    /// Descriptors that the device may fill.
    unsigned rx_owned() {
        const unsigned size = reg(e1000::reg::kRDLEN) / 16;
        return (reg(e1000::reg::kRDT) + size - rdh()) % size;
    }

    /// Sends what lies between TDH and TDT; done at once on a write to TDT while `transmits`.
    void transmit() {
        const unsigned size = reg(e1000::reg::kTDLEN) / 16;
        for (unsigned i = 0; i < size && reg(e1000::reg::kTDH) != reg(e1000::reg::kTDT); ++i) {
            const unsigned slot = reg(e1000::reg::kTDH);
            Descriptor descriptor;
            std::byte* at = memory(tx_ring() + std::uint64_t{16} * slot);
            std::memcpy(descriptor.data(), at, 16);
            descriptors.push_back(descriptor);
            const std::uint8_t command = descriptor[11];
            const bool context = (command & 0x20) != 0 && (descriptor[10] & 0xf0) == 0;
            if (!context) {
                std::uint64_t address = 0;
                std::memcpy(&address, descriptor.data(), 8);
                const unsigned length = descriptor[8] | descriptor[9] << 8;
                const auto* data = reinterpret_cast<const std::uint8_t*>(memory(address));
                current_.insert(current_.end(), data, data + length);
                if ((command & 1) != 0) sent.push_back(std::exchange(current_, {}));
            }
            if ((command & 8) != 0) at[12] = std::byte{tx_report};
            reg(e1000::reg::kTDH) = (slot + 1) % size;
        }
        raise(e1000::icr::kTXDW);
    }
    std::uint64_t tx_ring() { return ring(e1000::reg::kTDBAL); }
    std::uint64_t rx_ring() { return ring(e1000::reg::kRDBAL); }
    std::byte* memory(std::uint64_t address) { return board.machine.at(address); }

    std::uint32_t read(std::uint32_t offset) {
        if (gone) return e1000::kAllOnes;
        if (const auto bent = on_read.find(offset); bent != on_read.end()) return bent->second(reg(offset));
        switch (offset) {
            case e1000::reg::kICR:
                return std::exchange(reg(offset), 0);
            case e1000::reg::kEECD:
                return reg(offset) | (microwire_ && pin_out() ? e1000::eecd::kDO : 0u);
            default:
                break;
        }
        if (offset >= e1000::reg::kCRCERRS && offset <= e1000::reg::kTSCTFC) return read_counter(offset);
        return reg(offset);
    }

    pci::testing::FakeBoard board;
    pci::testing::FakeFunction config;
    std::array<std::uint16_t, 64> nvm{};
    std::array<std::uint16_t, 32> phy{};
    std::map<std::uint32_t, std::function<std::uint32_t(std::uint32_t)>> on_read;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> writes;
    std::vector<Descriptor> descriptors;
    std::vector<Bytes> sent;
    std::uint8_t tx_report = e1000::txd::kDD;
    std::uint32_t rx_buffer_bytes = 2048;
    bool transmits = true;
    bool gone = false;
    bool reset_ends = true;
    bool eerd_answers = true;
    bool mdic_answers = true;
    bool counters_clear = true;
    int freed = 0;
    int detached = 0;

  private:
    // Spelled out, so that a slip in the driver's table does not agree with itself.
    static constexpr std::uint32_t kEerdDone = 1U << 4;
    static constexpr std::uint32_t kMdicReady = 1U << 28;

    void write(std::uint32_t offset, std::uint32_t value) {
        if (gone) return;
        writes.emplace_back(offset, value);
        switch (offset) {
            case e1000::reg::kCTRL:
                reg(offset) = reset_ends ? value & ~e1000::ctrl::kRST : value;
                return;
            case e1000::reg::kIMS:
                reg(offset) |= value;
                return;
            case e1000::reg::kIMC:
                reg(e1000::reg::kIMS) &= ~value;
                return;
            case e1000::reg::kEERD:
                write_eerd(value);
                return;
            case e1000::reg::kMDIC:
                write_mdic(value);
                return;
            case e1000::reg::kEECD:
                write_eecd(value);
                return;
            case e1000::reg::kTDT:
                reg(offset) = value;
                if (transmits && value != reg(e1000::reg::kTDH)) transmit();
                return;
            default:
                reg(offset) = value;
        }
    }
    void write_eerd(std::uint32_t value) {
        const std::uint32_t word = value >> 8 & 0xff;
        reg(e1000::reg::kEERD) =
            eerd_answers ? (value & 0xff00) | kEerdDone | std::uint32_t{nvm[word & 0x3f]} << 16 : value;
    }
    void write_mdic(std::uint32_t value) {
        if (!mdic_answers) {
            reg(e1000::reg::kMDIC) = value;
            return;
        }
        std::uint16_t& number = phy[value >> 16 & 31];
        if ((value & e1000::mdic::kWrite) != 0) number = static_cast<std::uint16_t>(value);
        reg(e1000::reg::kMDIC) = (value & 0xffff'0000) | kMdicReady | number;
    }
    // The serial EEPROM: nine bits in (110 and the address), then sixteen out, each on a rising clock.
    void write_eecd(std::uint32_t value) {
        using namespace e1000::eecd;
        const std::uint32_t before = reg(e1000::reg::kEECD);
        const std::uint32_t grant = (value & kREQ) != 0 ? kGNT : 0;
        reg(e1000::reg::kEECD) = (value & (kSK | kCS | kDI | kREQ)) | kPRES | grant;
        if ((value & kCS) == 0 || grant == 0) {
            shifted_ = 0;
            bits_ = 0;
            microwire_ = false;
            return;
        }
        if ((value & kSK) == 0 || (before & kSK) != 0) return;
        ++bits_;
        if (bits_ <= 9) shifted_ = shifted_ << 1 | ((value & kDI) != 0 ? 1 : 0);
        microwire_ = bits_ > 9 && shifted_ >> 6 == 6;
    }
    bool pin_out() const { return bits_ <= 25 && (nvm[shifted_ & 0x3f] >> (25 - bits_) & 1) != 0; }
    std::uint32_t read_counter(std::uint32_t offset) {
        const bool octet_low = offset == e1000::reg::kGORCL || offset == e1000::reg::kGOTCL ||
                               offset == e1000::reg::kTORL || offset == e1000::reg::kTOTL;
        const std::uint32_t value = reg(offset);
        if (counters_clear && !octet_low) reg(offset) = 0;
        return value;
    }
    std::uint64_t ring(std::uint32_t low) { return std::uint64_t{reg(low + 4)} << 32 | reg(low); }
    std::uint64_t rx_address(unsigned slot) {
        std::uint64_t address = 0;
        std::memcpy(&address, memory(rx_ring() + std::uint64_t{16} * slot), 8);
        return address;
    }

    std::array<std::uint32_t, e1000::kRegisterBytes / 4> registers_{};
    Bytes current_;
    unsigned shifted_ = 0;
    unsigned bits_ = 0;
    bool microwire_ = false;
};

/// A frame of `size` bytes whose contents tell where they are from.
inline Bytes frame_of(std::size_t size, std::uint8_t seed = 1) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(seed + i * 7);
    return bytes;
}

inline std::span<std::byte> as_span(Bytes& bytes) {
    return std::as_writable_bytes(std::span(bytes));
}

/// A driver on a fake device.
class E1000Test : public ::testing::Test {
  protected:
    hal::Status probe() { return driver.probe(fake.board.platform, fake.board.function()); }
    void start(const E1000::Options& options = {}) {
        ASSERT_TRUE(probe());
        fake.rx_buffer_bytes = options.rx_buffer_bytes;
        const hal::Status started = driver.start(options);
        ASSERT_TRUE(started) << hal::to_string(started.error());
        fake.writes.clear();
    }
    hal::Result<Token> send(Bytes& bytes, const Offload& offload = {}) {
        const std::array fragments = {as_span(bytes)};
        return driver.send({fragments, offload});
    }
    /// The oldest completion, which must be there.
    TxCompletion take_sent() {
        const std::optional<TxCompletion> sent = driver.next_sent();
        EXPECT_TRUE(sent);
        return sent.value_or(TxCompletion{{0}, hal::Error::kNotStarted});
    }
    /// The error of what the driver received, or the frame.
    hal::Result<Bytes> receive(std::size_t room = 16384) {
        Bytes buffer(room, 0xee);
        last_frame = driver.receive(as_span(buffer));
        if (!last_frame) return last_frame.error();
        buffer.resize(last_frame->bytes);
        return buffer;
    }
    void pass(hal::Duration span) { fake.board.platform.delay(span); }

    FakeE1000 fake;
    E1000 driver;
    hal::Result<RxFrame> last_frame{hal::Error::kBusy};
};

}  // namespace tb::net::testing
