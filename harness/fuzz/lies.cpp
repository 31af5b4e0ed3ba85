// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/lies.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "harness/random/dice.hpp"

namespace tb::fuzz {

namespace {

constexpr std::uint64_t kEdges[] = {1, 2, 3, 0x10, 0xff, 0x200, 0x1000, 0xffff, 0x1'0000, 0x7fff'ffff};
constexpr unsigned kMostBits = 32;
/// Of accesses that have no name, and of those that nobody counts.
constexpr unsigned kMostAnywhere = 200;
constexpr unsigned kBitsAnywhere = 16;
constexpr unsigned kMostOfNone = 4;
constexpr std::size_t kMostOperations = 6;

class Liar {
  public:
    Liar(const Language& language, const Views& views, std::uint64_t seed)
        : language_(language), views_(views), dice_(seed) {}

    Lies operator()() {
        Record fault;
        fault.kind = Language::kind_byte(Step::Kind::kFault);
        for (std::size_t what = 0; what < language_.whats(fault); ++what) {
            fault.what = static_cast<std::uint8_t>(what);
            for (const bool at_work : {false, true}) everywhere(fault, at_work);
        }
        Lies all;
        all.first = groups_[kMemory].size() + groups_[kEnds].size();
        for (auto& group : groups_) {
            for (std::size_t i = group.size(); i > 1; --i) std::swap(group[i - 1], group[dice_.below(i)]);
            std::move(group.begin(), group.end(), std::back_inserter(all.programs));
        }
        return all;
    }

  private:
    /// What is in memory is the device's word alone, and few places; then registers by name, and of them all
    /// bits one way or the other before other values, and those before all else.
    enum Group : std::uint8_t { kMemory, kEnds, kValues, kNamed, kRest, kGroups };
    Group group_of(const Record& fault) const {
        const faults::Site site = language_.site(fault);
        if (site == faults::Site::kLoad || site == faults::Site::kData) return kMemory;
        if (site != faults::Site::kRead || fault.place == 0) return kRest;
        const faults::Act act = language_.step(fault).fault.act;
        if (act == faults::Act::kZero || act == faults::Act::kAllOnes) return kEnds;
        return act == faults::Act::kValue ? kValues : kNamed;
    }

    void everywhere(Record fault, bool at_work) {
        const auto sights = (at_work ? views_.work : views_.start).at(language_.site(fault));
        if (language_.places(fault) == 1) {
            for (unsigned nth = 0; nth < kMostOfNone; ++nth) with_numbers(fault, 0, nth, 0, at_work);
            return;
        }
        for (const Sight& sight : sights) {
            if (sight.place == 0) {
                // What has no name is looked at when a driver starts: capabilities, BARs.
                const faults::Parameter parameter = language_.parameter(fault);
                const bool bits = parameter == faults::Parameter::kMask && !at_work;
                if (parameter != faults::Parameter::kNone && !bits) continue;
                for (unsigned nth = 0; nth < std::min(sight.times, kMostAnywhere); ++nth)
                    with_numbers(fault, 0, nth, bits ? kBitsAnywhere : 0, at_work);
            } else {
                for (unsigned nth = 0; nth < std::min(sight.times, 2U); ++nth)
                    with_numbers(fault, sight.place, nth, sight.bits, at_work);
            }
        }
    }

    void with_numbers(Record fault, std::uint16_t place, unsigned nth, unsigned bits, bool at_work) {
        fault.place = place;
        fault.nth = static_cast<std::uint8_t>(nth);
        switch (language_.parameter(fault)) {
            case faults::Parameter::kMask:
                for (unsigned bit = 0; bit < std::min(bits, kMostBits); ++bit)
                    add(with(fault, std::uint64_t{1} << bit), at_work);
                return;
            case faults::Parameter::kValue:
                for (const std::uint64_t value : kEdges)
                    if (bits >= 64 || value >> bits == 0) add(with(fault, value), at_work);
                return;
            default:
                add(fault, at_work);
                if (place == 0) return;
                fault.times = Language::kForever;
                return add(fault, at_work);
        }
    }

    static Record with(Record fault, std::uint64_t number) {
        set_number(fault, number);
        return fault;
    }

    void add(const Record& fault, bool at_work) {
        const Dialect& dialect = language_.dialect();
        std::vector<Record> program{{.what = static_cast<std::uint8_t>(dice_.below(3)),
                                     .nth = static_cast<std::uint8_t>(dice_.below(2)),
                                     .times = static_cast<std::uint8_t>(dice_.below(2))}};
        if (!at_work) program.push_back(fault);
        program.push_back(Language::settling());
        std::size_t operations = 0;
        for (std::size_t i = 0; i < dialect.verbs.size() && operations < kMostOperations; ++i) {
            if (dialect.verbs[i].restarts) continue;
            program.push_back({.kind = Language::kind_byte(Step::Kind::kHost),
                               .what = static_cast<std::uint8_t>(i % dialect.inputs.size())});
            program.push_back({.kind = Language::kind_byte(Step::Kind::kDo),
                               .what = static_cast<std::uint8_t>(i),
                               .place = static_cast<std::uint16_t>(dice_.below(16))});
            if (++operations == 1 && at_work) program.push_back(fault);
        }
        groups_[group_of(fault)].push_back(std::move(program));
    }

    const Language& language_;
    const Views& views_;
    random::Dice dice_;
    std::array<std::vector<std::vector<Record>>, kGroups> groups_;
};

}  // namespace

Lies plain_lies(const Language& language, const Views& views, std::uint64_t seed) {
    return Liar(language, views, seed)();
}

}  // namespace tb::fuzz
