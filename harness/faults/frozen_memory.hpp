// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "harness/machine/machine_base.hpp"

namespace tb::faults {

/// A driver's view of shared memory while what the device writes stays unseen: as it was when it froze, with
/// what the driver itself has stored since. Memory that is taken meanwhile is seen as it is.
class FrozenMemory {
  public:
    explicit FrozenMemory(harness::MachineBase& machine) : machine_(machine) {}

    /// All that is allocated now, until then; one that is frozen already stays so for longer.
    void freeze(std::uint64_t until_ns);
    void thaw();
    void thaw_if_due();
    bool frozen() const { return frozen_; }

    /// What was there, for bytes that lie in one allocation of then; `out` is left alone for others.
    void load(std::uint64_t address, std::span<std::byte> out) const;
    void store(std::uint64_t address, std::span<const std::byte> in);
    /// The allocation that begins there is given back.
    void forget(std::uint64_t address) { view_.erase(address); }

  private:
    using View = std::map<std::uint64_t, std::vector<std::byte>>;

    template <class Views>
    static auto find(Views& view, std::uint64_t address, std::size_t size)
        -> decltype(view.begin()->second.data());

    harness::MachineBase& machine_;
    View view_;  ///< by address
    std::uint64_t until_ns_ = 0;
    bool frozen_ = false;
};

}  // namespace tb::faults
