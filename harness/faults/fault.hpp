// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tb::faults {

/// Where a fault strikes: one kind of thing that happens between a driver and its machine, in order, so that
/// it can be counted.
enum class Site : std::uint8_t {
    kRead,       ///< the driver reads a register or configuration space
    kWrite,      ///< it writes one
    kLoad,       ///< it reads a value from memory that it shares with the device
    kData,       ///< it reads bytes that the device has written: from such memory, or a buffer given back
    kInterrupt,  ///< an interrupt is about to reach its handler
    kAllocate,   ///< it asks for DMA memory, or lends a buffer to the device
    kAttach,     ///< it asks for an interrupt vector
};
inline constexpr unsigned kSites = 7;

/// What a fault does there.
enum class Act : std::uint8_t {
    kAllOnes,
    kZero,
    kPrevious,
    kValue,
    kFlip,
    kAdd,
    kStick,
    kRestless,
    kUnwritten,
    kTruncate,
    kReorder,
    kDrop,
    kDuplicate,
    kDelay,
    kInvent,
    kFail,
    kRemove,
    kReset,
};

struct SiteSpec {
    Site site;
    const char* name;
    const char* about;
};
std::span<const SiteSpec> site_specs();

/// A number that an act needs besides its place.
enum class Parameter : std::uint8_t { kNone, kValue, kMask, kBy };

struct ActSpec {
    Act act;
    const char* name;
    const char* about;
    std::uint8_t sites;  ///< a bit for each Site at which it makes sense
    Parameter parameter = Parameter::kNone;
    bool lasts = false;  ///< strikes all matches until it is healed, unless "times" says otherwise
};
std::span<const ActSpec> act_specs();

const SiteSpec* find_site(std::string_view name);
const ActSpec* find_act(std::string_view name);
const SiteSpec& spec_of(Site site);
const ActSpec& spec_of(Act act);
constexpr bool possible(const ActSpec& act, Site site) {
    return (act.sites >> static_cast<unsigned>(site) & 1) != 0;
}

/// One fault: match and act. The same for scenarios, sweeps and fuzzers, on every device and machine.
struct Fault {
    Act act = Act::kAllOnes;
    Site site = Site::kRead;
    /// A register, a field, or a part of a ring (see PartName); empty: anything at the site. An answer is
    /// changed in the bits so named, and in no others.
    std::string of = {};
    std::uint64_t nth = 1;                    ///< the first match that is struck
    std::optional<std::uint64_t> times = {};  ///< matches to strike, 0: all until healed; see times_of()
    std::uint64_t not_before_ns = 0;          ///< virtual time, since power-on
    std::uint64_t value = 0;                  ///< of kValue, kAdd
    std::uint64_t mask = 0;                   ///< bits of kFlip, counted from the named bits' lowest
    std::uint64_t by_ns = 0;                  ///< of kDelay
    /// At kData: a match is struck when its bytes are there; 0: wherever. Over when that memory is given
    /// back.
    std::uint64_t address = 0;

    bool operator==(const Fault&) const = default;
};

/// How many matches a fault strikes, 0 for all: one, where nothing is said, or all for an act that lasts.
std::uint64_t times_of(const Fault& fault);

/// "flip 0x4 of STATUS at read 17".
std::string describe(const Fault& fault);

}  // namespace tb::faults
