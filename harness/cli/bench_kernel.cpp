// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/reference.hpp"
#include "harness/bench/rows.hpp"
#include "harness/cli/commands.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/installation.hpp"
#include "harness/qemu/kernel_image.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::cli {

namespace {

using bench::GuestResult;
using bench::RowSpec;
using nlohmann::json;

constexpr const char* kBenchImage = "twinbench-kernel-bench.elf";
constexpr const char* kProbeImage = "twinbench-kernel-selftest.elf";
constexpr std::uint64_t kRowMs = 3000;
constexpr std::uint64_t kQuickRowMs = 300;

/// What was measured under one accelerator.
struct Measured {
    std::string accelerator;
    std::string not_measured;  ///< why nothing was
    GuestResult ours;
    std::optional<GuestResult> reference;  ///< Linux
};

std::vector<const RowSpec*> wanted_rows(const std::string& filter) {
    std::vector<const RowSpec*> rows;
    for (const RowSpec& row : bench::row_specs())
        if (std::string(row.name).find(filter) != std::string::npos) rows.push_back(&row);
    return rows;
}

/// The parts of the guests' programs that measure these rows.
std::string parts_of(const std::vector<const RowSpec*>& rows) {
    std::string parts;
    const auto add = [&](const char* prefix, const char* part) {
        const bool any = std::any_of(rows.begin(), rows.end(), [&](const RowSpec* row) {
            return std::string(row->row).starts_with(prefix);
        });
        if (any) parts += (parts.empty() ? "" : ",") + std::string(part);
    };
    add("blk", "disk");
    add("net", "network");
    add("uart", "serial");
    return parts;
}

double better_by(const RowSpec& row, double value, double baseline) {
    return bench::smaller_is_better(row.quantity) ? baseline / value : value / baseline;
}

double matrix_of(const RowSpec& row, const std::string& accelerator) {
    return accelerator == "kvm" ? row.matrix.kvm : row.matrix.tcg;
}

std::string with_ratio(std::optional<double> baseline, const RowSpec& row, double value) {
    if (!baseline || *baseline == 0) return fmt::format("{:>12} {:>7}", "", "");
    return fmt::format("{:>12.1f} {:>6.2f}x", *baseline, better_by(row, value, *baseline));
}

void print(const std::vector<const RowSpec*>& rows, const Measured& measured, std::FILE* out) {
    fmt::print(out, "under {}", measured.accelerator == "kvm" ? "KVM" : "TCG");
    if (!measured.not_measured.empty()) return fmt::print(out, ": not measured: {}\n", measured.not_measured);
    fmt::print(out, ", QEMU {}: boot {:.2f} s", measured.ours.qemu, measured.ours.boot_seconds);
    if (measured.reference) fmt::print(out, " (Linux {:.1f} s)", measured.reference->boot_seconds);
    fmt::print(out, "\n{:<26} {:>12} {:<6} {:>5} {:>12} {:>7}", "measurement", "value", "", "CPU%", "matrix",
               "ratio");
    if (measured.reference) fmt::print(out, " {:>12} {:>7} {:>5}", "Linux", "ratio", "CPU%");
    fmt::print(out, "\n");
    for (const RowSpec* row : rows) {
        const auto value = bench::value_of(*row, measured.ours);
        if (!value) continue;
        const double matrix = matrix_of(*row, measured.accelerator);
        fmt::print(out, "{:<26} {:>12.1f} {:<6} {:>5.0f} {}", row->name, *value,
                   bench::unit_of(row->quantity), bench::cpu_percent_of(*row, measured.ours).value_or(0),
                   with_ratio(matrix, *row, *value));
        if (measured.reference)
            fmt::print(out, " {} {:>5.0f}", with_ratio(value_of(*row, *measured.reference), *row, *value),
                       bench::cpu_percent_of(*row, *measured.reference).value_or(0));
        fmt::print(out, "\n");
    }
}

/// One entry as `bench` writes them, with the processor time beside it.
json entry(const std::string& name, const RowSpec& row, double value, const GuestResult& result) {
    return {{"name", name},
            {"value", value},
            {"unit", bench::unit_of(row.quantity)},
            {"baseline", nullptr},
            {"ratio", nullptr},
            {"cpu_percent", bench::cpu_percent_of(row, result).value_or(0)}};
}

json results_of(const std::vector<const RowSpec*>& rows, const std::vector<Measured>& all) {
    json list = json::array();
    for (const Measured& measured : all)
        for (const RowSpec* row : rows) {
            const std::string name = measured.accelerator + "." + row->name;
            const auto value = bench::value_of(*row, measured.ours);
            if (!value) {
                list.push_back({{"name", name},
                                {"value", nullptr},
                                {"unit", bench::unit_of(row->quantity)},
                                {"baseline", nullptr},
                                {"ratio", nullptr},
                                {"reason", measured.not_measured}});
                continue;
            }
            json ours = entry(name, *row, *value, measured.ours);
            if (const double matrix = matrix_of(*row, measured.accelerator); matrix != 0) {
                ours["matrix"] = matrix;
                ours["matrix_ratio"] = better_by(*row, *value, matrix);
            }
            const auto baseline =
                measured.reference ? value_of(*row, *measured.reference) : std::optional<double>{};
            if (baseline && *baseline != 0) {
                ours["baseline"] = "linux." + name;
                ours["ratio"] = better_by(*row, *value, *baseline);
                list.push_back(entry("linux." + name, *row, *baseline, *measured.reference));
            }
            list.push_back(std::move(ours));
        }
    return list;
}

GuestResult run(const bench::GuestImage& image, bench::GuestOptions options, const char* what,
                std::uint64_t row_ms, std::chrono::seconds boot) {
    constexpr std::uint64_t kRows = 15;
    options.deadline = boot + std::chrono::seconds(kRows * (row_ms / 1000 + 2));
    fmt::print(stderr, "twinbench: measuring {} under {}\n", what, options.accelerator);
    return run_guest(image, options);
}

bool good(const GuestResult& result, const char* what) {
    for (const std::string& failure : result.failures)
        fmt::print(stderr, "twinbench: {}: {}\n", what, failure);
    return result.failures.empty();
}

}  // namespace

