// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "pci/msix.hpp"
#include "pci/testing/fake_board.hpp"
#include "virtio/testing/device_ring.hpp"
#include "virtio/virtio_regs.hpp"

namespace tb::virtio::testing {

/// A modern virtio-pci function with as much behaviour as tests of drivers need, and knobs to make it lie.
/// Laid out like QEMU's: MSI-X in BAR 1, common 0, ISR 0x1000, device 0x2000 and notify 0x3000 in BAR 4.
class FakeVirtio {
  public:
    static constexpr std::uint64_t kMsixBase = 0xfeb0'0000;
    static constexpr std::uint64_t kBase = 0xfeb1'0000;
    static constexpr std::uint32_t kIntxVector = 11;
    static constexpr std::size_t kVectors = 4;

    struct Queue {
        std::uint16_t size = 256;
        std::uint16_t vector = kNoVector;
        std::uint16_t enabled = 0;
        std::uint16_t notify_off = 0;
        std::uint64_t descriptors = 0;
        std::uint64_t driver = 0;
        std::uint64_t device = 0;
        DeviceRing ring;
    };

    FakeVirtio() : queues(4), msix_table(kVectors * 4) {
        function.memory_bar(1, 0x1000, kMsixBase);
        function.memory_bar(4, 0x4000, kBase, true);
        function.set8(pci::kInterruptPin, 1);
        msix_position = function.add_capability(pci::kCapMsix, {kVectors - 1, 0, 1, 0, 0, 0, 1, 8, 0, 0});
        function.writable16(msix_position + pci::Msix::kControl, 0xc000);
        cfg_position = add_structure(cap::kTypePciConfig, 0, 0, 0, 20);
        notify_position = add_structure(cap::kTypeNotify, 4, 0x3000, 0x1000, 20);
        function.set32(notify_position + cap::kNotifyMultiplier, 4);
        device_position = add_structure(cap::kTypeDevice, 4, 0x2000, 0x1000);
        isr_position = add_structure(cap::kTypeIsr, 4, 0x1000, 0x1000);
        common_position = add_structure(cap::kTypeCommon, 4, 0, 0x1000);
        function.writable16(pci::kCommand, 0x0407);
        for (std::size_t i = 0; i < queues.size(); ++i) queues[i].notify_off = static_cast<std::uint16_t>(i);
        for (std::size_t i = 0; i < kVectors; ++i) msix_table[i * 4 + 3] = 1;
        board.add(function);
        board.add_registers(
            kMsixBase, 0x1000,
            [this](std::uint32_t at, unsigned) {
                return at / 4 < msix_table.size() ? msix_table[at / 4] : 0;
            },
            [this](std::uint32_t at, unsigned, std::uint64_t value) {
                if (at / 4 < msix_table.size()) msix_table[at / 4] = static_cast<std::uint32_t>(value);
            });
        board.add_registers(
            kBase, 0x4000, [this](std::uint32_t at, unsigned width) { return read(at, width); },
            [this](std::uint32_t at, unsigned width, std::uint64_t value) { write(at, width, value); });
        ON_CALL(board.machine, attach_intx(::testing::_)).WillByDefault([this](hal::PciAddress) {
            intx_attached = true;
            return hal::Result(kIntxVector);
        });
        ON_CALL(board.machine, detach(kIntxVector)).WillByDefault([this](std::uint32_t) {
            intx_attached = false;
        });
    }

    std::uint16_t add_structure(std::uint8_t type, std::uint8_t bar, std::uint32_t offset,
                                std::uint32_t length, std::uint8_t cap_len = 16) {
        std::vector<std::uint8_t> body(cap_len - 2u);
        const std::uint16_t at = function.add_capability(pci::kCapVendor, body);
        function.set8(at + 2, cap_len);
        function.set8(at + 3, type);
        function.set8(at + cap::kBar, bar);
        function.set32(at + cap::kOffset, offset);
        function.set32(at + cap::kLength, length);
        return at;
    }

