// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/trace.hpp"

#include <xxhash.h>

#include <array>

#include "harness/trace/fold.hpp"

namespace tb::trace {

namespace {

constexpr std::array<std::string_view, kEventKinds> kNames = {
    "step",     "cfg-read",  "cfg-write", "mem-read",  "mem-write", "port-read", "port-write",
    "dma-read", "dma-write", "irq-raise", "irq-lower", "message",   "taken",     "delay",
    "host-in",  "host-out",  "memory",    "finding",   "result",    "fault",     "rule",
};

// Fields one by one, least significant byte first: no padding and no host order gets into the hash.
void feed(XXH3_state_t* state, std::uint64_t value) {
    std::array<unsigned char, 8> bytes;
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
    XXH3_64bits_update(state, bytes.data(), bytes.size());
}

}  // namespace

std::string_view to_string(EventKind kind) {
    return kNames[static_cast<std::size_t>(kind)];
}

std::size_t Trace::add(Event event, std::string_view text, std::span<const std::byte> data) {
    if (!text.empty()) {
        event.text = static_cast<std::uint32_t>(texts_.size());
        texts_.emplace_back(text);
    }
    event.data = static_cast<std::uint32_t>(bytes_.size());
    event.data_size = static_cast<std::uint32_t>(data.size());
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    return add(event);
}

void Trace::clear() {
    events_.clear();
    texts_.assign(1, std::string());
    bytes_.clear();
}

struct TraceHasher::State {
    State() : xxh(XXH3_createState()) { XXH3_64bits_reset(xxh); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { XXH3_freeState(xxh); }
    XXH3_state_t* xxh;
};

TraceHasher::TraceHasher() : state_(std::make_unique<State>()) {}
TraceHasher::TraceHasher(TraceHasher&&) noexcept = default;
TraceHasher& TraceHasher::operator=(TraceHasher&&) noexcept = default;
TraceHasher::~TraceHasher() = default;

void TraceHasher::add(const Event& event, std::string_view text, std::span<const std::byte> data) {
    XXH3_state_t* const state = state_->xxh;
    feed(state, static_cast<std::uint64_t>(event.kind) | std::uint64_t{event.width} << 8 |
                    std::uint64_t{event.repeat} << 32);
    feed(state, event.time);
    feed(state, event.address);
    feed(state, event.value);
    feed(state, text.size());
    XXH3_64bits_update(state, text.data(), text.size());
    feed(state, data.size());
    XXH3_64bits_update(state, data.data(), data.size());
}

std::uint64_t TraceHasher::digest() const {
    return XXH3_64bits_digest(state_->xxh);
}

std::uint64_t Trace::hash() const {
    TraceHasher hasher;
    for (const Event& event : events_) hasher.add(event, text(event), data(event));
    return hasher.digest();
}

Trace Trace::folded() const {
    Trace result;
    result.texts_ = texts_;
    result.bytes_ = bytes_;
    for (const FoldedEvent& kept : fold(events_)) result.events_.push_back(kept.event);
    return result;
}

}  // namespace tb::trace
