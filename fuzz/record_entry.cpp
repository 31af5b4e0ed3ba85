// SPDX-License-Identifier: BSD-3-Clause
//
// libFuzzer's mutations for inputs that are records.

#include "fuzz/record_entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "harness/fuzz/lies.hpp"
#include "harness/fuzz/mutate.hpp"
#include "harness/random/dice.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

using namespace tb;

std::size_t put(const std::vector<fuzz::Record>& program, std::uint8_t* data, std::size_t most) {
    const auto bytes = fuzz::pack(program);
    const std::size_t size = std::min(bytes.size(), most / fuzz::kRecordBytes * fuzz::kRecordBytes);
    std::copy_n(bytes.begin(), size, data);
    return size;
}

/// The plain lies, one by one, as long as there are any that fit: at first nothing else, then half of the
/// time.
const std::vector<fuzz::Record>* next_lie(unsigned seed, std::size_t most) {
    constexpr unsigned kByChance = 50;
    static const fuzz::Lies lies = fuzz::plain_lies(fuzz::language(), fuzz::views(), seed);
    static std::size_t next = 0;
    if (next >= lies.first && random::Dice(seed).percent(kByChance)) return nullptr;
    if (next == lies.programs.size() || lies.programs[next].size() * fuzz::kRecordBytes > most)
        return nullptr;
    return &lies.programs[next++];
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
    constexpr unsigned kByBytes = 30;
    if (const auto* lie = next_lie(seed, most)) return put(*lie, data, most);
    if (size >= fuzz::kRecordBytes && random::Dice(seed).percent(kByBytes))
        return LLVMFuzzerMutate(data, size, most);
    return put(fuzz::mutate(fuzz::unpack({data, size}), fuzz::language(), fuzz::views(), seed), data, most);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* first, std::size_t first_size,
                                                 const std::uint8_t* second, std::size_t second_size,
                                                 std::uint8_t* out, std::size_t most, unsigned int seed) {
    if (const auto* lie = next_lie(seed, most)) return put(*lie, out, most);
    return put(fuzz::cross(fuzz::unpack({first, first_size}), fuzz::unpack({second, second_size}), seed), out,
               most);
}
