// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/operations/operation.hpp"
#include "harness/scenario/document.hpp"

namespace tb::scenario {

/// One scenario, checked and ready to run: a file, or one member of the family that a file with parameters
/// describes.
struct Scenario {
    std::string
        id;  ///< path without ".json" relative to the root that was loaded, then [name=value,...] in a family
    std::string about;
    std::string qemu_skip;         ///< why QEMU cannot run it; empty if it can
    std::string weak_memory_skip;  ///< why `run --weak-memory` cannot run it; empty if it can
    std::string kernel_skip;       ///< why a kernel inside QEMU cannot; empty if it can where QEMU can
    std::vector<std::string> kernel_skip_on;  ///< the boards of which that is true; empty: all
    std::shared_ptr<const Document> document;
    const harness::DeviceType* device = nullptr;
    const harness::DriverType* driver = nullptr;  ///< null at register level
    nlohmann::json configuration;                 ///< of the device, without "type", parameters filled in
    nlohmann::json steps;                         ///< parameters filled in; JSON pointers as in the file
    std::vector<std::string> findings;  ///< texts that the models must object with; others fail the run
    std::vector<std::string> breaks;    ///< rules that the steps break; all of them, and no other
    bool has_faults = false;            ///< some step arms a fault, or heals
    bool any_findings = false;          ///< the models may object to anything
    std::map<std::string, std::uint64_t> parameters;
    std::uint64_t seed = 1;
    /// Not 0: the driver runs on memory that orders no more than it must (harness::WeakMemory), by this seed.
    std::uint64_t weak_memory = 0;

    /// Why a kernel on one of harness::kBoards cannot run it, by what the file and the device say; empty if
    /// it can where QEMU can.
    std::string why_not_in_kernel(const std::string& board) const;
    std::string directory() const;  ///< of the file, for relative paths in the configuration
};

/// Loads files and folders (recursively, *.json except the schema, in order of their names). Ids are relative
/// to the argument they were found under. Everything wrong is appended to `problems`; a file with problems
/// gives no scenario.
std::vector<Scenario> load_scenarios(const std::vector<std::string>& paths, std::vector<Problem>& problems);

/// One document; `id` names it.
std::vector<Scenario> load_document(std::shared_ptr<const Document> document, const std::string& id,
                                    std::vector<Problem>& problems);

/// Checks one scenario's steps against its device and driver.
void check_scenario(const Scenario& scenario, std::vector<Problem>& problems);

}  // namespace tb::scenario
