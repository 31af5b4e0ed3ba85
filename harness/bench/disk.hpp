// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/qemu/shared_memory.hpp"

namespace tb::bench {

/// A disk in memory, filled with the pattern of kernel/bench/pattern.hpp; QEMU opens it as a file.
class Disk {
  public:
    static constexpr std::uint64_t kBytes = std::uint64_t{256} << 20;
    /// Generations: 1 is how it begins; each pass that writes has its own.
    static constexpr unsigned kGenerations = 5;
    using Counts = std::array<std::uint64_t, kGenerations>;

    Disk();
    int fd() const { return memory_.fd(); }
    /// How many blocks are of which generation; nothing when a block is of none, with where and what in
    /// `why`.
    std::optional<Counts> count(std::string& why);

  private:
    qemu::SharedMemory memory_;
};

}  // namespace tb::bench
