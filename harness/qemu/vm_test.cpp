// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/vm.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>

#include "harness/qemu/testing.hpp"

namespace tb::qemu {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PciSlot;
using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kBar = 0xe0000000;
constexpr std::uint8_t kSlot4IntA = 20;  // q35 routes slot 4, INTA# to this IOAPIC pin

// 82540EM (8254x GBe Controllers SDM, chapter 13)
namespace e1000 {
constexpr std::uint32_t kCtrl = 0x0000, kStatus = 0x0008, kIcr = 0x00c0, kItr = 0x00c4, kIcs = 0x00c8,
                        kIms = 0x00d0;
constexpr std::uint32_t kRctl = 0x0100, kTctl = 0x0400;
constexpr std::uint32_t kRdbal = 0x2800, kRdlen = 0x2808, kRdh = 0x2810, kRdt = 0x2818;
constexpr std::uint32_t kTdbal = 0x3800, kTdlen = 0x3808, kTdh = 0x3810, kTdt = 0x3818;
}  // namespace e1000

VmOptions with_e1000() {
    VmOptions options;
    options.devices = {"e1000,netdev=net0,addr=4"};
    options.nets = {"net0"};
    return options;
}

class VmTest : public ::testing::Test {
  protected:
    void SetUp() override { TB_REQUIRE_QEMU(); }

    void start(const VmOptions& options) { vm_ = std::make_unique<Vm>(options); }
    void start_e1000() {
        start(with_e1000());
        PciSlot(*vm_, 4).map(0, kBar);
    }
    void start_e1000_with_virtual_time() {
        start_e1000();
        if (!vm_->virtual_time()) GTEST_SKIP() << vm_->accelerator().reason;
    }
    std::uint32_t read(std::uint32_t reg) {
        return static_cast<std::uint32_t>(vm_->qtest().read(kBar + reg, 4));
    }
    void write(std::uint32_t reg, std::uint32_t value) {
        vm_->qtest().write(kBar + reg, 4, value);
        vm_->settle();
    }

