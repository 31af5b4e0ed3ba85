// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/disk.hpp"

#include <fmt/format.h>

#include <span>

#include "harness/kernel/bench/pattern.hpp"

namespace tb::bench {

namespace {

namespace pattern = kernel::bench;

std::span<std::uint64_t> words_of(std::span<std::uint8_t> bytes) {
    // Mapped memory: aligned to a page.
    return {reinterpret_cast<std::uint64_t*>(bytes.data()), bytes.size() / sizeof(std::uint64_t)};
}

}  // namespace

Disk::Disk() : memory_("twinbench-disk", kBytes) {
    std::uint64_t* word = words_of(memory_.bytes()).data();
    for (std::uint64_t block = 0; block < kBytes / pattern::kBlockBytes; ++block)
        for (std::uint64_t i = 0; i < pattern::kBlockWords; ++i) *word++ = pattern::block_word(1, block, i);
}

std::optional<Disk::Counts> Disk::count(std::string& why) {
    Counts counts{};
    const std::uint64_t* words = words_of(memory_.bytes()).data();
    for (std::uint64_t block = 0; block < kBytes / pattern::kBlockBytes;
         ++block, words += pattern::kBlockWords) {
        const std::uint64_t generation = words[0] >> 56;
        for (std::uint64_t i = 0; i < pattern::kBlockWords; ++i) {
            if (generation < kGenerations && words[i] == pattern::block_word(generation, block, i)) continue;
            why = fmt::format("block {} of the disk is not as any request wrote it: word {} is {:#x}", block,
                              i, words[i]);
            return std::nullopt;
        }
        ++counts[generation];
    }
    return counts;
}

}  // namespace tb::bench
