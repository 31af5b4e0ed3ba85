// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/recorder.hpp"

#include <xxhash.h>

namespace tb::harness {

using trace::Event;
using trace::EventKind;

namespace {

constexpr EventKind read_kind(hal::AddressSpace space) {
    return space == hal::AddressSpace::kMemory ? EventKind::kMemoryRead
           : space == hal::AddressSpace::kPort ? EventKind::kPortRead
                                               : EventKind::kConfigRead;
}
constexpr EventKind write_kind(hal::AddressSpace space) {
    return space == hal::AddressSpace::kMemory ? EventKind::kMemoryWrite
           : space == hal::AddressSpace::kPort ? EventKind::kPortWrite
                                               : EventKind::kConfigWrite;
}

}  // namespace

std::uint64_t Recorder::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    const std::size_t position = trace_.add(Event{.time = machine_.now_ns(),
                                                  .address = address,
                                                  .kind = read_kind(space),
                                                  .width = static_cast<std::uint8_t>(width)});
    const std::uint64_t value = below().read(space, address, width);
    trace_.set_value(position, value);
    return value;
}

void Recorder::write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) {
    trace_.add(Event{.time = machine_.now_ns(),
                     .address = address,
                     .value = value,
                     .kind = write_kind(space),
                     .width = static_cast<std::uint8_t>(width)});
    below().write(space, address, width, value);
}

void Recorder::delay_ns(std::uint64_t span) {
    trace_.add(Event{.time = machine_.now_ns(), .value = span, .kind = EventKind::kDelay});
    below().delay_ns(span);
}

std::optional<std::uint32_t> Recorder::take_interrupt(bool begin) {
    const auto vector = below().take_interrupt(begin);
    if (vector)
        trace_.add(Event{.time = machine_.now_ns(), .value = *vector, .kind = EventKind::kInterruptTaken});
    return vector;
}

void Recorder::irq(unsigned line, bool level) {
    trace_.add(Event{.time = machine_.now_ns(),
                     .value = line,
                     .kind = level ? EventKind::kIrqRaised : EventKind::kIrqLowered});
}

void Recorder::message(std::uint32_t vector) {
    trace_.add(Event{.time = machine_.now_ns(), .value = vector, .kind = EventKind::kMessage});
}

void Recorder::device_dma(bool write, std::uint64_t address, std::span<const std::byte> data,
                          unsigned outcome) {
    trace_.add(Event{.time = machine_.now_ns(),
                     .address = address,
                     .value = outcome,
                     .kind = write ? EventKind::kDmaWrite : EventKind::kDmaRead},
               {}, data);
    if (device_dma_) device_dma_(write, address, data.size());
}

void Recorder::finding(const std::string& text) {
    note(EventKind::kFinding, text);
}

void Recorder::far_access(bool write, hal::AddressSpace space, std::uint64_t address, unsigned width,
                          std::uint64_t value) {
    trace_.add(Event{.time = machine_.now_ns(),
                     .address = address,
                     .value = value,
                     .kind = write ? write_kind(space) : read_kind(space),
                     .width = static_cast<std::uint8_t>(width)});
}

void Recorder::far_delay(std::uint64_t span) {
    trace_.add(Event{.time = machine_.now_ns(), .value = span, .kind = EventKind::kDelay});
}

void Recorder::far_interrupt(std::uint32_t vector) {
    trace_.add(Event{.time = machine_.now_ns(), .value = vector, .kind = EventKind::kInterruptTaken});
}

void Recorder::note(EventKind kind, std::string_view text, std::uint64_t value,
                    std::span<const std::byte> data) {
    trace_.add(Event{.time = machine_.now_ns(), .value = value, .kind = kind}, text, data);
}

void Recorder::note_memory() {
    for (const auto& [address, size] : machine_.pool().allocations())
        trace_.add(Event{.time = machine_.now_ns(),
                         .address = address,
                         .value = XXH3_64bits(machine_.ram().data() + address, size),
                         .kind = EventKind::kMemoryDigest});
}

}  // namespace tb::harness
