// SPDX-License-Identifier: BSD-3-Clause
#include "block/ahci.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <hal/endian.hpp>
#include <memory>

#include "block/sync.hpp"
#include "block/testing/fake_ahci.hpp"

namespace tb::ahci {
namespace {

using block::Operation;
using block::Request;
using block::Token;
using hal::Error;
using testing::Bytes;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FakeAhci;
using testing::kSectors;
using ::testing::Not;

class AhciTest : public ::testing::Test {
  protected:
    hal::Status start(const Hba::Options& options = {}) {
        if (hal::Status found = hba->probe(fake.board.platform, fake.board.function()); !found) return found;
        return hba->start(options);
    }
    Hba::Options with(Transfer transfer, InterruptMode mode = InterruptMode::kMsi) {
        Hba::Options options;
        options.interrupts = mode;
        options.port.transfer = transfer;
        options.port.request_timeout = hal::milliseconds(100);
        return options;
    }
    Port& disk() { return hba->disk(0); }
    Bytes read(std::uint64_t sector, std::size_t count = 1) {
        Bytes data(512 * count);
        EXPECT_TRUE(block::read_sync(disk(), fake.board.platform, sector, data, hal::seconds(1)));
        return data;
    }
    static Bytes filled(std::size_t bytes, unsigned value) {
        return Bytes(bytes, static_cast<std::byte>(value));
    }
    /// Submits a read of one sector into a buffer that lives as long as the test.
    Token submit(std::uint64_t sector) {
        buffers.push_back(std::make_unique<Bytes>(512));
        segments.push_back(std::make_unique<std::span<std::byte>>(*buffers.back()));
        const auto token = disk().submit(
            {.operation = Operation::kRead, .sector = sector, .segments = {segments.back().get(), 1}});
        EXPECT_TRUE(token);
        return *token;
    }
    hal::Status end_of(Token token) {
        for (int i = 0; i < 200; ++i) {
            fake.board.platform.delay(hal::milliseconds(1));
            disk().poll(64);
            while (const auto next = disk().next_completion()) ended.push_back(*next);
            for (const block::Completion& one : ended)
                if (one.token == token) return one.status;
        }
        ADD_FAILURE() << "a request never ended";
        return Error::kTimeout;
    }

