// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "harness/trace/diff.hpp"
#include "harness/trace/text_form.hpp"

namespace tb::trace {

namespace {

// "STATUS", or the address where nothing has a name.
std::string place_of(const DifferenceSide& side) {
    if (!side.name.empty()) return " " + side.name;
    return side.event.address == 0 ? "" : fmt::format(" at {:#x}", side.event.address);
}

std::string short_number(std::uint64_t value) {
    return value < 10 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
}

class Renderer {
  public:
    explicit Renderer(const RenderOptions& options) : options_(options) {}

    void difference(const Difference& difference) {
        line("  {}{}:", step_of(difference),
             difference.allowed_by.empty() ? "" : fmt::format(" (allowed: {})", difference.allowed_by));
        switch (difference.kind) {
            case DifferenceKind::kValue:
                value(difference);
                break;
            case DifferenceKind::kMissingLeft:
                missing(difference, options_.right_name, options_.left_name);
                break;
            case DifferenceKind::kMissingRight:
                missing(difference, options_.left_name, options_.right_name);
                break;
        }
        context(options_.left_name, difference.left_context);
        context(options_.right_name, difference.right_context);
    }

    template <class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
        text_ += '\n';
    }
    std::string take() { return std::move(text_); }

  private:
    static std::string step_of(const Difference& difference) {
        std::string text =
            difference.step ? fmt::format("step {}", *difference.step) : "before the first step";
        if (!difference.step_text.empty()) {
            text += ' ';
            append_quoted(text, difference.step_text);
        }
        const auto number = [](const std::optional<DifferenceSide>& side) {
            return side ? fmt::format("{}", side->position + 1) : "-";
        };
        return fmt::format("{}, event {} / {}", text, number(difference.left), number(difference.right));
    }

    void value(const Difference& difference) {
        if (!difference.left || !difference.right) return;
        const DifferenceSide& left = *difference.left;
        const DifferenceSide& right = *difference.right;
        line("    {}{} differs", to_string(left.event.kind), place_of(left));
        const auto both = [this](std::string_view what, const std::string& a, const std::string& b) {
            if (a != b) line("      {}: {} {}, {} {}", what, options_.left_name, a, options_.right_name, b);
        };
        both("address", fmt::format("{:#x}", left.event.address), fmt::format("{:#x}", right.event.address));
        both("value", fmt::format("{:#x}", left.event.value), fmt::format("{:#x}", right.event.value));
        for (const FieldDifference& field : difference.fields)
            both("  " + field.name, short_number(field.left), short_number(field.right));
        both("text", left.text, right.text);
        data(left.data, right.data);
        if (left.event.value == right.event.value && left.text == right.text && left.data == right.data)
            both("time", fmt::format("{} ns", left.event.time), fmt::format("{} ns", right.event.time));
    }

    void data(const std::vector<std::byte>& left, const std::vector<std::byte>& right) {
        if (left == right) return;
        if (left.size() != right.size())
            line("      data: {} {} bytes, {} {} bytes", options_.left_name, left.size(), options_.right_name,
                 right.size());
        const std::size_t common = std::min(left.size(), right.size());
        for (std::size_t i = 0; i < common; ++i) {
            if (left[i] == right[i]) continue;
            line("      data: first difference at byte {} of {}: {} {:#04x}, {} {:#04x}", i, common,
                 options_.left_name, std::to_integer<unsigned>(left[i]), options_.right_name,
                 std::to_integer<unsigned>(right[i]));
            return;
        }
    }

    void missing(const Difference& difference, const std::string& has, const std::string& lacks) {
        const DifferenceSide& side = difference.either();
        std::string text =
            fmt::format("{}{} value {:#x}", to_string(side.event.kind), place_of(side), side.event.value);
        if (!side.text.empty()) {
            text += ' ';
            append_quoted(text, side.text);
        }
        if (!side.data.empty()) text += fmt::format(", {} bytes", side.data.size());
        line("    {}: on {}, missing on {}", text, has, lacks);
        if (difference.more_in_step != 0)
            line("      and the {} events of that step", difference.more_in_step);
    }

    void context(const std::string& name, const std::vector<std::string>& lines) {
        if (lines.empty()) return;
        line("      {}:", name);
        for (const std::string& event : lines) line("        {}", event);
    }

    const RenderOptions& options_;
    std::string text_;
};

}  // namespace

std::string render(const Comparison& comparison, const RenderOptions& options) {
    Renderer out(options);
    const std::string head = options.scenario.empty() ? "" : options.scenario + ": ";
    out.line("{}{} unexplained and {} allowed differences in {} compared events", head,
             comparison.unexplained_count, comparison.allowed_count, comparison.compared_events());
    const auto list = [&](const std::vector<Difference>& differences, std::uint64_t total) {
        const std::size_t shown = std::min(differences.size(), options.most_differences);
        for (std::size_t i = 0; i < shown; ++i) out.difference(differences[i]);
        if (shown < total) out.line("  ... and {} more", total - shown);
    };
    list(comparison.unexplained, comparison.unexplained_count);
    if (options.show_allowed) list(comparison.allowed, comparison.allowed_count);
    for (const UncomparedKind& kind : comparison.uncompared)
        out.line("  not compared: {} ({} on {}, {} on {})", to_string(kind.kind), kind.left_events,
                 options.left_name, kind.right_events, options.right_name);
    return out.take();
}

}  // namespace tb::trace
