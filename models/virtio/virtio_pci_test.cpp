// SPDX-License-Identifier: BSD-3-Clause
#include "models/virtio/virtio_pci.hpp"

#include <gtest/gtest.h>
#include <linux/virtio_pci.h>

#include <algorithm>
#include <string>

#include "models/virtio/testing/echo_device.hpp"

namespace tb::model::virtio::testing {
namespace {

constexpr unsigned kWindow = 0x84;  // the PCI configuration access capability

class VirtioPciTest : public EchoBench {
  protected:
    std::size_t findings_about(const std::string& subject) {
        return static_cast<std::size_t>(std::ranges::count(bench.seen.findings, subject, &Finding::subject));
    }
    std::vector<std::uint32_t> messages() {
        std::vector<std::uint32_t> data;
        data.reserve(bench.seen.messages.size());
        for (const auto& message : bench.seen.messages) data.push_back(message.second);
        return data;
    }
};

TEST_F(VirtioPciTest, TheRegisterTableAgreesWithTheSystemsHeader) {
    const std::pair<const char*, unsigned> header[] = {{"device_feature_select", VIRTIO_PCI_COMMON_DFSELECT},
                                                       {"device_feature", VIRTIO_PCI_COMMON_DF},
                                                       {"driver_feature_select", VIRTIO_PCI_COMMON_GFSELECT},
                                                       {"driver_feature", VIRTIO_PCI_COMMON_GF},
                                                       {"config_msix_vector", VIRTIO_PCI_COMMON_MSIX},
                                                       {"num_queues", VIRTIO_PCI_COMMON_NUMQ},
                                                       {"device_status", VIRTIO_PCI_COMMON_STATUS},
                                                       {"config_generation", VIRTIO_PCI_COMMON_CFGGENERATION},
                                                       {"queue_select", VIRTIO_PCI_COMMON_Q_SELECT},
                                                       {"queue_size", VIRTIO_PCI_COMMON_Q_SIZE},
                                                       {"queue_msix_vector", VIRTIO_PCI_COMMON_Q_MSIX},
                                                       {"queue_enable", VIRTIO_PCI_COMMON_Q_ENABLE},
                                                       {"queue_notify_off", VIRTIO_PCI_COMMON_Q_NOFF},
                                                       {"queue_desc_lo", VIRTIO_PCI_COMMON_Q_DESCLO},
                                                       {"queue_desc_hi", VIRTIO_PCI_COMMON_Q_DESCHI},
                                                       {"queue_driver_lo", VIRTIO_PCI_COMMON_Q_AVAILLO},
                                                       {"queue_driver_hi", VIRTIO_PCI_COMMON_Q_AVAILHI},
                                                       {"queue_device_lo", VIRTIO_PCI_COMMON_Q_USEDLO},
                                                       {"queue_device_hi", VIRTIO_PCI_COMMON_Q_USEDHI}};
    for (const auto& [name, offset] : header) {
        const auto spec = std::ranges::find(kCommonRegisters, std::string_view(name),
                                            [](const RegisterSpec& s) { return std::string_view(s.name); });
        ASSERT_NE(spec, std::end(kCommonRegisters)) << name;
        EXPECT_EQ(spec->offset, offset) << name;
    }
}

TEST_F(VirtioPciTest, NegotiatesWhatBothSidesHave) {
    driver.negotiate(kVersion1 | kEventIdx | 1);
    EXPECT_EQ(device.driver_features(), kVersion1 | kEventIdx);
    EXPECT_EQ(findings_about("common.driver_feature"), 1U) << "bit 0 was not offered";
    EXPECT_EQ(driver.read(kDriverFeature, 4), 1U) << "reads back as written, high half";
    driver.write(kDriverFeature, 0, 4);
    EXPECT_EQ(device.driver_features(), kVersion1 | kEventIdx) << "too late: FEATURES_OK is set";
    EXPECT_EQ(driver.read(kDriverFeature, 4), 0U);
}

TEST_F(VirtioPciTest, AQueueThatDoesNotExistHasSizeZero) {
    driver.write(kQueueSelect, 2, 2);
    EXPECT_EQ(driver.read(kQueueSize, 2), 0U);
    driver.write(kQueueSelect, 1024, 2);
    EXPECT_EQ(driver.read(kQueueSelect, 2), 2U) << "out of range is ignored";
    driver.notify(7);
    EXPECT_EQ(findings_about("notify.queue_notify[7]"), 1U);
}

TEST_F(VirtioPciTest, QueueSizeTakesAnythingUpTo1024AsQemuDoes) {
    driver.write(kQueueSize, 300, 2);
    EXPECT_EQ(driver.read(kQueueSize, 2), 300U);
    driver.write(kQueueSize, 0, 2);
    driver.write(kQueueSize, 1025, 2);
    EXPECT_EQ(driver.read(kQueueSize, 2), 300U);
    EXPECT_GE(findings_about("common.queue_size"), 3U);
}

TEST_F(VirtioPciTest, AVectorThatDoesNotExistReadsBackAsNone) {
    driver.write(kConfigVector, 3, 2);
    EXPECT_EQ(driver.read(kConfigVector, 2), 0xffffU) << "two queues, three vectors";
    driver.write(kQueueVector, 2, 2);
    EXPECT_EQ(driver.read(kQueueVector, 2), 2U);
}

TEST_F(VirtioPciTest, AMisalignedOrWideAccessBecomesSeveral) {
    driver.write(kDeviceFeatureSelect, 1, 4);
    EXPECT_EQ(driver.read(0, 8), 0x101'0000'0001U);
    driver.write(kQueueSelect, 1, 2);
    EXPECT_EQ(driver.read(kQueueSelect, 4), 0x40'0001U) << "queue_size in the upper half";
    EXPECT_EQ(driver.read(kDeviceStatus, 4), 0U) << "an aligned dword is the register that starts there";
}

TEST_F(VirtioPciTest, WrongWidthsAndReadOnlyRegistersAreReported) {
    driver.read(kDeviceStatus, 4);
    EXPECT_EQ(findings_about("common.device_status"), 1U);
    driver.write(0x12, 5, 2);
    EXPECT_EQ(findings_about("common.num_queues"), 1U);
    driver.read(0x3c, 4);
    EXPECT_EQ(findings_about("common"), 1U);
}

TEST_F(VirtioPciTest, ReadingTheIsrAcknowledgesAndLowersTheLine) {
    start();
    echo(0);
    EXPECT_TRUE(bench.board.irq_level(20));
    EXPECT_EQ(bench.config_read(kSlot, 6, 2) & 8U, 8U);
    EXPECT_EQ(driver.read(kIsrBlock + 0x7c, 1), 1U) << "any offset of the page";
    EXPECT_FALSE(bench.board.irq_level(20));
    EXPECT_EQ(driver.acknowledge(), 0U);
}

TEST_F(VirtioPciTest, MessagesGoToTheVectorOfTheQueueAndTheIsrIsSetToo) {
    driver.enable_msix(3);
    start(kVersion1, 1);
    driver.write(kConfigVector, 0, 2);
    echo(0);
    EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x41}));
    EXPECT_EQ(driver.acknowledge(), 1U);
    echo_device().change_config(9);
    EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x41, 0x40}));
    EXPECT_EQ(driver.acknowledge(), 3U);
    EXPECT_FALSE(bench.board.irq_level(20)) << "INTx is silent while MSI-X is enabled";
}

