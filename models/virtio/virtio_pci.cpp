// SPDX-License-Identifier: BSD-3-Clause
#include "models/virtio/virtio_pci.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "models/core/access.hpp"

namespace tb::model::virtio {

namespace {

constexpr std::uint16_t kVendorId = 0x1af4;
constexpr std::uint16_t kModernDeviceBase = 0x1040;
constexpr std::uint16_t kQemuSubsystem = 0x1100;
constexpr std::uint8_t kCapVendor = 0x09;
constexpr unsigned kLegacyBar = 0;
constexpr std::size_t kLegacyBytes = 20;
constexpr std::size_t kLegacyBytesWithMsix = 24;
constexpr unsigned kMostVectors = 128;  // what fits in half of a page

// struct virtio_pci_cap (§4.1.4) and what follows it.
constexpr unsigned kCapLength = 2;
constexpr unsigned kCapType = 3;
constexpr unsigned kCapBar = 4;
constexpr unsigned kCapOffset = 8;
constexpr unsigned kCapSize = 12;
constexpr unsigned kCapBytes = 16;
constexpr unsigned kCapExtra = 16;  // notify_off_multiplier, or pci_cfg_data

pci::Identity identity_of(const DeviceInfo& info, const VirtioPciOptions& options) {
    // Transitional IDs do not follow the virtio device ID but the order of invention (§4.1.2.1).
    const auto transitional = [&]() -> std::uint16_t {
        switch (info.device_id) {
            case 1:
                return 0x1000;
            case 2:
                return 0x1001;
            case 3:
                return 0x1003;
            case 4:
                return 0x1005;
            case 5:
                return 0x1002;
            case 8:
                return 0x1004;
            case 9:
                return 0x1009;
            default:
                return static_cast<std::uint16_t>(kModernDeviceBase + info.device_id);
        }
    };
    const bool old = options.transitional_identity;
    return {.vendor = kVendorId,
            .device = old ? transitional() : static_cast<std::uint16_t>(kModernDeviceBase + info.device_id),
            .revision = static_cast<std::uint8_t>(old ? 0 : 1),
            .class_code = info.class_code,
            .subsystem_vendor = kVendorId,
            .subsystem = old ? info.device_id : kQemuSubsystem,
            .interrupt_pin = 1};
}

/// QEMU's memory core hands a device aligned pieces of at most 4 bytes, low part first; a misaligned access
/// becomes several.
template <class Piece>
void in_pieces(std::uint64_t offset, unsigned width, Piece&& piece) {
    for (unsigned done = 0; done < width;) {
        unsigned size = std::min(width - done, 4U);
        while ((offset + done) % size != 0 || (size & (size - 1)) != 0) --size;
        piece(static_cast<std::uint32_t>(offset + done), size, done);
        done += size;
    }
}

}  // namespace

VirtioPci::VirtioPci(const sc_core::sc_module_name& name, pci::Board& board, unsigned slot,
                     std::unique_ptr<VirtioDevice> device, const VirtioPciOptions& options)
    : PciDevice(name, board, slot, 0, identity_of(device->identify(), options)),
      device_(std::move(device)),
      info_(device_->identify()),
      options_(options),
      mapper_(board.ram().size()),
      common_(kCommonRegisters, kCommonBytes),
      queue_registers_(kMaxQueues),
      config_bytes_(info_.config_bytes) {
    for (unsigned index = 0; index < info_.queue_sizes.size(); ++index)
        queues_.emplace_back(*this, index, info_.queue_sizes[index]);
    if (options_.dma_without_bus_master) {
        const std::string requester = std::string(basename()) + "_ungated";
        ungated_dma_ = std::make_unique<pci::Requester>(requester.c_str(), board, basename());
        ungated_dma_->set_bus_master(true);
    }
    const auto vectors = options_.vectors.value_or(static_cast<unsigned>(queues_.size()) + 1);
    vector_users_.resize(std::min(vectors, kMostVectors));
    add_capabilities();
    bind_common_registers();
    bind_queue_registers();
    device_->attach(*this);
}

VirtioPci::~VirtioPci() = default;

void VirtioPci::add_capabilities() {
    // The order in which QEMU adds them; the chain runs the other way round.
    const std::pair<std::uint8_t, Block> blocks[] = {{kCapCommon, Block::kCommon},
                                                     {kCapIsr, Block::kIsr},
                                                     {kCapDevice, Block::kDevice},
                                                     {kCapNotify, Block::kNotify}};
    for (const auto& [type, block] : blocks) {
        const unsigned length = type == kCapNotify ? kCapBytes + 4 : kCapBytes;
        const unsigned at = config().add_capability(kCapVendor, length);
        config().set(at + kCapLength, 1, length);
        config().set(at + kCapType, 1, type);
        config().set(at + kCapBar, 1, kModernBar);
        config().set(at + kCapOffset, 4, static_cast<std::uint32_t>(block) * kBlockBytes);
        config().set(at + kCapSize, 4, kBlockBytes);
        if (type == kCapNotify) config().set(at + kCapExtra, 4, kNotifyMultiplier);
    }
    if (options_.transitional_identity) {
        // The legacy registers, and behind them the device's own (§4.1.4.10).
        const std::size_t bytes =
            (vector_users_.empty() ? kLegacyBytes : kLegacyBytesWithMsix) + info_.config_bytes;
        add_io_bar(kLegacyBar, std::bit_ceil(bytes));
    }
    add_memory_bar(kModernBar, 4ULL * kBlockBytes, true, true);
    const unsigned at = config().add_capability(kCapVendor, kCapBytes + 4);
    config().set(at + kCapLength, 1, kCapBytes + 4);
    config().set(at + kCapType, 1, kCapPciConfig);
    config().set_writable(at + kCapBar, 1, 0xff);
    for (const unsigned offset : {kCapOffset, kCapSize, kCapExtra})
        config().set_writable(at + offset, 4, ~0U);
    pci_config_capability_ = at;
    if (vector_users_.empty()) return;
    const auto vectors = static_cast<unsigned>(vector_users_.size());
    add_msix(vectors, kMsixBar, 0x1000, 0, 0x800);
    msix_capability_ = config().get(pci::config::kCapabilities, 1);
}

std::uint64_t VirtioPci::offered_features() const {
    std::uint64_t features = device_->features() | feature_bit(kFeatureVersion1);
    // Accepted from a driver although they are not shown to it.
    for (const unsigned legacy : {kFeatureNotifyOnEmpty, kFeatureAnyLayout, kFeatureBad})
        features |= feature_bit(legacy);
    if (options_.indirect_desc) features |= feature_bit(kFeatureIndirectDesc);
    if (options_.event_idx) features |= feature_bit(kFeatureEventIdx);
    if (options_.packed) features |= feature_bit(kFeatureRingPacked);
    if (options_.queue_reset) features |= feature_bit(kFeatureRingReset);
    return features;
}

std::uint64_t VirtioPci::bar_read(unsigned bar, std::uint64_t offset, unsigned width) {
    std::uint64_t value = 0;
    if (bar == kLegacyBar) report("BAR0", "read; the legacy interface is not modelled");
    if (bar != kModernBar) return value;
    in_pieces(offset, width, [&](std::uint32_t at, unsigned size, unsigned done) {
        value |= (block_read(at, size) & width_mask(size)) << (8 * done);
    });
    return value;
}

void VirtioPci::bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (bar == kLegacyBar) report("BAR0", "written; the legacy interface is not modelled");
    if (bar != kModernBar) return;
    in_pieces(offset, width, [&](std::uint32_t at, unsigned size, unsigned done) {
        block_write(at, size, static_cast<std::uint32_t>((value >> (8 * done)) & width_mask(size)));
    });
}

