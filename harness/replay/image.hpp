// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace tb::replay {

/// Names a disk image in a recording: "image NAME xxh3 0123456789abcdef", the hash over all of it. Throws
/// trace::FileError when it cannot be read.
std::string identity_of_image(const std::string& path);
/// Whether a disk's contents in a recording are an image's.
bool is_image(std::string_view contents);
/// Whether two identities are of the same contents, whatever the files are called.
bool same_image(std::string_view one, std::string_view other);

}  // namespace tb::replay
