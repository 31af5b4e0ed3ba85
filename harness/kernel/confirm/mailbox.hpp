// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

/// How the harness and a kernel of ours in QEMU speak with each other: a page of guest memory that both see,
/// and a port that the kernel writes to when it has said something. Included by both sides; freestanding.
///
/// They take turns. The kernel says `Said` and waits for an answer; an answer may carry a `Command`, whose
/// end the kernel tells with `Said::kDone`. While it carries out a command it says other things in between
/// (an access that a driver made, memory that it wants), and each gets its answer before the command goes on.
/// So at any moment one side computes and the other waits, and what happens has one order.
namespace tb::kernel {

inline constexpr std::uint64_t kMailboxAddress = 0x0011'0000;
inline constexpr std::uint32_t kMailboxMagic = 0x5442'4d42;  // "TBMB"
inline constexpr std::uint32_t kMailboxVersion = 1;

enum class Said : std::uint32_t {
    kReady = 1,   ///< at start; [0] address and [1] bytes of the payload buffer, [2] I/O APIC pin of the
                  ///< device under test, or kNoPin
    kDone,        ///< the command has ended; [0] its result
    kAccess,      ///< a driver has accessed a register; [0] kind (access_kind), [1] address, [2] value
    kDelay,       ///< [0] nanoseconds to let pass
    kAllocate,    ///< DMA memory; [0] bytes, [1] alignment; answer [0] address, or 0
    kFree,        ///< [0] address, [1] bytes
    kMap,         ///< [0] buffer, [1] bytes, [2] direction; answer [0] device address, or 0
    kUnmap,       ///< [0] device address, [1] buffer, [2] bytes, [3] direction
    kAttachIntx,  ///< [0] the function, as hal::config_address(function, 0); answer [0] vector
    kAttachLine,  ///< [0] line of the ISA; answer [0] vector, [1] 1 when the line is high
    kAttachMsi,   ///< answer [0] vector, or kNoVector
    kDetach,      ///< [0] vector
    kMessages,    ///< messages have arrived at the processor; [0] bit n: vector n
    kTake,        ///< [0] 1 begins a round; answer [0] the vector to take next, or kNoVector
    kLog,         ///< [0] level, [1] device and [2] message (addresses of C strings), [3] value
    kUnexpected,  ///< the processor took [0] where [1] was due (kNoVector: none)
};

enum class Command : std::uint32_t {
    kNone = 0,    ///< a plain answer
    kAccess,      ///< make an access; [0] kind, [1] address, [2] value; result: what was read
    kOpen,        ///< take a driver; payload: its name; [0] 1 for a PCI device; result 1, or 0: there is none
    kClose,       ///< let go of it
    kRun,         ///< an operation; payload: name and arguments; payload of the result: the outcome
    kBegin,       ///< the same, asynchronous; result: handle << 32 | error (0: none)
    kFinished,    ///< [0] handle; result 1 with the outcome as payload, or 0: not yet
    kAttachIntx,  ///< for the harness itself, which takes the interrupt; [0] as above, [1] vector
    kAttachLine,  ///< [0] line, [1] vector, [2] 1 when the line is high
    kAttachMsi,   ///< [0] vector
    kDetach,      ///< [0] vector
    kTake,        ///< take this interrupt now; [0] vector
    kMessages,    ///< result: bit n: message n has arrived since it was last asked for
    kExit,        ///< end, with this status for isa-debug-exit
};

inline constexpr std::uint64_t kNoVector = ~std::uint64_t{0};
inline constexpr std::uint64_t kNoPin = ~std::uint64_t{0};
inline constexpr std::size_t kMailboxWords = 6;

/// One turn is one increment: the side that sees the other's counter change has the turn.
struct Mailbox {
    std::uint32_t magic;
    std::uint32_t version;
    std::uint32_t said_count;      ///< by the kernel
    std::uint32_t answered_count;  ///< by the harness
    std::uint32_t said;            ///< Said
    std::uint32_t command;         ///< Command
    std::uint64_t words[kMailboxWords];
    std::uint64_t answer[kMailboxWords];
    std::uint64_t payload_bytes;      ///< that the payload buffer holds for the other side
    std::uint32_t interrupt_waiting;  ///< with every answer: whether a vector waits to be taken
    std::uint32_t reserved;
    std::uint64_t now_ns;  ///< with every answer: virtual time
};
static_assert(offsetof(Mailbox, words) == 24 && offsetof(Mailbox, answer) == 72 && sizeof(Mailbox) == 144);

/// Space, width and direction of an access in one word.
constexpr std::uint64_t access_kind(unsigned space, unsigned width, bool write) {
    return space | width << 8 | (write ? 1U : 0U) << 16;
}
constexpr unsigned access_space(std::uint64_t kind) {
    return kind & 0xff;
}
constexpr unsigned access_width(std::uint64_t kind) {
    return kind >> 8 & 0xff;
}
constexpr bool access_is_write(std::uint64_t kind) {
    return (kind >> 16 & 1) != 0;
}

/// The message that makes the local APIC of processor 0 request a vector: logical destination, flat (Intel
/// SDM vol. 3A §11.6.2.2, §11.11.1). The destination is a set of processors and any that holds number 0 will
/// do, so each message has an address of its own and a trace can tell them apart.
constexpr std::uint64_t apic_message_address(unsigned slot) {
    return 0xfee0'0004 | std::uint64_t{2 * slot + 1} << 12;
}

}  // namespace tb::kernel
