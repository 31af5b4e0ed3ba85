// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/memory_disk.hpp"

#include <bit>
#include <cstring>

namespace tb::model::block {

namespace {

// splitmix64 (Steele, Lea, Flood 2014), keyed by position so that any sector can be made by itself.
std::uint64_t word_at(std::uint64_t seed, std::uint64_t position) {
    std::uint64_t x = seed * 0x9e3779b97f4a7c15 + position * 0xd1342543de82ef95;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

}  // namespace

int MemoryDisk::read_base(std::uint64_t sector, std::span<std::byte> data) {
    constexpr std::size_t kWord = 8;
    constexpr std::uint64_t kWordsInSector = kSectorBytes / kWord;
    if (fill_ == Fill::kZero) {
        std::memset(data.data(), 0, data.size());
        return 0;
    }
    for (std::size_t at = 0; at < data.size(); at += kWord) {
        const std::uint64_t position = sector * kWordsInSector + at / kWord;
        std::uint64_t word = fill_ == Fill::kLba ? position / kWordsInSector : word_at(seed_, position);
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(data.data() + at, &word, kWord);
        } else {
            for (std::size_t i = 0; i < kWord; ++i, word >>= 8)
                data[at + i] = static_cast<std::byte>(word & 0xff);
        }
    }
    return 0;
}

}  // namespace tb::model::block
