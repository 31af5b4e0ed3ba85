// SPDX-License-Identifier: BSD-3-Clause
#include "harness/operations/net_operations.hpp"

#include <charconv>
#include <hal/poll.hpp>

#include "harness/operations/text.hpp"

namespace tb::harness {

namespace {

using hal::Error;

constexpr unsigned kPollBudget = 256;
constexpr hal::Duration kWaitStep = hal::microseconds(10);
constexpr hal::Duration kSendDeadline = hal::seconds(5);
constexpr std::size_t kLargestFrame = 17'000;

constexpr KeySpec kSend[] = {
    {"data", ValueType::kData, false, "the frame, in one piece"},
    {"fragments", ValueType::kDataList, false, "or the frame in several pieces"},
    {"ip_checksum", ValueType::kBoolean, false, "the device inserts the IPv4 header checksum"},
    {"l4_checksum", ValueType::kBoolean, false, "the device inserts the TCP or UDP checksum"},
    {"udp", ValueType::kBoolean, false, "the layer 4 protocol is UDP (default TCP)"},
    {"ipv6", ValueType::kBoolean, false, "the layer 3 protocol is IPv6 (default IPv4)"},
    {"l4_offset", ValueType::kInteger, false, "bytes before the TCP or UDP header (default 34)"},
    {"header", ValueType::kInteger, false, "bytes of all headers, for segmentation"},
    {"mss", ValueType::kInteger, false, "payload bytes a segment; 0 for none (default)"},
    {"vlan", ValueType::kInteger, false, "insert a VLAN tag with this TCI"},
    {"more", ValueType::kBoolean, false,
     "others follow at once: tell the device with the last of them, or by net.poll"},
};
constexpr KeySpec kReceive[] = {
    {"within", ValueType::kDuration, false, "the virtual time to wait for a frame (default: not at all)"},
    {"most", ValueType::kInteger, false, "the caller's buffer in bytes (default 17000)"},
};
constexpr KeySpec kFrame[] = {
    {"data", ValueType::kData, false, "the frame without FCS"},
    {"bytes", ValueType::kInteger, false, "its length"},
    {"has_vlan", ValueType::kBoolean, false, "a tag was stripped"},
    {"vlan", ValueType::kInteger, false, "its TCI"},
    {"ip_checksum_good", ValueType::kBoolean, false, "the device found the IPv4 checksum good"},
    {"l4_checksum_good", ValueType::kBoolean, false, "the device found the TCP or UDP checksum good"},
};
constexpr KeySpec kOn[] = {{"on", ValueType::kBoolean, true, "on or off"}};
constexpr KeySpec kAddresses[] = {{"addresses", ValueType::kTextList, true, "group addresses; [] for none"}};
constexpr KeySpec kMac[] = {{"mac", ValueType::kText, true, "station address"}};
constexpr KeySpec kLink[] = {{"up", ValueType::kBoolean, false, "carrier"},
                             {"megabits", ValueType::kInteger, false, "speed"},
                             {"full_duplex", ValueType::kBoolean, false, "duplex"}};
constexpr KeySpec kInfo[] = {{"mac", ValueType::kText, false, "station address"},
                             {"max_frame", ValueType::kInteger, false, "bytes without FCS"},
                             {"max_fragments", ValueType::kInteger, false, "pieces a frame"}};
constexpr KeySpec kBudget[] = {
    {"budget", ValueType::kInteger, false, "frames each way at most (default 256)"}};
constexpr KeySpec kHandled[] = {{"handled", ValueType::kInteger, false, "frames handled"}};
constexpr KeySpec kStatistics[] = {
    {"rx_frames", ValueType::kInteger, false, "frames received"},
    {"rx_bytes", ValueType::kInteger, false, "their bytes"},
    {"rx_errors", ValueType::kInteger, false, "bad frames"},
    {"rx_missed", ValueType::kInteger, false, "frames lost for want of a buffer"},
    {"tx_frames", ValueType::kInteger, false, "frames sent"},
    {"tx_bytes", ValueType::kInteger, false, "their bytes"},
    {"tx_hangs", ValueType::kInteger, false, "transmitter resets"},
};

constexpr OperationSpec kOperations[] = {
    {"net.send", "send a frame; ends when the device has taken it", kSend, {}, true},
    {"net.receive", "take the oldest received frame; busy when there is none", kReceive, kFrame},
    {"net.poll", "do the work that interrupts marked", kBudget, kHandled},
    {"net.link", "look at the link", {}, kLink},
    {"net.info", "what the device is", {}, kInfo},
    {"net.set_promiscuous", "receive everything", kOn, {}},
    {"net.set_multicast", "replace the list of groups", kAddresses, {}},
    {"net.set_mac", "change the station address", kMac, {}},
    {"net.statistics", "counters since start", {}, kStatistics},
};

}  // namespace

std::span<const OperationSpec> net_operations() {
    return kOperations;
}

std::optional<net::MacAddress> to_mac(std::string_view text) {
    net::MacAddress mac{};
    if (text.size() != 17) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char* first = text.data() + 3 * i;
        const auto [end, error] = std::from_chars(first, first + 2, mac[i], 16);
        if (error != std::errc() || end != first + 2 || (i > 0 && text[3 * i - 1] != ':'))
            return std::nullopt;
    }
    return mac;
}

