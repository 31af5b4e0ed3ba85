// SPDX-License-Identifier: BSD-3-Clause
#include "net/e1000_counters.hpp"

namespace tb::e1000 {

namespace {

// In the order of Counter.
constexpr std::uint32_t kRegister[] = {
    reg::kCRCERRS, reg::kALGNERRC, reg::kRXERRC, reg::kMPC,    reg::kCEXTERR, reg::kRUC,     reg::kROC,
    reg::kSYMERRS, reg::kSCC,      reg::kECOL,   reg::kMCC,    reg::kLATECOL, reg::kCOLC,    reg::kDC,
    reg::kTNCRS,   reg::kSEC,      reg::kRLEC,   reg::kXONRXC, reg::kXONTXC,  reg::kXOFFRXC, reg::kXOFFTXC,
    reg::kFCRUC,   reg::kPRC64,    reg::kPRC127, reg::kPRC255, reg::kPRC511,  reg::kPRC1023, reg::kPRC1522,
    reg::kGPRC,    reg::kBPRC,     reg::kMPRC,   reg::kGPTC,   reg::kRNBC,    reg::kRFC,     reg::kRJC,
    reg::kTPR,     reg::kTPT,      reg::kPTC64,  reg::kPTC127, reg::kPTC255,  reg::kPTC511,  reg::kPTC1023,
    reg::kPTC1522, reg::kMPTC,     reg::kBPTC,   reg::kTSCTC,  reg::kTSCTFC,  reg::kGORCL,   reg::kGOTCL,
    reg::kTORL,    reg::kTOTL,
};
static_assert(sizeof(kRegister) / sizeof(kRegister[0]) == static_cast<unsigned>(Counter::kCount));

constexpr auto kErrorsEnd = static_cast<unsigned>(Counter::kOversize) + 1;
constexpr auto kFirstPair = static_cast<unsigned>(Counter::kGoodOctetsReceived);

}  // namespace

void Counters::start(hal::MmioWindow regs) {
    regs_ = regs;
    for (std::uint32_t& value : uncleared_) value = 0;
    update(0, kCounters);
    for (std::uint64_t& total : totals_) total = 0;
}

void Counters::update_errors() {
    update(0, kErrorsEnd);
}
void Counters::update_all() {
    update(0, kCounters);
}

void Counters::update(unsigned first, unsigned last) {
    for (unsigned i = first; i < last; ++i) totals_[i] += take(i);
}

std::uint64_t Counters::take(unsigned index) {
    const std::uint32_t offset = kRegister[index];
    const auto value = regs_.read<std::uint32_t>(offset);
    if (index >= kFirstPair) {
        // §13.7: the low half first; reading the high half clears both.
        const auto high = regs_.read<std::uint32_t>(offset + 4);
        if (value == kAllOnes && high == kAllOnes) return 0;
        return std::uint64_t{high} << 32 | value;
    }
    if (value == 0 || value == kAllOnes) return 0;
    const auto again = regs_.read<std::uint32_t>(offset);
    if (again == kAllOnes) return 0;
    if (again >= value) {
        const std::uint32_t before = uncleared_[index];
        uncleared_[index] = again;
        return again > before ? again - before : 0;
    }
    uncleared_[index] = 0;
    return std::uint64_t{value} + again;
}

}  // namespace tb::e1000
