// SPDX-License-Identifier: BSD-3-Clause
#include "net/testing/fake_e1000.hpp"

namespace tb::net::testing {
namespace {

using e1000::MacSource;
using hal::Error;

class NvmTest : public E1000Test {
  protected:
    void give_receive_address(const MacAddress& mac, bool valid = true) {
        fake.reg(e1000::reg::ral(0)) =
            std::uint32_t{mac[0]} | mac[1] << 8 | mac[2] << 16 | std::uint32_t{mac[3]} << 24;
        fake.reg(e1000::reg::rah(0)) =
            std::uint32_t{mac[4]} | mac[5] << 8 | (valid ? e1000::kRahAddressValid : 0);
    }
};

constexpr MacAddress kOther = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

TEST_F(NvmTest, AWordIsReadWithItsAddressFromBitEightUp) {
    ASSERT_TRUE(probe());
    fake.nvm[0x21] = 0xcafe;
    fake.writes.clear();
    EXPECT_EQ(*driver.nvm_read(0x21), 0xcafe);
    EXPECT_THAT(fake.writes, ::testing::ElementsAre(std::pair{e1000::reg::kEERD, 0x2101u}));
}

TEST_F(NvmTest, AWordBeyondTheEndIsRefusedWithoutTouchingTheDevice) {
    ASSERT_TRUE(probe());
    const auto before = fake.board.reads;
    EXPECT_EQ(driver.nvm_read(0x40).error(), Error::kInvalidArgument);
    EXPECT_EQ(fake.board.reads, before);
}

TEST_F(NvmTest, TheStationAddressIsInTheFirstThreeWords) {
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.info().mac, kMac);
    EXPECT_EQ(driver.mac_source(), MacSource::kNvm);
    EXPECT_TRUE(driver.nvm_status());
}

TEST_F(NvmTest, WithoutDoneTheWordsAreReadThroughThePins) {
    fake.eerd_answers = false;
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.info().mac, kMac);
    EXPECT_EQ(driver.mac_source(), MacSource::kNvm);
    fake.nvm[0x2a] = 0x8001;
    EXPECT_EQ(*driver.nvm_read(0x2a), 0x8001);
}

TEST_F(NvmTest, NeitherDoneNorGrantIsATimeoutAndTheReceiveAddressHelps) {
    fake.eerd_answers = false;
    fake.on_read[e1000::reg::kEECD] = [](std::uint32_t) { return e1000::eecd::kPRES; };
    give_receive_address(kOther);
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.info().mac, kOther);
    EXPECT_EQ(driver.mac_source(), MacSource::kReceiveAddress);
    EXPECT_EQ(driver.nvm_status().error(), Error::kTimeout);
}

TEST_F(NvmTest, ATimeoutWithoutAReceiveAddressFailsTheProbe) {
    fake.eerd_answers = false;
    fake.on_read[e1000::reg::kEECD] = [](std::uint32_t) { return 0u; };
    EXPECT_EQ(probe().error(), Error::kTimeout);
    EXPECT_LT(fake.board.machine.now_ns(), hal::seconds(1).ns);
    EXPECT_EQ(driver.start({}).error(), Error::kNotStarted);
}

TEST_F(NvmTest, AWrongSumIsABadChecksumAndTheReceiveAddressHelps) {
    fake.nvm[0x3f] ^= 1;
    give_receive_address(kOther);
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.info().mac, kOther);
    EXPECT_EQ(driver.nvm_status().error(), Error::kBadChecksum);
}

TEST_F(NvmTest, AWrongSumWithoutAValidReceiveAddressFailsTheProbe) {
    fake.nvm[0x3f] ^= 1;
    give_receive_address(kOther, false);
    EXPECT_EQ(probe().error(), Error::kBadChecksum);
    give_receive_address({0x03, 1, 2, 3, 4, 5});
    EXPECT_EQ(probe().error(), Error::kBadChecksum);
    give_receive_address({});
    EXPECT_EQ(probe().error(), Error::kBadChecksum);
}

TEST_F(NvmTest, AGroupAddressUnderAGoodSumIsNotBelieved) {
    fake.set_mac_in_nvm({0x01, 0x00, 0x5e, 0, 0, 1});
    give_receive_address(kOther);
    ASSERT_TRUE(probe());
    EXPECT_EQ(driver.info().mac, kOther);
    EXPECT_EQ(driver.nvm_status().error(), Error::kProtocol);
}

TEST_F(NvmTest, ADeviceThatVanishesWhileTheWordsAreReadIsGone) {
    int left = 20;
    fake.on_read[e1000::reg::kEERD] = [&](std::uint32_t value) {
        fake.gone = --left == 0;
        return fake.gone ? e1000::kAllOnes : value;
    };
    EXPECT_EQ(probe().error(), Error::kDeviceGone);
}

TEST_F(NvmTest, AllOnesAreNoWordAndNoPhyRegister) {
    ASSERT_TRUE(probe());
    fake.gone = true;
    EXPECT_EQ(driver.nvm_read(0).error(), Error::kDeviceGone);
    EXPECT_EQ(driver.phy_read(0).error(), Error::kDeviceGone);
    EXPECT_EQ(probe().error(), Error::kDeviceGone);
}

TEST_F(NvmTest, ThePhyIsReachedAtAddressOne) {
    ASSERT_TRUE(probe());
    fake.phy[5] = 0x45e1;
    fake.writes.clear();
    EXPECT_EQ(*driver.phy_read(5), 0x45e1);
    EXPECT_TRUE(driver.phy_write(9, 0x0200));
    EXPECT_EQ(fake.phy[9], 0x0200);
    EXPECT_THAT(fake.writes, ::testing::ElementsAre(std::pair{e1000::reg::kMDIC, 0x0825'0000u},
                                                    std::pair{e1000::reg::kMDIC, 0x0429'0200u}));
}

TEST_F(NvmTest, ThePhysErrorIsADeviceError) {
    ASSERT_TRUE(probe());
    fake.on_read[e1000::reg::kMDIC] = [](std::uint32_t v) {
        return v | e1000::mdic::kREADY | e1000::mdic::kERROR;
    };
    EXPECT_EQ(driver.phy_read(1).error(), Error::kDeviceError);
    EXPECT_EQ(driver.phy_write(1, 0).error(), Error::kDeviceError);
}

TEST_F(NvmTest, APhyThatIsNeverReadyIsATimeout) {
    ASSERT_TRUE(probe());
    fake.mdic_answers = false;
    const auto before = fake.board.reads;
    EXPECT_EQ(driver.phy_read(1).error(), Error::kTimeout);
    EXPECT_LT(fake.board.reads - before, 2000u);
    EXPECT_EQ(driver.phy_read(32).error(), Error::kInvalidArgument);
}

TEST_F(NvmTest, AutonegotiationAdvertisesEverythingAndWakesThePhy) {
    ASSERT_TRUE(probe());
    fake.phy[0] = 0x0c00;  // powered down and isolated
    ASSERT_TRUE(driver.restart_autonegotiation());
    EXPECT_EQ(fake.phy[4], 0x01e1);
    EXPECT_EQ(fake.phy[9], 0x0200);
    EXPECT_EQ(fake.phy[0], 0x1200);
}

}  // namespace
}  // namespace tb::net::testing
