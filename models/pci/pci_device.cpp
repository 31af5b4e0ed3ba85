// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/pci_device.hpp"

#include <algorithm>
#include <cstring>

#include "models/core/access.hpp"

namespace tb::model::pci {

namespace {

// By cases, because a copy of a length that the compiler does not know costs as much as all the rest of an
// access.
std::uint64_t payload_value(const tlm::tlm_generic_payload& payload) {
    const unsigned char* data = payload.get_data_ptr();
    std::uint64_t value = 0;
    switch (payload.get_data_length()) {
        case 1:
            return *data;
        case 2:
            std::memcpy(&value, data, 2);
            break;
        case 4:
            std::memcpy(&value, data, 4);
            break;
        case 8:
            std::memcpy(&value, data, 8);
            break;
        default:
            break;
    }
    return value;
}

void set_payload_value(tlm::tlm_generic_payload& payload, std::uint64_t value) {
    unsigned char* data = payload.get_data_ptr();
    switch (payload.get_data_length()) {
        case 1:
            *data = static_cast<unsigned char>(value);
            break;
        case 2:
            std::memcpy(data, &value, 2);
            break;
        case 4:
            std::memcpy(data, &value, 4);
            break;
        case 8:
            std::memcpy(data, &value, 8);
            break;
        default:
            break;
    }
}

}  // namespace

PciDevice::PciDevice(sc_core::sc_module_name name, Board& board, unsigned device, unsigned function,
                     const Identity& identity)
    : sc_module(name),
      board_(board),
      config_(identity),
      requester_(this->basename(), board, this->basename()),
      config_socket_("config"),
      device_(device) {
    Board::Region& region = board.add_region(std::string(basename()) + "_to_config");
    config_socket_.register_b_transport(this, &PciDevice::config_transport, 0);
    region.socket.bind(config_socket_);
    board.map_config(region, device, function);
}

PciDevice::~PciDevice() = default;

void PciDevice::add_memory_bar(unsigned index, std::uint64_t size, bool is_64bit, bool prefetchable) {
    add_bar(index, size, false, is_64bit, (is_64bit ? 4U : 0U) | (prefetchable ? 8U : 0U));
}

void PciDevice::add_io_bar(unsigned index, std::uint64_t size) {
    add_bar(index, size, true, false, 1);
}

void PciDevice::add_bar(unsigned index, std::uint64_t size, bool is_io, bool is_64bit, std::uint32_t flags) {
    BarSlot& bar = bars_[index];
    bar.socket = std::make_unique<TargetSocket>(("bar" + std::to_string(index)).c_str());
    bar.socket->register_b_transport(this, &PciDevice::bar_transport, static_cast<int>(index));
    bar.socket->register_transport_dbg(this, &PciDevice::bar_debug, static_cast<int>(index));
    bar.region = &board_.add_region(std::string(basename()) + "_to_bar" + std::to_string(index));
    bar.region->socket.bind(*bar.socket);
    bar.size = size;
    bar.is_io = is_io;
    bar.is_64bit = is_64bit;
    bar.flags = flags;
    // Sizing falls out of the mask: the low bits of the address are not writable (PCI 3.0 §6.2.5.1).
    const unsigned offset = config::kBar0 + 4 * index;
    const std::uint64_t mask = ~(size - 1);
    config_.set(offset, 4, flags);
    config_.set_writable(offset, 4, static_cast<std::uint32_t>(mask));
    if (is_64bit) config_.set_writable(offset + 4, 4, static_cast<std::uint32_t>(mask >> 32));
}

void PciDevice::add_msix(unsigned vectors, unsigned bar, std::uint64_t bar_size, std::uint32_t table_offset,
                         std::uint32_t pba_offset, unsigned capability_offset) {
    if (bars_[bar].size == 0) add_memory_bar(bar, bar_size);
    msix_.emplace(config_, requester_, vectors, bar, table_offset, bar, pba_offset, capability_offset);
    msix_bar_ = bar;
    msix_table_ = table_offset;
    msix_pba_ = pba_offset;
}

void PciDevice::power_on_reset() {
    set_intx(false);
    config_.reset_header();
    for (unsigned i = 0; i < bars_.size(); ++i) {
        if (bars_[i].size == 0) continue;
        config_.set(config::kBar0 + 4 * i, 4, bars_[i].flags);
        if (bars_[i].is_64bit) config_.set(config::kBar0 + 4 * i + 4, 4, 0);
    }
    if (msix_) msix_->reset();
    requester_.set_bus_master(false);
    update_mappings();
    reset_device();
}

void PciDevice::set_intx(bool level) {
    intx_ = level;
    std::uint32_t status = config_.get(config::kStatus, 2);
    status = level ? status | config::kStatusInterrupt : status & ~std::uint32_t{config::kStatusInterrupt};
    config_.set(config::kStatus, 2, status);
    update_intx_line();
}

void PciDevice::update_intx_line() {
    const std::uint32_t pin = config_.get(config::kInterruptPin, 1);
    const bool disabled = (config_.get(config::kCommand, 2) & config::kCommandIntxDisable) != 0;
    const bool line = intx_ && pin != 0 && !disabled;
    if (line == line_) return;
    line_ = line;
    board_.set_irq(Board::intx_line(device_, pin - 1), line);
}

void PciDevice::config_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    const auto offset = static_cast<unsigned>(payload.get_address());
    // Wider accesses than a doubleword reach configuration space as several, the lower first.
    const unsigned width = std::min(payload.get_data_length(), 4U);
    const unsigned upper = payload.get_data_length() - width;
    if (payload.is_read()) {
        config_reading(offset, width);
        std::uint64_t value = config_.read(offset, width);
        if (upper != 0) {
            config_reading(offset + width, upper);
            value |= std::uint64_t{config_.read(offset + width, upper)} << 32;
        }
        set_payload_value(payload, value);
    } else {
        const std::uint64_t value = payload_value(payload);
        config_write(offset, width, static_cast<std::uint32_t>(value));
        if (upper != 0) config_write(offset + width, upper, static_cast<std::uint32_t>(value >> 32));
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void PciDevice::config_write(unsigned offset, unsigned width, std::uint32_t value) {
    config_.write(offset, width, value);
    const auto touches = [&](unsigned first, unsigned last) {
        return offset <= last && offset + width > first;
    };
    if (touches(config::kCommand, config::kCommand + 1)) {
        const std::uint32_t command = config_.get(config::kCommand, 2);
        requester_.set_bus_master((command & config::kCommandBusMaster) != 0);
        update_mappings();
        update_intx_line();
    } else if (touches(config::kBar0, config::kBar0 + 23)) {
        update_mappings();
    }
    if (msix_) msix_->config_written();
    config_written(offset, width);
}

void PciDevice::update_mappings() {
    const std::uint32_t command = config_.get(config::kCommand, 2);
    for (unsigned i = 0; i < bars_.size(); ++i) {
        BarSlot& bar = bars_[i];
        if (bar.size == 0) continue;
        std::uint64_t base = config_.get(config::kBar0 + 4 * i, 4);
        if (bar.is_64bit) base |= std::uint64_t{config_.get(config::kBar0 + 4 * i + 4, 4)} << 32;
        base &= ~(bar.size - 1);
        const bool enabled = (command & (bar.is_io ? config::kCommandIo : config::kCommandMemory)) != 0;
        // An address of zero or one that wraps is not decoded: it is what an unassigned or a sized BAR holds.
        const std::uint64_t last = base + bar.size - 1;
        const bool decodable =
            base != 0 && last > base && (bar.is_io ? last <= 0xffff : bar.is_64bit || last < 0xffff'ffff);
        if (enabled && decodable) {
            if (!bar.region->mapped || bar.region->base != base)
                board_.map(*bar.region, bar.is_io ? Space::kPort : Space::kMemory, base, bar.size);
        } else {
            board_.unmap(*bar.region);
        }
    }
}

void PciDevice::bar_transport(int bar, tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    const std::uint64_t offset = payload.get_address();
    const unsigned width = payload.get_data_length();
    const auto index = static_cast<unsigned>(bar);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    if (index == msix_bar_ && msix_ && msix_transport(*msix_, offset, payload)) return;
    if (payload.is_read())
        set_payload_value(payload, bar_read(index, offset, width));
    else
        bar_write(index, offset, width, payload_value(payload));
}

unsigned PciDevice::bar_debug(int bar, tlm::tlm_generic_payload& payload) {
    if (!payload.is_read()) return 0;
    const unsigned width = payload.get_data_length();
    const auto value = bar_peek(static_cast<unsigned>(bar), payload.get_address(), width);
    if (!value) return 0;
    set_payload_value(payload, *value);
    return width;
}

bool PciDevice::msix_transport(Msix& msix, std::uint64_t offset, tlm::tlm_generic_payload& payload) {
    if (offset < msix_table_) return false;
    const unsigned width = payload.get_data_length();
    const std::uint64_t table_end = msix_table_ + 16ULL * msix.vectors();
    const std::uint64_t pba_end = msix_pba_ + (msix.vectors() + 63ULL) / 64 * 8;
    if (offset < table_end) {
        if (payload.is_read())
            set_payload_value(payload, msix.table_read(offset - msix_table_, width));
        else
            msix.table_write(offset - msix_table_, width, payload_value(payload));
        return true;
    }
    if (offset < msix_pba_ || offset >= pba_end) return false;
    if (payload.is_read()) set_payload_value(payload, msix.pba_read(offset - msix_pba_, width));
    return true;
}

}  // namespace tb::model::pci
