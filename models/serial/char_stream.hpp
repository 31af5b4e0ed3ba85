// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "models/serial/char_backend.hpp"

namespace tb::model::serial {

/// A terminal in memory: what a scenario types waits until the device has room; what the device sends is
/// kept.
class CharStream : public CharBackend {
  public:
    /// Characters and breaks reach the device in the order in which they were typed.
    void type(std::span<const std::byte> characters);
    void send_break();
    /// What the device has sent since the last call.
    std::vector<std::byte> take_output();
    /// Typed and not yet taken by the device.
    std::size_t waiting() const { return input_.size(); }

    /// Stops taking characters, as a terminal that nobody reads, or goes on.
    void block(bool blocked);
    /// Unplugs the terminal: what is sent is lost.
    void set_present(bool present) { present_ = present; }
    /// From the first call on, the line has modem lines.
    void set_modem_inputs(ModemInputs inputs) { modem_inputs_ = inputs; }

    const LineSettings& line() const { return line_; }
    ModemOutputs modem_outputs() const { return modem_outputs_; }
    bool break_on() const { return break_on_; }
    unsigned breaks() const { return breaks_; }

    /// Forgets everything but the connection.
    void reset();

    void connect(CharDevice& device) override { device_ = &device; }
    Sent send(std::byte character) override;
    void room() override;
    bool has_modem_lines() const override { return modem_inputs_.has_value(); }
    ModemInputs modem_inputs() const override { return modem_inputs_.value_or(ModemInputs{}); }
    void set_modem_outputs(ModemOutputs outputs) override { modem_outputs_ = outputs; }
    void set_break(bool on) override;
    void set_line(const LineSettings& settings) override { line_ = settings; }

  private:
    struct Item {
        bool is_break;
        std::byte character;
    };

    CharDevice* device_ = nullptr;
    std::deque<Item> input_;
    std::vector<std::byte> output_;
    std::optional<ModemInputs> modem_inputs_;
    LineSettings line_;
    ModemOutputs modem_outputs_;
    unsigned breaks_ = 0;
    bool break_on_ = false;
    bool blocked_ = false;
    bool present_ = true;
};

}  // namespace tb::model::serial
