// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/host.hpp>
#include <memory>
#include <string>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/fuzz/language.hpp"

namespace tb::fuzz {

/// What stays between inputs: the machine, its device and the world outside, built once and reset in place.
class Bench {
  public:
    explicit Bench(const Dialect& dialect);

    const Language& language() const { return language_; }
    harness::Rig& rig() { return *rig_; }
    void reset() { rig_->reset(); }

  private:
    Language language_;
    std::unique_ptr<harness::Rig> rig_;
};

/// Of one step of a program, or of one life before a stream, in calls at the seam; and of a life in virtual
/// time.
inline constexpr std::uint64_t kMostCalls = 2'000'000;
inline constexpr std::uint64_t kMostVirtualNs = 3'000'000'000'000;

/// One driver's life on a seam that may lie. After Hang was thrown it is only to be abandoned.
class Life {
  public:
    Life(Bench& bench, hal::Machine& seam);
    virtual ~Life() = default;
    Life(const Life&) = delete;
    Life& operator=(const Life&) = delete;

    void take(const Step& step);
    /// What is in flight ends, and the driver stops; nothing of it may stay.
    void stop();
    /// Another driver takes its place.
    void renew();
    /// On a device that behaves again.
    void try_out();
    void close();
    /// The driver is left in the middle of what it does, and never called again.
    void abandon() { abandoned_ = session_.release(); }

    /// What must not be, and was; empty if all is well.
    const std::string& verdict() const { return finding_; }

  protected:
    /// An operation has ended. `alone`: no other was in flight.
    virtual void ended(const harness::OperationSpec& /*operation*/, const harness::Arguments& /*arguments*/,
                       const harness::Outcome& /*outcome*/, bool /*alone*/) {}
    /// An operation begins.
    virtual void begins(const harness::OperationSpec& /*operation*/,
                        const harness::Arguments& /*arguments*/) {}
    virtual void came_in(std::string_view /*what*/, const harness::Arguments& /*arguments*/) {}

    void object(std::string finding);
    Bench& bench() { return bench_; }
    hal::Host& seam() { return host_; }

  private:
    struct Flight {
        const harness::OperationSpec* operation;
        harness::Arguments arguments;
        std::uint32_t handle;
    };
    void operate(const Step& step);
    void input(const Step& step);
    void look(const harness::OperationSpec& operation, const harness::Outcome& outcome);
    void look_for_leaks(const char* when);

    Bench& bench_;
    hal::Host host_;
    std::unique_ptr<harness::DriverSession> session_;
    harness::DriverSession* abandoned_ = nullptr;  ///< lives as long as its process
    std::vector<Flight> flights_;
    std::string finding_;
};

}  // namespace tb::fuzz
