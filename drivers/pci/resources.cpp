// SPDX-License-Identifier: BSD-3-Clause
#include "pci/resources.hpp"

namespace tb::pci {
namespace {

using hal::Error;

/// Two devices in one page could not be protected from each other.
constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kBarFlags = 0xf;
constexpr std::uint32_t kPortFlags = 0x3;

}  // namespace

hal::Status ResourceAllocator::assign(const Function& function) {
    const hal::PciFunction& config = function.config();
    for (unsigned index = 0; index < kBars; ++index) {
        const hal::Result<Bar> bar = function.bar(index);
        if (!bar) {
            if (bar.error() == Error::kAbsent) continue;
            return bar.error();
        }
        const bool io = bar->kind == Bar::Kind::kIo;
        const std::uint64_t address = io ? take(ports_, bar->size, bar->size)
                                         : take(memory_, bar->size, bar->size < kPage ? kPage : bar->size);
        if (address == 0) return Error::kNoMemory;

        const auto low = static_cast<std::uint16_t>(kBar0 + 4 * index);
        const auto command = config.read<std::uint16_t>(kCommand);
        config.write<std::uint16_t>(kCommand,
                                    static_cast<std::uint16_t>(command & ~(kCommandIo | kCommandMemory)));
        config.write<std::uint32_t>(low, static_cast<std::uint32_t>(address));
        const std::uint32_t held = config.read<std::uint32_t>(low) & ~(io ? kPortFlags : kBarFlags);
        if (bar->kind == Bar::Kind::kMemory64) {
            config.write<std::uint32_t>(static_cast<std::uint16_t>(low + 4), 0);
            ++index;
        }
        config.write<std::uint16_t>(kCommand, command);
        if (held != address) return Error::kProtocol;
    }
    return {};
}

std::uint64_t ResourceAllocator::take(Window& window, std::uint64_t size, std::uint64_t alignment) {
    // Sizes are powers of two but otherwise the device's to say: compared before anything is added.
    const std::uint64_t start = (window.next + alignment - 1) & ~(alignment - 1);
    if (alignment > window.end || start > window.end || size > window.end - start) return 0;
    window.next = start + size;
    return start;
}

}  // namespace tb::pci
