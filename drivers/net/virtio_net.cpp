// SPDX-License-Identifier: BSD-3-Clause
// virtio-net at work.
#include "net/virtio_net.hpp"

#include "net/virtio_net_regs.hpp"

namespace tb::net {

using namespace virtio_net;
using hal::Error;
using hal::Status;
using virtio::InterruptMode;
using virtio::Interrupts;

namespace {

constexpr const char* kName = "virtio-net";
constexpr std::uint16_t kMostVlan = 4095;

constexpr std::uint32_t rx_mark(std::uint16_t pair) {
    return std::uint32_t{1} << 2 * pair;
}
constexpr std::uint32_t tx_mark(std::uint16_t pair) {
    return std::uint32_t{2} << 2 * pair;
}

}  // namespace

unsigned VirtioNet::in_flight() const {
    unsigned frames = 0;
    for (std::uint16_t i = 0; i < pairs_; ++i) frames += pair_[i].tx.in_flight();
    return frames;
}

Status VirtioNet::running_with(std::uint64_t feature) const {
    if (state_ != State::kRunning) return failure_;
    return has(feature) ? Status() : Status(Error::kUnsupported);
}

// Frames.

std::uint16_t VirtioNet::pair_of(const TxFrame& frame) const {
    if (pairs_ == 1 || frame.fragments.empty()) return 0;
    // All frames of a flow through one queue, or they overtake each other: told by addresses and, where the
    // headers are in the first fragment, by ports.
    const std::span<const std::byte> head = frame.fragments.front();
    const auto at = [&](std::size_t i) {
        return i < head.size() ? static_cast<std::uint32_t>(head[i]) : std::uint32_t{0};
    };
    std::uint32_t sum = 0;
    const auto add = [&](std::size_t first, std::size_t end) {
        for (std::size_t i = first; i < end; ++i) sum += at(i);
    };
    add(0, 12);
    const std::uint32_t type = at(12) << 8 | at(13);
    const bool ipv6 = type == 0x86dd;
    if (ipv6) add(22, 54);
    if (type == 0x0800) add(26, 34);
    const std::uint32_t protocol = ipv6 ? at(20) : at(23);
    if ((ipv6 || type == 0x0800) && (protocol == 6 || protocol == 17)) {
        const std::size_t ports = ipv6 ? 54 : 14 + 4 * (at(14) & 15U);
        add(ports, ports + 4);
    }
    return static_cast<std::uint16_t>(sum % pairs_);
}

hal::Result<Token> VirtioNet::send(const TxFrame& frame) {
    if (state_ != State::kRunning) return failure_;
    if (!link_.up) return Error::kLinkDown;
    const std::uint16_t index = pair_of(frame);
    Pair& pair = pair_[index];
    hal::Result<Token> token = pair.tx.send(frame);
    if (!token && token.error() == Error::kBusy) {
        // What it was not told of yet may be what fills the ring.
        pair.tx.publish();
        if (drain_tx(index, TxRing::kMostFrames) != 0) token = pair.tx.send(frame);
        if (!token && token.error() == Error::kBusy) {
            // Who is refused hears when there is room again.
            pair.tx_awaited = true;
            if (pair.tx.queue().enable_interrupts()) interrupts_.mark(tx_mark(index));
        }
    }
    if (!token) return token;
    // Tokens are unique over all pairs.
    return Token{token->value * kMostPairs + index};
}

std::optional<TxCompletion> VirtioNet::next_sent() {
    for (std::uint16_t i = 0; i < kMostPairs; ++i)
        if (std::optional<TxCompletion> done = pair_[i].tx.next_completion()) {
            done->token.value = done->token.value * kMostPairs + i;
            return done;
        }
    return std::nullopt;
}

hal::Result<RxFrame> VirtioNet::receive(std::span<std::byte> buffer) {
    if (state_ != State::kRunning) return failure_;
    // Each pair in turn, so that none starves the others.
    for (std::uint16_t i = 0; i < pairs_; ++i) {
        const auto index = static_cast<std::uint16_t>((next_receive_ + i) % pairs_);
        if (pair_[index].rx.ready() == 0) continue;
        hal::Result<RxFrame> frame = pair_[index].rx.receive(buffer);
        if (!frame && frame.error() == Error::kBusy) continue;
        next_receive_ = static_cast<std::uint16_t>((index + 1) % pairs_);
        return frame;
    }
    return Error::kBusy;
}

// Work.

unsigned VirtioNet::poll(unsigned budget) {
    if (state_ != State::kRunning) return 0;
    const std::uint32_t marks = interrupts_.take();
    if ((marks & (Interrupts::kConfig | Interrupts::kGone)) != 0) {
        if (healthy() && (marks & Interrupts::kConfig) != 0) look_at_config();
        if (state_ != State::kRunning) return 0;
    }
    unsigned received = 0;
    unsigned sent = 0;
    for (std::uint16_t i = 0; i < pairs_; ++i) {
        pair_[i].tx.publish();
        received += drain_rx(i, budget - received);
        sent += drain_tx(i, budget - sent);
    }
    if (any_broken()) {
        platform_.log(hal::LogLevel::kError, kName, "the device broke the rules of a ring", in_flight());
        (void)restart(Error::kProtocol);
        return received + sent;
    }
    if (const hal::Instant now = platform_.now(); now >= next_check_) check(now);
    return received + sent;
}

unsigned VirtioNet::drain_rx(std::uint16_t index, unsigned budget) {
    Pair& pair = pair_[index];
    virtio::Virtqueue& queue = pair.rx.queue();
    if (!pair.rx_masked && !queue.has_used()) return 0;
    const bool interrupts = interrupts_.mode() != InterruptMode::kPolled;
    unsigned found = 0;
    // Each round but the last harvests at least one, so the budget bounds the rounds.
    do {
        if (interrupts) queue.disable_interrupts();
        pair.rx_masked = interrupts;
        found += pair.rx.harvest(budget - found);
        if (found >= budget) {
            interrupts_.mark(rx_mark(index));
            return found;
        }
        if (pair.rx.broken()) return found;
        pair.rx_masked = false;
    } while (interrupts && queue.enable_interrupts());
    return found;
}

unsigned VirtioNet::drain_tx(std::uint16_t index, unsigned budget) {
    Pair& pair = pair_[index];
    if (pair.tx.in_flight() == 0) return 0;
    const unsigned done = pair.tx.reap(budget);
    if (done != 0 && pair.tx_awaited) {
        pair.tx_awaited = false;
        pair.tx.queue().disable_interrupts();
    }
    return done;
}

bool VirtioNet::any_broken() const {
    for (std::uint16_t i = 0; i < pairs_; ++i)
        if (pair_[i].rx.broken() || pair_[i].tx.queue().broken()) return true;
    return false;
}

/// Asks the device how it is. False: it is gone, or has been reset and started again if that could be done.
bool VirtioNet::healthy() {
    const Status health = transport_.health_at_work();
    if (health) return true;
    if (health.error() == Error::kDeviceGone)
        device_gone();
    else
        (void)restart(Error::kReset);
    return false;
}

void VirtioNet::check(hal::Instant now) {
    next_check_ = now + kCheckInterval;
    if (!healthy()) return;
    for (std::uint16_t i = 0; i < pairs_; ++i) {
        if (!pair_[i].tx.hangs(options_.tx_timeout)) continue;
        ++tx_hangs_;
        platform_.log(hal::LogLevel::kError, kName, "nothing is sent any more; resetting", in_flight());
        (void)restart(Error::kTimeout);
        return;
    }
    // Also where no interrupt told of it.
    if (transport_.config_generation() != generation_) look_at_config();
}

void VirtioNet::look_at_config() {
    generation_ = transport_.config_generation();
    const hal::Result<Config> config = read_config(transport_, features_);
    if (!config) {
        platform_.log(hal::LogLevel::kWarning, kName, "a new configuration makes no sense", 0);
        return;
    }
    ++counters_.config_changes;
    // Nothing else in there may change under a driver at work (§5.1.4).
    const LinkState now = link_of(*config, features_);
    if (now.up != link_.up)
        platform_.log(hal::LogLevel::kInfo, kName, now.up ? "link up" : "link down", now.megabits);
    link_ = now;
    if (!has(kFeatureGuestAnnounce) || (config->status & config::kStatusAnnounce) == 0) return;
    ++counters_.announcements;
    // Without room for it the frames that are in the way tell as much.
    if (link_.up) (void)pair_[0].tx.announce(info_.mac);
    (void)after_command(control_.acknowledge_announcement());
}

LinkState VirtioNet::link() {
    if (state_ != State::kRunning) return {};
    if (healthy()) look_at_config();
    return link_;
}

// Settings.

/// A command that was not answered leaves a device that must be reset.
Status VirtioNet::after_command(Status done) {
    if (done || !control_.failed()) return done;
    platform_.log(hal::LogLevel::kError, kName, "a command was not answered; resetting",
                  static_cast<std::uint64_t>(done.error()));
    if (const Status up = restart(Error::kReset); !up && up.error() == Error::kDeviceGone) return up;
    return done;
}

Status VirtioNet::set_promiscuous(bool on) {
    if (const Status can = running_with(kFeatureCtrlRx); !can) return can;
    const Status done = after_command(control_.set_promiscuous(on));
    if (done) promiscuous_ = on;
    return done;
}

Status VirtioNet::set_multicast(std::span<const MacAddress> addresses) {
    if (const Status can = running_with(kFeatureCtrlRx); !can) return can;
    for (const MacAddress& mac : addresses)
        if ((mac[0] & 1) == 0) return Error::kInvalidArgument;
    const bool all = addresses.size() > kMostGroups;
    const std::span<const MacAddress> groups = all ? std::span<const MacAddress>() : addresses;
    if (all != all_multicast_) {
        const Status done = after_command(control_.set_all_multicast(all));
        if (!done) return done;
        all_multicast_ = all;
    }
    const Status done = after_command(control_.set_mac_table(groups));
    if (!done) return done;
    group_count_ = groups.size();
    for (std::size_t i = 0; i < groups.size(); ++i) groups_[i] = groups[i];
    return done;
}

Status VirtioNet::set_mac(const MacAddress& mac) {
    if (!is_station_address(mac)) return Error::kInvalidArgument;
    if (const Status can = running_with(kFeatureCtrlMacAddress); !can) return can;
    const Status done = after_command(control_.set_mac(mac));
    if (!done) return done;
    info_.mac = mac;
    own_mac_ = true;
    return done;
}

Status VirtioNet::set_vlan(std::uint16_t vlan, bool on) {
    if (vlan > kMostVlan) return Error::kInvalidArgument;
    if (const Status can = running_with(kFeatureCtrlVlan); !can) return can;
    const Status done = after_command(control_.set_vlan(vlan, on));
    if (!done) return done;
    const std::uint32_t bit = std::uint32_t{1} << vlan % 32;
    std::uint32_t& word = vlans_[vlan / 32];
    word = on ? word | bit : word & ~bit;
    return done;
}

Status VirtioNet::set_receive_offload(bool on) {
    if (const Status can = running_with(kFeatureCtrlGuestOffloads); !can) return can;
    if (!has(kFeatureGuestCsum)) return Error::kUnsupported;
    const Status done = after_command(control_.set_guest_offloads(on ? kFeatureGuestCsum : 0));
    if (done) receive_offload_ = on;
    return done;
}

Statistics VirtioNet::statistics() {
    Statistics all;
    for (const Pair& pair : pair_) {
        all.rx_frames += pair.rx.frames();
        all.rx_bytes += pair.rx.bytes();
        all.rx_errors += pair.rx.errors();
        all.rx_missed += pair.rx.lost();
        all.tx_frames += pair.tx.sent_frames();
        all.tx_bytes += pair.tx.sent_bytes();
    }
    all.tx_hangs = tx_hangs_;
    return all;
}

}  // namespace tb::net