std::string to_text(const net::MacAddress& mac) {
    std::string text;
    for (const std::uint8_t byte : mac) {
        if (!text.empty()) text += ':';
        text += to_hex(byte, 2);
    }
    return text;
}

std::optional<Outcome> NetOperations::run(std::string_view operation, const Arguments& arguments) {
    if (operation == "net.send") return send(arguments);
    if (operation == "net.receive") return receive(arguments);
    if (operation == "net.poll") {
        const unsigned handled =
            device_.poll(static_cast<unsigned>(arguments.integer("budget", kPollBudget)));
        collect();
        return Outcome{{}, {{"handled", std::uint64_t{handled}}}};
    }
    if (operation == "net.link") {
        const net::LinkState link = device_.link();
        return Outcome{
            {},
            {{"up", link.up}, {"megabits", std::uint64_t{link.megabits}}, {"full_duplex", link.full_duplex}}};
    }
    if (operation == "net.info") return info();
    if (operation == "net.set_promiscuous")
        return Outcome{device_.set_promiscuous(arguments.boolean("on")), {}};
    if (operation == "net.set_multicast") return Outcome{set_multicast(arguments), {}};
    if (operation == "net.set_mac") {
        const auto mac = to_mac(arguments.text("mac"));
        return Outcome{mac ? device_.set_mac(*mac) : hal::Status(Error::kInvalidArgument), {}};
    }
    if (operation == "net.statistics") return statistics();
    return std::nullopt;
}

hal::Result<std::uint32_t> NetOperations::begin(std::string_view, const Arguments& arguments) {
    return submit(arguments);
}

hal::Result<std::uint32_t> NetOperations::submit(const Arguments& arguments) {
    Flight flight;
    flight.data = arguments.has("fragments") ? arguments.data_list("fragments")
                                             : std::vector<Bytes>{arguments.data("data")};
    for (Bytes& piece : flight.data) flight.fragments.emplace_back(piece);
    net::TxFrame frame;
    frame.fragments = flight.fragments;
    frame.more = arguments.boolean("more");
    net::Offload& offload = frame.offload;
    offload.ip_checksum = arguments.boolean("ip_checksum");
    offload.l4_checksum = arguments.boolean("l4_checksum");
    offload.tcp = !arguments.boolean("udp");
    offload.ipv6 = arguments.boolean("ipv6");
    offload.l4_offset = static_cast<std::uint8_t>(arguments.integer("l4_offset", offload.l4_offset));
    offload.header_bytes = static_cast<std::uint8_t>(arguments.integer("header"));
    offload.mss = static_cast<std::uint16_t>(arguments.integer("mss"));
    offload.insert_vlan = arguments.has("vlan");
    offload.vlan_tag = static_cast<std::uint16_t>(arguments.integer("vlan"));
    const hal::Result<net::Token> token = device_.send(frame);
    if (!token) return token.error();
    // Moving the flight keeps the pieces where they are: vectors hand over their memory.
    flights_.set(token->value, std::move(flight));
    return token->value;
}

