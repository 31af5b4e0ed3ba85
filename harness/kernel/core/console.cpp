// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/console.hpp"

#include <cstddef>

namespace tb::kernel {

namespace {

constexpr std::uint16_t kDebugPort = 0xe9;

}  // namespace

void put(const char* text) {
    std::size_t length = 0;
    while (text[length] != 0) ++length;
    asm volatile("rep outsb" : "+S"(text), "+c"(length) : "d"(kDebugPort) : "memory");
}

void put_hex(std::uint64_t value, unsigned digits) {
    char text[19] = "0x";
    unsigned shown = digits;
    while (shown < 16 && value >> (4 * shown) != 0) ++shown;
    for (unsigned i = 0; i < shown; ++i)
        text[2 + i] = "0123456789abcdef"[value >> (4 * (shown - 1 - i)) & 15];
    text[2 + shown] = 0;
    put(text);
}

void put_decimal(std::uint64_t value) {
    char text[21];
    char* at = text + 20;
    *at = 0;
    do {
        *--at = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(at);
}

}  // namespace tb::kernel
