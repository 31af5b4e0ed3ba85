// SPDX-License-Identifier: BSD-3-Clause
#include "virtio/pci_transport.hpp"

#include <hal/poll.hpp>

namespace tb::virtio {
namespace {

using hal::Error;

constexpr std::uint32_t kConfigSpaceBytes = 0x100;
constexpr std::uint8_t kGone = 0xff;
/// No device has more configuration than this, whatever its capability claims (§4.1.4: map only what is
/// needed).
constexpr std::uint32_t kMostDeviceConfig = 4096;

std::uint16_t field(std::uint16_t position, std::uint16_t offset) {
    return static_cast<std::uint16_t>(position + offset);
}

}  // namespace

PciTransport::Place PciTransport::read_place(std::uint16_t position, std::uint8_t length, std::uint32_t need,
                                             std::uint32_t alignment, Bars& bars) const {
    const hal::PciFunction& config = function_.config();
    // A longer capability is one from the future (§4.1.4.1), a shorter one is none.
    if (length < cap::kBytes || position + std::uint32_t{length} > kConfigSpaceBytes) return {};
    Place place;
    place.bar = config.read<std::uint8_t>(field(position, cap::kBar));
    if (place.bar >= pci::kBars) return {};  // reserved: to be ignored (§4.1.4.1)
    place.offset = config.read<std::uint32_t>(field(position, cap::kOffset));
    place.bytes = config.read<std::uint32_t>(field(position, cap::kLength));
    if (place.bytes < need || place.offset % alignment != 0) return {};
    if (!bars.asked[place.bar]) {
        bars.asked[place.bar] = true;
        if (const hal::Result<pci::Bar> bar = function_.bar(place.bar)) bars.decoded[place.bar] = *bar;
    }
    const pci::Bar& bar = bars.decoded[place.bar];
    const std::uint64_t end = std::uint64_t{place.offset} + place.bytes;
    if (bar.kind == pci::Bar::Kind::kNone || bar.address == 0 || end > bar.size || end > 0xffff'f000)
        return {};
    place.found = true;
    return place;
}

hal::Status PciTransport::probe(const pci::Function& function) {
    *this = {};
    function_ = function;
    const hal::Result<pci::Identity> identity = function.identify();
    if (!identity) return identity.error();

    Bars bars;
    Place common;
    Place notify;
    Place isr;
    Place device;
    bool any = false;
    pci::CapabilityWalk walk(function.config());
    for (;;) {
        const hal::Result<pci::Capability> capability = walk.next();
        if (!capability) {
            if (capability.error() == Error::kAbsent) break;
            return capability.error();
        }
        if (capability->id != pci::kCapVendor) continue;
        const std::uint16_t position = capability->position;
        const auto header = function.config().read<std::uint16_t>(field(position, cap::kLengthAndType));
        const auto length = static_cast<std::uint8_t>(header);
        any = true;
        // The first of each type that can be used (§4.1.4.1); other types are somebody else's.
        switch (header >> 8) {
            case cap::kTypeCommon:
                if (!common.found) common = read_place(position, length, common::kBytes, 4, bars);
                break;
            case cap::kTypeNotify:
                if (notify.found || length < cap::kNotifyBytes) break;
                notify = read_place(position, length, 2, 2, bars);
                if (notify.found)
                    notify_multiplier_ =
                        function.config().read<std::uint32_t>(field(position, cap::kNotifyMultiplier));
                break;
            case cap::kTypeIsr:
                if (!isr.found) isr = read_place(position, length, 1, 1, bars);
                break;
            case cap::kTypeDevice:
                if (!device.found) device = read_place(position, length, 1, 4, bars);
                break;
            default:
                break;
        }
    }
    if (!any) return Error::kUnsupported;
    if (!common.found || !notify.found || !isr.found) return Error::kProtocol;
    common.bytes = common::kBytes;
    isr.bytes = 1;
    if (device.bytes > kMostDeviceConfig) device.bytes = kMostDeviceConfig;

    for (const Place* place : {&common, &notify, &isr, &device}) {
        const std::uint32_t end = place->offset + place->bytes;
        if (place->found && bars.end[place->bar] < end) bars.end[place->bar] = end;
    }
    std::array<hal::RegisterWindow, pci::kBars> windows{};
    const auto common_window = map(common, bars, windows);
    const auto notify_window = map(notify, bars, windows);
    const auto isr_window = map(isr, bars, windows);
    if (!common_window) return common_window.error();
    if (!notify_window) return notify_window.error();
    if (!isr_window) return isr_window.error();
    if (device.found) {
        const auto device_window = map(device, bars, windows);
        if (!device_window) return device_window.error();
        device_ = *device_window;
    }
    notify_ = *notify_window;
    isr_ = *isr_window;
    common_ = *common_window;

    const hal::Result<pci::Msix> msix = pci::Msix::find(function_);
    if (!msix && msix.error() == Error::kDeviceGone) return Error::kDeviceGone;
    if (msix) msix_ = *msix;

    // The MSI-X table is in memory even where all structures are in ports.
    std::uint16_t decode = pci::kCommandMemory;
    for (const hal::RegisterWindow& window : windows)
        if (window.is_ports()) decode |= pci::kCommandIo;
    function_.set_command(decode);
    return {};
}

hal::Result<hal::RegisterWindow> PciTransport::map(
    const Place& place, const Bars& bars, std::array<hal::RegisterWindow, pci::kBars>& windows) const {
    hal::RegisterWindow& window = windows[place.bar];
    if (!window.valid()) {
        const pci::Bar& bar = bars.decoded[place.bar];
        if (bar.kind == pci::Bar::Kind::kIo) {
            const hal::Result<hal::PortWindow> ports =
                function_.platform().map_ports(bar.address, bars.end[place.bar]);
            if (!ports) return ports.error();
            window = *ports;
        } else {
            const hal::Result<hal::MmioWindow> memory =
                function_.platform().map_memory(bar.address, bars.end[place.bar]);
            if (!memory) return memory.error();
            window = *memory;
        }
    }
    return window.slice(place.offset, place.bytes);
}

void PciTransport::set_bus_master(bool on) const {
    if (on)
        function_.set_command(pci::kCommandBusMaster);
    else
        function_.set_command(0, pci::kCommandBusMaster);
}

void PciTransport::write_status(std::uint8_t status) {
    status_ = status;
    common_.write<std::uint8_t>(common::kDeviceStatus, status);
}

hal::Status PciTransport::reset() {
    if (!valid()) return Error::kNotStarted;
    write_status(0);
    std::uint8_t status = 0;
    hal::Platform platform = function_.platform();
    // §4.1.4.3.2: only a status that reads 0 ends the reset.
    hal::poll_until(platform, kResetTimeout, hal::milliseconds(1), [&] {
        status = common_.read<std::uint8_t>(common::kDeviceStatus);
        return status == 0 || status == kGone;
    });
    if (status == 0) return {};
    return status == kGone ? Error::kDeviceGone : Error::kTimeout;
}

hal::Result<std::uint64_t> PciTransport::negotiate(std::uint64_t wanted) {
    if (!valid()) return Error::kNotStarted;
    write_status(kStatusAcknowledge);
    write_status(status_ | kStatusDriver);
    common_.write<std::uint32_t>(common::kDeviceFeatureSelect, 0);
    offered_ = common_.read<std::uint32_t>(common::kDeviceFeature);
    common_.write<std::uint32_t>(common::kDeviceFeatureSelect, 1);
    offered_ |= std::uint64_t{common_.read<std::uint32_t>(common::kDeviceFeature)} << 32;
    if ((offered_ & kFeatureVersion1) == 0) {
        fail();
        return Error::kUnsupported;
    }
    const std::uint64_t accepted = offered_ & (wanted | kFeatureVersion1);
    common_.write<std::uint32_t>(common::kDriverFeatureSelect, 0);
    common_.write<std::uint32_t>(common::kDriverFeature, static_cast<std::uint32_t>(accepted));
    common_.write<std::uint32_t>(common::kDriverFeatureSelect, 1);
    common_.write<std::uint32_t>(common::kDriverFeature, static_cast<std::uint32_t>(accepted >> 32));
    write_status(status_ | kStatusFeaturesOk);
    const auto status = common_.read<std::uint8_t>(common::kDeviceStatus);
    if (status == kGone) return Error::kDeviceGone;
    if ((status & kStatusFeaturesOk) == 0) {
        fail();
        return Error::kUnsupported;
    }
    // §2.1.1: nothing is to be asked of a device in this state.
    if ((status & kStatusNeedsReset) != 0) {
        fail();
        return Error::kReset;
    }
    return accepted;
}

void PciTransport::driver_ok() {
    write_status(status_ | kStatusDriverOk);
}

void PciTransport::fail() {
    if (valid()) write_status(status_ | kStatusFailed);
}

hal::Status PciTransport::health() const {
    const auto status = common_.read<std::uint8_t>(common::kDeviceStatus);
    if (status == kGone) return Error::kDeviceGone;
    if ((status & kStatusNeedsReset) != 0) return Error::kReset;
    return {};
}

hal::Status PciTransport::health_at_work() const {
    const auto status = common_.read<std::uint8_t>(common::kDeviceStatus);
    if (status == kGone) return Error::kDeviceGone;
    if ((status & kStatusNeedsReset) != 0 || (status & kStatusDriverOk) == 0) return Error::kReset;
    return {};
}

hal::Result<std::uint16_t> PciTransport::queue_entries(std::uint16_t index, bool packed) const {
    select(index);
    const auto entries = common_.read<std::uint16_t>(common::kQueueSize);
    if (entries == 0) return Error::kAbsent;
    if (!packed && (entries & (entries - 1)) != 0) return Error::kProtocol;
    return entries < Virtqueue::kMostEntries ? entries : Virtqueue::kMostEntries;
}

void PciTransport::write_address(std::uint32_t offset, std::uint64_t address) const {
    common_.write<std::uint32_t>(offset, static_cast<std::uint32_t>(address));
    common_.write<std::uint32_t>(offset + 4, static_cast<std::uint32_t>(address >> 32));
}

hal::Status PciTransport::enable_queue(std::uint16_t index, Virtqueue& queue) const {
    select(index);
    const auto notify_off = common_.read<std::uint16_t>(common::kQueueNotifyOff);
    const std::uint64_t doorbell = std::uint64_t{notify_off} * notify_multiplier_;
    if (doorbell + sizeof(std::uint16_t) > notify_.size() || doorbell % 2 != 0) return Error::kProtocol;
    queue.set_doorbell(notify_.slice(static_cast<std::uint32_t>(doorbell), sizeof(std::uint16_t)), index);
    common_.write<std::uint16_t>(common::kQueueSize, queue.entries());
    write_address(common::kQueueDesc, queue.descriptor_area());
    write_address(common::kQueueDriver, queue.driver_area());
    write_address(common::kQueueDevice, queue.device_area());
    common_.write<std::uint16_t>(common::kQueueEnable, 1);
    return {};
}

bool PciTransport::set_config_vector(std::uint16_t vector) const {
    common_.write<std::uint16_t>(common::kConfigMsixVector, vector);
    return common_.read<std::uint16_t>(common::kConfigMsixVector) == vector;
}

bool PciTransport::set_queue_vector(std::uint16_t index, std::uint16_t vector) const {
    select(index);
    common_.write<std::uint16_t>(common::kQueueMsixVector, vector);
    return common_.read<std::uint16_t>(common::kQueueMsixVector) == vector;
}

}  // namespace tb::virtio