void NetOperations::collect() {
    while (const auto sent = device_.next_sent()) {
        const auto found = flights_.find(sent->token.value);
        if (found != flights_.end()) found->second.status = sent->status;
    }
}

std::optional<Outcome> NetOperations::finished(std::uint32_t handle) {
    const auto found = flights_.find(handle);
    if (found == flights_.end()) return Outcome{Error::kInvalidArgument, {}};
    std::optional<hal::Status>& ended = found->second.status;
    if (!ended) {
        device_.poll(kPollBudget);
        collect();
    }
    if (!ended) return std::nullopt;
    const hal::Status status = *ended;
    flights_.erase(found);
    return Outcome{status, {}};
}

Outcome NetOperations::send(const Arguments& arguments) {
    const hal::Result<std::uint32_t> handle = submit(arguments);
    if (!handle) return {handle.error(), {}};
    Outcome outcome{Error::kTimeout, {}};
    hal::poll_patiently(platform_, kSendDeadline, kWaitStep, [&] {
        const auto end = finished(*handle);
        if (end) outcome = *end;
        return end.has_value();
    });
    return outcome;
}

Outcome NetOperations::receive(const Arguments& arguments) {
    Bytes buffer(arguments.integer("most", kLargestFrame));
    const hal::Duration within = hal::nanoseconds(arguments.integer("within"));
    hal::Result<net::RxFrame> frame = Error::kBusy;
    hal::poll_patiently(platform_, within, kWaitStep, [&] {
        device_.poll(kPollBudget);
        frame = device_.receive(buffer);
        return frame || frame.error() != Error::kBusy;
    });
    if (!frame) return {frame.error(), {}};
    buffer.resize(frame->bytes);
    return {{},
            {{"data", buffer},
             {"bytes", std::uint64_t{frame->bytes}},
             {"has_vlan", frame->has_vlan},
             {"vlan", std::uint64_t{frame->vlan_tag}},
             {"ip_checksum_good", frame->ip_checksum_checked && frame->ip_checksum_good},
             {"l4_checksum_good", frame->l4_checksum_checked && frame->l4_checksum_good}}};
}

Outcome NetOperations::info() {
    const net::Info& info = device_.info();
    return {{},
            {{"mac", to_text(info.mac)},
             {"max_frame", std::uint64_t{info.max_frame}},
             {"max_fragments", std::uint64_t{info.max_fragments}}}};
}

Outcome NetOperations::statistics() {
    const net::Statistics s = device_.statistics();
    return {{},
            {{"rx_frames", s.rx_frames},
             {"rx_bytes", s.rx_bytes},
             {"rx_errors", s.rx_errors},
             {"rx_missed", s.rx_missed},
             {"tx_frames", s.tx_frames},
             {"tx_bytes", s.tx_bytes},
             {"tx_hangs", s.tx_hangs}}};
}

hal::Status NetOperations::set_multicast(const Arguments& arguments) {
    std::vector<net::MacAddress> addresses;
    for (const std::string& text : arguments.text_list("addresses")) {
        const auto mac = to_mac(text);
        if (!mac) return Error::kInvalidArgument;
        addresses.push_back(*mac);
    }
    return device_.set_multicast(addresses);
}

void NetOperations::clear() {
    flights_.clear();
}

}  // namespace tb::harness
