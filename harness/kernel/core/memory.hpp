// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/kernel/boot/start_info.hpp"

namespace tb::kernel {

/// Takes the RAM above the image into use. Memory is mapped one to one: an address here is the address that a
/// device uses. RAM below the image is nobody's.
void initialise_memory(const StartInfo& info);

/// Zeroed, contiguous, aligned to `alignment` (a power of two; at least a page). Null when there is none.
void* allocate_pages(std::size_t bytes, std::size_t alignment = 4096);
void free_pages(void* memory, std::size_t bytes);

/// Small pieces, aligned to 16 bytes; null when there is none. What operator new uses.
void* allocate(std::size_t bytes);
void release(void* memory);

}  // namespace tb::kernel
