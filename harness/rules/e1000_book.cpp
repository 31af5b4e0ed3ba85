// SPDX-License-Identifier: BSD-3-Clause
// What Intel's manual of the 8254x (317453) demands of a driver.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "harness/rules/book.hpp"
#include "net/e1000_regs.hpp"

namespace tb::rules {

namespace {

using namespace e1000;

constexpr std::uint64_t kResetRest = 1'000;     ///< ns that registers rest after RST (§13.4.1)
constexpr std::uint64_t kMdicTime = 64'000;     ///< ns that an access to the PHY may take
constexpr std::uint64_t kEerdTime = 1'000'000;  ///< ns: a word of the EEPROM, by far
constexpr std::uint32_t kMostData = 16288;      ///< bytes of a descriptor (§3.3.3)
constexpr std::uint64_t kLengthGranule = 128;
constexpr unsigned kTypeContext = 0;

constexpr std::uint32_t buffer_bytes(std::uint32_t rctl_value) {
    const std::uint32_t code = rctl_value >> rctl::kBufferSizeShift & 3;
    const std::uint32_t plain = 2048U >> code;
    return (rctl_value & rctl::kBSEX) != 0 && code != 0 ? plain * 16 : plain;
}

class E1000Book : public Book {
  public:
    using Book::Book;

    void read(const Access& access) override {
        if (!at_registers(access)) return;
        const auto value = static_cast<std::uint32_t>(access.value);
        switch (access.place.offset) {
            case reg::kMDIC:
                if ((value & (mdic::kREADY | mdic::kERROR)) != 0) mdic_since_.reset();
                break;
            case reg::kEERD:
                if ((value & eerd::kDONE) != 0) eerd_since_.reset();
                break;
            case reg::kTDH:
                if (value < tx_.count()) release_before(tx_, value);
                break;
            default:
                break;
        }
    }

    void write(const Access& access) override {
        if (!at_registers(access)) return;
        const auto value = static_cast<std::uint32_t>(access.value);
        const std::uint64_t offset = access.place.offset;
        if (offset == reg::kSTATUS || (offset >= reg::kCRCERRS && offset <= reg::kTSCTFC))
            breaks(
                "e1000.register.read-only",
                fmt::format("{} is written", access.place.spec == nullptr ? "one" : access.place.spec->name));
        switch (offset) {
            case reg::kCTRL:
                if ((value & ctrl::kRST) != 0) reset();
                break;
            case reg::kMDIC:
                busy("e1000.mdic.busy", "MDIC", mdic_since_, kMdicTime);
                mdic_since_ = court().now();
                break;
            case reg::kEERD:
                busy("e1000.eerd.busy", "EERD", eerd_since_, kEerdTime);
                if ((value & eerd::kSTART) != 0) eerd_since_ = court().now();
                break;
            case reg::kRCTL:
                rctl_ = value;
                enable(rx_, (value & rctl::kEN) != 0);
                break;
            case reg::kTCTL:
                enable(tx_, (value & tctl::kEN) != 0);
                break;
            default:
                if (!write_ring(rx_, offset, reg::kRDBAL, value)) write_ring(tx_, offset, reg::kTDBAL, value);
        }
    }

    void barrier(hal::Barrier kind) override {
        if (kind != hal::Barrier::kRead) rx_.unordered = tx_.unordered = false;
    }

    void store(std::uint64_t address, unsigned /*width*/, std::uint64_t, hal::MemoryOrder) override {
        for (Ring* ring : {&rx_, &tx_}) {
            // Buffers count as descriptors do: all is to be in memory before the tail moves.
            ring->unordered = true;
            const auto i = ring->at(address);
            if (i && ring->enabled && ring->owned[*i] && court().bus_master())
                breaks("e1000.descriptor.owned",
                       fmt::format("{} descriptor {} is stored to while the device has it", ring->name, *i));
        }
    }

    void load(std::uint64_t address, unsigned width, std::uint64_t value, hal::MemoryOrder) override {
        for (Ring* ring : {&rx_, &tx_}) {
            const auto i = ring->at(address);
            if (!i) continue;
            if (is_done(*ring, address, width, value)) release_up_to(*ring, *i);
        }
    }

    Fetch fetch(std::uint64_t address, unsigned width, std::uint64_t value) override {
        for (const Ring* ring : {&rx_, &tx_})
            if (ring->at(address))
                return is_done(*ring, address, width, value) ? Fetch::kTaken : Fetch::kPolled;
        return Fetch::kNothing;
    }

