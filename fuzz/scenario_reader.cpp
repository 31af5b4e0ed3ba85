// SPDX-License-Identifier: BSD-3-Clause
//
// The loader and checker of scenarios over any bytes.
//
// Findings: a memory error or undefined behaviour; an exception; a file that gives neither a scenario nor a
// problem; a problem that says nothing, or of a line that the file does not have.

#include <algorithm>
#include <memory>
#include <string>

#include "fuzz/entry.hpp"
#include "harness/scenario/scenario.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tb;
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::vector<scenario::Problem> problems;
    const auto document =
        std::make_shared<const scenario::Document>(scenario::Document::parse(text, "input.json", problems));
    if (problems.empty()) {
        const auto scenarios = scenario::load_document(document, "input", problems);
        if (scenarios.empty() && problems.empty()) fuzz::report("neither a scenario nor a problem");
    }
    const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const scenario::Problem& problem : problems) {
        if (problem.message.empty()) fuzz::report("a problem without a word");
        if (problem.line > lines) fuzz::report("a problem on a line that the file does not have");
    }
    return 0;
}

std::optional<std::uint64_t> tb::fuzz::seam_hash(const std::uint8_t*, std::size_t, bool) {
    return std::nullopt;
}
