// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace tb::report {

/// Text for an XML 1.0 document, between tags or in double quotes. Characters that XML cannot hold at all,
/// not even escaped (most controls; production [2] Char), are shown as \x1b; bytes that are no UTF-8 as \xff.
std::string xml_escape(std::string_view text);

}  // namespace tb::report
