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

/// How long one who has waited so long already waits before asking again: an eighth of it, and not less than
/// `least`. So what is waited for is seen late by an eighth of its time at most, and a wait of seconds takes
/// a hundred questions instead of a million.
constexpr Duration patience(Duration waited, Duration least) {
    const Duration eighth = nanoseconds(waited.ns / 8);
    return eighth < least ? least : eighth;
}

/// As poll_until, for what may take microseconds or seconds: asks less often the longer it waits.
template <class Platform, class Predicate>
bool poll_patiently(Platform& platform, Duration timeout, Duration least, Predicate&& predicate) {
    const Instant start = platform.now();
    const Instant deadline = start + timeout;
    const std::uint64_t most = timeout.ns / (least.ns == 0 ? 1 : least.ns) + 2;
    // By its own count, which a clock that stands still does not stop.
    Duration waited;
    for (std::uint64_t asked = 0; asked < most && waited <= timeout; ++asked) {
        if (predicate()) return true;
        const Instant now = platform.now();
        if (now >= deadline) return predicate();
        Duration step = patience(waited, least.ns == 0 ? nanoseconds(1) : least);
        if (deadline - now < step) step = deadline - now;
        platform.delay(step);
        waited.ns += step.ns;
    }
    return predicate();
}

}  // namespace tb::hal
