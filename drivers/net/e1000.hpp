// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>
#include <optional>
#include <span>

#include "net/e1000_counters.hpp"
#include "net/e1000_filters.hpp"
#include "net/e1000_nvm.hpp"
#include "net/e1000_phy.hpp"
#include "net/e1000_rx.hpp"
#include "net/e1000_tx.hpp"
#include "net/net_device.hpp"
#include "pci/pci.hpp"

namespace tb::net {

/// Driver of Intel's 82540EM (QEMU's `e1000`), 82545EM and 82544GC.
///
/// Called from one context at a time; on_interrupt() alone may come in between. No call blocks beyond its
/// stated bound, and none allocates outside start(). Large (some 30 KiB): place it statically.
///
/// When the device fails for good (it reads all-ones, or does not come out of a reset) what is in flight
/// completes with that error and every operation answers it, until recover() or stop() and start() succeed.
class E1000 final : public NetDevice {
  public:
    enum class Interrupts : std::uint8_t { kPolled, kIntx };

    /// Raw register values; 0 turns a delay off (8254x SDM §13.4.18, §13.4.30, §13.4.31, §13.4.42, §13.4.44).
    /// The 82544 has rdtr and tidv only; start() answers kUnsupported for the others there.
    struct Moderation {
        std::uint16_t itr = 0;   ///< least time between interrupts, 256 ns
        std::uint16_t rdtr = 0;  ///< receive: quiet time, 1.024 us
        std::uint16_t radv = 0;  ///< receive: longest wait, 1.024 us
        std::uint16_t tidv = 0;  ///< transmit: quiet time, 1.024 us
        std::uint16_t tadv = 0;  ///< transmit: longest wait, 1.024 us
    };

    struct Options {
        Interrupts interrupts = Interrupts::kIntx;
        std::uint16_t tx_descriptors = 128;  ///< 8..256, a multiple of 8
        std::uint16_t rx_descriptors = 128;  ///< 8..256, a multiple of 8, and enough for a frame of max_frame
        std::uint32_t rx_buffer_bytes = 2048;  ///< 256, 512, 1024, 2048, 4096, 8192 or 16384
        std::uint32_t max_frame =
            e1000::kStandardFrame;  ///< bytes without FCS and tag, 1514..16110; longer than 1514 is jumbo
        Moderation moderation{};
        bool vlan_offload = false;  ///< strip tags on receive, insert them on request (CTRL.VME)
        bool vlan_filter = false;   ///< let only VLAN 0 and those through that were added; needs vlan_offload
        bool promiscuous = false;
        std::uint8_t multicast_offset = 0;  ///< RCTL.MO, 0..3
        bool strip_fcs = false;  ///< have the device strip the FCS (RCTL.SECRC); else it is cut off here
        bool pad_short_frames = true;          ///< pad to 60 bytes with zeros
        bool restart_autonegotiation = false;  ///< even when the link is up already
        hal::Duration link_timeout{};  ///< how long start() waits for the link; no link is not an error
        hal::Duration tx_hang_timeout = hal::seconds(2);
    };

    /// Identifies and maps the device, silences what firmware may have left running, and finds the station
    /// address: from the EEPROM or, when that fails (see nvm_status()), from receive address 0. kAbsent,
    /// kUnsupported (another device, or a BAR too small), kDeviceGone, or why the EEPROM could not be read.
    hal::Status probe(hal::Platform platform, pci::Function function);
    /// Resets and configures the device and lets frames flow. kNotStarted before probe, kBusy when started
    /// already, kInvalidArgument for options out of range, kTimeout when the reset does not end, kNoMemory,
    /// kDeviceGone. After an error nothing is allocated or attached. Takes 15 ms, and link_timeout.
    hal::Status start(const Options& options);
    /// Ends everything: what was in flight completes with kReset and can still be taken with next_sent().
    void stop();

    /// Acknowledges (by reading ICR) and marks. Attached by start() unless polled.
    void on_interrupt();
    /// Whether poll() has something to do that an interrupt announced, or a budget left over.
    bool work_pending() const;

