// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/rings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace tb::harness {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using trace::NamedBits;

constexpr std::uint64_t kDesc = 0x1000;
constexpr std::uint64_t kAvail = 0x2000;
constexpr std::uint64_t kUsed = 0x3000;

/// Queue 1 of four entries, made known as a driver does it.
class VirtioRingsTest : public ::testing::Test {
  protected:
    VirtioRingsTest() { enable(); }
    void enable() {
        tell("common.queue_select", 1);
        tell("common.queue_size", 4);
        tell("common.queue_desc_lo", kDesc);
        tell("common.queue_driver_lo", kAvail);
        tell("common.queue_device_lo", kUsed);
        tell("common.queue_enable", 1);
    }
    void tell(const char* name, std::uint64_t value) { rings->wrote(name, value); }
    std::vector<NamedBits> at(std::uint64_t address, unsigned width) const {
        auto found = rings->pieces(address, width);
        if (!found.empty()) return found;
        if (const std::string buffer = rings->buffer(address, memory); !buffer.empty())
            found.push_back({buffer, 0, 8 * width});
        return found;
    }
    void descriptor(std::uint64_t where, std::uint64_t address, std::uint32_t bytes, std::uint16_t flags) {
        std::memcpy(memory.data() + where, &address, 8);
        std::memcpy(memory.data() + where + 8, &bytes, 4);
        std::memcpy(memory.data() + where + 12, &flags, 2);
    }

    std::unique_ptr<Rings> rings = make_virtio_rings();
    std::vector<std::byte> memory{0x10000};
};

TEST_F(VirtioRingsTest, PartsAreNamedWhereTheyAre) {
    EXPECT_THAT(at(kUsed + 2, 2), ElementsAre(NamedBits{"queue[1].used.idx", 0, 16}));
    EXPECT_THAT(at(kUsed + 28, 8), ElementsAre(NamedBits{"queue[1].used.ring[3].id", 0, 32},
                                               NamedBits{"queue[1].used.ring[3].len", 32, 32}));
    EXPECT_THAT(at(kUsed + 36, 2), ElementsAre(NamedBits{"queue[1].used.avail_event", 0, 16}));
    EXPECT_THAT(at(kAvail + 8, 2), ElementsAre(NamedBits{"queue[1].avail.ring[2]", 0, 16}));
    EXPECT_THAT(at(kAvail + 12, 2), ElementsAre(NamedBits{"queue[1].avail.used_event", 0, 16}));
    EXPECT_THAT(at(kDesc + 32, 8), ElementsAre(NamedBits{"queue[1].desc[2].addr", 0, 64}));
    EXPECT_THAT(at(kDesc + 40, 8), Contains(NamedBits{"queue[1].desc[2].NEXT", 32, 1}));
    EXPECT_THAT(at(kUsed + 44, 8), IsEmpty());
}

TEST_F(VirtioRingsTest, BuffersAreNamedByTheirDescriptorsAlsoInTables) {
    descriptor(kDesc, 0x5000, 16, 1);           // readable, more follow
    descriptor(kDesc + 16, 0x6000, 512, 3);     // writable, more follow
    descriptor(kDesc + 32, 0x7000, 1, 2);       // writable, the last
    descriptor(kDesc + 48, 0x8000, 2 * 16, 4);  // a table
    descriptor(0x8000, 0x9000, 16, 1);
    descriptor(0x8010, 0xa000, 1, 2);
    EXPECT_THAT(at(0x5000, 4), ElementsAre(NamedBits{"queue[1].readable", 0, 32}));
    EXPECT_THAT(at(0x6000 + 511, 1), ElementsAre(NamedBits{"queue[1].writable", 0, 8}));
    EXPECT_THAT(at(0x7000, 1), ElementsAre(NamedBits{"queue[1].writable.last", 0, 8}));
    EXPECT_THAT(at(0x9000, 8), ElementsAre(NamedBits{"queue[1].readable", 0, 64}));
    EXPECT_THAT(at(0xa000, 1), ElementsAre(NamedBits{"queue[1].writable.last", 0, 8}));
    EXPECT_THAT(at(0xa001, 1), IsEmpty());
}

TEST_F(VirtioRingsTest, TheNextElementWrapsWithTheRing) {
    EXPECT_EQ(rings->in_next_element(kUsed + 4), kUsed + 12);
    EXPECT_EQ(rings->in_next_element(kUsed + 28), kUsed + 4);
    EXPECT_EQ(rings->in_next_element(kAvail + 4), std::nullopt) << "the driver's own";
}

TEST_F(VirtioRingsTest, AResetForgetsThem) {
    tell("common.device_status", 0);
    EXPECT_THAT(at(kUsed + 2, 2), IsEmpty());
}

