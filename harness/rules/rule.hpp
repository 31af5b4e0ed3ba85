// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tb::rules {

/// How strongly a specification demands something (RFC 2119).
enum class Level : std::uint8_t { kMust, kShould };

/// Something that a specification demands of a driver, and that can be seen at the seam.
struct Rule {
    const char* id;  ///< "virtio.status.clears-bit"
    Level level;
    const char* clause;  ///< "VIRTIO 1.2 §2.1.1"
    const char* demand;  ///< one line
    /// Seen in what the device does with memory: on machines that show it, the models.
    bool needs_device_dma = false;
};

/// All rules, by family.
std::span<const Rule> all_rules();
/// The rule of that id; null when there is none.
const Rule* find_rule(std::string_view id);

/// A normative statement on drivers in VIRTIO 1.2, and what has become of it here.
struct Statement {
    const char* section;  ///< "2.1.1"
    unsigned number;      ///< of the statement in its section
    Level level;
    const char* rules;   ///< ids of the rules that check it, separated by spaces; or null
    const char* reason;  ///< why no rule does, or what shows it otherwise; null where a rule does
};
std::span<const Statement> virtio_statements();

/// Sections on devices and features that nothing here has.
struct AbsentSection {
    const char* section;
    const char* about;
    unsigned must;    ///< statements with MUST and MUST NOT on drivers
    unsigned should;  ///< with SHOULD and SHOULD NOT
};
std::span<const AbsentSection> virtio_absent_sections();

}  // namespace tb::rules
