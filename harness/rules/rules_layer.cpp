// SPDX-License-Identifier: BSD-3-Clause
#include "harness/rules/rules_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "harness/operations/board.hpp"
#include "pci/pci.hpp"

namespace tb::rules {

namespace {

constexpr std::uint16_t kSpaces = pci::kCommandMemory | pci::kCommandIo;

constexpr std::uint64_t own_config() {
    return hal::config_address(harness::kDeviceUnderTest, 0);
}
constexpr bool is_ours(std::uint64_t config_address) {
    constexpr std::uint64_t kFunctionBytes = 0x1000;
    return config_address >= own_config() && config_address - own_config() < kFunctionBytes;
}

std::unique_ptr<Book> make_book(Court& court, const harness::DeviceType& device) {
    const std::string_view name = device.name();
    if (name.starts_with("virtio-blk")) return make_virtio_blk_book(court, device);
    if (name.starts_with("virtio-net")) return make_virtio_net_book(court, device);
    if (name.ends_with("ahci")) return make_ahci_book(court, device);
    if (name.ends_with("serial")) return make_uart_book(court, device);
    if (name.starts_with("e1000")) return make_e1000_book(court, device);
    return std::make_unique<Book>(court);
}

}  // namespace

RulesLayer::RulesLayer(hal::Machine& below, harness::MachineBase& machine, const harness::DeviceType& device,
                       bool may_be_lied_to)
    : ForwardingMachine(below),
      machine_(machine),
      is_pci_(device.is_pci()),
      map_(device),
      book_(make_book(*this, device)),
      may_be_lied_to_(may_be_lied_to) {}

RulesLayer::~RulesLayer() = default;

void RulesLayer::breaks(std::string_view id, const std::string& how) {
    if (follows()) accuse(id, how);
}

void RulesLayer::accuse(std::string_view id, const std::string& how) {
    if (broken_.contains(id)) return;
    const Rule* rule = find_rule(id);
    if (rule == nullptr) throw std::logic_error(fmt::format("there is no rule '{}'", id));
    broken_.emplace(id);
    if (told_) told_(*rule, how);
}

void RulesLayer::driver_begins() {
    taken_.clear();
}

void RulesLayer::driver_ends() {
    taken_.clear();
    book().rests();
}

// Registers.

std::uint64_t RulesLayer::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    const std::uint64_t value = below().read(space, address, width);
    if (space == hal::AddressSpace::kPciConfig && aside_ == 0 && is_ours(address)) {
        const auto position = capabilities_.heard(address - own_config(), width, value);
        if (position)
            accuse("virtio.capability.short",
                   fmt::format("{} bytes are read at {:#x}, beyond the capability at {:#x}", width,
                               address - own_config(), *position));
        if (may_be_lied_to_) check_config(address, width, value);
    }
    if (!follows()) return value;
    if (const auto place = map_.find(space, address)) {
        judge_pci(space, *place);
        book().read({false, width, value, *place});
    }
    return value;
}

void RulesLayer::write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) {
    if (space == hal::AddressSpace::kPciConfig) wrote_config(address, width, value);
    if (!follows()) return below().write(space, address, width, value);
    if (const auto place = map_.find(space, address)) {
        judge_pci(space, *place);
        book().write({true, width, value, *place});
    } else if (space == hal::AddressSpace::kPciConfig && is_ours(address)) {
        book().wrote_config(address - own_config());
    }
    below().write(space, address, width, value);
}

void RulesLayer::check_config(std::uint64_t address, unsigned width, std::uint64_t heard) {
    // A driver that reads and writes back what has lost its spaces turns them off: not its own doing.
    const bool lost = address - own_config() == pci::kCommand && (command_ & ~heard & kSpaces) != 0;
    if (lost || machine_.read(hal::AddressSpace::kPciConfig, address, width) != heard) stop_judging();
}

void RulesLayer::stop_judging() {
    misled_ = true;
    Court& court = *this;
    book_ = std::make_unique<Book>(court);
}

void RulesLayer::wrote_config(std::uint64_t address, unsigned width, std::uint64_t value) {
    if (!is_ours(address)) return;
    const std::uint64_t offset = address - own_config();
    map_.wrote_config(address, value);
    if (!follows()) return;
    if (offset == pci::kCommand) {
        command_ = static_cast<std::uint16_t>(value);
        bus_master_ = (command_ & pci::kCommandBusMaster) != 0;
    }
    if (offset >= pci::kBar0 && offset < pci::kBar0 + 4 * pci::kBars && (command_ & kSpaces) != 0)
        breaks("pci.bar.decoding",
               fmt::format("BAR {} is written while the function decodes", (offset - pci::kBar0) / 4));
    if (offset % 4 + width > 4)
        breaks("pci.config.alignment", fmt::format("{} bytes are written at {:#x}", width, offset));
}

void RulesLayer::judge_pci(hal::AddressSpace space, const harness::RegisterPlace& place) {
    if (!is_pci_ || space == hal::AddressSpace::kPciConfig) return;
    const bool on =
        (command_ & (space == hal::AddressSpace::kMemory ? pci::kCommandMemory : pci::kCommandIo)) != 0;
    if (!on)
        breaks("pci.space.disabled", fmt::format("{}.{} is reached with its space off", place.block->name,
                                                 place.spec == nullptr ? "?" : place.spec->name));
}

// Memory.

std::uint64_t RulesLayer::dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) {
    const std::uint64_t value = below().dma_load(address, width, order);
    if (address % width != 0)
        breaks("dma.alignment", fmt::format("{} bytes are loaded at {:#x}", width, address));
    fetched(address, width, value);
    book().touches(address, width, false);
    book().load(address, width, value, order);
    return value;
}

