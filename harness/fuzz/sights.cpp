// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/sights.hpp"

#include "harness/devices/atlas.hpp"

namespace tb::fuzz {

void Sights::saw(const Language& language, faults::Site site, const std::string& name, unsigned bits) {
    auto& known = known_[static_cast<std::size_t>(site)];
    auto& sights = sights_[static_cast<std::size_t>(site)];
    const std::string base = harness::PartName(name).base();
    const auto [found, fresh] = known.try_emplace(base, sights.size());
    if (fresh) {
        const auto place = language.place_of(site, base);
        // Elsewhere than in the device's registers and rings: no fault can name it.
        found->second = place ? sights.size() : kNowhere;
        if (place) sights.push_back({*place, bits, 0});
    }
    if (found->second != kNowhere) ++sights[found->second].times;
}

}  // namespace tb::fuzz
