// SPDX-License-Identifier: BSD-3-Clause
// What AHCI 1.3.1 demands of software: engines, resets, command lists, and what follows an error.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>

#include "harness/rules/book.hpp"
#include "models/block/ahci_regs.hpp"

namespace tb::rules {

namespace {

using namespace model::block::ahci;
using model::block::kAhciPortBase;
using model::block::kAhciPortBytes;

constexpr unsigned kPorts = 32;
constexpr unsigned kSlots = 32;
constexpr std::uint32_t kBusyOrData = 0x88;
constexpr std::uint32_t kDetPresent = 3;
constexpr std::uint32_t kDetInitialize = 1;
constexpr std::uint32_t kIrqHbf = 1U << 29;
constexpr std::uint32_t kIrqHbd = 1U << 28;
constexpr std::uint32_t kIrqIf = 1U << 27;
constexpr std::uint32_t kFatal = kIrqTfe | kIrqHbf | kIrqHbd | kIrqIf;
constexpr std::uint64_t kComresetNs = 1'000'000;
constexpr std::uint64_t kHeaderBytes = 32;
constexpr std::uint64_t kReceivedBytes = 256;
constexpr std::uint64_t kCommandFisBytes = 0x80;
constexpr std::uint64_t kPrdBytes = 16;

// Registers by their offsets (§3.1, §3.3).
constexpr std::uint32_t kCap = 0x00;
constexpr std::uint32_t kGhc = 0x04;
constexpr std::uint32_t kIs = 0x08;
constexpr std::uint32_t kPi = 0x0c;
constexpr std::uint32_t kPxClb = 0x00;
constexpr std::uint32_t kPxClbu = 0x04;
constexpr std::uint32_t kPxFb = 0x08;
constexpr std::uint32_t kPxFbu = 0x0c;
constexpr std::uint32_t kPxIs = 0x10;
constexpr std::uint32_t kPxCmd = 0x18;
constexpr std::uint32_t kPxTfd = 0x20;
constexpr std::uint32_t kPxSsts = 0x28;
constexpr std::uint32_t kPxSctl = 0x2c;
constexpr std::uint32_t kPxSerr = 0x30;
constexpr std::uint32_t kPxSact = 0x34;
constexpr std::uint32_t kPxCi = 0x38;

constexpr bool is_queued(std::uint8_t command) {
    return command == 0x60 || command == 0x61 || (command >= 0x63 && command <= 0x65);
}

class AhciBook : public Book {
  public:
    AhciBook(Court& court, const harness::DeviceType& device) : Book(court), block_(&device.blocks()[0]) {}

    void read(const Access& access) override {
        if (!access.in(block_)) return;
        const auto value = static_cast<std::uint32_t>(access.value);
        if (access.place.offset < kAhciPortBase) {
            if (access.place.offset == kCap) slots_ = (value >> 8 & 31) + 1;
            if (access.place.offset == kPi) implemented_ = value;
            if (access.place.offset == kGhc) {
                enabled_ = (value & kGhcEnable) != 0;
                if ((value & kGhcReset) == 0) resetting_ = false;
            }
            return;
        }
        const unsigned number = number_of(access);
        check_implemented(number);
        Port& port = ports_[number];
        switch (register_of(access)) {
            case kPxIs:
                // All-ones is what a place says where nothing is.
                if (value == ~std::uint32_t{0}) break;
                port.causes = value;
                if ((value & kFatal) != 0) port.failed = port.not_cleared = true;
                break;
            case kPxCmd:
                port.running = (value & kCmdListRunning) != 0;
                port.running_known = true;
                break;
            case kPxTfd:
                port.busy = (value & kBusyOrData) != 0;
                break;
            case kPxSsts:
                port.present = (value & kDet) == kDetPresent;
                break;
            case kPxSact:
                port.active &= value;
                break;
            case kPxCi:
                port.issued &= value;
                break;
            default:
                break;
        }
    }

