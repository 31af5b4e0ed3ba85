// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/interrupts.hpp"

#include <array>
#include <cstddef>

#include "harness/kernel/core/panic.hpp"

extern "C" {
extern const char tb_isr_entries[];
void tb_interrupt(tb::kernel::Frame* frame);
}

namespace tb::kernel {

namespace {

constexpr std::size_t kEntryBytes = 16;
constexpr std::size_t kFaultStackBytes = 0x4000;
constexpr std::uint16_t kCodeSegment = 0x08;
constexpr std::uint16_t kTaskSegment = 0x18;
constexpr std::uint8_t kInterruptGate = 0x8e;  // present, ring 0, interrupts off on entry
constexpr std::uint8_t kNmi = 2;
constexpr std::uint8_t kDoubleFault = 8;
constexpr std::uint8_t kPageFault = 14;

// Intel SDM vol. 3A figure 6-8.
struct Gate {
    std::uint16_t offset_low;
    std::uint16_t segment;
    std::uint8_t stack;
    std::uint8_t type;
    std::uint16_t offset_middle;
    std::uint32_t offset_high;
    std::uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

// Figure 8-11.
struct [[gnu::packed]] TaskState {
    std::uint32_t reserved;
    std::uint64_t ring_stacks[3];
    std::uint64_t reserved2;
    std::uint64_t fault_stacks[7];
    std::uint64_t reserved3;
    std::uint16_t reserved4;
    std::uint16_t io_map;
};
static_assert(sizeof(TaskState) == 104);

struct [[gnu::packed]] TablePointer {
    std::uint16_t limit;
    std::uint64_t base;
};

struct Entry {
    VectorHandler handler;
    void* context;
};

constinit std::array<Gate, 256> gates{};
constinit std::array<Entry, 256> entries{};
constinit std::uint64_t taken = 0;
constinit TaskState task_state{};
constinit std::array<std::uint64_t, 5> segments{0, 0x00af'9b00'0000'ffff, 0x00cf'9300'0000'ffff, 0, 0};
alignas(16) constinit std::array<std::byte, kFaultStackBytes> fault_stack{};

void load_task_state() {
    task_state.fault_stacks[0] = reinterpret_cast<std::uint64_t>(fault_stack.data() + fault_stack.size());
    task_state.io_map = sizeof task_state;
    const auto base = reinterpret_cast<std::uint64_t>(&task_state);
    segments[3] = (sizeof task_state - 1) | (base & 0xff'ffff) << 16 | std::uint64_t{0x89} << 40 |
                  (base >> 24 & 0xff) << 56;
    segments[4] = base >> 32;
    const TablePointer pointer{sizeof segments - 1, reinterpret_cast<std::uint64_t>(segments.data())};
    asm volatile("lgdt %0" : : "m"(pointer));
    asm volatile("ltr %0" : : "r"(kTaskSegment));
}

}  // namespace

void initialise_interrupts() {
    for (std::size_t vector = 0; vector < gates.size(); ++vector) {
        const auto entry = reinterpret_cast<std::uint64_t>(tb_isr_entries) + vector * kEntryBytes;
        const bool may_be_the_stack = vector == kNmi || vector == kDoubleFault || vector == kPageFault;
        gates[vector] = {static_cast<std::uint16_t>(entry),
                         kCodeSegment,
                         static_cast<std::uint8_t>(may_be_the_stack ? 1 : 0),
                         kInterruptGate,
                         static_cast<std::uint16_t>(entry >> 16),
                         static_cast<std::uint32_t>(entry >> 32),
                         0};
    }
    load_task_state();
    const TablePointer pointer{sizeof gates - 1, reinterpret_cast<std::uint64_t>(gates.data())};
    asm volatile("lidt %0" : : "m"(pointer));
}

std::uint64_t interrupts_taken() {
    return taken;
}

void set_handler(std::uint8_t vector, VectorHandler handler, void* context) {
    entries[vector] = {handler, context};
}

}  // namespace tb::kernel

void tb_interrupt(tb::kernel::Frame* frame) {
    using namespace tb::kernel;
    const Entry& entry = entries[frame->vector & 0xff];
    if (entry.handler != nullptr) {
        ++taken;
        return entry.handler(*frame, entry.context);
    }
    if (frame->vector == kSpuriousVector) return;
    panic(*frame);
}
