// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tb::model::testing {

/// Tests by name, `Suite.Test`.
using TestNames = std::set<std::string, std::less<>>;

/// A row of a conformance table: a statement of a specification, and what shows that a model does it.
struct Statement {
    std::string id;
    std::string source;  ///< the specification's word (MUST, SHOULD), or the section of a data sheet
    std::string verdict, text;
    std::vector<std::string> tests;
    std::string reason;
};

/// The names in what a GoogleTest program prints for --gtest_list_tests.
TestNames tests_listed(std::string_view listing);

/// The rows of a table in tab-separated values. Lines that begin with # and the line of the columns' names
/// are passed over; a line that does not have six columns becomes a complaint.
std::vector<Statement> read_statements(std::string_view table, std::vector<std::string>& complaints);

/// What is wrong with the rows, one text each: a test that `existing` does not have, an id that comes twice,
/// a verdict that is none, and what a verdict calls for and is not there.
std::vector<std::string> complaints_about(const std::vector<Statement>& rows, const TestNames& existing);

}  // namespace tb::model::testing
