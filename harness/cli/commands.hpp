// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tb::cli {

/// How the program ends; part of its interface.
enum ExitCode : int {
    kAllPassed = 0,
    kSomethingFailed = 1,
    kBadInput = 2,
    kEnvironmentLacks = 3,
};

/// What the commands share.
struct Options {
    std::vector<std::string> paths;
    std::vector<std::string> devices;  ///< only scenarios of these device types
    std::vector<std::string> filters;  ///< only scenarios whose id matches one of these patterns (* and ?)
    std::uint64_t seed = 0;            ///< replaces the scenarios' own seed when not 0
    std::uint64_t shuffle = 0;         ///< permutes equal-time events of the models
    unsigned jobs = 0;                 ///< 0: one a processor
    unsigned weak_memory = 0;          ///< run: so many times on memory that orders no more than it must
    std::string trace_dir;
    std::string junit;
    std::string json;
    bool verbose = false;
    std::string qemu = "qemu-system-x86_64";
    std::uint64_t random_operations = 0;  ///< confirm: so many operations by chance, instead of files
    std::string save = ".";               ///< where scenarios go that reproduce what they found
    std::string on = "qtest";  ///< confirm: qtest, or kernel: the drivers in a kernel of ours inside QEMU
    std::string machine;       ///< confirm on a kernel: QEMU's machine; empty: q35
};

int run_command(const Options& options);
int confirm_command(const Options& options);

struct SweepOptions {
    Options shared;
    bool matrix = false;  ///< show the matrix of places and faults
    bool first = false;   ///< end with the first failure
};
int sweep_command(const SweepOptions& options);

struct DiffOptions {
    std::string left;
    std::string right;
    bool compare_time = false;
};
int diff_command(const DiffOptions& options);

struct ExportOptions {
    std::string trace;
    std::string format;  ///< text, vcd, pcap or perfetto
    std::string output;
};
int export_command(const ExportOptions& options);

struct FuzzOptions {
    std::string target;
    std::uint64_t runs = 0;  ///< 0: no end
    unsigned seconds = 0;    ///< likewise
    std::uint64_t seed = 1;
    unsigned jobs = 1;
    std::string program;               ///< instead of the one that was built for the target
    std::string file;                  ///< minimise: the input
    std::string output;                ///< minimise: the scenario; seeds: the folder
    std::string keep;                  ///< minimise: where the minimised input goes
    std::vector<std::string> numbers;  ///< canaries: only these
    unsigned seeds = 3;
    std::string json;
};
int fuzz_command(const FuzzOptions& options);
int fuzz_minimise_command(const FuzzOptions& options);
int fuzz_canaries_command(const FuzzOptions& options);
int fuzz_seeds_command(const FuzzOptions& options);

struct ReplayOptions {
    std::string recording;
    std::string onto = "model";  ///< or qemu
    std::string disk;
    std::vector<std::string> devices;
    unsigned context = 3;
    std::uint64_t tolerance_us = 20'000;
    std::string json;
    std::string qemu = "qemu-system-x86_64";
    bool verbose = false;
    bool driver = false;   ///< the recording stands in for the device
    std::string scenario;  ///< with driver: whose steps it makes
    std::string scenarios = "scenarios";
};
int replay_command(const ReplayOptions& options);

struct RecordOptions {
    std::string output;
    std::vector<std::string> devices;
    std::string machine = "pc";
    std::string kernel;
    std::string initrd;
    std::string append;
    std::uint64_t memory_mib = 256;
    std::string disk;
    std::string pcap;
    std::string keep_log;
    bool plain = false;
    bool console = false;
    std::string qemu = "qemu-system-x86_64";
    unsigned deadline_s = 300;
};
int record_command(const RecordOptions& options);

struct ListOptions {
    std::string what;  ///< devices, registers, drivers, operations, steps, faults, rules, scenarios, allowed
                       ///< or schema
    Options shared;
};
int list_command(const ListOptions& options);

struct DoctorOptions {
    std::string qemu = "qemu-system-x86_64";
};
int doctor_command(const DoctorOptions& options);

struct BenchOptions {
    std::string json;
    std::string filter;
    std::string qemu = "qemu-system-x86_64";
    bool quick = false;  ///< shorter measurements
};
int bench_command(const BenchOptions& options);

struct KernelBenchOptions {
    std::string json;
    std::string filter;
    std::string qemu = "qemu-system-x86_64";
    bool quick = false;
    bool linux_too = false;   ///< measure Linux's drivers in the same rows
    bool interrupts = false;  ///< our drivers wait for interrupts instead of polling
};
int bench_kernel_command(const KernelBenchOptions& options);

}  // namespace tb::cli
