// SPDX-License-Identifier: BSD-3-Clause
#include "harness/operations/codec.hpp"

#include <utility>

namespace tb::harness {

namespace {

constexpr std::uint8_t kSuccess = 0xff;
constexpr auto kLastError = hal::Error::kNotStarted;

class Writer {
  public:
    void number(std::uint64_t value, unsigned width) {
        for (unsigned i = 0; i < width; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
    void count(std::size_t value) { number(value, 4); }
    void item(std::uint64_t value) { number(value, 8); }
    void item(bool value) { number(value ? 1 : 0, 1); }
    void item(const std::string& text) {
        count(text.size());
        for (const char c : text) out.push_back(static_cast<std::byte>(c));
    }
    void item(const Bytes& bytes) {
        count(bytes.size());
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    template <class T>
    void item(const std::vector<T>& list) {
        count(list.size());
        for (const T& one : list) item(one);
    }
    void values(const NamedValues& named) {
        count(named.size());
        for (const auto& [name, value] : named) {
            item(name);
            number(value.index(), 1);
            std::visit([this](const auto& held) { item(held); }, value);
        }
    }

    Bytes out;
};

/// After the first thing that does not fit, everything reads as nothing and good() is false.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

    bool good() const { return good_; }
    bool finished() const { return good_ && left_.empty(); }

    std::uint64_t number(unsigned width) {
        const std::span<const std::byte> bytes = take(width);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i)
            value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
        return value;
    }
    /// Each counted thing takes at least one byte, or `least`: a count that the bytes cannot hold is refused
    /// before anything is allocated for it.
    std::size_t count(std::size_t least = 1) {
        const std::uint64_t value = number(4);
        if (value > left_.size() / least) fail();
        return good_ ? static_cast<std::size_t>(value) : 0;
    }
    void item(std::uint64_t& value) { value = number(8); }
    void item(bool& value) {
        const std::uint64_t byte = number(1);
        if (byte > 1) fail();
        value = byte == 1;
    }
    void item(std::string& text) {
        for (const std::byte byte : take(count())) text.push_back(static_cast<char>(byte));
    }
    void item(Bytes& bytes) {
        const std::span<const std::byte> taken = take(count());
        bytes.assign(taken.begin(), taken.end());
    }
    template <class T>
    void item(std::vector<T>& list) {
        constexpr std::size_t kLeast = sizeof(T) == sizeof(std::uint64_t) ? 8 : 4;
        list.resize(count(kLeast));
        for (T& one : list) item(one);
    }
    NamedValues values() {
        NamedValues named;
        const std::size_t entries = count(6);
        for (std::size_t i = 0; good_ && i < entries; ++i) {
            std::string name;
            item(name);
            Value value;
            alternative(value, number(1), std::make_index_sequence<std::variant_size_v<Value>>());
            if (named.contains(name)) fail();
            named.emplace(std::move(name), std::move(value));
        }
        return named;
    }
    void fail() { good_ = false; }

  private:
    template <std::size_t... kIndex>
    void alternative(Value& value, std::uint64_t index, std::index_sequence<kIndex...>) {
        const bool known = ((index == kIndex && (item(value.emplace<kIndex>()), true)) || ...);
        if (!known) fail();
    }
    std::span<const std::byte> take(std::size_t size) {
        if (!good_ || size > left_.size()) {
            fail();
            return {};
        }
        const std::span<const std::byte> taken = left_.first(size);
        left_ = left_.subspan(size);
        return taken;
    }

    std::span<const std::byte> left_;
    bool good_ = true;
};

}  // namespace

Bytes encode(const Call& call) {
    Writer writer;
    writer.item(call.operation);
    writer.values(call.arguments.all());
    return std::move(writer.out);
}

Bytes encode(const Outcome& outcome) {
    Writer writer;
    writer.number(outcome.status ? kSuccess : static_cast<std::uint8_t>(outcome.status.error()), 1);
    writer.values(outcome.results);
    return std::move(writer.out);
}

std::optional<Call> decode_call(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    Call call;
    reader.item(call.operation);
    call.arguments = Arguments(reader.values());
    if (!reader.finished()) return std::nullopt;
    return call;
}

std::optional<Outcome> decode_outcome(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    Outcome outcome;
    const std::uint64_t status = reader.number(1);
    if (status != kSuccess) {
        if (status > static_cast<std::uint64_t>(kLastError)) return std::nullopt;
        outcome.status = static_cast<hal::Error>(status);
    }
    outcome.results = reader.values();
    if (!reader.finished()) return std::nullopt;
    return outcome;
}

}  // namespace tb::harness
