// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/recording/record.hpp"
#include "harness/replay/role.hpp"

namespace tb::replay {

/// Where an access goes in the recorded machine.
struct Target {
    Spot spot;
    std::uint64_t base = 0;   ///< of the BAR, if it is in one
    bool configured = false;  ///< the recording shows the function's configuration
};

/// Who plays in a recording: finds, access by access, to which device one belongs. PCI functions are known by
/// their identities, and their registers by where their BARs were put; in a recording without configuration
/// accesses by QEMU's names of the regions.
class Cast {
  public:
    struct Part {
        const Role* role = nullptr;
        std::optional<std::uint64_t> function;  ///< address of its configuration space
        std::array<std::uint64_t, 6> bars{};    ///< 0: not known
        std::uint64_t ports = 0;
        std::uint64_t accesses = 0;
        struct Message {
            std::uint64_t address = 0;
            std::uint32_t data = 0;
            bool operator==(const Message&) const = default;
        };
        std::vector<Message> messages;  ///< the MSI-X table, as far as it was written

        /// One of its spots, as it lies at this moment.
        Target target(const Spot& spot) const {
            return {spot, spot.bar >= 0 ? bars[static_cast<std::size_t>(spot.bar)] : 0, function.has_value()};
        }
        /// "00:03.0", "isa:0x3f8", "BAR0 at 0xfebc0000".
        std::string place() const;
    };
    struct Found {
        std::size_t part;
        Spot spot;
    };

    /// The recording is a scenario's: its device is of this type, and stands where scenarios have it. For no
    /// type of ours nothing is assumed.
    void assume(std::string_view type);
    /// Which part an access belongs to, learning from it. Nothing for an access to something else, which is
    /// counted.
    std::optional<Found> locate(const recording::Record& record);

    /// Whose MSI-X table has this message.
    std::optional<std::size_t> sender(std::uint64_t address, std::uint64_t data) const;
    /// The part at a place.
    std::optional<std::size_t> at(std::string_view place) const;

    const std::vector<Part>& parts() const { return parts_; }
    /// Accesses that belong to no part, by QEMU's name of the region or device; "" where the recording has
    /// none.
    const std::map<std::string, std::uint64_t, std::less<>>& others() const { return others_; }

  private:
    struct Function {
        std::optional<std::size_t> part;
        bool known = false;  ///< its identity was read, or its name says what it is
        std::array<std::uint32_t, 6> low{};
        std::array<bool, 6> sizing{};
    };

    std::optional<Found> locate_config(const recording::Record& record);
    std::optional<Found> locate_region(const recording::Record& record, bool port);
    std::optional<Found> locate_by_name(const recording::Record& record, bool port);
    static void learn_message(Part& part, std::uint64_t offset, const trace::Event& event);
    static void learn_bar(Part& part, Function& function, unsigned bar, bool read, std::uint32_t value);
    void count_other(const recording::Record& record);
    std::size_t add(Part part);

    std::vector<Part> parts_;
    std::map<std::uint64_t, Function> functions_;
    std::map<std::string, std::uint64_t, std::less<>> others_;
    std::string last_other_;
    std::uint64_t* last_count_ = nullptr;
};

}  // namespace tb::replay
