// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "harness/replay/stand_in.hpp"
#include "harness/scenario/interpreter.hpp"

namespace tb::replay {

/// A driver of ours against a recording.
struct DriverOptions {
    std::string path = {};
    /// The device type; empty: the recording's only one.
    std::string device = {};
    /// Whose steps the driver makes: a scenario file, or the id of one below `scenarios`. Empty: the scenario
    /// that was recorded or, for the recording of a guest, the driver's start and stop.
    std::string scenario = {};
    std::string scenarios = "scenarios";
};

struct DriverReport {
    std::string device;
    std::string scenario;
    bool exact = false;  ///< the scenario is the one that was recorded
    scenario::RunResult run;
    std::uint64_t accesses = 0, followed = 0, polls = 0, understudied = 0;
    std::uint64_t departure_count = 0;
    std::vector<Departure> departures;

    /// The scenario passed, which includes that no rule was broken; and a driver that was recorded itself did
    /// what it did then. Where it goes another way than a guest's driver is for a reader to judge.
    bool good() const;
};

/// Throws trace::FileError for a recording that cannot be read, or in which the device is not, and
/// std::runtime_error for a scenario that cannot be found or is none.
DriverReport replay_driver(const DriverOptions& options);

std::string render(const DriverReport& report, bool verbose);
std::string to_json(const DriverReport& report);

}  // namespace tb::replay
