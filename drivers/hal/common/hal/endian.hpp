// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tb::hal {

/// Little- and big-endian fields inside byte buffers: for payloads (frames, request headers, identify pages)
/// that are built in ordinary memory and copied. Shared memory is reached through DmaCell instead. The caller
/// guarantees that the field lies inside the buffer.
template <class T>
constexpr T load_le(std::span<const std::byte> bytes, std::size_t offset = 0) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[offset + i]) << (8 * i)));
    return value;
}

template <class T>
constexpr void store_le(std::span<std::byte> bytes, std::size_t offset, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * i));
}

template <class T>
constexpr T load_be(std::span<const std::byte> bytes, std::size_t offset = 0) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value = static_cast<T>(static_cast<T>(value << (sizeof(T) > 1 ? 8 : 0)) |
                               static_cast<T>(bytes[offset + i]));
    return value;
}

template <class T>
constexpr void store_be(std::span<std::byte> bytes, std::size_t offset, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        bytes[offset + i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
}

}  // namespace tb::hal
