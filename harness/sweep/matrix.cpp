// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

namespace tb::sweep {

using nlohmann::json;

json Matrix::to_json() const {
    json list = json::array();
    for (const auto& [cell, tally] : cells_) {
        json row{{"device", cell.device}, {"place", cell.place}, {"fault", cell.act}, {"runs", tally.runs()}};
        for (std::size_t i = 0; i < kVerdicts.size(); ++i) row[kVerdicts[i]] = tally.of[i];
        list.push_back(std::move(row));
    }
    return list;
}

Matrix Matrix::from_json(const json& list) {
    Matrix matrix;
    for (const json& row : list) {
        Tally& tally = matrix.cells_[{row["device"].get<std::string>(), row["place"].get<std::string>(),
                                      row["fault"].get<std::string>()}];
        for (std::size_t i = 0; i < kVerdicts.size(); ++i)
            tally.of[i] += row[kVerdicts[i]].get<std::uint64_t>();
    }
    return matrix;
}

std::string Matrix::to_text() const {
    std::string text;
    std::string device;
    std::vector<std::string> acts;
    std::size_t place_width = 0;
    for (const auto& [cell, tally] : cells_) {
        if (std::find(acts.begin(), acts.end(), cell.act) == acts.end()) acts.push_back(cell.act);
        place_width = std::max(place_width, cell.place.size());
    }
    std::sort(acts.begin(), acts.end());
    std::string place;
    for (const auto& [first, ignored] : cells_) {
        if (first.device != device) {
            device = first.device;
            text += fmt::format("{:<{}}", device, place_width);
            for (const std::string& act : acts) text += fmt::format(" {:>10}", act);
            text += '\n';
            place.clear();
        }
        if (first.place == place) continue;
        place = first.place;
        text += fmt::format("{:<{}}", place, place_width);
        for (const std::string& act : acts) {
            const auto found = cells_.find({device, place, act});
            const std::string shown = found == cells_.end() ? "."
                                      : found->second.failed() != 0
                                          ? fmt::format("{}!", found->second.failed())
                                          : fmt::format("{}", found->second.runs());
            text += fmt::format(" {:>10}", shown);
        }
        text += '\n';
    }
    return text;
}

}  // namespace tb::sweep
