// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "models/pci/board.hpp"

namespace tb::model::pci {

/// The processor's side of a board: issues accesses as TLM transactions, with one payload used again and again.
class Cpu {
  public:
    explicit Cpu(Board& board) : board_(board) {
        payload_.set_byte_enable_ptr(nullptr);
        payload_.set_dmi_allowed(false);
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
    void transport(tlm::tlm_command command, Space space, std::uint64_t address, unsigned width,
                   std::uint64_t* value) {
        payload_.set_command(command);
        payload_.set_address(address);
        payload_.set_data_ptr(reinterpret_cast<unsigned char*>(value));
        payload_.set_data_length(width);
        payload_.set_streaming_width(width);
        payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        sc_core::sc_time delay;
        board_.access(space, payload_, delay);
    }

    Board& board_;
    tlm::tlm_generic_payload payload_;
};

}  // namespace tb::model::pci
