// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace tb::cli {

/// How a program ended that was run to its end, or to a deadline.
struct Ended {
    int code = -1;  ///< its exit code; 128 and the signal's number if it died of one, as shells have it
    bool late = false;
    std::string text;  ///< what it wrote, on standard output and error
    double seconds = 0;
};

/// Runs a program in a folder (empty: this one) with all that it writes taken down; `seconds` of real time
/// at most, 0 for no end. Throws std::system_error when it cannot be run.
Ended run_child(const std::vector<std::string>& command, const std::string& folder, double seconds);

/// A folder of its own, which goes with it.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace tb::cli
