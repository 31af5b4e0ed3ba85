// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tb::trace {

/// The bytes of a file, decompressed on the way where the file is compressed (gzip, xz, zstd, bzip2, told by
/// content), in constant memory.
///
/// Data that goes wrong half way ends the input there; `trouble()` then says why. What came before is good.
class Input {
  public:
    /// Throws FileError when the file cannot be read at all.
    static std::unique_ptr<Input> open(const std::string& path);
    /// Bytes in memory, as they are. `bytes` outlives the input.
    static std::unique_ptr<Input> over(std::span<const std::byte> bytes);

    Input() = default;
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;
    virtual ~Input() = default;

    /// The next piece, valid until the next call; empty at the end.
    virtual std::string_view more() = 0;
    const std::string& trouble() const { return trouble_; }

  protected:
    std::string trouble_;
};

/// Cuts an input into lines, or into fields of known length.
class Scanner {
  public:
    /// What is longer is not kept: noise without line ends must not fill the memory.
    static constexpr std::size_t kLongestLine = std::size_t{1} << 20;

    explicit Scanner(std::unique_ptr<Input> input, std::size_t longest_line = kLongestLine)
        : input_(std::move(input)), longest_line_(longest_line) {}

    /// The next line without its end; false after the last. `complete()` tells whether the line end was
    /// there, and `too_long()` whether the line was cut at the longest length.
    bool line(std::string_view& line);
    bool complete() const { return complete_; }
    bool too_long() const { return too_long_; }

    /// Fills `out`; returns how many bytes there were, fewer only at the end.
    std::size_t bytes(std::span<char> out);

    /// Bytes consumed so far.
    std::uint64_t position() const { return position_; }
    const std::string& trouble() const { return input_->trouble(); }

  private:
    bool refill();

    std::unique_ptr<Input> input_;
    std::size_t longest_line_;
    std::string_view piece_;  ///< what is left of the input's latest
    std::string kept_;        ///< a line that lies in several pieces, or what was peeked at
    std::uint64_t position_ = 0;
    bool complete_ = false;
    bool too_long_ = false;
};

}  // namespace tb::trace
