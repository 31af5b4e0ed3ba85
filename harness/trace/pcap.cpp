// SPDX-License-Identifier: BSD-3-Clause
#include "harness/trace/pcap.hpp"

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "harness/trace/atomic_file.hpp"
#include "harness/trace/exporters.hpp"

namespace tb::trace {

namespace {

constexpr int kMostFrameBytes = 262'144;  // libpcap's own limit for Ethernet
constexpr std::uint64_t kSecond = 1'000'000'000;

struct CloseCapture {
    void operator()(pcap_t* capture) const { pcap_close(capture); }
};
struct CloseDump {
    void operator()(pcap_dumper_t* dump) const { pcap_dump_close(dump); }
};
using Capture = std::unique_ptr<pcap_t, CloseCapture>;
using Dump = std::unique_ptr<pcap_dumper_t, CloseDump>;

[[noreturn]] void fail_reading(const std::string& path, std::string_view reason) {
    throw FileError(path, fmt::format("cannot read '{}': {}", path, reason));
}

}  // namespace

std::vector<Frame> read_pcap(const std::string& path) {
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    std::FILE* const file = std::fopen(path.c_str(), "rbe");
    if (file == nullptr) throw_file_error(path, "read", errno);
    const Capture capture(
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason.data()));
    if (!capture) {
        static_cast<void>(std::fclose(file));
        fail_reading(path, reason.data());
    }
    if (pcap_datalink(capture.get()) != DLT_EN10MB) {
        const char* const name = pcap_datalink_val_to_name(pcap_datalink(capture.get()));
        fail_reading(path, fmt::format("expected a capture of Ethernet (EN10MB), found {}",
                                       name != nullptr ? name : "an unknown link type"));
    }
    std::vector<Frame> frames;
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    while (true) {
        const int result = pcap_next_ex(capture.get(), &header, &bytes);
        if (result == PCAP_ERROR_BREAK) return frames;
        if (result != 1)
            fail_reading(path, fmt::format("after {} frames: {}", frames.size(), pcap_geterr(capture.get())));
        if (header->caplen < header->len)
            fail_reading(path, fmt::format("frame {} was captured with {} of its {} bytes", frames.size() + 1,
                                           header->caplen, header->len));
        const auto* const first = reinterpret_cast<const std::byte*>(bytes);
        // With this precision the field for microseconds holds nanoseconds.
        frames.push_back({static_cast<std::uint64_t>(header->ts.tv_sec) * kSecond +
                              static_cast<std::uint64_t>(header->ts.tv_usec),
                          std::vector<std::byte>(first, first + header->caplen)});
    }
}

void write_pcap(const std::string& path, const std::vector<Frame>& frames) {
    AtomicFile file(path);
    const Capture capture(
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, kMostFrameBytes, PCAP_TSTAMP_PRECISION_NANO));
    const int copy = ::dup(file.descriptor());
    std::FILE* const stream = copy < 0 ? nullptr : ::fdopen(copy, "wb");
    if (!capture || stream == nullptr) throw_file_error(path, "write", errno);
    const Dump dump(pcap_dump_fopen(capture.get(), stream));
    if (!dump) {
        static_cast<void>(std::fclose(stream));
        throw FileError(path, fmt::format("cannot write '{}': {}", path, pcap_geterr(capture.get())));
    }
    for (const Frame& frame : frames) {
        if (frame.data.size() > kMostFrameBytes)
            throw FileError(path, fmt::format("cannot write '{}': a frame of {} bytes, more than {}", path,
                                              frame.data.size(), kMostFrameBytes));
        pcap_pkthdr header{};
        header.ts.tv_sec = static_cast<time_t>(frame.time_ns / kSecond);
        header.ts.tv_usec = static_cast<suseconds_t>(frame.time_ns % kSecond);
        header.caplen = header.len = static_cast<bpf_u_int32>(frame.data.size());
        errno = 0;
        pcap_dump(reinterpret_cast<unsigned char*>(dump.get()), &header,
                  reinterpret_cast<const unsigned char*>(frame.data.data()));
        // pcap_dump itself reports nothing.
        if (std::ferror(stream) != 0) throw_file_error(path, "write", errno);
    }
    errno = 0;
    if (pcap_dump_flush(dump.get()) != 0) throw_file_error(path, "write", errno);
    file.commit();
}

void export_pcap(const std::string& path, const Trace& trace) {
    std::vector<Frame> frames;
    for (const Event& event : trace.events()) {
        const bool passes = event.kind == EventKind::kHostInput || event.kind == EventKind::kHostOutput;
        if (!passes || !trace.text(event).starts_with("net")) continue;
        // "net" events without data say something else: a link that went down.
        const auto data = trace.data(event);
        if (!data.empty()) frames.push_back({event.time, {data.begin(), data.end()}});
    }
    write_pcap(path, frames);
}

}  // namespace tb::trace
