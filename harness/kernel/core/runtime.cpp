// SPDX-License-Identifier: BSD-3-Clause
/// What compiled C++ calls on its own, and operator new: there is no library behind us.
#include <cstddef>
#include <cstdint>
#include <new>

#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/core/panic.hpp"

extern "C" {

// Whole words first: QEMU translates a `rep movsb` into a loop over bytes, and most of what is copied is
// large.
void* memcpy(void* to, const void* from, std::size_t size) {
    void* const result = to;
    std::size_t words = size / 8;
    asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    std::size_t rest = size % 8;
    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return result;
}

void* memmove(void* to, const void* from, std::size_t size) {
    auto* target = static_cast<unsigned char*>(to);
    const auto* source = static_cast<const unsigned char*>(from);
    if (target <= source || target >= source + size) return memcpy(to, from, size);
    while (size-- > 0) {
        target[size] = source[size];
        asm volatile("" : : : "memory");  // or the compiler recognises memmove, and calls it
    }
    return to;
}

void* memset(void* to, int value, std::size_t size) {
    void* const result = to;
    const std::uint64_t pattern = 0x0101'0101'0101'0101 * static_cast<unsigned char>(value);
    std::size_t words = size / 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    std::size_t rest = size % 8;
    asm volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return result;
}

int memcmp(const void* left, const void* right, std::size_t size) {
    const auto* a = static_cast<const unsigned char*>(left);
    const auto* b = static_cast<const unsigned char*>(right);
    for (std::size_t i = 0; i < size; ++i)
        if (a[i] != b[i]) return a[i] - b[i];
    return 0;
}

std::size_t strlen(const char* text) {
    std::size_t length = 0;
    while (text[length] != 0) {
        ++length;
        asm volatile("" : : : "memory");
    }
    return length;
}

void* memchr(const void* where, int value, std::size_t size) {
    auto* at = static_cast<unsigned char*>(const_cast<void*>(where));  // as C wants it
    for (std::size_t i = 0; i < size; ++i)
        if (at[i] == static_cast<unsigned char>(value)) return at + i;
    return nullptr;
}

[[noreturn]] void __cxa_pure_virtual() {
    tb::kernel::panic("a pure virtual function was called");
}
[[noreturn]] void abort() {
    tb::kernel::panic("abort() was called");
}
// Nothing outlives the machine.
int __cxa_atexit(void (*)(void*), void*, void*) {
    return 0;
}
void* __dso_handle = nullptr;

}  // extern "C"

void* operator new(std::size_t size) {
    void* memory = tb::kernel::allocate(size);
    if (memory == nullptr) tb::kernel::panic("the heap is exhausted");
    return memory;
}
void* operator new[](std::size_t size) {
    return operator new(size);
}
void operator delete(void* memory) noexcept {
    tb::kernel::release(memory);
}
void operator delete[](void* memory) noexcept {
    tb::kernel::release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    tb::kernel::release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    tb::kernel::release(memory);
}

// Where the standard library's headers would throw.
namespace std {
[[noreturn]] void __throw_length_error(const char* what) {
    tb::kernel::panic(what);
}
[[noreturn]] void __throw_logic_error(const char* what) {
    tb::kernel::panic(what);
}
[[noreturn]] void __throw_out_of_range(const char* what) {
    tb::kernel::panic(what);
}
[[noreturn]] void __throw_out_of_range_fmt(const char* what, ...) {
    tb::kernel::panic(what);
}
[[noreturn]] void __throw_bad_alloc() {
    tb::kernel::panic("bad_alloc");
}
[[noreturn]] void __throw_bad_array_new_length() {
    tb::kernel::panic("bad_array_new_length");
}
}  // namespace std
