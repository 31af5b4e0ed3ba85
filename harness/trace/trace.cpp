// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/trace.hpp"

#include <xxhash.h>

#include <array>
#include <memory>

namespace tb::trace {

namespace {

constexpr std::array<std::string_view, kEventKinds> kNames = {
    "step",     "cfg-read",   "cfg-write", "mem-read", "mem-write", "port-read",   "port-write",
    "dma-read", "dma-write",  "irq-raise", "irq-lower", "message",  "taken",       "delay",
    "host-in",  "host-out",   "memory",    "finding",  "result",
};

struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// Fields one by one, least significant byte first: no padding and no host order gets into the hash.
void feed(XXH3_state_t* state, std::uint64_t value) {
    std::array<unsigned char, 8> bytes;
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
    XXH3_64bits_update(state, bytes.data(), bytes.size());
}

bool same_access(const Event& a, const Event& b) {
    return a.kind == b.kind && a.address == b.address && a.width == b.width && a.value == b.value;
}

}  // namespace

std::string_view to_string(EventKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

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

std::uint64_t Trace::hash() const {
    const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
    XXH3_64bits_reset(state.get());
    for (const Event& event : events_) {
        feed(state.get(), static_cast<std::uint64_t>(event.kind) | std::uint64_t{event.width} << 8 |
                              std::uint64_t{event.repeat} << 32);
        feed(state.get(), event.time);
        feed(state.get(), event.address);
        feed(state.get(), event.value);
        const std::string_view words = text(event);
        feed(state.get(), words.size());
        XXH3_64bits_update(state.get(), words.data(), words.size());
        feed(state.get(), event.data_size);
        const std::span<const std::byte> bytes = data(event);
        XXH3_64bits_update(state.get(), bytes.data(), bytes.size());
    }
    return XXH3_64bits_digest(state.get());
}

Trace Trace::folded() const {
    constexpr std::size_t kLongestLoop = 4;
    Trace result;
    result.texts_ = texts_;
    result.bytes_ = bytes_;
    // Reads since the last event that is neither a read nor a delay, by position in the result; a delay is only kept
    // when it turns out not to be part of a loop.
    std::vector<Event>& out = result.events_;
    std::vector<std::size_t> reads;
    for (const Event& event : events_) {
        out.push_back(event);
        if (is_register_read(event.kind)) {
            reads.push_back(out.size() - 1);
        } else if (event.kind != EventKind::kDelay) {
            reads.clear();
            continue;
        } else {
            continue;
        }
        for (std::size_t loop = 1; loop <= kLongestLoop && 2 * loop <= reads.size(); ++loop) {
            bool same = true;
            for (std::size_t i = 0; i < loop && same; ++i)
                same = same_access(out[reads[reads.size() - 1 - i]], out[reads[reads.size() - 1 - i - loop]]);
            if (!same) continue;
            // Drop the later group and the delays before it; the earlier one counts it.
            const std::size_t first_kept = reads.size() - 2 * loop;
            for (std::size_t i = 0; i < loop; ++i) ++out[reads[first_kept + i]].repeat;
            out.resize(reads[first_kept + loop - 1] + 1);
            reads.resize(first_kept + loop);
            break;
        }
    }
    return result;
}

}  // namespace tb::trace
