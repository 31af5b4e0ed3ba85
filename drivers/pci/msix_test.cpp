// SPDX-License-Identifier: BSD-3-Clause
#include "pci/msix.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "pci/testing/fake_board.hpp"

namespace tb::pci {
namespace {

using hal::Error;
using testing::FakeBoard;
using testing::FakeFunction;

constexpr std::uint64_t kBase = 0xfeb0'0000;

class MsixTest : public ::testing::Test {
  protected:
    MsixTest() : table(0x1000 / 4) {
        device.memory_bar(1, 0x1000, kBase);
        position = device.add_capability(kCapMsix, {3, 0, 1, 0, 0, 0, 1, 8, 0, 0});
        device.writable16(position + Msix::kControl, 0xc000);
        board.add(device);
        for (unsigned entry = 0; entry < 4; ++entry) table[entry * 4 + 3] = Msix::kEntryMasked;
        board.add_registers(
            kBase, 0x1000, [this](std::uint32_t offset, unsigned) { return table[offset / 4]; },
            [this](std::uint32_t offset, unsigned, std::uint64_t value) {
                if (offset % 16 != 12 && (table[offset / 16 * 4 + 3] & 1) == 0) changed_while_unmasked = true;
                table[offset / 4] = static_cast<std::uint32_t>(value);
            });
    }

    Msix mapped() {
        auto msix = Msix::find(board.function());
        EXPECT_TRUE(msix);
        EXPECT_TRUE(msix->map());
        return *msix;
    }