TEST_F(VirtioPciTest, WithoutAVectorNothingIsSent) {
    driver.enable_msix(3);
    start();
    echo(0);
    EXPECT_TRUE(bench.seen.messages.empty());
    EXPECT_FALSE(bench.board.irq_level(20));
    EXPECT_EQ(ring.used_index(), 1U);
}

TEST_F(VirtioPciTest, AMessageRaisedWhileMaskedIsPendingAndSentAtTheUnmask) {
    driver.enable_msix(3, true);
    start(kVersion1, 2);
    echo(0);
    echo(1);
    EXPECT_TRUE(bench.seen.messages.empty());
    EXPECT_EQ(bench.read(kMsixTable + 0x800), 4U);
    bench.write(kMsixTable + 0x2c, 0);
    EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x42})) << "two causes, one message";
    EXPECT_EQ(bench.read(kMsixTable + 0x800), 0U);
}

TEST_F(VirtioPciTest, TheFunctionMaskHoldsBackAllVectors) {
    driver.enable_msix(3);
    bench.config_write(kSlot, PciDriver::kMsixControl, 0xc000, 2);
    start(kVersion1, 1);
    echo(0);
    EXPECT_TRUE(bench.seen.messages.empty());
    bench.config_write(kSlot, PciDriver::kMsixControl, 0x8000, 2);
    EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x41}));
}