    void touches(std::uint64_t address, std::uint64_t bytes, bool store) override {
        for (const Ring* ring : {&rx_, &tx_}) {
            if (!ring->enabled || !court().bus_master()) continue;
            for (std::uint32_t i = 0; i < ring->owned.size(); ++i) {
                const Buffer& buffer = ring->buffers[i];
                const bool hit = ring->owned[i] && overlaps(address, bytes, buffer.address, buffer.bytes);
                if (hit && (store || ring == &rx_))
                    return breaks("dma.device-owned",
                                  fmt::format("the buffer of {} descriptor {} is {} while the device has it",
                                              ring->name, i, store ? "stored to" : "read"));
            }
        }
    }

    void releases(std::uint64_t address, std::uint64_t bytes) override {
        for (const Ring* ring : {&rx_, &tx_}) {
            if (!ring->enabled || !court().bus_master()) continue;
            const auto hit = [&](std::uint64_t base, std::uint64_t length) {
                return length != 0 && overlaps(address, bytes, base, length);
            };
            bool used = hit(ring->base, ring->bytes);
            for (std::uint32_t i = 0; i < ring->owned.size() && !used; ++i)
                used = ring->owned[i] && hit(ring->buffers[i].address, ring->buffers[i].bytes);
            if (used)
                return breaks("e1000.ring.removed-live",
                              fmt::format("memory at {:#x} is given back that the {} ring still uses",
                                          address, ring->name));
        }
    }

  private:
    struct Buffer {
        std::uint64_t address = 0;
        std::uint32_t bytes = 0;
    };
    struct Ring {
        const char* name;
        bool receives;
        std::uint64_t base = 0;
        std::uint64_t bytes = 0;
        std::uint32_t tail = 0;
        bool enabled = false;
        bool unordered = false;
        std::vector<bool> owned = {};
        std::vector<Buffer> buffers = {};

        std::uint32_t count() const { return static_cast<std::uint32_t>(bytes / kDescriptorBytes); }
        std::optional<std::uint32_t> at(std::uint64_t address) const {
            if (address < base || address - base >= bytes) return std::nullopt;
            const auto i = static_cast<std::uint32_t>((address - base) / kDescriptorBytes);
            return i < owned.size() ? std::optional(i) : std::nullopt;
        }
        void clear() {
            owned.assign(count(), false);
            buffers.assign(count(), {});
        }
    };

    bool at_registers(const Access& access) {
        if (access.place.block->space != hal::AddressSpace::kMemory) return false;
        if (access.width != 4 || access.place.offset % 4 != 0)
            breaks("e1000.register.width",
                   fmt::format("{} bytes at {:#x}", access.width, access.place.offset));
        if (reset_at_) {
            if (court().now() - *reset_at_ < kResetRest)
                breaks("e1000.reset.hasty", "a register is accessed within a microsecond of CTRL.RST");
            reset_at_.reset();
        }
        return true;
    }

    void reset() {
        reset_at_ = court().now();
        mdic_since_.reset();
        eerd_since_.reset();
        for (Ring* ring : {&rx_, &tx_}) {
            ring->enabled = false;
            ring->tail = 0;
            ring->clear();
        }
    }

    /// An access that is begun while the one before has not said that it is done; who has waited for longer
    /// than any takes has given it up.
    void busy(const char* rule, const char* name, const std::optional<std::uint64_t>& since,
              std::uint64_t most) {
        if (since && court().now() - *since < most)
            breaks(rule, fmt::format("{} is written before the last access is done", name));
    }

    void enable(Ring& ring, bool on) {
        if (!on) {
            ring.enabled = false;
            ring.clear();
            return;
        }
        if (ring.enabled) return;
        ring.enabled = true;
        const char* why = ring.bytes == 0                        ? "has no length"
                          : !court().owns(ring.base, ring.bytes) ? "is not in the driver's memory"
                                                                 : nullptr;
        if (why != nullptr)
            breaks("e1000.ring.not-set", fmt::format("{} is enabled, but its ring {}", ring.name, why));
        else
            for (std::uint32_t i = 0; i < ring.count(); ++i)
                if (ring.owned[i]) check_buffer(ring, i);
    }

