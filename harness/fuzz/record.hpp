// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tb::fuzz {

/// One step of a program, in as many bytes as every other: records can be swapped, cut out and put in, and
/// the others still mean the same. What the bytes mean, the step's kind says (language.hpp); small changes of
/// a byte make small changes of a step.
struct Record {
    std::uint8_t kind = 0;
    std::uint8_t what = 0;    ///< an act at a site, an operation, an input
    std::uint16_t place = 0;  ///< a register or part of a ring; a sector, an address
    std::uint8_t nth = 0;     ///< a place in an order; a count, a length
    std::uint8_t times = 0;
    std::uint8_t when = 0;
    std::uint8_t form = 0;  ///< how `value` is read, see number()
    std::uint32_t value = 0;

    bool operator==(const Record&) const = default;
};

inline constexpr std::size_t kRecordBytes = 12;
/// Of one program. The first chooses the driver's options.
inline constexpr std::size_t kMostRecords = 32;

/// What is no whole record at the end is left out, and so is what goes beyond the most.
std::vector<Record> unpack(std::span<const std::uint8_t> bytes);
std::vector<std::uint8_t> pack(std::span<const Record> records);

/// A number of 64 bits from four bytes: as they are, or one that lies at an edge.
std::uint64_t number(const Record& record);
/// A record whose number() it is, as near as four bytes come.
void set_number(Record& record, std::uint64_t value);

}  // namespace tb::fuzz
