// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "block/block_device.hpp"
#include "block/request_list.hpp"
#include "block/virtio_blk_config.hpp"
#include "virtio/interrupts.hpp"
#include "virtio/pci_transport.hpp"
#include "virtio/virtqueue.hpp"

namespace tb::block {

/// virtio-blk over modern virtio-pci (VIRTIO 1.2 §5.2), without heap.
///
/// Whatever the device does, each request ends once: as the device said, with kProtocol when it said
/// nonsense, with kTimeout past its deadline, with kReset when the device was reset under it, with
/// kDeviceGone when it was pulled. After a timeout, nonsense in a ring or DEVICE_NEEDS_RESET the driver
/// resets the device and starts it again.
///
/// One context at a time calls it; interrupt handlers only mark work for poll().
class VirtioBlk final : public BlockDevice {
  public:
    static constexpr unsigned kMostQueues = 4;
    /// Requests that are in flight or whose completion was not taken, over all queues.
    static constexpr std::uint16_t kMostRequests = 256;
    /// Data segments of one request.
    static constexpr unsigned kMostSegments = 126;
    /// Data segments of all requests.
    static constexpr std::uint16_t kMostMappings = 1024;
    /// How often poll() asks the device how it is while it owes something: bounds the time that a removal, a
    /// lost interrupt or a call for reset goes unnoticed. Without interrupts, configuration changes are found
    /// this way too.
    static constexpr hal::Duration kCheckInterval = hal::milliseconds(10);

    struct Options {
        virtio::InterruptMode interrupts = virtio::InterruptMode::kMsix;  ///< or INTx
        std::uint16_t queues = 1;  ///< as many of them as the device has
        bool indirect = true;      ///< use indirect descriptors where the device can
        bool event_idx = true;     ///< use event indices where the device can
        bool packed = false;       ///< use packed rings where the device can
        hal::Duration request_timeout = hal::seconds(5);
    };

    VirtioBlk() = default;
    VirtioBlk(const VirtioBlk&) = delete;
    VirtioBlk& operator=(const VirtioBlk&) = delete;

    /// Finds the device's structures; kAbsent when the function is no virtio block device, else as
    /// virtio::PciTransport::probe. Touches none of its virtio registers.
    hal::Status probe(const hal::Platform& platform, const pci::Function& function);

    /// Resets the device, negotiates, and takes it into use. On an error nothing is left allocated, attached
    /// or on the bus, and start may be tried again.
    hal::Status start(const Options& options);
    hal::Status start() { return start(Options{}); }

    /// Resets the device and gives everything back. Requests in flight end with kReset; their completions can
    /// still be taken. kTimeout when the device did not confirm the reset: it was cut off from the bus
    /// instead.
    hal::Status stop();

    /// What a line-based interrupt does; attached handlers come here by themselves.
    void on_interrupt() { interrupts_.acknowledge(); }
    /// Whether an interrupt has left work for poll().
    bool work_pending() const { return interrupts_.pending(); }

    const Info& info() const override { return info_; }
    hal::Result<Token> submit(const Request& request) override;
    unsigned poll(unsigned budget) override;
    std::optional<Completion> next_completion() override;
    hal::Status set_write_cache(bool on) override;
    hal::Status recover() override;

    bool running() const { return state_ == State::kRunning; }
    virtio::InterruptMode interrupt_mode() const { return interrupts_.mode(); }
    unsigned msix_vectors() const { return interrupts_.vectors(); }
    /// Feature bits that the device offered and that were accepted.
    std::uint64_t offered_features() const { return transport_.offered(); }
    std::uint64_t features() const { return features_; }
    std::uint16_t in_flight() const { return in_flight_; }

    struct Counters {
        std::uint32_t resets = 0;           ///< restarts after an error or by recover()
        std::uint32_t config_changes = 0;   ///< times the configuration was read anew
        std::uint32_t lost_interrupts = 0;  ///< times that finished requests were found without one
    };
    const Counters& counters() const { return counters_; }

  private:
    enum class State : std::uint8_t { kUnprobed, kProbed, kRunning, kFailed, kGone };
    using List = block::RequestList;
    static constexpr std::uint16_t kNone = List::kNone;

    /// One request from submit() to next_completion(). Slots hang in one list at a time: free, in flight, or
    /// done.
    struct Slot {
        hal::Instant deadline;
        Completion completion;
        std::uint32_t data_bytes = 0;  ///< that the device may write
        std::uint16_t generation = 0;
        std::uint16_t mappings = kNone;  ///< the first of them
        std::uint16_t previous = kNone;
        std::uint16_t next = kNone;
        std::uint16_t queue = 0;
    };
    struct Mapping {
        hal::DmaMapping dma;
        std::uint16_t next = kNone;
    };
    /// A checked request: what goes into the header, and how the data moves.
    struct Plan {
        std::uint32_t type = 0;
        std::uint64_t sector = 0;
        std::uint64_t data_bytes = 0;
        bool device_writes = false;
        bool has_range = false;
        bool unmap = false;
    };

    hal::Status bring_up();
    hal::Status set_up_queues();
    void tear_down();
    hal::Status quiesce();
    hal::Status restart(hal::Error guilty, hal::Error others);
    void device_gone();

    hal::Result<Plan> plan(const Request& request) const;
    hal::Status check_range(std::uint64_t sector, std::uint64_t sectors) const;
    hal::Result<std::uint32_t> map_data(Slot& slot, const Request& request, bool device_writes);
    void unmap_data(Slot& slot);
    void write_header(std::uint16_t slot, const Plan& plan, const Request& request);
    hal::Status add_to_queue(std::uint16_t slot, const Plan& plan, std::uint32_t pieces);

    unsigned drain(std::uint16_t queue, unsigned budget);
    unsigned drain_all(std::uint32_t queues, unsigned budget);
    bool any_broken() const;
    void finish(std::uint16_t slot, std::uint32_t bytes);
    void complete(std::uint16_t slot, hal::Status status, std::uint32_t bytes);
    void finish_all(hal::Error guilty, hal::Error others);
    unsigned check(hal::Instant now, unsigned budget);
    void refresh_config();

    void append(List& list, std::uint16_t slot);
    void remove(List& list, std::uint16_t slot);
    void clear_slots();

    hal::Platform platform_;
    virtio::PciTransport transport_;
    virtio::Interrupts interrupts_;
    Options options_;
    Info info_;
    Counters counters_;
    std::uint64_t features_ = 0;
    hal::Instant next_check_;
    hal::DmaMemory headers_;
    State state_ = State::kUnprobed;
    hal::Error failure_ = hal::Error::kNotStarted;
    std::uint16_t queues_ = 0;
    std::uint16_t in_flight_ = 0;
    std::uint8_t generation_ = 0;  ///< of the configuration, as last read
    List free_;
    List flying_;  ///< oldest first, and so by deadline
    List done_;
    std::uint16_t free_mapping_ = kNone;  ///< the first that was given back
    std::uint16_t fresh_mapping_ = 0;     ///< from here on none was used
    std::array<virtio::Virtqueue, kMostQueues> rings_{};
    std::array<Slot, kMostRequests> slots_{};
    std::array<Mapping, kMostMappings> mappings_{};
    /// The chain under construction: header, data, status.
    std::array<virtio::Segment, kMostSegments + 2> chain_{};
};

}  // namespace tb::block
