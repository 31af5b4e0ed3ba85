// SPDX-License-Identifier: BSD-3-Clause
/// The self-test image: what a kernel of one's own would try first. Prints a line a test; words on the
/// command line choose a fault to show its report (panic=null, write, stack, assert, stray, hang), or a
/// deadline in seconds (deadline=N).
#include <array>
#include <hal/platform.hpp>
#include <string_view>

#include "block/sync.hpp"
#include "block/virtio_blk.hpp"
#include "harness/kernel/core/clock.hpp"
#include "harness/kernel/core/console.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/interrupts.hpp"
#include "harness/kernel/core/lapic.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/core/panic.hpp"
#include "harness/kernel/core/pci_config.hpp"
#include "harness/kernel/core/start.hpp"
#include "harness/kernel/core/words.hpp"
#include "harness/kernel/main/devices.hpp"
#include "net/e1000.hpp"
#include "serial/uart16550.hpp"

namespace tb::kernel {

namespace {

constexpr std::uint8_t kTestVector = 0x21;
constexpr std::uint8_t kDeadlineVector = 0xf0;

constexpr hal::Platform kPlatform;

/// Null when the test has passed, else what is wrong.
using Verdict = const char*;

Verdict heap() {
    std::array<unsigned char*, 64> pieces{};
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        pieces[i] = static_cast<unsigned char*>(allocate(100 * i + 1));
        if (pieces[i] == nullptr) return "it is exhausted";
        for (std::size_t n = 0; n <= 100 * i; ++n) pieces[i][n] = static_cast<unsigned char>(i);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i)
        for (std::size_t n = 0; n <= 100 * i; ++n)
            if (pieces[i][n] != i) return "pieces overlap";
    for (unsigned char* piece : pieces) release(piece);
    void* large = allocate(100 * pieces.size());
    if (large == nullptr) return "what was released is not given out again";
    release(large);
    return nullptr;
}

Verdict pages() {
    constexpr std::size_t kBytes = 3 << 20;
    auto* first = static_cast<unsigned char*>(allocate_pages(kBytes, 0x10000));
    if (first == nullptr || reinterpret_cast<std::uint64_t>(first) % 0x10000 != 0) return "no aligned memory";
    first[kBytes - 1] = 1;
    free_pages(first, kBytes);
    auto* again = static_cast<unsigned char*>(allocate_pages(kBytes, 0x10000));
    if (again != first) return "freed memory is not given out again";
    if (again[kBytes - 1] != 0) return "memory is not zeroed";
    free_pages(again, kBytes);
    return nullptr;
}

Verdict clock() {
    const std::uint64_t begin = now_ns();
    delay_ns(1'000'000);
    const std::uint64_t passed = now_ns() - begin;
    if (passed < 1'000'000) return "a delay of a millisecond ended before its time";
    const std::uint64_t again = measure_frequency();
    const bool agree = again < 2 * clock_frequency() && clock_frequency() < 2 * again;
    if (!agree) return "measured twice, it has two frequencies";
    // No processor in 64 bits has counted slower; one that seems to was measured wrong.
    return clock_frequency() < 100'000'000 ? "the time stamp counter is slower than 100 MHz" : nullptr;
}

Verdict interrupt_to_self() {
    static unsigned count = 0;
    set_handler(
        kTestVector,
        [](Frame&, void*) {
            ++count;
            lapic::end_of_interrupt();
        },
        nullptr);
    lapic::send_to_self(kTestVector);
    if (count != 0) return "it came while interrupts were off";
    enable_interrupts();
    const std::uint64_t begin = now_ns();
    while (*const_cast<volatile unsigned*>(&count) == 0 && now_ns() - begin < 1'000'000'000) pause();
    disable_interrupts();
    set_handler(kTestVector, nullptr, nullptr);
    return count == 1 ? nullptr : "it did not come once";
}

Verdict serial() {
    constexpr std::uint16_t kCom1 = 0x3f8;
    serial::Uart16550 uart;
    if (!uart.probe(kPlatform, *kPlatform.map_ports(kCom1, 8))) return "no UART at 0x3f8";
    serial::Options options;
    options.interrupt = serial::InterruptSource::isa(4);
    if (!uart.start(options)) return "it does not start";
    constexpr std::string_view kText = "driven by interrupts\n";
    const std::uint64_t before = interrupts_taken();
    enable_interrupts();
    const auto taken = uart.write(std::as_bytes(std::span(kText)));
    const hal::Status drained = uart.drain();
    disable_interrupts();
    uart.stop();
    if (!taken || *taken != kText.size() || !drained) return "characters did not leave";
    return interrupts_taken() == before ? "no interrupt came" : nullptr;
}

Verdict read_disk(const pci::Function& function, virtio::InterruptMode mode) {
    static block::VirtioBlk disk;
    if (!disk.probe(kPlatform, function)) return "it is not found";
    block::VirtioBlk::Options options;
    options.interrupts = mode;
    if (!disk.start(options)) return "it does not start";
    Verdict verdict =
        disk.interrupt_mode() == mode ? nullptr : "it has not the interrupts that were asked for";
    static std::array<std::byte, 4096> data;
    const std::uint64_t before = interrupts_taken();
    enable_interrupts();
    for (unsigned i = 0; i < 8 && verdict == nullptr; ++i)
        if (!block::read_sync(disk, kPlatform, std::uint64_t{8} * i, data, hal::seconds(5)))
            verdict = "a read failed";
    disable_interrupts();
    const bool came = interrupts_taken() > before;
    if (verdict == nullptr && came != (mode != virtio::InterruptMode::kPolled))
        verdict = came ? "an interrupt came" : "no interrupt came";
    if (verdict == nullptr && disk.counters().lost_interrupts != 0) verdict = "interrupts were lost";
    if (!disk.stop() && verdict == nullptr) verdict = "it does not stop";
    return verdict;
}

Verdict send_frame(const pci::Function& function, net::E1000::Interrupts interrupts) {
    static net::E1000 nic;
    if (!nic.probe(kPlatform, function)) return "it is not found";
    net::E1000::Options options;
    options.interrupts = interrupts;
    options.link_timeout = hal::seconds(5);
    if (!nic.start(options)) return "it does not start";
    static std::array<std::byte, 60> frame{};
    std::span<std::byte> piece = frame;
    net::TxFrame description;
    description.fragments = {&piece, 1};
    const std::uint64_t before = interrupts_taken();
    enable_interrupts();
    Verdict verdict = nic.send(description) ? nullptr : "a frame is not taken";
    const bool sent = hal::poll_until(kPlatform, hal::seconds(5), hal::microseconds(10), [&] {
        nic.poll(16);
        const auto completion = nic.next_sent();
        return completion && completion->status;
    });
    disable_interrupts();
    if (verdict == nullptr && !sent) verdict = "a frame does not leave";
    const bool came = interrupts_taken() > before;
    if (verdict == nullptr && came != (interrupts == net::E1000::Interrupts::kIntx))
        verdict = came ? "an interrupt came" : "no interrupt came";
    nic.stop();
    return verdict;
}

bool report(const char* name, Verdict verdict) {
    if (verdict == nullptr)
        print("ok ", name, "\n");
    else
        print("not ok ", name, ": ", verdict, "\n");
    return verdict == nullptr;
}

bool test_disk(const pci::Function& function) {
    if (!place(function)) return report("virtio-blk", "its BARs cannot be placed");
    bool good = report("virtio-blk polled", read_disk(function, virtio::InterruptMode::kPolled));
    good = report("virtio-blk INTx", read_disk(function, virtio::InterruptMode::kIntx)) && good;
    return report("virtio-blk MSI-X", read_disk(function, virtio::InterruptMode::kMsix)) && good;
}

bool test_nic(const pci::Function& function) {
    if (!place(function)) return report("e1000", "its BARs cannot be placed");
    const bool good = report("e1000 polled", send_frame(function, net::E1000::Interrupts::kPolled));
    return report("e1000 INTx", send_frame(function, net::E1000::Interrupts::kIntx)) && good;
}

bool test_pci_devices() {
    bool good = true;
    const auto visit = [](void* all_good, const pci::Function& function, const pci::Identity& identity) {
        const DeviceKind kind = kind_of(identity);
        const bool passed = kind == DeviceKind::kVirtioBlk ? test_disk(function)
                            : kind == DeviceKind::kE1000   ? test_nic(function)
                                                           : true;
        if (!passed) *static_cast<bool*>(all_good) = false;
        return true;
    };
    pci::enumerate(kPlatform, 0, visit, &good);
    return good;
}

[[gnu::noinline]] std::uint64_t recurse(std::uint64_t depth) {
    volatile std::uint64_t kept[64] = {depth};
    return depth == ~std::uint64_t{0} ? 0 : recurse(depth + 1) + kept[0];
}

[[gnu::noinline]] void provoke(std::string_view fault) {
    volatile std::uint64_t address = 0x10;
    if (fault == "null") *reinterpret_cast<volatile int*>(address) = 1;
    address = reinterpret_cast<std::uint64_t>(&kTestVector);
    if (fault == "write") *reinterpret_cast<volatile char*>(address) = 1;
    if (fault == "stack") recurse(0);
    if (fault == "assert") panic("as asked for");
    if (fault != "stray" && fault != "hang") return;
    if (fault == "stray") lapic::send_to_self(kTestVector);
    enable_interrupts();
    while (true) pause();
}

void set_deadline(std::uint64_t seconds) {
    if (seconds == 0) return;
    static std::uint64_t end = 0;
    end = now_ns() + seconds * 1'000'000'000;
    constexpr std::uint64_t kTick = 10'000'000;
    set_handler(
        kDeadlineVector,
        [](Frame& frame, void*) {
            if (now_ns() >= end) panic(frame, "the deadline has passed");
            lapic::end_of_interrupt();
            lapic::arm_timer(kDeadlineVector, kTick);
        },
        nullptr);
    lapic::arm_timer(kDeadlineVector, kTick);
}

}  // namespace

ExitStatus kernel_main(const char* command_line) {
    calibrate_clock();
    set_deadline(number(command_line, "deadline=", 0));
    provoke(word(command_line, "panic="));
    bool good = report("heap", heap());
    good = report("pages", pages()) && good;
    good = report("clock", clock()) && good;
    good = report("interrupt to itself", interrupt_to_self()) && good;
    good = report("16550", serial()) && good;
    good = test_pci_devices() && good;
    return good ? ExitStatus::kSuccess : ExitStatus::kTestsFailed;
}

}  // namespace tb::kernel
