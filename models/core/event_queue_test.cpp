// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/event_queue.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tb::model {
namespace {

std::string run_three(std::uint64_t shuffle_seed) {
    EventQueue queue;
    queue.shuffle(shuffle_seed);
    std::string order;
    for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) queue.schedule(0, 0, [&, name] { order += name; });
    queue.run_due();
    return order;
}

TEST(EventQueue, RunsByTimeThenPriorityThenOrderOfScheduling) {
    EventQueue queue;
    std::string order;
    queue.schedule(10, 0, [&] { order += 'd'; });
    queue.schedule(5, 1, [&] { order += 'b'; });
    queue.schedule(5, 1, [&] { order += 'c'; });
    queue.schedule(5, 0, [&] { order += 'a'; });
    queue.set_now(5);
    queue.run_due();
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(queue.next_time(), 10U);
    queue.set_now(10);
    queue.run_due();
    EXPECT_EQ(order, "abcd");
    EXPECT_EQ(queue.next_time(), EventQueue::kNever);
}

TEST(EventQueue, RunsWhatAnEventSchedulesForTheSameTime) {
    EventQueue queue;
    std::string order;
    queue.schedule(0, 0, [&] {
        order += 'a';
        queue.schedule(0, 0, [&] { order += 'b'; });
    });
    queue.run_due();
    EXPECT_EQ(order, "ab");
}

TEST(EventQueue, ACancelledEventDoesNotRun) {
    EventQueue queue;
    bool ran = false;
    EventQueue::Id id = queue.schedule(0, 0, [&] { ran = true; });
    EXPECT_TRUE(queue.pending(id));
    queue.cancel(id);
    queue.run_due();
    EXPECT_FALSE(ran);
    EXPECT_FALSE(queue.pending(id));
}

TEST(EventQueue, AnEndlessChainIsCut) {
    EventQueue queue;
    std::function<void()> again = [&] { queue.schedule(0, 0, again); };
    queue.schedule(0, 0, again);
    EXPECT_FALSE(queue.run_due());
}

TEST(EventQueue, AShuffleSeedPermutesEqualTimesAndRepeats) {
    EXPECT_EQ(run_three(0), "abcdef");
    EXPECT_NE(run_three(1), run_three(2));
    EXPECT_EQ(run_three(7), run_three(7));
}

TEST(Timer, StartingAgainMovesTheDeadline) {
    EventQueue queue;
    int fired = 0;
    Timer timer(queue, 0, [&] { ++fired; });
    timer.start(10);
    timer.start(20);
    queue.set_now(10);
    queue.run_due();
    EXPECT_EQ(fired, 0);
    EXPECT_TRUE(timer.running());
    queue.set_now(20);
    queue.run_due();
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(timer.running());
}

}  // namespace
}  // namespace tb::model
