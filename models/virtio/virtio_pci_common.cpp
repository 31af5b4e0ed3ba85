// SPDX-License-Identifier: BSD-3-Clause
// The common configuration structure (VIRTIO 1.2 §4.1.4.3): what each register does.
#include <bit>

#include "models/virtio/virtio_pci.hpp"

namespace tb::model::virtio {

namespace {

std::string subject_of(const char* reg) {
    return std::string("common.") + reg;
}

}  // namespace

std::uint32_t VirtioPci::common_read(std::uint32_t offset, unsigned width) {
    RegisterBank::Register* reg = common_.find(offset);
    if (reg == nullptr) {
        report("common", "read at offset " + std::to_string(offset) + ", where no register starts");
        return 0;
    }
    if (reg->spec().width != width)
        report(subject_of(reg->spec().name), "read with " + std::to_string(width) + " bytes; it has " +
                                                 std::to_string(reg->spec().width) +
                                                 " (VIRTIO 1.2 §4.1.3.1)");
    return static_cast<std::uint32_t>(reg->read());
}

void VirtioPci::common_write(std::uint32_t offset, unsigned width, std::uint32_t value) {
    RegisterBank::Register* reg = common_.find(offset);
    if (reg == nullptr)
        return report("common", "written at offset " + std::to_string(offset) + ", where no register starts");
    const RegisterSpec& spec = reg->spec();
    if (spec.writable == 0)
        return report(subject_of(spec.name), "written; it is read-only (VIRTIO 1.2 §4.1.4.3)");
    if (spec.width != width)
        report(subject_of(spec.name), "written with " + std::to_string(width) + " bytes; it has " +
                                          std::to_string(spec.width) + " (VIRTIO 1.2 §4.1.3.1)");
    // A wrong width is not merged: QEMU takes the value for the register's, whatever its width.
    reg->write(value);
}

void VirtioPci::bind_common_registers() {
    // Reads of registers whose value lives elsewhere; device_feature_select and driver_feature_select are
    // storage.
    const RegisterBank::Register& device_half = common_.at("device_feature_select");
    const RegisterBank::Register& driver_half = common_.at("driver_feature_select");
    common_.at("device_feature").on_read([this, &device_half](std::uint64_t) -> std::uint64_t {
        const std::uint64_t hidden =
            feature_bit(kFeatureNotifyOnEmpty) | feature_bit(kFeatureAnyLayout) | feature_bit(kFeatureBad);
        const std::uint64_t half = device_half.value();
        return half > 1 ? 0 : (offered_features() & ~hidden) >> (32 * half) & 0xffff'ffff;
    });
    common_.at("driver_feature")
        .on_read([this, &driver_half](std::uint64_t) -> std::uint64_t {
            return driver_half.value() > 1 ? 0 : written_features_[driver_half.value()];
        })
        .on_write([this, &driver_half](std::uint64_t, std::uint64_t value) {
            if (driver_half.value() <= 1) write_driver_features(driver_half.value(), value);
        });
    common_.at("config_msix_vector")
        .on_read([this](std::uint64_t) { return config_vector_; })
        .on_write([this](std::uint64_t, std::uint64_t value) {
            config_vector_ = choose_vector(config_vector_, value);
        });
    common_.at("num_queues").on_read([this](std::uint64_t) { return queues_.size(); });
    common_.at("device_status")
        .on_read([this](std::uint64_t) { return status_; })
        .on_write([this](std::uint64_t, std::uint64_t value) { write_status(value); });
    common_.at("config_generation").on_read([this](std::uint64_t) { return generation_; });
    common_.at("queue_select")
        .on_read([this](std::uint64_t) { return queue_select_; })
        .on_write([this](std::uint64_t, std::uint64_t value) {
            if (value < kMaxQueues) queue_select_ = static_cast<std::uint16_t>(value);
        });
}

void VirtioPci::bind_queue_registers() {
    common_.at("queue_size")
        .on_read([this](std::uint64_t) { return selected_queue() == nullptr ? 0 : selected_queue()->size(); })
        .on_write([this](std::uint64_t, std::uint64_t value) { write_queue_size(value); });
    common_.at("queue_msix_vector")
        .on_read([this](std::uint64_t) { return selected().vector; })
        .on_write([this](std::uint64_t, std::uint64_t value) {
            selected().vector = choose_vector(selected().vector, value);
        });
    common_.at("queue_enable")
        .on_read([this](std::uint64_t) { return selected().enabled ? 1 : 0; })
        .on_write([this](std::uint64_t, std::uint64_t value) { write_queue_enable(value); });
    common_.at("queue_notify_off").on_read([this](std::uint64_t) { return queue_select_; });
    const char* const addresses[] = {"queue_desc_lo",   "queue_desc_hi",   "queue_driver_lo",
                                     "queue_driver_hi", "queue_device_lo", "queue_device_hi"};
    for (unsigned part = 0; part < 6; ++part) {
        const char* const reg = addresses[part];
        common_.at(reg)
            .on_read([this, part](std::uint64_t) { return selected().address[part]; })
            .on_write([this, part, reg](std::uint64_t, std::uint64_t value) {
                if (selected().enabled)
                    report(subject_of(reg), "written while the queue is enabled (VIRTIO 1.2 §4.1.4.3.2)");
                selected().address[part] = static_cast<std::uint32_t>(value);
            });
    }
    common_.at("queue_reset")
        .on_read([this](std::uint64_t) { return selected().resetting ? 1 : 0; })
        .on_write([this](std::uint64_t, std::uint64_t value) { write_queue_reset(value); });
}

void VirtioPci::write_driver_features(std::uint64_t half, std::uint64_t value) {
    const std::string subject = subject_of("driver_feature");
    written_features_[half] = static_cast<std::uint32_t>(value);
    if ((status_ & kFeaturesOk) != 0)
        return report(subject, "written after FEATURES_OK (VIRTIO 1.2 §3.1.1); ignored");
    const std::uint64_t wanted = std::uint64_t{written_features_[1]} << 32 | written_features_[0];
    const std::uint64_t this_half = std::uint64_t{0xffff'ffff} << (32 * half);
    if ((wanted & ~offered_features() & this_half) != 0)
        report(subject, "accepts features that were not offered (VIRTIO 1.2 §2.2.1)");
    features_ = wanted & offered_features();
    // EVENT_IDX makes the rings longer by an entry.
    if (negotiated(kFeatureEventIdx))
        for (Queue& queue : queues_) queue.remap();
}

void VirtioPci::write_status(std::uint64_t value) {
    const auto status = static_cast<std::uint8_t>(value);
    const std::string subject = subject_of("device_status");
    const unsigned cleared = status_ & ~status & ~unsigned{kNeedsReset};
    if (status != 0 && cleared != 0) report(subject, "clears bits without a reset (VIRTIO 1.2 §2.1.1)");
    if ((status & kDriverOk) != 0 && (status & kFeaturesOk) == 0 && negotiated(kFeatureVersion1))
        report(subject, "DRIVER_OK without FEATURES_OK (VIRTIO 1.2 §3.1.1)");
    if ((status & ~status_ & kFeaturesOk) != 0 && !negotiated(kFeatureVersion1))
        report(subject, "FEATURES_OK without VIRTIO_F_VERSION_1 (VIRTIO 1.2 §6.1)");
    set_status(status);
    if (status_ == 0) reset_by_driver();
}

void VirtioPci::set_status(std::uint8_t value) {
    device_->status_changed(value);
    status_ = value;
}

void VirtioPci::write_queue_size(std::uint64_t value) {
    const auto size = static_cast<std::uint16_t>(value);
    const std::string subject = subject_of("queue_size");
    selected().size = size;
    Queue* const queue = selected_queue();
    if (queue == nullptr) return report(subject, "the selected queue does not exist");
    const bool packed = negotiated(kFeatureRingPacked);
    if (!packed && !std::has_single_bit(size)) report(subject, "is not a power of 2 (VIRTIO 1.2 §2.7)");
    if (packed && size == 0) report(subject, "is 0 (VIRTIO 1.2 §4.1.4.3.2)");
    if (size > info_.queue_sizes[queue->index()])
        report(subject, "is larger than the device offers (VIRTIO 1.2 §4.1.4.3.2)");
    if (selected().enabled) report(subject, "written while the queue is enabled (VIRTIO 1.2 §4.1.4.3.2)");
    queue->set_size(size);
}

void VirtioPci::write_queue_enable(std::uint64_t value) {
    const std::string subject = subject_of("queue_enable");
    if (value != 1) return fail(subject, "only 1 may be written (VIRTIO 1.2 §4.1.4.3.2)");
    if ((status_ & kFeaturesOk) == 0) report(subject, "written before FEATURES_OK (VIRTIO 1.2 §3.1.1)");
    QueueRegisters& regs = selected();
    regs.enabled = true;
    regs.resetting = false;
    Queue* const queue = selected_queue();
    if (queue == nullptr) return report(subject, "the selected queue does not exist");
    const auto address = [&](unsigned part) {
        return std::uint64_t{regs.address[part + 1]} << 32 | regs.address[part];
    };
    const bool packed = negotiated(kFeatureRingPacked);
    if (address(0) % 16 != 0 || address(2) % (packed ? 4 : 2) != 0 || address(4) % 4 != 0)
        report(subject, packed ? "a part of the queue is not aligned to 16, 4 and 4 bytes (VIRTIO 1.2 §2.8)"
                               : "a ring is not aligned to 16, 2 and 4 bytes (VIRTIO 1.2 §2.7)");
    if (regs.size != 0) queue->set_size(regs.size);
    queue->set_rings(address(0), address(2), address(4));
}

void VirtioPci::write_queue_reset(std::uint64_t value) {
    const std::string subject = subject_of("queue_reset");
    if (!negotiated(kFeatureRingReset))
        report(subject, "written without VIRTIO_F_RING_RESET (VIRTIO 1.2 §4.1.4.3.2)");
    if (value != 1) return;
    if (Queue* const queue = selected_queue()) {
        if (queue->in_use() != 0)
            report(subject, std::to_string(queue->in_use()) + " chains are in flight; they finish unseen");
        queue->reset();
    }
    selected().vector = kNoVector;
    selected().enabled = false;
}

std::uint16_t VirtioPci::choose_vector(std::uint16_t old, std::uint64_t value) {
    if (old != kNoVector && vector_users_[old] != 0) {
        --vector_users_[old];
        if (vector_users_[old] == 0) msix()->clear_pending(old);
    }
    // What does not exist reads back as NO_VECTOR, so that the driver can tell (§4.1.5.1.2.1).
    if (value >= vector_users_.size()) return kNoVector;
    ++vector_users_[value];
    return static_cast<std::uint16_t>(value);
}

}  // namespace tb::model::virtio