int bench_kernel_command(const KernelBenchOptions& options) {
    const std::vector<const RowSpec*> rows = wanted_rows(options.filter);
    if (rows.empty()) {
        fmt::print(stderr, "twinbench: --filter {}: no measurement matches\n", options.filter);
        return kBadInput;
    }
    if (!qemu::find_qemu(options.qemu)) {
        fmt::print(stderr, "twinbench: there is no {}: {}\n", options.qemu, qemu::how_to_get(options.qemu));
        return kEnvironmentLacks;
    }
    const auto image = qemu::find_kernel_image(kBenchImage);
    const auto probe = qemu::find_kernel_image(kProbeImage);
    if (!image || !probe) {
        fmt::print(stderr,
                   "twinbench: there is no {}: build it with `cmake --build --preset release`, or name its "
                   "folder in TWINBENCH_KERNELS\n",
                   !image ? kBenchImage : kProbeImage);
        return kEnvironmentLacks;
    }
    const std::uint64_t row_ms = options.quick ? kQuickRowMs : kRowMs;
    const std::string parts = parts_of(rows);
    bench::GuestImage ours;
    ours.kernel = *image;
    ours.command =
        fmt::format("time_ms={} rows={}{}", row_ms, parts, options.interrupts ? " wait=interrupts" : "");
    ours.ours = true;
    std::optional<bench::GuestImage> linux_image;
    if (options.linux_too) linux_image = bench::linux_guest(row_ms, parts);

    bool all_good = true;
    std::vector<Measured> all;
    for (const char* accelerator : {"tcg", "kvm"}) {
        Measured& measured = all.emplace_back();
        measured.accelerator = accelerator;
        if (measured.accelerator == "kvm") measured.not_measured = bench::why_no_kvm(options.qemu, *probe);
        if (measured.not_measured.empty()) {
            const bench::GuestOptions how{options.qemu, accelerator};
            measured.ours = run(ours, how, "our drivers", row_ms, std::chrono::seconds(60));
            all_good = good(measured.ours, "our drivers") && all_good;
            if (linux_image) {
                measured.reference = run(*linux_image, how, "Linux", row_ms, std::chrono::seconds(240));
                all_good = good(*measured.reference, "Linux") && all_good;
            }
        }
        print(rows, measured, options.json == "-" ? stderr : stdout);
    }
    if (!options.json.empty()) {
        try {
            trace::AtomicFile file(options.json);
            file.write(results_of(rows, all).dump(2) + "\n");
            file.commit();
        } catch (const trace::FileError& error) {
            fmt::print(stderr, "twinbench: {}\n", error.what());
            return kBadInput;
        }
    }
    return all_good ? kAllPassed : kSomethingFailed;
}

}  // namespace tb::cli
