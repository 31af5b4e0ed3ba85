// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/mutate.hpp"

#include <algorithm>

#include "harness/random/dice.hpp"

namespace tb::fuzz {

namespace {

using random::Dice;

class Mutator {
  public:
    Mutator(const Language& language, const Views& views, std::uint64_t seed)
        : language_(language), views_(views), dice_(seed) {}

    std::vector<Record> operator()(std::span<const Record> program) {
        records_.assign(program.begin(), program.end());
        // Programs grow, and of many faults the first hides what the others would have done.
        if (records_.size() < 2 || dice_.percent(20)) return first();
        for (std::uint64_t changes = 1 + dice_.below(3); changes > 0; --changes) change();
        return std::move(records_);
    }

  private:
    /// One lie, before the start or between two operations.
    std::vector<Record> first() {
        const bool at_work = dice_.percent(70);
        records_ = {Record{}, fresh(Step::Kind::kFault, at_work), fresh(Step::Kind::kDo, true)};
        if (at_work) records_.insert(records_.begin() + 1, fresh(Step::Kind::kDo, true));
        if (dice_.percent(50)) records_.insert(records_.begin() + (at_work ? 1 : 2), Language::settling());
        if (dice_.percent(20)) options();
        return std::move(records_);
    }

    static bool is_fault(const Record& record) { return Language::kind_of(record) == Step::Kind::kFault; }

    void change() {
        switch (dice_.below(14)) {
            case 0:
            case 1:
                return insert();
            case 2:
                return duplicate();
            case 3:
                return swap();
            case 4:
                return erase();
            case 5:
                return truncate();
            case 6:
            case 7:
                return nudge(any());
            case 8:
                return retarget(any());
            case 9:
                return edge(any());
            case 10:
                return options();
            case 11:
            case 12:
                return isolate();
            default:
                return other_what(any());
        }
    }

    Record& any() { return records_[1 + dice_.below(records_.size() - 1)]; }
    /// The first record before which the driver has started.
    std::size_t first_at_work() const {
        std::size_t first = 1;
        while (first < records_.size() && waits(records_[first])) ++first;
        return first + 1;
    }
    static bool waits(const Record& record) {
        return is_fault(record) || Language::kind_of(record) == Step::Kind::kHeal;
    }
    bool at_work(const Record& record) const {
        return static_cast<std::size_t>(&record - records_.data()) >= first_at_work();
    }
    std::uint8_t byte() { return static_cast<std::uint8_t>(dice_.next()); }

    /// Often with no more said than what and where.
    Record fresh(Step::Kind kind, bool at_work) {
        Record record;
        record.kind = Language::kind_byte(kind);
        // What cannot strike is drawn again, if there is anything that can.
        for (int draws = 0; draws < 4; ++draws) {
            record.what = static_cast<std::uint8_t>(dice_.below(language_.whats(record)));
            if (!is_fault(record) || !blind(record, at_work)) break;
        }
        place(record, at_work);
        record.times = static_cast<std::uint8_t>(dice_.below(8));
        record.when = static_cast<std::uint8_t>(dice_.percent(75) ? 2 * dice_.below(2) : dice_.below(256));
        record.form = static_cast<std::uint8_t>(dice_.below(8));
        record.value = static_cast<std::uint32_t>(dice_.percent(50) ? dice_.below(64) : dice_.next());
        if (is_fault(record) && dice_.percent(70)) edge(record);
        return record;
    }

