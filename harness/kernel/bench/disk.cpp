// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>

#include "block/virtio_blk.hpp"
#include "harness/kernel/bench/bench.hpp"
#include "harness/kernel/bench/pattern.hpp"
#include "harness/kernel/core/clock.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/main/devices.hpp"

namespace tb::kernel::bench {

namespace {

constexpr std::uint32_t kMostDepth = 32;
constexpr std::uint32_t kSequentialBytes = 1 << 20;
constexpr std::uint32_t kSequentialDepth = 4;
constexpr std::uint32_t kMostSamples = 1 << 20;
constexpr std::uint32_t kSectorsPerBlock = kBlockBytes / block::kSectorSize;
/// The generation of the disk as the harness has filled it.
constexpr std::uint64_t kFilled = 1;

struct Load {
    const char* row;
    block::Operation operation;
    std::uint32_t bytes;  ///< of a request
    std::uint32_t depth;  ///< requests in flight
    bool random;
    std::uint64_t generation;  ///< that is written
};

// Reads first, while the disk is as it was filled. The harness knows the generations.
constexpr Load kLoads[] = {
    {"blk.read.seq", block::Operation::kRead, kSequentialBytes, kSequentialDepth, false, 0},
    {"blk.read.4k.qd1", block::Operation::kRead, kBlockBytes, 1, true, 0},
    {"blk.read.4k.qd32", block::Operation::kRead, kBlockBytes, 32, true, 0},
    {"blk.write.seq", block::Operation::kWrite, kSequentialBytes, kSequentialDepth, false, 2},
    {"blk.write.4k.qd1", block::Operation::kWrite, kBlockBytes, 1, true, 3},
    {"blk.write.4k.qd32", block::Operation::kWrite, kBlockBytes, 32, true, 4},
};

/// A request in flight, with the buffer that is its own over the whole row.
struct Place {
    std::uint64_t* words = nullptr;
    std::span<std::byte> data;
    std::uint64_t block = 0;
    std::uint64_t begun = 0;
    block::Token token;
};

class DiskBench {
  public:
    DiskBench(const Bench& bench, block::VirtioBlk& disk)
        : bench_(bench),
          disk_(disk),
          blocks_(disk.info().sectors / kSectorsPerBlock),
          buffers_(static_cast<std::byte*>(allocate_pages(std::size_t{kSequentialBytes} * kSequentialDepth))),
          samples_(static_cast<std::uint32_t*>(allocate_pages(kMostSamples * sizeof(std::uint32_t)))),
          written_(static_cast<std::uint32_t*>(allocate_pages(kMostSamples * sizeof(std::uint32_t)))),
          seen_(static_cast<bool*>(allocate_pages(blocks_))) {}

    bool measure(const Load& load) {
        if (buffers_ == nullptr || samples_ == nullptr || written_ == nullptr || seen_ == nullptr)
            return bench_.control.fail(load.row, "there is not enough memory");
        prepare(load);
        bench_.control.begin(load.row);
        const std::uint64_t begun = now_ns();
        const char* wrong = run(load, begun + bench_.row_ns);
        const std::uint64_t taken = now_ns() - begun;
        bench_.control.end(load.row, {{"ns", taken},
                                      {"requests", count_},
                                      {"bytes", std::uint64_t{count_} * load.bytes},
                                      {"distinct", distinct(load)},
                                      {"p50_ns", percentile({samples_, count_}, 50)},
                                      {"p99_ns", percentile({samples_, count_}, 99)}});
        if (wrong == nullptr && load.operation == block::Operation::kRead) wrong = check_last(load);
        return wrong == nullptr || bench_.control.fail(load.row, wrong);
    }

    /// Reads the whole disk once, and every word of it must be as it was filled. Takes as long as it takes.
    bool check_all() {
        const std::span<std::byte> buffer(buffers_, kSequentialBytes);
        constexpr std::uint64_t kStep = kSequentialBytes / kBlockBytes;
        for (std::uint64_t block = 0; block + kStep <= blocks_; block += kStep) {
            std::span<std::byte> segment = buffer;
            const bool submitted = bool(disk_.submit({.operation = block::Operation::kRead,
                                                      .sector = block * kSectorsPerBlock,
                                                      .segments = {&segment, 1}}));
            std::optional<block::Completion> done;
            while (submitted && !done) {
                disk_.poll(1);
                done = disk_.next_completion();
                if (!done) rest_unless(bench_, [&] { return disk_.work_pending(); });
            }
            if (!done || !done->status) return bench_.control.fail("blk", "the disk cannot be read whole");
            if (!as_filled(reinterpret_cast<const std::uint64_t*>(buffers_), block, kStep))
                return bench_.control.fail("blk", "what was read is not what is on the disk");
        }
        return true;
    }

  private:
    static bool as_filled(const std::uint64_t* words, std::uint64_t block, std::uint64_t count) {
        for (std::uint64_t b = 0; b < count; ++b, words += kBlockWords)
            for (std::uint64_t i = 0; i < kBlockWords; ++i)
                if (words[i] != block_word(kFilled, block + b, i)) return false;
        return true;
    }

