// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "harness/kernel/confirm/mailbox.hpp"

/// The kernel's end of the mailbox.
namespace tb::kernel {

struct Answer {
    Command command;
    std::uint64_t words[kMailboxWords];
};

/// Takes the mailbox into use; before anything is said.
void open_mailbox();
/// Says something and waits for the answer.
Answer say(Said said, std::initializer_list<std::uint64_t> words = {});

/// What came with the last command, and where what goes with its end is put.
std::span<const std::byte> payload();
std::uint64_t payload_capacity();
/// Panics when it does not fit.
void set_payload(std::span<const std::byte> bytes);

/// As of the last answer.
std::uint64_t virtual_now();
bool interrupt_waiting();

}  // namespace tb::kernel
