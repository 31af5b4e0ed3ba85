// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <compare>
#include <cstdint>

namespace tb::hal {

/// A span of time in nanoseconds. Adding saturates, so that a far deadline never wraps into the past.
struct Duration {
    std::uint64_t ns = 0;
    constexpr auto operator<=>(const Duration&) const = default;
};

constexpr Duration nanoseconds(std::uint64_t n) {
    return {n};
}
constexpr Duration microseconds(std::uint64_t n) {
    return {n * 1'000};
}
constexpr Duration milliseconds(std::uint64_t n) {
    return {n * 1'000'000};
}
constexpr Duration seconds(std::uint64_t n) {
    return {n * 1'000'000'000};
}

/// A point on the platform's monotonic clock, in nanoseconds since an arbitrary start.
struct Instant {
    std::uint64_t ns = 0;
    constexpr auto operator<=>(const Instant&) const = default;
};

constexpr Instant operator+(Instant start, Duration span) {
    const std::uint64_t sum = start.ns + span.ns;
    return {sum < start.ns ? ~std::uint64_t{0} : sum};
}

/// How long `later` is after `earlier`; zero if it is not.
constexpr Duration operator-(Instant later, Instant earlier) {
    return {later.ns > earlier.ns ? later.ns - earlier.ns : 0};
}

}  // namespace tb::hal
