// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/rows.hpp"

#include <charconv>
#include <string_view>
#include <vector>

namespace tb::bench {

namespace {

// "Testing Matrix" of the drivers: what each device is to reach, under TCG and KVM.
constexpr RowSpec kRows[] = {
    {"virtio_blk_seq_read", "blk.read.seq", Quantity::kMegabytesPerSecond, {300, 1000}},
    {"virtio_blk_seq_write", "blk.write.seq", Quantity::kMegabytesPerSecond, {200, 800}},
    {"virtio_blk_read_iops_qd1", "blk.read.4k.qd1", Quantity::kRequestsPerSecond, {}},
    {"virtio_blk_read_iops_qd32", "blk.read.4k.qd32", Quantity::kRequestsPerSecond, {20'000, 100'000}},
    {"virtio_blk_write_iops_qd1", "blk.write.4k.qd1", Quantity::kRequestsPerSecond, {}},
    {"virtio_blk_write_iops_qd32", "blk.write.4k.qd32", Quantity::kRequestsPerSecond, {20'000, 100'000}},
    {"virtio_blk_read_median", "blk.read.4k.qd1", Quantity::kMedian, {1000, 200}},
    {"virtio_blk_read_p99", "blk.read.4k.qd1", Quantity::kP99, {}},
    {"virtio_blk_write_median", "blk.write.4k.qd1", Quantity::kMedian, {1000, 200}},
    {"virtio_blk_write_p99", "blk.write.4k.qd1", Quantity::kP99, {}},
    {"e1000_send_60", "net.tx.60", Quantity::kFramesPerSecond, {}, 60},
    {"e1000_send_1514", "net.tx.1514", Quantity::kFramesPerSecond, {}, 1514},
    {"e1000_send_throughput", "net.tx.1514", Quantity::kMegabitsPerSecond, {500, 900}, 1514},
    {"e1000_receive_60", "net.rx.60", Quantity::kFramesPerSecond, {}, 60, true},
    {"e1000_receive_1514", "net.rx.1514", Quantity::kFramesPerSecond, {}, 1514, true},
    {"e1000_receive_throughput", "net.rx.1514", Quantity::kMegabitsPerSecond, {500, 900}, 1514, true},
    {"e1000_round_trip_median", "net.rtt", Quantity::kMedian, {1000, 500}},
    {"e1000_round_trip_p99", "net.rtt", Quantity::kP99, {}},
    {"uart_send", "uart.tx", Quantity::kBytesPerSecond, {}},
};

const RowResult* find(const RowSpec& spec, const GuestResult& result) {
    const auto found = result.rows.find(spec.row);
    return found == result.rows.end() ? nullptr : &found->second;
}

double number(const RowResult& row, const char* key) {
    const auto found = row.numbers.find(key);
    return found == row.numbers.end() ? 0 : found->second;
}

double frames_per_second(const RowSpec& spec, const RowResult& row) {
    if (spec.received) return number(row, "frames") * 1e9 / number(row, "ns");
    return static_cast<double>(row.peer.frames_behind_first) * 1e9 /
           static_cast<double>(row.peer.last_ns - row.peer.first_ns);
}

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find(';', begin), line.size());
        fields.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    return fields;
}

double to_number(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

std::span<const RowSpec> row_specs() {
    return kRows;
}

const char* unit_of(Quantity quantity) {
    switch (quantity) {
        case Quantity::kMegabytesPerSecond:
            return "MB/s";
        case Quantity::kRequestsPerSecond:
            return "1/s";
        case Quantity::kMedian:
        case Quantity::kP99:
            return "us";
        case Quantity::kFramesPerSecond:
            return "1/s";
        case Quantity::kMegabitsPerSecond:
            return "Mbit/s";
        case Quantity::kBytesPerSecond:
            return "B/s";
    }
    return "";
}

std::optional<double> value_of(const RowSpec& spec, const GuestResult& result) {
    const RowResult* row = find(spec, result);
    if (row == nullptr) return std::nullopt;
    switch (spec.quantity) {
        case Quantity::kMegabytesPerSecond:
            return number(*row, "bytes") * 1e3 / number(*row, "ns");
        case Quantity::kRequestsPerSecond:
            return number(*row, "requests") * 1e9 / number(*row, "ns");
        case Quantity::kMedian:
            return number(*row, "p50_ns") / 1e3;
        case Quantity::kP99:
            return number(*row, "p99_ns") / 1e3;
        case Quantity::kFramesPerSecond:
            return frames_per_second(spec, *row);
        case Quantity::kMegabitsPerSecond:
            return frames_per_second(spec, *row) * spec.frame_bytes * 8 / 1e6;
        case Quantity::kBytesPerSecond:
            return static_cast<double>(row->peer.serial_bytes) * 1e9 / row->wall_ns;
    }
    return std::nullopt;
}

std::optional<double> cpu_percent_of(const RowSpec& spec, const GuestResult& result) {
    const RowResult* row = find(spec, result);
    if (row == nullptr || row->wall_ns == 0) return std::nullopt;
    return 100 * row->cpu_ns / row->wall_ns;
}

bool read_fio(RowResult& row) {
    // Fields from 0: 4 is an error number; reads begin at 5 and writes at 46, each with KiB, KiB/s, requests
    // a second, ms; the percentiles of completion times (us) are behind the thirteenth (fio(1), "Terse
    // output").
    constexpr std::size_t kError = 4;
    constexpr std::size_t kRead = 5;
    constexpr std::size_t kWrite = 46;
    constexpr std::size_t kFirstPercentile = 12;
    constexpr std::size_t kPercentiles = 20;
    const std::vector<std::string_view> fields = fields_of(row.text);
    if (fields.size() < kWrite + kFirstPercentile + kPercentiles || fields[0] != "3" || fields[kError] != "0")
        return false;
    const std::size_t base = to_number(fields[kRead]) > 0 ? kRead : kWrite;
    const double milliseconds = to_number(fields[base + 3]);
    if (milliseconds == 0) return false;
    row.numbers["ns"] = milliseconds * 1e6;
    row.numbers["bytes"] = to_number(fields[base]) * 1024;
    row.numbers["requests"] = to_number(fields[base + 2]) * milliseconds / 1000;
    for (std::size_t i = 0; i < kPercentiles; ++i) {
        const std::string_view field = fields[base + kFirstPercentile + i];
        const std::size_t equals = field.find("%=");
        if (equals == std::string_view::npos) continue;
        const double percent = to_number(field.substr(0, equals));
        const double ns = to_number(field.substr(equals + 2)) * 1e3;
        if (percent == 50) row.numbers["p50_ns"] = ns;
        if (percent == 99) row.numbers["p99_ns"] = ns;
    }
    return true;
}

}  // namespace tb::bench
