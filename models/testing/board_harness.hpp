// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>
#include <vector>

#include "models/pci/board.hpp"
#include "models/pci/cpu.hpp"

namespace tb::model::testing {

/// Remembers what a board reported.
class RecordingObserver : public Observer {
  public:
    struct Dma {
        bool write;
        std::uint64_t address;
        std::size_t size;
        DmaOutcome outcome;
    };
    void dma(const char*, bool write, std::uint64_t address, std::span<const std::byte> data,
             DmaOutcome outcome) override {
        dmas.push_back({write, address, data.size(), outcome});
    }
    void irq(unsigned line, bool level) override { irqs.emplace_back(line, level); }
    void msi(std::uint64_t address, std::uint32_t data) override { messages.emplace_back(address, data); }
    void finding(const Finding& finding) override { findings.push_back(finding); }

    std::vector<Dma> dmas;
    std::vector<std::pair<unsigned, bool>> irqs;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> messages;
    std::vector<Finding> findings;
};

/// A simulation with a board and a processor, for one model under test: add the device, call start(), and go.
///
///     BoardHarness bench;
///     MyDevice device("device", bench.board, 4, 0, ...);
///     bench.start();
///     device.power_on_reset();
class BoardHarness {
  public:
    BoardHarness() : board("board", simulation, {}), cpu(board) { board.set_observer(&seen); }

    void start() { simulation.elaborate(); }

    std::uint64_t read(std::uint64_t address, unsigned width = 4) {
        const std::uint64_t value = cpu.read(pci::Space::kMemory, address, width);
        simulation.settle();
        return value;
    }
    void write(std::uint64_t address, std::uint64_t value, unsigned width = 4) {
        cpu.write(pci::Space::kMemory, address, width, value);
        simulation.settle();
    }
    std::uint64_t in(std::uint64_t port, unsigned width = 1) {
        const std::uint64_t value = cpu.read(pci::Space::kPort, port, width);
        simulation.settle();
        return value;
    }
    void out(std::uint64_t port, std::uint64_t value, unsigned width = 1) {
        cpu.write(pci::Space::kPort, port, width, value);
        simulation.settle();
    }
    static std::uint64_t config_address(unsigned device, unsigned offset) { return device << 15 | offset; }
    std::uint64_t config_read(unsigned device, unsigned offset, unsigned width = 4) {
        return cpu.read(pci::Space::kConfig, config_address(device, offset), width);
    }
    void config_write(unsigned device, unsigned offset, std::uint64_t value, unsigned width = 4) {
        cpu.write(pci::Space::kConfig, config_address(device, offset), width, value);
        simulation.settle();
    }
    template <class T>
    T load(std::uint64_t address) {
        T value{};
        std::memcpy(&value, board.ram().data() + address, sizeof(T));
        return value;
    }
    template <class T>
    void store(std::uint64_t address, T value) {
        std::memcpy(board.ram().data() + address, &value, sizeof(T));
    }

    Simulation simulation;
    RecordingObserver seen;
    pci::Board board;
    pci::Cpu cpu;
};

}  // namespace tb::model::testing
