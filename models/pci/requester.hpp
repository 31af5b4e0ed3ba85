// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>

#include "models/pci/board.hpp"

namespace tb::model::pci {

/// A function's way to memory: DMA and messages under one identity and one gate, so that neither gets through
/// when bus-master enable is off. Every transfer is a TLM transaction that an observer sees.
class Requester {
  public:
    Requester(const char* name, Board& board, const char* device)
        : socket_((std::string(name) + "_dma").c_str()), board_(&board), device_(device) {
        socket_.bind(board.dma);
    }

    void set_bus_master(bool on) { bus_master_ = on; }
    bool bus_master() const { return bus_master_; }

    /// What is not done reads as zeros and writes nothing.
    DmaOutcome read(std::uint64_t address, std::span<std::byte> out) {
        return transfer(tlm::TLM_READ_COMMAND, address, out);
    }
    DmaOutcome write(std::uint64_t address, std::span<const std::byte> in) {
        // The payload's data pointer is not const, but a write command never stores through it.
        return transfer(tlm::TLM_WRITE_COMMAND, address, {const_cast<std::byte*>(in.data()), in.size()});
    }

    /// One little-endian value.
    template <class T>
    T load(std::uint64_t address) {
        T value{};
        read(address, std::as_writable_bytes(std::span(&value, 1)));
        return value;
    }
    template <class T>
    void store(std::uint64_t address, T value) {
        write(address, std::as_bytes(std::span(&value, 1)));
    }

    /// Sends a message-signalled interrupt.
    void message(std::uint64_t address, std::uint32_t data) { store(address, data); }

  private:
    DmaOutcome transfer(tlm::tlm_command command, std::uint64_t address, std::span<std::byte> data) {
        if (data.empty()) return DmaOutcome::kDone;
        DmaOutcome outcome = DmaOutcome::kDone;
        if (!bus_master_) {
            if (command == tlm::TLM_READ_COMMAND) std::memset(data.data(), 0, data.size());
            outcome = DmaOutcome::kNoBusMaster;
        } else {
            payload_.set_command(command);
            payload_.set_address(address);
            payload_.set_data_ptr(reinterpret_cast<unsigned char*>(data.data()));
            payload_.set_data_length(static_cast<unsigned>(data.size()));
            payload_.set_streaming_width(static_cast<unsigned>(data.size()));
            payload_.set_byte_enable_ptr(nullptr);
            payload_.set_dmi_allowed(false);
            payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
            sc_core::sc_time delay;
            socket_->b_transport(payload_, delay);
            if (!payload_.is_response_ok()) outcome = DmaOutcome::kNoMemory;
        }
        board_->observer().dma(device_, command == tlm::TLM_WRITE_COMMAND, address, data, outcome);
        return outcome;
    }

    tlm_utils::simple_initiator_socket<Requester> socket_;
    Board* board_;
    const char* device_;
    tlm::tlm_generic_payload payload_;
    bool bus_master_ = false;
};

}  // namespace tb::model::pci
