// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/confirm/link.hpp"

#include <cstddef>

#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/core/panic.hpp"
#include "harness/kernel/core/pci_config.hpp"

namespace tb::kernel {

namespace {

constexpr std::uint16_t kBellPort = 0xea;
constexpr std::size_t kPayloadBytes = std::size_t{8} << 20;

constinit std::byte* payload_memory = nullptr;

Mailbox& box() {
    return *reinterpret_cast<Mailbox*>(kMailboxAddress);
}

}  // namespace

void open_mailbox() {
    payload_memory = static_cast<std::byte*>(allocate_pages(kPayloadBytes));
    if (payload_memory == nullptr) panic("no memory for the mailbox's payload");
    box() = Mailbox{};
    box().magic = kMailboxMagic;
    box().version = kMailboxVersion;
}

Answer say(Said said, std::initializer_list<std::uint64_t> words) {
    Mailbox& mailbox = box();
    std::size_t i = 0;
    for (const std::uint64_t word : words) mailbox.words[i++] = word;
    mailbox.said = static_cast<std::uint32_t>(said);
    const std::uint32_t turn = ++mailbox.said_count;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    out8(kBellPort, static_cast<std::uint8_t>(turn));
    while (__atomic_load_n(&mailbox.answered_count, __ATOMIC_ACQUIRE) != turn) pause();
    Answer answer{static_cast<Command>(mailbox.command), {}};
    for (i = 0; i < kMailboxWords; ++i) answer.words[i] = mailbox.answer[i];
    return answer;
}

std::span<const std::byte> payload() {
    if (box().payload_bytes > kPayloadBytes) panic("the harness sent more than the mailbox holds");
    return {payload_memory, box().payload_bytes};
}

std::uint64_t payload_capacity() {
    return kPayloadBytes;
}

void set_payload(std::span<const std::byte> bytes) {
    if (bytes.size() > kPayloadBytes) panic("an outcome is larger than the mailbox");
    __builtin_memcpy(payload_memory, bytes.data(), bytes.size());
    box().payload_bytes = bytes.size();
}

std::uint64_t virtual_now() {
    return box().now_ns;
}

bool interrupt_waiting() {
    return box().interrupt_waiting != 0;
}

}  // namespace tb::kernel
