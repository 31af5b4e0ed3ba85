// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cstring>

#include "harness/kernel/bench/bench.hpp"
#include "harness/kernel/bench/pattern.hpp"
#include "harness/kernel/core/clock.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/main/devices.hpp"
#include "net/e1000.hpp"

namespace tb::kernel::bench {

namespace {

constexpr std::uint16_t kDescriptors = 256;
constexpr unsigned kBatch = 64;  ///< frames to a doorbell
constexpr std::uint32_t kStride = 1536;
constexpr std::uint64_t kMostSilence = 5'000'000'000;
constexpr std::uint32_t kMostEchoes = 100'000;

using Frame = std::span<std::byte>;

std::byte* put(std::byte* at, std::span<const std::uint8_t> bytes) {
    std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}
void put16(std::byte* at, std::uint64_t value) {
    at[0] = std::byte(value >> 8);
    at[1] = std::byte(value);
}

/// The Internet checksum (RFC 1071) of an even number of bytes.
std::uint16_t checksum(std::span<const std::byte> data) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < data.size(); i += 2)
        sum += std::to_integer<std::uint32_t>(data[i]) << 8 | std::to_integer<std::uint32_t>(data[i + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void put_header(std::byte* frame, std::uint16_t type) {
    put(put(frame, kPeerMac), kGuestMac);
    put16(frame + kTypeOffset, type);
}

class NetBench {
  public:
    NetBench(const Bench& bench, net::E1000& nic)
        : bench_(bench),
          nic_(nic),
          frames_(static_cast<std::byte*>(allocate_pages(std::size_t{kStride} * kDescriptors))) {}

    bool send(const char* row, std::uint32_t bytes);
    bool receive(const char* row, std::uint32_t bytes);
    bool round_trips(const char* row);

  private:
    bool pending() const { return nic_.work_pending(); }
    Frame frame(std::uint64_t index, std::uint32_t bytes) const {
        return {frames_ + index % kDescriptors * kStride, bytes};
    }
    /// Offers frames to the ring until it is full or there are `most`.
    unsigned fill(std::uint32_t bytes, unsigned most);
    unsigned reap();
    /// Takes what came; returns how many frames that was.
    unsigned take_confirmations();
    void drain();

    const Bench& bench_;
    net::E1000& nic_;
    std::byte* frames_;
    std::uint32_t sent_ = 0;
    std::uint32_t done_ = 0;
    std::uint32_t confirmed_ = 0;
    bool failed_ = false;
};

unsigned NetBench::fill(std::uint32_t bytes, unsigned most) {
    unsigned count = 0;
    for (; count < most && sent_ - confirmed_ < kWindow; ++count) {
        // Frames complete in order, and the ring holds fewer than there are buffers: this one is ours again.
        Frame one = frame(sent_, bytes);
        std::memcpy(one.data() + kSequenceOffset, &sent_, sizeof sent_);
        if (!nic_.send({.fragments = {&one, 1}, .more = true})) break;
        ++sent_;
    }
    return count;
}

unsigned NetBench::reap() {
    // Also tells the device of what was offered.
    nic_.poll(kDescriptors);
    unsigned count = 0;
    for (; const auto done = nic_.next_sent(); ++count)
        if (!done->status) failed_ = true;
    done_ += count;
    return count;
}

unsigned NetBench::take_confirmations() {
    std::array<std::byte, kStride> frame;
    unsigned count = 0;
    for (; nic_.receive(frame); ++count) {
        constexpr std::byte kHigh{kConfirmationType >> 8};
        constexpr std::byte kLow{kConfirmationType & 0xff};
        if (frame[kTypeOffset] == kHigh && frame[kTypeOffset + 1] == kLow)
            std::memcpy(&confirmed_, &frame[kSequenceOffset], sizeof confirmed_);
    }
    return count;
}

bool NetBench::send(const char* row, std::uint32_t bytes) {
    if (frames_ == nullptr) return bench_.control.fail(row, "there is not enough memory");
    for (std::uint64_t i = 0; i < kDescriptors; ++i) {
        const Frame one = frame(i, bytes);
        put_header(one.data(), kFrameType);
        for (std::size_t at = kBodyOffset; at < bytes; ++at) one[at] = std::byte{frame_byte(at)};
    }
    sent_ = 0;
    done_ = 0;
    confirmed_ = 0;
    failed_ = false;
    bench_.control.begin(row);
    const std::uint64_t begun = now_ns();
    std::uint64_t now = begun;
    std::uint64_t last_progress = begun;
    while (!failed_ && (now - begun < bench_.row_ns || done_ != sent_)) {
        const unsigned filled = now - begun < bench_.row_ns ? fill(bytes, kBatch) : 0;
        const unsigned reaped = reap();
        const unsigned confirmed = take_confirmations();
        now = now_ns();
        if (filled + reaped + confirmed != 0)
            last_progress = now;
        else if (now - last_progress > kMostSilence)
            failed_ = true;
        else
            rest_unless(bench_, [this] { return pending(); });
    }
    drain();
    bench_.control.end(row, {{"ns", now - begun}, {"frames", done_}});
    return !failed_ || bench_.control.fail(row, "a frame was not sent");
}

bool NetBench::receive(const char* row, std::uint32_t bytes) {
    bench_.control.begin(row);
    bench_.control.flood(bytes);
    std::uint64_t got = 0;
    std::uint32_t first_number = 0;
    std::uint32_t last_number = 0;
    const char* wrong = nullptr;
    std::uint64_t now = now_ns();
    std::uint64_t first = now;
    std::uint64_t last = now;
    while (wrong == nullptr && (got == 0 || now - first < bench_.row_ns)) {
        nic_.poll(kDescriptors);
        const std::uint64_t before = got;
        while (const auto received = nic_.receive(frame(got, kStride))) {
            const Frame one = frame(got, bytes);
            std::uint32_t number = 0;
            std::memcpy(&number, one.data() + kSequenceOffset, sizeof number);
            if (received->bytes != bytes) wrong = "a frame has another length than was sent";
            if (got != 0 && number <= last_number) wrong = "a frame came twice, or out of order";
            if (got++ == 0) first_number = number;
            last_number = number;
        }
        now = now_ns();
        if (before == 0) first = now;
        if (got != before)
            last = now;
        else if (now - last > kMostSilence)
            wrong = "no frame came";
        else
            rest_unless(bench_, [this] { return pending(); });
    }
    const std::uint64_t sent = got == 0 ? 0 : last_number - first_number + 1U;
    bench_.control.end(row, {{"ns", last - first}, {"frames", got}, {"lost", sent - got}});
    for (std::uint64_t i = 0; i < got && i < kDescriptors; ++i)
        for (std::size_t at = kBodyOffset; at < bytes && wrong == nullptr; ++at)
            if (frame(i, bytes)[at] != std::byte{frame_byte(at)}) wrong = "a frame is not what was sent";
    drain();
    return wrong == nullptr || bench_.control.fail(row, wrong);
}

/// What is still on its way, until nothing has come for a while.
void NetBench::drain() {
    constexpr std::uint64_t kQuiet = 50'000'000;
    std::uint64_t last = now_ns();
    while (now_ns() - last < kQuiet) {
        reap();
        if (take_confirmations() != 0) last = now_ns();
        pause();
    }
}

bool NetBench::round_trips(const char* row) {
    constexpr std::size_t kIp = 14;
    constexpr std::size_t kIpBytes = 20;
    constexpr std::size_t kIcmp = kIp + kIpBytes;
    constexpr std::size_t kIdentifier = kIcmp + 4;
    static std::array<std::uint32_t, kMostEchoes> samples;
    const Frame request = frame(0, kEchoBytes);
    std::memset(request.data(), 0, request.size());
    put_header(request.data(), 0x0800);
    std::byte* ip = request.data() + kIp;
    ip[0] = std::byte{0x45};
    put16(ip + 2, kEchoBytes - kIp);
    ip[8] = std::byte{64};  // time to live
    ip[9] = std::byte{1};   // ICMP
    put(put(ip + 12, kGuestIp), kPeerIp);
    put16(ip + 10, checksum(request.subspan(kIp, kIpBytes)));
    for (std::size_t at = kIcmp + 8; at < kEchoBytes; ++at) request[at] = std::byte{frame_byte(at)};
    request[kIcmp] = std::byte{8};  // echo request

    std::array<std::byte, kStride> answer{};
    std::uint32_t count = 0;
    std::uint32_t wrong = 0;
    bench_.control.begin(row);
    const std::uint64_t begun = now_ns();
    std::uint64_t now = begun;
    while (now - begun < bench_.row_ns && count < kMostEchoes && wrong == 0) {
        put16(&request[kIcmp + 2], 0);
        put16(&request[kIdentifier + 2], count);
        put16(&request[kIcmp + 2], checksum(request.subspan(kIcmp)));
        const std::uint64_t sent = now_ns();
        Frame fragment = request;
        if (!nic_.send({.fragments = {&fragment, 1}})) ++wrong;
        bool answered = false;
        while (!answered && wrong == 0) {
            reap();
            const auto frame = nic_.receive(answer);
            now = now_ns();
            if (!frame) {
                if (now - sent > kMostSilence) ++wrong;
                rest_unless(bench_, [this] { return pending(); });
                continue;
            }
            answered =
                frame->bytes == kEchoBytes && answer[kIcmp] == std::byte{0} &&
                std::memcmp(&answer[kIdentifier], &request[kIdentifier], kEchoBytes - kIdentifier) == 0;
            if (!answered) ++wrong;
        }
        if (answered) samples[count++] = static_cast<std::uint32_t>(now - sent);
    }
    const std::span<std::uint32_t> taken(samples.data(), count);
    bench_.control.end(row, {{"ns", now - begun},
                             {"rounds", count},
                             {"p50_ns", percentile(taken, 50)},
                             {"p99_ns", percentile(taken, 99)}});
    return wrong == 0 || bench_.control.fail(row, "an echo did not come, or was another");
}

}  // namespace

bool measure_network(const Bench& bench, const pci::Function& function) {
    static net::E1000 nic;
    net::E1000::Options options;
    options.interrupts =
        bench.by_interrupts ? net::E1000::Interrupts::kIntx : net::E1000::Interrupts::kPolled;
    options.tx_descriptors = kDescriptors;
    options.rx_descriptors = kDescriptors;
    options.link_timeout = hal::seconds(5);
    if (!place(function) || !nic.probe(bench.platform, function) || !nic.start(options))
        return bench.control.fail("net", "the network controller does not start");
    // QEMU's e1000 keeps frames back for a second after RCTL was written.
    bench.platform.delay(hal::milliseconds(1100));
    NetBench all(bench, nic);
    bool good = all.send("net.tx.60", 60);
    good = all.send("net.tx.1514", 1514) && good;
    good = all.receive("net.rx.60", 60) && good;
    good = all.receive("net.rx.1514", 1514) && good;
    good = all.round_trips("net.rtt") && good;
    nic.stop();
    return good;
}

}  // namespace tb::kernel::bench