    void write(const Access& access) override {
        if (!access.in(block_)) return;
        const auto value = static_cast<std::uint32_t>(access.value);
        const auto offset = static_cast<std::uint32_t>(access.place.offset);
        if (offset != kGhc && resetting_)
            breaks("ahci.reset.unconfirmed",
                   fmt::format("{} is written while GHC.HR may be 1", name_of(access)));
        if (offset != kGhc && !enabled_)
            breaks("ahci.enable", fmt::format("{} is written before GHC.AE", name_of(access)));
        if (offset == kGhc) return write_ghc(value);
        if (offset == kIs) return write_is(value);
        if (offset < kAhciPortBase) return;
        const unsigned number = number_of(access);
        check_implemented(number);
        Port& port = ports_[number];
        switch (register_of(access)) {
            case kPxClb:
            case kPxClbu:
                if (register_of(access) == kPxClb && value % 1024 != 0)
                    breaks("ahci.list.alignment", fmt::format("PxCLB is {:#x}", value));
                if (port.started || port.running)
                    breaks("ahci.list.moved", "PxCLB is written while PxCMD.ST or CR is 1");
                set(port.list, register_of(access) == kPxClb, value);
                break;
            case kPxFb:
            case kPxFbu:
                if (register_of(access) == kPxFb && value % kReceivedBytes != 0)
                    breaks("ahci.received.alignment", fmt::format("PxFB is {:#x}", value));
                if (port.receives) breaks("ahci.received.moved", "PxFB is written while PxCMD.FRE is 1");
                set(port.received, register_of(access) == kPxFb, value);
                break;
            case kPxIs:
                port.causes &= ~value;
                break;
            case kPxCmd:
                write_command(port, value);
                break;
            case kPxSctl:
                write_control(port, value);
                break;
            case kPxSerr:
                port.not_cleared = false;
                break;
            case kPxSact:
                if (!port.started) breaks("ahci.issue.stopped", "PxSACT is written while PxCMD.ST is 0");
                port.announced = value;
                break;
            case kPxCi:
                issue(port, value);
                break;
            default:
                break;
        }
    }

    void touches(std::uint64_t address, std::uint64_t bytes, bool store) override {
        if (!store) return;
        for (const Port& port : ports_) {
            for (unsigned slot = 0; slot < kSlots; ++slot) {
                if (((port.issued | port.active) >> slot & 1) == 0) continue;
                const Command& command = port.commands[slot];
                if (overlaps(address, bytes, command.header, kHeaderBytes) ||
                    overlaps(address, bytes, command.table, command.table_bytes))
                    breaks("dma.device-owned",
                           fmt::format("{:#x} belongs to the command in slot {}, which is issued", address,
                                       slot));
            }
        }
    }

    void releases(std::uint64_t address, std::uint64_t bytes) override {
        for (const Port& port : ports_) {
            if (port.started && overlaps(address, bytes, port.list, kSlots * kHeaderBytes))
                breaks("dma.device-owned", "a command list goes while PxCMD.ST is 1");
            if (port.receives && overlaps(address, bytes, port.received, kReceivedBytes))
                breaks("dma.device-owned", "the memory for received FISes goes while PxCMD.FRE is 1");
        }
    }

    Fetch fetch(std::uint64_t address, unsigned width, std::uint64_t) override {
        for (const Port& port : ports_) {
            // A FIS is looked at until it is the awaited one.
            if (port.received != 0 && overlaps(address, width, port.received, kReceivedBytes))
                return Fetch::kPolled;
            if (port.list != 0 && overlaps(address, width, port.list, kSlots * kHeaderBytes))
                return Fetch::kTaken;
        }
        return Fetch::kNothing;
    }

