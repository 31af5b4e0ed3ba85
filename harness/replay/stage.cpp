// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/stage.hpp"

#include <algorithm>
#include <cstring>

#include "harness/operations/board.hpp"

namespace tb::replay {

namespace {

using harness::kDeviceUnderTest;

constexpr std::uint32_t kCommand = 0x04;
constexpr std::uint32_t kBar0 = 0x10;
constexpr std::uint32_t kIoEnable = 1;
constexpr std::uint32_t kMemoryEnable = 2;
constexpr std::uint32_t kBusMaster = 4;
constexpr std::uint32_t kWideBar = 4;
/// Without a clock in the recording, a timer is tried this often before a read is given up.
constexpr unsigned kMostTimers = 8;

}  // namespace

Stage::Address Stage::address_of(const Target& target) {
    const Spot& spot = target.spot;
    if (spot.bar == Spot::kConfig)
        return {hal::AddressSpace::kPciConfig,
                hal::config_address(kDeviceUnderTest, static_cast<std::uint32_t>(spot.offset))};
    if (spot.bar == Spot::kPorts) return {hal::AddressSpace::kPort, role_.ports + spot.offset};
    ensure_mapped(target);
    return {target.base < 0x10000 ? hal::AddressSpace::kPort : hal::AddressSpace::kMemory,
            target.base + spot.offset};
}

void Stage::ensure_mapped(const Target& target) {
    const auto bar = static_cast<unsigned>(target.spot.bar);
    const std::uint64_t base = target.base;
    if (verified_[bar] == base) return;
    harness::MachineBase& machine = rig_->machine();
    const auto config = [](std::uint32_t offset) { return hal::config_address(kDeviceUnderTest, offset); };
    const auto read = [&](std::uint32_t offset) {
        return static_cast<std::uint32_t>(machine.read(hal::AddressSpace::kPciConfig, config(offset), 4));
    };
    const auto write = [&](std::uint32_t offset, std::uint64_t value) {
        machine.write(hal::AddressSpace::kPciConfig, config(offset), 4, value & 0xffff'ffff);
    };
    const std::uint32_t at = kBar0 + 4 * bar;
    const std::uint32_t low = read(at);
    const bool io = (low & 1) != 0;
    const bool wide = !io && (low & kWideBar) != 0;
    const std::uint32_t mask = io ? ~3U : ~0xfU;
    std::uint64_t now = low & mask;
    if (wide) now |= std::uint64_t{read(at + 4)} << 32;
    const std::uint32_t wanted = io ? kIoEnable : kMemoryEnable;
    const std::uint32_t command = read(kCommand) & 0xffff;
    if (now != base || (command & wanted) == 0) {
        write(at, base);
        if (wide) write(at + 4, base >> 32);
        write(kCommand, command | wanted | (target.configured ? 0 : kBusMaster));
        ++placed_;
    }
    verified_[bar] = base;
}

void Stage::advance_to(std::uint64_t time) {
    const std::uint64_t now = rig_->machine().now_ns();
    if (time > now) rig_->machine().delay_ns(time - now);
}

void Stage::at(std::uint64_t time, std::uint64_t tolerance) {
    time_ = time;
    tolerance_ = tolerance;
}

void Stage::run_timers(const Address& address, unsigned width, std::optional<Expectation> expected) {
    harness::MachineBase& machine = rig_->machine();
    const std::uint64_t latest = time_ + std::min(tolerance_, ~std::uint64_t{0} - time_);
    const std::uint64_t earliest = time_ - std::min(tolerance_, time_);
    unsigned tried = 0;
    while (const auto due = machine.next_due_ns()) {
        if (*due > latest || *due == ~std::uint64_t{0}) break;
        if (*due > earliest) {
            // QEMU's main loop may have run it already, or not yet: what was read tells.
            const auto answer = expected ? machine.peek(address.space, address.address, width) : std::nullopt;
            const bool not_yet = !expected || (answer && *answer == expected->value);
            if (not_yet) return advance_to(std::min(time_, *due - 1));
            const bool has_run = answer && ((*answer ^ expected->value) & expected->timed_bits) != 0;
            if ((*due > time_ && !has_run) || tried++ == kMostTimers) break;
        }
        advance_to(*due);
    }
    advance_to(time_);
}

void Stage::expect_line(unsigned line) {
    harness::MachineBase& machine = rig_->machine();
    pass();
    const std::uint64_t latest = time_ + std::min(tolerance_, ~std::uint64_t{0} - time_);
    for (unsigned tried = 0; tried < kMostTimers && !machine.irq_level(line); ++tried) {
        const auto due = machine.next_due_ns();
        if (!due || *due > latest || *due == ~std::uint64_t{0}) return;
        advance_to(*due);
    }
}

std::uint64_t Stage::read(const Target& target, unsigned width, std::uint64_t expected) {
    const Address address = address_of(target);
    run_timers(address, width, Expectation{expected, Role::bits_of(role_.timed, target.spot)});
    return rig_->machine().read(address.space, address.address, width);
}

void Stage::write(const Target& target, unsigned width, std::uint64_t value) {
    const Address address = address_of(target);
    run_timers(address, width, std::nullopt);
    if (target.spot.bar == Spot::kConfig) verified_.fill(0);
    rig_->machine().write(address.space, address.address, width, value);
}

bool Stage::set_memory(std::uint64_t address, std::span<const std::byte> data) {
    const std::span<std::byte> ram = rig_->machine().ram();
    if (address > ram.size() || data.size() > ram.size() - address) return false;
    if (!data.empty()) std::memcpy(ram.data() + address, data.data(), data.size());
    return true;
}

std::optional<std::span<const std::byte>> Stage::memory(std::uint64_t address, std::size_t size) {
    const std::span<std::byte> ram = rig_->machine().ram();
    if (address > ram.size() || size > ram.size() - address) return std::nullopt;
    return ram.subspan(address, size);
}

}  // namespace tb::replay