    const Info& info() const override { return info_; }
    /// Reads the device, and the PHY when the MAC has a link.
    LinkState link() override;
    /// As the class says. For segmentation the caller has set the IPv4 total length and header checksum (or
    /// the IPv6 payload length) to 0, and the pseudo-header sum leaves out the length (8254x SDM §3.5.7).
    hal::Result<Token> send(const TxFrame& frame) override;
    std::optional<TxCompletion> next_sent() override;
    hal::Result<RxFrame> receive(std::span<std::byte> buffer) override;
    /// Looks at both rings in any case, so a lost interrupt delays but loses nothing; registers are read only
    /// when an interrupt said so, the link is down, or the transmitter is late. Resets a transmitter that
    /// hangs.
    unsigned poll(unsigned budget) override;
    hal::Status set_promiscuous(bool on) override;
    hal::Status set_multicast(std::span<const MacAddress> addresses) override;
    /// kInvalidArgument for a group's address or zeros. Kept over stop() and recover(), until the next probe.
    hal::Status set_mac(const MacAddress& mac) override;
    Statistics statistics() override;

    /// Waits until the link is up: kTimeout, kDeviceGone.
    hal::Result<LinkState> wait_for_link(hal::Duration timeout);
    /// 0..4095. kUnsupported unless started with vlan_filter.
    hal::Status vlan_filter_add(std::uint16_t vlan);
    hal::Status vlan_filter_remove(std::uint16_t vlan);
    /// Resets and configures anew: sends in flight complete with kReset, frames not taken are lost, settings
    /// stay.
    hal::Status recover();
    hal::Result<std::uint16_t> nvm_read(unsigned word);
    hal::Result<std::uint16_t> phy_read(unsigned number);
    hal::Status phy_write(unsigned number, std::uint16_t value);
    hal::Status restart_autonegotiation();
    /// All of the device's own counters since start.
    const e1000::Counters& counters();

    e1000::MacSource mac_source() const { return mac_source_; }
    /// Why the EEPROM did not give the address, if it did not.
    hal::Status nvm_status() const { return nvm_status_; }
    bool started() const { return started_; }
    /// Receive overruns and link changes that poll() has seen.
    std::uint64_t overruns() const { return overruns_; }
    std::uint64_t link_changes() const { return link_changes_; }

  private:
    static hal::Status check(const Options& options, bool is_82544);
    hal::Status find_mac();
    hal::Status reset_device();
    hal::Status allocate_rings();
    hal::Status configure();
    hal::Status attach();
    hal::Status set_vlan(std::uint16_t vlan, bool on);
    std::uint32_t receive_control() const;
    void enable();
    void undo_start();
    hal::Status running() const;
    void fail(hal::Error why);
    void update_link(std::uint32_t device_status);
    std::uint32_t take_causes();
    void watch_transmitter();
    void write_collision_distance();

    std::uint32_t read(std::uint32_t offset) const { return regs_.read<std::uint32_t>(offset); }
    void write(std::uint32_t offset, std::uint32_t value) const { regs_.write(offset, value); }

    hal::Platform platform_;
    pci::Function function_;
    hal::MmioWindow regs_;
    Options options_;
    Info info_;
    e1000::Nvm nvm_;
    e1000::Phy phy_;
    e1000::Filters filters_;
    e1000::Counters counters_;
    e1000::TxRing tx_;
    e1000::RxRing rx_;
    hal::Interrupt interrupt_;

    LinkState link_;
    std::uint32_t pending_ = 0;  ///< causes that interrupts brought; also set from on_interrupt()
    std::uint32_t tctl_ = 0;
    hal::Status nvm_status_;
    hal::Status fault_;  ///< what the device failed with
    std::uint64_t tx_hangs_ = 0;
    std::uint64_t overruns_ = 0;
    std::uint64_t link_changes_ = 0;
    e1000::MacSource mac_source_ = e1000::MacSource::kNone;
    bool is_82544_ = false;
    bool probed_ = false;
    bool started_ = false;
    bool more_ = false;  ///< the last poll ended with its budget
    bool promiscuous_ = false;
};

}  // namespace tb::net
