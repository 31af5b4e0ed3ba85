// SPDX-License-Identifier: BSD-3-Clause
#include "models/testing/conformance.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace tb::model::testing {

namespace {

constexpr std::size_t kColumns = 6;

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t end = text.find(at);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

}  // namespace

TestNames tests_listed(std::string_view listing) {
    TestNames names;
    std::string suite;
    for (const std::string& line : split(listing, '\n')) {
        if (line.ends_with('.'))
            suite = line;
        else if (line.starts_with("  "))
            names.insert(suite + line.substr(2));
    }
    return names;
}

std::vector<Statement> read_statements(std::string_view table, std::vector<std::string>& complaints) {
    std::vector<Statement> rows;
    for (const std::string& line : split(table, '\n')) {
        if (line.empty() || line.starts_with('#') || line.starts_with("id\t")) continue;
        const std::vector<std::string> cells = split(line, '\t');
        if (cells.size() == kColumns)
            rows.push_back({cells[0], cells[1], cells[2], cells[3], words(cells[4]), cells[5]});
        else
            complaints.push_back(cells[0] + ": has " + std::to_string(cells.size()) + " columns, not 6");
    }
    return rows;
}

std::vector<std::string> complaints_about(const std::vector<Statement>& rows, const TestNames& existing) {
    std::vector<std::string> complaints;
    TestNames seen;
    for (const Statement& row : rows) {
        const auto complain = [&](const std::string& what) { complaints.push_back(row.id + ": " + what); };
        if (!seen.insert(row.id).second) complain("comes twice");
        if (row.text.empty()) complain("says nothing");
        for (const std::string& test : row.tests)
            if (!existing.contains(test)) complain("there is no test " + test);
        if (row.verdict == "holds") {
            if (row.tests.empty() && row.reason.empty())
                complain("has neither a test nor a reason why there is none");
        } else if (row.verdict == "qemu") {
            if (row.tests.empty() || row.reason.empty())
                complain("needs a test that shows what QEMU does, and a reason that says it");
        } else if (row.verdict == "absent" || row.verdict == "no model") {
            if (row.reason.empty()) complain("needs a reason");
        } else {
            complain("'" + row.verdict + "' is no verdict");
        }
    }
    return complaints;
}

}  // namespace tb::model::testing
