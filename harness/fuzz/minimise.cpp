// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/minimise.hpp"

#include "harness/random/minimise.hpp"

namespace tb::fuzz {

namespace {

class Fields {
  public:
    using Fails = std::function<bool(const std::vector<Record>&)>;
    Fields(std::vector<Record>& program, const Fails& holds) : program_(program), holds_(holds) {}

    void make_plain() {
        for (std::size_t i = 0; i < program_.size(); ++i) {
            lower(i, &Record::times);
            lower(i, &Record::when);
            lower(i, &Record::nth);
            lower(i, &Record::form);
            lower(i, &Record::value);
            if (i == 0) {
                lower(i, &Record::kind);
                lower(i, &Record::what);
                lower(i, &Record::place);
            } else {
                // Of a fault: anywhere.
                try_value(i, &Record::place, std::uint16_t{0});
            }
        }
    }

  private:
    template <class Field>
    bool try_value(std::size_t i, Field Record::* field, Field value) {
        if (program_[i].*field == value) return false;
        std::vector<Record> plainer = program_;
        plainer[i].*field = value;
        if (!holds_(plainer)) return false;
        program_ = std::move(plainer);
        return true;
    }
    template <class Field>
    void lower(std::size_t i, Field Record::* field) {
        if (program_[i].*field == 0 || try_value(i, field, Field{0}) || try_value(i, field, Field{1})) return;
        while (program_[i].*field > 1 && try_value(i, field, static_cast<Field>(program_[i].*field / 2))) {
        }
        while (program_[i].*field > 1 && try_value(i, field, static_cast<Field>(program_[i].*field - 1))) {
        }
    }

    std::vector<Record>& program_;
    const Fails& holds_;
};

}  // namespace

std::vector<Record> minimise(std::vector<Record> program, unsigned most,
                             const std::function<bool(const std::vector<Record>&)>& fails) {
    if (program.empty()) return program;
    unsigned asked = 0;
    const std::function<bool(const std::vector<Record>&)> holds = [&](const std::vector<Record>& some) {
        return asked++ < most && fails(some);
    };
    // The first record is the options: it stays.
    const Record options = program.front();
    const auto with_options = [&](const std::vector<Record>& rest) {
        std::vector<Record> whole{options};
        whole.insert(whole.end(), rest.begin(), rest.end());
        return whole;
    };
    std::vector<Record> rest(program.begin() + 1, program.end());
    rest = random::minimise(std::move(rest), most,
                            [&](const std::vector<Record>& some) { return holds(with_options(some)); });
    program = with_options(rest);
    Fields(program, holds).make_plain();
    return program;
}

}  // namespace tb::fuzz
