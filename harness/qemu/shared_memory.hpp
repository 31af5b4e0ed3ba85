// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/qemu/fd.hpp"

namespace tb::qemu {

/// Zeroed memory without a name in any file system (memfd), mapped here, and for another process to open as
/// /proc/self/fd/N when it inherits the descriptor. It is gone when its last user is.
class SharedMemory {
  public:
    /// `name` shows in /proc/PID/maps only. Throws std::system_error.
    SharedMemory(const char* name, std::size_t size);
    ~SharedMemory();
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;

    std::span<std::uint8_t> bytes() { return {data_, size_}; }
    int fd() const { return fd_.get(); }

  private:
    UniqueFd fd_;
    std::uint8_t* data_ = nullptr;
    std::size_t size_;
};

}  // namespace tb::qemu
