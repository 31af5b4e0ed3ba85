// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/weak_memory.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tb::harness {

namespace {

/// Rings and what goes with them; payload is mapped, and is seen when it is unmapped.
constexpr std::uint64_t kMostRemembered = std::uint64_t{64} << 10;

std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

/// Copies what [address, address + from.size()) and [at, at + to.size()) have in common.
void overlay(std::uint64_t address, std::span<const std::byte> from, std::uint64_t at,
             std::span<std::byte> to) {
    const std::uint64_t first = std::max(address, at);
    const std::uint64_t end = std::min(address + from.size(), at + to.size());
    if (first < end) std::memcpy(to.data() + (first - at), from.data() + (first - address), end - first);
}

}  // namespace

WeakMemory::WeakMemory(MachineBase& machine, std::uint64_t seed, std::function<void()> look)
    : ForwardingMachine(machine), machine_(machine), seed_(seed), look_(std::move(look)) {}

WeakMemory::~WeakMemory() = default;

bool WeakMemory::late(std::uint64_t address) {
    if (seed_ == kAll) return true;
    return (mixed(seed_ ^ mixed(address ^ ++drawn_ << 40)) & 1) != 0;
}

void WeakMemory::drain() {
    for (const Store& store : stores_) machine_.dma_write(store.address, store.bytes);
    stores_.clear();
}

void WeakMemory::refresh() {
    for (auto& [address, bytes] : old_) machine_.dma_read(address, bytes);
}

void WeakMemory::settle() {
    drain();
    refresh();
}

bool WeakMemory::held(std::uint64_t address, std::size_t bytes) const {
    return std::any_of(stores_.begin(), stores_.end(), [&](const Store& store) {
        return store.address < address + bytes && address < store.address + store.bytes.size();
    });
}

void WeakMemory::see(std::uint64_t address, std::span<std::byte> out, bool old) const {
    if (old) {
        auto found = old_.upper_bound(address);
        if (found != old_.begin()) {
            --found;
            overlay(found->first, found->second, address, out);
        }
    }
    for (const Store& store : stores_) overlay(store.address, store.bytes, address, out);
}

std::uint64_t WeakMemory::dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) {
    std::uint64_t value = machine_.dma_load(address, width, order);
    const bool acquires = order == hal::MemoryOrder::kAcquire;
    see(address, std::as_writable_bytes(std::span(&value, 1)).first(width), !acquires && late(address));
    if (acquires) refresh();
    return value;
}

void WeakMemory::dma_read(std::uint64_t address, std::span<std::byte> out) {
    machine_.dma_read(address, out);
    see(address, out, late(address));
}

void WeakMemory::dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                           hal::MemoryOrder order) {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(&value, 1)).first(width);
    // Stores to one place keep their order, and one that releases comes behind all before it.
    const bool releases = order == hal::MemoryOrder::kRelease;
    if (late(address) || (!releases && held(address, width))) {
        stores_.push_back({address, {bytes.begin(), bytes.end()}});
    } else {
        if (releases) drain();
        machine_.dma_store(address, width, value, order);
        if (look_ && late(address)) look_();
    }
    remember(address, bytes);
}

void WeakMemory::dma_write(std::uint64_t address, std::span<const std::byte> in) {
    if (late(address) || held(address, in.size()))
        stores_.push_back({address, {in.begin(), in.end()}});
    else
        machine_.dma_write(address, in);
    remember(address, in);
}

void WeakMemory::remember(std::uint64_t address, std::span<const std::byte> bytes) {
    auto found = old_.upper_bound(address);
    if (found == old_.begin()) return;
    --found;
    overlay(address, bytes, found->first, found->second);
}

void WeakMemory::barrier(hal::Barrier kind) {
    if (kind != hal::Barrier::kRead) drain();
    if (kind != hal::Barrier::kWrite) refresh();
    machine_.barrier(kind);
}

hal::Result<std::uint64_t> WeakMemory::dma_allocate(std::uint64_t size, std::uint64_t alignment) {
    const hal::Result<std::uint64_t> address = machine_.dma_allocate(size, alignment);
    if (address && size <= kMostRemembered) old_[*address].resize(size);
    return address;
}

void WeakMemory::dma_free(std::uint64_t address, std::uint64_t size) {
    settle();
    old_.erase(address);
    machine_.dma_free(address, size);
}

void WeakMemory::delay_ns(std::uint64_t span) {
    drain();
    machine_.delay_ns(span);
    refresh();
}

std::optional<std::uint32_t> WeakMemory::take_interrupt(bool begin) {
    const std::optional<std::uint32_t> vector = machine_.take_interrupt(begin);
    if (vector) settle();
    return vector;
}

}  // namespace tb::harness
