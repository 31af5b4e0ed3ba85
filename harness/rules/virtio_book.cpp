// SPDX-License-Identifier: BSD-3-Clause
#include "harness/rules/virtio_book.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "virtio/virtio_regs.hpp"

namespace tb::rules {

using namespace virtio;

namespace {

constexpr std::uint8_t kGone = 0xff;
constexpr unsigned kVersion1 = 32;
constexpr unsigned kNotifyStride = 4;  ///< QEMU's notify_off_multiplier
constexpr std::uint16_t kMsixEnable = 1U << 15;
constexpr std::uint16_t kMsixSizeMask = 0x7ff;

const harness::RegisterBlock* find_block(const harness::DeviceType& device, std::string_view name) {
    for (const harness::RegisterBlock& block : device.blocks())
        if (name == block.name) return &block;
    return nullptr;
}

}  // namespace

VirtioBook::VirtioBook(Court& court, const harness::DeviceType& device)
    : Book(court),
      common_(find_block(device, "common")),
      isr_(find_block(device, "isr")),
      device_(find_block(device, "device")),
      notify_(find_block(device, "notify")),
      msix_(find_block(device, "msix_cap")),
      window_(find_block(device, "window")) {
    for (const harness::RegisterBlock* block : {common_, isr_, device_, notify_})
        if (block != nullptr) structures_.push_back(*block);
}

bool VirtioBook::features_ok() const {
    return (status_ & kStatusFeaturesOk) != 0;
}

bool VirtioBook::driver_ok() const {
    return (status_ & kStatusDriverOk) != 0;
}

// Registers.

void VirtioBook::read(const Access& access) {
    check_width(access);
    if (access.in(common_)) {
        read_common(access);
    } else if (access.in(device_)) {
        read_device(access);
    } else if (access.in(isr_)) {
        if (msix_on_)
            breaks("virtio.isr.with-msix", "the ISR status is read though messages say what it would");
    } else if (access.in(msix_)) {
        if (access.place.offset == 2) table_size_ = (access.value & kMsixSizeMask) + 1U;
    } else if (access.in(window_)) {
        window(access);
    }
}

void VirtioBook::write(const Access& access) {
    check_width(access);
    if (access.in(common_)) {
        write_common(access);
    } else if (access.in(notify_)) {
        notify(access);
    } else if (access.in(device_)) {
        if (!features_ok())
            breaks("virtio.config.early-write",
                   fmt::format("{} is written before FEATURES_OK",
                               access.place.spec == nullptr ? "a field" : access.place.spec->name));
    } else if (access.in(msix_)) {
        if (access.place.offset == 2) msix_on_ = (access.value & kMsixEnable) != 0;
    } else if (access.in(window_)) {
        window(access);
    }
}

void VirtioBook::wrote_config(std::uint64_t offset) {
    constexpr std::uint64_t kHeaderBytes = 0x40;
    if (offset >= kHeaderBytes)
        breaks("virtio.capability.written", fmt::format("configuration space is written at {:#x}", offset));
}

void VirtioBook::check_width(const Access& access) {
    if (!access.in(common_) && !access.in(device_) && !access.in(isr_)) return;
    if (access.place.spec == nullptr) return;
    const model::RegisterSpec& spec = *access.place.spec;
    const std::uint64_t into = access.place.offset - spec.offset;
    // 64-bit fields go by halves.
    const unsigned right = spec.width == 8 ? 4 : spec.width;
    if (access.width != right || into % right != 0)
        breaks("virtio.config.width", fmt::format("{} bytes at {}.{}, which is accessed by {}", access.width,
                                                  access.place.block->name, spec.name, right));
}

void VirtioBook::read_common(const Access& access) {
    const std::uint64_t value = access.value;
    switch (access.place.offset) {
        case common::kDeviceFeature:
            if (offered_select_ < 2) {
                offered_ |= (value & 0xffff'ffff) << (32 * offered_select_);
                always_offered_ &= ~((~value & 0xffff'ffff) << (32 * offered_select_));
            }
            break;
        case common::kDeviceStatus:
            hear_status(static_cast<std::uint8_t>(value));
            break;
        case common::kConfigGeneration: {
            const auto now = static_cast<std::uint8_t>(value);
            if (unsettled_ && generation_ == now) config_settled();
            unsettled_ = false;
            generation_ = now;
            break;
        }
        case common::kQueueSize:
            queues_[selected_].offered_size = static_cast<std::uint32_t>(value);
            break;
        case common::kQueueNotifyOff:
            queues_[selected_].notify_off = static_cast<std::uint16_t>(value);
            break;
        case common::kConfigMsixVector:
        case common::kQueueMsixVector:
            if (unverified_ == access.place.offset) unverified_.reset();
            break;
        default:
            break;
    }
}

void VirtioBook::write_common(const Access& access) {
    const std::uint64_t offset = access.place.offset;
    const std::uint64_t value = access.value;
    const char* name = access.place.spec == nullptr ? "a field" : access.place.spec->name;
    close_config();
    if (unverified_ && unverified_ != offset) {
        breaks("virtio.msix.unverified", fmt::format("{} is written before the vector was read back", name));
        unverified_.reset();
    }
    if (refused_ && offset != common::kDeviceStatus)
        breaks("virtio.init.goes-on-refused",
               fmt::format("{} is written after FEATURES_OK did not stay", name));
    switch (offset) {
        case common::kDeviceFeature:
        case common::kNumQueues:
        case common::kConfigGeneration:
        case common::kQueueNotifyOff:
            breaks("virtio.common.read-only", fmt::format("{} is written", name));
            break;
        case common::kDeviceStatus:
            write_status(static_cast<std::uint8_t>(value));
            break;
        case common::kDeviceFeatureSelect:
            offered_select_ = static_cast<std::uint32_t>(value);
            break;
        case common::kDriverFeatureSelect:
            accepted_select_ = static_cast<std::uint32_t>(value);
            break;
        case common::kDriverFeature:
            write_features(static_cast<std::uint32_t>(value));
            break;
        case common::kQueueSelect:
            selected_ = static_cast<std::uint16_t>(value);
            break;
        case common::kConfigMsixVector:
        case common::kQueueMsixVector:
            if (value != kNoVector) {
                check_vector(value);
                unverified_ = offset;
            }
            break;
        default:
            write_queue(access);
    }
}

void VirtioBook::write_status(std::uint8_t value) {
    if (value == 0) {
        status_ = 0;
        resetting_ = true;
        refused_ = unheard_ = needs_reset_ = gone_ = false;
        return;
    }
    if (resetting_) {
        breaks("virtio.reset.unconfirmed", "the device is initialized before its status was read as 0");
        forget_queues();
    }
    const auto before = status_;
    if ((before & ~value) != 0)
        breaks("virtio.status.clears-bit", fmt::format("{:#x} is written over {:#x}", value, before));
    if ((before & kStatusFailed) != 0 && value != before)
        breaks("virtio.status.failed-without-reset", fmt::format("{:#x} is written after FAILED", value));
    const auto gained = static_cast<std::uint8_t>(value & ~before);
    if ((value & kStatusFailed) != 0) {
        status_ = value;
        refused_ = false;
        return;
    }
    check_order(value);
    if ((gained & kStatusFeaturesOk) != 0) {
        if (offered(kVersion1) && !negotiated(kVersion1))
            breaks("virtio.features.version-1", "VIRTIO_F_VERSION_1 was offered and not accepted");
        unheard_ = true;
        features_chosen();
    }
    if ((gained & kStatusDriverOk) != 0) {
        if (unheard_)
            breaks("virtio.init.features-ok-unread", "DRIVER_OK is set before FEATURES_OK was read back");
        if (refused_)
            breaks("virtio.init.goes-on-refused", "DRIVER_OK is set after FEATURES_OK did not stay");
    }
    status_ = value;
}

void VirtioBook::check_order(std::uint8_t value) {
    constexpr std::array<std::uint8_t, 4> kOrder = {kStatusAcknowledge, kStatusDriver, kStatusFeaturesOk,
                                                    kStatusDriverOk};
    bool missing = false;
    for (const std::uint8_t step : kOrder) {
        if ((value & step) == 0)
            missing = true;
        else if (missing)
            return breaks("virtio.status.order",
                          fmt::format("{:#x} is written: a step before the last is missing", value));
    }
}

void VirtioBook::hear_status(std::uint8_t value) {
    if (value == kGone) gone_ = true;
    if (resetting_ && value == 0) {
        resetting_ = false;
        forget_queues();
        offered_ = accepted_ = 0;
        generation_.reset();
        unverified_.reset();
        was_reset();
    }
    if (unheard_ && !resetting_) {
        unheard_ = false;
        refused_ = (value & kStatusFeaturesOk) == 0;
    }
    if (!resetting_ && value != kGone && (value & kStatusNeedsReset) != 0) needs_reset_ = true;
}

void VirtioBook::forget_queues() {
    queues_.clear();
}

void VirtioBook::write_features(std::uint32_t value) {
    if (features_ok()) breaks("virtio.features.late", "features are written after FEATURES_OK");
    if (accepted_select_ >= 2) {
        if (value != 0)
            breaks("virtio.features.not-offered", "bits beyond 63 are accepted, which no device here offers");
        return;
    }
    const unsigned shift = 32 * accepted_select_;
    accepted_ = (accepted_ & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{value} << shift;
    const std::uint64_t strange = std::uint64_t{value} << shift & ~offered_;
    if (strange != 0)
        breaks("virtio.features.not-offered",
               fmt::format("the bits {:#x} are accepted, which the driver has not seen offered", strange));
}

void VirtioBook::check_vector(std::uint64_t vector) {
    if (table_size_ && vector >= *table_size_)
        breaks("virtio.msix.beyond-table",
               fmt::format("vector {} is used of a table that has {}", vector, *table_size_));
}

void VirtioBook::write_queue(const Access& access) {
    Queue& queue = queues_[selected_];
    const std::uint64_t value = access.value;
    const char* name = access.place.spec == nullptr ? "a field" : access.place.spec->name;
    if (!features_ok())
        breaks("virtio.init.queues-early", fmt::format("{} is written before FEATURES_OK", name));
    if (queue.enabled && access.place.offset != common::kQueueEnable)
        breaks("virtio.queue.changed-enabled", fmt::format("{} of an enabled queue is written", name));
    const auto half = [value](std::uint64_t& whole, bool high) {
        whole = high ? (whole & 0xffff'ffff) | value << 32 : (whole & ~std::uint64_t{0xffff'ffff}) | value;
    };
    switch (access.place.offset) {
        case common::kQueueSize:
            if (value == 0 || (!packed() && (value & (value - 1)) != 0))
                breaks("virtio.queue.size", fmt::format("queue_size is set to {}", value));
            else if (queue.offered_size != 0 && value > queue.offered_size)
                breaks("virtio.queue.size-raised",
                       fmt::format("queue_size is set to {}, the device has {}", value, queue.offered_size));
            queue.size = static_cast<std::uint32_t>(value);
            break;
        case common::kQueueDesc:
        case common::kQueueDesc + 4:
            half(queue.desc, access.place.offset != common::kQueueDesc);
            break;
        case common::kQueueDriver:
        case common::kQueueDriver + 4:
            half(queue.avail, access.place.offset != common::kQueueDriver);
            break;
        case common::kQueueDevice:
        case common::kQueueDevice + 4:
            half(queue.used, access.place.offset != common::kQueueDevice);
            break;
        case common::kQueueEnable:
            if (value == 0)
                breaks("virtio.queue.disabled", "0 is written to queue_enable");
            else
                enable(queue);
            break;
        default:
            break;
    }
}

bool VirtioBook::queue_enabled(unsigned number) const {
    const auto found = queues_.find(static_cast<std::uint16_t>(number));
    return found != queues_.end() && found->second.enabled;
}

// Configuration.

void VirtioBook::read_device(const Access& access) {
    if (access.place.spec == nullptr) return;
    const model::RegisterSpec& spec = *access.place.spec;
    if (const auto feature = feature_of(spec.offset); feature && !offered(*feature))
        breaks("virtio.config.field-not-offered",
               fmt::format("{} is read, but feature {} was not seen offered", spec.name, *feature));
    if (spec.width == 8) {
        if (!generation_)
            breaks("virtio.config.torn",
                   fmt::format("{} is read without config_generation before it", spec.name));
        unsettled_ = true;
    }
    read_config(access);
}

/// The driver goes on: what it has read must have been of one moment.
void VirtioBook::close_config() {
    if (!unsettled_) return;
    unsettled_ = false;
    breaks("virtio.config.torn",
           "config_generation is not looked at again after a field of 64 bits was read");
}

// Notifications.

bool VirtioBook::is_live(const Queue& queue) const {
    return queue.enabled && !gone_ && court().bus_master();
}

void VirtioBook::notify(const Access& access) {
    close_config();
    const auto number = static_cast<std::uint16_t>(access.value);
    if (access.width != 2)
        breaks("virtio.notify.width", fmt::format("a notification has {} bytes", access.width));
    if (!driver_ok())
        breaks("virtio.notify.early", fmt::format("queue {} is notified before DRIVER_OK", number));
    if (needs_reset_)
        breaks("virtio.status.needs-reset",
               "requests are made though the device has said that it needs a reset");
    if (!court().bus_master())
        breaks("pci.bus-master", "the device is told to work while it may not reach memory");
    const auto found = queues_.find(number);
    if (found == queues_.end() || !found->second.enabled)
        return breaks("virtio.notify.no-queue",
                      fmt::format("queue {} is notified, which is not enabled", number));
    Queue& queue = found->second;
    if (queue.notify_off && access.place.offset != std::uint64_t{*queue.notify_off} * kNotifyStride)
        breaks("virtio.notify.place",
               fmt::format("queue {} is notified at {:#x}", number, access.place.offset));
    // Only a barrier orders stores before a write to a register.
    if (queue.idx_unordered)
        breaks("virtio.notify.unordered",
               fmt::format("queue {} is notified without a barrier behind the index", number));
    if (queue.looked && !queue.wanted)
        breaks("virtio.notify.unwanted",
               fmt::format("queue {} is notified though the device asks for none", number));
    queue.wanted = false;
    queue.told_idx = queue.avail_idx;
}

/// What the device used before it sees this makes no interrupt; with nothing lent there is no such thing.
void VirtioBook::ask(Queue& queue, bool interrupts) {
    queue.asked = interrupts && queue.lent != 0;
}

void VirtioBook::look(Queue& queue, bool wanted) {
    if (queue.idx_unfenced)
        breaks("virtio.notify.look-unfenced",
               "what suppresses notifications is read without a full barrier behind the index");
    if (queue.told_idx == queue.avail_idx) return;
    queue.looked = true;
    queue.wanted = wanted;
    queue.told_idx = queue.avail_idx;
}

void VirtioBook::rests() {
    for (auto& [number, queue] : queues_) {
        const bool live = is_live(queue) && !resetting_;
        if (queue.wanted && live) {
            queue.wanted = false;
            breaks("virtio.notify.missing",
                   fmt::format("queue {} has a new buffer of which the device wants to hear", number));
        }
        if (queue.asked && live) {
            queue.asked = false;
            breaks("virtio.suppression.unlooked",
                   fmt::format("interrupts of queue {} are asked for, and its index is not looked at again",
                               number));
        }
    }
    if (refused_ && (status_ & kStatusFailed) == 0 && !gone_) {
        refused_ = false;
        breaks("virtio.init.no-failed", "FEATURES_OK did not stay, and FAILED was not set");
    }
}

void VirtioBook::window(const Access& access) {
    constexpr std::uint64_t kBarAt = 4;
    constexpr std::uint64_t kOffsetAt = 8;
    constexpr std::uint64_t kLengthAt = 12;
    constexpr std::uint64_t kDataAt = 16;
    const std::uint64_t offset = access.place.offset;
    if (access.write && offset == kBarAt) window_bar_ = access.value;
    if (access.write && offset == kOffsetAt) window_offset_ = access.value;
    if (access.write && offset == kLengthAt) window_length_ = access.value;
    if (offset < kDataAt) return;
    if (window_length_ != 1 && window_length_ != 2 && window_length_ != 4)
        return breaks("virtio.window.outside", fmt::format("the window has {} bytes", window_length_));
    if (window_offset_ % window_length_ != 0)
        breaks("virtio.window.alignment",
               fmt::format("{} bytes at {:#x} through the window", window_length_, window_offset_));
    const bool inside =
        std::any_of(structures_.begin(), structures_.end(), [&](const harness::RegisterBlock& block) {
            constexpr std::uint64_t kStructureBytes = 0x1000;
            return block.bar >= 0 && window_bar_ == static_cast<std::uint64_t>(block.bar) &&
                   window_offset_ >= block.offset &&
                   window_offset_ + window_length_ <= block.offset + kStructureBytes;
        });
    if (!inside)
        breaks("virtio.window.outside",
               fmt::format("BAR {}, {:#x} is in no structure of the device", window_bar_, window_offset_));
}

}  // namespace tb::rules
