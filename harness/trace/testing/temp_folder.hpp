// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tb::trace {

/// A folder of a test's own, gone when the test ends.
class TempFolder {
  public:
    TempFolder() : name_((std::filesystem::temp_directory_path() / "twinbench-XXXXXX").string()) {
        if (::mkdtemp(name_.data()) == nullptr) throw std::runtime_error("no temporary folder: " + name_);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(name_, ignored);
    }

    std::string path(std::string_view name) const { return name_ + "/" + std::string(name); }
    /// Number of files, hidden ones included.
    std::size_t count() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(name_), {}));
    }

  private:
    std::string name_;
};

inline std::string read_text(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_text(const std::string& path, std::string_view text) {
    // Some file systems wait for the disk when a file is truncated and written anew.
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace tb::trace
