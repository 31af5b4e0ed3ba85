// SPDX-License-Identifier: BSD-3-Clause
#include "harness/rules/capability_watch.hpp"

#include <gtest/gtest.h>

namespace tb::rules {
namespace {

/// A list of one vendor-specific capability at 0x50 of `length` bytes, as a driver reads it.
CapabilityWatch watch_of(unsigned length, unsigned next = 0) {
    CapabilityWatch watch;
    EXPECT_FALSE(watch.heard(0x34, 1, 0x50));
    EXPECT_FALSE(watch.heard(0x50, 2, 0x09 | next << 8));
    EXPECT_FALSE(watch.heard(0x52, 2, length | 1U << 8));
    return watch;
}

TEST(CapabilityWatchTest, FieldsWithinTheLengthAreRead) {
    CapabilityWatch watch = watch_of(16);
    EXPECT_FALSE(watch.heard(0x54, 1, 4));
    EXPECT_FALSE(watch.heard(0x58, 4, 0));
    EXPECT_FALSE(watch.heard(0x5c, 4, 0x1000));
}

TEST(CapabilityWatchTest, FieldsBeyondTheLengthAreNot) {
    CapabilityWatch watch = watch_of(8);
    EXPECT_FALSE(watch.heard(0x54, 4, 4));
    EXPECT_EQ(watch.heard(0x58, 4, 0), 0x50);
    EXPECT_EQ(watch.heard(0x5c, 4, 0x1000), 0x50);
}

TEST(CapabilityWatchTest, TheHeaderThatHoldsTheLengthIsReadAgain) {
    CapabilityWatch watch = watch_of(0);
    EXPECT_FALSE(watch.heard(0x50, 2, 0x09));
    EXPECT_FALSE(watch.heard(0x52, 2, 16 | 1U << 8)) << "now it says more";
    EXPECT_FALSE(watch.heard(0x58, 4, 0));
}

TEST(CapabilityWatchTest, WhatLiesBehindAShortOneMayBeAnother) {
    CapabilityWatch watch = watch_of(4, 0x54);
    EXPECT_FALSE(watch.heard(0x54, 2, 0x11));
    EXPECT_FALSE(watch.heard(0x58, 4, 0)) << "the table of MSI-X";
}

TEST(CapabilityWatchTest, AListThatCyclesComesToAnEnd) {
    CapabilityWatch watch = watch_of(16, 0x50);
    EXPECT_FALSE(watch.heard(0x58, 4, 0));
    EXPECT_FALSE(watch.heard(0xff, 4, 0)) << "beyond configuration space as PCI has it";
}

}  // namespace
}  // namespace tb::rules
