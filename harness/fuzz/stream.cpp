// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/stream.hpp"

#include "harness/fuzz/seam_hash.hpp"
#include "harness/machine/hang.hpp"

namespace tb::fuzz {

namespace {

constexpr unsigned kMostSteps = 24;

}  // namespace

/// Short, so that most of the input answers.
Record StreamBench::choose() {
    Record record;
    record.kind = Language::kind_byte(Step::Kind::kDo);
    const auto choice = static_cast<std::uint8_t>(layer_.choose(1));
    if (choice >= 0xc0)
        record.kind = Language::kind_byte(choice < 0xf0 ? Step::Kind::kHost : Step::Kind::kWait);
    record.what = choice;
    const std::uint64_t more = layer_.choose(2);
    record.place = record.nth = static_cast<std::uint8_t>(more);
    record.times = static_cast<std::uint8_t>(more >> 8 & 7);
    record.when = static_cast<std::uint8_t>(more >> 11);
    record.value = static_cast<std::uint32_t>(more);
    return record;
}

std::string StreamBench::run(std::span<const std::uint8_t> input, bool hashed) {
    bench_.reset();
    layer_.begin(input, kMostCalls, kMostVirtualNs);
    SeamHash hash(layer_);
    Life life(bench_, hashed ? static_cast<hal::Machine&>(hash) : layer_);
    try {
        life.take(bench_.language().start(choose()));
        for (unsigned i = 0; i < kMostSteps && layer_.input_left(); ++i)
            life.take(bench_.language().legal_step(choose()));
        life.stop();
        layer_.heal();
        // As after a power cycle.
        life.renew();
        bench_.rig().reset_device();
        life.try_out();
        life.close();
    } catch (const harness::Hang& hang) {
        life.abandon();
        return hang.what();
    }
    hash_ = hash.hash();
    return life.verdict();
}

}  // namespace tb::fuzz
