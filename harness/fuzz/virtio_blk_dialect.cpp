// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/dialects.hpp"

namespace tb::fuzz {

namespace {

using harness::Arguments;
using harness::Bytes;

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kSectors = 64;  ///< as the configuration says
constexpr std::uint64_t kMillisecond = 1'000'000;

void start(const Record& r, Arguments& a) {
    constexpr const char* kInterrupts[] = {"msix", "intx", "polled"};
    constexpr std::uint64_t kTimeouts[] = {50 * kMillisecond, 5 * kMillisecond, 1000 * kMillisecond};
    a.set("interrupts", std::string(one_of(kInterrupts, r.what)));
    a.set("queues", std::uint64_t{1} + (r.place & 1U));
    a.set("indirect", !bit(r.nth, 0));
    a.set("event_idx", !bit(r.times, 0));
    a.set("timeout", one_of(kTimeouts, r.when));
}

std::uint64_t sector(const Record& r) {
    constexpr std::uint64_t kOdd[] = {kSectors,     kSectors - 1,           kSectors + 1,         1ULL << 32,
                                      (1ULL << 55), ~std::uint64_t{0} >> 9, ~std::uint64_t{0} - 7};
    const unsigned low = r.place & 0xffU;
    return low < 0xf0 ? low % kSectors : one_of(kOdd, low - 0xf0);
}

std::uint64_t count(const Record& r) {
    constexpr std::uint64_t kCounts[] = {1, 1, 2, 3, 4, 8, 1, 16, 0, kSectors};
    return one_of(kCounts, r.nth);
}

void queue(const Record& r, Arguments& a) {
    if ((r.when & 0x0e) == 0x0e) a.set("queue", std::uint64_t{1});
    if ((r.when & 1) != 0 && bit(r.when, 4)) a.set("more", true);
}

/// The pieces of memory in which `bytes` lie.
void segments(const Record& r, std::uint64_t bytes, Arguments& a) {
    switch (r.times % 6) {
        case 1:
            a.set("segments", std::vector<std::uint64_t>{bytes / 2, bytes - bytes / 2});
            break;
        case 2:
            if (bytes != 0) a.set("segments", std::vector<std::uint64_t>{1, bytes - 1});
            break;
        case 3:
            a.set("segments", std::vector<std::uint64_t>(6, bytes / 6));
            break;
        default:
            break;
    }
}

void read(const Record& r, Arguments& a) {
    a.set("sector", sector(r));
    a.set("count", count(r));
    segments(r, count(r) * kSector, a);
    queue(r, a);
}

void write(const Record& r, Arguments& a) {
    const std::uint64_t bytes = count(r) * kSector;
    a.set("sector", sector(r));
    a.set("data", Bytes(bytes, static_cast<std::byte>(0x80 | r.value)));
    segments(r, bytes, a);
    queue(r, a);
}

void flush(const Record& r, Arguments& a) {
    queue(r, a);
}

void range(const Record& r, Arguments& a) {
    a.set("sector", sector(r));
    a.set("count", (r.form & 7) == 7 ? number(r) : count(r));
    a.set("unmap", bit(r.times, 0));
}

void cache(const Record& r, Arguments& a) {
    a.set("on", bit(r.nth, 0));
}

void poll(const Record& r, Arguments& a) {
    a.set("budget", std::uint64_t{r.nth % 4U});
}

void fail(const Record& r, Arguments& a) {
    a.set("sector", std::uint64_t{r.place % kSectors});
    a.set("sectors", count(r));
    a.set("error", std::string(bit(r.times, 0) ? "enospc" : "eio"));
}

constexpr Verb kVerbs[] = {
    {"blk.read", read, true},
    {"blk.write", write, true},
    {"blk.read", read, true},
    {"blk.read", read, true},
    {"blk.flush", flush, true},
    {"blk.write", write, true},
    {"blk.get_id", flush},
    {"blk.discard", range, true},
    {"blk.write_zeroes", range, true},
    {"blk.read", read, true},
    {"blk.poll", poll},
    {"blk.set_write_cache", cache},
    {"blk.reset", nullptr, false, true},
    {"blk.info", nullptr},
    {"stop", nullptr, false, true},
    {"start", start, false, true},
    {"blk.read", read, true},
    {"blk.write", write, true},
    {"blk.counters", nullptr},
};
constexpr Verb kInputs[] = {{"blk.fail", fail}};
constexpr const char* kHarmless[] = {
    "queue.used*", "queue.avail*", "queue.desc*", "notify*", "isr*", "device.*", "common.config_generation"};

}  // namespace

const Dialect& virtio_blk_dialect() {
    static constexpr Dialect kDialect{
        "virtio_blk",     "virtio-blk-pci",
        "virtio-blk",     R"({"sectors": 64, "fill": "lba", "queues": 2, "queue_size": 16})",
        {"start", start}, kVerbs,
        kInputs,          kHarmless};
    return kDialect;
}

}  // namespace tb::fuzz
