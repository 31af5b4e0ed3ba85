// SPDX-License-Identifier: BSD-3-Clause
#include "harness/kernel/core/panic.hpp"

#include <cstddef>
#include <iterator>

#include "harness/kernel/core/console.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/exit.hpp"

extern "C" {
extern const char tb_image_start[];
extern const char tb_text_end[];
extern const char tb_image_end[];
extern const char tb_stack_guard[];
/// Made from the linked image (symbols.py): addresses, ascending, and names; empty in the first link.
struct TbSymbol {
    std::uint64_t address;
    const char* name;
};
[[gnu::weak]] extern const TbSymbol tb_symbols[];
[[gnu::weak]] extern const std::uint64_t tb_symbol_count;
}

namespace tb::kernel {

namespace {

constexpr std::uint64_t kPageFault = 14;
constexpr unsigned kDeepest = 32;

constexpr const char* kExceptions[] = {"divide error",
                                       "debug",
                                       "non-maskable interrupt",
                                       "breakpoint",
                                       "overflow",
                                       "bound range exceeded",
                                       "invalid opcode",
                                       "device not available",
                                       "double fault",
                                       "coprocessor segment overrun",
                                       "invalid TSS",
                                       "segment not present",
                                       "stack fault",
                                       "general protection",
                                       "page fault",
                                       "reserved",
                                       "x87 error",
                                       "alignment check",
                                       "machine check",
                                       "SIMD error",
                                       "virtualization",
                                       "control protection"};

std::uint64_t address_of(const char* symbol) {
    return reinterpret_cast<std::uint64_t>(symbol);
}

void put_place(std::uint64_t address) {
    print("  ", Hex{address, 8});
    if (&tb_symbol_count != nullptr) {
        const TbSymbol* found = nullptr;
        for (std::uint64_t i = 0; i < tb_symbol_count && tb_symbols[i].address <= address; ++i)
            found = &tb_symbols[i];
        if (found != nullptr) print("  ", found->name, "+", Hex{address - found->address});
    }
    print("\n");
}

void put_backtrace(std::uint64_t rip, std::uint64_t rbp) {
    print("backtrace:\n");
    put_place(rip);
    // A frame begins with the caller's RBP and the return address; all of them lie in the image's own stacks.
    for (unsigned depth = 0; depth < kDeepest; ++depth) {
        const bool sound =
            rbp >= address_of(tb_text_end) && rbp < address_of(tb_image_end) - 16 && rbp % 8 == 0;
        if (!sound) return;
        const auto* frame = reinterpret_cast<const std::uint64_t*>(rbp);
        if (frame[1] < address_of(tb_image_start) || frame[1] >= address_of(tb_text_end)) return;
        put_place(frame[1]);
        if (frame[0] <= rbp) return;
        rbp = frame[0];
    }
}

void put_registers(const Frame& frame) {
    struct Register {
        const char* name;
        std::uint64_t value;
    };
    const Register registers[] = {{"rax", frame.rax}, {"rbx", frame.rbx}, {"rcx", frame.rcx},
                                  {"rdx", frame.rdx}, {"rsi", frame.rsi}, {"rdi", frame.rdi},
                                  {"rbp", frame.rbp}, {"rsp", frame.rsp}, {"r8 ", frame.r8},
                                  {"r9 ", frame.r9},  {"r10", frame.r10}, {"r11", frame.r11},
                                  {"r12", frame.r12}, {"r13", frame.r13}, {"r14", frame.r14},
                                  {"r15", frame.r15}, {"rip", frame.rip}, {"flags", frame.rflags}};
    unsigned column = 0;
    for (const Register& r : registers) print(r.name, " ", Hex{r.value, 16}, ++column % 4 == 0 ? "\n" : "  ");
    print("\n");
}

void put_page_fault(const Frame& frame) {
    const std::uint64_t address = read_cr2();
    print((frame.error_code & 16) != 0  ? "instruction fetch"
          : (frame.error_code & 2) != 0 ? "write"
                                        : "read",
          " at ", Hex{address, 8},
          (frame.error_code & 1) != 0 ? ", not allowed there" : ", where nothing is mapped");
    if (address < 0x1000) print(" (a null pointer)");
    if (address >= address_of(tb_stack_guard) && address < address_of(tb_stack_guard) + 0x1000)
        print(" (the stack has overflowed)");
    print("\n");
}

}  // namespace

void panic(const char* why) {
    disable_interrupts();
    print("\nPANIC: ", why, "\n");
    std::uint64_t rip;
    asm volatile("lea (%%rip), %0" : "=r"(rip));
    put_backtrace(rip, reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
    exit_machine(ExitStatus::kPanic);
}

void panic(const Frame& frame) {
    if (frame.vector >= 32) {
        print("\nPANIC: stray interrupt, vector ", Hex{frame.vector, 2}, "\n");
    } else {
        const char* name = frame.vector < std::size(kExceptions) ? kExceptions[frame.vector] : "reserved";
        print("\nPANIC: ", name, " (vector ", frame.vector, ", error code ", Hex{frame.error_code}, ")\n");
        if (frame.vector == kPageFault) put_page_fault(frame);
    }
    put_registers(frame);
    put_backtrace(frame.rip, frame.rbp);
    exit_machine(ExitStatus::kPanic);
}

void panic(const Frame& frame, const char* why) {
    print("\nPANIC: ", why, "\n");
    put_registers(frame);
    put_backtrace(frame.rip, frame.rbp);
    exit_machine(ExitStatus::kPanic);
}

}  // namespace tb::kernel
