// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace tb::serial {

/// A queue of characters inside the driver object. Both ends are used under the driver's critical section (or
/// from its interrupt handler, which is one), so it needs no atomics.
template <std::uint32_t kCapacity>
class ByteRing {
    static_assert(kCapacity != 0 && (kCapacity & (kCapacity - 1)) == 0, "the indices wrap at a power of two");

  public:
    static constexpr std::uint32_t capacity() { return kCapacity; }
    std::uint32_t size() const { return tail_ - head_; }
    bool empty() const { return head_ == tail_; }
    bool full() const { return size() == kCapacity; }
    void clear() { head_ = tail_; }

    /// False, and nothing happens, when the ring is full.
    bool push(std::byte value) {
        if (full()) return false;
        bytes_[tail_++ % kCapacity] = value;
        return true;
    }
    /// The caller checked that the ring is not empty.
    std::byte pop() { return bytes_[head_++ % kCapacity]; }

  private:
    std::byte bytes_[kCapacity] = {};
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
};

}  // namespace tb::serial