    template <class T>
    void set_config(std::uint32_t offset, T value) {
        for (unsigned i = 0; i < sizeof(T); ++i)
            config[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }

    /// Tells the driver, by MSI-X or INTx as it has set things up.
    void interrupt_queue(std::uint16_t queue) {
        isr |= kIsrQueue;
        interrupt(queues[queue].vector);
    }
    void interrupt_config() {
        ++generation;
        isr |= kIsrConfig | kIsrQueue;
        interrupt(config_vector);
    }
    bool bus_master() const { return (function.get16(pci::kCommand) & pci::kCommandBusMaster) != 0; }
    bool running() const { return (status & kStatusDriverOk) != 0; }
    /// Nothing answers any more.
    void remove() {
        removed = true;
        function.present = false;
    }

    pci::testing::FakeBoard board;
    pci::testing::FakeFunction function;
    std::uint16_t msix_position = 0;
    std::uint16_t cfg_position = 0;
    std::uint16_t notify_position = 0;
    std::uint16_t device_position = 0;
    std::uint16_t isr_position = 0;
    std::uint16_t common_position = 0;

    std::uint64_t features = kFeatureVersion1;
    std::uint64_t accepted = 0;
    std::uint8_t status = 0;
    std::vector<std::uint8_t> statuses;  ///< all that the driver wrote
    std::uint8_t generation = 0;
    std::uint8_t isr = 0;
    std::uint16_t config_vector = kNoVector;
    std::uint16_t queue_select = 0;
    std::vector<Queue> queues;
    std::array<std::uint8_t, 128> config{};
    std::vector<std::uint32_t> msix_table;
    bool intx_attached = false;
    std::vector<std::uint16_t> notified;
    std::function<void(std::uint16_t queue)> on_notify;
    std::function<void()> on_config_read;
    std::function<void(std::uint32_t offset, std::uint8_t value)> on_config_write;

    // Lies.
    bool removed = false;
    bool reset_hangs = false;
    bool refuses_features = false;
    std::uint16_t vectors_accepted = 0xffff;     ///< how many vector writes succeed
    std::uint16_t num_queues_override = 0xffff;  ///< what num_queues says instead

    /// A field that was read or written in another width than its own (§4.1.3.1).
    unsigned wrong_widths = 0;

  private:
    void interrupt(std::uint16_t vector) {
        const std::uint16_t control = function.get16(msix_position + pci::Msix::kControl);
        if ((control & pci::Msix::kControlEnable) != 0) {
            if (vector < kVectors && (msix_table[vector * 4u + 3] & 1) == 0 && bus_master())
                board.machine.raise(msix_table[vector * 4u + 2]);
        } else if (intx_attached && (function.get16(pci::kCommand) & pci::kCommandInterruptDisable) == 0) {
            board.machine.raise(kIntxVector);
        }
    }

    std::uint64_t read(std::uint32_t at, unsigned width) {
        if (removed) return ~std::uint64_t{0};
        if (at >= 0x3000) return 0;
        if (at >= 0x2000) {
            if (on_config_read) on_config_read();
            std::uint64_t value = 0;
            for (unsigned i = 0; i < width && at - 0x2000 + i < config.size(); ++i)
                value |= std::uint64_t{config[at - 0x2000 + i]} << (8 * i);
            return value;
        }
        if (at >= 0x1000) {
            const std::uint8_t taken = isr;
            isr = 0;
            return taken;
        }
        check_width(at, width);
        Queue absent;
        absent.size = 0;
        const Queue& queue = queue_select < queues.size() ? queues[queue_select] : absent;
        switch (at) {
            case common::kDeviceFeature:
                return features >> (device_select_ == 1 ? 32 : 0) & 0xffff'ffff;
            case common::kConfigMsixVector:
                return config_vector;
            case common::kNumQueues:
                return num_queues_override != 0xffff ? num_queues_override : queues.size();
            case common::kDeviceStatus:
                return status;
            case common::kConfigGeneration:
                return generation;
            case common::kQueueSelect:
                return queue_select;
            case common::kQueueSize:
                return queue.size;
            case common::kQueueMsixVector:
                return queue.vector;
            case common::kQueueEnable:
                return queue.enabled;
            case common::kQueueNotifyOff:
                return queue.notify_off;
            default:
                return 0;
        }
    }

    void write(std::uint32_t at, unsigned width, std::uint64_t value) {
        if (removed) return;
        if (at >= 0x3000) {
            notified.push_back(static_cast<std::uint16_t>(value));
            if (on_notify) on_notify(static_cast<std::uint16_t>((at - 0x3000) / 4));
            return;
        }
        if (at >= 0x2000) {
            const auto byte = static_cast<std::uint8_t>(value);
            if (on_config_write)
                on_config_write(at - 0x2000, byte);
            else
                config[at - 0x2000] = byte;
            return;
        }
        if (at >= 0x1000) return;
        check_width(at, width);
        switch (at) {
            case common::kDeviceFeatureSelect:
                device_select_ = value;
                return;
            case common::kDriverFeatureSelect:
                driver_select_ = value;
                return;
            case common::kDriverFeature:
                if (driver_select_ == 0)
                    accepted = (accepted & ~0xffff'ffffull) | value;
                else
                    accepted = (accepted & 0xffff'ffff) | value << 32;
                return;
            case common::kConfigMsixVector:
                config_vector = take_vector(value);
                return;
            case common::kDeviceStatus:
                write_status(static_cast<std::uint8_t>(value));
                return;
            case common::kQueueSelect:
                queue_select = static_cast<std::uint16_t>(value);
                return;
            default:
                break;
        }
        if (queue_select >= queues.size()) return;
        Queue& queue = queues[queue_select];
        const auto half = [&](std::uint64_t& whole) {
            const unsigned shift = at % 8 == 4 ? 32 : 0;
            whole = (whole & ~(0xffff'ffffull << shift)) | value << shift;
        };
        switch (at & ~0x4u) {
            case common::kQueueDesc:
                half(queue.descriptors);
                return;
            case common::kQueueDriver:
                half(queue.driver);
                return;
            case common::kQueueDevice:
                half(queue.device);
                return;
            default:
                break;
        }
        switch (at) {
            case common::kQueueSize:
                queue.size = static_cast<std::uint16_t>(value);
                return;
            case common::kQueueMsixVector:
                queue.vector = take_vector(value);
                return;
            case common::kQueueEnable:
                queue.enabled = 1;
                queue.ring =
                    DeviceRing(board.machine, queue.descriptors, queue.driver, queue.device, queue.size);
                return;
            default:
                return;
        }
    }

    void write_status(std::uint8_t value) {
        statuses.push_back(value);
        if (value == 0) {
            if (reset_hangs) return;
            status = 0;
            accepted = 0;
            isr = 0;
            config_vector = kNoVector;
            for (Queue& queue : queues) {
                queue.enabled = 0;
                queue.vector = kNoVector;
                queue.ring = {};
            }
            return;
        }
        if (refuses_features) value &= static_cast<std::uint8_t>(~kStatusFeaturesOk);
        status = value | (status & kStatusNeedsReset);
    }

    std::uint16_t take_vector(std::uint64_t value) {
        if (value == kNoVector) return kNoVector;
        if (value >= kVectors || vectors_accepted == 0) return kNoVector;
        if (vectors_accepted != 0xffff) --vectors_accepted;
        return static_cast<std::uint16_t>(value);
    }

    void check_width(std::uint32_t at, unsigned width) {
        const bool byte = at == common::kDeviceStatus || at == common::kConfigGeneration;
        const bool word = at >= common::kConfigMsixVector && at < common::kQueueDesc && !byte;
        if (width != (byte ? 1u : word ? 2u : 4u)) ++wrong_widths;
    }

    std::uint64_t device_select_ = 0;
    std::uint64_t driver_select_ = 0;
};

}  // namespace tb::virtio::testing
