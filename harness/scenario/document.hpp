// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tb::scenario {

/// What is wrong with a file, and where, and what would be right.
struct Problem {
    std::string file;
    unsigned line = 0;    ///< from 1; 0 when the file could not be read at all
    std::string pointer;  ///< JSON pointer (RFC 6901); empty for the whole document
    std::string message;

    std::string to_string() const;
};

/// A JSON file that remembers on which line each value stands.
class Document {
  public:
    /// Reads and parses. On failure returns an empty document and appends to `problems` (missing file,
    /// syntax, a key given twice).
    static Document load(const std::string& path, std::vector<Problem>& problems);
    static Document parse(const std::string& text, const std::string& name, std::vector<Problem>& problems);

    const nlohmann::json& root() const { return root_; }
    const std::string& path() const { return path_; }
    /// The line of the value at `pointer`, or of its nearest ancestor that is known.
    unsigned line(const std::string& pointer) const;
    Problem problem(const std::string& pointer, std::string message) const {
        return {path_, line(pointer), pointer, std::move(message)};
    }

  private:
    nlohmann::json root_;
    std::string path_;
    std::map<std::string, unsigned> lines_;
};

/// The closest of `candidates` to `word` if it is close enough to be a slip, for "did you mean".
std::string closest(const std::string& word, const std::vector<std::string>& candidates);
/// " (did you mean 'x'?)", or the list of what there is, or nothing.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace tb::scenario
