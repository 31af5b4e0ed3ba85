// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "net/net_device.hpp"
#include "net/virtio_net_config.hpp"
#include "net/virtio_net_control.hpp"
#include "net/virtio_net_rx.hpp"
#include "net/virtio_net_tx.hpp"
#include "virtio/interrupts.hpp"
#include "virtio/pci_transport.hpp"

namespace tb::net {

/// virtio-net over modern virtio-pci (VIRTIO 1.2 §5.1) with split queues, without heap.
///
/// Whatever the device does, each frame that was sent ends once: as the device said, with kTimeout when it
/// finished none in time, with kProtocol when it broke a rule, with kReset when it was reset under it, with
/// kDeviceGone when it was pulled. After all but the first and the last the driver has reset the device and
/// started it again, with all that it had been told: address, filters, VLANs, offloads.
///
/// What frames ask of the device (Offload): TCP and UDP checksums and TCP segmentation, where they were
/// negotiated. The field of the checksum then holds the sum of the pseudo header, with the length of the
/// whole packet; for segmentation the IP header is that of the whole packet too. It inserts no IPv4 header
/// checksum and no tag.
///
/// One context at a time calls it; interrupt handlers only mark work for poll(). Large (some 200 KiB): place
/// it statically.
class VirtioNet final : public NetDevice {
  public:
    static constexpr std::uint16_t kMostPairs = 4;
    static constexpr std::size_t kMostGroups = virtio_net::ControlQueue::kMostGroups;
    /// How often poll() asks the device how it is: bounds the time that a removal, a reset behind our back or
    /// a change of the configuration that no interrupt told of goes unnoticed.
    static constexpr hal::Duration kCheckInterval = hal::milliseconds(10);

    struct Options {
        virtio::InterruptMode interrupts = virtio::InterruptMode::kMsix;  ///< or INTx
        std::uint16_t pairs = 1;   ///< queue pairs, as many of them as the device has
        bool indirect = true;      ///< use indirect descriptors where the device can
        bool event_idx = true;     ///< use event indices where the device can
        bool mergeable = true;     ///< take frames in several buffers where the device can
        bool offloads = true;      ///< let the device do checksums and segmentation where it can
        bool vlan_filter = false;  ///< only VLAN 0 and those that were added, where the device can
        bool promiscuous = false;
        std::uint16_t rx_buffers = 64;      ///< for each queue, 1 to 256, as many of them as it has entries
        std::uint32_t rx_buffer_bytes = 0;  ///< 0: what is best; else a multiple of 64, for mergeable ones
        std::uint32_t max_frame = 0;        ///< bytes without FCS, for a device without an mtu; 0: 1514
        hal::Duration tx_timeout = hal::seconds(5);
    };

    VirtioNet() = default;
    VirtioNet(const VirtioNet&) = delete;
    VirtioNet& operator=(const VirtioNet&) = delete;

    /// Finds the device's structures; kAbsent when the function is no virtio network device, else as
    /// virtio::PciTransport::probe. Touches none of its virtio registers.
    hal::Status probe(const hal::Platform& platform, const pci::Function& function);

    /// Resets the device, negotiates, and takes it into use. kInvalidArgument for options out of range. On an
    /// error nothing is left allocated, attached or on the bus, and start may be tried again.
    hal::Status start(const Options& options);
    hal::Status start() { return start(Options{}); }

    /// Resets the device and gives everything back. Frames in flight end with kReset; their completions can
    /// still be taken. kTimeout when the device did not confirm the reset: it was cut off from the bus
    /// instead.
    hal::Status stop();

    /// What a line-based interrupt does; attached handlers come here by themselves.
    void on_interrupt() { interrupts_.acknowledge(); }
    /// Whether an interrupt, or a budget that was used up, has left work for poll().
    bool work_pending() const { return interrupts_.pending(); }

    const Info& info() const override { return info_; }
    /// Reads the device.
    LinkState link() override;
    hal::Result<Token> send(const TxFrame& frame) override;
    std::optional<TxCompletion> next_sent() override;
    hal::Result<RxFrame> receive(std::span<std::byte> buffer) override;
    /// Looks at all queues in any case, so a lost interrupt delays but loses nothing.
    unsigned poll(unsigned budget) override;
    /// As the two that follow: kUnsupported when the device cannot filter (it then lets everything in).
    hal::Status set_promiscuous(bool on) override;
    /// Beyond kMostGroups the device is asked for all groups. kInvalidArgument, and nothing is changed, when
    /// one of them is not a group's address.
    hal::Status set_multicast(std::span<const MacAddress> addresses) override;
    hal::Status set_mac(const MacAddress& mac) override;
    Statistics statistics() override;

