// SPDX-License-Identifier: BSD-3-Clause
#include "block/virtio_blk.hpp"

#include "block/virtio_blk_layout.hpp"
#include "block/virtio_blk_regs.hpp"

namespace tb::block {

using namespace virtio_blk;
using hal::Error;
using virtio::InterruptMode;
using virtio::Interrupts;

namespace {

constexpr const char* kName = "virtio-blk";

/// Each holds a chain of full length; requests beyond find direct descriptors.
constexpr std::uint16_t kIndirectTables = 32;

constexpr std::uint64_t kWanted = kFeatureSizeMax | kFeatureSegMax | kFeatureReadOnly | kFeatureBlockSize |
                                  kFeatureFlush | kFeatureTopology | kFeatureConfigWce | kFeatureDiscard |
                                  kFeatureWriteZeroes | virtio::kFeatureAccessPlatform;

constexpr std::uint32_t queue_bit(std::uint16_t queue) {
    return std::uint32_t{1} << queue;
}

}  // namespace

hal::Status VirtioBlk::probe(const hal::Platform& platform, const pci::Function& function) {
    if (state_ == State::kRunning) return Error::kBusy;
    state_ = State::kUnprobed;
    platform_ = platform;
    const hal::Result<pci::Identity> identity = function.identify();
    if (!identity) return identity.error();
    if (identity->vendor != virtio::kVendor ||
        (identity->device != kModernDevice && identity->device != kTransitionalDevice))
        return Error::kAbsent;
    if (hal::Status found = transport_.probe(function); !found) return found;
    state_ = State::kProbed;
    return {};
}

hal::Status VirtioBlk::start(const Options& options) {
    if (state_ == State::kUnprobed) return Error::kNotStarted;
    if (state_ == State::kRunning) return Error::kBusy;
    options_ = options;
    counters_ = {};
    clear_slots();
    const hal::Status up = bring_up();
    state_ = up ? State::kRunning : State::kProbed;
    failure_ = Error::kNotStarted;
    return up;
}

hal::Status VirtioBlk::bring_up() {
    if (hal::Status reset = transport_.reset(); !reset) {
        // Whatever it still does, it does it without reaching memory.
        transport_.set_bus_master(false);
        return reset;
    }
    std::uint64_t wanted = kWanted;
    if (options_.queues > 1) wanted |= kFeatureMultiQueue;
    if (options_.indirect) wanted |= virtio::kFeatureIndirectDesc;
    if (options_.event_idx) wanted |= virtio::kFeatureEventIdx;
    if (options_.packed) wanted |= virtio::kFeatureRingPacked;
    const hal::Result<std::uint64_t> features = transport_.negotiate(wanted);
    if (!features) return features.error();
    features_ = *features;
    const hal::Status ready = set_up_queues();
    if (!ready) {
        // §3.1.1: a driver that gives up says so; the reset before the next attempt takes it back.
        transport_.fail();
        tear_down();
        return ready;
    }
    transport_.driver_ok();
    next_check_ = platform_.now() + kCheckInterval;
    if (interrupts_.mode() == InterruptMode::kPolled)
        for (std::uint16_t i = 0; i < queues_; ++i) rings_[i].disable_interrupts();
    return {};
}

hal::Status VirtioBlk::set_up_queues() {
    generation_ = transport_.config_generation();
    const hal::Result<Config> config = read_config(transport_, features_);
    if (!config) return config.error();
    hal::Result<Info> info = check_config(*config, features_);
    if (!info) return info.error();

    const std::uint16_t offered = transport_.queues();
    if (offered == 0) return Error::kProtocol;
    info->queues = info->queues < offered ? info->queues : offered;
    auto queues = static_cast<std::uint16_t>(info->queues < kMostQueues ? info->queues : kMostQueues);
    if (options_.queues < queues) queues = options_.queues < 1 ? std::uint16_t{1} : options_.queues;
    info->queues = queues;

    const bool packed = (features_ & virtio::kFeatureRingPacked) != 0;
    std::array<std::uint16_t, kMostQueues> entries{};
    std::uint16_t fewest = virtio::Virtqueue::kMostEntries;
    for (std::uint16_t i = 0; i < queues; ++i) {
        const hal::Result<std::uint16_t> size = transport_.queue_entries(i, packed);
        if (!size) return Error::kProtocol;
        entries[i] = *size;
        fewest = fewest < *size ? fewest : *size;
    }
    // Header, one piece of data, status: a chain may not be longer than the queue, in a table or not
    // (§2.7.5.3.1).
    if (fewest < 3) return Error::kUnsupported;
    for (const std::uint32_t limit : {std::uint32_t{fewest} - 2, std::uint32_t{kMostSegments}})
        info->max_segments = info->max_segments < limit ? info->max_segments : limit;
    info_ = *info;

    const hal::Result<hal::DmaMemory> headers =
        platform_.allocate_dma(kMostRequests * layout::kBytes, layout::kBytes);
    if (!headers) return headers.error();
    headers_ = *headers;
    if (hal::Result<InterruptMode> mode = interrupts_.attach(transport_, options_.interrupts, queues); !mode)
        return mode.error();
    virtio::Virtqueue::Options ring;
    ring.event_idx = (features_ & virtio::kFeatureEventIdx) != 0;
    ring.packed = packed;
    if ((features_ & virtio::kFeatureIndirectDesc) != 0) {
        ring.indirect_tables = kIndirectTables;
        ring.indirect_entries = static_cast<std::uint16_t>(info_.max_segments + 2);
    }
    transport_.set_bus_master(true);
    for (std::uint16_t i = 0; i < queues; ++i) {
        if (hal::Status made = rings_[i].create(platform_, entries[i], ring); !made) return made;
        queues_ = static_cast<std::uint16_t>(i + 1);
        if (hal::Status enabled = transport_.enable_queue(i, rings_[i]); !enabled) return enabled;
    }
    return {};
}

void VirtioBlk::tear_down() {
    interrupts_.detach();
    // Behind everything that reads the command register and writes it back: a device that has lost an earlier
    // write would be let reach memory again.
    transport_.set_bus_master(false);
    for (std::uint16_t i = 0; i < queues_; ++i) rings_[i].destroy();
    queues_ = 0;
    platform_.free_dma(headers_);
}

hal::Status VirtioBlk::quiesce() {
    const hal::Status reset = transport_.reset();
    // Memory is given back next: a device that did not confirm must not reach it.
    if (!reset) transport_.set_bus_master(false);
    return reset;
}

hal::Status VirtioBlk::stop() {
    if (state_ == State::kUnprobed || state_ == State::kProbed) return Error::kNotStarted;
    const bool was_running = state_ == State::kRunning;
    const hal::Status reset = was_running ? quiesce() : hal::Status{};
    finish_all(Error::kReset, Error::kReset);
    if (was_running) tear_down();
    state_ = State::kProbed;
    failure_ = Error::kNotStarted;
    return reset;
}

hal::Status VirtioBlk::recover() {
    if (state_ == State::kUnprobed || state_ == State::kProbed) return Error::kNotStarted;
    return restart(Error::kReset, Error::kReset);
}

hal::Status VirtioBlk::restart(Error guilty, Error others) {
    ++counters_.resets;
    if (state_ == State::kRunning) {
        const hal::Status reset = quiesce();
        if (!reset && reset.error() == Error::kDeviceGone) {
            device_gone();
            return Error::kDeviceGone;
        }
        finish_all(guilty, others);
        tear_down();
    }
    const hal::Status up = bring_up();
    if (up) {
        state_ = State::kRunning;
        return up;
    }
    state_ = up.error() == Error::kDeviceGone ? State::kGone : State::kFailed;
    failure_ = up.error();
    platform_.log(hal::LogLevel::kError, kName, "the device does not come back", 0);
    return up;
}

void VirtioBlk::device_gone() {
    platform_.log(hal::LogLevel::kError, kName, "the device is gone", in_flight_);
    finish_all(Error::kDeviceGone, Error::kDeviceGone);
    tear_down();
    state_ = State::kGone;
    failure_ = Error::kDeviceGone;
}

unsigned VirtioBlk::poll(unsigned budget) {
    if (state_ != State::kRunning) return 0;
    for (std::uint16_t queue = 0; queue < queues_; ++queue) rings_[queue].kick();
    const std::uint16_t flying = in_flight_;
    const bool polled = interrupts_.mode() == InterruptMode::kPolled;
    const std::uint32_t marks = interrupts_.take();
    unsigned finished = drain_all(polled ? ~std::uint32_t{0} : marks, budget);
    if ((marks & (Interrupts::kConfig | Interrupts::kGone)) != 0) {
        const hal::Status health = transport_.health();
        if (!health) {
            if (health.error() == Error::kDeviceGone)
                device_gone();
            else
                (void)restart(Error::kReset, Error::kReset);
            return flying;
        }
        if ((marks & Interrupts::kConfig) != 0) refresh_config();
    }
    if (any_broken()) {
        platform_.log(hal::LogLevel::kError, kName, "the device broke the rules of the ring", in_flight_);
        (void)restart(Error::kProtocol, Error::kReset);
        return flying;
    }
    if (in_flight_ == 0 && !polled) return finished;
    const hal::Instant now = platform_.now();
    if (now >= next_check_ || (in_flight_ != 0 && slots_[flying_.first].deadline <= now))
        finished += check(now, budget - finished);
    return finished;
}

unsigned VirtioBlk::check(hal::Instant now, unsigned budget) {
    next_check_ = now + kCheckInterval;
    const std::uint16_t flying = in_flight_;
    const hal::Status health = transport_.health();
    if (!health && health.error() == Error::kDeviceGone) {
        device_gone();
        return flying;
    }
    // What is finished is finished, even when nobody said so or the device is no more to be relied on.
    const unsigned found = drain_all(~std::uint32_t{0}, budget);
    if (found != 0 && interrupts_.mode() != InterruptMode::kPolled && !interrupts_.pending())
        ++counters_.lost_interrupts;
    if (!health) {
        (void)restart(Error::kReset, Error::kReset);
        return flying;
    }
    if (any_broken()) {
        (void)restart(Error::kProtocol, Error::kReset);
        return flying;
    }
    if (interrupts_.mode() == InterruptMode::kPolled && transport_.config_generation() != generation_)
        refresh_config();
    // With the budget used up there may be more that is finished: looked at before anything is called late.
    if (in_flight_ != 0 && slots_[flying_.first].deadline <= now && found < budget) {
        platform_.log(hal::LogLevel::kWarning, kName, "a request timed out, resetting the device",
                      in_flight_);
        (void)restart(Error::kTimeout, Error::kReset);
        return flying;
    }
    return found;
}

unsigned VirtioBlk::drain_all(std::uint32_t queues, unsigned budget) {
    unsigned finished = 0;
    for (std::uint16_t i = 0; i < queues_; ++i)
        if ((queues & queue_bit(i)) != 0) finished += drain(i, budget - finished);
    return finished;
}

unsigned VirtioBlk::drain(std::uint16_t queue, unsigned budget) {
    virtio::Virtqueue& ring = rings_[queue];
    const bool interrupts = interrupts_.mode() != InterruptMode::kPolled;
    unsigned finished = 0;
    // Each round pops at least one, so the budget bounds the rounds.
    do {
        if (interrupts) ring.disable_interrupts();
        while (finished < budget) {
            const hal::Result<virtio::Used> used = ring.pop();
            if (!used) break;
            finish(used->cookie, used->bytes);
            ++finished;
        }
        if (finished >= budget) {
            if (interrupts) interrupts_.mark(queue_bit(queue));
            break;
        }
    } while (interrupts && ring.enable_interrupts());
    return finished;
}

bool VirtioBlk::any_broken() const {
    for (std::uint16_t i = 0; i < queues_; ++i)
        if (rings_[i].broken()) return true;
    return false;
}

void VirtioBlk::refresh_config() {
    generation_ = transport_.config_generation();
    const hal::Result<Config> config = read_config(transport_, features_);
    const hal::Result<Info> info =
        config ? check_config(*config, features_) : hal::Result<Info>(config.error());
    if (!info) {
        platform_.log(hal::LogLevel::kWarning, kName, "a new configuration makes no sense, the old one stays",
                      0);
        // But nothing is asked for beyond the end that it names (§5.2.6.1).
        const std::uint64_t per_block = info_.logical_block_size / kSectorSize;
        if (config && config->capacity < info_.sectors) info_.sectors = config->capacity & ~(per_block - 1);
        return;
    }
    ++counters_.config_changes;
    // What else is in there cannot change (§5.2.4). Requests in flight beyond a new end are the device's to
    // refuse.
    info_.sectors = info->sectors;
    info_.write_cache = info->write_cache;
}

hal::Status VirtioBlk::set_write_cache(bool on) {
    if (state_ != State::kRunning) return failure_;
    if ((features_ & kFeatureConfigWce) == 0) return Error::kUnsupported;
    transport_.write_config<std::uint8_t>(config::kWriteback, on ? 1 : 0);
    const auto held = transport_.read_config<std::uint8_t>(config::kWriteback);
    if (held == 0xff) return Error::kDeviceGone;
    info_.write_cache = held != 0;
    return info_.write_cache == on ? hal::Status{} : hal::Status(Error::kDeviceError);
}

}  // namespace tb::block
