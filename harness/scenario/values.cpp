// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/values.hpp"

#include <fmt/format.h>

#include "harness/scenario/pattern.hpp"

namespace tb::scenario {

using harness::ValueType;
using nlohmann::json;

std::string describe(ValueType type) {
    switch (type) {
        case ValueType::kInteger:
            return "a number, or an expression in a string such as \"0x10\" or \"ring+16\"";
        case ValueType::kBoolean:
            return "true or false";
        case ValueType::kText:
            return "a text";
        case ValueType::kDuration:
            return "a duration such as \"10us\"";
        case ValueType::kData:
            return "a data pattern such as \"5a*512\"";
        case ValueType::kDataList:
            return "a list of data patterns";
        case ValueType::kTextList:
            return "a list of texts";
        case ValueType::kIntegerList:
            return "a list of numbers";
    }
    return "";
}

std::uint64_t to_integer(const json& value, const Lookup& lookup) {
    if (value.is_number_integer()) return value.get<std::uint64_t>();
    if (value.is_string()) return evaluate(value.get_ref<const std::string&>(), lookup);
    throw ValueError("must be " + describe(ValueType::kInteger));
}

bool to_boolean(const json& value) {
    if (value.is_boolean()) return value.get<bool>();
    throw ValueError("must be " + describe(ValueType::kBoolean));
}

std::uint64_t to_duration(const json& value) {
    if (value.is_string()) return parse_duration(value.get_ref<const std::string&>());
    throw ValueError("must be " + describe(ValueType::kDuration));
}

std::vector<std::byte> to_data(const json& value) {
    if (value.is_string()) return expand_pattern(value.get_ref<const std::string&>());
    throw ValueError("must be " + describe(ValueType::kData));
}

harness::Value to_value(const json& value, ValueType type, const Lookup& lookup) {
    switch (type) {
        case ValueType::kInteger:
            return to_integer(value, lookup);
        case ValueType::kBoolean:
            return to_boolean(value);
        case ValueType::kDuration:
            return to_duration(value);
        case ValueType::kData:
            return to_data(value);
        case ValueType::kText:
            if (value.is_string()) return value.get<std::string>();
            break;
        case ValueType::kDataList:
            if (value.is_array()) {
                std::vector<harness::Bytes> list;
                for (const json& element : value) list.push_back(to_data(element));
                return list;
            }
            break;
        case ValueType::kTextList:
            if (value.is_array()) {
                std::vector<std::string> list;
                for (const json& element : value) {
                    if (!element.is_string()) throw ValueError("must be " + describe(type));
                    list.push_back(element.get<std::string>());
                }
                return list;
            }
            break;
        case ValueType::kIntegerList:
            if (value.is_array()) {
                std::vector<std::uint64_t> list;
                for (const json& element : value) list.push_back(to_integer(element, lookup));
                return list;
            }
            break;
    }
    throw ValueError("must be " + describe(type));
}

bool ValueChecker::check_integer(const json& value, const std::string& pointer,
                                 std::optional<std::uint64_t>* constant) const {
    bool depends = false;
    // Any non-zero stand-in will do: only the grammar and the names are checked here.
    const Lookup known = [&](const std::string& name) -> std::optional<std::uint64_t> {
        if (!names.contains(name)) return std::nullopt;
        depends = true;
        return 1;
    };
    try {
        const std::uint64_t result = to_integer(value, known);
        if (constant != nullptr) *constant = depends ? std::nullopt : std::optional(result);
        return true;
    } catch (const ValueError& error) {
        // A division by a stand-in difference may fail here and be right later.
        if (depends && std::string(error.what()).find("division") != std::string::npos) return true;
        problems.push_back(document.problem(pointer, error.what()));
        return false;
    }
}

bool ValueChecker::check(const json& value, ValueType type, const std::string& pointer) const {
    if (type == ValueType::kInteger) return check_integer(value, pointer);
    if (type == ValueType::kIntegerList && value.is_array()) {
        bool fine = true;
        for (std::size_t i = 0; i < value.size(); ++i)
            fine = check_integer(value[i], pointer + "/" + std::to_string(i)) && fine;
        return fine;
    }
    try {
        to_value(value, type, nullptr);
        return true;
    } catch (const ValueError& error) {
        problems.push_back(document.problem(pointer, error.what()));
        return false;
    }
}

}  // namespace tb::scenario
