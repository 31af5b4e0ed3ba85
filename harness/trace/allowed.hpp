// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/trace/event.hpp"

namespace tb::trace {

struct QemuVersion {
    unsigned major = 0;
    unsigned minor = 0;
    unsigned micro = 0;
    constexpr auto operator<=>(const QemuVersion&) const = default;
    /// The first "N.N" or "N.N.N" in a text such as "QEMU emulator version 7.2.19 (Debian 1:7.2+dfsg-7)".
    static std::optional<QemuVersion> parse(std::string_view text);
};

enum class DifferenceKind : std::uint8_t {
    kValue,         ///< both sides have the event; something in it differs
    kMissingLeft,   ///< only the right side has it
    kMissingRight,  ///< only the left side has it
};
std::string_view to_string(DifferenceKind kind);

/// One difference between the models and QEMU that is QEMU's, and known. Patterns may hold `*` (any
/// characters) and `?` (one). Left is the model, right is QEMU.
struct AllowedRow {
    std::string_view id;      ///< short and unique, for reports
    std::string_view device;  ///< pattern: "e1000", "virtio-*"
    std::string_view event;   ///< pattern for the event's kind: "mem-read", "irq-*"
    std::string_view
        name;  ///< pattern for the register's name: "STATUS", "common.*"; "*" for events without one
    DifferenceKind difference = DifferenceKind::kValue;
    /// Bits of the value that may differ. All ones: data and text may differ as well. Not used for missing
    /// events.
    std::uint64_t mask = 0;
    QemuVersion from;  ///< first version that shows it
    QemuVersion to;    ///< last version that shows it, inclusive
    std::string_view reason;
};

/// What a table is asked about.
struct DifferenceFacts {
    std::string_view device;
    EventKind event = EventKind::kStep;
    std::string_view name;
    DifferenceKind difference = DifferenceKind::kValue;
    std::uint64_t differing_bits = 0;      ///< of the value
    bool only_value = true;                ///< nothing but the value differs
    bool same_place = true;                ///< both events are at one address
    std::optional<QemuVersion> qemu = {};  ///< nothing: no QEMU on either side, no row applies
};

/// A table of allowed differences.
class AllowedDifferences {
  public:
    AllowedDifferences() = default;
    explicit AllowedDifferences(std::vector<AllowedRow> rows) : rows_(std::move(rows)) {}
    /// The project's one table.
    static const AllowedDifferences& standard();

    /// The first row that covers a difference, or null.
    const AllowedRow* find(const DifferenceFacts& facts) const;
    std::span<const AllowedRow> rows() const { return rows_; }

  private:
    std::vector<AllowedRow> rows_;
};

/// `*` and `?` as a shell has them; the whole of `text` must match.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace tb::trace
