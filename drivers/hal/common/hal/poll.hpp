// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/time.hpp>

namespace tb::hal {

/// Waits until `predicate()` holds: asks at once, then after every `interval`, until `timeout` has passed on
/// the platform's clock. The predicate is asked once more after the deadline, so a long preemption between
/// two questions is not taken for a dead device.
///
/// Ends in any case: the number of questions is bounded too, so that a clock that stands still (a broken
/// timer, a device that holds the bus) cannot hang the kernel. Returns whether the predicate held.
template <class Platform, class Predicate>
bool poll_until(Platform& platform, Duration timeout, Duration interval, Predicate&& predicate) {
    const Duration step = interval.ns == 0 ? nanoseconds(1) : interval;
    const Instant deadline = platform.now() + timeout;
    const std::uint64_t most = timeout.ns / step.ns + 2;
    for (std::uint64_t asked = 0; asked < most; ++asked) {
        if (predicate()) return true;
        if (platform.now() >= deadline) return predicate();
        platform.delay(step);
    }
    return predicate();
}

}  // namespace tb::hal
