// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>

#include "harness/bench/guest.hpp"
#include "harness/bench/reference.hpp"
#include "harness/bench/rows.hpp"
#include "harness/qemu/testing.hpp"

/// Runs the images on QEMU: that what is measured is there and right, not how fast it is.
namespace tb::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GuestTest : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override { TB_REQUIRE_QEMU(); }

    static GuestImage image(const char* kernel, const std::string& command) {
        GuestImage image;
        image.kernel = kernel;
        image.command = command;
        image.ours = true;
        return image;
    }
};

TEST_P(GuestTest, EveryRowIsMeasuredAndWhatWasMovedIsRight) {
    const GuestResult result =
        run_guest(image(TB_BENCH, std::string("time_ms=30 wait=") + GetParam()), GuestOptions{});
    EXPECT_THAT(result.failures, IsEmpty());
    EXPECT_GT(result.boot_seconds, 0);
    for (const RowSpec& row : row_specs()) {
        const auto value = value_of(row, result);
        ASSERT_TRUE(value) << row.name;
        EXPECT_GT(*value, 0) << row.name;
    }
}

INSTANTIATE_TEST_SUITE_P(Ways, GuestTest, ::testing::Values("polling", "interrupts"),
                         [](const auto& way) { return std::string(way.param); });

using GuestFaultTest = GuestTest;

TEST_F(GuestFaultTest, APanicIsAFailureWithItsReport) {
    const GuestResult result = run_guest(image(TB_SELFTEST, "panic=assert"), GuestOptions{});
    EXPECT_THAT(result.failures, ElementsAre(HasSubstr("PANIC: as asked for")));
}

TEST_F(GuestFaultTest, AHangEndsAtTheDeadline) {
    GuestOptions options;
    options.deadline = std::chrono::seconds(2);
    const GuestResult result = run_guest(image(TB_SELFTEST, "panic=hang"), options);
    ASSERT_FALSE(result.failures.empty());
    EXPECT_THAT(result.failures.front(), HasSubstr("has not ended after 2 s"));
}

TEST_F(GuestFaultTest, NoKvmHasAReason) {
    // Whether there is one here or not: QEMU refuses this, and says so.
    EXPECT_THAT(why_no_kvm("qemu-system-x86_64", "/nonexistent"),
                HasSubstr("under KVM ended with exit status 1"));
}

}  // namespace
}  // namespace tb::bench
