// SPDX-License-Identifier: BSD-3-Clause
#include "virtio/interrupts.hpp"

#include <gtest/gtest.h>

#include "virtio/testing/fake_virtio.hpp"

namespace tb::virtio {
namespace {

using hal::Error;
using testing::FakeVirtio;

class InterruptsTest : public ::testing::Test {
  protected:
    InterruptsTest() {
        EXPECT_TRUE(transport.probe(device.board.function()));
        transport.set_bus_master(true);
    }
    std::uint16_t msix_control() { return device.function.get16(device.msix_position + pci::Msix::kControl); }
    std::uint32_t taken() {
        device.board.host.interrupt_point();
        return interrupts.take();
    }
    /// Of a device as it is now.
    hal::Result<InterruptMode> attach(InterruptMode mode, unsigned queues) {
        EXPECT_TRUE(transport.probe(device.board.function()));
        return interrupts.attach(transport, mode, queues);
    }

    FakeVirtio device;
    PciTransport transport;
    Interrupts interrupts;
};

TEST_F(InterruptsTest, GivesConfigurationAndEachQueueAVector) {
    EXPECT_EQ(*attach(InterruptMode::kMsix, 3), InterruptMode::kMsix);
    EXPECT_EQ(interrupts.vectors(), 4u);
    EXPECT_EQ(device.config_vector, 0);
    EXPECT_EQ(device.queues[2].vector, 3);
    device.interrupt_queue(1);
    EXPECT_EQ(taken(), 1u << 1);
    device.interrupt_config();
    EXPECT_EQ(taken(), Interrupts::kConfig);
    EXPECT_EQ(taken(), 0u);
}

TEST_F(InterruptsTest, LeavesTheInterruptStatusAloneWithMsix) {
    ASSERT_TRUE(attach(InterruptMode::kMsix, 1));
    device.interrupt_queue(0);
    EXPECT_EQ(taken(), 1u);
    EXPECT_EQ(device.isr, kIsrQueue);
}

TEST_F(InterruptsTest, SharesAVectorWhenTheTableIsTooSmall) {
    EXPECT_EQ(*attach(InterruptMode::kMsix, 4), InterruptMode::kMsix);  // four entries, five wanted
    EXPECT_EQ(interrupts.vectors(), 2u);
    EXPECT_EQ(device.queues[0].vector, 1);
    EXPECT_EQ(device.queues[3].vector, 1);
    device.interrupt_queue(2);
    EXPECT_EQ(taken(), 0xfu);
}

TEST_F(InterruptsTest, SharesAVectorWhenThePlatformRunsOut) {
    unsigned left = 2;
    ON_CALL(device.board.machine, attach_msi()).WillByDefault([&]() -> hal::Result<hal::MsiInterrupt> {
        if (left == 0) return Error::kNoMemory;
        --left;
        return hal::MsiInterrupt{{40 + left}, {0xfee0'0000, 40 + left}};
    });
    ON_CALL(device.board.machine, detach(::testing::_)).WillByDefault([&](std::uint32_t) { ++left; });
    EXPECT_EQ(*attach(InterruptMode::kMsix, 3), InterruptMode::kMsix);
    EXPECT_EQ(interrupts.vectors(), 2u);
    interrupts.detach();
    EXPECT_EQ(left, 2u);
}

TEST_F(InterruptsTest, OneVectorForEverythingIsEnough) {
    device.function.set16(device.msix_position + pci::Msix::kControl, 0);  // a table of one
    EXPECT_EQ(*attach(InterruptMode::kMsix, 1), InterruptMode::kMsix);
    EXPECT_EQ(interrupts.vectors(), 1u);
    device.interrupt_queue(0);
    EXPECT_EQ(taken(), Interrupts::kConfig | 1u);
}

TEST_F(InterruptsTest, ReadsBackWhetherTheDeviceTookTheVector) {
    device.vectors_accepted = 2;  // config and the first queue, then NO_VECTOR for ever
    EXPECT_EQ(*attach(InterruptMode::kMsix, 3), InterruptMode::kIntx);
    EXPECT_EQ(msix_control() & pci::Msix::kControlEnable, 0);
    EXPECT_EQ(device.config_vector, kNoVector);
    EXPECT_TRUE(device.intx_attached);
    device.interrupt_queue(1);
    EXPECT_EQ(taken(), 0x7u);
}

TEST_F(InterruptsTest, RefusedVectorsAreTriedAgainWithFewer) {
    unsigned attempts = 0;
    ON_CALL(device.board.machine, attach_msi()).WillByDefault([&] {
        ++attempts;
        if (attempts == 5) device.vectors_accepted = 0xffff;  // the second scheme is taken
        return hal::Result(hal::MsiInterrupt{{30 + attempts}, {0xfee0'0000, 30 + attempts}});
    });
    device.vectors_accepted = 1;
    EXPECT_EQ(*attach(InterruptMode::kMsix, 3), InterruptMode::kMsix);
    EXPECT_EQ(interrupts.vectors(), 2u);
}

TEST_F(InterruptsTest, WithoutMsixThereIsIntx) {
    device.function.set8(device.msix_position, 0x42);
    EXPECT_EQ(*attach(InterruptMode::kMsix, 2), InterruptMode::kIntx);
}

TEST_F(InterruptsTest, AMsixTableThatMakesNoSenseIsNotUsed) {
    device.function.set32(device.msix_position + pci::Msix::kTable, 0xffff'fff1);
    EXPECT_EQ(*attach(InterruptMode::kMsix, 2), InterruptMode::kIntx);
}

TEST_F(InterruptsTest, IntxReadsTheStatusWhichClearsIt) {
    EXPECT_EQ(*attach(InterruptMode::kIntx, 2), InterruptMode::kIntx);
    device.interrupt_queue(0);
    EXPECT_EQ(taken(), 0x3u);
    EXPECT_EQ(device.isr, 0);
    device.interrupt_config();  // both bits, as one interrupt may mean both
    EXPECT_EQ(taken(), Interrupts::kConfig | 0x3u);
}

TEST_F(InterruptsTest, AnInterruptOfAnotherDeviceOnTheLineMarksNothing) {
    ASSERT_TRUE(attach(InterruptMode::kIntx, 2));
    device.board.machine.raise(FakeVirtio::kIntxVector);
    EXPECT_EQ(taken(), 0u);
}

TEST_F(InterruptsTest, AStatusOfAllOnesMeansGone) {
    ASSERT_TRUE(attach(InterruptMode::kIntx, 2));
    device.remove();
    device.board.machine.raise(FakeVirtio::kIntxVector);
    EXPECT_EQ(taken(), Interrupts::kGone);
}

TEST_F(InterruptsTest, ADeviceWithoutAPinHasNoIntx) {
    device.function.set8(pci::kInterruptPin, 0);
    EXPECT_EQ(attach(InterruptMode::kIntx, 1).error(), Error::kUnsupported);
    device.function.set8(pci::kInterruptPin, 9);
    EXPECT_EQ(attach(InterruptMode::kIntx, 1).error(), Error::kUnsupported);
}

TEST_F(InterruptsTest, PolledMeansThatNothingInterrupts) {
    EXPECT_EQ(*attach(InterruptMode::kPolled, 2), InterruptMode::kPolled);
    EXPECT_NE(device.function.get16(pci::kCommand) & pci::kCommandInterruptDisable, 0);
    EXPECT_EQ(device.config_vector, kNoVector);
    device.interrupt_queue(0);
    EXPECT_EQ(taken(), 0u);
}

TEST_F(InterruptsTest, MsixThatFirmwareLeftOnIsTurnedOff) {
    device.function.set16(device.msix_position + pci::Msix::kControl, 0x8003);
    EXPECT_EQ(*attach(InterruptMode::kIntx, 1), InterruptMode::kIntx);
    EXPECT_EQ(msix_control() & pci::Msix::kControlEnable, 0);
}

TEST_F(InterruptsTest, DetachGivesEverythingBack) {
    for (const InterruptMode mode : {InterruptMode::kMsix, InterruptMode::kIntx}) {
        unsigned attached = 0;
        ON_CALL(device.board.machine, attach_msi()).WillByDefault([&] {
            ++attached;
            return hal::Result(hal::MsiInterrupt{{30 + attached}, {0xfee0'0000, 30 + attached}});
        });
        ON_CALL(device.board.machine, attach_intx(::testing::_)).WillByDefault([&](hal::PciAddress) {
            ++attached;
            return hal::Result(FakeVirtio::kIntxVector);
        });
        ON_CALL(device.board.machine, detach(::testing::_)).WillByDefault([&](std::uint32_t) { --attached; });
        ASSERT_TRUE(attach(mode, 3));
        EXPECT_EQ(attached, mode == InterruptMode::kMsix ? 4u : 1u);
        interrupts.detach();
        EXPECT_EQ(attached, 0u);
        EXPECT_EQ(msix_control() & pci::Msix::kControlEnable, 0);
        interrupts.acknowledge();  // late, from a line that is shared: touches nothing
    }
}

TEST_F(InterruptsTest, AMarkThatArrivedIsTakenOnce) {
    interrupts.mark(4);
    interrupts.mark(Interrupts::kConfig);
    EXPECT_TRUE(interrupts.pending());
    EXPECT_EQ(interrupts.take(), Interrupts::kConfig | 4u);
    EXPECT_FALSE(interrupts.pending());
}

}  // namespace
}  // namespace tb::virtio