    FakeBoard board;
    FakeFunction device;
    std::uint16_t position;
    std::vector<std::uint32_t> table;
    bool changed_while_unmasked = false;
};

TEST_F(MsixTest, ReadsItsSize) {
    const auto msix = Msix::find(board.function());
    ASSERT_TRUE(msix);
    EXPECT_EQ(msix->entries(), 4u);
    EXPECT_EQ(msix->position(), position);
}

TEST_F(MsixTest, AFunctionWithoutItHasNone) {
    device.set16(kStatus, 0);
    EXPECT_EQ(Msix::find(board.function()).error(), Error::kAbsent);
}

TEST_F(MsixTest, SetsAnEntryWhileItIsMaskedAndOpensIt) {
    const Msix msix = mapped();
    ASSERT_TRUE(msix.unmask(2));
    EXPECT_TRUE(msix.set_entry(2, {0x1'fee0'1000, 0x4021}));
    EXPECT_FALSE(changed_while_unmasked);
    EXPECT_EQ(table[2 * 4 + 3], Msix::kEntryMasked);
    ASSERT_TRUE(msix.unmask(2));
    EXPECT_EQ(table[2 * 4 + 0], 0xfee0'1000u);
    EXPECT_EQ(table[2 * 4 + 1], 1u);
    EXPECT_EQ(table[2 * 4 + 2], 0x4021u);
    EXPECT_EQ(table[2 * 4 + 3], 0u);
    EXPECT_EQ(msix.entry(2)->address, 0x1'fee0'1000u);
}

TEST_F(MsixTest, MaskingKeepsReservedBits) {
    const Msix msix = mapped();
    table[3] = 0xabcd'0000;
    ASSERT_TRUE(msix.mask(0));
    EXPECT_EQ(table[3], 0xabcd'0001u);
    ASSERT_TRUE(msix.unmask(0));
    EXPECT_EQ(table[3], 0xabcd'0000u);
}

TEST_F(MsixTest, AnEntryBeyondTheTableIsRefused) {
    const Msix msix = mapped();
    EXPECT_EQ(msix.set_entry(4, {}).error(), Error::kOutOfRange);
    EXPECT_EQ(msix.mask(~0u).error(), Error::kOutOfRange);
    EXPECT_EQ(msix.pending(4).error(), Error::kOutOfRange);
}

TEST_F(MsixTest, ReadsPendingBits) {
    const Msix msix = mapped();
    table[0x800 / 4] = 1 << 3;
    EXPECT_TRUE(*msix.pending(3));
    EXPECT_FALSE(*msix.pending(2));
}

TEST_F(MsixTest, ATableThatForgetsIsAProtocolError) {
    const Msix msix = mapped();
    board.add_registers(0, 1, {}, {});
    ON_CALL(board.machine, write(testing::_, testing::_, testing::_, testing::_))
        .WillByDefault([](hal::AddressSpace, std::uint64_t, unsigned, std::uint64_t) {});
    EXPECT_EQ(msix.set_entry(0, {0xfee0'0000, 0x31}).error(), Error::kProtocol);
}

TEST_F(MsixTest, ATableThatReadsAllOnesIsGone) {
    const Msix msix = mapped();
    ON_CALL(board.machine, read(testing::_, testing::_, testing::_))
        .WillByDefault(
            [](hal::AddressSpace, std::uint64_t, unsigned width) { return (1ull << (8 * width)) - 1; });
    EXPECT_EQ(msix.set_entry(0, {0xfee0'0000, 0x31}).error(), Error::kDeviceGone);
    EXPECT_EQ(msix.enable().error(), Error::kDeviceGone);
}

TEST_F(MsixTest, EnablesAndMasksTheFunction) {
    const Msix msix = mapped();
    ASSERT_TRUE(msix.enable(true));
    EXPECT_EQ(device.get16(position + Msix::kControl), 0xc003);
    ASSERT_TRUE(msix.set_function_mask(false));
    EXPECT_EQ(device.get16(position + Msix::kControl), 0x8003);
    msix.disable();
    EXPECT_EQ(device.get16(position + Msix::kControl), 0x0003);
}

TEST_F(MsixTest, AnEnableBitThatDoesNotStickIsAProtocolError) {
    device.writable16(position + Msix::kControl, 0);
    EXPECT_EQ(mapped().enable().error(), Error::kProtocol);
}

TEST_F(MsixTest, PlacesThatMakeNoSenseAreProtocolErrors) {
    const auto find = [&] { return Msix::find(board.function()).error(); };
    device.set32(position + Msix::kTable, 0xfe1);  // four entries end behind the BAR
    EXPECT_EQ(find(), Error::kProtocol);
    device.set32(position + Msix::kTable, 0xffff'fff9);  // offset + size wraps in 32 bits
    EXPECT_EQ(find(), Error::kProtocol);
    device.set32(position + Msix::kTable, 0x7);  // no such BAR
    EXPECT_EQ(find(), Error::kProtocol);
    device.set32(position + Msix::kTable, 0x4);  // not implemented
    EXPECT_EQ(find(), Error::kProtocol);
    device.io_bar(0, 0x100, 0xc000);
    device.set32(position + Msix::kTable, 0x0);  // ports
    EXPECT_EQ(find(), Error::kProtocol);
    device.set32(position + Msix::kTable, 0x1);
    device.set32(position + Msix::kPendingBits, 0x1001);  // behind the BAR
    EXPECT_EQ(find(), Error::kProtocol);
    device.set32(position + Msix::kPendingBits, 0x21);  // on top of the table
    EXPECT_EQ(find(), Error::kProtocol);
    device.set32(position + Msix::kPendingBits, 0x41);
    EXPECT_TRUE(Msix::find(board.function()));
}

TEST_F(MsixTest, ATableInABarWithoutAnAddressIsNotMapped) {
    device.set32(kBar0 + 4, 0);
    auto msix = Msix::find(board.function());
    ASSERT_TRUE(msix);
    EXPECT_EQ(msix->map().error(), Error::kAbsent);
    EXPECT_EQ(msix->mask(0).error(), Error::kNotStarted);
}

TEST_F(MsixTest, ACountBeyondTheBarIsAProtocolError) {
    device.set16(position + Msix::kControl, 0x7ff);
    EXPECT_EQ(Msix::find(board.function()).error(), Error::kProtocol);
}

TEST_F(MsixTest, ACapabilityThatReachesBeyondConfigurationSpaceIsAProtocolError) {
    device.set8(kCapabilitiesPointer, 0xf8);
    device.set8(0xf8, kCapMsix);
    EXPECT_EQ(Msix::find(board.function()).error(), Error::kProtocol);
}

}  // namespace
}  // namespace tb::pci
