// SPDX-License-Identifier: BSD-3-Clause
#include "harness/report/xml.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace tb::report {

namespace {

// Bytes of the well-formed UTF-8 character at the beginning of `text` that XML allows, or 0 (Unicode 15,
// table 3-7).
std::size_t character_size(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
    std::uint32_t code = lead & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
        code = code << 6 | (byte(i) & 0x3fu);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff || code == 0xfffe || code == 0xffff) return 0;
    return size;
}

}  // namespace

std::string xml_escape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const char c = text.front();
        std::size_t size = 1;
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            // As they are they would become blanks in an attribute.
            case '\n':
            case '\r':
            case '\t':
                fmt::format_to(std::back_inserter(out), "&#{};", static_cast<int>(c));
                break;
            default:
                size = character_size(text);
                if (size == 0) {
                    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
                    size = 1;
                } else {
                    out += text.substr(0, size);
                }
        }
        text.remove_prefix(size);
    }
    return out;
}

}  // namespace tb::report