    std::unique_ptr<Vm> vm_;
};

TEST_F(VmTest, ReadsAResetValueThroughConfigurationSpaceAndABar) {
    start_e1000();
    EXPECT_EQ(PciSlot(*vm_, 4).config_read(0, 4), 0x100e8086U);
    EXPECT_EQ(read(e1000::kStatus), 0x80080783U);
    EXPECT_EQ(read(e1000::kCtrl), 0x00140240U);
    EXPECT_GE(vm_->version().major, 5);
}

TEST_F(VmTest, SeesALevelInterruptAsEdges) {
    start_e1000();
    write(e1000::kIms, 0x4);
    EXPECT_THAT(vm_->qtest().take_irq_edges(), IsEmpty());
    write(e1000::kIcs, 0x4);
    EXPECT_TRUE(vm_->qtest().irq_levels()[kSlot4IntA]);
    EXPECT_EQ(read(e1000::kIcr), 0x4U);
    EXPECT_FALSE(vm_->qtest().irq_levels()[kSlot4IntA]);
    EXPECT_THAT(vm_->qtest().take_irq_edges(),
                ElementsAre(IrqEdge{kSlot4IntA, true}, IrqEdge{kSlot4IntA, false}));
}

TEST_F(VmTest, VirtualTimeMovesOnlyWhenStepped) {
    start_e1000_with_virtual_time();
    if (IsSkipped()) return;
    EXPECT_EQ(vm_->clock_step(1000), 1000);
    vm_->settle();
    EXPECT_EQ(vm_->clock_step(500), 1500);

    // The interrupt throttle: 1000 units of 256 ns between two interrupts.
    write(e1000::kItr, 1000);
    write(e1000::kIms, 0x4);
    write(e1000::kIcs, 0x4);
    read(e1000::kIcr);
    vm_->qtest().take_irq_edges();
    write(e1000::kIcs, 0x4);
    vm_->clock_step(255'999);
    EXPECT_THAT(vm_->qtest().take_irq_edges(), IsEmpty());
    vm_->clock_step(1);
    EXPECT_THAT(vm_->qtest().take_irq_edges(), ElementsAre(IrqEdge{kSlot4IntA, true}));
}

TEST_F(VmTest, TransmitsAFrameFromGuestMemory) {
    start_e1000();
    constexpr std::uint32_t kRing = 0x10000, kBuffer = 0x20000;
    Bytes frame(80);
    for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(i * 3);
    std::copy(frame.begin(), frame.end(), vm_->ram().begin() + kBuffer);
    testing::store(*vm_, kRing, kBuffer, 8);
    testing::store(*vm_, kRing + 8, frame.size(), 2);
    testing::store(*vm_, kRing + 11, 0x0b, 1);  // EOP, IFCS, RS
    write(e1000::kTdbal, kRing);
    write(e1000::kTdlen, 128);
    write(e1000::kTctl, 0x2);
    write(e1000::kTdt, 1);
    EXPECT_THAT(vm_->net().take_received(), ElementsAre(frame));
    EXPECT_EQ(vm_->ram()[kRing + 12] & 1, 1) << "descriptor done";
    EXPECT_EQ(read(e1000::kTdh), 1U);
    EXPECT_THAT(vm_->net().take_received(), IsEmpty());
}

TEST_F(VmTest, ReceivesFramesIntoGuestMemoryAndQueuesWhatFindsNoBuffer) {
    start_e1000_with_virtual_time();
    if (IsSkipped()) return;
    constexpr std::uint32_t kRing = 0x10000, kBuffers = 0x20000;
    for (std::uint32_t i = 0; i < 8; ++i) testing::store(*vm_, kRing + 16 * i, kBuffers + 2048 * i, 8);
    write(e1000::kRdbal, kRing);
    write(e1000::kRdlen, 128);
    write(e1000::kRdt, 0);
    write(e1000::kRctl, 0x0400801a);  // enable, promiscuous, broadcast, strip the CRC
    // QEMU's e1000 takes no frame within a second after RCTL was written, to let a driver finish its setup.
    vm_->clock_step(1'000'000'000);
    Bytes frame(100, 0xff);
    for (std::uint8_t i = 0; i < 3; ++i) {
        frame[50] = i;
        vm_->net().send(frame);
    }
    vm_->settle();
    EXPECT_EQ(read(e1000::kRdh), 0U) << "the ring has no buffers yet";
    write(e1000::kRdt, 7);
    EXPECT_EQ(read(e1000::kRdh), 3U);
    for (std::uint8_t i = 0; i < 3; ++i) {
        EXPECT_EQ(testing::load(*vm_, kRing + 16 * i + 8, 2), frame.size());
        EXPECT_EQ(vm_->ram()[kBuffers + 2048U * i + 50], i) << "order of arrival";
    }
}

TEST_F(VmTest, TheCableCanBePulled) {
    start_e1000_with_virtual_time();
    if (IsSkipped()) return;
    EXPECT_EQ(read(e1000::kStatus) & 0x2, 0x2U);
    vm_->set_link(0, false);
    EXPECT_EQ(read(e1000::kStatus) & 0x2, 0U);
    vm_->set_link(0, true);
    vm_->clock_step(1'000'000'000);
    EXPECT_EQ(read(e1000::kStatus) & 0x2, 0x2U);
}

TEST_F(VmTest, TalksOverASerialLineBothWays) {
    VmOptions options;
    options.serials = {"com1", "com2"};
    options.devices = {"isa-serial,chardev=com1,index=0", "pci-serial,chardev=com2,addr=5"};
    start(options);
    constexpr std::uint32_t kCom1 = 0x3f8;
    constexpr std::uint32_t kCom2 = 0xc000;
    PciSlot(*vm_, 5).map(0, kCom2 | 1);
    for (const char c : std::string("to you")) vm_->qtest().out(kCom1, 1, static_cast<std::uint8_t>(c));
    vm_->qtest().out(kCom2, 1, 'x');
    vm_->settle();
    EXPECT_EQ(vm_->serial(0).take_received(), (Bytes{'t', 'o', ' ', 'y', 'o', 'u'}));
    EXPECT_EQ(vm_->serial(1).take_received(), (Bytes{'x'}));

    // Without its FIFO the UART takes one byte at a time; the others wait, and settle() knows that.
    vm_->serial().send(Bytes{'a', 'b', 'c'});
    vm_->settle();
    std::string got;
    while ((vm_->qtest().in(kCom1 + 5, 1) & 1) != 0) {
        got += static_cast<char>(vm_->qtest().in(kCom1, 1));
        vm_->settle();
    }
    EXPECT_EQ(got, "abc");
}

TEST_F(VmTest, TypedCharactersFillTheFifoToItsTriggerLevelBeforeSettleReturns) {
    VmOptions options;
    options.serials = {"com1"};
    options.devices = {"isa-serial,chardev=com1,index=0"};
    start(options);
    constexpr std::uint32_t kCom1 = 0x3f8;
    vm_->qtest().out(kCom1 + 2, 1, 0xc1);  // FIFOs on, trigger level 14
    Bytes typed(100);
    for (std::size_t i = 0; i < typed.size(); ++i) typed[i] = static_cast<std::uint8_t>(i);
    vm_->serial().send(typed);
    vm_->settle();
    Bytes got;
    for (int i = 0; i < 14; ++i) {
        ASSERT_EQ(vm_->qtest().in(kCom1 + 5, 1) & 1, 1U) << i;
        got.push_back(static_cast<std::uint8_t>(vm_->qtest().in(kCom1, 1)));
    }
    while (got.size() < typed.size()) {
        if (vm_->has_waiting_input()) vm_->settle();
        ASSERT_EQ(vm_->qtest().in(kCom1 + 5, 1) & 1, 1U) << "after " << got.size();
        got.push_back(static_cast<std::uint8_t>(vm_->qtest().in(kCom1, 1)));
    }
    EXPECT_EQ(got, typed);
    vm_->settle();
    EXPECT_FALSE(vm_->has_waiting_input());
}

TEST_F(VmTest, GuestMemoryIsSharedBothWays) {
    start({});
    const Bytes data{1, 2, 3, 4, 5};
    vm_->qtest().write_block(0x5000, data);
    EXPECT_EQ(Bytes(vm_->ram().begin() + 0x5000, vm_->ram().begin() + 0x5005), data);
    vm_->ram()[0x6000] = 0x77;
    EXPECT_EQ(vm_->qtest().read(0x6000, 1), 0x77U);
    vm_->qtest().fill(0x7000, 0x1000, 0xcc);
    EXPECT_EQ(vm_->ram()[0x7fff], 0xcc);
    EXPECT_EQ(vm_->ram()[0x8000], 0);
}

TEST_F(VmTest, LeavesNoProcessAndNoDescriptorBehind) {
    const auto descriptors = [] {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
            ++count;
        return count;
    };
    testing::MemoryDisk disk(1 << 20);
    VmOptions options = with_e1000();
    options.disks = {{"disk0", &disk}};
    options.devices.emplace_back("virtio-blk-pci,drive=disk0,addr=5,ioeventfd=off");
    start(options);  // the first one may build the shim
    vm_.reset();
    const std::size_t before = descriptors();
    start(options);
    const pid_t pid = vm_->process().pid();
    EXPECT_EQ(::kill(pid, 0), 0);
    // Whatever QEMU has open is nameless, or was there before it.
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        std::error_code ignored;
        const std::string target = std::filesystem::read_symlink(entry, ignored).string();
        EXPECT_TRUE(!target.starts_with("/") || target.starts_with("/dev/") || target.starts_with("/memfd:"))
            << target;
    }
    vm_->shutdown();
    EXPECT_EQ(vm_->process().status_text(), "exit status 0") << vm_->stderr_text();
    vm_.reset();
    EXPECT_NE(::kill(pid, 0), 0);
    EXPECT_EQ(descriptors(), before);
}

TEST_F(VmTest, AQemuThatIsAbsentIsNotFound) {
    VmOptions options;
    options.binary = "/nonexistent/qemu-system-x86_64";
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { start(options); }, &message), ErrorKind::kNotFound);
    EXPECT_THAT(message, HasSubstr("apt-get install qemu-system-x86"));
}

TEST_F(VmTest, AQemuThatRefusesItsArgumentsDiesWithItsOwnWords) {
    VmOptions options;
    options.devices = {"no-such-device"};
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { start(options); }, &message), ErrorKind::kDied);
    EXPECT_THAT(message, HasSubstr("'no-such-device' is not a valid device model name"));
    EXPECT_THAT(message, HasSubstr("exit status 1"));
}

