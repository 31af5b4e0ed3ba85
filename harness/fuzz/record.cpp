// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

namespace tb::fuzz {

namespace {

enum Form : std::uint8_t { kPlain, kPowerOfTwo, kBelowPower, kNegative, kHighHalf, kByteRepeated, kEdge };
constexpr unsigned kForms = kEdge + 1;

/// Where drivers and devices compare.
constexpr std::uint64_t kEdges[] = {
    0,      1,      2,        3,        4,    8,    15,   16,    17,          31,          32,           60,
    64,     127,    128,      255,      256,  511,  512,  513,   1024,        1514,        1518,         2048,
    0x8000, 0xffff, 0x1'0000, 0x1'0001, 4096, 4095, 4097, 16384, 0x7fff'ffff, 0xffff'ffff, 0x1'0000'0000};

constexpr std::uint32_t word(const std::uint8_t* bytes) {
    return static_cast<std::uint32_t>(bytes[0] | bytes[1] << 8 | bytes[2] << 16) |
           static_cast<std::uint32_t>(bytes[3]) << 24;
}

}  // namespace

std::vector<Record> unpack(std::span<const std::uint8_t> bytes) {
    std::vector<Record> records(std::min(bytes.size() / kRecordBytes, kMostRecords));
    const std::uint8_t* at = bytes.data();
    for (Record& record : records) {
        record = {at[0], at[1],       static_cast<std::uint16_t>(at[2] | at[3] << 8), at[4], at[5], at[6],
                  at[7], word(at + 8)};
        at += kRecordBytes;
    }
    return records;
}

std::vector<std::uint8_t> pack(std::span<const Record> records) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(records.size() * kRecordBytes);
    const auto add = [&](unsigned value) { bytes.push_back(static_cast<std::uint8_t>(value)); };
    for (const Record& record : records) {
        for (const unsigned value : {unsigned{record.kind}, unsigned{record.what}, record.place & 0xffU,
                                     unsigned{record.place} >> 8U, unsigned{record.nth},
                                     unsigned{record.times}, unsigned{record.when}, unsigned{record.form}})
            add(value);
        for (unsigned shift = 0; shift < 32; shift += 8) add(record.value >> shift & 0xff);
    }
    return bytes;
}

std::uint64_t number(const Record& record) {
    const std::uint64_t value = record.value;
    switch (record.form % kForms) {
        case kPowerOfTwo:
            return std::uint64_t{1} << (value & 63);
        case kBelowPower:
            return (std::uint64_t{1} << (value & 63)) - 1;
        case kNegative:
            return ~value;
        case kHighHalf:
            return value << 32;
        case kByteRepeated:
            return (value & 0xff) * 0x0101'0101'0101'0101;
        case kEdge:
            return kEdges[value % std::size(kEdges)];
        default:
            return value;
    }
}

void set_number(Record& record, std::uint64_t value) {
    record.form = kPlain;
    record.value = static_cast<std::uint32_t>(value);
    if (value >> 32 == 0) return;
    if (std::has_single_bit(value)) {
        record.form = kPowerOfTwo;
        record.value = static_cast<std::uint32_t>(std::countr_zero(value));
    } else if (~value >> 32 == 0) {
        record.form = kNegative;
        record.value = static_cast<std::uint32_t>(~value);
    } else if ((value & 0xffff'ffff) == 0) {
        record.form = kHighHalf;
        record.value = static_cast<std::uint32_t>(value >> 32);
    }
}

}  // namespace tb::fuzz
