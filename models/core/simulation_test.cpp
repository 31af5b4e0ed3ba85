// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/simulation.hpp"

#include <gtest/gtest.h>

#include <systemc>
#include <vector>

namespace tb::model {
namespace {

TEST(Simulation, EventsRunAtTheirTimeWhileTimePasses) {
    Simulation simulation;
    simulation.elaborate();
    std::vector<std::uint64_t> times;
    for (const std::uint64_t delay : {300U, 100U, 200U})
        simulation.queue().schedule(delay, 0, [&] { times.push_back(simulation.now()); });
    simulation.advance(250);
    EXPECT_EQ(times, (std::vector<std::uint64_t>{100, 200}));
    simulation.advance(50);
    EXPECT_EQ(times.back(), 300U) << "an event at the very end of a step belongs to it";
    EXPECT_EQ(simulation.now(), 300U);
}

TEST(Simulation, AnEventMayScheduleAnotherWithinTheSameStep) {
    Simulation simulation;
    simulation.elaborate();
    std::vector<std::uint64_t> times;
    simulation.queue().schedule(10, 0, [&] {
        times.push_back(simulation.now());
        simulation.queue().schedule(10, 0, [&] { times.push_back(simulation.now()); });
    });
    simulation.advance(100);
    EXPECT_EQ(times, (std::vector<std::uint64_t>{10, 20}));
}

TEST(Simulation, ManyRunsInOneProcessAreEachFresh) {
    for (int run = 0; run < 200; ++run) {
        Simulation simulation;
        struct Module : sc_core::sc_module {
            explicit Module(const sc_core::sc_module_name& name) : sc_module(name) {}
        } module("device");
        simulation.elaborate();
        EXPECT_EQ(simulation.now(), 0U);
        simulation.advance(1000);
    }
}

TEST(Simulation, TwoSimulationsKeepTheirOwnTime) {
    Simulation first;
    Simulation second;
    first.elaborate();
    second.elaborate();
    int fired = 0;
    first.queue().schedule(100, 0, [&] { fired = 1; });
    second.advance(1000);
    EXPECT_EQ(fired, 0);
    first.advance(100);
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(second.now(), 1000U);
}

TEST(Simulation, ResettingTheClockStartsATimeLineAnew) {
    Simulation simulation;
    simulation.elaborate();
    int fired = 0;
    simulation.queue().schedule(100, 0, [&] { ++fired; });
    simulation.advance(50);
    simulation.reset_clock();
    EXPECT_EQ(simulation.now(), 0U);
    simulation.advance(200);
    EXPECT_EQ(fired, 0) << "what was scheduled before the reset is forgotten";
    simulation.queue().schedule(10, 0, [&] { ++fired; });
    simulation.advance(10);
    EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace tb::model
