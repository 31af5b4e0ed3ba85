// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/input.hpp"

#include <archive.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "harness/trace/atomic_file.hpp"

namespace tb::trace {

namespace {

constexpr std::size_t kPiece = 1 << 16;

struct CloseArchive {
    void operator()(archive* file) const { archive_read_free(file); }
};

std::string text_of(archive* file) {
    const char* text = archive_error_string(file);
    return text != nullptr ? text : "unreadable";
}

class FileInput : public Input {
  public:
    explicit FileInput(const std::string& path) : file_(archive_read_new()), buffer_(kPiece) {
        // The library gives an empty file no format; and says less about one that is not there.
        std::error_code error;
        if (std::filesystem::is_directory(path, error))
            error = std::make_error_code(std::errc::is_a_directory);
        errno = 0;
        if (!error && !std::ifstream(path, std::ios::binary))
            error = std::error_code(errno != 0 ? errno : EIO, std::generic_category());
        if (error) throw FileError(path, fmt::format("cannot read '{}': {}", path, error.message()));
        if (std::filesystem::is_regular_file(path) && std::filesystem::file_size(path) == 0) {
            ended_ = true;
            return;
        }
        archive_read_support_filter_all(file_.get());
        archive_read_support_format_raw(file_.get());
        archive_read_support_format_empty(file_.get());
        archive_entry* entry = nullptr;
        if (archive_read_open_filename(file_.get(), path.c_str(), kPiece) != ARCHIVE_OK ||
            archive_read_next_header(file_.get(), &entry) != ARCHIVE_OK)
            throw FileError(path, fmt::format("cannot read '{}': {}", path, text_of(file_.get())));
    }

    std::string_view more() override {
        if (ended_) return {};
        const la_ssize_t got = archive_read_data(file_.get(), buffer_.data(), buffer_.size());
        if (got > 0) return {buffer_.data(), static_cast<std::size_t>(got)};
        ended_ = true;
        if (got < 0) trouble_ = text_of(file_.get());
        return {};
    }

  private:
    std::unique_ptr<archive, CloseArchive> file_;
    std::vector<char> buffer_;
    bool ended_ = false;
};

class MemoryInput : public Input {
  public:
    explicit MemoryInput(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::string_view more() override {
        const std::span<const std::byte> piece = bytes_.first(std::min(bytes_.size(), kPiece));
        bytes_ = bytes_.subspan(piece.size());
        return {reinterpret_cast<const char*>(piece.data()), piece.size()};
    }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace

std::unique_ptr<Input> Input::open(const std::string& path) {
    return std::make_unique<FileInput>(path);
}

std::unique_ptr<Input> Input::over(std::span<const std::byte> bytes) {
    return std::make_unique<MemoryInput>(bytes);
}

bool Scanner::refill() {
    piece_ = input_->more();
    return !piece_.empty();
}

bool Scanner::line(std::string_view& line) {
    too_long_ = false;
    complete_ = false;
    kept_.clear();
    if (piece_.empty() && !refill()) return false;
    while (true) {
        const std::size_t end = piece_.find('\n');
        const std::size_t length = std::min(end, piece_.size());
        const std::string_view part = piece_.substr(0, length);
        complete_ = end != std::string_view::npos;
        position_ += length + (complete_ ? 1 : 0);
        piece_.remove_prefix(length + (complete_ ? 1 : 0));
        // A whole line in one piece needs no copy.
        if (complete_ && kept_.empty() && !too_long_) {
            line = part;
            return true;
        }
        const std::size_t room = longest_line_ - kept_.size();
        too_long_ = too_long_ || part.size() > room;
        kept_ += part.substr(0, room);
        if (complete_ || !refill()) break;
    }
    line = kept_;
    return true;
}

std::size_t Scanner::bytes(std::span<char> out) {
    std::size_t done = 0;
    while (done < out.size() && (!piece_.empty() || refill())) {
        const std::size_t count = std::min(out.size() - done, piece_.size());
        std::memcpy(out.data() + done, piece_.data(), count);
        piece_.remove_prefix(count);
        done += count;
    }
    position_ += done;
    return done;
}

}  // namespace tb::trace
