// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tb::recording {

/// The beginning of a line of QEMU's log, and what follows it.
struct LogLine {
    enum class Stamp : std::uint8_t {
        kNone,
        kSeconds,  ///< "TID@SEC.USEC:", always in 5.2, with -msg timestamp=on until 10
        kIso,      ///< "2026-11-22T07:42:12.301107Z ", with -msg timestamp=on from 11 on
    };
    Stamp stamp = Stamp::kNone;
    std::uint64_t microseconds = 0;  ///< since 1970
    std::string_view event;          ///< "memory_region_ops_read"
    std::string_view arguments;
};

/// Nothing when the line does not begin as an event's does.
std::optional<LogLine> parse_log_line(std::string_view line);

/// "memory_region_ops_read cpu 0 mr 0x5579c0 addr 0x70 value 0x8f size 1 name 'rtc-index'"; 5.2 has no name.
struct RegionAccess {
    int cpu = 0;  ///< -1: not by a processor
    std::uint64_t address = 0;
    std::uint64_t value = 0;
    std::uint8_t size = 0;  ///< 1, 2, 4 or 8
    bool named = false;
    std::string_view name;
};
std::optional<RegionAccess> parse_region_access(std::string_view arguments);

/// "pci_cfg_read e1000 00:02.0 @0x4 -> 0x103"; 5.2 writes decimal "02:0" without a bus.
struct ConfigAccess {
    std::string_view device;
    std::uint64_t address = 0;  ///< as Record has it
    std::uint32_t value = 0;
    bool has_bus = false;
};
std::optional<ConfigAccess> parse_config_access(std::string_view arguments);

}  // namespace tb::recording
