// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

namespace tb::random {

/// Some of a list, from `begin` to before `end`.
template <class List>
List part_of(const List& all, std::size_t begin, std::size_t end) {
    return List(all.begin() + static_cast<std::ptrdiff_t>(begin),
                all.begin() + static_cast<std::ptrdiff_t>(end));
}
inline nlohmann::json part_of(const nlohmann::json& all, std::size_t begin, std::size_t end) {
    return nlohmann::json::array_t(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                   all.begin() + static_cast<std::ptrdiff_t>(end));
}

/// A shorter list of steps for which `fails` still holds, given that it holds for `steps`: first the
/// shortest beginning, then without pieces that are not needed, in halves, quarters and so on down to single
/// ones (Zeller, Hildebrandt: "Simplifying and isolating failure-inducing input", 2002). Asks at most `most`
/// times.
template <class List, class Fails>
List minimise(List steps, unsigned most, Fails fails) {
    unsigned asked = 0;
    const auto holds = [&](const List& some) { return asked++ < most && fails(some); };
    std::size_t good = 0;
    while (steps.size() - good > 1 && asked < most) {
        const std::size_t middle = good + (steps.size() - good) / 2;
        if (List beginning = part_of(steps, 0, middle); holds(beginning))
            steps = std::move(beginning);
        else
            good = middle;
    }
    for (std::size_t length = steps.size() / 2; length > 0; length = std::min(length / 2, steps.size())) {
        // From the end: what comes last stands on what came before.
        for (std::size_t end = steps.size(); end > 0 && asked < most;) {
            const std::size_t begin = end > length ? end - length : 0;
            List without = part_of(steps, 0, begin);
            for (std::size_t i = end; i < steps.size(); ++i) without.push_back(steps[i]);
            if (!without.empty() && holds(without)) steps = std::move(without);
            end = begin;
        }
    }
    return steps;
}

/// The same, and then within each step that has steps of its own; one of a single step becomes that step.
template <class Fails>
nlohmann::json minimise_operations(nlohmann::json steps, unsigned most, Fails fails) {
    using nlohmann::json;
    unsigned asked = 0;
    const auto counted = [&](const json& some) { return asked++ < most && fails(some); };
    steps = minimise(std::move(steps), most, counted);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (!steps[i].is_object() || !steps[i].contains("steps")) continue;
        const auto with = [&](const json& inner) {
            json all = steps;
            all[i]["steps"] = inner;
            return all;
        };
        const json inner =
            minimise(steps[i]["steps"], most, [&](const json& some) { return counted(with(some)); });
        steps = with(inner);
        if (inner.size() != 1) continue;
        json alone = steps;
        alone[i] = inner.front();
        if (counted(alone)) steps = std::move(alone);
    }
    return steps;
}

}  // namespace tb::random
