// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstring>

#include "models/pci/board.hpp"

namespace tb::model::pci {

/// The processor's side of a board: issues accesses as TLM transactions, with one payload used again and
/// again.
class Cpu {
  public:
    explicit Cpu(Board& board) : board_(board) {
        payload_.set_byte_enable_ptr(nullptr);
        payload_.set_dmi_allowed(false);
    }

    std::uint64_t read(Space space, std::uint64_t address, unsigned width) {
        std::uint64_t value = 0;
        transport(tlm::TLM_READ_COMMAND, space, address, width, &value);
        // Loaded in the width in which the target stored it: a wider load would wait for the store to leave
        // the processor's buffer, longer than the whole access takes.
        switch (width) {
            case 1:
                return loaded<std::uint8_t>(value);
            case 2:
                return loaded<std::uint16_t>(value);
            case 4:
                return loaded<std::uint32_t>(value);
            default:
                return value;
        }
    }
    void write(Space space, std::uint64_t address, unsigned width, std::uint64_t value) {
        transport(tlm::TLM_WRITE_COMMAND, space, address, width, &value);
    }

  private:
    template <class T>
    static std::uint64_t loaded(const std::uint64_t& value) {
        T narrow;
        std::memcpy(&narrow, &value, sizeof narrow);
        return narrow;
    }

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
