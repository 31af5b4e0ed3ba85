// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/sweep/sweep.hpp"

namespace tb::sweep {

inline constexpr std::array<const char*, 4> kVerdicts = {"unharmed", "error", "believed", "failed"};

/// Runs by their verdicts.
struct Tally {
    std::array<std::uint64_t, kVerdicts.size()> of{};

    void count(Verdict verdict) { ++of[static_cast<std::size_t>(verdict)]; }
    Tally& operator+=(const Tally& other) {
        for (std::size_t i = 0; i < of.size(); ++i) of[i] += other.of[i];
        return *this;
    }
    std::uint64_t runs() const { return of[0] + of[1] + of[2] + of[3]; }
    std::uint64_t failed() const { return of[static_cast<std::size_t>(Verdict::kFailed)]; }
};

/// A device's row and column: a place ("load queue.used.idx"), and what was done there ("flip").
struct Cell {
    std::string device;
    std::string place;
    std::string act;
    auto operator<=>(const Cell&) const = default;
};

/// The site by fault matrix of a sweep.
class Matrix {
  public:
    void count(const Cell& cell, Verdict verdict) { cells_[cell].count(verdict); }
    void merge(const Matrix& other) {
        for (const auto& [cell, tally] : other.cells_) cells_[cell] += tally;
    }
    const std::map<Cell, Tally>& cells() const { return cells_; }
    Tally total() const {
        Tally sum;
        for (const auto& [cell, tally] : cells_) sum += tally;
        return sum;
    }

    nlohmann::json to_json() const;
    static Matrix from_json(const nlohmann::json& list);
    /// A row a place, a column an act, for people; a device after the other.
    std::string to_text() const;

  private:
    std::map<Cell, Tally> cells_;
};

}  // namespace tb::sweep
