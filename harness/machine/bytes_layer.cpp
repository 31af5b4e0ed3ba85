// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/bytes_layer.hpp"

#include "harness/machine/hang.hpp"

namespace tb::harness {

void BytesLayer::begin(std::span<const std::uint8_t> input, std::uint64_t calls, std::uint64_t until_ns) {
    input_ = input;
    at_ = 0;
    calls_ = 0;
    budget_ = calls;
    until_ns_ = until_ns;
    every_read_ = (choose(1) & 1) != 0;
}

void BytesLayer::count() {
    if (++calls_ > budget_) throw Hang("the driver does not come to an end: it has used up its accesses");
}

void BytesLayer::delay_ns(std::uint64_t span) {
    count();
    below().delay_ns(span);
    if (below().now_ns() > until_ns_)
        throw Hang("the driver does not come to an end: it has used up its virtual time");
}

std::uint64_t BytesLayer::choose(unsigned width) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width && at_ < input_.size(); ++i)
        value |= std::uint64_t{input_[at_++]} << (8 * i);
    return value;
}

std::uint64_t BytesLayer::answer(std::uint64_t honest, unsigned width) {
    count();
    if (!input_left()) return honest;
    if (every_read_) return choose(width);
    const std::uint64_t how = choose(1);
    if ((how & 3) < 2) return honest;
    if ((how & 3) == 2) return choose(width);
    return honest ^ (std::uint64_t{1} << ((how >> 2) % (std::uint64_t{8} * width)));
}

void BytesLayer::dma_read(std::uint64_t address, std::span<std::byte> out) {
    below().dma_read(address, out);
    // Small pieces are headers and status bytes, which decide something; bulk data is the disk's affair.
    constexpr std::size_t kMostAnswered = 64;
    if (out.size() > kMostAnswered) return count();
    for (std::byte& byte : out) byte = static_cast<std::byte>(answer(static_cast<std::uint64_t>(byte), 1));
}

}  // namespace tb::harness
