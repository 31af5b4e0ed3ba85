// SPDX-License-Identifier: BSD-3-Clause
// virtio-net: from a device that was found to one that works, and back (VIRTIO 1.2 §3.1.1, §5.1.5).
#include "net/virtio_net.hpp"
#include "net/virtio_net_regs.hpp"

namespace tb::net {

using namespace virtio_net;
using hal::Error;
using virtio::InterruptMode;

namespace {

constexpr const char* kName = "virtio-net";

constexpr std::uint32_t kStandardFrame = 1514;
constexpr std::uint32_t kMostFrame = 65535 + kEthernetHeaderBytes;
constexpr std::uint32_t kBufferAlignment = 64;
/// A standard frame with tag and header fits, as §5.1.6.3.1 wants it.
constexpr std::uint32_t kStandardBuffer = 1536;
constexpr std::uint16_t kControlBehindOnePair = 2;

constexpr std::uint32_t align_up(std::uint32_t value) {
    return (value + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

}  // namespace

hal::Status VirtioNet::probe(const hal::Platform& platform, const pci::Function& function) {
    if (state_ == State::kRunning) return Error::kBusy;
    state_ = State::kUnprobed;
    platform_ = platform;
    own_mac_ = false;
    const hal::Result<pci::Identity> identity = function.identify();
    if (!identity) return identity.error();
    if (identity->vendor != virtio::kVendor ||
        (identity->device != kModernDevice && identity->device != kTransitionalDevice))
        return Error::kAbsent;
    if (hal::Status found = transport_.probe(function); !found) return found;
    state_ = State::kProbed;
    return {};
}

hal::Status VirtioNet::check(const Options& options) {
    if (options.pairs == 0 || options.rx_buffers == 0 || options.rx_buffers > RxRing::kMostBuffers)
        return Error::kInvalidArgument;
    if (options.rx_buffer_bytes % kBufferAlignment != 0 || options.rx_buffer_bytes > align_up(kMostFrame))
        return Error::kInvalidArgument;
    if (options.max_frame != 0 && (options.max_frame < kStandardFrame || options.max_frame > kMostFrame))
        return Error::kInvalidArgument;
    return {};
}

hal::Status VirtioNet::start(const Options& options) {
    if (state_ == State::kUnprobed) return Error::kNotStarted;
    if (state_ == State::kRunning) return Error::kBusy;
    if (hal::Status valid = check(options); !valid) return valid;
    options_ = options;
    counters_ = {};
    tx_hangs_ = 0;
    promiscuous_ = options.promiscuous;
    all_multicast_ = false;
    receive_offload_ = true;
    group_count_ = 0;
    for (std::uint32_t& word : vlans_) word = 0;
    // Frames without a VLAN of their own, but with a priority, are VLAN 0's.
    vlans_[0] = 1;
    for (Pair& pair : pair_) {
        pair.rx.clear_counters();
        pair.tx.clear_counters();
    }
    const hal::Status up = bring_up();
    state_ = up ? State::kRunning : State::kProbed;
    failure_ = Error::kNotStarted;
    return up;
}

std::uint64_t VirtioNet::wanted_features() const {
    std::uint64_t wanted = kFeatureMac | kFeatureStatus | kFeatureMtu | kFeatureSpeedDuplex |
                           kFeatureCtrlQueue | kFeatureCtrlRx | kFeatureCtrlMacAddress |
                           kFeatureGuestAnnounce | virtio::kFeatureAccessPlatform;
    if (options_.mergeable) wanted |= kFeatureMergeableBuffers;
    if (options_.offloads)
        wanted |= kFeatureCsum | kFeatureGuestCsum | kFeatureHostTso4 | kFeatureHostTso6 | kFeatureHostEcn |
                  kFeatureGuestHeaderLength | kFeatureCtrlGuestOffloads;
    if (options_.vlan_filter) wanted |= kFeatureCtrlVlan;
    if (options_.pairs > 1) wanted |= kFeatureMultiQueue;
    if (options_.indirect) wanted |= virtio::kFeatureIndirectDesc;
    if (options_.event_idx) wanted |= virtio::kFeatureEventIdx;
    if (options_.packed) wanted |= virtio::kFeatureRingPacked;
    return wanted;
}

hal::Status VirtioNet::negotiate() {
    const std::uint64_t wanted = wanted_features();
    hal::Result<std::uint64_t> accepted = transport_.negotiate(wanted);
    if (!accepted) return accepted.error();
    const std::uint64_t sound = choose_features(*accepted, wanted) | virtio::kFeatureVersion1;
    if (sound != *accepted) {
        // It offers what requires a feature that it does not offer (§2.2.2). Once more, without that.
        if (hal::Status reset = transport_.reset(); !reset) return reset;
        accepted = transport_.negotiate(wanted & ~(*accepted & ~sound));
        if (!accepted) return accepted.error();
        if ((choose_features(*accepted, wanted) | virtio::kFeatureVersion1) != *accepted) {
            transport_.fail();
            return Error::kProtocol;
        }
    }
    features_ = *accepted;
    return {};
}

hal::Status VirtioNet::bring_up() {
    if (hal::Status reset = transport_.reset(); !reset) {
        // Whatever it still does, it does it without reaching memory.
        transport_.set_bus_master(false);
        return reset;
    }
    if (hal::Status agreed = negotiate(); !agreed) return agreed;
    const hal::Status ready = set_up_queues();
    if (!ready) {
        // §3.1.1: a driver that gives up says so; the reset before the next attempt takes it back.
        transport_.fail();
        tear_down();
        return ready;
    }
    transport_.driver_ok();
    next_check_ = platform_.now() + kCheckInterval;
    for (std::uint16_t i = 0; i < pairs_; ++i) pair_[i].rx.publish();
    const hal::Status told = configure();
    if (told) return told;
    (void)quiesce();
    abort_all(Error::kReset);
    tear_down();
    return told;
}

/// Decides how many queue pairs and buffers there are.
hal::Status VirtioNet::size_up(const Config& config) {
    if (hal::Status sound = check_config(config, features_); !sound) return sound;
    most_pairs_ = has(kFeatureMultiQueue) ? config.max_virtqueue_pairs : std::uint16_t{1};
    link_ = link_of(config, features_);
    const MacAddress mac = info_.mac;
    info_ = {};
    info_.mac = mac;
    if (!own_mac_) {
        const hal::PciAddress where = transport_.function().config().address();
        // §5.1.4.2: a locally administered one where the device has none.
        info_.mac = {0x02, 0x54,      0x42,
                     0,    where.bus, static_cast<std::uint8_t>(where.device << 3 | where.function)};
        if (has(kFeatureMac)) info_.mac = config.mac;
    }
    info_.tx_checksum = has(kFeatureCsum);
    info_.tx_segmentation = has(kFeatureHostTso4);
    info_.max_fragments = TxRing::kMaxFragments;
    info_.max_frame = options_.max_frame != 0 ? options_.max_frame : kStandardFrame;
    // §5.1.4.2: nothing longer is sent, and there is room for what long is.
    if (has(kFeatureMtu)) info_.max_frame = config.mtu + kEthernetHeaderBytes;
    const std::uint32_t longest = info_.max_frame + kVlanTagBytes;
    rx_buffers_ = options_.rx_buffers;
    rx_buffer_bytes_ = options_.rx_buffer_bytes != 0 ? options_.rx_buffer_bytes : kStandardBuffer;
    const std::uint32_t alone = align_up(longest + header::kBytes);
    if (!has(kFeatureMergeableBuffers) && rx_buffer_bytes_ < alone) rx_buffer_bytes_ = alone;
    return {};
}

hal::Status VirtioNet::set_up_queues() {
    generation_ = transport_.config_generation();
    const hal::Result<Config> config = read_config(transport_, features_);
    if (!config) return config.error();
    if (hal::Status sized = size_up(*config); !sized) return sized;

    std::uint16_t pairs = options_.pairs < kMostPairs ? options_.pairs : kMostPairs;
    if (most_pairs_ < pairs) pairs = most_pairs_;
    // §5.1.2: the control queue is behind all pairs that the device has.
    const auto control =
        has(kFeatureMultiQueue) ? static_cast<std::uint16_t>(2U * most_pairs_) : kControlBehindOnePair;
    const std::uint16_t queues = transport_.queues();
    if (queues < 2 * pairs || (has(kFeatureCtrlQueue) && queues <= control)) return Error::kProtocol;

    const hal::Result<InterruptMode> mode = interrupts_.attach(transport_, options_.interrupts, 2U * pairs);
    if (!mode) return mode.error();
    transport_.set_bus_master(true);
    for (std::uint16_t i = 0; i < pairs; ++i)
        if (hal::Status made = set_up_pair(i); !made) return made;
    if (!has(kFeatureCtrlQueue)) return {};
    const hal::Result<std::uint16_t> entries =
        transport_.queue_entries(control, has(virtio::kFeatureRingPacked));
    if (!entries) return Error::kProtocol;
    // Class, data and answer.
    if (*entries < 4) return Error::kUnsupported;
    virtio::Virtqueue::Options ring;
    ring.event_idx = has(virtio::kFeatureEventIdx);
    ring.packed = has(virtio::kFeatureRingPacked);
    if (hal::Status made = control_.create(platform_, *entries, ring); !made) return made;
    return transport_.enable_queue(control, control_.queue());
}

hal::Status VirtioNet::set_up_pair(std::uint16_t index) {
    const auto rx_queue = static_cast<std::uint16_t>(2 * index);
    const auto tx_queue = static_cast<std::uint16_t>(2 * index + 1);
    const bool packed = has(virtio::kFeatureRingPacked);
    const hal::Result<std::uint16_t> rx_entries = transport_.queue_entries(rx_queue, packed);
    const hal::Result<std::uint16_t> tx_entries = transport_.queue_entries(tx_queue, packed);
    if (!rx_entries || !tx_entries) return Error::kProtocol;
    // A header and one fragment.
    if (*tx_entries < 2) return Error::kUnsupported;
    Pair& pair = pair_[index];
    pair.rx_masked = false;
    pair.tx_awaited = false;
    pairs_ = static_cast<std::uint16_t>(index + 1);

    RxRing::Config rx;
    rx.max_frame = info_.max_frame + kVlanTagBytes;
    rx.buffer_bytes = rx_buffer_bytes_;
    rx.buffers = rx_buffers_ < *rx_entries ? rx_buffers_ : *rx_entries;
    rx.mergeable = has(kFeatureMergeableBuffers);
    rx.checksum = has(kFeatureGuestCsum);
    rx.event_idx = has(virtio::kFeatureEventIdx);
    rx.packed = packed;
    // §5.1.4.2: room for one frame at least.
    if (std::uint64_t{rx.buffers} * rx.buffer_bytes < rx.max_frame + header::kBytes)
        return Error::kInvalidArgument;
    if (hal::Status made = pair.rx.create(platform_, *rx_entries, rx); !made) return made;
    if (interrupts_.mode() == InterruptMode::kPolled) pair.rx.queue().disable_interrupts();
    if (hal::Status enabled = transport_.enable_queue(rx_queue, pair.rx.queue()); !enabled) return enabled;
    pair.rx.fill();

    TxRing::Config tx;
    tx.max_frame = info_.max_frame;
    tx.checksum = has(kFeatureCsum);
    tx.tso4 = has(kFeatureHostTso4);
    tx.tso6 = has(kFeatureHostTso6);
    tx.ecn = has(kFeatureHostEcn);
    tx.event_idx = has(virtio::kFeatureEventIdx);
    tx.packed = packed;
    tx.indirect = has(virtio::kFeatureIndirectDesc);
    if (hal::Status made = pair.tx.create(platform_, *tx_entries, tx); !made) return made;
    return transport_.enable_queue(tx_queue, pair.tx.queue());
}

hal::Status VirtioNet::configure() {
    if (pairs_ > 1)
        if (hal::Status set = control_.set_pairs(pairs_); !set) return set;
    if (hal::Status set = configure_filters(); !set) return set;
    if (own_mac_ && has(kFeatureCtrlMacAddress))
        if (hal::Status set = control_.set_mac(info_.mac); !set) return set;
    if (!receive_offload_ && has(kFeatureCtrlGuestOffloads) && has(kFeatureGuestCsum))
        if (hal::Status set = control_.set_guest_offloads(0); !set) return set;
    return {};
}

hal::Status VirtioNet::configure_filters() {
    if (has(kFeatureCtrlRx)) {
        // A device may let everything in until it is told.
        if (hal::Status set = control_.set_promiscuous(promiscuous_); !set) return set;
        if (all_multicast_)
            if (hal::Status set = control_.set_all_multicast(true); !set) return set;
        if (group_count_ != 0)
            if (hal::Status set = control_.set_mac_table({groups_.data(), group_count_}); !set) return set;
    }
    if (!has(kFeatureCtrlVlan)) return {};
    for (std::size_t vlan = 0; vlan < 32 * vlans_.size(); ++vlan)
        if ((vlans_[vlan / 32] >> vlan % 32 & 1) != 0)
            if (hal::Status set = control_.set_vlan(static_cast<std::uint16_t>(vlan), true); !set) return set;
    return {};
}

void VirtioNet::tear_down() {
    interrupts_.detach();
    // Behind everything that reads the command register and writes it back: a device that has lost an earlier
    // write would be let reach memory again.
    transport_.set_bus_master(false);
    for (std::uint16_t i = 0; i < pairs_; ++i) {
        pair_[i].rx.destroy();
        pair_[i].tx.destroy();
    }
    pairs_ = 0;
    control_.destroy();
}

hal::Status VirtioNet::quiesce() {
    const hal::Status reset = transport_.reset();
    // Memory is given back next: a device that did not confirm must not reach it.
    if (!reset) transport_.set_bus_master(false);
    return reset;
}

void VirtioNet::abort_all(Error why) {
    for (std::uint16_t i = 0; i < pairs_; ++i) pair_[i].tx.abort(why);
}

hal::Status VirtioNet::stop() {
    if (state_ == State::kUnprobed || state_ == State::kProbed) return Error::kNotStarted;
    const bool was_running = state_ == State::kRunning;
    const hal::Status reset = was_running ? quiesce() : hal::Status{};
    if (was_running) {
        abort_all(Error::kReset);
        tear_down();
    }
    state_ = State::kProbed;
    failure_ = Error::kNotStarted;
    link_ = {};
    return reset;
}

hal::Status VirtioNet::recover() {
    if (state_ == State::kUnprobed || state_ == State::kProbed) return Error::kNotStarted;
    return restart(Error::kReset);
}

hal::Status VirtioNet::restart(Error guilty) {
    ++counters_.resets;
    if (state_ == State::kRunning) {
        const hal::Status reset = quiesce();
        if (!reset && reset.error() == Error::kDeviceGone) {
            device_gone();
            return Error::kDeviceGone;
        }
        abort_all(guilty);
        tear_down();
    }
    const hal::Status up = bring_up();
    if (up) {
        state_ = State::kRunning;
        return up;
    }
    state_ = up.error() == Error::kDeviceGone ? State::kGone : State::kFailed;
    failure_ = up.error();
    link_ = {};
    platform_.log(hal::LogLevel::kError, kName, "the device does not come back", 0);
    return up;
}

void VirtioNet::device_gone() {
    platform_.log(hal::LogLevel::kError, kName, "the device is gone", in_flight());
    abort_all(Error::kDeviceGone);
    tear_down();
    state_ = State::kGone;
    failure_ = Error::kDeviceGone;
    link_ = {};
}

}  // namespace tb::net
