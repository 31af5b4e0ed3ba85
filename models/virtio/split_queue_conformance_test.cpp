// SPDX-License-Identifier: BSD-3-Clause
// What VIRTIO 1.2 §2.7 asks of a device and no other test shows. conformance.tsv lists all of it.
#include <gtest/gtest.h>

#include <algorithm>

#include "models/virtio/split_queue.hpp"
#include "models/virtio/testing/echo_device.hpp"

namespace tb::model::virtio::testing {
namespace {

class SplitQueueConformance : public EchoBench {
  protected:
    using Dma = model::testing::RecordingObserver::Dma;

    static bool overlaps(const Dma& dma, std::uint64_t address, std::uint64_t size) {
        return dma.address < address + size && address < dma.address + dma.size;
    }
    /// How many transfers in that direction touched [address, address + size).
    std::ptrdiff_t transfers(bool write, std::uint64_t address, std::uint64_t size) {
        return std::ranges::count_if(bench.seen.dmas, [&](const Dma& dma) {
            return dma.write == write && overlaps(dma, address, size);
        });
    }
    /// Where in the order of transfers the first write to `address` stands.
    std::ptrdiff_t first_write(std::uint64_t address) {
        const auto at = std::ranges::find_if(
            bench.seen.dmas, [&](const Dma& dma) { return dma.write && overlaps(dma, address, 1); });
        return at == bench.seen.dmas.end() ? -1 : at - bench.seen.dmas.begin();
    }
};

// §2.7.5.1: a device does not write to readable buffers, and does not read writable ones.
TEST_F(SplitQueueConformance, ReadsOnlyReadableBuffersAndWritesOnlyWritableOnes) {
    start();
    bench.seen.dmas.clear();
    echo(0, 64);
    ASSERT_TRUE(echoed(64));
    EXPECT_EQ(transfers(false, kSource, 64), 1);
    EXPECT_EQ(transfers(true, kSource, 64), 0);
    EXPECT_EQ(transfers(true, kTarget, 64), 1);
    EXPECT_EQ(transfers(false, kTarget, 64), 0);
}

// §2.7.5.1: a device does not write to a descriptor table entry, of the queue or of an indirect table.
TEST_F(SplitQueueConformance, WritesToNoDescriptor) {
    start(kVersion1 | kIndirectDesc);
    DriverRing table(bench, kTable, 4);
    table.chain(0, {{kSource, 8, 0, 0}, {kTarget, 8, kWrite, 0}});
    bench.seen.dmas.clear();
    echo(1);
    offer({{kTable, 32, kIndirect, 0}});
    ASSERT_EQ(ring.used_index(), 2U);
    EXPECT_EQ(transfers(true, ring.descriptors, 16ULL * kSize), 0);
    EXPECT_EQ(transfers(true, kTable, 32), 0);
}

// §2.7.5.3.2: the write flag of a descriptor that refers to an indirect table is ignored.
TEST_F(SplitQueueConformance, TheWriteFlagOfAnIndirectDescriptorMeansNothing) {
    start(kVersion1 | kIndirectDesc);
    DriverRing table(bench, kTable, 4);
    table.chain(0, {{kSource, 24, 0, 0}, {kTarget, 24, kWrite, 0}});
    offer({{kTable, 32, kIndirect | kWrite, 0}});
    EXPECT_TRUE(echoed(24));
    EXPECT_EQ(ring.used(0), (Used{0, 24}));
}

// §2.7.5.3.2 has a device follow an indirect descriptor at the end of a chain, too. QEMU looks for one at the
// head only, so a driver must not count on it: it is a finding.
TEST_F(SplitQueueConformance, AnIndirectDescriptorBehindOthersIsTakenForABufferAndReported) {
    start(kVersion1 | kIndirectDesc);
    DriverRing table(bench, kTable, 4);
    table.chain(0, {{kTarget, 48, kWrite, 0}});
    offer({{kSource, 16, 0, 0}, {kTable, 16, kIndirect | kWrite, 0}});
    EXPECT_EQ(bench.load<std::uint8_t>(kTarget), 0U) << "the table is not followed";
    EXPECT_EQ(bench.load<std::uint8_t>(kTable), bench.load<std::uint8_t>(kSource)) << "but written over";
    EXPECT_EQ(ring.used(0), (Used{0, 16}));
    EXPECT_EQ(bench.seen.findings.size(), 1U);
}

// §2.7.7.2: without VIRTIO_F_EVENT_IDX a device ignores used_event.
TEST_F(SplitQueueConformance, WithoutEventIdxUsedEventMeansNothing) {
    start();
    ring.set_used_event(100);
    for (unsigned n = 0; n < 3; ++n) {
        echo(n);
        EXPECT_EQ(driver.acknowledge(), 1U) << n;
    }
}

// §2.7.8.2: the data is written, then the entry, and then the index that tells of them.
TEST_F(SplitQueueConformance, TheIndexIsWrittenAfterTheEntryAndTheEntryAfterTheData) {
    start();
    bench.seen.dmas.clear();
    echo(0, 32);
    const std::ptrdiff_t data = first_write(kTarget);
    const std::ptrdiff_t entry = first_write(ring.device + 4);
    const std::ptrdiff_t index = first_write(ring.device + 2);
    EXPECT_GE(data, 0);
    EXPECT_LT(data, entry);
    EXPECT_LT(entry, index);
}

// §2.7.10.2: spurious doorbells are handled.
TEST_F(SplitQueueConformance, ADoorbellWithNothingNewDoesNothing) {
    start();
    driver.notify();
    EXPECT_EQ(ring.used_index(), 0U);
    EXPECT_EQ(driver.acknowledge(), 0U);
    echo(0);
    EXPECT_EQ(driver.acknowledge(), 1U);
    driver.notify();
    EXPECT_EQ(ring.used_index(), 1U);
    EXPECT_EQ(driver.acknowledge(), 0U);
    EXPECT_EQ(driver.status(), 0xf);
}

}  // namespace
}  // namespace tb::model::virtio::testing
