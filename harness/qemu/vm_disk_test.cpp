// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include <cerrno>

#include "harness/qemu/testing.hpp"

namespace tb::qemu {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::load;
using testing::PciSlot;
using testing::store;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kBar = 0xe0000000;
constexpr std::uint64_t kDiskSize = 1 << 20;

// Offsets in BAR 4 of QEMU's virtio-pci; VIRTIO 1.2 §4.1.4.3 for the common configuration.
constexpr std::uint32_t kDriverFeatureSelect = 8, kDriverFeature = 12, kStatus = 20;
constexpr std::uint32_t kQueueSize = 24, kQueueEnable = 28;
constexpr std::uint32_t kQueueDesc = 32, kQueueDriver = 40, kQueueDevice = 48;
constexpr std::uint32_t kIsr = 0x1000, kDeviceConfig = 0x2000, kNotify = 0x3000;

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kDesc = 0x10000, kAvail = 0x11000, kUsed = 0x12000, kHeaders = 0x20000,
                        kData = 0x30000;
constexpr std::uint64_t kStatusBytes = 0x28000;
constexpr std::uint8_t kPin = 21;  // slot 5, INTA#
constexpr std::uint32_t kTypeIn = 0, kTypeOut = 1, kTypeFlush = 4, kTypeDiscard = 11, kTypeWriteZeroes = 13;

/// A virtio-blk driver of the smallest kind: request i uses descriptors 3i to 3i+2, one sector each.
class VmDiskTest : public ::testing::Test {
  protected:
    void SetUp() override {
        TB_REQUIRE_QEMU();
        for (std::size_t i = 0; i < disk_.bytes.size(); ++i)
            disk_.bytes[i] = static_cast<std::uint8_t>(i / 512 + 1);
    }

    void start() {
        VmOptions options;
        options.disks = {{"disk0", &disk_}};
        options.devices = {
            "virtio-blk-pci,drive=disk0,addr=5,ioeventfd=off,disable-legacy=on,num-queues=1,request-merging="
            "off,"
            "werror=report,rerror=report"};
        vm_ = std::make_unique<Vm>(options);
        PciSlot slot(*vm_, 5);
        slot.map(4, kBar);
        reset();
    }
    void reset() {
        write(kStatus, 0, 1);
        write(kStatus, 3, 1);
        write(kDriverFeatureSelect, 0, 4);
        // VIRTIO_BLK_F_FLUSH (without it QEMU flushes after each write), F_DISCARD, F_WRITE_ZEROES
        write(kDriverFeature, 1 << 9 | 1 << 13 | 1 << 14, 4);
        write(kDriverFeatureSelect, 1, 4);
        write(kDriverFeature, 1, 4);  // VIRTIO_F_VERSION_1
        write(kStatus, 11, 1);
        write(kQueueSize, 64, 2);
        write(kQueueDesc, kDesc, 8);
        write(kQueueDriver, kAvail, 8);
        write(kQueueDevice, kUsed, 8);
        write(kQueueEnable, 1, 2);
        write(kStatus, 15, 1);
        store(*vm_, kAvail, 0, 4);
        store(*vm_, kUsed, 0, 4);
        next_ = 0;
    }
    void write(std::uint32_t reg, std::uint64_t value, unsigned width) {
        if (width == 8) {
            vm_->qtest().write(kBar + reg, 4, value & 0xffffffff);
            vm_->qtest().write(kBar + reg + 4, 4, value >> 32);
        } else {
            vm_->qtest().write(kBar + reg, width, value);
        }
        vm_->settle();
    }

    /// Puts a request into the ring; the doorbell is apart.
    void enqueue(std::uint32_t type, std::uint64_t sector, std::uint32_t data_length = 512) {
        const std::uint64_t i = next_++;
        store(*vm_, kHeaders + 16 * i, type, 8);
        store(*vm_, kHeaders + 16 * i + 8, sector, 8);
        vm_->ram()[kStatusBytes + i] = 0xff;
        const auto descriptor = [&](std::uint64_t index, std::uint64_t address, std::uint32_t length,
                                    std::uint16_t flags, std::uint64_t next) {
            store(*vm_, kDesc + 16 * index, address, 8);
            store(*vm_, kDesc + 16 * index + 8, length, 4);
            store(*vm_, kDesc + 16 * index + 12, flags, 2);
            store(*vm_, kDesc + 16 * index + 14, next, 2);
        };
        constexpr std::uint16_t kNext = 1, kDeviceWrites = 2;
        descriptor(3 * i, kHeaders + 16 * i, 16, kNext, type == kTypeFlush ? 3 * i + 2 : 3 * i + 1);
        descriptor(3 * i + 1, kData + 512 * i, data_length, type == kTypeIn ? kNext | kDeviceWrites : kNext,
                   3 * i + 2);
        descriptor(3 * i + 2, kStatusBytes + i, 1, kDeviceWrites, 0);
        store(*vm_, kAvail + 4 + 2 * i, 3 * i, 2);
        store(*vm_, kAvail + 2, next_, 2);
    }
    void kick() { write(kNotify, 0, 2); }

