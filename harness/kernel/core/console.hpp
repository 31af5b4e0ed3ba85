// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>

/// Text for the harness and for people, through QEMU's debug port.
namespace tb::kernel {

void put(const char* text);
void put_hex(std::uint64_t value, unsigned digits = 1);  ///< "0x1f"; at least so many digits
void put_decimal(std::uint64_t value);

inline void put_one(const char* text) {
    put(text);
}
inline void put_one(std::unsigned_integral auto value) {
    put_decimal(value);
}
struct Hex {
    std::uint64_t value;
    unsigned digits = 1;
};
inline void put_one(Hex hex) {
    put_hex(hex.value, hex.digits);
}

/// print("pin ", pin, " at ", Hex{address}, "\n")
template <class... Parts>
void print(Parts... parts) {
    (put_one(parts), ...);
}

}  // namespace tb::kernel
