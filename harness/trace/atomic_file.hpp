// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tb::trace {

/// A file could not be read or written. what() names the path and the system's reason.
class FileError : public std::runtime_error {
  public:
    FileError(std::string path, const std::string& message)
        : std::runtime_error(message), path_(std::move(path)) {}
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

/// Throws a FileError "cannot <verb> '<path>': <reason of the errno value>".
[[noreturn]] void throw_file_error(const std::string& path, std::string_view verb, int error);

/// A result file that is there completely or not at all: written beside its destination under another name,
/// and renamed by `commit`. Without `commit` the destructor takes the unfinished file away and leaves an
/// older one as it was.
///
/// `-` is standard output. A destination that is no regular file (/dev/full, a pipe) is written directly, for
/// renaming would replace it; a symbolic link stays, and its target is replaced.
///
/// All members but the destructor throw FileError.
class AtomicFile {
  public:
    explicit AtomicFile(std::string path);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    ~AtomicFile();

    void write(std::string_view text);
    void write(std::span<const std::byte> data);
    /// Everything is in the file, and the file is in its place.
    void commit();

    const std::string& path() const { return path_; }
    /// For libraries that write themselves; what `write` was given is flushed first.
    int descriptor();

  private:
    void flush();
    void discard() noexcept;

    std::string path_;       ///< as the user gave it, for messages
    std::string target_;     ///< with symbolic links resolved
    std::string temporary_;  ///< empty when written directly
    std::vector<char> buffer_;
    int fd_ = -1;
    bool owned_ = false;
};

}  // namespace tb::trace