    /// BAL, BAH, LEN, H and T lie 4, 4, 8 and 8 bytes apart, in both sets.
    bool write_ring(Ring& ring, std::uint64_t offset, std::uint32_t base_low, std::uint32_t value) {
        constexpr std::uint64_t kHigh = reg::kRDBAH - reg::kRDBAL;
        constexpr std::uint64_t kLength = reg::kRDLEN - reg::kRDBAL;
        constexpr std::uint64_t kHead = reg::kRDH - reg::kRDBAL;
        constexpr std::uint64_t kTail = reg::kRDT - reg::kRDBAL;
        if (offset < base_low || offset > base_low + kTail) return false;
        const std::uint64_t which = offset - base_low;
        if (which == kTail) {
            write_tail(ring, value);
            return true;
        }
        if (ring.enabled)
            breaks("e1000.ring.changed-enabled",
                   fmt::format("a register of the {} ring is written while it is enabled", ring.name));
        if (which == 0) {
            if (value % kDescriptorBytes != 0)
                breaks("e1000.ring.alignment", fmt::format("the {} ring is at {:#x}", ring.name, value));
            ring.base = (ring.base & ~std::uint64_t{0xffff'ffff}) | value;
        }
        if (which == kHigh) ring.base = (ring.base & 0xffff'ffff) | std::uint64_t{value} << 32;
        if (which == kLength) {
            if (value % kLengthGranule != 0)
                breaks("e1000.ring.length", fmt::format("the {} ring has {} bytes", ring.name, value));
            ring.bytes = value;
        }
        if (which == kHead) ring.tail = value;
        ring.clear();
        return true;
    }

    void write_tail(Ring& ring, std::uint32_t value) {
        if (value >= ring.count() && value != 0)
            return breaks("e1000.ring.tail", fmt::format("the tail of the {} ring is set to {} of {}",
                                                         ring.name, value, ring.count()));
        if (value == ring.tail || ring.count() == 0) return;
        if (ring.unordered)
            breaks("e1000.tail.unordered",
                   fmt::format("the tail of the {} ring moves without a barrier behind the descriptors",
                               ring.name));
        for (; ring.tail != value; ring.tail = (ring.tail + 1) % ring.count()) {
            ring.owned[ring.tail] = true;
            if (ring.receives && !ring.enabled) continue;  // how large buffers are is not said yet
            check_buffer(ring, ring.tail);
        }
    }

    void check_buffer(Ring& ring, std::uint32_t i) {
        std::array<std::uint64_t, 2> words{};
        const auto memory = court().memory();
        const std::uint64_t at = ring.base + std::uint64_t{i} * kDescriptorBytes;
        if (at > memory.size() || memory.size() - at < sizeof words) return;
        std::memcpy(words.data(), memory.data() + at, sizeof words);
        std::uint32_t bytes = buffer_bytes(rctl_);
        if (!ring.receives) {
            const std::uint64_t command = words[1] >> txd::kCommandShift;
            const bool extended = (command & txd::kDEXT) != 0;
            const std::uint64_t type = words[1] >> txd::kTypeShift & 0xf;
            if (extended && type > txd::kTypeData)
                return breaks("e1000.tx.type", fmt::format("transmit descriptor {} is of type {}", i, type));
            if (extended && type == kTypeContext) return;
            bytes = static_cast<std::uint32_t>(words[1] & (extended ? 0xf'ffff : 0xffff));
            if (bytes > kMostData)
                breaks("e1000.tx.length", fmt::format("transmit descriptor {} has {} bytes", i, bytes));
        }
        ring.buffers[i] = {words[0], bytes};
        if (!court().lent_for(words[0], bytes, ring.receives))
            breaks(
                "dma.exposed-outside",
                fmt::format(
                    "{} descriptor {} gives {} bytes at {:#x}, which are not the driver's to give for that",
                    ring.name, i, bytes, words[0]));
    }

    static bool is_done(const Ring&, std::uint64_t address, unsigned width, std::uint64_t value) {
        // The status is byte 12 in both kinds; bit 0 says done.
        const std::uint64_t into = address % kDescriptorBytes;
        if (into > txd::kStatusOffset || into + width <= txd::kStatusOffset) return false;
        return (value >> (8 * (txd::kStatusOffset - into)) & txd::kDD) != 0;
    }

    /// The device works in order: what lies before a descriptor that is done is done too.
    static void release_up_to(Ring& ring, std::uint32_t last) {
        for (std::uint32_t n = 0, i = last; n < ring.count() && ring.owned[i]; ++n) {
            ring.owned[i] = false;
            i = (i + ring.count() - 1) % ring.count();
        }
    }
    static void release_before(Ring& ring, std::uint32_t head) {
        if (ring.count() != 0) release_up_to(ring, (head + ring.count() - 1) % ring.count());
    }

    Ring rx_{"receive", true};
    Ring tx_{"transmit", false};
    std::uint32_t rctl_ = 0;
    std::optional<std::uint64_t> reset_at_;
    std::optional<std::uint64_t> mdic_since_;
    std::optional<std::uint64_t> eerd_since_;
};

}  // namespace

std::unique_ptr<Book> make_e1000_book(Court& court, const harness::DeviceType& /*device*/) {
    return std::make_unique<E1000Book>(court);
}

}  // namespace tb::rules
