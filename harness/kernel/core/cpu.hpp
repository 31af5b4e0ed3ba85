// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// The instructions that C++ has no words for.
namespace tb::kernel {

inline std::uint8_t in8(std::uint16_t port) {
    std::uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
inline std::uint16_t in16(std::uint16_t port) {
    std::uint16_t value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
inline std::uint32_t in32(std::uint16_t port) {
    std::uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
inline void out8(std::uint16_t port, std::uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline void out16(std::uint16_t port, std::uint16_t value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline void out32(std::uint16_t port, std::uint32_t value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/// Accesses of a width that is known at run time only: one instruction each. Ports have 1, 2 or 4 bytes,
/// memory 8 too.
inline std::uint32_t port_read(std::uint16_t port, unsigned width) {
    return width == 1 ? in8(port) : width == 2 ? in16(port) : in32(port);
}
inline void port_write(std::uint16_t port, unsigned width, std::uint32_t value) {
    if (width == 1) return out8(port, static_cast<std::uint8_t>(value));
    if (width == 2) return out16(port, static_cast<std::uint16_t>(value));
    out32(port, value);
}
template <class T>
volatile T& memory_at(std::uint64_t address) {
    return *reinterpret_cast<volatile T*>(address);
}
inline std::uint64_t memory_read(std::uint64_t address, unsigned width) {
    if (width == 1) return memory_at<std::uint8_t>(address);
    if (width == 2) return memory_at<std::uint16_t>(address);
    if (width == 4) return memory_at<std::uint32_t>(address);
    return memory_at<std::uint64_t>(address);
}
inline void memory_write(std::uint64_t address, unsigned width, std::uint64_t value) {
    if (width == 1)
        memory_at<std::uint8_t>(address) = static_cast<std::uint8_t>(value);
    else if (width == 2)
        memory_at<std::uint16_t>(address) = static_cast<std::uint16_t>(value);
    else if (width == 4)
        memory_at<std::uint32_t>(address) = static_cast<std::uint32_t>(value);
    else
        memory_at<std::uint64_t>(address) = value;
}

inline std::uint64_t read_msr(std::uint32_t number) {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return std::uint64_t{high} << 32 | low;
}
inline void write_msr(std::uint32_t number, std::uint64_t value) {
    asm volatile("wrmsr"
                 :
                 : "c"(number), "a"(static_cast<std::uint32_t>(value)),
                   "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}
inline std::uint64_t read_cr2() {
    std::uint64_t value;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}
inline void write_cr3(std::uint64_t value) {
    asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}
inline std::uint64_t read_tsc() {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32 | low;
}

inline bool interrupts_enabled() {
    std::uint64_t flags;
    asm volatile("pushfq; popq %0" : "=r"(flags));
    return (flags >> 9 & 1) != 0;
}
inline void enable_interrupts() {
    asm volatile("sti" : : : "memory");
}
inline void disable_interrupts() {
    asm volatile("cli" : : : "memory");
}
/// Sleeps until the next interrupt, which is taken before this returns. Between `sti` and `hlt` none can slip
/// in (Intel SDM vol. 2B, STI).
inline void wait_for_interrupt() {
    asm volatile("sti; hlt; cli" : : : "memory");
}
inline void pause() {
    asm volatile("pause" : : : "memory");
}

/// Interrupts are off while one of these lives.
class InterruptsOff {
  public:
    InterruptsOff() : were_on_(interrupts_enabled()) { disable_interrupts(); }
    ~InterruptsOff() {
        if (were_on_) enable_interrupts();
    }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

  private:
    bool were_on_;
};

}  // namespace tb::kernel
