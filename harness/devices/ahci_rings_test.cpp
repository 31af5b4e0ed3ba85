// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "harness/devices/rings.hpp"

namespace tb::harness {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using trace::NamedBits;

constexpr std::uint64_t kList = 0x1000;
constexpr std::uint64_t kReceived = 0x1400;
constexpr std::uint64_t kTable = 0x2000;

/// Port 2, made known as a driver does it.
class AhciRingsTest : public ::testing::Test {
  protected:
    AhciRingsTest() {
        rings->wrote("PxCLB[2]", kList);
        rings->wrote("PxCLBU[2]", 0);
        rings->wrote("PxFB[2]", kReceived);
    }
    template <class T>
    void store(std::uint64_t address, T value) {
        std::memcpy(memory.data() + address, &value, sizeof value);
    }

    std::unique_ptr<Rings> rings = make_ahci_rings();
    std::vector<std::byte> memory{0x10000};
};

TEST_F(AhciRingsTest, PartsAreNamedWhereTheyAre) {
    EXPECT_THAT(rings->pieces(kList + 32 * 3 + 4, 4),
                ElementsAre(NamedBits{"port[2].header[3].PRDBC", 0, 32}));
    EXPECT_THAT(rings->pieces(kList, 4), Contains(NamedBits{"port[2].header[0].PRDTL", 16, 16}));
    EXPECT_THAT(rings->pieces(kReceived + 0x40, 4), Contains(NamedBits{"port[2].d2h.status", 16, 8}));
    EXPECT_THAT(rings->pieces(kReceived + 0x5c, 4), ElementsAre(NamedBits{"port[2].sdb.SActive", 0, 32}));
    EXPECT_THAT(rings->pieces(kReceived + 0x2c, 4), Contains(NamedBits{"port[2].pio_setup.E_status", 24, 8}));
    EXPECT_THAT(rings->pieces(kTable, 4), IsEmpty());
}

TEST_F(AhciRingsTest, TablesAndDataAreFoundThroughTheList) {
    store<std::uint32_t>(kList + 32, 5 | 2U << 16);
    store<std::uint64_t>(kList + 32 + 8, kTable);
    store<std::uint64_t>(kTable + 0x90, 0x8000);
    store<std::uint32_t>(kTable + 0x9c, 511);
    EXPECT_EQ(rings->buffer(kTable + 0x9f, memory), "port[2].table[1]");
    EXPECT_EQ(rings->buffer(0x81ff, memory), "port[2].data");
    EXPECT_EQ(rings->buffer(0x8200, memory), "");
    EXPECT_TRUE(rings->is_buffer("port.data"));
}

TEST_F(AhciRingsTest, AreForgottenWithAResetOfTheHba) {
    EXPECT_TRUE(rings->cares_for("GHC"));
    EXPECT_TRUE(rings->cares_for("PxFBU[0]"));
    EXPECT_FALSE(rings->cares_for("PxFBS[0]"));
    const std::uint64_t known = rings->fingerprint();
    rings->wrote("GHC", 0x8000'0002);
    EXPECT_EQ(rings->fingerprint(), known);
    rings->wrote("GHC", 0x8000'0001);
    EXPECT_NE(rings->fingerprint(), known);
    EXPECT_THAT(rings->pieces(kList, 4), IsEmpty());
}

TEST_F(AhciRingsTest, AllNamesAreListed) {
    const auto names = rings->names();
    for (const char* name : {"port.header.PRDBC", "port.d2h.status", "port.sdb.SActive", "port.data"})
        EXPECT_THAT(names, Contains(name));
}

}  // namespace
}  // namespace tb::harness