TEST_F(VirtioPciTest, AVectorThatIsGivenUpIsNoLongerPending) {
    driver.enable_msix(3, true);
    start(kVersion1, 2);
    echo(0);
    driver.write(kQueueVector, 0xffff, 2);
    EXPECT_EQ(bench.read(kMsixTable + 0x800), 0U);
}

TEST_F(VirtioPciTest, EnablingMsixLowersTheLine) {
    start();
    echo(0);
    EXPECT_TRUE(bench.board.irq_level(20));
    driver.enable_msix(3);
    EXPECT_FALSE(bench.board.irq_level(20));
}

TEST_F(VirtioPciTest, TheGenerationCountsTheDevicesChangesOnly) {
    start();
    EXPECT_EQ(driver.read(kConfigGeneration, 1), 0U);
    echo_device().change_config(1);
    EXPECT_EQ(driver.read(kConfigGeneration, 1), 1U);
    EXPECT_EQ(driver.read(kDeviceBlock, 1), 1U);
    EXPECT_EQ(driver.acknowledge(), 3U);
}

TEST_F(VirtioPciTest, TheConfigurationDoesNotChangeAloudBeforeDriverOk) {
    driver.negotiate(kVersion1);
    echo_device().change_config(1);
    EXPECT_EQ(driver.read(kConfigGeneration, 1), 0U);
    EXPECT_EQ(driver.acknowledge(), 0U);
}

TEST_F(VirtioPciTest, QueueEnableAcceptsOnlyOne) {
    start();
    driver.write(kQueueEnable, 2, 2);
    EXPECT_EQ(driver.status(), 0x4f);
    EXPECT_EQ(driver.read(kConfigGeneration, 1), 1U);
    EXPECT_EQ(bench.config_read(kSlot, 6, 2) & 8U, 8U);
    EXPECT_EQ(driver.acknowledge(), 3U);
}

TEST_F(VirtioPciTest, AnErrorBeforeDriverOkSetsNeedsResetSilently) {
    driver.negotiate(kVersion1);
    driver.write(kQueueEnable, 0, 2);
    EXPECT_EQ(driver.status(), 0x4b);
    EXPECT_EQ(driver.acknowledge(), 0U);
}

TEST_F(VirtioPciTest, ADoorbellRingsWhateverItsWidthAndValue) {
    start();
    ring.offer(ring.chain(0, {{kSource, 4, 0, 0}, {kTarget, 4, kWrite, 0}}));
    driver.write(kNotifyBlock + 1, 0x77, 1);
    EXPECT_EQ(ring.used_index(), 1U);
}

TEST_F(VirtioPciTest, ADoorbellBeforeDriverOkIsServedAndReported) {
    driver.negotiate(kVersion1);
    driver.enable_queue(0, ring);
    echo(0);
    EXPECT_EQ(ring.used_index(), 1U);
    EXPECT_EQ(findings_about("notify.queue_notify[0]"), 1U);
}

TEST_F(VirtioPciTest, AQueueResetStopsOneQueueAndItCanBeEnabledAgain) {
    start(kVersion1 | kRingReset, 1);
    echo(0);
    driver.write(kQueueReset, 1, 2);
    EXPECT_EQ(driver.read(kQueueReset, 2), 0U);
    EXPECT_EQ(driver.read(kQueueEnable, 2), 0U);
    EXPECT_EQ(driver.read(kQueueVector, 2), 0xffffU);
    EXPECT_EQ(driver.read(kQueueSize, 2), 64U);
    EXPECT_EQ(driver.read(kQueueAddresses, 4), ring.descriptors) << "QEMU keeps the addresses";
    echo(1);
    EXPECT_EQ(ring.used_index(), 1U) << "nothing runs";
    bench.store<std::uint16_t>(ring.driver + 2, 0);
    bench.store<std::uint16_t>(ring.device + 2, 0);
    ring.set_next(0);
    driver.write(kQueueEnable, 1, 2);
    EXPECT_EQ(driver.read(kQueueSize, 2), kSize) << "and the size that was written";
    echo(0);
    EXPECT_EQ(ring.used_index(), 1U);
}

