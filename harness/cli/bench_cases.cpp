// SPDX-License-Identifier: BSD-3-Clause
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <hal/platform.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <systemc>
#include <tlm>
#include <vector>

#include "block/virtio_blk.hpp"
#include "harness/cli/bench.hpp"
#include "harness/cli/suite.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/machine/recorder.hpp"
#include "harness/qemu/error.hpp"
#include "harness/recording/record.hpp"
#include "harness/replay/replay.hpp"
#include "harness/scenario/interpreter.hpp"
#include "harness/trace/atomic_file.hpp"
#include "models/core/simulation.hpp"
#include "net/e1000.hpp"
#include "pci/resources.hpp"

namespace tb::cli {

namespace {

using nlohmann::json;

constexpr std::uint32_t kStatusOffset = 8;  // e1000 STATUS: a register without side effects

/// One initiator, one target, nothing else: what any TLM access costs in this process.
struct BareLoop {
    struct Initiator : sc_core::sc_module {
        explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {}
        tlm_utils::simple_initiator_socket<Initiator> socket;
    };
    struct Target : sc_core::sc_module {
        explicit Target(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
            socket.register_b_transport(this, &Target::transport);
        }
        void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
            *reinterpret_cast<std::uint32_t*>(payload.get_data_ptr()) = value;
            payload.set_response_status(tlm::TLM_OK_RESPONSE);
        }
        tlm_utils::simple_target_socket<Target> socket;
        std::uint32_t value = 0x80080783;
    };