    /// 0..4095. kUnsupported unless started with vlan_filter, and the device can.
    hal::Status set_vlan(std::uint16_t vlan, bool on);
    /// Whether the device may hand over frames whose checksum it has not filled in, or has checked.
    /// kUnsupported when that was not negotiated.
    hal::Status set_receive_offload(bool on);
    /// Resets and configures anew: frames in flight complete with kReset, frames not taken are lost, settings
    /// stay.
    hal::Status recover();

    bool running() const { return state_ == State::kRunning; }
    virtio::InterruptMode interrupt_mode() const { return interrupts_.mode(); }
    unsigned msix_vectors() const { return interrupts_.vectors(); }
    /// Feature bits that the device offered and that were accepted.
    std::uint64_t offered_features() const { return transport_.offered(); }
    std::uint64_t features() const { return features_; }
    std::uint16_t pairs() const { return pairs_; }
    unsigned in_flight() const;

    struct Counters {
        std::uint32_t resets = 0;          ///< restarts after an error or by recover()
        std::uint32_t config_changes = 0;  ///< times the configuration was read anew
        std::uint32_t announcements = 0;   ///< times the device asked to be announced
    };
    const Counters& counters() const { return counters_; }

  private:
    enum class State : std::uint8_t { kUnprobed, kProbed, kRunning, kFailed, kGone };

    struct Pair {
        virtio_net::RxRing rx;
        virtio_net::TxRing tx;
        bool rx_masked = false;   ///< interrupts of rx are off until it is empty
        bool tx_awaited = false;  ///< a frame found no room: an interrupt is to tell of it
    };

    static hal::Status check(const Options& options);
    std::uint64_t wanted_features() const;
    hal::Status bring_up();
    hal::Status negotiate();
    hal::Status size_up(const virtio_net::Config& config);
    hal::Status set_up_queues();
    hal::Status set_up_pair(std::uint16_t index);
    hal::Status configure();
    hal::Status configure_filters();
    void tear_down();
    hal::Status quiesce();
    hal::Status restart(hal::Error guilty);
    void abort_all(hal::Error why);
    void device_gone();
    hal::Status after_command(hal::Status done);
    hal::Status running_with(std::uint64_t feature) const;

    unsigned drain_rx(std::uint16_t index, unsigned budget);
    unsigned drain_tx(std::uint16_t index, unsigned budget);
    bool any_broken() const;
    bool healthy();
    void check(hal::Instant now);
    void look_at_config();
    std::uint16_t pair_of(const TxFrame& frame) const;
    bool has(std::uint64_t feature) const { return (features_ & feature) != 0; }

    hal::Platform platform_;
    virtio::PciTransport transport_;
    virtio::Interrupts interrupts_;
    Options options_;
    Info info_;
    LinkState link_;
    Counters counters_;
    std::uint64_t features_ = 0;
    std::uint64_t tx_hangs_ = 0;
    hal::Instant next_check_;
    State state_ = State::kUnprobed;
    hal::Error failure_ = hal::Error::kNotStarted;
    std::uint16_t pairs_ = 0;
    std::uint16_t most_pairs_ = 1;    ///< that the device has
    std::uint16_t next_receive_ = 0;  ///< the pair that is asked first
    std::uint16_t rx_buffers_ = 0;
    std::uint32_t rx_buffer_bytes_ = 0;
    std::uint8_t generation_ = 0;  ///< of the configuration, as last read

    // What the device was told, to tell it again after a reset.
    bool promiscuous_ = false;
    bool all_multicast_ = false;
    bool receive_offload_ = true;
    bool own_mac_ = false;  ///< info_.mac is not the device's
    std::size_t group_count_ = 0;
    std::array<MacAddress, kMostGroups> groups_{};
    std::array<std::uint32_t, 128> vlans_{};

    virtio_net::ControlQueue control_;
    std::array<Pair, kMostPairs> pair_{};
};

}  // namespace tb::net