    /// Requests in the order in which the device has put them into the used ring.
    std::vector<std::uint64_t> used() {
        std::vector<std::uint64_t> result(load(*vm_, kUsed + 2, 2));
        for (std::size_t i = 0; i < result.size(); ++i) result[i] = load(*vm_, kUsed + 4 + 8 * i, 4) / 3;
        return result;
    }
    std::uint8_t status(std::uint64_t request) { return vm_->ram()[kStatusBytes + request]; }
    std::uint8_t first_byte(std::uint64_t request) { return vm_->ram()[kData + 512 * request]; }

    testing::MemoryDisk disk_{kDiskSize};
    std::unique_ptr<Vm> vm_;
    std::uint64_t next_ = 0;
};

TEST_F(VmDiskTest, ReadsASectorAndRaisesItsInterrupt) {
    start();
    enqueue(kTypeIn, 9);
    kick();
    EXPECT_THAT(used(), ElementsAre(0));
    EXPECT_EQ(status(0), 0);
    EXPECT_EQ(first_byte(0), 10);
    EXPECT_THAT(vm_->qtest().take_irq_edges(), ElementsAre(IrqEdge{kPin, true}));
    EXPECT_EQ(vm_->qtest().read(kBar + kIsr, 1), 1U);
    EXPECT_THAT(vm_->qtest().take_irq_edges(), ElementsAre(IrqEdge{kPin, false}));
    EXPECT_THAT(vm_->disk().take_requests(),
                ElementsAre(BlockRequest{BlockOperation::kRead, 9 * kSector, 512}));
}

TEST_F(VmDiskTest, WritesAndFlushesReachTheBackend) {
    start();
    vm_->ram()[kData] = 0xee;
    enqueue(kTypeOut, 3);
    enqueue(kTypeFlush, 0);
    kick();
    EXPECT_THAT(used(), ElementsAre(0, 1));
    EXPECT_EQ(status(1), 0);
    EXPECT_EQ(disk_.bytes[3 * kSector], 0xee);
    EXPECT_EQ(disk_.flushes, 1);
}

TEST_F(VmDiskTest, DiscardsAndZeroesReachTheBackend) {
    start();
    vm_->disk().take_requests();
    for (const std::uint32_t type : {kTypeDiscard, kTypeWriteZeroes}) {
        // VIRTIO 1.2 §5.2.6: sector, number of sectors, flags
        store(*vm_, kData + 512 * next_, 16, 8);
        store(*vm_, kData + 512 * next_ + 8, 8, 8);
        enqueue(type, 0, 16);
        kick();
        EXPECT_EQ(status(next_ - 1), 0);
    }
    EXPECT_THAT(vm_->disk().take_requests(),
                ElementsAre(BlockRequest{BlockOperation::kDiscard, 16 * kSector, 8 * 512},
                            BlockRequest{BlockOperation::kWriteZeroes, 16 * kSector, 8 * 512}));
    EXPECT_EQ(disk_.bytes[16 * kSector], 0);
}

TEST_F(VmDiskTest, FourRequestsInOneKickCompleteInTheirOrderEachTime) {
    start();
    for (int round = 0; round < 25; ++round) {
        for (const std::uint64_t sector : {7, 3, 1000, 0}) enqueue(kTypeIn, sector);
        kick();
        ASSERT_THAT(used(), ElementsAre(0, 1, 2, 3)) << "round " << round;
        ASSERT_EQ(first_byte(1), 4);
        reset();
    }
}

TEST_F(VmDiskTest, HeldRequestsCompleteInTheOrderOfTheirRelease) {
    start();
    vm_->disk().hold(true);
    for (const std::uint64_t sector : {10, 20, 30}) enqueue(kTypeIn, sector);
    kick();
    EXPECT_THAT(used(), IsEmpty());
    ASSERT_EQ(vm_->disk().held().size(), 3U);
    EXPECT_EQ(vm_->disk().held()[1].offset, 20 * kSector);
    vm_->disk().release_one(2);
    vm_->settle();
    EXPECT_THAT(used(), ElementsAre(2));
    vm_->disk().fail_one(0, EIO);
    vm_->settle();
    EXPECT_THAT(used(), ElementsAre(2, 0));
    EXPECT_EQ(status(0), 1);
    vm_->disk().hold(false);
    vm_->settle();
    EXPECT_THAT(used(), ElementsAre(2, 0, 1));
    EXPECT_EQ(first_byte(1), 21);
}

TEST_F(VmDiskTest, AReleasedRequestCompletesWhicheverOfThemItIs) {
    for (const std::size_t index : {0U, 1U, 2U, 3U}) {
        start();
        vm_->disk().hold(true);
        for (const std::uint64_t sector : {10, 20, 30, 40}) enqueue(kTypeIn, sector);
        kick();
        vm_->disk().release_one(index);
        vm_->settle();
        EXPECT_THAT(used(), ElementsAre(index));
        EXPECT_EQ(first_byte(index), 10 * (index + 1) + 1);
        EXPECT_EQ(vm_->disk().held().size(), 3U);
        EXPECT_EQ(vm_->stderr_text(), "");
    }
}

TEST_F(VmDiskTest, ADeviceResetDrainsWhatIsHeldAndDoesNotHang) {
    start();
    vm_->disk().hold(true);
    enqueue(kTypeIn, 10);
    enqueue(kTypeIn, 11);
    kick();
    ASSERT_EQ(vm_->disk().held().size(), 2U);
    write(kStatus, 0, 1);
    EXPECT_EQ(vm_->qtest().read(kBar + kStatus, 1), 0U);
    EXPECT_EQ(vm_->disk().forced_releases(), 2U);
    EXPECT_THAT(vm_->disk().held(), IsEmpty());
}

TEST_F(VmDiskTest, TheSameScriptLeavesTheSameMemoryAndTheSameInterrupts) {
    constexpr std::size_t kWatched = 1 << 20;
    Bytes memory;
    std::vector<IrqEdge> edges;
    for (int run = 0; run < 5; ++run) {
        start();
        vm_->disk().hold(true);
        for (const std::uint64_t sector : {1, 200, 3, 400, 5, 600})
            enqueue(sector % 2 != 0 ? kTypeIn : kTypeOut, sector);
        kick();
        vm_->disk().release_one(4);
        vm_->disk().fail_one(1, EIO);
        vm_->disk().release_one(3);
        vm_->settle();
        vm_->qtest().read(kBar + kIsr, 1);
        vm_->disk().hold(false);
        enqueue(kTypeFlush, 0);
        kick();
        const Bytes now(vm_->ram().begin(), vm_->ram().begin() + kWatched);
        const auto seen = vm_->qtest().take_irq_edges();
        EXPECT_THAT(used(), ElementsAre(4, 1, 5, 0, 2, 3, 6));
        if (run == 0) {
            memory = now;
            edges = seen;
        }
        EXPECT_TRUE(now == memory) << "run " << run;
        EXPECT_EQ(seen, edges) << "run " << run;
    }
}

TEST_F(VmDiskTest, AnErrorOfTheBackendIsAnIoErrorOfTheDevice) {
    start();
    disk_.error = EIO;
    enqueue(kTypeIn, 0);
    kick();
    EXPECT_EQ(status(0), 1);  // VIRTIO_BLK_S_IOERR
    disk_.error = ENOSPC;
    enqueue(kTypeOut, 0);
    kick();
    EXPECT_EQ(status(1), 1);
    disk_.error = 0;
    enqueue(kTypeIn, 1);
    kick();
    EXPECT_EQ(status(2), 0);
    EXPECT_EQ(first_byte(2), 2);
}

TEST_F(VmDiskTest, ACapacityChangeIsSeenAndRaisesTheConfigurationInterrupt) {
    start();
    EXPECT_EQ(vm_->qtest().read(kBar + kDeviceConfig, 4), kDiskSize / 512);
    for (const std::uint64_t size : {2 * kDiskSize, kDiskSize / 2}) {
        disk_.bytes.resize(size);
        disk_.bytes.back() = 0x99;
        vm_->qtest().take_irq_edges();
        vm_->resize_disk(0);
        EXPECT_EQ(vm_->qtest().read(kBar + kDeviceConfig, 4), size / 512);
        EXPECT_THAT(vm_->qtest().take_irq_edges(), ElementsAre(IrqEdge{kPin, true}));
        EXPECT_EQ(vm_->qtest().read(kBar + kIsr, 1), 3U)
            << "configuration change; QEMU sets the queue bit too";
        enqueue(kTypeIn, size / 512 - 1);
        enqueue(kTypeIn, 0);
        kick();
        EXPECT_EQ(vm_->ram()[kData + 512 * (next_ - 2) + 511], 0x99) << "the last sector, where it now is";
        EXPECT_EQ(first_byte(next_ - 1), 1) << "the first sector, where it was";
        vm_->qtest().read(kBar + kIsr, 1);
    }
}

TEST_F(VmDiskTest, AReadOnlyBackendMakesAReadOnlyDisk) {
    disk_.write_protected = true;
    start();
    enqueue(kTypeOut, 0);
    kick();
    EXPECT_EQ(status(0), 1);
    EXPECT_EQ(disk_.bytes[0], 1);
    enqueue(kTypeIn, 5);
    kick();
    EXPECT_EQ(first_byte(1), 6);
}

}  // namespace
}  // namespace tb::qemu