void RulesLayer::dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                           hal::MemoryOrder order) {
    if (address % width != 0)
        breaks("dma.alignment", fmt::format("{} bytes are stored at {:#x}", width, address));
    stored(address, width);
    book().touches(address, width, true);
    book().store(address, width, value, order);
    below().dma_store(address, width, value, order);
}

void RulesLayer::dma_read(std::uint64_t address, std::span<std::byte> out) {
    below().dma_read(address, out);
    book().touches(address, out.size(), false);
}

void RulesLayer::dma_write(std::uint64_t address, std::span<const std::byte> in) {
    stored(address, in.size());
    book().touches(address, in.size(), true);
    // As the words that a processor would store; what is not a whole one goes by bytes.
    for (std::size_t i = 0; i < in.size();) {
        std::size_t width = 8;
        while ((address + i) % width != 0 || width > in.size() - i) width /= 2;
        std::uint64_t value = 0;
        for (std::size_t b = 0; b < width; ++b)
            value |= std::uint64_t{static_cast<std::uint8_t>(in[i + b])} << (8 * b);
        book().store(address + i, static_cast<unsigned>(width), value, hal::MemoryOrder::kRelaxed);
        i += width;
    }
    below().dma_write(address, in);
}

void RulesLayer::barrier(hal::Barrier kind) {
    book().barrier(kind);
    below().barrier(kind);
}

void RulesLayer::fetched(std::uint64_t address, unsigned width, std::uint64_t value) {
    if (book().fetch(address, width, value) != Fetch::kTaken) return;
    for (const Taken& before : taken_)
        if (overlaps(before.address, before.width, address, width))
            return breaks("dma.double-fetch",
                          fmt::format("{:#x} was loaded before since the driver was called", address));
    taken_.push_back({address, width});
}

void RulesLayer::stored(std::uint64_t address, std::uint64_t bytes) {
    std::erase_if(taken_, [&](const Taken& t) { return overlaps(t.address, t.width, address, bytes); });
}

void RulesLayer::delay_ns(std::uint64_t span) {
    taken_.clear();
    book().rests();
    below().delay_ns(span);
}

std::optional<std::uint32_t> RulesLayer::take_interrupt(bool begin) {
    const std::optional<std::uint32_t> vector = below().take_interrupt(begin);
    if (vector) taken_.clear();
    return vector;
}

// Ownership.

void RulesLayer::lend(std::uint64_t address, const Lent& lent) {
    lent_[address] = lent;
    std::uint64_t& most = ever_lent_[address];
    most = std::max(most, lent.bytes);
}

hal::Result<std::uint64_t> RulesLayer::dma_allocate(std::uint64_t size, std::uint64_t alignment) {
    const hal::Result<std::uint64_t> address = below().dma_allocate(size, alignment);
    if (address) lend(*address, {size, true, true});
    return address;
}

void RulesLayer::dma_free(std::uint64_t address, std::uint64_t size) {
    forget(address, size);
    below().dma_free(address, size);
}

hal::Result<std::uint64_t> RulesLayer::dma_map(std::span<std::byte> buffer, hal::Direction direction) {
    const hal::Result<std::uint64_t> address = below().dma_map(buffer, direction);
    if (address)
        lend(*address, {buffer.size(), direction != hal::Direction::kFromDevice,
                        direction != hal::Direction::kToDevice});
    return address;
}

void RulesLayer::dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) {
    forget(address, buffer.size());
    below().dma_unmap(address, buffer, direction);
}

void RulesLayer::forget(std::uint64_t address, std::uint64_t bytes) {
    book().releases(address, bytes);
    stored(address, bytes);
    lent_.erase(address);
}

const RulesLayer::Lent* RulesLayer::find(std::uint64_t address, std::uint64_t bytes) const {
    auto found = lent_.upper_bound(address);
    if (found == lent_.begin()) return nullptr;
    --found;
    const std::uint64_t into = address - found->first;
    if (into > found->second.bytes || bytes > found->second.bytes - into) return nullptr;
    return &found->second;
}

bool RulesLayer::was_lent(std::uint64_t address, std::uint64_t bytes) const {
    auto found = ever_lent_.upper_bound(address);
    if (found == ever_lent_.begin()) return false;
    --found;
    return address + bytes <= found->first + found->second;
}

bool RulesLayer::lent_for(std::uint64_t address, std::uint64_t bytes, bool device_writes) const {
    const Lent* lent = find(address, bytes);
    return lent != nullptr && (device_writes ? lent->from_device : lent->to_device);
}

void RulesLayer::device_dma(bool write, std::uint64_t address, std::uint64_t bytes) {
    if (forgot_) return;
    // A message is not memory.
    if (address - harness::kMsiBase < std::uint64_t{4} * harness::kMsiVectors) return;
    const Lent* lent = find(address, bytes);
    const char* what = write ? "writes" : "reads";
    // A device that has said that it is done, and goes on, is not the driver's doing; one that was not done,
    // and whose memory went, is found where the memory goes.
    if (lent == nullptr && was_lent(address, bytes)) return;
    if (lent == nullptr)
        breaks("dma.outside",
               fmt::format("the device {} {} bytes at {:#x}, which are nobody's", what, bytes, address));
    else if (!(write ? lent->from_device : lent->to_device))
        breaks("dma.direction",
               fmt::format("the device {} a buffer at {:#x} that was mapped the other way", what, address));
}

}  // namespace tb::rules
