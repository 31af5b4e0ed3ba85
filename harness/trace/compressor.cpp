// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/compressor.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <exception>
#include <utility>

#include "harness/trace/atomic_file.hpp"

namespace tb::trace {

namespace {

constexpr std::pair<std::string_view, int> kEndings[] = {
    {".xz", ARCHIVE_FILTER_XZ}, {".gz", ARCHIVE_FILTER_GZIP}, {".zst", ARCHIVE_FILTER_ZSTD}};

int filter_of(std::string_view path) {
    for (const auto& [ending, filter] : kEndings)
        if (path.ends_with(ending)) return filter;
    return ARCHIVE_FILTER_NONE;
}

}  // namespace

bool is_compressed_name(std::string_view path) {
    return filter_of(path) != ARCHIVE_FILTER_NONE;
}

struct Compressor::Archive {
    explicit Archive(Sink to) : sink(std::move(to)) {}
    ~Archive() {
        // Closing would write; what was not finished is not wanted.
        closing = true;
        archive_write_free(file);
    }

    /// The library is C: an error of the sink waits until it has returned.
    static la_ssize_t take(archive*, void* context, const void* bytes, std::size_t size) {
        auto& self = *static_cast<Archive*>(context);
        if (self.closing) return static_cast<la_ssize_t>(size);
        try {
            self.sink({static_cast<const char*>(bytes), size});
        } catch (...) {
            self.error = std::current_exception();
            return -1;
        }
        return static_cast<la_ssize_t>(size);
    }

    archive* file = archive_write_new();
    Sink sink;
    std::exception_ptr error;
    bool closing = false;
};

Compressor::Compressor(const std::string& path, Sink sink)
    : path_(path), archive_(std::make_unique<Archive>(std::move(sink))) {
    archive* const file = archive_->file;
    const auto check = [&](int result) {
        if (result != ARCHIVE_OK)
            throw FileError(path_,
                            fmt::format("cannot compress '{}': {}", path_, archive_error_string(file)));
    };
    check(archive_write_add_filter(file, filter_of(path)));
    check(archive_write_set_format_raw(file));
    check(archive_write_set_options(file, "compression-level=9"));
    // The last block as short as it is.
    check(archive_write_set_bytes_in_last_block(file, 1));
    check(archive_write_open(file, archive_.get(), nullptr, &Archive::take, nullptr));
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    const int result = archive_write_header(file, entry);
    archive_entry_free(entry);
    check(result);
}

Compressor::~Compressor() = default;

void Compressor::write(std::string_view bytes) {
    const la_ssize_t written = archive_write_data(archive_->file, bytes.data(), bytes.size());
    if (archive_->error) std::rethrow_exception(archive_->error);
    if (written != static_cast<la_ssize_t>(bytes.size()))
        throw FileError(path_,
                        fmt::format("cannot compress '{}': {}", path_, archive_error_string(archive_->file)));
}

void Compressor::finish() {
    const int result = archive_write_close(archive_->file);
    if (archive_->error) std::rethrow_exception(archive_->error);
    if (result != ARCHIVE_OK)
        throw FileError(path_,
                        fmt::format("cannot compress '{}': {}", path_, archive_error_string(archive_->file)));
}

}  // namespace tb::trace
