// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tb::qemu {

/// Base64 with padding (RFC 4648 §4), as qtest's b64read and b64write use it.
std::string base64_encode(std::span<const std::uint8_t> data);

/// Throws QemuError kProtocol on anything but whole groups of the alphabet.
std::vector<std::uint8_t> base64_decode(std::string_view text);

}  // namespace tb::qemu