    void prepare(const Load& load) {
        count_ = 0;
        next_ = 0;
        for (std::uint32_t i = 0; i < load.depth; ++i) {
            Place& place = places_[i];
            place.data = {buffers_ + std::size_t{i} * load.bytes, load.bytes};
            place.words = reinterpret_cast<std::uint64_t*>(place.data.data());
            for (std::uint32_t word = 0; word < load.bytes / 8; ++word)
                place.words[word] = block_word(load.generation, 0, word % kBlockWords);
        }
    }

    std::uint64_t next_block(const Load& load) {
        const std::uint64_t step = load.bytes / kBlockBytes;
        if (load.random) {
            // George Marsaglia's xorshift64: the same places on each run.
            random_ ^= random_ << 13;
            random_ ^= random_ >> 7;
            random_ ^= random_ << 17;
            return random_ % blocks_;
        }
        const std::uint64_t block = next_;
        next_ = block + 2 * step <= blocks_ ? block + step : 0;
        return block;
    }

    bool submit(const Load& load, Place& place, std::uint64_t now) {
        place.block = next_block(load);
        place.begun = now;
        // What was prepared, but for the number of each block. For a read it is a number that no block has.
        const bool write = load.operation == block::Operation::kWrite;
        for (std::uint32_t i = 0; i < load.bytes / kBlockBytes; ++i)
            place.words[std::size_t{i} * kBlockWords] =
                write ? block_word(load.generation, place.block + i, 0) : 0;
        const auto token = disk_.submit({.operation = load.operation,
                                         .sector = place.block * kSectorsPerBlock,
                                         .segments = {&place.data, 1},
                                         .more = true});
        if (token) place.token = *token;
        return bool(token);
    }

    /// Null, or what went wrong. Ends because the driver ends every request.
    const char* run(const Load& load, std::uint64_t end) {
        std::uint32_t flying = 0;
        for (; flying < load.depth; ++flying)
            if (!submit(load, places_[flying], now_ns())) return "a request was refused";
        const char* wrong = nullptr;
        while (flying > 0) {
            disk_.poll(load.depth);
            bool any = false;
            while (const auto done = disk_.next_completion()) {
                any = true;
                const std::uint64_t now = now_ns();
                Place* place = places_.data();
                while (place != &places_[load.depth - 1] && !(place->token == done->token)) ++place;
                if (!done->status) wrong = "a request failed";
                if (load.operation == block::Operation::kRead &&
                    place->words[0] != block_word(kFilled, place->block, 0))
                    wrong = "a request was reported done before its data was there";
                written_[count_] = static_cast<std::uint32_t>(place->block);
                samples_[count_++] = static_cast<std::uint32_t>(now - place->begun);
                --flying;
                if (wrong != nullptr || now >= end || count_ + flying >= kMostSamples) continue;
                if (!submit(load, *place, now)) return "a request was refused";
                ++flying;
            }
            if (!any) rest_unless(bench_, [&] { return disk_.work_pending(); });
        }
        return wrong;
    }

    /// The last data of each buffer, word by word.
    const char* check_last(const Load& load) {
        for (std::uint32_t i = 0; i < load.depth; ++i)
            if (!as_filled(places_[i].words, places_[i].block, load.bytes / kBlockBytes))
                return "what was read is not what is on the disk";
        return nullptr;
    }

    /// How many blocks the requests of the row touched, for the harness to find them on the disk.
    std::uint64_t distinct(const Load& load) {
        std::fill_n(seen_, blocks_, false);
        std::uint64_t count = 0;
        for (std::uint32_t i = 0; i < count_; ++i)
            for (std::uint32_t b = 0; b < load.bytes / kBlockBytes; ++b) {
                bool& seen = seen_[written_[i] + b];
                if (!seen) ++count;
                seen = true;
            }
        return count;
    }

    const Bench& bench_;
    block::VirtioBlk& disk_;
    std::uint64_t blocks_;
    std::byte* buffers_;
    std::uint32_t* samples_;  ///< nanoseconds
    std::uint32_t* written_;  ///< the first block of each request
    bool* seen_;
    std::array<Place, kMostDepth> places_{};
    std::uint32_t count_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t random_ = 88'172'645'463'325'252;
};

}  // namespace

std::uint32_t percentile(std::span<std::uint32_t> samples, unsigned percent) {
    if (samples.empty()) return 0;
    const std::size_t rank = (samples.size() * percent + 99) / 100;
    const auto nth = samples.begin() + static_cast<std::ptrdiff_t>(rank == 0 ? 0 : rank - 1);
    std::nth_element(samples.begin(), nth, samples.end());
    return *nth;
}

bool measure_disk(const Bench& bench, const pci::Function& function) {
    static block::VirtioBlk disk;
    block::VirtioBlk::Options options;
    options.interrupts = bench.by_interrupts ? virtio::InterruptMode::kMsix : virtio::InterruptMode::kPolled;
    if (!place(function) || !disk.probe(bench.platform, function) || !disk.start(options))
        return bench.control.fail("blk", "the disk does not start");
    DiskBench all(bench, disk);
    bool good = all.check_all();
    for (const Load& load : kLoads) good = all.measure(load) && good;
    if (!disk.stop()) return bench.control.fail("blk", "the disk does not stop");
    return good;
}

}  // namespace tb::kernel::bench
