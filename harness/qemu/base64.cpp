// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/base64.hpp"

#include <algorithm>
#include <array>

#include "harness/qemu/error.hpp"

namespace tb::qemu {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> make_reverse() {
    std::array<std::uint8_t, 256> table{};
    table.fill(kInvalid);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i)
        table[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    return table;
}

constexpr auto kReverse = make_reverse();

}  // namespace

std::string base64_encode(std::span<const std::uint8_t> data) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < data.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, data.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? data[at + i] : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text.push_back(i <= count ? kAlphabet[group >> (18 - 6 * i) & 0x3f] : '=');
    }
    return text;
}

std::vector<std::uint8_t> base64_decode(std::string_view text) {
    const auto refuse = [] { throw QemuError(ErrorKind::kProtocol, "malformed base64"); };
    if (text.size() % 4 != 0) refuse();
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    std::vector<std::uint8_t> data;
    data.reserve(text.size() / 4 * 3);
    for (std::size_t at = 0; at < text.size(); at += 4) {
        const bool last = at + 4 == text.size();
        const std::size_t letters = last ? 4 - padding : 4;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::uint8_t value = i < letters ? kReverse[static_cast<std::uint8_t>(text[at + i])] : 0;
            if (value == kInvalid) refuse();
            group = group << 6 | value;
        }
        for (std::size_t i = 0; i + 1 < letters; ++i)
            data.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * i)));
    }
    return data;
}

}  // namespace tb::qemu
