// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/peer.hpp"

namespace tb::bench {

/// A guest to measure: what differs between two on the same machine.
struct GuestImage {
    std::string kernel;
    std::string initrd;   ///< empty: none
    std::string command;  ///< the kernel's command line
    bool ours = false;    ///< ends through isa-debug-exit, and writes what the disk is checked for
};

struct GuestOptions {
    std::string qemu = "qemu-system-x86_64";
    std::string accelerator = "tcg";
    std::chrono::seconds deadline{300};  ///< for all of it; then QEMU is killed
};

/// What one row has to say: the guest's own numbers, and what was seen from outside between its two ends.
struct RowResult {
    std::map<std::string, double> numbers;
    std::string text;              ///< of a tool in the guest: what stands behind `text=`
    double wall_ns = 0;            ///< between the answers to `begin` and `end`
    double cpu_ns = 0;             ///< processor time of QEMU, all threads
    std::uint64_t disk_reads = 0;  ///< requests that reached QEMU's device
    std::uint64_t disk_writes = 0;
    PeerCounts peer;
};

struct GuestResult {
    std::map<std::string, RowResult> rows;
    std::vector<std::string> failures;  ///< sentences; the run is worth something only when there is none
    double boot_seconds = 0;            ///< from the start of QEMU to the guest's first word
    std::string qemu;                   ///< its version
};

/// Runs a guest to its end. What it says on its first serial port is in kernel/bench/pattern.hpp.
/// Throws QemuError when QEMU cannot be started.
GuestResult run_guest(const GuestImage& image, const GuestOptions& options);

}  // namespace tb::bench
