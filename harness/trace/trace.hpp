// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/event.hpp"

namespace tb::trace {

/// 64-bit XXH3 over a canonical, byte-exact form of events, one after another: equal on every machine and
/// compiler.
class TraceHasher {
  public:
    TraceHasher();
    TraceHasher(TraceHasher&&) noexcept;
    TraceHasher& operator=(TraceHasher&&) noexcept;
    ~TraceHasher();

    void add(const Event& event, std::string_view text, std::span<const std::byte> data);
    std::uint64_t digest() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A run as a stream of events, in the order in which they happened.
class Trace {
  public:
    /// Appends and returns the event's position.
    std::size_t add(const Event& event) {
        events_.push_back(event);
        return events_.size() - 1;
    }
    std::size_t add(Event event, std::string_view text, std::span<const std::byte> data = {});

    /// A read is recorded before its consequences and gets its value afterwards.
    void set_value(std::size_t position, std::uint64_t value) { events_[position].value = value; }

    std::span<const Event> events() const { return events_; }
    std::string_view text(const Event& event) const { return texts_[event.text]; }
    std::span<const std::byte> data(const Event& event) const {
        return std::span(bytes_).subspan(event.data, event.data_size);
    }
    void clear();

    /// TraceHasher over all events.
    std::uint64_t hash() const;

    /// The same trace with polling loops folded: runs of equal reads with nothing but delays between them,
    /// and runs of equal groups of up to four reads, become one with a count; the delays inside a run go
    /// away.
    Trace folded() const;

  private:
    std::vector<Event> events_;
    std::vector<std::string> texts_{std::string()};
    std::vector<std::byte> bytes_;
};

}  // namespace tb::trace
