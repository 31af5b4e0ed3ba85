// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <array>
#include <string>

#include "harness/random/profile.hpp"

namespace tb::random {

namespace {

using nlohmann::json;

// One queue of 16 entries: descriptors, available ring at 0x400, used ring at 0x800 of "ring". Requests in
// "mem": 4 headers, each with its status behind it, then data.
constexpr unsigned kEntries = 16;
constexpr unsigned kAvailable = 0x400;
constexpr unsigned kUsed = 0x800;
constexpr unsigned kData = 0x400;
constexpr std::uint64_t kSectors = 128;

constexpr std::array<std::string_view, 6> kGuarded{"common.queue_desc",   "common.queue_driver",
                                                   "common.queue_device", "msix.address",
                                                   "common.queue_enable", "common.queue_size"};

void begin(Dice&, json& steps) {
    steps.push_back({{"buffer", "ring"}, {"size", 0x1000}});
    steps.push_back({{"buffer", "mem"}, {"size", 0x4000}});
    steps.push_back({{"attach", "msi"}, {"as", "m0"}});
    steps.push_back({{"attach", "msi"}, {"as", "m1"}});
}

void queue(Dice& dice, json& steps) {
    write(steps, "common.queue_select", 0);
    write(steps, "common.queue_size", kEntries);
    write(steps, "common.queue_desc_lo", "ring");
    write(steps, "common.queue_desc_hi", 0);
    write(steps, "common.queue_driver_lo", fmt::format("ring+{}", kAvailable));
    write(steps, "common.queue_driver_hi", 0);
    write(steps, "common.queue_device_lo", fmt::format("ring+{}", kUsed));
    write(steps, "common.queue_device_hi", 0);
    if (dice.percent(90)) write(steps, "common.queue_enable", 1);
}

/// A driver's beginning, mostly in order; the ring begins anew with the device.
void start(Dice& dice, json& steps) {
    write(steps, "common.device_status", 0);
    steps.push_back({{"store", "ring"}, {"data", "00*4096"}});
    write(steps, "common.device_status", 1);
    write(steps, "common.device_status", 3);
    if (dice.percent(90)) {
        write(steps, "common.driver_feature_select", 0);
        write(steps, "common.driver_feature", dice.pick<std::uint64_t>({0, 0x1000'0000, 0x3000'0000, 0x244}));
        write(steps, "common.driver_feature_select", 1);
        write(steps, "common.driver_feature", 1);
    }
    if (dice.percent(95)) write(steps, "common.device_status", 11);
    queue(dice, steps);
    if (dice.percent(95)) write(steps, "common.device_status", 15);
}

/// A request in descriptors of its own, mostly as it should be, and made available behind the others.
void request(Dice& dice, json& steps) {
    const std::uint64_t slot = dice.below(4);
    const std::uint64_t first = 4 * slot;
    const bool wrong = dice.percent(10);
    const std::uint64_t type = dice.pick<std::uint64_t>({0, 0, 0, 1, 1, 1, 4, 8});
    const std::uint64_t bytes = type == 8 ? 20 : 512 * (1 + dice.below(4));
    const bool writes = type != 1;
    steps.push_back(
        {{"store", "mem"},
         {"at", 32 * slot},
         {"layout", "virtio_blk_req"},
         {"fields",
          {{"type", wrong ? dice.below(32) : type}, {"sector", dice.below(kSectors + (wrong ? 8 : 0))}}}});
    steps.push_back({{"store", "mem"}, {"at", 32 * slot + 16}, {"width", 1}, {"value", 255}});
    const auto descriptor = [&](std::uint64_t index, const std::string& address, std::uint64_t length,
                                bool next, bool device_writes) {
        steps.push_back({{"store", "ring"},
                         {"at", 16 * index},
                         {"layout", "virtq_desc"},
                         {"fields",
                          {{"addr", address},
                           {"len", length},
                           {"NEXT", next ? 1 : 0},
                           {"WRITE", device_writes ? 1 : 0},
                           {"next", next ? index + 1 : 0}}}});
    };
    const bool has_data = type != 4;
    descriptor(first, fmt::format("mem+{}", 32 * slot), 16, true, false);
    if (has_data)
        descriptor(first + 1, fmt::format("mem+{}", kData + 2048 * slot),
                   wrong ? dice.below(2048) + 1 : bytes, true, wrong ? dice.percent(50) : writes);
    descriptor(first + (has_data ? 2 : 1), fmt::format("mem+{}", 32 * slot + 16), 1, false, true);
    steps.push_back({{"load", "ring"}, {"at", kAvailable + 2}, {"width", 2}, {"as", "idx"}});
    steps.push_back({{"store", "ring"},
                     {"at", fmt::format("{}+2*(idx&{})", kAvailable + 4, kEntries - 1)},
                     {"width", 2},
                     {"value", first}});
    steps.push_back({{"store", "ring"}, {"at", kAvailable + 2}, {"width", 2}, {"value", "(idx+1)&0xffff"}});
    if (dice.percent(90)) write(steps, "notify.queue_notify[0]", 0);
}

void look(Dice& dice, json& steps) {
    steps.push_back({{"read", dice.pick({"isr.isr_status", "common.device_status", "common.queue_enable"})}});
}

/// A message for an entry of the table, and the queue or the configuration told to use it.
void message(Dice& dice, json& steps) {
    const std::uint64_t vector = dice.below(3);
    const std::uint64_t which = dice.below(2);
    const auto entry = [&](const char* part) { return fmt::format("msix.{}[{}]", part, vector); };
    write(steps, entry("address_lo"), fmt::format("m{}.address", which));
    write(steps, entry("address_hi"), 0);
    write(steps, entry("data"), fmt::format("m{}.data", which));
    write(steps, entry("control"), dice.percent(15) ? 1 : 0);
    write(steps, "msix_cap.control", 0x8000 | (dice.percent(15) ? 0x4000 : 0));
    write(steps, "common.queue_select", 0);
    write(steps, dice.percent(75) ? "common.queue_msix_vector" : "common.config_msix_vector", vector);
}

void reset_queue(Dice& dice, json& steps) {
    write(steps, "common.queue_select", 0);
    if (dice.percent(50)) write(steps, "common.queue_reset", 1);
    steps.push_back({{"read", "common.queue_reset"}});
}

constexpr std::array<Act, 12> kActs{start,   start,   queue, request,     request, request,
                                    request, request, look,  reset_queue, message, message};
// QEMU 7.2 lets a virtio device reach memory without being bus master (scenarios/virtio-blk/bus_master_*).
constexpr Profile kProfile{
    "virtio-blk-pci", R"({"sectors": 128, "fill": "lba"})", kGuarded, begin, kActs, 40, true};

}  // namespace

const Profile& virtio_blk_profile() {
    return kProfile;
}

}  // namespace tb::random
