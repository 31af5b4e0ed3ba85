// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace tb::trace {

/// What happened, in one vocabulary for all machines. The numbers are part of the trace's hash: append, never
/// renumber.
enum class EventKind : std::uint8_t {
    kStep = 0,        ///< a scenario step begins; value: its index, text: what it does
    kConfigRead = 1,  ///< the driver's accesses: address, width, value
    kConfigWrite = 2,
    kMemoryRead = 3,
    kMemoryWrite = 4,
    kPortRead = 5,
    kPortWrite = 6,
    kDmaRead = 7,  ///< the device's accesses to memory: address, value: outcome, data
    kDmaWrite = 8,
    kIrqRaised = 9,  ///< a line of the I/O APIC; value: the line
    kIrqLowered = 10,
    kMessage = 11,         ///< a message-signalled interrupt arrived; value: the vector
    kInterruptTaken = 12,  ///< the driver's handler ran; value: the vector
    kDelay = 13,           ///< the driver let time pass; value: nanoseconds
    kHostInput = 14,       ///< from outside the machine: text: what, data: the bytes
    kHostOutput = 15,      ///< to the outside: text: what, data: the bytes
    kMemoryDigest = 16,    ///< at a synchronization point; address: of an allocation, value: digest
    kFinding = 17,         ///< a model's objection to what the driver did; text
    kResult = 18,          ///< what a step gave; text: name, value
    kFault = 19,           ///< a planned fault struck; text: what it did, and where
    kRule = 20,            ///< the driver broke a rule; text: which, and how
};
inline constexpr unsigned kEventKinds = 21;

std::string_view to_string(EventKind kind);

/// A set of kinds: what a machine can show.
class Visibility {
  public:
    constexpr Visibility() = default;
    constexpr Visibility(std::initializer_list<EventKind> kinds) {
        for (const EventKind kind : kinds) bits_ |= bit(kind);
    }
    static constexpr Visibility all() { return Visibility((std::uint32_t{1} << kEventKinds) - 1); }

    constexpr bool sees(EventKind kind) const { return (bits_ & bit(kind)) != 0; }
    constexpr Visibility both(Visibility other) const { return Visibility(bits_ & other.bits_); }
    constexpr Visibility without(Visibility other) const { return Visibility(bits_ & ~other.bits_); }
    constexpr Visibility with(Visibility other) const { return Visibility(bits_ | other.bits_); }
    constexpr bool operator==(const Visibility&) const = default;

  private:
    constexpr explicit Visibility(std::uint32_t bits) : bits_(bits) {}
    static constexpr std::uint32_t bit(EventKind kind) {
        return std::uint32_t{1} << static_cast<unsigned>(kind);
    }
    std::uint32_t bits_ = 0;
};

/// One event. Text and data live in the trace that holds the event.
struct Event {
    std::uint64_t time = 0;  ///< virtual nanoseconds since power-on
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    std::uint32_t text = 0;  ///< position in the trace's texts; 0 is the empty text
    std::uint32_t data = 0;  ///< position in the trace's bytes
    std::uint32_t data_size = 0;
    std::uint32_t repeat = 1;  ///< how often it happened in a row, after folding
    EventKind kind = EventKind::kStep;
    std::uint8_t width = 0;  ///< bytes of a register access
};

constexpr bool is_register_read(EventKind kind) {
    return kind == EventKind::kConfigRead || kind == EventKind::kMemoryRead || kind == EventKind::kPortRead;
}
constexpr bool is_register_write(EventKind kind) {
    return kind == EventKind::kConfigWrite || kind == EventKind::kMemoryWrite ||
           kind == EventKind::kPortWrite;
}

constexpr bool is_register_access(EventKind kind) {
    return is_register_read(kind) || is_register_write(kind);
}
constexpr bool is_config_access(EventKind kind) {
    return kind == EventKind::kConfigRead || kind == EventKind::kConfigWrite;
}

}  // namespace tb::trace
