// SPDX-License-Identifier: BSD-3-Clause
/// The benchmark image: measures the drivers, unchanged and on plain services, and tells the harness
/// (pattern.hpp says how). Words on the command line: rows=disk,network,serial (default: all), time_ms=N for
/// each row (default 1000), wait=interrupts.
#include "harness/kernel/bench/bench.hpp"
#include "harness/kernel/core/clock.hpp"
#include "harness/kernel/core/start.hpp"
#include "harness/kernel/core/words.hpp"
#include "harness/kernel/main/devices.hpp"

namespace tb::kernel {

namespace {

struct Found {
    const bench::Bench& bench;
    DeviceKind wanted;
    bool (*measure)(const bench::Bench&, const pci::Function&);
    bool good = false;
};

/// Measures the first device of a kind; false when there is none.
bool measure(const bench::Bench& bench, DeviceKind kind,
             bool (*with)(const bench::Bench&, const pci::Function&)) {
    Found found{bench, kind, with};
    const auto visit = [](void* context, const pci::Function& function, const pci::Identity& identity) {
        Found& looking = *static_cast<Found*>(context);
        if (kind_of(identity) != looking.wanted) return true;
        looking.good = looking.measure(looking.bench, function);
        return false;
    };
    pci::enumerate(bench.platform, 0, visit, &found);
    return found.good;
}

}  // namespace

ExitStatus kernel_main(const char* command_line) {
    calibrate_clock();
    static bench::Control control;
    control.open({});
    const std::string_view rows = word(command_line, "rows=");
    const auto wanted = [&](std::string_view row) {
        return rows.empty() || rows.find(row) != std::string_view::npos;
    };
    const bench::Bench bench{{},
                             control,
                             number(command_line, "time_ms=", 1000) * 1'000'000,
                             word(command_line, "wait=") == "interrupts"};
    enable_interrupts();
    bool good = true;
    if (wanted("disk")) good = measure(bench, DeviceKind::kVirtioBlk, bench::measure_disk) && good;
    if (wanted("network")) good = measure(bench, DeviceKind::kE1000, bench::measure_network) && good;
    if (wanted("serial")) good = bench::measure_serial(bench) && good;
    disable_interrupts();
    return good ? ExitStatus::kSuccess : ExitStatus::kTestsFailed;
}

}  // namespace tb::kernel
