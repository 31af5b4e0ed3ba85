// SPDX-License-Identifier: BSD-3-Clause
//
// Recordings that stand in for devices. Scenarios are run on the models and recorded; then the drivers run
// against what was recorded, and against what was recorded with something changed.
#include "harness/replay/driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "harness/scenario/document.hpp"
#include "harness/trace/atomic_file.hpp"
#include "harness/trace/testing/temp_folder.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::replay {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using trace::EventKind;

constexpr const char* kScenarios = TWINBENCH_SCENARIOS;

class DriverReplayTest : public ::testing::Test {
  protected:
    /// Whether an event goes into the recording; it may be changed.
    using Change = std::function<bool(trace::Event& event, std::string_view text)>;
    static bool keep_all(trace::Event&, std::string_view) { return true; }

    std::string record(const std::string& id, const Change& change = keep_all) const {
        std::vector<scenario::Problem> problems;
        const std::string file = fmt_path(id);
        for (const scenario::Scenario& scenario : scenario::load_scenarios({file}, problems)) {
            if (scenario.id != id) continue;
            const auto rig = scenario.device->make_model(scenario.configuration, {});
            const scenario::RunResult run = scenario::run_scenario(scenario, *rig);
            EXPECT_TRUE(run.passed) << run.failure.to_string();
            const std::string path = folder_.path("recorded.trace");
            trace::TraceWriter writer(
                path, {.scenario = id, .machine = "model", .device = std::string(scenario.device->name())});
            for (const trace::Event& event : run.trace.events()) {
                trace::Event changed = event;
                if (change(changed, run.trace.text(event)))
                    writer.add(changed, run.trace.text(event), run.trace.data(event));
            }
            writer.finish();
            return path;
        }
        ADD_FAILURE() << "no scenario " << id;
        return {};
    }
    static std::string fmt_path(const std::string& id) {
        return std::string(kScenarios) + "/" + id.substr(0, id.find('[')) + ".json";
    }
    static DriverReport play(const std::string& path) {
        return replay_driver({.path = path, .scenarios = kScenarios});
    }

    trace::TempFolder folder_;
};

TEST_F(DriverReplayTest, ADriverFollowsItsOwnRecordingToTheEnd) {
    for (const char* id :
         {"virtio-blk/read[count=8,interrupts=polled]", "virtio-blk/read[count=8,interrupts=intx]",
          "virtio-blk/read[count=8,interrupts=msix]", "e1000/receive[interrupts=true]",
          "e1000/receive_by_interrupt", "serial/driver_loopback[device=pci-serial]"}) {
        const DriverReport report = play(record(id));
        EXPECT_TRUE(report.exact) << id;
        EXPECT_TRUE(report.run.passed) << id << ": " << report.run.failure.to_string();
        EXPECT_EQ(report.followed, report.accesses) << id;
        EXPECT_GT(report.accesses, 30U) << id;
        EXPECT_EQ(report.departure_count, 0U) << id << "\n" << render(report, true);
        EXPECT_TRUE(report.good()) << id;
    }
}

TEST_F(DriverReplayTest, AnotherValueIsADeparture) {
    // The recorded driver made a queue of another size.
    const DriverReport report =
        play(record("virtio-blk/read[count=8,interrupts=polled]", [](trace::Event& event, std::string_view) {
            if (event.kind == EventKind::kMemoryWrite && event.address == 0xc000'4018) event.value = 0x80;
            return true;
        }));
    EXPECT_FALSE(report.good());
    EXPECT_THAT(report.departures, Contains(Field(&Departure::kind, Departure::Kind::kOtherValue)));
    EXPECT_THAT(
        render(report, false),
        HasSubstr(
            "write common.queue_size 0x100: another value; recorded there: write common.queue_size 0x80"));
}

TEST_F(DriverReplayTest, AnAccessTooManyIsADeparture) {
    // The recorded driver did not acknowledge.
    const DriverReport report =
        play(record("virtio-blk/read[count=8,interrupts=polled]", [](trace::Event& event, std::string_view) {
            return event.kind != EventKind::kMemoryWrite || event.address != 0xc000'4014 || event.value != 1;
        }));
    EXPECT_FALSE(report.good());
    ASSERT_THAT(report.departures, SizeIs(1));
    EXPECT_EQ(report.departures[0].kind, Departure::Kind::kExtra);
    EXPECT_THAT(report.departures[0].driver, HasSubstr("write common.device_status 0x1 ACKNOWLEDGE=1"));
}

TEST_F(DriverReplayTest, AnAccessThatIsLeftOutIsADeparture) {
    // The recorded driver looked at a register that ours does not read.
    bool added = false;
    const std::string path =
        record("virtio-blk/read[count=8,interrupts=polled]", [&](trace::Event& event, std::string_view) {
            if (!added && event.kind == EventKind::kMemoryRead && event.address == 0xc000'6000) {
                added = true;
                event.address = 0xc000'6008;
            }
            return true;
        });
    const DriverReport report = play(path);
    EXPECT_FALSE(report.good());
    EXPECT_THAT(render(report, false), HasSubstr("1 accesses left out, the first: read device.size_max"));
}

TEST_F(DriverReplayTest, ALyingRecordingIsAnsweredByTheDriversOwnChecks) {
    // The device of this recording does not keep FEATURES_OK.
    const DriverReport report =
        play(record("virtio-blk/read[count=8,interrupts=polled]", [](trace::Event& event, std::string_view) {
            if (event.kind == EventKind::kMemoryRead && event.address == 0xc000'4014 && event.value == 0xb)
                event.value = 3;
            return true;
        }));
    EXPECT_FALSE(report.run.passed);
    EXPECT_THAT(report.run.failure.to_string(), HasSubstr("start gave the error"));
}

TEST_F(DriverReplayTest, OurDriversStartAndStopOnWhatLinuxWasRecordedWith) {
    const std::string path = std::string(kScenarios) + "/recordings/linux.pc.trace.xz";
    for (const char* device : {"isa-serial", "virtio-blk-pci", "e1000"}) {
        const DriverReport report = replay_driver({.path = path, .device = device, .scenarios = kScenarios});
        EXPECT_FALSE(report.exact) << device;
        EXPECT_TRUE(report.good()) << device << ": " << report.run.failure.to_string();
        EXPECT_GT(report.followed, 0U) << device;
        EXPECT_GT(report.departure_count, 0U) << device << ": Linux's driver is not ours";
    }
}

TEST_F(DriverReplayTest, WhatCannotBePlayedIsNamed) {
    const std::string path = std::string(kScenarios) + "/recordings/linux.pc.trace.xz";
    const auto message_of = [](const DriverOptions& options) -> std::string {
        try {
            replay_driver(options);
        } catch (const std::exception& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_THAT(message_of({.path = path}), HasSubstr("--device says which the driver is for"));
    EXPECT_THAT(message_of({.path = path, .device = "pci-serial"}), HasSubstr("and not pci-serial"));
    EXPECT_THAT(message_of({.path = path, .device = "e1000", .scenario = "no/such", .scenarios = kScenarios}),
                HasSubstr("there is no scenario 'no/such'"));
    EXPECT_THAT(message_of({.path = path,
                            .device = "e1000",
                            .scenario = "virtio-blk/flush_absent",
                            .scenarios = kScenarios}),
                HasSubstr("is for virtio-blk-pci, the recording of e1000"));
}

}  // namespace
}  // namespace tb::replay