    /// A fault mostly where the driver has started: what breaks the start hides all that comes behind it.
    void insert() {
        if (records_.size() >= kMostRecords) return;
        const std::size_t work = std::min(first_at_work(), records_.size());
        const Step::Kind kind = Language::kind_of({.kind = byte()});
        const std::size_t from = kind == Step::Kind::kFault && dice_.percent(70) ? work : 1;
        const std::size_t at = from + dice_.below(records_.size() - from + 1);
        records_.insert(records_.begin() + static_cast<std::ptrdiff_t>(at), fresh(kind, at >= work));
    }
    /// One fault stays, alone.
    void isolate() {
        std::vector<std::size_t> faults;
        for (std::size_t i = 1; i < records_.size(); ++i)
            if (is_fault(records_[i])) faults.push_back(i);
        if (faults.size() < 2) return insert();
        const std::size_t kept = faults[dice_.below(faults.size())];
        for (auto at = faults.rbegin(); at != faults.rend(); ++at)
            if (*at != kept) records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(*at));
    }
    void duplicate() {
        if (records_.size() >= kMostRecords) return;
        const Record copy = any();
        records_.insert(records_.begin() + static_cast<std::ptrdiff_t>(1 + dice_.below(records_.size())),
                        copy);
    }
    void swap() { std::swap(any(), any()); }
    void erase() {
        if (records_.size() <= 2) return;
        records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(1 + dice_.below(records_.size() - 1)));
    }
    void truncate() {
        if (records_.size() > 4) records_.resize(2 + dice_.below(records_.size() - 2));
    }
    void nudge(Record& record) {
        const int by = dice_.percent(50) ? 1 : -1;
        const auto add = [&](auto& field) {
            field = static_cast<std::remove_reference_t<decltype(field)>>(field + by);
        };
        switch (dice_.below(7)) {
            case 0:
                return add(record.what);
            case 1:
                return add(record.place);
            case 2:
                return add(record.nth);
            case 3:
                return add(record.times);
            case 4:
                return add(record.when);
            case 5:
                return add(record.form);
            default:
                return add(record.value);
        }
    }
    void retarget(Record& record) { place(record, at_work(record)); }
    const Sights& view(bool at_work) const { return at_work ? views_.work : views_.start; }
    /// Whether the driver was seen there, as far as its places have names.
    bool blind(const Record& record, bool at_work) const {
        return language_.places(record) > 1 && view(at_work).at(language_.site(record)).empty();
    }
    /// Where the driver looks, and one of the times when it does, mostly the next: what is armed elsewhere
    /// never strikes.
    void place(Record& record, bool at_work) {
        constexpr unsigned kMostBits = 64;
        constexpr unsigned kMostTimes = 256;
        bits_ = kMostBits;
        unsigned times = kMostTimes;
        record.place = static_cast<std::uint16_t>(dice_.below(language_.places(record)));
        if (is_fault(record) && dice_.percent(90)) {
            const auto seen = view(at_work).at(language_.site(record));
            if (!seen.empty()) {
                // The first is anywhere: what has no name is reached by its number.
                const bool anywhere = dice_.percent(20);
                const Sight& sight = seen[anywhere ? 0 : dice_.below(seen.size())];
                record.place = sight.place;
                bits_ = sight.bits;
                times = std::min(times, sight.times);
            }
        }
        const std::uint64_t chance = record.place == 0 ? dice_.below(200) : dice_.below(100);
        const unsigned most = chance < 50 ? 1 : chance < 80 ? std::min(times, 4U) : times;
        record.nth = static_cast<std::uint8_t>(dice_.below(most));
    }
    /// What its act needs: one bit of a field or register, a number at an edge.
    void edge(Record& record) {
        if (language_.parameter(record) == faults::Parameter::kMask) {
            set_number(record,
                       std::uint64_t{1} << dice_.below(dice_.percent(90) ? std::min(bits_, 32U) : 64));
        } else {
            record.form = static_cast<std::uint8_t>(dice_.below(8));
            record.value =
                dice_.pick({0U,        1U,        2U,           3U,           15U,         16U,     31U,
                            32U,       60U,       63U,          64U,          255U,        256U,    512U,
                            513U,      1514U,     2048U,        4096U,        0x7fffU,     0x8000U, 0xffffU,
                            0x1'0000U, 0x1'0001U, 0x7fff'ffffU, 0x8000'0000U, 0xffff'ffffU});
            if (dice_.percent(60)) record.form = 0;
        }
    }
    void options() {
        Record& record = records_.front();
        switch (dice_.below(4)) {
            case 0:
                record = {};
                break;
            case 1:
                record.what = byte();
                break;
            case 2:
                record.nth = byte();
                record.times = byte();
                break;
            default:
                record = fresh(Step::Kind::kDo, true);
                record.kind = 0;
                break;
        }
    }
    void other_what(Record& record) {
        record.what = static_cast<std::uint8_t>(dice_.below(language_.whats(record)));
        if (dice_.percent(30)) retarget(record);
    }

    const Language& language_;
    const Views& views_;
    Dice dice_;
    unsigned bits_ = 64;  ///< of the place that was chosen last
    std::vector<Record> records_;
};

}  // namespace

std::vector<Record> mutate(std::span<const Record> program, const Language& language, const Views& views,
                           std::uint64_t seed) {
    return Mutator(language, views, seed)(program);
}

std::vector<Record> cross(std::span<const Record> first, std::span<const Record> second, std::uint64_t seed) {
    Dice dice(seed);
    std::vector<Record> both;
    if (!first.empty())
        both.assign(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(1 + dice.below(first.size())));
    Record heal;
    heal.kind = Language::kind_byte(Step::Kind::kHeal);
    both.push_back(both.empty() ? Record{} : heal);
    if (second.size() > 1) {
        const std::size_t from = 1 + dice.below(second.size() - 1);
        both.insert(both.end(), second.begin() + static_cast<std::ptrdiff_t>(from), second.end());
    }
    if (both.size() > kMostRecords) both.resize(kMostRecords);
    return both;
}

}  // namespace tb::fuzz
