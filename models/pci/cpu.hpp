// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/pci/board.hpp"

namespace tb::model::pci {

/// The processor's side of a board: issues accesses over TLM.
class Cpu : public sc_core::sc_module {
  public:
    Cpu(sc_core::sc_module_name name, Board& board)
        : sc_module(name), memory_("memory"), port_("port"), config_("config") {
        memory_.bind(board.cpu_memory);
        port_.bind(board.cpu_port);
        config_.bind(board.cpu_config);
    }

    std::uint64_t read(Space space, std::uint64_t address, unsigned width) {
        std::uint64_t value = 0;
        transport(tlm::TLM_READ_COMMAND, space, address, width, &value);
        return value;
    }
    void write(Space space, std::uint64_t address, unsigned width, std::uint64_t value) {
        transport(tlm::TLM_WRITE_COMMAND, space, address, width, &value);
    }

  private:
    using Socket = tlm_utils::simple_initiator_socket<Cpu>;

    void transport(tlm::tlm_command command, Space space, std::uint64_t address, unsigned width,
                   std::uint64_t* value) {
        payload_.set_command(command);
        payload_.set_address(address);
        payload_.set_data_ptr(reinterpret_cast<unsigned char*>(value));
        payload_.set_data_length(width);
        payload_.set_streaming_width(width);
        payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        sc_core::sc_time delay;
        Socket& socket = space == Space::kMemory ? memory_ : space == Space::kPort ? port_ : config_;
        socket->b_transport(payload_, delay);
    }

    Socket memory_;
    Socket port_;
    Socket config_;
    tlm::tlm_generic_payload payload_;
};

}  // namespace tb::model::pci
