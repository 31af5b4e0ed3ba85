// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/recording/record.hpp"

namespace tb::record {

/// The machines whose devices can be recorded.
inline constexpr const char* kMachines[] = {"pc", "q35"};
/// The device types, in the order in which they are plugged.
inline constexpr const char* kDevices[] = {"isa-serial", "e1000", "virtio-blk-pci"};

struct Options {
    std::string output;                ///< the trace; compressed by its ending
    std::vector<std::string> devices;  ///< empty: all of kDevices
    std::string machine = "pc";
    std::string kernel;  ///< empty: the distribution's Linux, with an init that uses the devices
    std::string initrd;
    std::string append;  ///< the kernel's command line; empty with our guest: a quiet one
    std::uint64_t memory_mib = 256;
    std::string disk;      ///< an image (raw); empty: 8 MiB whose words are their sectors' numbers
    std::string pcap;      ///< where QEMU writes the frames besides (its filter-dump); empty: nowhere
    std::string keep_log;  ///< where QEMU's log goes; empty: nowhere in the end
    /// Without our module in QEMU: any version, but no DMA, frames and virtual time.
    bool plain = false;
    std::string qemu = "qemu-system-x86_64";
    std::chrono::seconds deadline{300};
    std::function<void(double seconds)> progress;
};

struct Outcome {
    std::uint64_t events = 0;
    recording::Summary log;
    std::string qemu;                   ///< version
    std::string why_plain;              ///< why the module was not used, when it was wanted
    std::string console;                ///< what the guest wrote on its first serial line
    std::vector<std::string> failures;  ///< sentences: the guest did not come to its end, ...
};

/// Boots a guest, records its devices, and writes the trace. Throws QemuError when QEMU cannot be started,
/// and trace::FileError when the trace cannot be written.
Outcome record(const Options& options);

}  // namespace tb::record
