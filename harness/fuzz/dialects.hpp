// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "harness/fuzz/language.hpp"

namespace tb::fuzz {

const Dialect& virtio_blk_dialect();
const Dialect& e1000_dialect();
const Dialect& serial_dialect();

/// One of a table.
template <class T, std::size_t N>
constexpr const T& one_of(const T (&table)[N], std::size_t index) {
    return table[index % N];
}
constexpr bool bit(std::uint64_t value, unsigned number) {
    return (value >> number & 1) != 0;
}

}  // namespace tb::fuzz
