// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "harness/kernel/boot/start_info.hpp"

namespace tb::kernel {

/// Physical memory one to one: RAM write-back, everything else uncached (device registers), the page at 0 and
/// the guard page of the stack not at all, the image with the rights of its sections.
void initialise_paging(const StartInfo& info);

/// Makes device registers reachable, uncached, and returns where: the address itself. Null when the tables
/// are exhausted. Below 4 GiB all is mapped already.
void* map_device(std::uint64_t address, std::uint64_t size);

}  // namespace tb::kernel
