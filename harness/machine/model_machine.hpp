// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "harness/machine/machine_base.hpp"

namespace tb::model {
class Simulation;
}
namespace tb::model::pci {
class Board;
}

namespace tb::harness {

/// Where the models find memory, and where messages go.
struct MemoryMap {
    std::uint64_t ram_bytes = kRamBytes;  ///< from address 0
    std::uint64_t msi_base = kMsiBase;
    std::uint64_t msi_size = std::uint64_t{4} * kMsiVectors;
};

/// The machine whose devices are SystemC models in this process: simulated, deterministic time; an access
/// costs none.
///
/// The board's devices are made by the caller, who gets the board in the constructor's callback, before
/// elaboration, and keeps them no longer than the machine. After each access everything that is due has
/// happened, so an interrupt or a completion without latency is visible to the next access.
class ModelMachine : public MachineBase {
  public:
    using Build = std::function<void(model::pci::Board& board)>;
    /// `shuffle_seed` permutes events of equal time in the models; 0 leaves them in order.
    static std::unique_ptr<ModelMachine> create(const Build& build, std::uint64_t shuffle_seed = 0,
                                                const MemoryMap& memory = {});
    ~ModelMachine() override;

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;
    std::uint64_t now_ns() override;
    void delay_ns(std::uint64_t span) override;
    std::optional<std::uint64_t> peek(hal::AddressSpace space, std::uint64_t address,
                                      unsigned width) override;
    std::optional<std::uint64_t> next_due_ns() override;

    model::pci::Board& board();
    /// Runs what is due: after an input from outside the machine.
    void settle();
    /// Power-on again in place: memory, clock, interrupts. Its owner resets the devices.
    void reset();

  private:
    struct Hardware;
    class Watcher;
    ModelMachine(std::unique_ptr<Hardware> hardware, std::span<std::byte> ram);

    void take_messages() {
        if (!messages_.empty()) [[unlikely]]
            deliver_messages();
    }
    void deliver_messages();

    /// Messages of the access at hand. They are delivered behind it, the lowest vector first, as a processor
    /// takes them: in which order a device wrote them is to be seen in its DMA alone, and on QEMU not at all.
    std::set<std::pair<std::uint64_t, std::uint32_t>> messages_;
    std::unique_ptr<Hardware> hardware_;
    std::unique_ptr<Watcher> watcher_;
};

}  // namespace tb::harness
