// SPDX-License-Identifier: BSD-3-Clause
#include "pci/pci.hpp"

#include <gtest/gtest.h>
#include <linux/pci_regs.h>

#include "pci/testing/fake_board.hpp"

namespace tb::pci {
namespace {

using hal::Error;
using testing::FakeBoard;
using testing::FakeFunction;

class PciFunctionTest : public ::testing::Test {
  protected:
    PciFunctionTest() { board.add(device); }

    FakeBoard board;
    FakeFunction device;
    Function function = board.function();
};

TEST(PciConstants, AgreeWithTheSystemHeader) {
    static_assert(kCommand == PCI_COMMAND && kStatus == PCI_STATUS && kRevisionId == PCI_REVISION_ID);
    static_assert(kHeaderType == PCI_HEADER_TYPE && kBar0 == PCI_BASE_ADDRESS_0);
    static_assert(kSubsystemVendorId == PCI_SUBSYSTEM_VENDOR_ID && kSubsystemId == PCI_SUBSYSTEM_ID);
    static_assert(kCapabilitiesPointer == PCI_CAPABILITY_LIST && kInterruptLine == PCI_INTERRUPT_LINE);
    static_assert(kInterruptPin == PCI_INTERRUPT_PIN && kStatusCapabilities == PCI_STATUS_CAP_LIST);
    static_assert(kCommandIo == PCI_COMMAND_IO && kCommandMemory == PCI_COMMAND_MEMORY);
    static_assert(kCommandBusMaster == PCI_COMMAND_MASTER &&
                  kCommandInterruptDisable == PCI_COMMAND_INTX_DISABLE);
    static_assert(kCapMsi == PCI_CAP_ID_MSI && kCapVendor == PCI_CAP_ID_VNDR && kCapMsix == PCI_CAP_ID_MSIX);
}

TEST_F(PciFunctionTest, IdentifiesWhatAnswers) {
    device.set32(kRevisionId, 0x01000007);
    device.set32(kSubsystemVendorId, 0x1100'1af4);
    const auto identity = function.identify();
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->vendor, 0x1af4);
    EXPECT_EQ(identity->device, 0x1042);
    EXPECT_EQ(identity->revision, 7);
    EXPECT_EQ(identity->class_code, 0x010000u);
    EXPECT_EQ(identity->subsystem, 0x1100);
}

TEST_F(PciFunctionTest, AnEmptyPlaceIsAbsent) {
    device.present = false;
    EXPECT_EQ(function.identify().error(), Error::kAbsent);
    EXPECT_EQ(function.bar(0).error(), Error::kDeviceGone);
    EXPECT_EQ(function.find_capability(kCapMsix).error(), Error::kDeviceGone);
}

TEST_F(PciFunctionTest, AVendorOfZeroIsAbsentToo) {
    device.set32(kVendorId, 0);
    EXPECT_EQ(function.identify().error(), Error::kAbsent);
}

TEST_F(PciFunctionTest, SizesAMemoryBarAndPutsBackWhatWasThere) {
    device.memory_bar(0, 0x20000, 0xfeb0'0000);
    device.set16(kCommand, kCommandMemory | kCommandBusMaster);
    const auto bar = function.bar(0);
    ASSERT_TRUE(bar);
    EXPECT_EQ(bar->kind, Bar::Kind::kMemory32);
    EXPECT_EQ(bar->size, 0x20000u);
    EXPECT_EQ(bar->address, 0xfeb0'0000u);
    EXPECT_EQ(device.get32(kBar0), 0xfeb0'0000u);
    EXPECT_EQ(device.get16(kCommand), kCommandMemory | kCommandBusMaster);
}

TEST_F(PciFunctionTest, DecodingIsOffWhileABarIsSized) {
    device.memory_bar(0, 0x1000, 0xfeb0'0000);
    device.set16(kCommand, kCommandMemory);
    bool decoded_all_ones = false;
    ON_CALL(board.machine, write(testing::_, testing::_, testing::_, testing::_))
        .WillByDefault([&](hal::AddressSpace, std::uint64_t address, unsigned width, std::uint64_t value) {
            device.driver_writes(address & 0xfff, width, value);
            if ((device.get16(kCommand) & kCommandMemory) != 0 && device.get32(kBar0) == 0xffff'f000)
                decoded_all_ones = true;
        });
    ASSERT_TRUE(function.bar(0));
    EXPECT_FALSE(decoded_all_ones);
}

TEST_F(PciFunctionTest, SizesA64BitBarOver4GiB) {
    device.memory_bar(2, std::uint64_t{1} << 34, 0x18'0000'0000, true);
    const auto bar = function.bar(2);
    ASSERT_TRUE(bar);
    EXPECT_EQ(bar->kind, Bar::Kind::kMemory64);
    EXPECT_EQ(bar->size, std::uint64_t{1} << 34);
    EXPECT_EQ(bar->address, 0x18'0000'0000u);
    EXPECT_EQ(device.get32(kBar0 + 12), 0x18u);
}

TEST_F(PciFunctionTest, TheUpperHalfOfA64BitBarIsNoBar) {
    device.memory_bar(0, 0x4000, 0xe000'0000, true);
    device.memory_bar(2, 0x1000, 0xe000'4000);
    EXPECT_EQ(function.bar(1).error(), Error::kInvalidArgument);
    EXPECT_TRUE(function.bar(2));
    EXPECT_EQ(function.bar(6).error(), Error::kInvalidArgument);
}

TEST_F(PciFunctionTest, SizesPortsWithAndWithoutTheUpperHalf) {
    device.io_bar(0, 0x20, 0xc000);
    device.io_bar(1, 8, 0xc020, 0xffff);
    EXPECT_EQ(function.bar(0)->kind, Bar::Kind::kIo);
    EXPECT_EQ(function.bar(0)->size, 0x20u);
    EXPECT_EQ(function.bar(1)->size, 8u);
    EXPECT_EQ(function.bar(1)->address, 0xc020u);
    EXPECT_TRUE(function.map_io_bar(0));
    EXPECT_EQ(function.map_memory_bar(0).error(), Error::kUnsupported);
}

TEST_F(PciFunctionTest, ABarThatIsNotThereIsAbsent) {
    EXPECT_EQ(function.bar(3).error(), Error::kAbsent);
}

TEST_F(PciFunctionTest, ABridgeHasTwoBars) {
    device.set8(kHeaderType, 0x01);
    device.memory_bar(0, 0x1000, 0xe000'0000);
    device.memory_bar(2, 0x1000, 0xe000'1000);
    EXPECT_TRUE(function.bar(0));
    EXPECT_EQ(function.bar(2).error(), Error::kAbsent);
}

TEST_F(PciFunctionTest, BarsThatLieAreAProtocolError) {
    device.set32(kBar0, 0x6);  // reserved type
    EXPECT_EQ(function.bar(0).error(), Error::kProtocol);
    device.set32(kBar0, 0xe000'0000);
    device.writable32(kBar0, 0xff0f'f000);  // holes
    EXPECT_EQ(function.bar(0).error(), Error::kProtocol);
    device.writable32(kBar0, 0xffff'f004);  // the type changes when it is written
    EXPECT_EQ(function.bar(0).error(), Error::kProtocol);
    device.set32(kBar0 + 20, 0x4);  // 64 bits in the last one
    EXPECT_EQ(function.bar(5).error(), Error::kProtocol);
}

TEST_F(PciFunctionTest, AnAddressThatIsNotAlignedToTheSizeIsAProtocolError) {
    unsigned asked = 0;
    ON_CALL(board.machine, read(testing::_, testing::_, testing::_))
        .WillByDefault([&](hal::AddressSpace, std::uint64_t address, unsigned width) -> std::uint64_t {
            if ((address & 0xfff) != kBar0) return device.load(address & 0xfff, width);
            return asked++ == 0 ? 0xffff'f000 : 0xffff'0000;
        });
    EXPECT_EQ(function.bar(0).error(), Error::kProtocol);
}

TEST_F(PciFunctionTest, MapsAnAssignedBarAndNoMoreThanAsked) {
    device.memory_bar(0, 0x4000, 0xfeb0'0000);
    board.add_registers(
        0xfeb0'0000, 0x4000, [](std::uint32_t offset, unsigned) { return offset + 1; },
        [](std::uint32_t, unsigned, std::uint64_t) {});
    const auto window = function.map_memory_bar(0);
    ASSERT_TRUE(window);
    EXPECT_EQ(window->size(), 0x4000u);
    EXPECT_EQ(window->read<std::uint32_t>(0x3ffc), 0x3ffdu);
    EXPECT_EQ(function.map_memory_bar(0, 0x1000)->size(), 0x1000u);
}

TEST_F(PciFunctionTest, AnUnassignedBarIsNotMapped) {
    device.memory_bar(0, 0x4000);
    EXPECT_EQ(function.map_memory_bar(0).error(), Error::kAbsent);
    EXPECT_EQ(function.map_io_bar(0).error(), Error::kUnsupported);
}

TEST_F(PciFunctionTest, FindsCapabilitiesInOrder) {
    const auto first = device.add_capability(kCapVendor, {1, 2});
    const auto msix = device.add_capability(kCapMsix, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    const auto second = device.add_capability(kCapVendor, {3, 4});
    EXPECT_EQ(*function.find_capability(kCapVendor), first);
    EXPECT_EQ(*function.find_capability(kCapVendor, first), second);
    EXPECT_EQ(function.find_capability(kCapVendor, second).error(), Error::kAbsent);
    EXPECT_EQ(*function.find_capability(kCapMsix), msix);
    EXPECT_EQ(function.find_capability(kCapMsi).error(), Error::kAbsent);
    EXPECT_EQ(function.find_capability(kCapMsi, 0x80).error(), Error::kInvalidArgument);
}

TEST_F(PciFunctionTest, WithoutAListThereAreNoCapabilities) {
    device.add_capability(kCapVendor, {1, 2});
    device.set16(kStatus, 0);
    EXPECT_EQ(function.find_capability(kCapVendor).error(), Error::kAbsent);
}

TEST_F(PciFunctionTest, ACapabilityListThatCyclesEnds) {
    const auto first = device.add_capability(kCapVendor, {1, 2});
    const auto second = device.add_capability(kCapVendor, {1, 2});
    device.set8(second + 1, static_cast<std::uint8_t>(first));
    EXPECT_EQ(function.find_capability(kCapMsix).error(), Error::kProtocol);
    // A caller who asks for one after another comes to an end too.
    EXPECT_EQ(*function.find_capability(kCapVendor, first), second);
    EXPECT_EQ(function.find_capability(kCapVendor, second).error(), Error::kProtocol);
    EXPECT_LT(board.reads, 40u);
}

TEST_F(PciFunctionTest, ACapabilityPointerIntoTheHeaderIsAProtocolError) {
    const auto first = device.add_capability(kCapVendor, {1, 2});
    device.set8(first + 1, 0x10);
    EXPECT_EQ(function.find_capability(kCapMsix).error(), Error::kProtocol);
    device.set8(kCapabilitiesPointer, 0x3c);
    EXPECT_EQ(function.find_capability(kCapVendor).error(), Error::kProtocol);
}

TEST_F(PciFunctionTest, TheLowBitsOfACapabilityPointerAreIgnored) {
    const auto first = device.add_capability(kCapVendor, {1, 2});
    device.set8(kCapabilitiesPointer, static_cast<std::uint8_t>(first | 3));
    EXPECT_EQ(*function.find_capability(kCapVendor), first);
}

TEST_F(PciFunctionTest, AListOfFortyEightIsWalkedToItsEnd) {
    for (int i = 0; i < 48; ++i) device.add_capability(i == 47 ? kCapMsi : kCapVendor, {0, 0});
    EXPECT_EQ(*function.find_capability(kCapMsi), 0xfc);
    EXPECT_EQ(function.find_capability(kCapMsix).error(), Error::kAbsent);
}

TEST_F(PciFunctionTest, SetsAndClearsCommandBits) {
    device.set16(kCommand, kCommandIo);
    function.set_command(kCommandMemory | kCommandBusMaster, kCommandIo);
    EXPECT_EQ(device.get16(kCommand), kCommandMemory | kCommandBusMaster);
}

}  // namespace
}  // namespace tb::pci
