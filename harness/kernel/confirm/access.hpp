// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace tb::kernel {

/// An access by this processor, untold. Spaces as the seam numbers them; width 1, 2, 4 or 8 bytes.
std::uint64_t raw_read(unsigned space, std::uint64_t address, unsigned width);
void raw_write(unsigned space, std::uint64_t address, unsigned width, std::uint64_t value);

}  // namespace tb::kernel