TEST_F(VmTest, AQemuThatIsKilledMidRunDied) {
    start_e1000();
    ::kill(vm_->process().pid(), SIGKILL);
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { read(e1000::kStatus); }, &message), ErrorKind::kDied);
    EXPECT_THAT(message, HasSubstr("signal 9 (KILL)"));
    EXPECT_EQ(testing::kind_of_error([&] { vm_->qmp().execute("query-status"); }), ErrorKind::kDied);
}

TEST_F(VmTest, AQemuThatDoesNotAnswerIsHungAndGoneAfterwards) {
    VmOptions options = with_e1000();
    start(options);
    vm_.reset();
    options.timeout = 2000ms;
    start(options);
    const pid_t pid = vm_->process().pid();
    ::kill(pid, SIGSTOP);
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { vm_->qtest().in(0x80, 1); }, &message), ErrorKind::kHung);
    EXPECT_THAT(message, HasSubstr("inb 0x80"));
    EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(VmTest, RefusesOptionsThatMakeNoSense) {
    const auto kind = [&](const VmOptions& options) {
        return testing::kind_of_error([&] { start(options); });
    };
    VmOptions options;
    options.ram_bytes = std::uint64_t{3} << 30;
    EXPECT_EQ(kind(options), ErrorKind::kUnsupported);
    options = {};
    testing::MemoryDisk odd(1000);
    options.disks = {{"disk0", &odd}};
    EXPECT_EQ(kind(options), ErrorKind::kUnsupported);
    options.disks = {{"disk0", nullptr}};
    EXPECT_EQ(kind(options), ErrorKind::kUnsupported);
}

TEST_F(VmTest, QmpRefusalsCarryQemusOwnWordsAndEventsAreKept) {
    start({});
    std::string message;
    EXPECT_EQ(testing::kind_of_error([&] { vm_->qmp().execute("no-such-command"); }, &message),
              ErrorKind::kProtocol);
    EXPECT_THAT(message, HasSubstr("no-such-command has not been found"));
    EXPECT_THAT(vm_->qmp().execute("query-status"), HasSubstr("running"));
    vm_->qmp().execute("stop");
    vm_->qmp().execute("cont");
    std::vector<std::string> names;
    for (const QmpEvent& event : vm_->qmp().take_events()) names.push_back(event.name);
    EXPECT_THAT(names, ElementsAre("STOP", "RESUME"));
}

}  // namespace
}  // namespace tb::qemu