TEST_F(VirtioPciTest, TheConfigurationWindowReachesTheStructures) {
    bench.config_write(kSlot, kWindow + 8, 0x14);
    bench.config_write(kSlot, kWindow + 12, 1);
    bench.config_write(kSlot, kWindow + 16, 3, 1);
    EXPECT_EQ(driver.status(), 3);
    EXPECT_EQ(bench.config_read(kSlot, kWindow + 16, 1), 3U);
    echo_device().change_config(0x55);
    bench.config_write(kSlot, kWindow + 8, 0x2003);
    bench.config_write(kSlot, kWindow + 12, 4);
    EXPECT_EQ(bench.config_read(kSlot, kWindow + 16), 0x55U) << "aligned down";
    bench.config_write(kSlot, kWindow + 8, 0x4000);
    EXPECT_EQ(bench.config_read(kSlot, kWindow + 16), 0x55U) << "beyond the BAR: what was there";
    bench.config_write(kSlot, kWindow + 12, 3);
    EXPECT_EQ(bench.config_read(kSlot, kWindow + 16), 0x55U) << "3 is no width";
}

TEST_F(VirtioPciTest, TheConfigurationWindowWorksWithMemorySpaceDisabled) {
    driver.enable_function(0);
    bench.config_write(kSlot, kWindow + 8, 0x12);
    bench.config_write(kSlot, kWindow + 12, 2);
    EXPECT_EQ(bench.config_read(kSlot, kWindow + 16, 2), 2U) << "num_queues";
}

TEST_F(VirtioPciTest, PowerOnResetForgetsWhatADriverResetKeeps) {
    start();
    driver.write(kDeviceFeatureSelect, 1, 4);
    driver.set_status(0);
    EXPECT_EQ(driver.read(kDeviceFeatureSelect, 4), 1U);
    EXPECT_EQ(driver.read(kDriverFeature, 4), 1U) << "QEMU keeps what was written";
    device.power_on_reset();
    driver.enable_function();
    EXPECT_EQ(driver.read(kDeviceFeatureSelect, 4), 0U);
    driver.write(kDriverFeatureSelect, 1, 4);
    EXPECT_EQ(driver.read(kDriverFeature, 4), 0U);
}

// The faults of a public model that concern the transport; the list is in split_queue_test.cpp.

TEST_F(VirtioPciTest, Fault8ADeviceResetClearsInterruptsAndQueues) {
    start(kVersion1, 1);
    driver.write(kConfigVector, 0, 2);
    echo(0);
    EXPECT_TRUE(bench.board.irq_level(20));
    driver.set_status(0);
    EXPECT_EQ(driver.status(), 0);
    EXPECT_FALSE(bench.board.irq_level(20));
    EXPECT_EQ(driver.acknowledge(), 0U);
    EXPECT_EQ(driver.read(kConfigVector, 2), 0xffffU);
    EXPECT_EQ(driver.read(kQueueVector, 2), 0xffffU);
    EXPECT_EQ(driver.read(kQueueEnable, 2), 0U);
    EXPECT_EQ(driver.read(kQueueSize, 2), 64U) << "what the device offers";
    for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(driver.read(kQueueAddresses + 4ULL * i, 4), 0U);
    EXPECT_EQ(device.driver_features(), 0U);
    echo(1);
    EXPECT_EQ(ring.used_index(), 1U) << "no queue, no work";
}

TEST_F(VirtioPciTest, Fault8AResetForgetsPendingMessages) {
    driver.enable_msix(3, true);
    start(kVersion1, 2);
    echo(0);
    EXPECT_EQ(bench.read(kMsixTable + 0x800), 4U);
    driver.set_status(0);
    EXPECT_EQ(bench.read(kMsixTable + 0x800), 0U);
    bench.write(kMsixTable + 0x2c, 0);
    EXPECT_TRUE(bench.seen.messages.empty());
}

TEST_F(VirtioPciTest, Fault8NeedsResetKeepsTheOtherStatusBitsAndInterrupts) {
    driver.enable_msix(3);
    start(kVersion1, 1);
    driver.write(kConfigVector, 0, 2);
    ring.offer(kSize);
    driver.notify();
    EXPECT_EQ(driver.status(), 0x4f);
    EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x40}));
}

