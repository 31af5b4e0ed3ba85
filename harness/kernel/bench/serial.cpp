// SPDX-License-Identifier: BSD-3-Clause
#include <array>

#include "harness/kernel/bench/bench.hpp"
#include "harness/kernel/bench/pattern.hpp"
#include "harness/kernel/core/clock.hpp"
#include "serial/uart16550.hpp"

namespace tb::kernel::bench {

bool measure_serial(const Bench& bench) {
    constexpr std::uint16_t kCom2 = 0x2f8;
    constexpr std::uint8_t kCom2Line = 3;
    constexpr const char* kRow = "uart.tx";
    constexpr unsigned kBudget = 4096;
    static serial::Uart16550 uart;
    serial::Options options;
    if (bench.by_interrupts) options.interrupt = serial::InterruptSource::isa(kCom2Line);
    if (!uart.probe(bench.platform, *bench.platform.map_ports(kCom2, 8)) || !uart.start(options))
        return bench.control.fail(kRow, "there is no UART at 0x2f8");
    // The driver's ring takes a part of this at a time.
    std::array<std::byte, 512> piece{};
    std::uint64_t queued = 0;
    bench.control.begin(kRow);
    const std::uint64_t begun = now_ns();
    while (now_ns() - begun < bench.row_ns) {
        for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = std::byte{serial_byte(queued + i)};
        const auto taken = uart.write(piece);
        if (!taken) return bench.control.fail(kRow, "the driver takes no characters");
        queued += *taken;
        if (!bench.by_interrupts) uart.poll(kBudget);
        if (*taken == 0) rest_unless(bench, [&] { return uart.statistics().sent == queued; });
    }
    const bool drained = bool(uart.drain());
    const std::uint64_t taken = now_ns() - begun;
    bench.control.end(kRow, {{"ns", taken}, {"bytes", queued}});
    const std::uint64_t sent = uart.statistics().sent;
    uart.stop();
    if (!drained || sent != queued) return bench.control.fail(kRow, "characters did not leave");
    return true;
}

}  // namespace tb::kernel::bench
