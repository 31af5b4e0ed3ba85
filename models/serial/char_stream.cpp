// SPDX-License-Identifier: BSD-3-Clause
#include "models/serial/char_stream.hpp"

#include <algorithm>
#include <utility>

namespace tb::model::serial {

void CharStream::type(std::span<const std::byte> characters) {
    for (const std::byte character : characters) input_.push_back({false, character});
    room();
}

void CharStream::send_break() {
    input_.push_back({true, std::byte{0}});
    room();
}

std::vector<std::byte> CharStream::take_output() {
    return std::exchange(output_, {});
}

void CharStream::block(bool blocked) {
    blocked_ = blocked;
    if (!blocked && device_ != nullptr) device_->output_ready();
}

void CharStream::reset() {
    CharDevice* device = device_;
    *this = CharStream();
    device_ = device;
}

Sent CharStream::send(std::byte character) {
    if (!present_) return Sent::kLost;
    if (blocked_) return Sent::kWouldBlock;
    output_.push_back(character);
    return Sent::kTaken;
}

void CharStream::room() {
    if (device_ == nullptr) return;
    while (!input_.empty()) {
        if (input_.front().is_break) {
            input_.pop_front();
            device_->receive_break();
            continue;
        }
        // In pieces as large as the device asks for, because it counts its timeout from the last piece.
        std::vector<std::byte> piece;
        const std::size_t most = device_->can_receive();
        piece.reserve(std::min(most, input_.size()));
        while (piece.size() < most && !input_.empty() && !input_.front().is_break) {
            piece.push_back(input_.front().character);
            input_.pop_front();
        }
        if (piece.empty()) return;
        device_->receive(piece);
    }
}

void CharStream::set_break(bool on) {
    if (on && !break_on_) ++breaks_;
    break_on_ = on;
}

}  // namespace tb::model::serial