std::uint32_t VirtioPci::block_read(std::uint32_t offset, unsigned width) {
    const std::uint32_t inside = offset % kBlockBytes;
    switch (static_cast<Block>(offset / kBlockBytes)) {
        case Block::kCommon:
            return common_read(inside, width);
        case Block::kIsr:
            // Any offset of the page; reading acknowledges (§4.1.4.5.1).
            set_intx(false);
            return std::exchange(isr_, std::uint8_t{0});
        case Block::kDevice:
            return config_space_read(inside, width);
        case Block::kNotify:
            break;
    }
    return 0;
}

void VirtioPci::block_write(std::uint32_t offset, unsigned width, std::uint32_t value) {
    const std::uint32_t inside = offset % kBlockBytes;
    switch (static_cast<Block>(offset / kBlockBytes)) {
        case Block::kCommon:
            return common_write(inside, width, value);
        case Block::kIsr:
            return report("isr.isr_status", "written; it is read-only (VIRTIO 1.2 §4.1.4.5)");
        case Block::kDevice:
            return config_space_write(inside, width, value);
        case Block::kNotify:
            return notify(inside / kNotifyMultiplier);
    }
}

std::uint32_t VirtioPci::config_space_read(std::uint32_t offset, unsigned width) {
    if (offset + width > config_bytes_.size()) return ~0U;
    device_->read_config(config_bytes_);
    std::uint32_t value = 0;
    std::memcpy(&value, config_bytes_.data() + offset, width);
    return value;
}

void VirtioPci::config_space_write(std::uint32_t offset, unsigned width, std::uint32_t value) {
    if (offset + width > config_bytes_.size())
        return report("device", "configuration space written beyond its end");
    std::memcpy(config_bytes_.data() + offset, &value, width);
    // The rest of what the device is handed is what was last read: QEMU does not refresh it first.
    device_->config_written(config_bytes_);
}

bool VirtioPci::window_touched(unsigned offset, unsigned width) const {
    const unsigned data = pci_config_capability_ + kCapExtra;
    return offset < data + 4 && offset + width > data;
}

