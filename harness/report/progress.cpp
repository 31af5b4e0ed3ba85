// SPDX-License-Identifier: BSD-3-Clause
#include "harness/report/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <string_view>

namespace tb::report {

namespace {

std::string explanation(const ScenarioResult& result) {
    std::string text;
    if (result.failure) {
        const Failure& failure = *result.failure;
        if (!failure.file.empty())
            text +=
                failure.line == 0 ? failure.file + ": " : fmt::format("{}:{}: ", failure.file, failure.line);
        if (!failure.step.empty()) text += failure.step + ": ";
        text += failure.message;
    }
    if (text.empty()) text = result.reason;
    // One scenario, one line; what is longer is in the report files.
    return text.substr(0, text.find('\n'));
}

}  // namespace

std::string format_duration(std::uint64_t nanoseconds) {
    struct Unit {
        double nanoseconds;
        std::string_view name;
    };
    static constexpr std::array kUnits = {Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}};
    const auto value = static_cast<double>(nanoseconds);
    for (const Unit& unit : kUnits) {
        // What would be rounded to 1000 of the smaller unit is 1 of this one.
        if (value < unit.nanoseconds * 0.9995) continue;
        const double amount = value / unit.nanoseconds;
        const int decimals = amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0;
        std::string text = fmt::format("{:.{}f}", amount, decimals);
        if (decimals != 0) {
            while (text.ends_with('0')) text.pop_back();
            if (text.ends_with('.')) text.pop_back();
        }
        return fmt::format("{} {}", text, unit.name);
    }
    return fmt::format("{} ns", nanoseconds);
}

void Progress::clear_line() {
    if (line_shown_) out_ << "\r\x1b[K";
    line_shown_ = false;
}

void Progress::rewrite(const std::string& id) {
    std::string text = fmt::format("[{}/{}] {} passed, {} failed, {} skipped  {}", totals_.total,
                                   options_.total, totals_.passed, totals_.failed, totals_.skipped, id);
    // A line that wraps could not be rewritten.
    if (text.size() >= options_.columns) text.resize(options_.columns == 0 ? 0 : options_.columns - 1);
    out_ << "\r\x1b[K" << text << std::flush;
    line_shown_ = true;
}

void Progress::started(const std::string& id) {
    if (!options_.terminal) return;
    const std::lock_guard lock(mutex_);
    rewrite(id);
}

std::string Progress::line_for(const ScenarioResult& result) const {
    const bool skipped = result.verdict == Verdict::kSkipped;
    const std::string_view word = skipped ? "skipped" : result.verdict == Verdict::kFailed ? "FAILED" : "ok";
    std::string text = fmt::format("{} {}/{} {}", word, totals_.total, options_.total, result.id);
    if (!skipped)
        text += fmt::format(" {:016x} {} virtual", result.trace_hash, format_duration(result.virtual_ns));
    if (result.differences)
        text += fmt::format(", {} unexplained and {} allowed differences", result.differences->unexplained,
                            result.differences->allowed);
    if (result.verdict != Verdict::kPassed) {
        if (const std::string why = explanation(result); !why.empty()) text += ": " + why;
    }
    return text;
}

void Progress::finished(const ScenarioResult& result) {
    const std::lock_guard lock(mutex_);
    totals_.add(result);
    if (result.differences) {
        compared_ = true;
        unexplained_ += result.differences->unexplained;
        allowed_ += result.differences->allowed;
    }
    if (result.boot_seconds != 0) boots_.push_back(result.boot_seconds);
    if (result.verdict == Verdict::kFailed)
        failures_.push_back(fmt::format("{}: {}", result.id, explanation(result)));
    if (!options_.terminal || options_.verbose || result.verdict == Verdict::kFailed) {
        clear_line();
        out_ << line_for(result) << '\n';
    }
    if (options_.terminal) {
        rewrite(result.id);
    } else {
        out_.flush();
    }
}

void Progress::summary(double wall_seconds) {
    const std::lock_guard lock(mutex_);
    clear_line();
    out_ << fmt::format("{} scenarios: {} passed, {} failed, {} skipped in {:.2f} s ({} virtual)\n",
                        totals_.total, totals_.passed, totals_.failed, totals_.skipped, wall_seconds,
                        format_duration(totals_.virtual_ns));
    if (compared_) out_ << fmt::format("differences: {} unexplained, {} allowed\n", unexplained_, allowed_);
    if (!boots_.empty()) {
        const auto median = boots_.begin() + static_cast<std::ptrdiff_t>(boots_.size() / 2);
        std::nth_element(boots_.begin(), median, boots_.end());
        out_ << fmt::format("kernel: {} boots, from QEMU's start to the first step {:.2f} s in the median\n",
                            boots_.size(), *median);
    }
    if (!failures_.empty()) out_ << "failed:\n";
    for (const std::string& failure : failures_) out_ << "  " << failure << '\n';
    out_.flush();
}

}  // namespace tb::report
