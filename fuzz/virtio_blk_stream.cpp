// SPDX-License-Identifier: BSD-3-Clause
//
// The virtio-blk driver in front of a device that lies: bytes of the input answer what the driver reads.
// Board, model and disk are built once and reset in place for each input.
//
// Findings: a memory error or undefined behaviour (sanitizers); a driver that needs more than its budget of
// accesses or of virtual time (a hang); anything left behind after stop; a driver that does not work again
// once the device behaves.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <hal/platform.hpp>
#include <memory>

#include "block/virtio_blk.hpp"
#include "harness/machine/bytes_layer.hpp"
#include "harness/machine/model_machine.hpp"
#include "models/block/memory_disk.hpp"
#include "models/block/virtio_blk_pci.hpp"
#include "pci/resources.hpp"

namespace {

using namespace tb;

constexpr std::uint64_t kSectors = 64;
constexpr hal::PciAddress kFunction{0, 4, 0};
constexpr std::uint64_t kCallBudget = 2'000'000;
constexpr std::uint64_t kTimeBudget = 600'000'000'000;  // virtual: many request timeouts in a row are no hang
constexpr unsigned kOperations = 24;

[[noreturn]] void finding(const char* what) {
    std::fprintf(stderr, "finding: %s\n", what);
    std::abort();
}

/// What stays between inputs.
struct Bench {
    Bench()
        : disk(kSectors, model::block::Fill::kRandom, 1),
          machine(harness::ModelMachine::create([this](model::pci::Board& board) {
              device = std::make_unique<model::block::VirtioBlkPci>("blk", board, kFunction.device,
                                                                    model::block::VirtioBlkOptions{}, disk);
          })) {
        device->power_on_reset();
    }
    ~Bench() { device.reset(); }

    void reset() {
        machine->reset();
        disk.reset();
        device->power_on_reset();
    }

    model::block::MemoryDisk disk;
    std::unique_ptr<model::block::VirtioBlkPci> device;
    std::unique_ptr<harness::ModelMachine> machine;
};

/// One driver's life under one input.
class Life {
  public:
    explicit Life(Bench& bench, harness::BytesLayer& layer)
        : bench_(bench), layer_(layer), host_(layer), platform_(host_) {}

    void run() {
        const pci::Function function(platform_, platform_.pci_function(kFunction));
        pci::ResourceAllocator resources;
        if (resources.assign(function) && driver_.probe(platform_, function) && driver_.start(options()))
            operate();
        static_cast<void>(driver_.stop());
        drain();
        check("a lying device");
        layer_.heal();
        recover();
    }

  private:
    block::VirtioBlk::Options options() {
        const std::uint64_t choice = layer_.choose(1);
        block::VirtioBlk::Options options;
        options.interrupts = static_cast<virtio::InterruptMode>(choice % 3);
        options.indirect = (choice & 8) != 0;
        options.event_idx = (choice & 16) != 0;
        options.queues = (choice & 32) != 0 ? 2 : 1;
        options.request_timeout = hal::milliseconds(50);
        return options;
    }

    void operate() {
        for (unsigned i = 0; i < kOperations && layer_.input_left(); ++i) {
            const std::uint64_t choice = layer_.choose(1);
            std::array<std::span<std::byte>, 2> segments = {std::span(buffers_[i]).first(1024),
                                                            std::span(buffers_[i]).subspan(1024)};
            block::Request request;
            request.operation = static_cast<block::Operation>(choice % 6);
            request.sector = layer_.choose(1) % kSectors;
            request.sectors = 1 + choice / 6 % 4;
            std::span<std::byte> id = std::span(buffers_[i]).first(20);
            if (request.operation == block::Operation::kGetId)
                request.segments = {&id, 1};
            else if (request.operation <= block::Operation::kWrite)
                request.segments = segments;
            static_cast<void>(driver_.submit(request));
            if ((choice & 0x40) != 0) platform_.delay(hal::milliseconds(20));
            if ((choice & 0x80) != 0) drain();
            if (layer_.budget_spent()) finding("the driver does not come to an end (accesses)");
        }
        for (unsigned waited = 0; driver_.in_flight() != 0 && waited < 100; ++waited) {
            drain();
            platform_.delay(hal::milliseconds(10));
        }
        if (driver_.in_flight() != 0) finding("requests are still in flight long after their timeout");
    }

    void drain() {
        driver_.poll(64);
        while (const auto done = driver_.next_completion())
            if (done->bytes > 2048) finding("more bytes arrived than were asked for");
    }

    void check(const char* after) {
        if (layer_.budget_spent()) finding("the driver does not come to an end (accesses)");
        if (layer_.now_ns() > kTimeBudget) finding("the driver does not come to an end (time)");
        if (!bench_.machine->pool().allocations().empty()) {
            std::fprintf(stderr, "after %s\n", after);
            finding("DMA memory was left behind");
        }
    }

    /// The device behaves again, as after a power cycle: a new driver must work.
    void recover() {
        bench_.reset();
        hal::Host host(layer_);
        const hal::Platform platform(host);
        const pci::Function function(platform, platform.pci_function(kFunction));
        pci::ResourceAllocator resources;
        if (!resources.assign(function) || !driver_.probe(platform, function) || !driver_.start())
            finding("the driver does not start on a device that behaves");
        std::span<std::byte> segment = std::span(buffers_[0]).first(512);
        const auto token =
            driver_.submit({.operation = block::Operation::kRead, .sector = 5, .segments = {&segment, 1}});
        driver_.poll(1);
        const auto done = driver_.next_completion();
        std::array<std::byte, 512> expected{};
        if (bench_.disk.read(5, expected) != 0) finding("the disk of the test is broken");
        if (!token || !done || !done->status ||
            !std::equal(expected.begin(), expected.end(), segment.begin()))
            finding("a read on a device that behaves gives wrong data");
        static_cast<void>(driver_.stop());
        check("a device that behaves");
    }

    Bench& bench_;
    harness::BytesLayer& layer_;
    hal::Host host_;
    hal::Platform platform_;
    block::VirtioBlk driver_;
    std::array<std::array<std::byte, 2048>, kOperations> buffers_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Bench bench;
    static harness::BytesLayer layer(*bench.machine);
    bench.reset();
    layer.begin({data, size}, kCallBudget);
    const auto life = std::make_unique<Life>(bench, layer);
    life->run();
    return 0;
}
