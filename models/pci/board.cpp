// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/board.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "models/core/access.hpp"

namespace tb::model::pci {

namespace {

// Zeroed pages that cost nothing until they are touched: a board lives for one scenario of a millisecond.
std::byte* map_ram(std::uint64_t size) {
    void* ram =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED) throw std::bad_alloc();
    return static_cast<std::byte*>(ram);
}

}  // namespace

Board::Board(sc_core::sc_module_name name, Simulation& simulation, const Options& options)
    : sc_module(name),
      cpu_memory("cpu_memory"),
      cpu_port("cpu_port"),
      cpu_config("cpu_config"),
      dma("dma"),
      simulation_(simulation),
      options_(options),
      ram_(map_ram(options.ram_bytes)),
      written_((options.ram_bytes >> kPageBits) / 64 + 1) {
    cpu_memory.register_b_transport(this, &Board::cpu_transport, static_cast<int>(Space::kMemory));
    cpu_port.register_b_transport(this, &Board::cpu_transport, static_cast<int>(Space::kPort));
    cpu_config.register_b_transport(this, &Board::cpu_transport, static_cast<int>(Space::kConfig));
    dma.register_b_transport(this, &Board::dma_transport);
}

Board::~Board() {
    ::munmap(ram_, options_.ram_bytes);
}

Board::Region& Board::add_region(const std::string& name) {
    regions_.push_back(std::make_unique<Region>(name));
    return *regions_.back();
}

void Board::map(Region& region, Space space, std::uint64_t base, std::uint64_t size) {
    unmap(region);
    last_memory_ = nullptr;
    region.space = space;
    region.base = base;
    region.size = size;
    region.mapped = true;
    std::vector<Region*>& list = mapped_[static_cast<std::size_t>(space)];
    list.insert(list.begin(), &region);
}

void Board::unmap(Region& region) {
    if (!region.mapped) return;
    region.mapped = false;
    last_memory_ = nullptr;
    std::erase(mapped_[static_cast<std::size_t>(region.space)], &region);
}

void Board::map_config(Region& region, unsigned device, unsigned function) {
    map(region, Space::kConfig, std::uint64_t{device} << 15 | std::uint64_t{function} << 12, 0x1000);
}

void Board::set_irq(unsigned line, bool level) {
    int& count = irq_count_[line];
    const bool before = count > 0;
    count += level ? 1 : -1;
    if (before != (count > 0)) observer_->irq(line, count > 0);
}

void Board::reset() {
    ::madvise(ram_, options_.ram_bytes, MADV_DONTNEED);
    written_.assign(written_.size(), 0);
}

void Board::reset(std::uint64_t first, std::uint64_t end) {
    std::memset(ram_ + first, 0, end - first);
    for (std::size_t word = 0; word < written_.size(); ++word)
        while (written_[word] != 0) {
            const std::uint64_t page = 64 * word + static_cast<unsigned>(std::countr_zero(written_[word]));
            std::memset(ram_ + (page << kPageBits), 0, std::uint64_t{1} << kPageBits);
            written_[word] &= written_[word] - 1;
        }
}

void Board::cpu_transport(int space, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    if (static_cast<Space>(space) == Space::kPort && payload.get_data_length() > 1)
        port_transport(payload, delay);
    else
        decode(static_cast<Space>(space), payload, delay);
}

void Board::port_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t first = payload.get_address();
    const unsigned length = payload.get_data_length();
    unsigned char* const data = payload.get_data_ptr();
    cut_at_alignment(first, length, 4, [&](unsigned done, unsigned piece) {
        payload.set_address(first + done);
        payload.set_data_ptr(data + done);
        payload.set_data_length(piece);
        payload.set_streaming_width(piece);
        decode(Space::kPort, payload, delay);
    });
    payload.set_address(first);
    payload.set_data_ptr(data);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
}

void Board::decode(Space space, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t address = payload.get_address();
    for (Region* region : mapped_[static_cast<std::size_t>(space)]) {
        if (!region->contains(address)) continue;
        if (space == Space::kMemory) last_memory_ = region;
        pass_on(*region, address, payload, delay);
        return;
    }
    if (space == Space::kMemory && ram_access(payload)) return;
    // Nobody there: a master abort, which a PC turns into all-ones.
    if (payload.is_read()) std::memset(payload.get_data_ptr(), 0xff, payload.get_data_length());
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

bool Board::ram_access(tlm::tlm_generic_payload& payload) {
    const std::uint64_t address = payload.get_address();
    const std::uint64_t length = payload.get_data_length();
    if (address >= options_.ram_bytes || length > options_.ram_bytes - address) return false;
    if (payload.is_read()) {
        std::memcpy(payload.get_data_ptr(), ram_ + address, length);
    } else if (length != 0) {
        for (std::uint64_t page = address >> kPageBits; page <= (address + length - 1) >> kPageBits; ++page)
            written_[page / 64] |= std::uint64_t{1} << page % 64;
        std::memcpy(ram_ + address, payload.get_data_ptr(), length);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return true;
}

void Board::dma_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
    const std::uint64_t address = payload.get_address();
    const bool message = payload.is_write() && payload.get_data_length() == 4 &&
                         address - options_.msi_base < options_.msi_size;
    if (message) {
        std::uint32_t data = 0;
        std::memcpy(&data, payload.get_data_ptr(), 4);
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        ram_access(payload);
        observer_->msi(address, data);
        return;
    }
    if (ram_access(payload)) return;
    // Reads of nothing give zeros, as in QEMU; real bridges give all-ones.
    if (payload.is_read()) std::memset(payload.get_data_ptr(), 0, payload.get_data_length());
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

std::optional<std::uint64_t> Board::peek(Space space, std::uint64_t address, unsigned width) {
    for (Region* region : mapped_[static_cast<std::size_t>(space)]) {
        if (!region->contains(address)) continue;
        std::uint64_t value = 0;
        tlm::tlm_generic_payload payload;
        payload.set_read();
        payload.set_address(address - region->base);
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
        payload.set_data_length(width);
        if (region->socket->transport_dbg(payload) != width) return std::nullopt;
        return value;
    }
    return std::nullopt;
}

}  // namespace tb::model::pci