void VirtioPci::config_reading(unsigned offset, unsigned width) {
    if (!window_touched(offset, width)) return;
    const unsigned at = pci_config_capability_;
    const std::uint32_t size = config().get(at + kCapSize, 4);
    if (size != 1 && size != 2 && size != 4) return;
    // The window's bar field is not looked at: there is one BAR.
    const std::uint32_t target = config().get(at + kCapOffset, 4) & ~(size - 1);
    if (target < 4 * kBlockBytes) config().set(at + kCapExtra, size, block_read(target, size));
}

void VirtioPci::config_written(unsigned offset, unsigned width) {
    const auto covers = [&](unsigned byte) { return offset <= byte && offset + width > byte; };
    // QEMU lowers INTx whenever the control byte is written with MSI-X enabled.
    if (msix() != nullptr && covers(msix_capability_ + 3) && msix()->enabled()) set_intx(false);
    if (covers(pci::config::kCommand)) {
        disabled_ = !bus_master();
        if (disabled_) {
            if ((status_ & kDriverOk) != 0)
                report("config.command", "bus-master enable cleared while DRIVER_OK is set");
            set_status(static_cast<std::uint8_t>(status_ & ~kDriverOk));
        }
    }
    if (!window_touched(offset, width)) return;
    const unsigned at = pci_config_capability_;
    const std::uint32_t size = config().get(at + kCapSize, 4);
    if (size != 1 && size != 2 && size != 4) return;
    const std::uint32_t target = config().get(at + kCapOffset, 4) & ~(size - 1);
    if (target < 4 * kBlockBytes) block_write(target, size, config().get(at + kCapExtra, size));
}

void VirtioPci::notify(unsigned index) {
    const auto complain = [&](const char* message) {
        report("notify.queue_notify[" + std::to_string(index) + "]", message);
    };
    if (index >= queues_.size()) return complain("there is no such queue");
    if (!queues_[index].has_rings()) return complain("the queue is not enabled (VIRTIO 1.2 §4.1.5.2)");
    if ((status_ & kDriverOk) == 0) complain("rung before DRIVER_OK (VIRTIO 1.2 §3.1.1)");
    if (!bus_master()) complain("rung while bus-master enable is off: the device cannot read the ring");
    if (!broken_) device_->queue_notified(index);
}

void VirtioPci::look() {
    if ((status_ & kDriverOk) == 0 || broken_ || !bus_master()) return;
    for (unsigned i = 0; i < queues_.size(); ++i)
        if (queues_[i].has_rings()) device_->queue_notified(i);
}

void VirtioPci::notify_used(Queue& queue) {
    if (!queue.wants_interrupt()) return;
    // Set with MSI-X too, although a driver then has no use for it.
    isr_ |= kIsrQueue;
    interrupt(queue_registers_[queue.index()].vector);
}

void VirtioPci::config_changed() {
    if ((status_ & kDriverOk) == 0) return;
    isr_ |= kIsrQueue | kIsrConfig;
    ++generation_;
    interrupt(config_vector_);
}

void VirtioPci::interrupt(std::uint16_t vector) {
    if (halted()) return;
    if (msix() != nullptr && msix()->enabled()) {
        if (vector < vector_users_.size() && vector_users_[vector] != 0) msix()->raise(vector);
    } else {
        set_intx((isr_ & kIsrQueue) != 0);
    }
}

void VirtioPci::fail(const std::string& subject, const std::string& message) {
    report(subject, message + "; the device needs a reset");
    if (negotiated(kFeatureVersion1)) {
        status_ |= kNeedsReset;
        config_changed();
    }
    broken_ = true;
}

void VirtioPci::reset_by_driver() {
    set_status(0);
    // Drains: what was in flight lands, and interrupts, before the reset.
    device_->reset();
    broken_ = false;
    disabled_ = false;
    features_ = 0;
    queue_select_ = 0;
    isr_ = 0;
    config_vector_ = kNoVector;
    interrupt(kNoVector);
    for (Queue& queue : queues_) queue.reset();
    // Of the many that there may be, few were ever selected.
    std::ranges::fill(std::span(queue_registers_).first(selected_end_), QueueRegisters{});
    selected_end_ = 0;
    for (unsigned vector = 0; vector < vector_users_.size(); ++vector) {
        vector_users_[vector] = 0;
        msix()->clear_pending(vector);
    }
}

void VirtioPci::reset_device() {
    device_->power_on_reset();
    for (Queue& queue : queues_) queue.reset();
    reset_by_driver();
    mapper_.reset();
    common_.reset();
    written_features_[0] = written_features_[1] = 0;
    generation_ = 0;
    std::ranges::fill(config_bytes_, std::byte{0});
    config().set(pci_config_capability_ + kCapBar, 1, 0);
    for (const unsigned offset : {kCapOffset, kCapSize, kCapExtra})
        config().set(pci_config_capability_ + offset, 4, 0);
}

}  // namespace tb::model::virtio
