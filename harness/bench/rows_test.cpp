// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/rows.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tb::bench {
namespace {

/// A side of fio's terse line: KiB, KiB/s, requests a second, ms, eight times, twenty percentiles, nine more.
std::string side(int kibibytes, int requests_per_second, int milliseconds, int median_us, int p99_us) {
    std::string line =
        fmt::format("{};{};{};{};", kibibytes, milliseconds == 0 ? 0 : kibibytes * 1000 / milliseconds,
                    requests_per_second, milliseconds);
    for (int i = 0; i < 8; ++i) line += "7;";
    for (const int percent : {1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99})
        line += fmt::format("{}.000000%={};", percent,
                            percent == 50   ? median_us
                            : percent == 99 ? p99_us
                                            : 0);
    for (int i = 0; i < 7; ++i) line += "0%=0;";
    for (int i = 0; i < 9; ++i) line += "3;";
    return line;
}

RowResult with_text(const std::string& text) {
    RowResult row;
    row.text = text;
    return row;
}

TEST(ReadFio, TakesTheSideThatMovedSomething) {
    RowResult read =
        with_text("3;fio-3.33;row;0;0;" + side(5232, 1300, 1006, 173, 7110) + side(0, 0, 0, 0, 0));
    ASSERT_TRUE(read_fio(read));
    EXPECT_DOUBLE_EQ(read.numbers["ns"], 1006e6);
    EXPECT_DOUBLE_EQ(read.numbers["bytes"], 5232 * 1024.0);
    EXPECT_DOUBLE_EQ(read.numbers["requests"], 1300 * 1.006);
    EXPECT_DOUBLE_EQ(read.numbers["p50_ns"], 173e3);
    EXPECT_DOUBLE_EQ(read.numbers["p99_ns"], 7110e3);

    RowResult write =
        with_text("3;fio-3.33;row;0;0;" + side(0, 0, 0, 0, 0) + side(4048, 1007, 1004, 199, 5210));
    ASSERT_TRUE(read_fio(write));
    EXPECT_DOUBLE_EQ(write.numbers["bytes"], 4048 * 1024.0);
    EXPECT_DOUBLE_EQ(write.numbers["p50_ns"], 199e3);
}

TEST(ReadFio, RefusesErrorsAndOtherWords) {
    RowResult failed = with_text("3;fio-3.33;row;0;22;" + side(5232, 1300, 1006, 1, 2) + side(0, 0, 0, 0, 0));
    EXPECT_FALSE(read_fio(failed));
    RowResult idle = with_text("3;fio-3.33;row;0;0;" + side(0, 0, 0, 0, 0) + side(0, 0, 0, 0, 0));
    EXPECT_FALSE(read_fio(idle));
    RowResult words = with_text("fio: failed to open /dev/vda");
    EXPECT_FALSE(read_fio(words));
}

const RowSpec& spec(const std::string& name) {
    for (const RowSpec& row : row_specs())
        if (name == row.name) return row;
    throw std::out_of_range(name);
}

TEST(Rows, HaveNamesOfTheirOwn) {
    std::set<std::string> names;
    for (const RowSpec& row : row_specs()) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(Rows, ValuesComeFromGuestAndPeer) {
    GuestResult result;
    RowResult& read = result.rows["blk.read.seq"];
    read.numbers = {{"bytes", 3e9}, {"ns", 2e9}};
    read.cpu_ns = 1.5e9;
    read.wall_ns = 3e9;
    EXPECT_DOUBLE_EQ(*value_of(spec("virtio_blk_seq_read"), result), 1500);
    EXPECT_DOUBLE_EQ(*cpu_percent_of(spec("virtio_blk_seq_read"), result), 50);

    RowResult& sent = result.rows["net.tx.1514"];
    sent.peer.frames_behind_first = 50'000;
    sent.peer.first_ns = 1'000'000'000;
    sent.peer.last_ns = 1'500'000'000;
    EXPECT_DOUBLE_EQ(*value_of(spec("e1000_send_1514"), result), 100'000);
    EXPECT_DOUBLE_EQ(*value_of(spec("e1000_send_throughput"), result), 100'000 * 1514 * 8 / 1e6);

    result.rows["net.rx.60"].numbers = {{"frames", 3000}, {"ns", 1e9}};
    EXPECT_DOUBLE_EQ(*value_of(spec("e1000_receive_60"), result), 3000);
    EXPECT_FALSE(value_of(spec("uart_send"), result));
}

}  // namespace
}  // namespace tb::bench
