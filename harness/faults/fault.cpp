// SPDX-License-Identifier: BSD-3-Clause
#include "harness/faults/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace tb::faults {

namespace {

constexpr std::uint8_t at(std::initializer_list<Site> sites) {
    std::uint8_t bits = 0;
    for (const Site site : sites) bits = static_cast<std::uint8_t>(bits | 1U << static_cast<unsigned>(site));
    return bits;
}

using enum Site;

constexpr SiteSpec kSiteSpecs[] = {
    {kRead, "read", "the driver reads a register or configuration space"},
    {kWrite, "write", "the driver writes one"},
    {kLoad, "load", "the driver reads a value from memory that it shares with the device: rings, headers"},
    {kData, "data", "the driver reads bytes that the device wrote, or gets a buffer back that it lent"},
    {kInterrupt, "interrupt", "an interrupt is about to reach its handler"},
    {kAllocate, "allocate", "the driver asks for DMA memory, or lends a buffer to the device"},
    {kAttach, "attach", "the driver asks for an interrupt vector"},
};
static_assert(std::size(kSiteSpecs) == kSites);

constexpr std::uint8_t kValues = at({kRead, kLoad});
constexpr std::uint8_t kAccesses = at({kRead, kWrite, kLoad});

constexpr ActSpec kActSpecs[] = {
    {Act::kAllOnes, "all-ones", "the answer is all ones, as from a place where nothing is",
     at({kRead, kLoad, kData})},
    {Act::kZero, "zero", "the answer is zero", at({kRead, kLoad, kData})},
    {Act::kPrevious, "previous", "the answer is that of the last such access to the same place", kValues},
    {Act::kValue, "value", "the answer is \"value\"", kValues, Parameter::kValue},
    {Act::kFlip, "flip", "the bits of \"mask\" in the answer are the other way round",
     at({kRead, kLoad, kData}), Parameter::kMask},
    {Act::kAdd, "add", "\"value\" is added to the answer", kValues, Parameter::kValue},
    {Act::kStick, "stick", "the answer stays what it was at the first match", kValues, Parameter::kNone,
     true},
    {Act::kRestless, "restless", "the answer is another one each time", kValues, Parameter::kNone, true},
    {Act::kUnwritten, "unwritten",
     "what the device wrote there did not arrive: the driver finds what it put there", at({kLoad})},
    {Act::kTruncate, "truncate", "the second half of the bytes was never written", at({kData})},
    {Act::kReorder, "reorder", "two neighbours in a ring that the device fills change places", at({kLoad})},
    {Act::kDrop, "drop", "it does not arrive: a write at the device, an interrupt at the handler",
     at({kWrite, kInterrupt})},
    {Act::kDuplicate, "duplicate", "it arrives twice", at({kWrite, kInterrupt})},
    {Act::kDelay, "delay",
     "an interrupt comes \"by\" later; elsewhere what the device writes to memory, and its interrupts, stay "
     "unseen for so long",
     at({kRead, kWrite, kLoad, kInterrupt}), Parameter::kBy},
    {Act::kInvent, "invent", "every handler runs once, though the device asked for nothing", kAccesses},
    {Act::kFail, "fail", "the system has none to give", at({kAllocate, kAttach})},
    {Act::kRemove, "remove",
     "the device is pulled just before: all reads give all-ones; when healed another is plugged in, with the "
     "same addresses",
     kAccesses},
    {Act::kReset, "reset",
     "the device is reset just before, behind the driver's back; its configuration header is put back",
     kAccesses},
};

}  // namespace

std::span<const SiteSpec> site_specs() {
    return kSiteSpecs;
}
std::span<const ActSpec> act_specs() {
    return kActSpecs;
}

const SiteSpec* find_site(std::string_view name) {
    const auto* found = std::find_if(std::begin(kSiteSpecs), std::end(kSiteSpecs),
                                     [&](const SiteSpec& spec) { return name == spec.name; });
    return found == std::end(kSiteSpecs) ? nullptr : found;
}
const ActSpec* find_act(std::string_view name) {
    const auto* found = std::find_if(std::begin(kActSpecs), std::end(kActSpecs),
                                     [&](const ActSpec& spec) { return name == spec.name; });
    return found == std::end(kActSpecs) ? nullptr : found;
}
const SiteSpec& spec_of(Site site) {
    return kSiteSpecs[static_cast<std::size_t>(site)];
}
const ActSpec& spec_of(Act act) {
    return kActSpecs[static_cast<std::size_t>(act)];
}

std::uint64_t times_of(const Fault& fault) {
    return fault.times.value_or(spec_of(fault.act).lasts ? 0 : 1);
}

std::string describe(const Fault& fault) {
    std::string text = spec_of(fault.act).name;
    switch (spec_of(fault.act).parameter) {
        case Parameter::kValue:
            text += fmt::format(" {:#x}", fault.value);
            break;
        case Parameter::kMask:
            text += fmt::format(" {:#x}", fault.mask);
            break;
        case Parameter::kBy:
            text += fmt::format(" by {} ns", fault.by_ns);
            break;
        case Parameter::kNone:
            break;
    }
    text += fmt::format(" at {} {}", spec_of(fault.site).name, fault.nth);
    if (!fault.of.empty()) text += " of " + fault.of;
    if (fault.address != 0) text += fmt::format(" if from {:#x}", fault.address);
    if (const std::uint64_t times = times_of(fault); times == 0)
        text += " and all after it";
    else if (times > 1)
        text += fmt::format(" and {} after it", times - 1);
    return text;
}

}  // namespace tb::faults
