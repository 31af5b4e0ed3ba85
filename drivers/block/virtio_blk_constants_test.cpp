// SPDX-License-Identifier: BSD-3-Clause
// The driver's own tables against the system's headers.
#include <gtest/gtest.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include <cstddef>

#include "block/virtio_blk_regs.hpp"
#include "virtio/virtio_regs.hpp"

namespace tb::block::virtio_blk {
namespace {

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}

TEST(BlockConstants, Features) {
    EXPECT_EQ(kModernDevice, virtio::kModernDeviceBase + VIRTIO_ID_BLOCK);
    EXPECT_EQ(kTransitionalDevice, VIRTIO_TRANS_ID_BLOCK);
    EXPECT_EQ(kFeatureSizeMax, bit(VIRTIO_BLK_F_SIZE_MAX));
    EXPECT_EQ(kFeatureSegMax, bit(VIRTIO_BLK_F_SEG_MAX));
    EXPECT_EQ(kFeatureGeometry, bit(VIRTIO_BLK_F_GEOMETRY));
    EXPECT_EQ(kFeatureReadOnly, bit(VIRTIO_BLK_F_RO));
    EXPECT_EQ(kFeatureBlockSize, bit(VIRTIO_BLK_F_BLK_SIZE));
    EXPECT_EQ(kFeatureFlush, bit(VIRTIO_BLK_F_FLUSH));
    EXPECT_EQ(kFeatureTopology, bit(VIRTIO_BLK_F_TOPOLOGY));
    EXPECT_EQ(kFeatureConfigWce, bit(VIRTIO_BLK_F_CONFIG_WCE));
    EXPECT_EQ(kFeatureMultiQueue, bit(VIRTIO_BLK_F_MQ));
    EXPECT_EQ(kFeatureDiscard, bit(VIRTIO_BLK_F_DISCARD));
    EXPECT_EQ(kFeatureWriteZeroes, bit(VIRTIO_BLK_F_WRITE_ZEROES));
    EXPECT_EQ(kFeatureSecureErase, bit(VIRTIO_BLK_F_SECURE_ERASE));
}

TEST(BlockConstants, Configuration) {
    EXPECT_EQ(config::kCapacity, offsetof(virtio_blk_config, capacity));
    EXPECT_EQ(config::kSizeMax, offsetof(virtio_blk_config, size_max));
    EXPECT_EQ(config::kSegMax, offsetof(virtio_blk_config, seg_max));
    EXPECT_EQ(config::kBlockSize, offsetof(virtio_blk_config, blk_size));
    EXPECT_EQ(config::kPhysicalBlockExponent, offsetof(virtio_blk_config, physical_block_exp));
    EXPECT_EQ(config::kAlignmentOffset, offsetof(virtio_blk_config, alignment_offset));
    EXPECT_EQ(config::kMinimumIoBlocks, offsetof(virtio_blk_config, min_io_size));
    EXPECT_EQ(config::kOptimalIoBlocks, offsetof(virtio_blk_config, opt_io_size));
    EXPECT_EQ(config::kWriteback, offsetof(virtio_blk_config, wce));
    EXPECT_EQ(config::kNumQueues, offsetof(virtio_blk_config, num_queues));
    EXPECT_EQ(config::kMaxDiscardSectors, offsetof(virtio_blk_config, max_discard_sectors));
    EXPECT_EQ(config::kMaxDiscardSegments, offsetof(virtio_blk_config, max_discard_seg));
    EXPECT_EQ(config::kDiscardAlignment, offsetof(virtio_blk_config, discard_sector_alignment));
    EXPECT_EQ(config::kMaxWriteZeroesSectors, offsetof(virtio_blk_config, max_write_zeroes_sectors));
    EXPECT_EQ(config::kMaxWriteZeroesSegments, offsetof(virtio_blk_config, max_write_zeroes_seg));
    EXPECT_EQ(config::kWriteZeroesMayUnmap, offsetof(virtio_blk_config, write_zeroes_may_unmap));
    EXPECT_EQ(config::kMaxSecureEraseSectors, offsetof(virtio_blk_config, max_secure_erase_sectors));
    EXPECT_EQ(config::kMaxSecureEraseSegments, offsetof(virtio_blk_config, max_secure_erase_seg));
    EXPECT_EQ(config::kSecureEraseAlignment, offsetof(virtio_blk_config, secure_erase_sector_alignment));
}

TEST(BlockConstants, Requests) {
    EXPECT_EQ(kTypeIn, unsigned{VIRTIO_BLK_T_IN});
    EXPECT_EQ(kTypeOut, unsigned{VIRTIO_BLK_T_OUT});
    EXPECT_EQ(kTypeFlush, unsigned{VIRTIO_BLK_T_FLUSH});
    EXPECT_EQ(kTypeGetId, unsigned{VIRTIO_BLK_T_GET_ID});
    EXPECT_EQ(kTypeDiscard, unsigned{VIRTIO_BLK_T_DISCARD});
    EXPECT_EQ(kTypeWriteZeroes, unsigned{VIRTIO_BLK_T_WRITE_ZEROES});
    EXPECT_EQ(header::kType, offsetof(virtio_blk_outhdr, type));
    EXPECT_EQ(header::kSector, offsetof(virtio_blk_outhdr, sector));
    EXPECT_EQ(header::kBytes, sizeof(virtio_blk_outhdr));
    EXPECT_EQ(range::kSector, offsetof(virtio_blk_discard_write_zeroes, sector));
    EXPECT_EQ(range::kSectors, offsetof(virtio_blk_discard_write_zeroes, num_sectors));
    EXPECT_EQ(range::kFlags, offsetof(virtio_blk_discard_write_zeroes, flags));
    EXPECT_EQ(range::kBytes, sizeof(virtio_blk_discard_write_zeroes));
    EXPECT_EQ(range::kUnmap, unsigned{VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP});
    EXPECT_EQ(kIdBytes, unsigned{VIRTIO_BLK_ID_BYTES});
    EXPECT_EQ(kStatusOk, VIRTIO_BLK_S_OK);
    EXPECT_EQ(kStatusIoError, VIRTIO_BLK_S_IOERR);
    EXPECT_EQ(kStatusUnsupported, VIRTIO_BLK_S_UNSUPP);
}

}  // namespace
}  // namespace tb::block::virtio_blk
