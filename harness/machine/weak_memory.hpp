// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "harness/machine/forwarding.hpp"
#include "harness/machine/machine_base.hpp"

namespace tb::harness {

/// A processor that orders no more than the seam promises: a driver that leaves a barrier out works on x86,
/// and not here.
///
/// What the driver stores may stay unseen by devices until a barrier that orders stores, and a store that
/// releases is seen no sooner than those before it. What it loads may be as old as the last barrier that
/// orders loads or the last load that acquires. A write to a register orders nothing, as a plain one on ARM.
/// Which accesses are late is drawn from the seed; a driver sees its own stores at once, and all that is late
/// has arrived when time passes, when an interrupt is taken, and when memory is given back. Whenever
/// something becomes visible the device may look.
class WeakMemory : public ForwardingMachine {
  public:
    /// Of each two accesses one is late, or all with a seed of kAll.
    static constexpr std::uint64_t kAll = ~std::uint64_t{0};
    /// `look`: has the device look at its rings.
    WeakMemory(MachineBase& machine, std::uint64_t seed, std::function<void()> look = {});
    ~WeakMemory() override;

    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override;
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override;
    void dma_read(std::uint64_t address, std::span<std::byte> out) override;
    void dma_write(std::uint64_t address, std::span<const std::byte> in) override;
    void barrier(hal::Barrier kind) override;
    hal::Result<std::uint64_t> dma_allocate(std::uint64_t size, std::uint64_t alignment) override;
    void dma_free(std::uint64_t address, std::uint64_t size) override;
    void delay_ns(std::uint64_t span) override;
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

    /// Nothing is late any more.
    void settle();

  private:
    struct Store {
        std::uint64_t address;
        std::vector<std::byte> bytes;
    };

    bool late(std::uint64_t address);
    void drain();
    void refresh();
    bool held(std::uint64_t address, std::size_t bytes) const;
    /// The driver's own stores are no older than they are.
    void remember(std::uint64_t address, std::span<const std::byte> bytes);
    /// What the driver sees there: `out` holds what is in memory now.
    void see(std::uint64_t address, std::span<std::byte> out, bool old) const;

    MachineBase& machine_;
    std::uint64_t seed_;
    std::function<void()> look_;
    std::uint64_t drawn_ = 0;
    std::vector<Store> stores_;                            ///< not seen yet, in program order
    std::map<std::uint64_t, std::vector<std::byte>> old_;  ///< allocations as they were at the last ordering
};

}  // namespace tb::harness
