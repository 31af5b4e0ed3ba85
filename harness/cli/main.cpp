// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "harness/cli/commands.hpp"
#include "harness/operations/board.hpp"
#include "harness/qemu/error.hpp"
#include "harness/record/record.hpp"
#include "harness/scenario/document.hpp"

namespace {

using namespace tb;

constexpr const char* kAbout =
    "Twinbench: drivers against models of QEMU's devices, and against QEMU itself.\n"
    "Exit codes: 0 all passed, 1 something failed, 2 bad input, 3 the environment lacks something.";

void add_selection(CLI::App& command, cli::Options& options) {
    command.add_option("paths", options.paths, "Scenario files or folders (default: scenarios)")
        ->type_name("PATH");
    command.add_option("--device", options.devices, "Only scenarios of this device type (repeatable)")
        ->type_name("TYPE");
    command
        .add_option("--filter", options.filters,
                    "Only scenarios whose id matches: * any text, ? any character (repeatable)")
        ->type_name("PATTERN");
}

void add_shared(CLI::App& command, cli::Options& options) {
    add_selection(command, options);
    command.add_option("--seed", options.seed, "Replace the scenarios' seeds")->type_name("N");
    command
        .add_option("--shuffle", options.shuffle,
                    "Permute events of equal time in the models; results must not change")
        ->type_name("SEED");
    command.add_option("-j,--jobs", options.jobs, "Scenarios at a time (default: one a processor)")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    command.add_option("--trace-dir", options.trace_dir, "Write each scenario's trace here")
        ->type_name("DIR");
    command.add_option("--junit", options.junit, "Write results as JUnit XML")->type_name("FILE");
    command.add_option("--json", options.json, "Write results as JSON; - for standard output")
        ->type_name("FILE");
    command.add_flag("-v,--verbose", options.verbose, "Show each scenario's log and where failures stand");
    command.add_option("--qemu", options.qemu, "QEMU to use (with confirm)")
        ->type_name("PROGRAM|VERSION")
        ->envname("TWINBENCH_QEMU");
}

void add_run(CLI::App& app, int& status) {
    auto* options = app.add_subcommand("run", "Run scenarios on the models");
    static cli::Options values;
    add_shared(*options, values);
    options
        ->add_option("--weak-memory", values.weak_memory,
                     "Run drivers N times on memory that orders accesses no more than their barriers ask for")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    options->callback([&] { status = cli::run_command(values); });
}

void add_confirm(CLI::App& app, int& status) {
    auto* command =
        app.add_subcommand("confirm", "Run scenarios on the models and on QEMU, and compare event by event");
    static cli::Options values;
    add_shared(*command, values);
    command
        ->add_option(
            "--on", values.on,
            "What drives QEMU's devices: qtest (default), or kernel: the drivers in a kernel of ours in QEMU")
        ->check(CLI::IsMember({"qtest", "kernel"}));
    auto* random =
        command
            ->add_option("--random", values.random_operations,
                         "Instead of scenarios: so many operations by chance for each --device (default: "
                         "all), from --seed (default: 1); what differs is minimised and saved")
            ->type_name("OPS")
            ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000'000}));
    command
        ->add_option("--save", values.save,
                     "With --random: the folder for the scenarios that reproduce differences")
        ->type_name("DIR")
        ->needs(random);
    for (const char* other : {"paths", "--filter"}) random->excludes(command->get_option(other));
    command->add_option("--machine", values.machine, "QEMU's machine, with --on kernel (default: q35)")
        ->check(CLI::IsMember(std::vector<std::string>(harness::kBoards.begin(), harness::kBoards.end())));
    command->callback([&] { status = cli::confirm_command(values); });
}

void add_sweep(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("sweep",
                                       "Run each scenario once for every fault at every access, on the "
                                       "models: whatever the device does, the driver "
                                       "must come to an end, give errors or true data, leave nothing behind, "
                                       "and work again when the device does");
    static cli::SweepOptions values;
    add_selection(*command, values.shared);
    command->add_option("--seed", values.shared.seed, "Replace the scenarios' seeds")->type_name("N");
    command->add_option("-j,--jobs", values.shared.jobs, "Runs at a time (default: one a processor)")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    command->add_flag("--first", values.first, "End with the first failure that is found");
    command->add_flag("--matrix", values.matrix,
                      "Show the matrix of places and faults: runs, or failures with a !");
    command->add_option("--json", values.shared.json, "Write results as JSON; - for standard output")
        ->type_name("FILE");
    command->add_flag("-v,--verbose", values.shared.verbose, "Show every failure, and what was left out");
    command->callback([&] { status = cli::sweep_command(values); });
}

void add_fuzz_minimise(CLI::App& fuzz, int& status) {
    auto* command = fuzz.add_subcommand(
        "minimise", "Make an input that a program target found into a short scenario that `run` runs");
    static cli::FuzzOptions values;
    command->add_option("target", values.target, "A program target: virtio_blk_program")
        ->required()
        ->type_name("TARGET");
    command->add_option("file", values.file, "The input, as libFuzzer kept it")
        ->required()
        ->type_name("FILE");
    command->add_option("-o,--output", values.output, "The scenario to write (default: standard output)")
        ->type_name("FILE");
    command->add_option("--keep", values.keep, "Write the shortened input too, for the corpus")
        ->type_name("FILE");
    command
        ->add_option("--program", values.program, "The target's program, instead of the one that was built")
        ->type_name("FILE");
    command->callback([&] { status = cli::fuzz_minimise_command(values); });
}

void add_fuzz_canaries(CLI::App& fuzz, int& status) {
    auto* command = fuzz.add_subcommand(
        "canaries",
        "Plant known bugs in the drivers, one a program, and measure which are found from an empty corpus");
    static cli::FuzzOptions values;
    command->add_option("numbers", values.numbers, "Only these canaries")->type_name("NUMBER");
    command->add_option("--seconds", values.seconds, "For each canary and seed (default: 60)")
        ->type_name("N")
        ->check(CLI::Range(1U, 86400U));
    command->add_option("--seeds", values.seeds, "How often each is looked for (default: 3)")
        ->type_name("N")
        ->check(CLI::Range(1U, 1000U));
    command->add_option("--seed", values.seed, "The first seed (default: 1)")->type_name("N");
    command
        ->add_option("-j,--jobs", values.jobs,
                     "Hunts at a time (default: 1; two on one processor cost each other time)")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    command->add_option("--json", values.json, "Write the table as JSON; - for standard output")
        ->type_name("FILE");
    command->callback([&] { status = cli::fuzz_canaries_command(values); });
}

void add_fuzz(CLI::App& app, int& status) {
    auto* command = app.add_subcommand(
        "fuzz",
        "Run a fuzz target, or list them: drivers before devices that lie, models under any guest, readers");
    static cli::FuzzOptions values;
    command->add_option("target", values.target, "What to run (default: list what there is)")
        ->type_name("TARGET");
    command->add_option("--runs", values.runs, "Executions (default: no end)")->type_name("N");
    command->add_option("--seconds", values.seconds, "Real time (default: no end)")->type_name("N");
    command->add_option("--seed", values.seed, "Of the fuzzer (default: 1)")->type_name("N");
    command->add_option("-j,--jobs", values.jobs, "Processes (default: 1)")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    add_fuzz_minimise(*command, status);
    add_fuzz_canaries(*command, status);
    auto* seeds = command->add_subcommand("seeds", "Make programs of the scenarios, to begin a corpus with");
    seeds->add_option("folder", values.output, "Where to (a folder for each target)")
        ->required()
        ->type_name("DIR");
    seeds->callback([&] { status = cli::fuzz_seeds_command(values); });
    // Its subcommands run by themselves.
    command->callback([command, &status] {
        if (command->get_subcommands().empty()) status = cli::fuzz_command(values);
    });
}

void add_diff(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("diff", "Compare two trace files event by event");
    static cli::DiffOptions values;
    command->add_option("left", values.left, "A trace file")->required()->type_name("TRACE");
    command->add_option("right", values.right, "Another")->required()->type_name("TRACE");
    command->add_flag("--time", values.compare_time, "Times must agree too");
    command->callback([&] { status = cli::diff_command(values); });
}

void add_export(CLI::App& app, int& status) {
    auto* command =
        app.add_subcommand("export", "Turn a trace, or a recording of QEMU's, into another format");
    static cli::ExportOptions values;
    command->add_option("trace", values.trace, "A trace file, or what `replay` takes")
        ->required()
        ->type_name("TRACE");
    command
        ->add_option("--to", values.format,
                     "vcd (GTKWave), pcap (Wireshark), perfetto (ui.perfetto.dev) or text")
        ->required()
        ->check(CLI::IsMember({"vcd", "pcap", "perfetto", "text"}));
    command->add_option("-o,--output", values.output, "File to write")->required()->type_name("FILE");
    command->callback([&] { status = cli::export_command(values); });
}

void add_record(CLI::App& app, int& status) {
    auto* command = app.add_subcommand(
        "record", "Boot a guest in QEMU and record what it does with its devices, to be replayed");
    static cli::RecordOptions values;
    command->add_option("-o,--output", values.output, "The trace to write; .xz, .gz or .zst compresses it")
        ->required()
        ->type_name("FILE");
    command
        ->add_option("--device", values.devices, "A device to plug and to record (repeatable; default: all)")
        ->type_name("TYPE")
        ->check(CLI::IsMember(
            std::vector<std::string>(std::begin(record::kDevices), std::end(record::kDevices))));
    command->add_option("--machine", values.machine, "QEMU's machine: pc (default) or q35")
        ->check(CLI::IsMember(
            std::vector<std::string>(std::begin(record::kMachines), std::end(record::kMachines))));
    auto* kernel = command->add_option(
        "--kernel", values.kernel,
        "A kernel to boot (default: the distribution's Linux, which loads the drivers, "
        "uses the devices and powers off; made of packages the first time). It ends by power off, or "
        "by a write to isa-debug-exit at port 0xf4");
    kernel->type_name("FILE");
    command->add_option("--initrd", values.initrd, "Its initial RAM disk")->type_name("FILE")->needs(kernel);
    command->add_option("--append", values.append, "The kernel's command line")->type_name("TEXT");
    command->add_option("--memory", values.memory_mib, "The guest's memory in MiB (default: 256)")
        ->type_name("MIB")
        ->check(CLI::Range(32, 2048));
    command
        ->add_option(
            "--disk", values.disk,
            "A raw image for the disk, which is not changed (default: 8 MiB whose words are their sectors' "
            "numbers)")
        ->type_name("FILE");
    command->add_flag(
        "--plain", values.plain,
        "Without our module in QEMU: for any version of it, but registers, messages and wall-clock time "
        "alone; with it also DMA, frames, interrupt lines and virtual time");
    command->add_option("--pcap", values.pcap, "Have QEMU write the frames here too (its filter-dump)")
        ->type_name("FILE");
    command->add_option("--keep-log", values.keep_log, "Keep QEMU's log, of all devices, here")
        ->type_name("FILE");
    command->add_flag("--console", values.console, "Show what the guest wrote on its console");
    command
        ->add_option("--deadline", values.deadline_s,
                     "Seconds after which the guest is killed (default: 300)")
        ->type_name("S")
        ->check(CLI::Range(1, 86400));
    command->add_option("--qemu", values.qemu, "QEMU to record")
        ->type_name("PROGRAM|VERSION")
        ->envname("TWINBENCH_QEMU");
    command->callback([&] { status = cli::record_command(values); });
}

void add_replay(CLI::App& app, int& status) {
    auto* command = app.add_subcommand(
        "replay",
        "Play what a guest in QEMU did onto the models, and compare every answer with the recorded one");
    static cli::ReplayOptions values;
    command
        ->add_option("recording", values.recording,
                     "What `record` wrote, QEMU's log (5.2 to 11), or its simpletrace; also compressed")
        ->required()
        ->type_name("FILE");
    command->add_option("--onto", values.onto, "model (default), or qemu: QEMU's own devices, as a yardstick")
        ->check(CLI::IsMember({"model", "qemu"}));
    command->add_option("--device", values.devices, "Only devices of this type (repeatable)")
        ->type_name("TYPE");
    command
        ->add_option("--context", values.context,
                     "Accesses to show before and after a difference (default: 3)")
        ->type_name("N")
        ->check(CLI::Range(0, 1000));
    command->add_option("--disk", values.disk, "The image that the recorded guest had (record --disk)")
        ->type_name("FILE");
    command
        ->add_option("--tolerance", values.tolerance_us,
                     "How far a timer may run from its time where the recording has wall-clock stamps, in "
                     "microseconds (default: 20000)")
        ->type_name("US");
    command->add_option("--json", values.json, "Write results as JSON; - for standard output")
        ->type_name("FILE");
    command->add_flag("-v,--verbose", values.verbose,
                      "Show how the devices were made, all differences, and registers that were not touched");
    command->add_option("--qemu", values.qemu, "QEMU to use (with --onto qemu)")
        ->type_name("PROGRAM|VERSION")
        ->envname("TWINBENCH_QEMU");
    auto* driver = command->add_flag("--driver", values.driver,
                                     "The recording stands in for the device, and our driver runs against "
                                     "it: by the steps of the scenario that was "
                                     "recorded or, for a guest, its start and stop");
    command
        ->add_option("--scenario", values.scenario,
                     "With --driver: another scenario's steps; a file or an id")
        ->type_name("FILE|ID")
        ->needs(driver);
    command->add_option("--scenarios", values.scenarios, "Where scenarios are (default: scenarios)")
        ->type_name("DIR")
        ->needs(driver);
    driver->excludes(command->get_option("--onto"));
    command->callback([&] { status = cli::replay_command(values); });
}

void add_list(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("list", "Show what scenarios can name");
    static cli::ListOptions values;
    command
        ->add_option(
            "what", values.what,
            "devices, registers, drivers, operations, steps, faults, rules, scenarios, allowed or schema")
        ->required()
        ->check(CLI::IsMember({"devices", "registers", "drivers", "operations", "steps", "faults", "rules",
                               "scenarios", "allowed", "schema"}));
    add_selection(*command, values.shared);
    command->add_flag("-v,--verbose", values.shared.verbose, "rules: show also what each of them checks");
    command->callback([&] { status = cli::list_command(values); });
}

void add_doctor(CLI::App& app, int& status) {
    auto* command =
        app.add_subcommand("doctor", "Show what this machine has and lacks, and the command that mends it");
    static cli::DoctorOptions values;
    command->add_option("--qemu", values.qemu, "QEMU to look at")
        ->type_name("PROGRAM|VERSION")
        ->envname("TWINBENCH_QEMU");
    command->callback([&] { status = cli::doctor_command(values); });
}

CLI::App* add_bench_kernel(CLI::App& bench, int& status) {
    auto* command = bench.add_subcommand(
        "kernel", "Measure the drivers in a kernel on QEMU, beside the driver matrix and Linux");
    static cli::KernelBenchOptions values;
    command->add_flag("--linux", values.linux_too,
                      "Measure Linux's drivers too, on the same QEMU command line (makes a guest of the "
                      "distribution's packages the first time)");
    command->add_flag("--interrupts", values.interrupts,
                      "Our drivers wait for interrupts, with the processor halted; default: they poll");
    command->add_option("--json", values.json, "Write results as JSON; - for standard output")
        ->type_name("FILE");
    command->add_option("--filter", values.filter, "Only measurements whose name contains this")
        ->type_name("TEXT");
    command->add_option("--qemu", values.qemu, "QEMU to measure on")
        ->type_name("PROGRAM|VERSION")
        ->envname("TWINBENCH_QEMU");
    command->add_flag("--quick", values.quick, "Measure shorter: 0.3 s a row instead of 3");
    command->callback([&] { status = cli::bench_kernel_command(values); });
    return command;
}

void add_bench(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("bench", "Measure the speed of seam, models and runner");
    static cli::BenchOptions values;
    command->add_option("--json", values.json, "Write results as JSON; - for standard output")
        ->type_name("FILE");
    command->add_option("--filter", values.filter, "Only measurements whose name contains this")
        ->type_name("TEXT");
    command->add_option("--qemu", values.qemu, "QEMU to measure against")
        ->type_name("PROGRAM|VERSION")
        ->envname("TWINBENCH_QEMU");
    command->add_flag("--quick", values.quick, "Measure shorter");
    auto* kernel = add_bench_kernel(*command, status);
    command->callback([&, kernel] {
        if (!kernel->parsed()) status = cli::bench_command(values);
    });
}

/// Says so when it is none; the library would only say that a command is required.
bool is_command(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    if (std::find(names.begin(), names.end(), word) != names.end()) return true;
    fmt::print(stderr, "twinbench: there is no command '{}'{}\n", word, scenario::suggestion(word, names));
    return false;
}

int guarded(int argc, char** argv) {
    CLI::App app(kAbout, "twinbench");
    app.require_subcommand(1);
    app.set_version_flag("--version", "twinbench 0.1.0");
    int status = cli::kAllPassed;
    add_run(app, status);
    add_confirm(app, status);
    add_sweep(app, status);
    add_fuzz(app, status);
    add_record(app, status);
    add_replay(app, status);
    add_diff(app, status);
    add_export(app, status);
    add_list(app, status);
    add_doctor(app, status);
    add_bench(app, status);
    if (argc > 1 && argv[1][0] != '-' && !is_command(app, argv[1])) return cli::kBadInput;
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? cli::kAllPassed : cli::kBadInput;
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    // Before the library's first use; its banner would stand in every output.
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    // A reader that has gone away (twinbench ... | head) ends the program quietly through write errors, not a
    // signal.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return guarded(argc, argv);
    } catch (const qemu::QemuError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return cli::kEnvironmentLacks;
    } catch (const std::exception& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return cli::kSomethingFailed;
    }
}
