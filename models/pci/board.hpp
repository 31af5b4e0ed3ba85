// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "models/core/observer.hpp"
#include "models/core/simulation.hpp"

namespace tb::model::pci {

/// The address spaces in which a board decodes accesses of the processor.
enum class Space : std::uint8_t { kMemory, kPort, kConfig };

/// Everything between the processor and the devices: RAM, the host bridge's decoding of memory, ports and
/// configuration space (PCI Express ECAM addresses), the way of DMA and messages upstream, and interrupt
/// routing as on QEMU's q35 (INTx of slot s, pin p to I/O APIC pin 20 + (s + p) mod 4, pins from 0; ISA lines
/// to the pins of the same number).
///
/// Sockets: `cpu_memory`, `cpu_port` and `cpu_config` are targets for a processor that is a module of its
/// own; `dma` is the target for every requester.
class Board : public sc_core::sc_module {
  public:
    static constexpr unsigned kIrqLines = 24;
    using InitiatorSocket = tlm_utils::simple_initiator_socket<Board>;

    struct Options {
        std::uint64_t ram_bytes = 16 << 20;
        /// Writes of 4 bytes into these addresses are reported as messages (besides landing in RAM, if RAM is
        /// there): under QEMU's qtest there is no processor to receive a message at 0xfee00000, so both
        /// machines use this page of RAM.
        std::uint64_t msi_base = 0x0010'0000;
        std::uint64_t msi_size = 0x1000;
    };

    Board(sc_core::sc_module_name name, Simulation& simulation, const Options& options);
    ~Board() override;

    Simulation& simulation() { return simulation_; }
    EventQueue& queue() { return simulation_.queue(); }
    std::span<std::byte> ram() { return {ram_, static_cast<std::size_t>(options_.ram_bytes)}; }

    tlm_utils::simple_target_socket_tagged_optional<Board> cpu_memory;
    tlm_utils::simple_target_socket_tagged_optional<Board> cpu_port;
    tlm_utils::simple_target_socket_tagged_optional<Board> cpu_config;
    /// May stay unbound: a board can have ISA devices alone, which ask for no memory.
    tlm_utils::multi_passthrough_target_socket<Board, 32, tlm::tlm_base_protocol_types, 0,
                                               sc_core::SC_ZERO_OR_MORE_BOUND>
        dma;

    /// Decoding. A region's accesses go out through its own initiator socket with addresses relative to
    /// `base`. Later regions win where two overlap, as the last mapped BAR does. Binding happens before
    /// elaboration, mapping at any time.
    struct Region {
        explicit Region(const std::string& name) : socket(name.c_str()) {}
        InitiatorSocket socket;
        Space space = Space::kMemory;
        std::uint64_t base = 0;
        std::uint64_t size = 0;
        bool mapped = false;
        bool contains(std::uint64_t address) const { return mapped && address - base < size; }
    };
    Region& add_region(const std::string& name);
    void map(Region& region, Space space, std::uint64_t base, std::uint64_t size);
    void unmap(Region& region);
    /// Puts a function's configuration space on bus 0.
    void map_config(Region& region, unsigned device, unsigned function);

    /// Interrupt lines count who asserts them: a line is high while anyone does.
    void set_irq(unsigned line, bool level);
    bool irq_level(unsigned line) const { return irq_count_[line] > 0; }
    static unsigned intx_line(unsigned device, unsigned pin) { return 20 + (device + pin) % 4; }

    /// An access of the processor: decodes it and passes it on through the region's socket. What the cpu
    /// sockets do, without the hop: for a processor in the same process, for whom that is half the cost.
    void access(Space space, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
        // Most accesses go where the last one went.
        const std::uint64_t address = payload.get_address();
        if (space == Space::kMemory && last_memory_ != nullptr && last_memory_->contains(address))
            pass_on(*last_memory_, address, payload, delay);
        else
            cpu_transport(static_cast<int>(space), payload, delay);
    }

    /// What a read of a register would give, without its effects (TLM-2.0's transport_dbg, IEEE 1666-2011
    /// §11.2.2.4): nothing where no device is, or one that cannot tell.
    std::optional<std::uint64_t> peek(Space space, std::uint64_t address, unsigned width);

    void set_observer(Observer* observer) { observer_ = observer == nullptr ? &silent_ : observer; }
    Observer& observer() { return *observer_; }
    void report(const Finding& finding) { observer_->finding(finding); }

    /// Back to power-on: RAM zeroed. Devices are reset by their owner, and let go of their interrupt lines
    /// then.
    void reset();
    /// The same at less cost, where only [first, end) of RAM was written past the board.
    void reset(std::uint64_t first, std::uint64_t end);

  private:
    static constexpr unsigned kPageBits = 12;

    void cpu_transport(int space, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    /// An access that is not aligned becomes aligned ones, each of which finds its own device, as in QEMU (a
    /// PC's bus does the same: ISA and PCI know no unaligned ports).
    void port_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void decode(Space space, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    static void pass_on(Region& region, std::uint64_t address, tlm::tlm_generic_payload& payload,
                        sc_core::sc_time& delay) {
        payload.set_address(address - region.base);
        region.socket->b_transport(payload, delay);
        payload.set_address(address);
    }
    void dma_transport(int initiator, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    bool ram_access(tlm::tlm_generic_payload& payload);

    Simulation& simulation_;
    Options options_;
    std::byte* ram_;
    std::vector<std::uint64_t> written_;  ///< pages of RAM, by the board: a bit each
    std::vector<std::unique_ptr<Region>> regions_;
    std::array<std::vector<Region*>, 3> mapped_;  ///< a space each, latest mapping first
    Region* last_memory_ = nullptr;  ///< found last; forgotten when anything is mapped or unmapped
    std::array<int, kIrqLines> irq_count_{};
    Observer silent_;
    Observer* observer_ = &silent_;
};

}  // namespace tb::model::pci
