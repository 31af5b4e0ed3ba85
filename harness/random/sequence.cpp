// SPDX-License-Identifier: BSD-3-Clause
#include "harness/random/sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/random/dice.hpp"
#include "harness/random/profile.hpp"

namespace tb::random {

namespace {

using nlohmann::json;

const Profile* find_profile(const harness::DeviceType& device) {
    for (const Profile* profile :
         {&serial_profile(false), &serial_profile(true), &virtio_blk_profile(), &e1000_profile()})
        if (profile->device == device.name()) return profile;
    return nullptr;
}

const Profile& profile_of(const harness::DeviceType& device) {
    if (const Profile* profile = find_profile(device)) return *profile;
    throw std::invalid_argument(fmt::format("there are no random sequences for {}", device.name()));
}

class Maker {
  public:
    Maker(const harness::DeviceType& device, std::uint64_t seed)
        : device_(device), profile_(profile_of(device)), dice_(seed) {}

    json make(unsigned operations) {
        if (device_.is_pci()) steps_.push_back({{"setup", true}});
        profile_.begin(dice_, steps_);
        for (unsigned i = 0; i < operations; ++i) operation();
        return std::move(steps_);
    }

  private:
    void operation() {
        if (dice_.percent(profile_.act_percent)) return act();
        if (dice_.percent(6)) return wait();
        if (device_.is_pci() && dice_.percent(4)) return command();
        register_access();
    }

    /// One operation is one step, whatever it takes.
    void act() {
        json steps = json::array();
        profile_.acts[dice_.below(profile_.acts.size())](dice_, steps);
        if (steps.size() == 1)
            steps_.push_back(steps.front());
        else
            steps_.push_back({{"repeat", 1}, {"steps", std::move(steps)}});
    }

    void wait() {
        const char* unit = dice_.pick({"ns", "us", "us", "us", "ms", "ms"});
        steps_.push_back({{"wait", fmt::format("{}{}", 1 + dice_.below(dice_.pick({10U, 1000U})), unit)}});
    }

    /// Decoding stays on: where nobody answers there is nothing to compare.
    void command() {
        constexpr std::uint64_t kDecoding = 3;
        constexpr std::uint64_t kBusMaster = 4;
        const std::uint64_t value = kDecoding |
                                    (profile_.stays_bus_master || dice_.percent(80) ? kBusMaster : 0) |
                                    (dice_.percent(30) ? dice_.below(0x800) : 0);
        steps_.push_back({{"write", "pci.COMMAND"}, {"value", value}});
    }

    void register_access() {
        const auto blocks = device_.blocks();
        const harness::RegisterBlock& block = blocks[dice_.below(blocks.size())];
        const model::RegisterSpec& spec = block.registers[dice_.below(block.registers.size())];
        std::string name = *block.name == 0 ? spec.name : fmt::format("{}.{}", block.name, spec.name);
        const bool writable = may_write(name);
        if (spec.count > 1) name += fmt::format("[{}]", dice_.below(spec.count));
        if (writable && dice_.percent(45))
            steps_.push_back({{"write", name}, {"value", value_for(spec)}});
        else
            steps_.push_back({{"read", name}});
    }

    bool may_write(const std::string& name) const {
        constexpr std::string_view kPlaces[] = {"pci.BAR", "pci.EXPANSION_ROM", "pci.COMMAND", "window."};
        const auto begins = [&](std::string_view start) { return name.starts_with(start); };
        return std::none_of(std::begin(kPlaces), std::end(kPlaces), begins) &&
               std::none_of(profile_.not_written.begin(), profile_.not_written.end(), begins);
    }

    std::uint64_t value_for(const model::RegisterSpec& spec) {
        const unsigned bits = 8U * spec.width;
        const std::uint64_t all = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
        switch (dice_.below(7)) {
            case 0:
                return 0;
            case 1:
                return all;
            case 2:
                return std::uint64_t{1} << dice_.below(bits);
            case 3:
                return (spec.reset ^ std::uint64_t{1} << dice_.below(bits)) & all;
            case 4:
                return dice_.below(16) & all;
            case 5:
                if (!spec.fields.empty()) return fields_of(spec) & all;
                [[fallthrough]];
            default:
                return dice_.next() & all;
        }
    }

    /// Some of the fields, each all ones or by chance.
    std::uint64_t fields_of(const model::RegisterSpec& spec) {
        std::uint64_t value = 0;
        for (const model::FieldSpec& field : spec.fields) {
            if (!dice_.percent(35)) continue;
            const std::uint64_t mask =
                field.bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << field.bits) - 1;
            value |= (dice_.percent(50) ? mask : dice_.next() & mask) << field.lsb;
        }
        return value;
    }

    const harness::DeviceType& device_;
    const Profile& profile_;
    Dice dice_;
    json steps_ = json::array();
};

}  // namespace

std::vector<const harness::DeviceType*> devices() {
    std::vector<const harness::DeviceType*> all;
    for (const harness::DeviceType* device : harness::device_types())
        if (find_profile(*device) != nullptr) all.push_back(device);
    return all;
}

json make_sequence(const harness::DeviceType& device, std::uint64_t seed, unsigned operations) {
    json configuration = json::parse(profile_of(device).configuration);
    configuration["type"] = device.name();
    return {{"about", fmt::format("{} operations by chance, seed {}", operations, seed)},
            {"device", std::move(configuration)},
            {"findings", "any"},
            {"steps", Maker(device, seed).make(operations)}};
}

}  // namespace tb::random
