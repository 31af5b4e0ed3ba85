// SPDX-License-Identifier: BSD-3-Clause
#include "pci/enumerate.hpp"

namespace tb::pci {
namespace {

constexpr unsigned kDevicesPerBus = 32;
constexpr unsigned kFunctionsPerDevice = 8;
constexpr std::uint8_t kMultifunction = 0x80;

struct Search {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    unsigned left = 0;
    bool found = false;
    Function function;
};

bool compare(void* context, const Function& function, const Identity& identity) {
    auto& search = *static_cast<Search*>(context);
    if (identity.vendor != search.vendor || identity.device != search.device) return true;
    if (search.left-- != 0) return true;
    search.function = function;
    search.found = true;
    return false;
}

}  // namespace

unsigned enumerate(const hal::Platform& platform, std::uint8_t last_bus, Visitor visitor, void* context) {
    unsigned visited = 0;
    for (unsigned bus = 0; bus <= last_bus; ++bus) {
        for (unsigned device = 0; device < kDevicesPerBus; ++device) {
            unsigned functions = 1;
            for (unsigned index = 0; index < functions; ++index) {
                const hal::PciAddress address{static_cast<std::uint8_t>(bus),
                                              static_cast<std::uint8_t>(device),
                                              static_cast<std::uint8_t>(index)};
                const Function function(platform, platform.pci_function(address));
                const hal::Result<Identity> identity = function.identify();
                if (!identity) continue;
                if (index == 0 && (identity->header_type & kMultifunction) != 0)
                    functions = kFunctionsPerDevice;
                ++visited;
                if (!visitor(context, function, *identity)) return visited;
            }
        }
    }
    return visited;
}

hal::Result<Function> find(const hal::Platform& platform, std::uint16_t vendor, std::uint16_t device,
                           unsigned nth, std::uint8_t last_bus) {
    Search search;
    search.vendor = vendor;
    search.device = device;
    search.left = nth;
    enumerate(platform, last_bus, compare, &search);
    if (!search.found) return hal::Error::kAbsent;
    return search.function;
}

}  // namespace tb::pci
