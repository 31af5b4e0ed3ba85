// SPDX-License-Identifier: BSD-3-Clause
#include "models/net/e1000.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "models/core/access.hpp"

namespace tb::model::net {

namespace {

constexpr AccessWidths kWidths = {.least = 4, .most = 4};
constexpr std::uint64_t kAutonegMs = 500;
constexpr std::uint64_t kReceivePauseMs = 1000;
constexpr std::uint32_t kRomBarMask = 0xfffc'0001;  // QEMU's boot ROM: 256 KiB

constexpr pci::Identity kIdentity = {
    .vendor = 0x8086,
    .device = 0x100e,
    .revision = 3,
    .class_code = 0x020000,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .interrupt_pin = 1,
};

std::string hex(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

}  // namespace

E1000::E1000(const sc_core::sc_module_name& name, pci::Board& board, unsigned slot,
             const E1000Options& options, NetBackend& backend)
    : PciDevice(name, board, slot, 0, kIdentity),
      options_(options),
      backend_(backend),
      deadlines_(board.queue()),
      autoneg_(deadlines_.add([this] { autoneg_done(); })),
      receive_pause_(deadlines_.add([this] {
          incoming_.flush();
          read_wire_later();
      })),
      wire_(deadlines_.add([this] { incoming_.read_socket(); })),
      eeprom_(options.eeprom.value_or(Eeprom::contents_for(options.mac))),
      interrupts_(regs_, deadlines_, options.mitigation, [this](bool level) { set_intx(level); }),
      transmitter_(
          regs_, dma(), interrupts_, [this](std::span<const std::byte> frame) { send(frame); },
          [this](std::string subject, std::string message) {
              report(std::move(subject), std::move(message));
          }),
      receiver_(regs_, dma(), interrupts_),
      incoming_({.cable_in = [this] { return cable_in_; },
                 .ready = [this] { return can_receive(); },
                 .take = [this](std::span<const std::byte> frame) { return take(frame); }}) {
    add_memory_bar(0, kRegisterBytes);
    add_io_bar(1, kPortBytes);
    config().set_writable(pci::config::kRomBar, 4, kRomBarMask);
    phy_.on_restart([this] { restart_autoneg(); });
    bind_registers();
}

E1000::~E1000() = default;

void E1000::bind_registers() {
    regs_.eecd.on_read([this](std::uint64_t) -> std::uint64_t {
        const std::uint32_t wires = eeprom_.read_wires();
        return options_.eeprom_never_done ? wires & ~eecd::kGrant : wires;
    });
    regs_.eecd.on_write([this](std::uint64_t, std::uint64_t written) {
        eeprom_.write_wires(static_cast<std::uint32_t>(written));
    });
    regs_.eerd.on_read([this](std::uint64_t stored) -> std::uint64_t {
        return options_.eeprom_never_done ? stored
                                          : eeprom_.read_register(static_cast<std::uint32_t>(stored));
    });
    regs_.mdic.on_write([this](std::uint64_t old, std::uint64_t written) {
        const std::uint32_t result =
            phy_.access(static_cast<std::uint32_t>(written), static_cast<std::uint32_t>(old));
        regs_.mdic.set(options_.mdic_never_ready ? written & ~std::uint64_t{mdic::kReady} : result);
        if (!options_.mdic_never_ready && (result & mdic::kInterrupt) != 0) interrupts_.raise(cause::kMdac);
    });
    regs_.rctl.on_write([this](std::uint64_t, std::uint64_t) {
        receiver_.configure();
        deadlines_.set(receive_pause_, deadlines_.after_milliseconds(kReceivePauseMs));
    });
    regs_.rdt.on_write([this](std::uint64_t, std::uint64_t) {
        if (!receiver_.has_room()) return;
        incoming_.flush();
        incoming_.read_socket();
    });
    regs_.tdt.on_write([this](std::uint64_t, std::uint64_t) { transmitter_.run(); });
    regs_.tctl.on_write([this](std::uint64_t, std::uint64_t) { transmitter_.run(); });
}

void E1000::reset_device() {
    deadlines_.cancel_all();
    interrupts_.reset();
    phy_.reset();
    regs_.reset();
    transmitter_.reset();
    receiver_.reset();
    eeprom_.reset_wires();
    incoming_.clear();
    wire_stuck_ = false;
    if (!cable_in_) link_down();
    const MacAddress& mac = options_.mac;
    const auto word = [&mac](unsigned i) { return static_cast<std::uint32_t>(mac[i] | mac[i + 1] << 8); };
    regs_.ra[0].set(word(0) | word(2) << 16);
    regs_.ra[1].set(word(4) | rah::kValid);
    config().set(pci::config::kRomBar, 4, 0);
    for (unsigned offset = pci::config::kHeaderEnd; offset < pci::ConfigSpace::kSize; offset += 4)
        config().set(offset, 4, 0);
}

std::uint64_t E1000::bar_read(unsigned bar, std::uint64_t offset, unsigned width) {
    if (bar != 0) return 0;
    // As a driver reads: whole registers.
    if (width == 4 && offset % 4 == 0) return regs_.read(static_cast<std::uint32_t>(offset));
    return read_in_pieces(offset, width);
}

std::optional<std::uint64_t> E1000::bar_peek(unsigned bar, std::uint64_t offset, unsigned width) {
    if (bar != 0 || width != 4 || offset % 4 != 0 || offset >= kPacketBufferOffset) return std::nullopt;
    const MacRegisters::Register* reg = regs_.bank.find(offset);
    // The EEPROM's are computed at each read.
    if (reg == &regs_.eecd || reg == &regs_.eerd) return std::nullopt;
    return reg == nullptr ? 0 : reg->value();
}

std::uint64_t E1000::read_in_pieces(std::uint64_t offset, unsigned width) {
    check_width(offset, width);
    std::uint64_t value = 0;
    cut_at_alignment(offset, width, kWidths.most, [&](unsigned done, unsigned each) {
        const std::uint64_t piece =
            read_in_widths(kWidths, offset + done, each, [this](std::uint64_t at, unsigned) {
                return std::uint64_t{regs_.read(static_cast<std::uint32_t>(at))};
            });
        value |= piece << (8 * done);
    });
    return value;
}

void E1000::bar_write(unsigned bar, std::uint64_t offset, unsigned width, std::uint64_t value) {
    if (bar != 0) return;
    check_width(offset, width);
    cut_at_alignment(offset, width, kWidths.most, [&](unsigned done, unsigned each) {
        write_in_widths(kWidths, offset + done, each, value >> (8 * done) & width_mask(each),
                        [this](std::uint64_t at, unsigned, std::uint64_t piece) {
                            write_register(static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(piece));
                        });
    });
}

void E1000::write_register(std::uint32_t offset, std::uint32_t value) {
    check_write(offset, value);
    regs_.write(offset, value);
}

void E1000::check_width(std::uint64_t offset, unsigned width) {
    if (width == 4 && offset % 4 == 0) return;
    report(hex(offset),
           "an access of " + std::to_string(width) + " bytes; registers are read and written whole, 32 bits");
}

void E1000::check_write(std::uint32_t offset, std::uint32_t value) {
    if (offset >= kPacketBufferOffset) return;
    MacRegisters::Register* reg = regs_.bank.find(offset);
    if (reg == nullptr) {
        report(hex(offset), "a write of " + hex(value) + " to where no register is");
        return;
    }
    const std::uint64_t reserved = (reg->value() ^ value) & reg->spec().reserved;
    if (reserved != 0)
        report(reg->spec().name, "reserved bits " + hex(reserved) + " changed by writing " + hex(value));
    const auto is = [reg](const MacRegisters::Register& other) { return reg == &other; };
    if (is(regs_.status) || (offset >= 0x4000 && offset < 0x4100 && reg->spec().writable == 0)) {
        report(reg->spec().name, "is read-only; a write of " + hex(value) + " is ignored");
    } else if ((is(regs_.tdlen) || is(regs_.rdlen)) && (value & ~kRingLengthMask) != 0) {
        report(reg->spec().name,
               "a ring's length is a multiple of 128 bytes, below 1 MiB; " + hex(value) + " was written");
    } else if ((is(regs_.tdbal) || is(regs_.rdbal)) && (value & 0xf) != 0) {
        report(reg->spec().name, "a ring begins at a multiple of 16 bytes; " + hex(value) + " was written");
    } else if ((is(regs_.tdh) && MacRegisters::has(regs_.tctl, tctl::kEnable)) ||
               (is(regs_.rdh) && MacRegisters::has(regs_.rctl, rctl::kEnable))) {
        report(reg->spec().name, "is written while its engine is enabled");
    } else if (is(regs_.rdt) && value != 0 && value >= MacRegisters::get(regs_.rdlen) / kDescriptorBytes) {
        report("RDT", hex(value) + " is beyond the end of the ring");
    }
}

void E1000::config_written(unsigned offset, unsigned width) {
    const bool touches = offset <= pci::config::kCommand && pci::config::kCommand < offset + width;
    if (!touches || !bus_master()) return;
    incoming_.flush();
    incoming_.read_socket();
}

void E1000::link_down() {
    regs_.status.modify(0, status::kLinkUp);
    phy_.link_down();
}

void E1000::restart_autoneg() {
    link_down();
    deadlines_.set(autoneg_, deadlines_.after_milliseconds(kAutonegMs));
}

void E1000::autoneg_done() {
    if (!cable_in_) return;
    regs_.status.modify(status::kLinkUp, 0);
    phy_.autoneg_complete();
    incoming_.flush();
    interrupts_.raise(cause::kLsc);
    read_wire_later();
}

// Timers of one moment all run before QEMU's main loop looks at its sockets.
void E1000::read_wire_later() {
    deadlines_.set(wire_, deadlines_.now());
}

void E1000::set_link(bool up) {
    cable_in_ = up;
    const bool was_up = MacRegisters::has(regs_.status, status::kLinkUp);
    if (!up) {
        link_down();
    } else if (phy_.autoneg_enabled() && !phy_.autoneg_done()) {
        restart_autoneg();
    } else {
        regs_.status.modify(status::kLinkUp, 0);
        phy_.link_up();
        incoming_.flush();
    }
    if (MacRegisters::has(regs_.status, status::kLinkUp) != was_up) interrupts_.raise(cause::kLsc);
    incoming_.read_socket();
}

bool E1000::can_receive() const {
    return receiver_.enabled() && bus_master() && receiver_.has_room() && !deadlines_.pending(receive_pause_);
}

void E1000::send(std::span<const std::byte> frame) {
    if (phy_.loopback()) {
        // Nothing waits on this path: a frame that finds the receiver busy or off is gone.
        if (can_receive() && cable_in_) receiver_.receive(frame);
    } else if (cable_in_ && !wire_stuck_) {
        backend_.transmit(frame);
        if (frame.empty()) {
            wire_stuck_ = true;
            report("TDT", "an empty frame was sent; QEMU's network layer takes none after it");
        }
    }
}

bool E1000::take(std::span<const std::byte> frame) {
    // In this order: while it is off the receiver loses a frame, while it only pauses it gives the frame
    // back.
    if (receiver_.enabled()) {
        if (deadlines_.pending(receive_pause_)) return false;
        receiver_.receive(frame);
    }
    return true;
}

}  // namespace tb::model::net
