// SPDX-License-Identifier: BSD-3-Clause
//
// make_dictionary SUBJECT program|stream: libFuzzer's dictionary for a target, on standard output. From the
// tables of the device's registers and from what records mean, so that it says what they say.

#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/fuzz/language.hpp"

namespace {

using namespace tb;

void entry(const std::string& name, const std::vector<std::uint8_t>& bytes) {
    std::printf("%s=\"", name.c_str());
    for (const std::uint8_t byte : bytes) std::printf("\\x%02x", byte);
    std::printf("\"\n");
}

/// libFuzzer takes letters, digits and underlines.
std::string word(std::string_view name) {
    std::string text;
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        text += plain ? c : '_';
    }
    return text;
}

std::vector<std::uint8_t> little_endian(std::uint64_t value, unsigned width) {
    std::vector<std::uint8_t> bytes;
    for (unsigned i = 0; i < width; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return bytes;
}

/// What registers answer: their values at reset, and each field by itself.
void answers(const harness::DeviceType& device) {
    std::set<std::pair<std::uint64_t, unsigned>> said;
    const auto say = [&](const std::string& name, std::uint64_t value, unsigned width) {
        if (said.insert({value, width}).second) entry(name, little_endian(value, width));
    };
    for (const harness::RegisterBlock& block : device.blocks())
        for (const model::RegisterSpec& spec : block.registers) {
            const std::string name = word(std::string(block.name) + "_" + spec.name);
            if (spec.reset != 0) say(name, spec.reset, spec.width);
            for (const model::FieldSpec& field : spec.fields) {
                const std::uint64_t ones =
                    field.bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << field.bits) - 1;
                say(name + "_" + word(field.name), ones << field.lsb, spec.width);
            }
        }
    for (const unsigned width : {1U, 2U, 4U, 8U})
        say("all_ones_" + std::to_string(width), ~std::uint64_t{0}, width);
}

/// A record for each act at each site, operation and input.
void records(const fuzz::Language& language) {
    for (const auto kind : {fuzz::Step::Kind::kFault, fuzz::Step::Kind::kDo, fuzz::Step::Kind::kHost,
                            fuzz::Step::Kind::kHeal}) {
        fuzz::Record record;
        record.kind = fuzz::Language::kind_byte(kind);
        const std::size_t whats = language.whats(record);
        for (std::size_t what = 0; what < whats; ++what) {
            record.what = static_cast<std::uint8_t>(what);
            entry("kind" + std::to_string(record.kind) + "_what" + std::to_string(what),
                  fuzz::pack(std::span(&record, 1)));
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const fuzz::Dialect* dialect = argc == 3 ? fuzz::find_dialect(argv[1]) : nullptr;
    const std::string_view kind = argc == 3 ? argv[2] : "";
    if (dialect == nullptr || (kind != "program" && kind != "stream")) {
        std::fprintf(stderr, "usage: %s SUBJECT program|stream\n", argv[0]);
        return 2;
    }
    const fuzz::Language language(*dialect);
    if (kind == "program")
        records(language);
    else
        answers(language.device());
    return 0;
}
