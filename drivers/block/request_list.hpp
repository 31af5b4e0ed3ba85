// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace tb::block {

/// Requests one behind the other, oldest first: a list through the `previous` and `next` of an array's
/// records, so that each is in one list at a time and taking it out of the middle costs nothing.
struct RequestList {
    static constexpr std::uint16_t kNone = 0xffff;

    std::uint16_t first = kNone;
    std::uint16_t last = kNone;

    template <class Records>
    void append(Records& records, std::uint16_t index) {
        records[index].previous = last;
        records[index].next = kNone;
        if (last == kNone)
            first = index;
        else
            records[last].next = index;
        last = index;
    }

    /// `index` is in this list.
    template <class Records>
    void remove(Records& records, std::uint16_t index) {
        const auto& record = records[index];
        if (record.previous == kNone)
            first = record.next;
        else
            records[record.previous].next = record.next;
        if (record.next == kNone)
            last = record.previous;
        else
            records[record.next].previous = record.previous;
    }
};

}  // namespace tb::block
