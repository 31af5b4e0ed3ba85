// SPDX-License-Identifier: BSD-3-Clause
#include "net/virtio_net_control.hpp"

#include <hal/endian.hpp>
#include <hal/poll.hpp>

#include "net/virtio_net_regs.hpp"

namespace tb::net::virtio_net {
namespace {

using hal::Error;

constexpr std::uint32_t kMacBytes = 6;
constexpr std::uint32_t kDataAt = 2;
constexpr std::uint32_t kMostData = 4 + 4 + kMacBytes * ControlQueue::kMostGroups;
constexpr std::uint32_t kAnswerAt = (kDataAt + kMostData + 63) / 64 * 64;
/// What no device answers.
constexpr std::uint8_t kPoison = 0xff;
constexpr hal::Duration kInterval = hal::microseconds(10);

}  // namespace

hal::Status ControlQueue::create(const hal::Platform& platform, std::uint16_t entries,
                                 const virtio::Virtqueue::Options& options) {
    platform_ = platform;
    failed_ = false;
    if (hal::Status made = queue_.create(platform, entries, options); !made) return made;
    const hal::Result<hal::DmaMemory> memory = platform_.allocate_dma(kAnswerAt + 64, 64);
    if (!memory) {
        queue_.destroy();
        return memory.error();
    }
    memory_ = *memory;
    // Answers are waited for, not announced.
    queue_.disable_interrupts();
    return {};
}

void ControlQueue::destroy() {
    queue_.destroy();
    platform_.free_dma(memory_);
}

hal::Status ControlQueue::command(std::uint8_t device_class, std::uint8_t number,
                                  std::span<const std::byte> data) {
    if (!created()) return Error::kUnsupported;
    if (failed()) return Error::kProtocol;
    memory_.cell<std::uint8_t>(0).store(device_class);
    memory_.cell<std::uint8_t>(1).store(number);
    if (!data.empty()) memory_.write(kDataAt, data);
    memory_.cell<std::uint8_t>(kAnswerAt).store(kPoison);
    const virtio::Segment readable[2] = {
        {memory_.device_address(), kDataAt},
        {memory_.device_address() + kDataAt, static_cast<std::uint32_t>(data.size())}};
    const virtio::Segment writable{memory_.device_address() + kAnswerAt, 1};
    const std::size_t pieces = data.empty() ? 1 : 2;
    failed_ = true;
    if (hal::Status added = queue_.add({readable, pieces}, {&writable, 1}, 0); !added) return added;
    queue_.kick();
    hal::Result<virtio::Used> used = Error::kBusy;
    hal::poll_until(platform_, kTimeout, kInterval, [&] {
        used = queue_.pop();
        return used || used.error() != Error::kBusy;
    });
    if (!used) return used.error() == Error::kBusy ? Error::kTimeout : used.error();
    if (used->bytes == 0) return Error::kProtocol;
    const auto answer = memory_.cell<std::uint8_t>(kAnswerAt).load();
    if (answer != control::kOk && answer != control::kErr) return Error::kProtocol;
    failed_ = false;
    return answer == control::kOk ? hal::Status() : hal::Status(Error::kDeviceError);
}

hal::Status ControlQueue::set_promiscuous(bool on) {
    const std::byte data{static_cast<std::uint8_t>(on ? 1 : 0)};
    return command(control::kRx, control::kRxPromiscuous, {&data, 1});
}

hal::Status ControlQueue::set_all_multicast(bool on) {
    const std::byte data{static_cast<std::uint8_t>(on ? 1 : 0)};
    return command(control::kRx, control::kRxAllMulticast, {&data, 1});
}

hal::Status ControlQueue::set_mac_table(std::span<const MacAddress> groups) {
    if (groups.size() > kMostGroups) return Error::kInvalidArgument;
    // §5.1.6.5.2: the number of unicast addresses, those, the number of groups, those.
    std::array<std::byte, kMostData> table{};
    std::uint32_t bytes = 4;
    hal::store_le(std::span<std::byte>(table), bytes, static_cast<std::uint32_t>(groups.size()));
    bytes += 4;
    for (const MacAddress& mac : groups)
        for (const std::uint8_t byte : mac) table[bytes++] = static_cast<std::byte>(byte);
    return command(control::kMac, control::kMacTableSet, std::span<const std::byte>(table).first(bytes));
}

hal::Status ControlQueue::set_mac(const MacAddress& mac) {
    std::array<std::byte, kMacBytes> data{};
    for (std::size_t i = 0; i < mac.size(); ++i) data[i] = static_cast<std::byte>(mac[i]);
    return command(control::kMac, control::kMacAddressSet, data);
}

hal::Status ControlQueue::set_vlan(std::uint16_t vlan, bool on) {
    std::array<std::byte, 2> data{};
    hal::store_le(std::span<std::byte>(data), 0, vlan);
    return command(control::kVlan, on ? control::kVlanAdd : control::kVlanDelete, data);
}

hal::Status ControlQueue::acknowledge_announcement() {
    return command(control::kAnnounce, control::kAnnounceAck, {});
}

hal::Status ControlQueue::set_pairs(std::uint16_t pairs) {
    std::array<std::byte, 2> data{};
    hal::store_le(std::span<std::byte>(data), 0, pairs);
    return command(control::kMultiQueue, control::kPairsSet, data);
}

hal::Status ControlQueue::set_guest_offloads(std::uint64_t offloads) {
    std::array<std::byte, 8> data{};
    hal::store_le(std::span<std::byte>(data), 0, offloads);
    return command(control::kGuestOffloads, control::kGuestOffloadsSet, data);
}

}  // namespace tb::net::virtio_net