    FakeAhci fake;
    std::unique_ptr<Hba> hba = std::make_unique<Hba>();
    std::vector<std::unique_ptr<Bytes>> buffers;
    std::vector<std::unique_ptr<std::span<std::byte>>> segments;
    std::vector<block::Completion> ended;
};

TEST_F(AhciTest, FindsAControllerByItsClass) {
    EXPECT_TRUE(hba->probe(fake.board.platform, fake.board.function()));
    fake.config.set32(pci::kRevisionId, 0x01'0601'00 ^ 0x100);
    EXPECT_EQ(hba->probe(fake.board.platform, fake.board.function()).error(), Error::kAbsent);
}

TEST_F(AhciTest, ReadsAndWritesEachWay) {
    for (const Transfer transfer : {Transfer::kQueued, Transfer::kDma, Transfer::kPio})
        for (const InterruptMode mode : {InterruptMode::kPolled, InterruptMode::kIntx, InterruptMode::kMsi}) {
            ASSERT_TRUE(start(with(transfer, mode)));
            EXPECT_EQ(hba->interrupt_mode(), mode);
            EXPECT_EQ(read(5, 2)[512], std::byte{6});
            Bytes data = filled(1024, 0xee);
            EXPECT_TRUE(block::write_sync(disk(), fake.board.platform, 7, data, hal::seconds(1)));
            EXPECT_EQ(read(8), filled(512, 0xee));
            EXPECT_EQ(disk().counters().errors, 0U);
            EXPECT_TRUE(hba->stop());
            EXPECT_EQ(fake.board.machine.mapped(), 0);
            std::fill_n(fake.ports[0].disk.begin() + 7 * 512, 512, std::byte{7});
            std::fill_n(fake.ports[0].disk.begin() + 8 * 512, 512, std::byte{8});
        }
    EXPECT_THAT(fake.commands, Contains(0x60));
    EXPECT_THAT(fake.commands, Contains(0x61));
    EXPECT_THAT(fake.commands, Contains(0x25));
    EXPECT_THAT(fake.commands, Contains(0x35));
    EXPECT_THAT(fake.commands, Contains(0x24));
    EXPECT_THAT(fake.commands, Contains(0x34));
}

TEST_F(AhciTest, QueuedCommandsAreAnnouncedBeforeTheyAreIssued) {
    ASSERT_TRUE(start());
    fake.writes.clear();
    read(1);
    std::vector<std::uint32_t> order;
    for (const auto& [offset, value] : fake.writes)
        if (offset == reg::kPorts + port::kSACT || offset == reg::kPorts + port::kCI) order.push_back(offset);
    EXPECT_THAT(order, ElementsAre(reg::kPorts + port::kSACT, reg::kPorts + port::kCI));
    const auto& fis = fake.fises.back();
    EXPECT_EQ(fis[2], 0x60);
    EXPECT_EQ(fis[3], 1) << "sectors";
    EXPECT_EQ(fis[7], 0x40);
    EXPECT_EQ(fake.fises.size(), 2U) << "IDENTIFY DEVICE, and the read";
}

TEST_F(AhciTest, TagsGoRound) {
    ASSERT_TRUE(start());
    read(1);
    const unsigned first = fake.fises.back()[12] >> 3;
    read(1);
    EXPECT_EQ(fake.fises.back()[12] >> 3U, (first + 1) % 32);
}

TEST_F(AhciTest, TakesTheHbaFromTheFirmware) {
    fake.cap2 = kCap2HandOff;
    fake.bohc = bohc::kBiosOwned;
    ASSERT_TRUE(start());
    EXPECT_EQ(fake.bohc, bohc::kOsOwned);
}

TEST_F(AhciTest, GoesOnWithoutAFirmwareThatDoesNotLetGo) {
    fake.cap2 = kCap2HandOff;
    fake.bohc = bohc::kBiosOwned | bohc::kBiosBusy;
    fake.bios_lets_go = false;
    const hal::Instant before = fake.board.platform.now();
    ASSERT_TRUE(start());
    EXPECT_GE((fake.board.platform.now() - before).ns, hal::milliseconds(kBiosBusyMs).ns);
    EXPECT_LT((fake.board.platform.now() - before).ns, hal::seconds(3).ns);
}

TEST_F(AhciTest, SpinsDisksUpOneAfterTheOther) {
    fake.ports[3].present = true;
    fake.cap |= cap::kStaggeredSpinUp;
    for (auto& port : fake.ports) FakeAhci::reg(port, port::kCMD) = 0;
    ASSERT_TRUE(start());
    EXPECT_EQ(hba->disks(), 2U);
    EXPECT_EQ(hba->disk(1).number(), 3U);
}

TEST_F(AhciTest, ADriveThatIsNoDiskIsPassedOver) {
    fake.signature = 0xeb14'0101;
    EXPECT_EQ(start().error(), Error::kUnsupported);
    EXPECT_EQ(fake.freed, 1U);
}

TEST_F(AhciTest, WaitsNoLongerThanTheSpecificationSays) {
    const auto time_of = [&](auto&& act) {
        const hal::Instant before = fake.board.platform.now();
        act();
        return (fake.board.platform.now() - before).ns;
    };
    fake.reset_sticks = true;
    EXPECT_LT(time_of([&] { EXPECT_EQ(start().error(), Error::kTimeout); }), hal::milliseconds(1100).ns);
    fake.reset_sticks = false;
    fake.engine_sticks = true;
    EXPECT_LT(time_of([&] { EXPECT_EQ(start().error(), Error::kTimeout); }), hal::milliseconds(2200).ns);
    fake.engine_sticks = false;
    fake.busy_sticks = true;
    EXPECT_LT(time_of([&] { EXPECT_EQ(start().error(), Error::kTimeout); }), hal::seconds(11).ns);
    fake.busy_sticks = false;
    EXPECT_TRUE(start());
}

TEST_F(AhciTest, NoPortIsReachedThatTheHbaDoesNotHave) {
    fake.implemented = 0xffff'ffff;
    ASSERT_TRUE(start());
    for (const auto& [offset, value] : fake.writes) EXPECT_LT(offset, reg::kPorts + 6 * reg::kPortBytes);
    EXPECT_TRUE(hba->stop());
    fake.implemented = 0;
    EXPECT_EQ(start().error(), Error::kProtocol);
}

TEST_F(AhciTest, AnHbaWithout64BitAddressesGetsNone) {
    fake.cap &= ~cap::k64BitAddressing;
    ASSERT_TRUE(start());
    EXPECT_EQ(read(3), filled(512, 3));
}

TEST_F(AhciTest, FlushWaitsForWhatIsQueuedBeforeIt) {
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token first = submit(1);
    const auto flush = disk().submit({.operation = Operation::kFlush});
    ASSERT_TRUE(flush);
    const Token behind = submit(2);
    EXPECT_THAT(fake.commands, Not(Contains(0xea)));
    fake.ports[0].holds = false;
    fake.finish(fake.ports[0], fake.fises.back()[12] >> 3, fake.fises.back());
    EXPECT_TRUE(end_of(first));
    EXPECT_TRUE(end_of(*flush));
    EXPECT_TRUE(end_of(behind));
    ASSERT_GE(fake.commands.size(), 3U);
    EXPECT_THAT(std::vector(fake.commands.end() - 3, fake.commands.end()), ElementsAre(0x60, 0xea, 0x60));
}

TEST_F(AhciTest, AnErrorOfOneCommandIsItsOwn) {
    for (const Transfer transfer : {Transfer::kQueued, Transfer::kDma, Transfer::kPio}) {
        ASSERT_TRUE(start(with(transfer)));
        fake.ports[0].bad = {9};
        Bytes data(512);
        EXPECT_EQ(block::read_sync(disk(), fake.board.platform, 9, data, hal::seconds(1)).error(),
                  Error::kDeviceError);
        fake.ports[0].bad.clear();
        EXPECT_EQ(read(9), filled(512, 9));
        EXPECT_EQ(disk().counters().errors, 1U);
        EXPECT_TRUE(hba->stop());
    }
}

TEST_F(AhciTest, TheLogSaysWhichQueuedCommandFailedAndTheOthersAreIssuedAgain) {
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token a = submit(1);
    const Token b = submit(9);
    const Token c = submit(3);
    fake.ports[0].holds = false;
    fake.ports[0].bad = {9};
    const std::size_t issued = fake.fises.size();
    fake.finish(fake.ports[0], fake.fises[issued - 2][12] >> 3, fake.fises[issued - 2]);
    EXPECT_EQ(end_of(b).error(), Error::kDeviceError);
    EXPECT_TRUE(end_of(a));
    EXPECT_TRUE(end_of(c));
    EXPECT_EQ(*buffers[0], filled(512, 1));
    EXPECT_EQ(*buffers[2], filled(512, 3));
    EXPECT_THAT(fake.commands, Contains(0x2f));
    EXPECT_EQ(fake.comresets, 0U);
    EXPECT_EQ(disk().counters().errors, 1U);
}

TEST_F(AhciTest, WithoutTheLogTheyAreIssuedOneByOneUntilOneFailsAlone) {
    fake.word(fake.ports[0], 84, 1U << 14);
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token a = submit(1);
    const Token b = submit(9);
    const Token c = submit(3);
    fake.ports[0].holds = false;
    fake.ports[0].bad = {9};
    const std::size_t issued = fake.fises.size();
    fake.finish(fake.ports[0], fake.fises[issued - 2][12] >> 3, fake.fises[issued - 2]);
    EXPECT_TRUE(end_of(a));
    EXPECT_EQ(end_of(b).error(), Error::kDeviceError);
    EXPECT_TRUE(end_of(c));
    EXPECT_GE(fake.comresets, 1U);
    EXPECT_EQ(disk().counters().requeued, 3U);
}

TEST_F(AhciTest, ATimeoutResetsThePort) {
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token late = submit(1);
    EXPECT_EQ(end_of(late).error(), Error::kTimeout);
    fake.ports[0].holds = false;
    EXPECT_EQ(fake.comresets, 1U);
    EXPECT_EQ(read(2), filled(512, 2));
    EXPECT_EQ(disk().counters().resets, 1U);
}

TEST_F(AhciTest, APortThatDoesNotStopHasTheWholeHbaReset) {
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token late = submit(1);
    fake.engine_sticks = true;
    EXPECT_FALSE(end_of(late));
    fake.engine_sticks = false;
    fake.ports[0].holds = false;
    EXPECT_TRUE(disk().recover());
    EXPECT_EQ(read(2), filled(512, 2));
}

TEST_F(AhciTest, AResetBehindTheDriversBackIsNoSuccess) {
    for (const Transfer transfer : {Transfer::kQueued, Transfer::kDma}) {
        ASSERT_TRUE(start(with(transfer)));
        fake.ports[0].holds = true;
        const Token lost = submit(1);
        fake.reset();
        fake.ports[0].holds = false;
        EXPECT_EQ(end_of(lost).error(), Error::kReset);
        EXPECT_EQ(read(2), filled(512, 2));
        EXPECT_TRUE(hba->stop());
    }
}

TEST_F(AhciTest, APulledHbaEndsEverythingAsGone) {
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token lost = submit(1);
    fake.removed = true;
    fake.config.present = false;
    EXPECT_EQ(end_of(lost).error(), Error::kDeviceGone);
    Bytes data(512);
    EXPECT_EQ(block::read_sync(disk(), fake.board.platform, 1, data, hal::seconds(1)).error(),
              Error::kDeviceGone);
    EXPECT_EQ(fake.board.machine.mapped(), 0);
    EXPECT_TRUE(hba->stop());
    EXPECT_EQ(fake.freed, 1U);
}

TEST_F(AhciTest, ADiskThatIsPulledAndComesBack) {
    ASSERT_TRUE(start(with(Transfer::kQueued)));
    fake.ports[0].holds = true;
    const Token lost = submit(1);
    fake.ports[0].present = false;
    fake.raise(fake.ports[0], irq::kPhyReadyChange);
    EXPECT_EQ(end_of(lost).error(), Error::kDeviceGone);
    EXPECT_FALSE(disk().running());
    fake.ports[0].present = true;
    fake.ports[0].holds = false;
    fake.ports[0].signature_sent = false;
    fake.raise(fake.ports[0], irq::kPortChange);
    fake.board.platform.delay(hal::milliseconds(1));
    disk().poll(64);
    EXPECT_TRUE(disk().running());
    EXPECT_EQ(read(2), filled(512, 2));
    EXPECT_EQ(disk().counters().plugged, 2U);
}

TEST_F(AhciTest, TheWriteCacheIsSetAndOutlivesAReset) {
    ASSERT_TRUE(start());
    EXPECT_TRUE(disk().info().write_cache);
    EXPECT_TRUE(disk().set_write_cache(false));
    EXPECT_FALSE(disk().info().write_cache);
    fake.word(fake.ports[0], 85, 1U << 5);
    EXPECT_TRUE(disk().recover());
    EXPECT_FALSE(disk().info().write_cache);
    EXPECT_EQ(std::count(fake.commands.begin(), fake.commands.end(), 0xef), 2);
}

TEST_F(AhciTest, ARefusedWriteCacheIsAnErrorAndNoEnd) {
    ASSERT_TRUE(start());
    fake.refuse_features = true;
    EXPECT_EQ(disk().set_write_cache(false).error(), Error::kDeviceError);
    EXPECT_EQ(read(2), filled(512, 2));
}

TEST_F(AhciTest, ForcedUnitAccessIsABitOfQueuedWritesAndACommandOfOthers) {
    fake.word(fake.ports[0], 84, 1U << 14 | 1U << 6);
    for (const Transfer transfer : {Transfer::kQueued, Transfer::kDma}) {
        Hba::Options options = with(transfer);
        options.port.force_unit_access = true;
        ASSERT_TRUE(start(options));
        Bytes data = filled(512, 0x11);
        EXPECT_TRUE(block::write_sync(disk(), fake.board.platform, 1, data, hal::seconds(1)));
        if (transfer == Transfer::kQueued)
            EXPECT_EQ(fake.fises.back()[7], 0xc0);
        else
            EXPECT_EQ(fake.commands.back(), 0x3d);
        EXPECT_TRUE(hba->stop());
    }
}

TEST_F(AhciTest, TrimGivesRangesOf65535SectorsAtMost) {
    fake.word(fake.ports[0], 100, 0x9000);
    fake.word(fake.ports[0], 101, 2);
    ASSERT_TRUE(start());
    EXPECT_TRUE(block::discard_sync(disk(), fake.board.platform, 5, 0x1'0001, hal::seconds(1)));
    const auto range = [&](std::size_t n) { return hal::load_le<std::uint64_t>(fake.trimmed, 8 * n); };
    EXPECT_EQ(range(0), 0xffffULL << 48 | 5);
    EXPECT_EQ(range(1), 2ULL << 48 | (5 + 0xffff));
    EXPECT_EQ(range(2), 0U);
}

TEST_F(AhciTest, WhatMakesNoSenseTouchesNothing) {
    ASSERT_TRUE(start());
    const std::size_t before = fake.writes.size();
    Bytes data(1024);
    std::span<std::byte> odd[2] = {std::span(data).first(511), std::span(data).subspan(511)};
    EXPECT_EQ(disk().submit({.operation = Operation::kRead, .sector = 0, .segments = odd}).error(),
              Error::kInvalidArgument);
    std::span<std::byte> whole(data);
    EXPECT_EQ(disk()
                  .submit({.operation = Operation::kRead, .sector = kSectors - 1, .segments = {&whole, 1}})
                  .error(),
              Error::kOutOfRange);
    EXPECT_EQ(disk().submit({.operation = Operation::kWriteZeroes, .sector = 0, .sectors = 1}).error(),
              Error::kUnsupported);
    EXPECT_EQ(disk()
                  .submit({.operation = Operation::kRead, .sector = 0, .segments = {&whole, 1}, .queue = 1})
                  .error(),
              Error::kInvalidArgument);
    EXPECT_EQ(fake.writes.size(), before);
    EXPECT_EQ(fake.board.machine.mapped(), 0);
}

/// A whole life with the HBA pulled at its n-th read: nothing hangs or is left behind, whatever n is.
TEST(AhciSweep, MayBePulledAtEveryRead) {
    for (const Transfer transfer : {Transfer::kQueued, Transfer::kPio}) {
        for (std::uint64_t n = 0;; ++n) {
            FakeAhci fake;
            auto hba = std::make_unique<Hba>();
            std::uint64_t left = n;
            fake.board.before_read = [&] {
                if (fake.removed || left-- != 0) return;
                fake.removed = true;
                fake.config.present = false;
            };
            Hba::Options options;
            options.port.transfer = transfer;
            hal::Status status = hba->probe(fake.board.platform, fake.board.function());
            if (status) status = hba->start(options);
            Bytes data(512);
            if (status) (void)block::read_sync(hba->disk(0), fake.board.platform, 1, data, hal::seconds(1));
            (void)hba->stop();
            EXPECT_EQ(fake.board.machine.mapped(), 0) << n;
            EXPECT_LT(fake.board.reads, 4000U) << n;
            if (!fake.removed) {
                EXPECT_GT(n, 40U);
                break;
            }
            ASSERT_LT(n, 2000U);
        }
    }
}

}  // namespace
}  // namespace tb::ahci
