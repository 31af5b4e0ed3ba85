// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tb::trace {

namespace {

constexpr std::size_t kBufferBytes = 64 << 10;

std::string temporary_name(const std::string& target) {
    static std::atomic<unsigned> counter{0};
    const std::filesystem::path path(target);
    const std::string name = fmt::format(".{}.{}.{}.tmp", path.filename().string(), ::getpid(), counter++);
    return (path.parent_path() / name).string();
}

// Where the links lead, also when the last one points to nothing yet.
std::string resolve(const std::string& path) {
    std::error_code error;
    std::filesystem::path current(path);
    for (int links = 0; links < 16 && std::filesystem::is_symlink(current, error); ++links)
        current = current.parent_path() / std::filesystem::read_symlink(current, error);
    return current.string();
}

}  // namespace

void throw_file_error(const std::string& path, std::string_view verb, int error) {
    throw FileError(path,
                    fmt::format("cannot {} '{}': {}", verb, path, std::system_category().message(error)));
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
    buffer_.reserve(kBufferBytes);
    if (path_ == "-") {
        fd_ = STDOUT_FILENO;
        return;
    }
    target_ = resolve(path_);
    struct stat status{};
    const bool exists = ::stat(target_.c_str(), &status) == 0;
    if (exists && !S_ISREG(status.st_mode)) {
        fd_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    } else if (exists && ::access(target_.c_str(), W_OK) != 0) {
        // A rename would replace a file that its owner has protected.
        throw_file_error(path_, "write", errno);
    } else {
        temporary_ = temporary_name(target_);
        fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (fd_ < 0) {
        temporary_.clear();
        throw_file_error(path_, "write", errno);
    }
    owned_ = true;
}

AtomicFile::~AtomicFile() {
    discard();
}

void AtomicFile::discard() noexcept {
    if (owned_) ::close(fd_);
    owned_ = false;
    fd_ = -1;
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
}

void AtomicFile::write(std::string_view text) {
    buffer_.insert(buffer_.end(), text.begin(), text.end());
    if (buffer_.size() >= kBufferBytes) flush();
}

void AtomicFile::write(std::span<const std::byte> data) {
    write(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()));
}

void AtomicFile::flush() {
    std::size_t done = 0;
    while (done < buffer_.size()) {
        const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int error = errno;
            discard();
            throw_file_error(path_, "write", error);
        }
        done += static_cast<std::size_t>(written);
    }
    buffer_.clear();
}

int AtomicFile::descriptor() {
    flush();
    return fd_;
}

void AtomicFile::commit() {
    flush();
    if (!owned_) return;
    owned_ = false;
    if (::close(fd_) != 0) {
        const int error = errno;
        discard();
        throw_file_error(path_, "write", error);
    }
    if (temporary_.empty()) return;
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        const int error = errno;
        discard();
        throw_file_error(path_, "write", error);
    }
    temporary_.clear();
}

}  // namespace tb::trace
