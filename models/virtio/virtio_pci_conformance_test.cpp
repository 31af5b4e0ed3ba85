// SPDX-License-Identifier: BSD-3-Clause
// What VIRTIO 1.2 §2 and §4.1 ask of a device on PCI and no other test shows. conformance.tsv lists all of
// it.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "models/virtio/testing/echo_device.hpp"

namespace tb::model::virtio::testing {
namespace {

constexpr std::uint64_t kBarBytes = 0x4000;

/// A virtio structure's capability, as a driver reads it out of the configuration space (§4.1.4).
struct VendorCapability {
    std::uint64_t at, length, type, bar, offset, size, extra;
};

class VirtioPciConformance : public EchoBench {
  protected:
    std::vector<VendorCapability> vendor_capabilities() {
        std::vector<VendorCapability> found;
        for (std::uint64_t at = config(0x34, 1); at != 0; at = config(at + 1, 1))
            if (config(at, 1) == 0x09)
                found.push_back({at, config(at + 2, 1), config(at + 3, 1), config(at + 4, 1),
                                 config(at + 8, 4), config(at + 12, 4), config(at + 16, 4)});
        return found;
    }
    VendorCapability capability(std::uint64_t type) {
        const std::vector<VendorCapability> all = vendor_capabilities();
        const auto found = std::ranges::find(all, type, &VendorCapability::type);
        EXPECT_NE(found, all.end()) << "type " << type;
        return found == all.end() ? VendorCapability{} : *found;
    }
    std::uint64_t config(std::uint64_t offset, unsigned width) {
        return bench.config_read(kSlot, static_cast<unsigned>(offset), width);
    }
    std::vector<std::uint32_t> messages() {
        std::vector<std::uint32_t> data;
        for (const auto& message : bench.seen.messages) data.push_back(message.second);
        bench.seen.messages.clear();
        return data;
    }
    bool interrupt_status() { return (config(6, 2) & 8) != 0; }
};

// §2.2.2: any subset of the features is accepted, and the device works with it.
TEST_F(VirtioPciConformance, EverySubsetOfTheFeaturesIsAccepted) {
    for (unsigned choice = 0; choice < 8; ++choice) {
        const std::uint64_t features = kVersion1 | ((choice & 1) != 0 ? kEventIdx : 0) |
                                       ((choice & 2) != 0 ? kIndirectDesc : 0) |
                                       ((choice & 4) != 0 ? kRingReset : 0);
        bench.store<std::uint32_t>(ring.driver, 0);
        bench.store<std::uint32_t>(ring.device, 0);
        ring.set_next(0);
        driver.negotiate(features);
        EXPECT_EQ(driver.status(), 0xb) << std::hex << features;
        EXPECT_EQ(device.driver_features(), features);
        driver.enable_queue(0, ring);
        driver.driver_ok();
        echo(0);
        EXPECT_EQ(ring.used_index(), 1U) << std::hex << features;
    }
}

// §2.2.2: what was agreed on once is agreed on again after a reset.
TEST_F(VirtioPciConformance, TheSameFeaturesAreAcceptedAgainAfterAReset) {
    for (unsigned time = 0; time < 3; ++time) {
        driver.negotiate(kVersion1 | kEventIdx);
        EXPECT_EQ(driver.status(), 0xb) << time;
        EXPECT_EQ(device.driver_features(), kVersion1 | kEventIdx) << time;
        if (time == 1) device.power_on_reset();
        if (time == 1) driver.enable_function();
    }
}

// §2.4.1: after a reset the device leaves queues and interrupts alone until it is brought up again.
TEST_F(VirtioPciConformance, AfterAResetNothingIsTouchedOrSignalled) {
    driver.enable_msix(3);
    start(kVersion1, 1);
    driver.write(kConfigVector, 0, 2);
    driver.set_status(0);
    bench.seen.dmas.clear();
    echo(0);
    echo_device().change_config(1);
    EXPECT_TRUE(bench.seen.dmas.empty());
    EXPECT_TRUE(messages().empty());
    EXPECT_EQ(driver.acknowledge(), 0U);
}

// §2.5.2: the configuration space can be read before FEATURES_OK.
TEST_F(VirtioPciConformance, TheConfigurationIsThereBeforeFeaturesAreAgreedOn) {
    echo_device().change_config(0x37);
    for (const std::uint8_t status : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{3}}) {
        driver.set_status(status);
        EXPECT_EQ(driver.read(kDeviceBlock, 1), 0x37U) << "status " << unsigned{status};
    }
}

// §2.6.1.2.1: a queue that is enabled again is the one that is described then.
TEST_F(VirtioPciConformance, AQueueThatIsEnabledAgainHasItsNewSizeAndPlace) {
    start(kVersion1 | kRingReset);
    echo(0);
    driver.write(kQueueReset, 1, 2);
    DriverRing other(bench, 0x70'0000, 4);
    driver.enable_queue(0, other);
    EXPECT_EQ(driver.read(kQueueSize, 2), 4U);
    for (unsigned n = 0; n < 6; ++n) {
        other.offer(other.chain(2 * n % 4, {{kSource, 4, 0, 0}, {kTarget, 4, kWrite, 0}}));
        driver.notify();
        EXPECT_EQ(other.used_index(), n + 1) << "from the beginning, one by one";
    }
    EXPECT_EQ(ring.used_index(), 1U) << "the old rings are left alone";
}

// §4.1.3.2: each half of a 64-bit field is a register of its own.
TEST_F(VirtioPciConformance, TheHalvesOfAQueueAddressAreIndependent) {
    for (std::uint64_t at = kQueueAddresses; at < kQueueAddresses + 24; at += 8) {
        driver.write(at + 4, 0x1122'3344, 4);
        EXPECT_EQ(driver.read(at, 4), 0U);
        driver.write(at, 0x5566'7700, 4);
        EXPECT_EQ(driver.read(at, 8), 0x1122'3344'5566'7700U);
    }
}

// §4.1.4.3.1, §4.1.4.4.1, §4.1.4.5.1, §4.1.4.9.1: common configuration, notification, ISR and configuration
// access are there, and the device's own configuration; shared memory (8) and vendor data (9) are not. There
// is one of each, so that no order among several can be wrong (§4.1.4.2).
TEST_F(VirtioPciConformance, EachStructureIsThereOnce) {
    std::vector<std::uint64_t> types;
    for (const VendorCapability& each : vendor_capabilities()) types.push_back(each.type);
    std::ranges::sort(types);
    EXPECT_EQ(types, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
}

// §4.1.4.2: cap_len counts what follows the structure: notify_off_multiplier and pci_cfg_data.
TEST_F(VirtioPciConformance, CapLenCountsTheExtraData) {
    for (const VendorCapability& each : vendor_capabilities())
        EXPECT_EQ(each.length, each.type == kCapNotify || each.type == kCapPciConfig ? 20U : 16U)
            << "type " << each.type;
}

// §4.1.4.3.1, §4.1.4.4.1, §4.1.4.6.1: offsets are multiples of 4, and what they begin is inside the BAR.
TEST_F(VirtioPciConformance, StructuresAreAlignedAndInsideTheBar) {
    for (const VendorCapability& each : vendor_capabilities()) {
        EXPECT_EQ(each.offset % 4, 0U) << "type " << each.type;
        EXPECT_LE(each.offset + each.size, kBarBytes) << "type " << each.type;
        // The window names no BAR until a driver does.
        EXPECT_EQ(each.bar, each.type == kCapPciConfig ? 0U : 4U) << "type " << each.type;
    }
    EXPECT_GE(capability(kCapCommon).size, 0x3cU) << "up to queue_reset";
    EXPECT_GE(capability(kCapDevice).size, 8U) << "the Echo's configuration";
}

// §4.1.4.4.1: every queue's doorbell is inside the notification structure, as the multiplier has it.
TEST_F(VirtioPciConformance, TheDoorbellsOfAllQueuesAreInsideTheirStructure) {
    const VendorCapability notify = capability(kCapNotify);
    EXPECT_EQ(notify.extra, 4U) << "an even power of 2, and a multiple of 4";
    for (unsigned queue = 0; queue < kMaxQueues; ++queue) {
        driver.write(kQueueSelect, queue, 2);
        EXPECT_GE(notify.size, driver.read(0x1e, 2) * notify.extra + 4) << "queue " << queue;
    }
}

// §4.1.4.3.1: queue_reset reads 0 at reset and once the queue is enabled.
TEST_F(VirtioPciConformance, QueueResetReadsZeroAtResetAndOnceEnabled) {
    EXPECT_EQ(driver.read(kQueueReset, 2), 0U);
    start(kVersion1 | kRingReset);
    EXPECT_EQ(driver.read(kQueueReset, 2), 0U);
    driver.write(kQueueReset, 1, 2);
    driver.enable_queue(0, ring);
    EXPECT_EQ(driver.read(kQueueReset, 2), 0U);
    EXPECT_EQ(driver.read(kQueueEnable, 2), 1U);
    driver.set_status(0);
    EXPECT_EQ(driver.read(kQueueReset, 2), 0U);
}

// §4.1.4.3.1: the halves of the features beyond 64 are empty, and what a driver writes there is not kept.
TEST_F(VirtioPciConformance, EveryHalfOfTheFeaturesCanBeSelected) {
    for (unsigned half = 0; half < 5; ++half) {
        driver.write(kDeviceFeatureSelect, half, 4);
        driver.write(kDriverFeatureSelect, half, 4);
        driver.write(kDriverFeature, half == 1 ? 1 : half == 0 ? 1U << 29 : 5, 4);
        const std::uint32_t offered[] = {0x3000'0000, 0x101, 0, 0, 0};
        const std::uint32_t kept[] = {0x2000'0000, 1, 0, 0, 0};
        EXPECT_EQ(driver.read(kDeviceFeature, 4), offered[half]) << half;
        EXPECT_EQ(driver.read(kDriverFeature, 4), kept[half]) << half;
    }
}

// §4.1.4.5.1: without MSI-X the Interrupt Status bit of the PCI Status register is the OR of the ISR's bits.
TEST_F(VirtioPciConformance, TheInterruptStatusBitFollowsTheIsr) {
    start();
    EXPECT_FALSE(interrupt_status());
    echo(0);
    EXPECT_TRUE(interrupt_status());
    EXPECT_EQ(driver.acknowledge(), kIsrQueue);
    EXPECT_FALSE(interrupt_status());
    echo_device().change_config(1);
    EXPECT_TRUE(interrupt_status());
    EXPECT_EQ(driver.acknowledge() & kIsrConfig, kIsrConfig);
    EXPECT_FALSE(interrupt_status());
}

/// Reads the ISR at the moment at which a message passes.
class IsrAtTheMessage : public Observer {
  public:
    explicit IsrAtTheMessage(PciDriver& driver) : driver_(driver) {}
    void msi(std::uint64_t, std::uint32_t) override { isr.push_back(driver_.acknowledge()); }
    std::vector<std::uint64_t> isr;

  private:
    PciDriver& driver_;
};

// §4.1.4.5.1: the configuration bit is set before the notification is sent.
TEST_F(VirtioPciConformance, TheIsrTellsBeforeTheMessageDoes) {
    driver.enable_msix(3);
    start();
    driver.write(kConfigVector, 0, 2);
    IsrAtTheMessage seen(driver);
    bench.board.set_observer(&seen);
    echo_device().change_config(1);
    bench.board.set_observer(&bench.seen);
    ASSERT_EQ(seen.isr.size(), 1U);
    EXPECT_EQ(seen.isr[0] & kIsrConfig, kIsrConfig);
}

// §4.1.5.1.2.1: every event can be mapped to every vector, says so, sends it, and can be unmapped.
TEST_F(VirtioPciConformance, EveryEventMapsToEveryVectorAndOffAgain) {
    driver.enable_msix(3);
    start();
    for (std::uint16_t vector = 0; vector < 3; ++vector) {
        driver.write(kQueueVector, vector, 2);
        driver.write(kConfigVector, vector, 2);
        EXPECT_EQ(driver.read(kQueueVector, 2), vector);
        EXPECT_EQ(driver.read(kConfigVector, 2), vector);
        echo(2U * vector);
        EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x40U + vector}));
        echo_device().change_config(static_cast<std::uint8_t>(vector));
        EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x40U + vector}));
        driver.write(kQueueVector, 0xffff, 2);
        driver.write(kConfigVector, 0xffff, 2);
        EXPECT_EQ(driver.read(kQueueVector, 2), 0xffffU);
        EXPECT_EQ(driver.read(kConfigVector, 2), 0xffffU);
        echo(2U * vector + 1);
        EXPECT_TRUE(messages().empty());
    }
}

// §4.1.5.4.1: with MSI-X, and without a vector for it, a change of the configuration interrupts nobody.
TEST_F(VirtioPciConformance, AConfigurationChangeWithoutAVectorSendsNothing) {
    driver.enable_msix(3);
    start(kVersion1, 1);
    echo_device().change_config(1);
    EXPECT_TRUE(messages().empty());
    EXPECT_FALSE(bench.board.irq_level(20));
    EXPECT_EQ(driver.read(kConfigGeneration, 1), 1U) << "it did change";
}

// §4.1.4.9.1 has the window lead to the BAR that cap.bar names. QEMU's leads to the structures whatever is
// there.
TEST_F(VirtioPciConformance, TheConfigurationWindowDoesNotLookAtItsBar) {
    const unsigned at = static_cast<unsigned>(capability(kCapPciConfig).at);
    for (const unsigned bar : {0U, 1U, 4U, 5U}) {
        bench.config_write(kSlot, at + 4, bar, 1);
        bench.config_write(kSlot, at + 8, 0x12);
        bench.config_write(kSlot, at + 12, 2);
        EXPECT_EQ(bench.config_read(kSlot, at + 16, 2), 2U) << "num_queues, bar " << bar;
    }
}

}  // namespace
}  // namespace tb::model::virtio::testing