  private:
    struct Command {
        std::uint64_t header = 0;
        std::uint64_t table = 0;
        std::uint64_t table_bytes = 0;
    };
    struct Port {
        std::uint64_t list = 0;
        std::uint64_t received = 0;
        std::uint32_t causes = 0;     ///< heard in PxIS and not cleared
        std::uint32_t issued = 0;     ///< in PxCI, as far as was heard
        std::uint32_t active = 0;     ///< in PxSACT, likewise
        std::uint32_t queued = 0;     ///< slots whose last command was one that is queued
        std::uint32_t announced = 0;  ///< written to PxSACT for the commands to come
        std::uint64_t comreset_at = 0;
        bool in_comreset = false;
        bool started = false;
        bool receives = false;
        bool running = false;        ///< CR was heard
        bool running_known = false;  ///< ... since ST was cleared
        bool busy = false;
        bool present = false;
        bool failed = false;       ///< a fatal error was heard, and the port not stopped
        bool not_cleared = false;  ///< ... and PxSERR not cleared
        std::array<Command, kSlots> commands{};
    };

    static unsigned number_of(const Access& access) {
        return static_cast<unsigned>((access.place.offset - kAhciPortBase) / kAhciPortBytes) % kPorts;
    }
    static std::uint32_t register_of(const Access& access) {
        return static_cast<std::uint32_t>((access.place.offset - kAhciPortBase) % kAhciPortBytes);
    }
    static std::string name_of(const Access& access) {
        return access.place.spec == nullptr ? fmt::format("{:#x}", access.place.offset)
                                            : access.place.spec->name;
    }
    static void set(std::uint64_t& whole, bool low, std::uint64_t value) {
        whole = low ? (whole & ~std::uint64_t{0xffff'ffff}) | value : (whole & 0xffff'ffff) | value << 32;
    }

    void check_implemented(unsigned number) {
        if (implemented_ && (*implemented_ >> number & 1) == 0)
            breaks("ahci.port.not-implemented", fmt::format("port {} is not in PI", number));
    }

    void write_ghc(std::uint32_t value) {
        enabled_ = (value & kGhcEnable) != 0;
        if ((value & kGhcReset) == 0) return;
        resetting_ = true;
        ports_ = {};
    }

    void write_is(std::uint32_t value) {
        for (unsigned i = 0; i < kPorts; ++i)
            if ((value >> i & 1) != 0 && ports_[i].causes != 0)
                breaks(
                    "ahci.interrupt.order",
                    fmt::format("IS is cleared before PxIS of port {}, which is {:#x}", i, ports_[i].causes));
    }

    void write_command(Port& port, std::uint32_t value) {
        const bool starts = (value & kCmdStart) != 0;
        const bool receives = (value & kCmdFisReceive) != 0;
        if (starts && !port.started) {
            if (!receives) breaks("ahci.start.no-receive", "PxCMD.ST is set without FRE");
            if (!port.running_known || port.running)
                breaks("ahci.start.running", "PxCMD.ST is set, and CR was not found 0");
            if (port.busy || !port.present)
                breaks("ahci.start.not-ready", "PxCMD.ST is set while no disk is there, or it is busy");
            if (port.not_cleared)
                breaks("ahci.error.serr", "PxCMD.ST is set after an error, PxSERR not cleared");
            port.running_known = false;
        }
        if (!receives && port.receives && (starts || !port.running_known || port.running))
            breaks("ahci.receive.cleared", "PxCMD.FRE is cleared, and ST and CR are not both 0");
        if (!starts && port.started) {
            port.running_known = false;
            // The HBA forgets what was issued (§3.3.13, §3.3.14).
            port.issued = port.active = port.announced = 0;
            port.failed = false;
        }
        port.started = starts;
        port.receives = receives;
    }

    void write_control(Port& port, std::uint32_t value) {
        const bool initialize = (value & kDet) == kDetInitialize;
        if (initialize && port.started)
            breaks("ahci.comreset.started", "PxSCTL.DET is set while PxCMD.ST is 1");
        if (initialize && !port.in_comreset) port.comreset_at = court().now();
        if (!initialize && port.in_comreset && court().now() - port.comreset_at < kComresetNs)
            breaks("ahci.comreset.short", "PxSCTL.DET is 1 for less than a millisecond");
        port.in_comreset = initialize;
        if (initialize) port.busy = false;
    }

    void issue(Port& port, std::uint32_t slots) {
        if (!port.started) return breaks("ahci.issue.stopped", "PxCI is written while PxCMD.ST is 0");
        if (port.failed)
            breaks("ahci.error.issue", "PxCI is written after an error, and the port was not stopped");
        if (!court().bus_master()) breaks("pci.bus-master", "PxCI is written without bus-master enable");
        if (((port.issued | port.active) & slots) != 0)
            breaks("ahci.issue.again",
                   fmt::format("slots {:#x} are issued already", (port.issued | port.active) & slots));
        for (unsigned slot = 0; slot < kSlots; ++slot)
            if ((slots >> slot & 1) != 0) judge_command(port, slot);
        port.announced = 0;
    }

    template <class T>
    T load(std::uint64_t address) {
        T value{};
        const auto memory = court().memory();
        if (address <= memory.size() && memory.size() - address >= sizeof(T))
            std::memcpy(&value, memory.data() + address, sizeof(T));
        return value;
    }

    void judge_command(Port& port, unsigned slot) {
        if (slots_ && slot >= *slots_)
            breaks("ahci.slot.beyond", fmt::format("slot {} is issued, and there are {}", slot, *slots_));
        const std::uint64_t header = port.list + slot * kHeaderBytes;
        const auto options = load<std::uint32_t>(header);
        const auto table = load<std::uint64_t>(header + 8);
        const std::uint32_t length = options & 31;
        if (length < 2 || length > 16)
            breaks("ahci.header.length", fmt::format("a command FIS of {} doublewords", length));
        if (table % kCommandFisBytes != 0)
            breaks("ahci.table.alignment", fmt::format("a command table at {:#x}", table));
        const std::uint64_t prds = options >> 16;
        const std::uint64_t bytes = kCommandFisBytes + prds * kPrdBytes;
        if (!court().owns(table, bytes))
            return breaks("dma.exposed-outside", fmt::format("a command table at {:#x} is nobody's", table));
        const bool device_writes = (options & kHeaderWrite) == 0;
        for (std::uint64_t i = 0; i < prds; ++i) {
            const std::uint64_t prd = table + kCommandFisBytes + i * kPrdBytes;
            const auto address = load<std::uint64_t>(prd);
            const std::uint32_t count = load<std::uint32_t>(prd + 12) & 0x3f'ffff;
            if (address % 2 != 0 || count % 2 == 0)
                breaks("ahci.prd.even", fmt::format("a PRD of {} bytes at {:#x}", count + 1, address));
            if (!court().lent_for(address, std::uint64_t{count} + 1, device_writes))
                breaks("dma.exposed-outside",
                       fmt::format("a PRD names {:#x}, which is not lent for that", address));
        }
        const bool queued = is_queued(load<std::uint8_t>(table + 2));
        const std::uint32_t bit = std::uint32_t{1} << slot;
        if (queued) {
            if ((port.announced & bit) == 0)
                breaks("ahci.queued.active", fmt::format("slot {} is queued, and not in PxSACT", slot));
            if (const unsigned tag = load<std::uint8_t>(table + 12) >> 3U; tag != slot)
                breaks("ahci.queued.tag", fmt::format("tag {} in slot {}", tag, slot));
            if ((port.issued & ~port.queued) != 0) mixed();
            port.queued |= bit;
            port.active |= bit;
        } else {
            if (port.active != 0) mixed();
            port.queued &= ~bit;
        }
        port.issued |= bit;
        port.commands[slot] = {header, table, bytes};
    }

    void mixed() { breaks("ahci.issue.mixed", "queued commands and others are on their way at once"); }

    const harness::RegisterBlock* block_;
    std::optional<std::uint32_t> implemented_;
    std::optional<std::uint32_t> slots_;
    bool enabled_ = false;
    bool resetting_ = false;
    std::array<Port, kPorts> ports_{};
};

}  // namespace

std::unique_ptr<Book> make_ahci_book(Court& court, const harness::DeviceType& device) {
    return std::make_unique<AhciBook>(court, device);
}

}  // namespace tb::rules