TEST_F(VirtioRingsTest, PackedOnesHaveNamesOfTheirOwn) {
    tell("common.device_status", 0);
    tell("common.driver_feature_select", 1);
    tell("common.driver_feature", 5);
    enable();
    EXPECT_THAT(at(kDesc + 40, 4), ElementsAre(NamedBits{"queue[1].desc[2].len", 0, 32}));
    EXPECT_THAT(at(kDesc + 44, 2), ElementsAre(NamedBits{"queue[1].desc[2].id", 0, 16}));
    EXPECT_THAT(at(kDesc + 46, 2), Contains(NamedBits{"queue[1].desc[2].AVAIL", 7, 1}));
    EXPECT_THAT(at(kDesc + 46, 2), Contains(NamedBits{"queue[1].desc[2].flags", 0, 16}));
    EXPECT_THAT(at(kAvail, 4), ElementsAre(NamedBits{"queue[1].driver.desc_event_off", 0, 15},
                                           NamedBits{"queue[1].driver.desc_event_wrap", 15, 1},
                                           NamedBits{"queue[1].driver.desc_event_flags", 16, 2}));
    EXPECT_THAT(at(kUsed + 2, 2), ElementsAre(NamedBits{"queue[1].device.desc_event_flags", 0, 2}));
    EXPECT_THAT(at(kUsed + 4, 2), IsEmpty());
    EXPECT_EQ(rings->in_next_element(kDesc + 12), kDesc + 28);
    EXPECT_EQ(rings->in_next_element(kDesc + 3 * 16 + 12), kDesc + 12);
    EXPECT_EQ(rings->in_next_element(kUsed + 4), std::nullopt);
}

TEST_F(VirtioRingsTest, BuffersOfPackedOnesKeepTheirNamesWhenTheirDescriptorsAreUsed) {
    tell("common.device_status", 0);
    tell("common.driver_feature_select", 1);
    tell("common.driver_feature", 5);
    enable();
    const auto put = [&](std::uint64_t where, std::uint64_t address, std::uint64_t bytes,
                         std::uint64_t flags) {
        rings->stored(where, 8, address);
        rings->stored(where + 8, 8, bytes | flags << 48);
    };
    put(kDesc, 0x5000, 16, 0x81);
    put(kDesc + 16, 0x6000, 512, 0x83);
    put(kDesc + 32, 0x7000, 1, 0x82);
    put(kDesc + 48, 0x8000, 2 * 16, 0x84);  // a table: its descriptors are in memory, without NEXT
    descriptor(0x8000, 0x9000, 16, 0);
    descriptor(0x8010, 0xa000, 1, 0);
    memory[0x801e] = std::byte{2};
    EXPECT_THAT(at(0x5000, 4), ElementsAre(NamedBits{"queue[1].readable", 0, 32}));
    EXPECT_THAT(at(0x6000, 4), ElementsAre(NamedBits{"queue[1].writable", 0, 32}));
    EXPECT_THAT(at(0x7000, 1), ElementsAre(NamedBits{"queue[1].writable.last", 0, 8}));
    EXPECT_THAT(at(0x9000, 4), ElementsAre(NamedBits{"queue[1].readable", 0, 32}));
    EXPECT_THAT(at(0xa000, 1), ElementsAre(NamedBits{"queue[1].writable.last", 0, 8}));
}

TEST(DescriptorRingsTest, PartsAreThoseOfTheLayout) {
    static constexpr LayoutField kFields[] = {{"address", 0, 64}, {"length", 64, 16}, {"DD", 96, 1}};
    static constexpr LayoutSpec kLayout = {"rx_desc", 16, kFields};
    static constexpr DescriptorRing kRing[] = {{"rx", "RDBAL", "RDBAH", "RDLEN", &kLayout}};
    const auto rings = make_descriptor_rings(kRing);
    rings->wrote("RDBAL", 0x1000);
    rings->wrote("RDBAH", 1);
    rings->wrote("RDLEN", 32);
    EXPECT_THAT(rings->pieces(0x1'0000'1018, 8),
                ElementsAre(NamedBits{"rx[1].length", 0, 16}, NamedBits{"rx[1].DD", 32, 1}));
    EXPECT_THAT(rings->pieces(0x1'0000'1020, 8), IsEmpty());
    EXPECT_EQ(rings->in_next_element(0x1'0000'1018), 0x1'0000'1008);
    EXPECT_THAT(rings->names(), ElementsAre("rx.address", "rx.length", "rx.DD"));
}

}  // namespace
}  // namespace tb::harness
