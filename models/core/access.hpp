// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace tb::model {

/// Which widths a region's registers are built for. QEMU's memory core, and so our models, turn an access of
/// another width into ones of these: a narrower access is widened at its own address (so byte 1 of a 32-bit
/// register reads its byte 0 when the device ignores the low address bits), a wider one is split, low part
/// first.
struct AccessWidths {
    unsigned least = 1;  ///< bytes
    unsigned most = 4;   ///< bytes
};

constexpr std::uint64_t width_mask(unsigned width) {
    return width >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * width)) - 1;
}

/// `one(offset, width)` reads what the device is built for; the result is what the bus sees.
template <class One>
std::uint64_t read_in_widths(AccessWidths widths, std::uint64_t offset, unsigned width, One&& one) {
    const unsigned each = width < widths.least ? widths.least : width > widths.most ? widths.most : width;
    std::uint64_t value = 0;
    for (unsigned done = 0; done < width; done += each)
        value |= (one(offset + done, each) & width_mask(each)) << (8 * done);
    return value & width_mask(width);
}

/// `one(offset, width, value)` writes what the device is built for.
template <class One>
void write_in_widths(AccessWidths widths, std::uint64_t offset, unsigned width, std::uint64_t value,
                     One&& one) {
    const unsigned each = width < widths.least ? widths.least : width > widths.most ? widths.most : width;
    for (unsigned done = 0; done < width; done += each)
        one(offset + done, each, (value >> (8 * done)) & width_mask(each));
}

/// Cuts an access at natural alignment, into pieces of at most `most` bytes (a power of two), as QEMU's
/// memory core and a PC's buses do before a device sees it: `piece(done, width)` for each, lowest address
/// first, where `done` bytes lie before it.
template <class Piece>
void cut_at_alignment(std::uint64_t address, unsigned length, unsigned most, Piece&& piece) {
    for (unsigned done = 0; done < length;) {
        unsigned width = 1;
        while (width * 2 <= most && width * 2 <= length - done && ((address + done) & (width * 2 - 1)) == 0)
            width *= 2;
        piece(done, width);
        done += width;
    }
}

}  // namespace tb::model
