// SPDX-License-Identifier: BSD-3-Clause
// The driver's own tables against the system's headers.
#include <gtest/gtest.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "virtio/virtio_regs.hpp"
#define VIRTIO_RING_NO_LEGACY  // its inline functions are C
#include <linux/virtio_ring.h>

#include <cstddef>

namespace tb::virtio {
namespace {

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

TEST(Constants, Status) {
    EXPECT_EQ(kStatusAcknowledge, VIRTIO_CONFIG_S_ACKNOWLEDGE);
    EXPECT_EQ(kStatusDriver, VIRTIO_CONFIG_S_DRIVER);
    EXPECT_EQ(kStatusDriverOk, VIRTIO_CONFIG_S_DRIVER_OK);
    EXPECT_EQ(kStatusFeaturesOk, VIRTIO_CONFIG_S_FEATURES_OK);
    EXPECT_EQ(kStatusNeedsReset, VIRTIO_CONFIG_S_NEEDS_RESET);
    EXPECT_EQ(kStatusFailed, VIRTIO_CONFIG_S_FAILED);
}

TEST(Constants, Features) {
    EXPECT_EQ(kFeatureIndirectDesc, bit(VIRTIO_RING_F_INDIRECT_DESC));
    EXPECT_EQ(kFeatureEventIdx, bit(VIRTIO_RING_F_EVENT_IDX));
    EXPECT_EQ(kFeatureVersion1, bit(VIRTIO_F_VERSION_1));
    EXPECT_EQ(kFeatureAccessPlatform, bit(VIRTIO_F_ACCESS_PLATFORM));
    EXPECT_EQ(kFeatureRingPacked, bit(VIRTIO_F_RING_PACKED));
    EXPECT_EQ(kFeatureInOrder, bit(VIRTIO_F_IN_ORDER));
    EXPECT_EQ(kFeatureOrderPlatform, bit(VIRTIO_F_ORDER_PLATFORM));
    EXPECT_EQ(kFeatureRingReset, bit(VIRTIO_F_RING_RESET));
}

TEST(Constants, PciCapabilities) {
    EXPECT_EQ(cap::kLengthAndType, offsetof(virtio_pci_cap, cap_len));
    EXPECT_EQ(cap::kLengthAndType + 1u, offsetof(virtio_pci_cap, cfg_type));
    EXPECT_EQ(cap::kBar, offsetof(virtio_pci_cap, bar));
    EXPECT_EQ(cap::kOffset, offsetof(virtio_pci_cap, offset));
    EXPECT_EQ(cap::kLength, offsetof(virtio_pci_cap, length));
    EXPECT_EQ(cap::kBytes, sizeof(virtio_pci_cap));
    EXPECT_EQ(cap::kNotifyMultiplier, offsetof(virtio_pci_notify_cap, notify_off_multiplier));
    EXPECT_EQ(cap::kNotifyBytes, sizeof(virtio_pci_notify_cap));
    EXPECT_EQ(cap::kTypeCommon, VIRTIO_PCI_CAP_COMMON_CFG);
    EXPECT_EQ(cap::kTypeNotify, VIRTIO_PCI_CAP_NOTIFY_CFG);
    EXPECT_EQ(cap::kTypeIsr, VIRTIO_PCI_CAP_ISR_CFG);
    EXPECT_EQ(cap::kTypeDevice, VIRTIO_PCI_CAP_DEVICE_CFG);
    EXPECT_EQ(cap::kTypePciConfig, VIRTIO_PCI_CAP_PCI_CFG);
    EXPECT_EQ(kIsrConfig, VIRTIO_PCI_ISR_CONFIG);
    EXPECT_EQ(kNoVector, VIRTIO_MSI_NO_VECTOR);
}

TEST(Constants, CommonConfiguration) {
    EXPECT_EQ(common::kDeviceFeatureSelect, offsetof(virtio_pci_common_cfg, device_feature_select));
    EXPECT_EQ(common::kDeviceFeature, offsetof(virtio_pci_common_cfg, device_feature));
    EXPECT_EQ(common::kDriverFeatureSelect, offsetof(virtio_pci_common_cfg, guest_feature_select));
    EXPECT_EQ(common::kDriverFeature, offsetof(virtio_pci_common_cfg, guest_feature));
    EXPECT_EQ(common::kConfigMsixVector, offsetof(virtio_pci_common_cfg, msix_config));
    EXPECT_EQ(common::kNumQueues, offsetof(virtio_pci_common_cfg, num_queues));
    EXPECT_EQ(common::kDeviceStatus, offsetof(virtio_pci_common_cfg, device_status));
    EXPECT_EQ(common::kConfigGeneration, offsetof(virtio_pci_common_cfg, config_generation));
    EXPECT_EQ(common::kQueueSelect, offsetof(virtio_pci_common_cfg, queue_select));
    EXPECT_EQ(common::kQueueSize, offsetof(virtio_pci_common_cfg, queue_size));
    EXPECT_EQ(common::kQueueMsixVector, offsetof(virtio_pci_common_cfg, queue_msix_vector));
    EXPECT_EQ(common::kQueueEnable, offsetof(virtio_pci_common_cfg, queue_enable));
    EXPECT_EQ(common::kQueueNotifyOff, offsetof(virtio_pci_common_cfg, queue_notify_off));
    EXPECT_EQ(common::kQueueDesc, offsetof(virtio_pci_common_cfg, queue_desc_lo));
    EXPECT_EQ(common::kQueueDriver, offsetof(virtio_pci_common_cfg, queue_avail_lo));
    EXPECT_EQ(common::kQueueDevice, offsetof(virtio_pci_common_cfg, queue_used_lo));
    EXPECT_EQ(common::kBytes, sizeof(virtio_pci_common_cfg));
}

TEST(Constants, SplitRing) {
    EXPECT_EQ(ring::kDescNext, VRING_DESC_F_NEXT);
    EXPECT_EQ(ring::kDescWrite, VRING_DESC_F_WRITE);
    EXPECT_EQ(ring::kDescIndirect, VRING_DESC_F_INDIRECT);
    EXPECT_EQ(ring::kAvailNoInterrupt, VRING_AVAIL_F_NO_INTERRUPT);
    EXPECT_EQ(ring::kUsedNoNotify, VRING_USED_F_NO_NOTIFY);
    for (std::uint32_t event : {0u, 1u, 5u, 32767u, 65534u, 65535u})
        for (std::uint32_t old_index : {0u, 1u, 4u, 65528u, 65535u})
            for (std::uint32_t step = 0; step < 300; ++step) {
                const auto e = static_cast<std::uint16_t>(event);
                const auto o = static_cast<std::uint16_t>(old_index);
                const auto n = static_cast<std::uint16_t>(old_index + step);
                ASSERT_EQ(ring::need_event(e, n, o), vring_need_event(e, n, o) != 0);
            }
}

TEST(Constants, PackedRing) {
    EXPECT_EQ(packed::kDescAvail, 1U << VRING_PACKED_DESC_F_AVAIL);
    EXPECT_EQ(packed::kDescUsed, 1U << VRING_PACKED_DESC_F_USED);
    EXPECT_EQ(packed::kEventEnable, VRING_PACKED_EVENT_FLAG_ENABLE);
    EXPECT_EQ(packed::kEventDisable, VRING_PACKED_EVENT_FLAG_DISABLE);
    EXPECT_EQ(packed::kEventForDesc, VRING_PACKED_EVENT_FLAG_DESC);
    EXPECT_EQ(packed::kEventWrap, 1U << VRING_PACKED_EVENT_F_WRAP_CTR);
    EXPECT_EQ(packed::kLen, offsetof(vring_packed_desc, len));
    EXPECT_EQ(packed::kId, offsetof(vring_packed_desc, id));
    EXPECT_EQ(packed::kFlags, offsetof(vring_packed_desc, flags));
    EXPECT_EQ(ring::kDescBytes, sizeof(vring_packed_desc));
    EXPECT_EQ(packed::kEventDesc, offsetof(vring_packed_desc_event, off_wrap));
    EXPECT_EQ(packed::kEventFlags, offsetof(vring_packed_desc_event, flags));
    EXPECT_EQ(packed::kEventBytes, sizeof(vring_packed_desc_event));
}

}  // namespace
}  // namespace tb::virtio
