// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstring>
#include <functional>
#include <set>
#include <vector>

#include "block/ahci.hpp"
#include "pci/testing/fake_board.hpp"

/// A small AHCI controller for unit tests of the driver: as AHCI 1.3.1 and ATA8-ACS say, and where a test
/// bends it, as the test says. It differs from QEMU's where hardware does: PIO reads end without a last FIS,
/// a COMRESET tells of a change, an error of a queued command ends all others and is in a log.
namespace tb::ahci::testing {

using ::testing::_;
using Bytes = std::vector<std::byte>;

inline constexpr std::uint64_t kBarAddress = 0xfeb0'0000;
inline constexpr std::uint64_t kSectors = 256;

class FakeAhci {
  public:
    struct FakePort {
        std::array<std::uint32_t, 32> regs{};
        bool present = false;
        bool signature_sent = false;
        std::array<std::byte, 512> identify{};
        Bytes disk = Bytes(kSectors * 512);
        std::set<std::uint64_t> bad;  ///< sectors that fail
        bool holds = false;           ///< commands but IDENTIFY are taken, and not carried out
        std::uint8_t failed_tag = 0;
        bool in_error = false;  ///< until the log was read
    };

    explicit FakeAhci(std::uint32_t present = 1) {
        config.set16(pci::kVendorId, 0x8086);
        config.set16(pci::kDeviceId, 0x2922);
        config.set32(pci::kRevisionId, kClassCode << 8);
        config.set8(pci::kInterruptPin, 1);
        config.memory_bar(kAbar, 0x1000, kBarAddress);
        msi = config.add_capability(pci::kCapMsi, {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        config.writable16(msi + 2, 0x71);
        config.writable32(msi + 4, 0xffff'fffc);
        config.writable32(msi + 8, 0xffff'ffff);
        config.writable16(msi + 12, 0xffff);
        board.add(config);
        board.add_registers(
            kBarAddress, 0x1000,
            [this](std::uint32_t offset, unsigned) { return std::uint64_t{read(offset)}; },
            [this](std::uint32_t offset, unsigned, std::uint64_t value) {
                writes.emplace_back(offset, static_cast<std::uint32_t>(value));
                write(offset, static_cast<std::uint32_t>(value));
            });
        ON_CALL(board.machine, log(_, _, _, _)).WillByDefault([](auto...) {});
        ON_CALL(board.machine, dma_free(_, _)).WillByDefault([this](std::uint64_t, std::uint64_t) {
            ++freed;
        });
        for (unsigned i = 0; i < 6; ++i) {
            ports[i].present = (present >> i & 1) != 0;
            identify_as(ports[i]);
            for (std::size_t sector = 0; sector < kSectors; ++sector)
                std::memset(ports[i].disk.data() + 512 * sector, static_cast<int>(sector + i), 512);
        }
        reset();
    }

    void word(FakePort& port, unsigned n, unsigned value) {
        port.identify[std::size_t{2} * n] = static_cast<std::byte>(value);
        port.identify[std::size_t{2} * n + 1] = static_cast<std::byte>(value >> 8);
    }
    void identify_as(FakePort& port) {
        word(port, 49, 1U << 9 | 1U << 8);
        word(port, 60, kSectors);
        word(port, 75, 31);
        word(port, 76, 1U << 8);
        word(port, 82, 1U << 5);
        word(port, 83, 1U << 14 | 1U << 13 | 1U << 12 | 1U << 10);
        word(port, 84, 1U << 14 | 1U << 5);
        word(port, 85, 1U << 5);
        word(port, 87, 1U << 14);
        word(port, 100, kSectors);
        word(port, 169, 1);
        for (unsigned i = 10; i < 20; ++i) word(port, i, 'A' << 8 | 'B');
    }

    void reset() {
        ghc = ghc::kAhciEnable;
        is = 0;
        for (FakePort& port : ports) {
            port.regs = {};
            port.signature_sent = false;
            reg(port, port::kCMD) = cmd::kSpinUp | cmd::kPowerOn;
            reg(port, port::kTFD) = 0x7f;
            reg(port, port::kSIG) = 0xffff'ffff;
        }
    }

    static std::uint32_t& reg(FakePort& port, std::uint32_t offset) { return port.regs[offset / 4]; }
    std::byte* memory(std::uint64_t address) { return board.machine.at(address); }
    template <class T>
    T load(std::uint64_t address) {
        T value{};
        std::memcpy(&value, memory(address), sizeof(T));
        return value;
    }
    template <class T>
    void store(std::uint64_t address, T value) {
        std::memcpy(memory(address), &value, sizeof(T));
    }
    static std::uint64_t list(FakePort& port) {
        return std::uint64_t{reg(port, port::kCLBU)} << 32 | reg(port, port::kCLB);
    }
    static std::uint64_t received(FakePort& port) {
        return std::uint64_t{reg(port, port::kFBU)} << 32 | reg(port, port::kFB);
    }

    void raise(FakePort& port, std::uint32_t causes) {
        reg(port, port::kIS) |= causes;
        const auto number = static_cast<unsigned>(&port - ports.data());
        if ((reg(port, port::kIS) & reg(port, port::kIE)) == 0) return;
        is |= 1U << number;
        if ((ghc & ghc::kInterruptEnable) != 0) board.machine.raise(32);
    }
    void send_d2h(FakePort& port, std::uint8_t status, std::uint8_t error, std::uint32_t causes) {
        if ((reg(port, port::kCMD) & cmd::kFisReceive) != 0)
            store<std::uint32_t>(received(port) + received::kDeviceToHost, kFisDeviceToHost | 0x40U << 8 |
                                                                               std::uint32_t{status} << 16 |
                                                                               std::uint32_t{error} << 24);
        reg(port, port::kTFD) = status | std::uint32_t{error} << 8;
        raise(port, causes);
    }
    void send_sdb(FakePort& port, std::uint8_t status, std::uint8_t error, std::uint32_t tags) {
        store<std::uint32_t>(received(port) + received::kSetDeviceBits,
                             0xa1U | 0x40U << 8 | std::uint32_t{status} << 16 | std::uint32_t{error} << 24);
        store<std::uint32_t>(received(port) + received::kSetDeviceBitsActive, tags);
        reg(port, port::kTFD) = status | std::uint32_t{error} << 8;
        reg(port, port::kSACT) &= ~tags;
        raise(port, (status & 1) != 0 ? irq::kTaskFile : irq::kSetDeviceBits);
    }
    void announce(FakePort& port) {
        if (!port.present || port.signature_sent || (reg(port, port::kCMD) & cmd::kFisReceive) == 0) return;
        if ((cap & cap::kStaggeredSpinUp) != 0 && !spun_up(port)) return;
        port.signature_sent = true;
        reg(port, port::kSIG) = signature;
        send_d2h(port, 0x50, 1, irq::kDeviceToHost);
    }
    bool spun_up(FakePort& port) const { return (reg(port, port::kCMD) & cmd::kSpinUp) != 0; }

    std::uint32_t read(std::uint32_t offset) {
        if (removed) return 0xffff'ffff;
        switch (offset) {
            case reg::kCAP:
                return cap;
            case reg::kGHC:
                return ghc | (reset_sticks ? ghc::kHbaReset : 0);
            case reg::kIS:
                return is;
            case reg::kPI:
                return implemented;
            case reg::kVS:
                return 0x0001'0301;
            case reg::kCAP2:
                return cap2;
            case reg::kBOHC:
                return bohc;
            default:
                break;
        }
        if (offset < reg::kPorts || offset >= reg::kPorts + 6 * reg::kPortBytes) return 0;
        FakePort& port = ports[(offset - reg::kPorts) / reg::kPortBytes];
        const std::uint32_t at = (offset - reg::kPorts) % reg::kPortBytes;
        if (at == port::kSSTS)
            return port.present && ((cap & cap::kStaggeredSpinUp) == 0 || spun_up(port)) ? 0x123 : 0;
        if (at == port::kCMD) {
            std::uint32_t value = reg(port, port::kCMD);
            if ((value & cmd::kStart) != 0 || engine_sticks) value |= cmd::kCommandListRunning;
            if ((value & cmd::kFisReceive) != 0) value |= cmd::kFisReceiveRunning;
            return value;
        }
        if (at == port::kTFD && busy_sticks) return reg(port, port::kTFD) | tfd::kBSY;
        return reg(port, at);
    }

    void write(std::uint32_t offset, std::uint32_t value) {
        if (removed) return;
        if (offset == reg::kGHC) {
            if ((value & ghc::kHbaReset) != 0) return reset();
            ghc = value;
            return;
        }
        if (offset == reg::kIS) is &= ~value;
        if (offset == reg::kBOHC) {
            bohc |= value;
            if (bios_lets_go) bohc &= ~bohc::kBiosOwned;
        }
        if (offset < reg::kPorts || offset >= reg::kPorts + 6 * reg::kPortBytes) return;
        FakePort& port = ports[(offset - reg::kPorts) / reg::kPortBytes];
        const std::uint32_t at = (offset - reg::kPorts) % reg::kPortBytes;
        std::uint32_t& held = reg(port, at);
        switch (at) {
            case port::kIS:
            case port::kSERR:
                held &= ~value;
                break;
            case port::kTFD:
            case port::kSIG:
            case port::kSSTS:
                break;
            case port::kCMD:
                if ((held & cmd::kStart) != 0 && (value & cmd::kStart) == 0)
                    reg(port, port::kCI) = reg(port, port::kSACT) = 0;
                held = value;
                announce(port);
                break;
            case port::kSCTL:
                if ((held & kDetMask) == kDetInitialize && (value & kDetMask) == 0) {
                    ++comresets;
                    port.in_error = false;
                    port.signature_sent = false;
                    if (port.present) {
                        reg(port, port::kSERR) |= kSerrExchanged;
                        raise(port, irq::kPortChange);
                    }
                    announce(port);
                }
                held = value;
                break;
            case port::kSACT:
                held |= value;
                break;
            case port::kCI:
                held |= value;
                run(port);
                break;
            default:
                held = value;
                break;
        }
    }

    /// Carries out what is issued.
    void run(FakePort& port) {
        for (unsigned slot = 0; slot < 32; ++slot)
            if ((reg(port, port::kCI) >> slot & 1) != 0) execute(port, slot);
    }
    void fail(FakePort& port) { send_d2h(port, 0x51, 4, irq::kTaskFile | irq::kDeviceToHost); }

    void execute(FakePort& port, unsigned slot) {
        const std::uint64_t header = list(port) + 32 * slot;
        const auto table = load<std::uint64_t>(header + 8);
        std::array<std::uint8_t, 20> fis{};
        std::memcpy(fis.data(), memory(table), fis.size());
        // After an error of a queued command a disk takes nothing but the question which one it was.
        if (port.in_error && fis[2] != 0x2f) return;
        port.in_error = false;
        commands.push_back(fis[2]);
        fises.push_back(fis);
        const bool queued = fis[2] == 0x60 || fis[2] == 0x61;
        if (queued) reg(port, port::kCI) &= ~(1U << slot);
        if (port.holds && fis[2] != 0xec) return;
        finish(port, slot, fis);
    }

    void finish(FakePort& port, unsigned slot, const std::array<std::uint8_t, 20>& fis) {
        const std::uint64_t header = list(port) + 32 * slot;
        const std::uint8_t command = fis[2];
        const bool queued = command == 0x60 || command == 0x61;
        std::uint64_t lba = fis[4] | fis[5] << 8 | std::uint64_t{fis[6]} << 16;
        std::uint64_t count = fis[12] | fis[13] << 8;
        if (queued) count = fis[3] | fis[11] << 8;
        const bool short28 = command == 0xc8 || command == 0xca || command == 0x20 || command == 0x30;
        if (short28)
            lba |= std::uint64_t{fis[7] & 0xfU} << 24;
        else
            lba |= std::uint64_t{fis[8]} << 24 | std::uint64_t{fis[9]} << 32;
        if (count == 0) count = short28 ? 256 : 65536;
        Bytes data;
        bool to_host = true;
        bool pio = false;
        switch (command) {
            case 0xec:
                data.assign(port.identify.begin(), port.identify.end());
                pio = true;
                break;
            case 0x2f:
                data.assign(512, std::byte{0});
                data[0] = static_cast<std::byte>(port.failed_tag);
                pio = true;
                break;
            case 0x20:
            case 0x24:
                pio = true;
                [[fallthrough]];
            case 0x25:
            case 0xc8:
            case 0x60:
            case 0x30:
            case 0x34:
            case 0x35:
            case 0x3d:
            case 0xca:
            case 0x61:
                to_host = command == 0x25 || command == 0xc8 || command == 0x60 || pio;
                for (std::uint64_t i = 0; i < count; ++i)
                    if (port.bad.count(lba + i) != 0 || lba + i >= kSectors) {
                        if (!queued) return fail(port);
                        port.failed_tag = static_cast<std::uint8_t>(slot);
                        port.in_error = true;
                        return send_sdb(port, 0x41, 4, 0);
                    }
                data.assign(port.disk.begin() + static_cast<std::ptrdiff_t>(512 * lba),
                            port.disk.begin() + static_cast<std::ptrdiff_t>(512 * (lba + count)));
                break;
            case 0x06:
                data.assign(512, std::byte{0});
                to_host = false;
                break;
            case 0xef:
                if (refuse_features) return fail(port);
                word(port, 85, fis[3] == 0x02 ? 1U << 5 : 0);
                break;
            case 0xe7:
            case 0xea:
                break;
            default:
                return fail(port);
        }
        std::size_t moved = 0;
        const std::uint32_t prds = load<std::uint32_t>(header) >> 16;
        const auto table = load<std::uint64_t>(header + 8);
        for (std::uint32_t i = 0; i < prds && moved < data.size(); ++i) {
            const std::uint64_t prd = table + 0x80 + 16 * i;
            const std::size_t part =
                std::min<std::size_t>((load<std::uint32_t>(prd + 12) & 0x3f'ffff) + 1, data.size() - moved);
            std::byte* at = memory(load<std::uint64_t>(prd));
            if (to_host)
                std::memcpy(at, data.data() + moved, part);
            else
                std::memcpy(data.data() + moved, at, part);
            moved += part;
        }
        if (!to_host && command != 0x06)
            std::copy(data.begin(), data.end(), port.disk.begin() + static_cast<std::ptrdiff_t>(512 * lba));
        if (command == 0x06) trimmed = data;
        if (queued) return send_sdb(port, 0x50, 0, 1U << slot);
        store<std::uint32_t>(header + 4, static_cast<std::uint32_t>(moved));
        reg(port, port::kCI) &= ~(1U << slot);
        if (pio) {
            store<std::uint32_t>(received(port) + received::kPioSetup,
                                 kFisPioSetup | 0x40U << 8 | 0x58U << 16);
            store<std::uint32_t>(received(port) + received::kPioSetup + 12, 0x50U << 24);
            reg(port, port::kTFD) = 0x50;
            return raise(port, irq::kPioSetup);
        }
        send_d2h(port, 0x50, 0, irq::kDeviceToHost);
    }

    pci::testing::FakeBoard board;
    pci::testing::FakeFunction config;
    std::uint16_t msi = 0;
    std::array<FakePort, 6> ports{};
    std::uint32_t cap = 5U | 31U << 8 | cap::kNativeCommandQueuing | cap::k64BitAddressing;
    std::uint32_t cap2 = 0;
    std::uint32_t bohc = 0;
    std::uint32_t ghc = 0;
    std::uint32_t is = 0;
    std::uint32_t implemented = 0x3f;
    std::uint32_t signature = kSignatureAta;
    bool bios_lets_go = true;
    bool reset_sticks = false;
    bool engine_sticks = false;
    bool busy_sticks = false;
    bool refuse_features = false;
    bool removed = false;
    unsigned comresets = 0;
    unsigned freed = 0;
    std::vector<std::uint8_t> commands;
    std::vector<std::array<std::uint8_t, 20>> fises;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> writes;
    Bytes trimmed;
};

}  // namespace tb::ahci::testing
