// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "harness/trace/symbols.hpp"

/// A small network device with a few registers, and short ways to write down what happened to it.
namespace tb::trace {

inline constexpr std::array kStatusFields = {
    model::FieldSpec{"FD", 0, 1},
    model::FieldSpec{"LU", 1, 1},
    model::FieldSpec{"SPEED", 6, 2},
};
inline constexpr std::array kSampleRegisters = {
    model::RegisterSpec{.offset = 0x00, .width = 4, .name = "CTRL"},
    model::RegisterSpec{.offset = 0x08, .width = 4, .name = "STATUS", .fields = kStatusFields},
    model::RegisterSpec{.offset = 0x5400, .width = 4, .name = "RAL", .count = 16, .stride = 8},
    model::RegisterSpec{.offset = 0x5404, .width = 4, .name = "RAH", .count = 16, .stride = 8},
};
inline constexpr hal::PciAddress kSampleFunction{.bus = 0, .device = 4, .function = 0};
inline constexpr std::uint64_t kSampleBar = 0xfebc0000;
inline constexpr std::uint64_t kStatusAddress = kSampleBar + 8;

inline SymbolTable sample_symbols() {
    SymbolTable symbols;
    const std::size_t device = symbols.add_device(
        {.label = "",
         .function = kSampleFunction,
         .blocks = {{.prefix = "", .bar = 0, .offset = 0, .registers = kSampleRegisters}}});
    symbols.set_bar(device, 0, kSampleBar, 0x20000);
    return symbols;
}

inline std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
    std::vector<std::byte> data;
    for (const unsigned value : values) data.push_back(static_cast<std::byte>(value));
    return data;
}

/// Builds a trace, 100 ns an event.
class TraceBuilder {
  public:
    TraceBuilder& step(std::uint64_t index, std::string_view text) {
        return add({.value = index, .kind = EventKind::kStep}, text);
    }
    TraceBuilder& read(std::uint64_t address, std::uint64_t value) {
        return add({.address = address, .value = value, .kind = EventKind::kMemoryRead, .width = 4});
    }
    TraceBuilder& write(std::uint64_t address, std::uint64_t value) {
        return add({.address = address, .value = value, .kind = EventKind::kMemoryWrite, .width = 4});
    }
    TraceBuilder& config(bool is_write, std::uint32_t offset, std::uint64_t value, std::uint8_t width = 4) {
        return add({.address = hal::config_address(kSampleFunction, offset),
                    .value = value,
                    .kind = is_write ? EventKind::kConfigWrite : EventKind::kConfigRead,
                    .width = width});
    }
    TraceBuilder& delay(std::uint64_t span) {
        time_ += span;
        return add({.value = span, .kind = EventKind::kDelay});
    }
    TraceBuilder& plain(EventKind kind, std::uint64_t value = 0, std::uint64_t address = 0) {
        return add({.address = address, .value = value, .kind = kind});
    }
    TraceBuilder& add(Event event, std::string_view text = {}, std::span<const std::byte> data = {}) {
        time_ += 100;
        event.time = time_;
        trace_.add(event, text, data);
        return *this;
    }
    operator const Trace&() const { return trace_; }
    const Trace& trace() const { return trace_; }

  private:
    Trace trace_;
    std::uint64_t time_ = 0;
};

/// One of everything that can be in a trace.
inline Trace full_trace() {
    TraceBuilder builder;
    builder.config(true, 4, 0x106, 2).step(0, "bring the link up").write(kSampleBar, 0x40);
    builder.read(kStatusAddress, 0x80080783).delay(1'000).read(0xfebc1234, 0xffffffffffffffff);
    builder.add({.address = 0x3f8, .value = 0x41, .kind = EventKind::kPortWrite, .width = 1});
    builder.add({.address = 0x3fd, .value = 0x60, .repeat = 7, .kind = EventKind::kPortRead, .width = 1});
    builder.add({.address = 0x200000, .kind = EventKind::kDmaRead}, {}, bytes({0x52, 0x54, 0x00}));
    builder.add({.address = 0x201000, .value = 2, .kind = EventKind::kDmaWrite}, {},
                std::vector<std::byte>(4096, std::byte{0x5a}));
    builder.plain(EventKind::kIrqRaised, 11)
        .plain(EventKind::kInterruptTaken, 3)
        .plain(EventKind::kIrqLowered, 11);
    builder.plain(EventKind::kMessage, 4);
    builder.add({.kind = EventKind::kHostInput}, "net frame",
                bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0x00, 0x12, 0x34, 0x56, 0x08, 0x00}));
    builder.add({.kind = EventKind::kHostOutput}, "net frame",
                bytes({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
    builder.add({.kind = EventKind::kHostOutput}, "uart \"A\"\n\t\\ \x01 \xc3\xa9 \xff", bytes({0x41}));
    builder.plain(EventKind::kMemoryDigest, 0xdeadbeefcafe, 0x200000);
    builder.add({.kind = EventKind::kFinding}, "write to a reserved bit");
    builder.add({.value = 1, .kind = EventKind::kResult}, "link up");
    return builder;
}

}  // namespace tb::trace
