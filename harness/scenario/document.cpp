// SPDX-License-Identifier: BSD-3-Clause
#include "harness/scenario/document.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace tb::scenario {

namespace {

using nlohmann::json;

/// An input iterator that tells the line of the last character that the parser has consumed. A line feed
/// belongs to the line that it ends: the parser looks one character beyond a number, and the number must not
/// move to the next line.
class CountingIterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* first, const char* at, unsigned* line)
        : first_(first), at_(at), line_(line) {}
    const char& operator*() const { return *at_; }
    CountingIterator& operator++() {
        if (at_ != first_ && at_[-1] == '\n') ++*line_;
        ++at_;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
    bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

  private:
    const char* first_;
    const char* at_;
    unsigned* line_;
};

std::string escaped(const std::string& key) {
    std::string out;
    for (const char c : key) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

/// Builds the document and the map of lines from the parser's events.
class Builder : public nlohmann::json_sax<json> {
  public:
    Builder(const unsigned& line, std::map<std::string, unsigned>& lines) : line_(line), lines_(lines) {}

    bool null() override { return value(nullptr); }
    bool boolean(bool v) override { return value(v); }
    bool number_integer(number_integer_t v) override { return value(v); }
    bool number_unsigned(number_unsigned_t v) override { return value(v); }
    bool number_float(number_float_t v, const string_t&) override { return value(v); }
    bool string(string_t& v) override { return value(v); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(json::object()); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& v) override {
        if (stack_.back()->contains(v)) duplicate_ = {paths_.back() + "/" + escaped(v), line_};
        key_ = v;
        lines_[paths_.back() + "/" + escaped(v)] = line_;
        return true;
    }
    bool parse_error(std::size_t, const std::string& token, const json::exception& e) override {
        error_line_ = line_;
        error_ = e.what();
        // The library's own error number tells a reader nothing, and of a file that ends too early it names
        // the line after the last.
        for (const std::string_view prefix_end : {"] ", "parse error at line ", ": "})
            if (const auto end = error_.find(prefix_end); end != std::string::npos)
                error_ = error_.substr(end + prefix_end.size());
        static_cast<void>(token);
        return false;
    }

    json take() { return std::move(root_); }
    const std::string& error() const { return error_; }
    unsigned error_line() const { return error_line_; }
    const std::pair<std::string, unsigned>& duplicate() const { return duplicate_; }

  private:
    json* place(json&& v, std::string& path) {
        if (stack_.empty()) {
            root_ = std::move(v);
            path = "";
            return &root_;
        }
        json& parent = *stack_.back();
        if (parent.is_array()) {
            path = paths_.back() + "/" + std::to_string(parent.size());
            lines_.emplace(path, line_);
            parent.push_back(std::move(v));
            return &parent.back();
        }
        path = paths_.back() + "/" + escaped(key_);
        return &(parent[key_] = std::move(v));
    }
    bool value(json v) {
        std::string path;
        place(std::move(v), path);
        return true;
    }
    bool open(json v) {
        std::string path;
        json* at = place(std::move(v), path);
        stack_.push_back(at);
        paths_.push_back(path);
        return true;
    }
    bool close() {
        stack_.pop_back();
        paths_.pop_back();
        return true;
    }

    const unsigned& line_;
    std::map<std::string, unsigned>& lines_;
    json root_;
    std::vector<json*> stack_;
    std::vector<std::string> paths_;
    std::string key_;
    std::string error_;
    unsigned error_line_ = 0;
    std::pair<std::string, unsigned> duplicate_;
};

/// Letters to change, add, drop or swap with their neighbour.
std::size_t edit_distance(const std::string& a, const std::string& b) {
    const auto same = [&](std::size_t i, std::size_t j) {
        return std::tolower(static_cast<unsigned char>(a[i])) ==
               std::tolower(static_cast<unsigned char>(b[j]));
    };
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before.swap(above);
        above.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same(i - 1, j - 1) ? 0 : 1)});
            if (i > 1 && j > 1 && same(i - 1, j - 2) && same(i - 2, j - 1))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::string Problem::to_string() const {
    std::string out = file;
    if (line != 0) out += fmt::format(":{}", line);
    out += ": ";
    if (!pointer.empty()) out += pointer + ": ";
    return out + message;
}

Document Document::load(const std::string& path, std::vector<Problem>& problems) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        problems.push_back({path, 0, "", fmt::format("cannot be read: {}", std::strerror(errno))});
        return {};
    }
    std::ostringstream text;
    text << in.rdbuf();
    return parse(text.str(), path, problems);
}

Document Document::parse(const std::string& text, const std::string& name, std::vector<Problem>& problems) {
    Document document;
    document.path_ = name;
    unsigned line = 1;
    Builder builder(line, document.lines_);
    const CountingIterator first(text.data(), text.data(), &line);
    const CountingIterator last(text.data(), text.data() + text.size(), &line);
    if (!json::sax_parse(first, last, &builder)) {
        problems.push_back({name, builder.error_line(), "", "is not JSON: " + builder.error()});
        return document;
    }
    if (builder.duplicate().second != 0)
        problems.push_back(
            {name, builder.duplicate().second, builder.duplicate().first, "is given twice; remove one"});
    document.root_ = builder.take();
    return document;
}

unsigned Document::line(const std::string& pointer) const {
    std::string at = pointer;
    while (true) {
        const auto found = lines_.find(at);
        if (found != lines_.end()) return found->second;
        const auto slash = at.rfind('/');
        if (slash == std::string::npos) return 1;
        at.resize(slash);
    }
}

std::string closest(const std::string& word, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = word.size() / 3 + 2;
    for (const std::string& candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
    const std::string best = closest(word, candidates);
    if (!best.empty()) return fmt::format(" (did you mean '{}'?)", best);
    if (candidates.empty()) return "";
    if (candidates.size() <= 24) return fmt::format(" (there are: {})", fmt::join(candidates, ", "));
    return "";
}

}  // namespace tb::scenario
