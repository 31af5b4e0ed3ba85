// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tb::trace {

/// Whether a file of this name is to be compressed: it ends in .xz, .gz or .zst.
bool is_compressed_name(std::string_view path);

/// Compresses a stream, in constant memory, by the ending of the file's name.
class Compressor {
  public:
    using Sink = std::function<void(std::string_view)>;
    /// Throws FileError when the library cannot.
    Compressor(const std::string& path, Sink sink);
    ~Compressor();
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    void write(std::string_view bytes);
    /// The rest goes to the sink.
    void finish();

  private:
    struct Archive;
    std::string path_;
    std::unique_ptr<Archive> archive_;
};

}  // namespace tb::trace
