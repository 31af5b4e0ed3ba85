// SPDX-License-Identifier: BSD-3-Clause
#include "harness/sweep/truth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "harness/sweep/trial.hpp"

namespace tb::sweep {

using harness::Arguments;
using harness::Bytes;
using harness::OperationSpec;
using harness::Outcome;

namespace {

constexpr std::uint64_t kSector = 512;

const Bytes* data_of(const Outcome& outcome) {
    const auto found = outcome.results.find(std::string_view("data"));
    return found == outcome.results.end() ? nullptr : std::get_if<Bytes>(&found->second);
}

bool contains(const std::vector<Bytes>& all, const Bytes& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

void Truth::learn(const OperationSpec& operation, const Arguments& arguments, const Outcome& outcome) {
    const std::string_view name = operation.name;
    // A device that seems to be another one may take what this one does not.
    if (name == "net.send" && !outcome.status && arguments.has("data"))
        sent_.push_back(arguments.data("data"));
    const Bytes* data = outcome.status ? data_of(outcome) : nullptr;
    if (data == nullptr) return;
    if (name == "blk.read") sectors_[{arguments.integer("sector"), data->size()}].push_back(*data);
    if (name == "net.receive") received_.push_back(*data);
    if (name == "uart.read") typed_.insert(typed_.end(), data->begin(), data->end());
}

void Truth::learn_output(std::string_view what, const Bytes& bytes) {
    if (what == "net.frame")
        sent_.push_back(bytes);
    else
        printed_.insert(printed_.end(), bytes.begin(), bytes.end());
}

void Truth::learn_input(std::string_view what, const Bytes& bytes) {
    if (what == "net.frame")
        received_.push_back(bytes);
    else
        arrived_.insert(arrived_.end(), bytes.begin(), bytes.end());
}

void Truth::begin() {
    read_now_.clear();
    printed_now_.clear();
}

std::string Truth::judge_read(const Arguments& arguments, const Bytes& data,
                              harness::Outside& outside) const {
    const std::uint64_t sector = arguments.integer("sector");
    if (const auto known = sectors_.find({sector, data.size()});
        known != sectors_.end() && contains(known->second, data))
        return {};
    if (data.size() % kSector == 0 && outside.medium_contents(sector, data.size() / kSector) == data)
        return {};
    return fmt::format("blk.read of sector {} succeeded with data that is not there", sector);
}

std::string Truth::judge(const OperationSpec& operation, const Arguments& arguments, const Outcome& outcome,
                         harness::Outside& outside, bool alone) {
    if (!outcome.status) return {};
    const std::string_view name = operation.name;
    if (name == "blk.write" && alone) {
        const Bytes data = arguments.data("data");
        const std::uint64_t sector = arguments.integer("sector");
        if (outside.medium_contents(sector, data.size() / kSector) != data)
            return fmt::format("blk.write to sector {} succeeded, and the medium does not hold the data",
                               sector);
        return {};
    }
    const Bytes* data = data_of(outcome);
    if (data == nullptr) return {};
    if (name == "blk.read") {
        const auto bytes = outcome.results.find(std::string_view("bytes"));
        if (bytes != outcome.results.end() && std::get<std::uint64_t>(bytes->second) != data->size())
            return fmt::format("blk.read gave {} bytes, of a buffer of {}",
                               std::get<std::uint64_t>(bytes->second), data->size());
        return judge_read(arguments, *data, outside);
    }
    if (name == "net.receive" && !contains(received_, *data))
        return fmt::format("net.receive gave a frame of {} bytes that never came", data->size());
    if (name == "uart.read" && !distrusts_lines_) {
        read_now_.insert(read_now_.end(), data->begin(), data->end());
        // Where characters are lost, others may be than without a fault; and as they were typed they need not
        // be read, with fewer data bits.
        if (!is_subsequence(read_now_, typed_) && !is_subsequence(read_now_, arrived_))
            return "uart.read gave characters that were never typed";
    }
    return {};
}

std::string Truth::judge_output(std::string_view what, const Bytes& bytes) {
    if (what == "net.frame")
        return contains(sent_, bytes)
                   ? ""
                   : fmt::format("a frame of {} bytes went out that nobody sent", bytes.size());
    if (distrusts_lines_) return {};
    printed_now_.insert(printed_now_.end(), bytes.begin(), bytes.end());
    return is_subsequence(printed_now_, printed_)
               ? ""
               : "characters went out that nobody wrote, or not in this order";
}

}  // namespace tb::sweep