    BareLoop() : initiator("initiator"), target("target") {
        initiator.socket.bind(target.socket);
        simulation.elaborate();
    }
    model::Simulation simulation;
    Initiator initiator;
    Target target;
};

void bare_b_transport(benchmark::State& state) {
    BareLoop loop;
    tlm::tlm_generic_payload payload;
    std::uint32_t value = 0;
    sc_core::sc_time delay;
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(4);
    payload.set_streaming_width(4);
    for (auto _ : state) {
        payload.set_address(kStatusOffset);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        loop.initiator.socket->b_transport(payload, delay);
        benchmark::DoNotOptimize(value);
    }
}

/// A device on the models with its BARs placed and decoding on.
struct Bench {
    explicit Bench(const char* type, const json& configuration = json::object()) {
        rig = harness::find_device_type(type)->make_model(configuration, {});
        host = std::make_unique<hal::Host>(rig->machine());
        platform = hal::Platform(*host);
        function = pci::Function(platform, platform.pci_function(harness::kDeviceUnderTest));
        pci::ResourceAllocator resources;
        if (!resources.assign(function)) throw std::runtime_error("the BARs could not be placed");
        function.set_command(pci::kCommandMemory | pci::kCommandBusMaster);
    }
    std::unique_ptr<harness::Rig> rig;
    std::unique_ptr<hal::Host> host;
    hal::Platform platform;
    pci::Function function;
};

void register_read_model(benchmark::State& state) {
    Bench bench("e1000");
    const hal::MmioWindow registers = *bench.function.map_memory_bar(0);
    for (auto _ : state) benchmark::DoNotOptimize(registers.read<std::uint32_t>(kStatusOffset));
}

/// The same through the layer that records: what a scenario's run pays.
void register_read_recorded(benchmark::State& state) {
    Bench bench("e1000");
    trace::Trace trace;
    harness::Recorder recorder(bench.rig->machine(), trace);
    hal::Host host(recorder);
    const hal::MmioWindow registers(host, bench.function.map_memory_bar(0)->base(), 0x20000);
    for (auto _ : state) {
        benchmark::DoNotOptimize(registers.read<std::uint32_t>(kStatusOffset));
        if (trace.events().size() == 4096) trace.clear();
    }
}

void register_read_qtest(benchmark::State& state, const std::string& qemu) {
    try {
        harness::RigOptions options;
        options.qemu_binary = qemu;
        const auto rig = harness::find_device_type("e1000")->make_qemu(json::object(), options);
        hal::Host host(rig->machine());
        const hal::Platform platform(host);
        const pci::Function function(platform, platform.pci_function(harness::kDeviceUnderTest));
        pci::ResourceAllocator resources;
        if (!resources.assign(function)) throw std::runtime_error("the BARs could not be placed");
        function.set_command(pci::kCommandMemory);
        const std::uint64_t status = function.map_memory_bar(0)->base() + kStatusOffset;
        // The command itself, without what the machine does around it: the least that a read over qtest
        // costs.
        qemu::QtestClient& qtest = dynamic_cast<harness::QemuRig&>(*rig).vm().qtest();
        for (auto _ : state) benchmark::DoNotOptimize(qtest.read(status, 4));
    } catch (const qemu::QemuError& error) {
        state.SkipWithError(error.what());
    }
}

/// Submission by the driver to completion by the driver, 4 KiB from a disk in memory, one at a time, polled.
void virtio_blk_read_4k(benchmark::State& state) {
    Bench bench("virtio-blk-pci", {{"sectors", 4096}});
    block::VirtioBlk driver;
    block::VirtioBlk::Options options;
    options.interrupts = virtio::InterruptMode::kPolled;
    if (!driver.probe(bench.platform, bench.function) || !driver.start(options))
        return state.SkipWithError("the driver does not start");
    std::array<std::byte, 4096> buffer{};
    const std::span<std::byte> segment(buffer);
    std::uint64_t sector = 0;
    for (auto _ : state) {
        sector = (sector + 8) % 4096;
        const auto token = driver.submit(
            {.operation = block::Operation::kRead, .sector = sector, .segments = {&segment, 1}});
        driver.poll(1);
        const auto done = driver.next_completion();
        if (!token || !done || !done->status) return state.SkipWithError("a read failed");
    }
    static_cast<void>(driver.stop());
}

/// Frame by the driver to completion by the driver, 1,514 bytes, one at a time, polled; the peer takes each
/// frame.
void e1000_send_1514(benchmark::State& state) {
    Bench bench("e1000");
    auto driver = std::make_unique<net::E1000>();
    net::E1000::Options options;
    options.interrupts = net::E1000::Interrupts::kPolled;
    options.link_timeout = hal::seconds(2);
    if (!driver->probe(bench.platform, bench.function) || !driver->start(options))
        return state.SkipWithError("the driver does not start");
    std::array<std::byte, 1514> frame{};
    const std::span<std::byte> fragment(frame);
    net::TxFrame tx;
    tx.fragments = {&fragment, 1};
    unsigned untaken = 0;
    for (auto _ : state) {
        const auto token = driver->send(tx);
        driver->poll(1);
        const auto done = driver->next_sent();
        if (!token || !done || !done->status) return state.SkipWithError("a send failed");
        if (++untaken == 256) {
            untaken = 0;
            state.PauseTiming();
            bench.rig->outside().take_frames();
            state.ResumeTiming();
        }
    }
    driver->stop();
}

/// All scenarios, each from making the board to its verdict, one after the other in this process.
void run_suite(benchmark::State& state, const std::vector<scenario::Scenario>& scenarios) {
    const Options options;
    std::size_t next = 0;
    for (auto _ : state) {
        const scenario::Scenario& scenario = scenarios[next++ % scenarios.size()];
        const auto rig = scenario.device->make_model(scenario.configuration, rig_options(options, scenario));
        if (!scenario::run_scenario(scenario, *rig).passed)
            return state.SkipWithError(("failed: " + scenario.id).c_str());
    }
}

/// A driver that polls a register every 10 us of virtual time, a millisecond long.
void virtual_millisecond(benchmark::State& state) {
    Bench bench("e1000");
    const hal::MmioWindow registers = *bench.function.map_memory_bar(0);
    for (auto _ : state)
        for (int i = 0; i < 100; ++i) {
            benchmark::DoNotOptimize(registers.read<std::uint32_t>(kStatusOffset));
            bench.platform.delay(hal::microseconds(10));
        }
}

/// A log of QEMU's, as a console makes it: LSR is read, and THR written.
class ConsoleLog {
  public:
    ConsoleLog()
        : path_(fmt::format("{}/twinbench-bench-{}.log", std::filesystem::temp_directory_path().string(),
                            ::getpid())) {
        trace::AtomicFile file(path_);
        for (unsigned i = 0; i < kLogEvents; ++i)
            file.write(fmt::format(
                "17@{}.{:06}:memory_region_ops_{} cpu 0 mr 0x55c6c8c41830 addr {} size 1 name 'serial'\n",
                1'700'000'000 + i / 100'000, i % 100'000 * 10, i % 2 == 0 ? "read" : "write",
                i % 2 == 0 ? "0x3fd value 0x60" : "0x3f8 value 0x41"));
        file.commit();
    }
    ~ConsoleLog() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    ConsoleLog(const ConsoleLog&) = delete;
    ConsoleLog& operator=(const ConsoleLog&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

void read_log(benchmark::State& state) {
    const ConsoleLog log;
    for (auto _ : state) {
        const auto source = recording::open_recording(log.path());
        recording::Record record;
        while (source->next(record)) benchmark::DoNotOptimize(record);
    }
}

void replay_log(benchmark::State& state) {
    const ConsoleLog log;
    for (auto _ : state)
        if (!replay::replay({.path = log.path()}).parts.at(0).good())
            return state.SkipWithError("an answer differs");
}

}  // namespace

void register_benchmarks(const BenchOptions& options) {
    benchmark::RegisterBenchmark("bare_b_transport", bare_b_transport);
    benchmark::RegisterBenchmark("register_read_model", register_read_model);
    benchmark::RegisterBenchmark("register_read_recorded", register_read_recorded);
    benchmark::RegisterBenchmark("register_read_qtest", [qemu = options.qemu](benchmark::State& state) {
        register_read_qtest(state, qemu);
    });
    benchmark::RegisterBenchmark("virtio_blk_read_4k", virtio_blk_read_4k);
    benchmark::RegisterBenchmark("e1000_send_1514", e1000_send_1514);
    benchmark::RegisterBenchmark("read_log", read_log);
    benchmark::RegisterBenchmark("replay_log", replay_log);
    benchmark::RegisterBenchmark("virtual_millisecond", virtual_millisecond);
    if (!std::filesystem::is_directory("scenarios")) {
        benchmark::RegisterBenchmark("scenario", [](benchmark::State& state) {
            state.SkipWithError("there is no folder scenarios here; run it from the repository's root");
        });
        return;
    }
    const auto selected = select_scenarios(Options{});
    if (!selected) return;
    auto scenarios = std::make_shared<std::vector<scenario::Scenario>>(*selected);
    const auto iterations =
        static_cast<benchmark::IterationCount>(scenarios->size() * (options.quick ? 1 : 4));
    benchmark::RegisterBenchmark("scenario", [scenarios](benchmark::State& state) {
        run_suite(state, *scenarios);
    })->Iterations(iterations);
}

}  // namespace tb::cli
