// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/model_machine.hpp"

#include <fmt/format.h>

#include "models/pci/board.hpp"
#include "models/pci/cpu.hpp"

namespace tb::harness {

namespace {

constexpr model::pci::Space space_of(hal::AddressSpace space) {
    switch (space) {
        case hal::AddressSpace::kMemory:
            return model::pci::Space::kMemory;
        case hal::AddressSpace::kPort:
            return model::pci::Space::kPort;
        case hal::AddressSpace::kPciConfig:
            break;
    }
    return model::pci::Space::kConfig;
}

}  // namespace

struct ModelMachine::Hardware {
    explicit Hardware(const MemoryMap& memory)
        : board("board", simulation,
                {.ram_bytes = memory.ram_bytes, .msi_base = memory.msi_base, .msi_size = memory.msi_size}),
          cpu(board) {}

    model::Simulation simulation;
    model::pci::Board board;
    model::pci::Cpu cpu;
};

/// Passes on what the board's devices do.
class ModelMachine::Watcher : public model::Observer {
  public:
    explicit Watcher(ModelMachine& machine) : machine_(machine) {}

    void dma(const char*, bool write, std::uint64_t address, std::span<const std::byte> data,
             model::DmaOutcome outcome) override {
        machine_.listener().device_dma(write, address, data, static_cast<unsigned>(outcome));
    }
    void irq(unsigned line, bool level) override { machine_.line_changed(line, level); }
    void msi(std::uint64_t address, std::uint32_t data) override {
        machine_.listener().message_written(address, data);
        machine_.messages_.emplace(address, data);
    }
    void finding(const model::Finding& finding) override {
        machine_.listener().finding(
            fmt::format("{}: {}: {}", finding.device, finding.subject, finding.message));
    }

  private:
    ModelMachine& machine_;
};

std::unique_ptr<ModelMachine> ModelMachine::create(const Build& build, std::uint64_t shuffle_seed,
                                                   const MemoryMap& memory) {
    auto hardware = std::make_unique<Hardware>(memory);
    hardware->simulation.queue().shuffle(shuffle_seed);
    build(hardware->board);
    hardware->simulation.elaborate();
    const std::span<std::byte> ram = hardware->board.ram();
    return std::unique_ptr<ModelMachine>(new ModelMachine(std::move(hardware), ram));
}

ModelMachine::ModelMachine(std::unique_ptr<Hardware> hardware, std::span<std::byte> ram)
    : MachineBase(ram), hardware_(std::move(hardware)), watcher_(std::make_unique<Watcher>(*this)) {
    hardware_->board.set_observer(watcher_.get());
}

ModelMachine::~ModelMachine() {
    hardware_->board.set_observer(nullptr);
}

std::uint64_t ModelMachine::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    const std::uint64_t value = hardware_->cpu.read(space_of(space), address, width);
    settle();
    return value;
}

void ModelMachine::write(hal::AddressSpace space, std::uint64_t address, unsigned width,
                         std::uint64_t value) {
    hardware_->cpu.write(space_of(space), address, width, value);
    settle();
}

std::uint64_t ModelMachine::now_ns() {
    return hardware_->simulation.now();
}
void ModelMachine::delay_ns(std::uint64_t span) {
    hardware_->simulation.advance(span);
    take_messages();
}
std::optional<std::uint64_t> ModelMachine::peek(hal::AddressSpace space, std::uint64_t address,
                                                unsigned width) {
    return hardware_->board.peek(space_of(space), address, width);
}
std::optional<std::uint64_t> ModelMachine::next_due_ns() {
    return hardware_->simulation.queue().next_time();
}
model::pci::Board& ModelMachine::board() {
    return hardware_->board;
}
void ModelMachine::settle() {
    hardware_->simulation.settle();
    take_messages();
}

void ModelMachine::deliver_messages() {
    for (const auto& [address, data] : messages_) message_arrived(address, data);
    messages_.clear();
}

void ModelMachine::reset() {
    hardware_->simulation.reset_clock();
    hardware_->board.reset(pool().base(), pool().end());
    messages_.clear();
    reset_base();
}

}  // namespace tb::harness
