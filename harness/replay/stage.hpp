// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "harness/devices/device_type.hpp"
#include "harness/replay/cast.hpp"

namespace tb::replay {

/// One device of a recording on a machine of its own: the model, or QEMU's.
class Stage {
  public:
    Stage(std::unique_ptr<harness::Rig> rig, const Role& role) : rig_(std::move(rig)), role_(role) {}

    /// Virtual time is `time` at the next access, as far as the recording's clock can tell. `tolerance` is
    /// how far the recording's time and the device's may lie apart (ns): within it, a timer runs when what
    /// the device answers shows that it has.
    void at(std::uint64_t time, std::uint64_t tolerance);

    /// Lets the time of at() come, without an access.
    void pass() { run_timers({}, 0, std::nullopt); }
    /// The recorded line was raised: if it takes a timer that is due about now to raise it here, the timer
    /// runs.
    void expect_line(unsigned line);

    /// Performs a read and returns what the device answers. `expected` decides whether a timer that is due
    /// about now has run.
    std::uint64_t read(const Target& target, unsigned width, std::uint64_t expected);
    void write(const Target& target, unsigned width, std::uint64_t value);

    /// What the recorded machine had in memory there. False when this machine has none there.
    bool set_memory(std::uint64_t address, std::span<const std::byte> data);
    /// Nothing when this machine has no memory there.
    std::optional<std::span<const std::byte>> memory(std::uint64_t address, std::size_t size);

    harness::Rig& rig() { return *rig_; }
    std::uint64_t now() { return rig_->machine().now_ns(); }
    /// Register accesses for which a BAR had to be put where the recording has it, because the recording does
    /// not show how that was done.
    std::uint64_t placed() const { return placed_; }

  private:
    struct Address {
        hal::AddressSpace space;
        std::uint64_t address;
    };
    Address address_of(const Target& target);
    void ensure_mapped(const Target& target);
    struct Expectation {
        std::uint64_t value;
        std::uint64_t timed_bits;
    };
    void run_timers(const Address& address, unsigned width, std::optional<Expectation> expected);
    void advance_to(std::uint64_t time);

    std::unique_ptr<harness::Rig> rig_;
    const Role& role_;
    std::array<std::uint64_t, 6> verified_{};
    std::uint64_t time_ = 0;
    std::uint64_t tolerance_ = 0;
    std::uint64_t placed_ = 0;
};

}  // namespace tb::replay
