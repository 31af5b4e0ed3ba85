// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tb::fuzz {

namespace {

std::vector<Target> all() {
    std::vector<Target> targets;
    for (const Dialect* dialect : dialects()) {
        targets.push_back(
            {fmt::format("{}_program", dialect->name),
             fmt::format("the driver {} under programs of faults and operations", dialect->driver), dialect});
        targets.push_back(
            {fmt::format("{}_stream", dialect->name),
             fmt::format("the driver {} before a device whose answers are the input", dialect->driver),
             nullptr});
    }
    for (const Dialect* dialect : dialects())
        targets.push_back({fmt::format("model_{}", dialect->name),
                           fmt::format("the model of {} under a guest by chance", dialect->device), nullptr});
    targets.push_back({"recording_reader", "the readers of recordings", nullptr});
    targets.push_back({"trace_reader", "the reader of trace files", nullptr});
    targets.push_back({"scenario_reader", "the loader and checker of scenarios", nullptr});
    targets.push_back({"qemu_reader", "what reads QEMU's answers: qtest lines, QMP, base64", nullptr});
    return targets;
}

}  // namespace

const std::vector<Target>& targets() {
    static const std::vector<Target> the = all();
    return the;
}

const Target* find_target(std::string_view name) {
    const auto& the = targets();
    const auto found =
        std::find_if(the.begin(), the.end(), [&](const Target& target) { return target.name == name; });
    return found == the.end() ? nullptr : &*found;
}

}  // namespace tb::fuzz