TEST_F(VirtioPciTest, Fault9AConfigurationWriteAfterDriverOkArrivesAndIsNoChangeOfTheDevice) {
    start();
    driver.read(kDeviceBlock, 4);
    driver.write(kDeviceBlock + 2, 0xabcd, 2);
    EXPECT_EQ(driver.read(kDeviceBlock, 4), 0xabcd'0000U);
    EXPECT_EQ(driver.read(kConfigGeneration, 1), 0U);
    EXPECT_EQ(driver.acknowledge(), 0U);
    driver.write(kDeviceBlock + 6, 0x1234'5678, 4);
    EXPECT_EQ(driver.read(kDeviceBlock + 4, 4), 0x5678'0000U)
        << "misaligned: two accesses, of which the second is beyond the end";
    EXPECT_EQ(findings_about("device"), 1U);
}

// Fault 10 is about plain MSI, which this device does not have; of its siblings in MSI-X:
TEST_F(VirtioPciTest, Fault10MsixHasItsVectorsAndDoesNotDependOnMemorySpace) {
    EXPECT_EQ(bench.config_read(kSlot, PciDriver::kMsixControl, 2), 2U) << "table size - 1";
    bench.config_write(kSlot, PciDriver::kMsixControl, 0xffff, 2);
    EXPECT_EQ(bench.config_read(kSlot, PciDriver::kMsixControl, 2), 0xc002U) << "the size cannot be written";
    driver.enable_msix(3);
    start(kVersion1, 1);
    ring.offer(ring.chain(0, {{kSource, 4, 0, 0}, {kTarget, 4, kWrite, 0}}));
    driver.enable_function(4);  // bus master without memory space; the doorbell comes through the window
    bench.config_write(kSlot, kWindow + 8, 0x3000);
    bench.config_write(kSlot, kWindow + 12, 2);
    bench.config_write(kSlot, kWindow + 16, 0, 2);
    EXPECT_EQ(messages(), (std::vector<std::uint32_t>{0x41}));
}

TEST_F(VirtioPciTest, Fault11WithoutBusMasterNothingIsReadWrittenOrSignalled) {
    driver.enable_msix(3);
    start(kVersion1, 1);
    driver.enable_function(2);
    EXPECT_EQ(driver.status(), 0xb) << "QEMU takes DRIVER_OK away";
    echo(0);
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_TRUE(bench.seen.messages.empty());
    EXPECT_GE(findings_about("notify.queue_notify[0]"), 1U);
    driver.enable_function(6);
    driver.notify();
    EXPECT_EQ(ring.used_index(), 1U) << "nothing was lost";
    EXPECT_TRUE(echoed(16));
}

TEST_F(VirtioPciTest, Fault11ADriverThatNeverEnablesBusMasterGetsNothing) {
    driver.enable_function(2);
    start();
    echo(0);
    EXPECT_EQ(ring.used_index(), 0U);
    for (const auto& dma : bench.seen.dmas) EXPECT_EQ(dma.outcome, DmaOutcome::kNoBusMaster);
}

class VirtioPciAsQemu : public EchoBench {
  protected:
    VirtioPciAsQemu() : EchoBench({.dma_without_bus_master = true}) {}
};

TEST_F(VirtioPciAsQemu, ADriverThatNeverEnablesBusMasterGetsItsDataButNoMessages) {
    driver.enable_msix(3);
    driver.enable_function(2);
    start(kVersion1, 1);
    echo(0);
    EXPECT_TRUE(echoed(16));
    EXPECT_TRUE(bench.seen.messages.empty());
    EXPECT_FALSE(bench.seen.findings.empty());
}

TEST_F(VirtioPciAsQemu, ClearingBusMasterHaltsTheDeviceUntilItIsSetOrReset) {
    start();
    driver.enable_function(2);
    echo(0);
    EXPECT_EQ(ring.used_index(), 0U);
    driver.enable_function(6);
    driver.notify();
    EXPECT_EQ(ring.used_index(), 1U);
}

class VirtioPciWithoutVectors : public EchoBench {
  protected:
    VirtioPciWithoutVectors()
        : EchoBench({.vectors = 0, .event_idx = false, .indirect_desc = false, .queue_reset = false}) {}
};

TEST_F(VirtioPciWithoutVectors, HasNoMsixAndInterruptsByTheLine) {
    EXPECT_EQ(bench.config_read(kSlot, 0x34, 1), 0x84U) << "the chain starts at the window";
    EXPECT_EQ(driver.offered_features(), kVersion1);
    start(kVersion1, 0);
    EXPECT_EQ(driver.read(kQueueVector, 2), 0xffffU);
    echo(0);
    EXPECT_TRUE(bench.board.irq_level(20));
    driver.set_status(0);
    EXPECT_FALSE(bench.board.irq_level(20));
}

class VirtioPciTransitional : public EchoBench {
  protected:
    VirtioPciTransitional() : EchoBench({.transitional_identity = true}) {}
};

TEST_F(VirtioPciTransitional, HasTheOldIdentity) {
    EXPECT_EQ(bench.config_read(kSlot, 8, 1), 0U);
    EXPECT_EQ(bench.config_read(kSlot, 0x2e, 2), 42U);
}

}  // namespace
}  // namespace tb::model::virtio::testing
