// SPDX-License-Identifier: BSD-3-Clause
#include "harness/operations/operation.hpp"

#include <algorithm>
#include <array>

namespace tb::harness {

namespace {

template <class T>
T value_or(const NamedValues& values, std::string_view name, T otherwise) {
    const auto found = values.find(name);
    if (found == values.end()) return otherwise;
    const T* value = std::get_if<T>(&found->second);
    return value == nullptr ? otherwise : *value;
}

}  // namespace

std::uint64_t Arguments::integer(std::string_view name, std::uint64_t otherwise) const {
    return value_or(values_, name, otherwise);
}
bool Arguments::boolean(std::string_view name, bool otherwise) const {
    return value_or(values_, name, otherwise);
}
std::string Arguments::text(std::string_view name, std::string otherwise) const {
    return value_or(values_, name, std::move(otherwise));
}
Bytes Arguments::data(std::string_view name) const {
    return value_or(values_, name, Bytes());
}
std::vector<Bytes> Arguments::data_list(std::string_view name) const {
    return value_or(values_, name, std::vector<Bytes>());
}
std::vector<std::string> Arguments::text_list(std::string_view name) const {
    return value_or(values_, name, std::vector<std::string>());
}
std::vector<std::uint64_t> Arguments::integer_list(std::string_view name) const {
    return value_or(values_, name, std::vector<std::uint64_t>());
}

const OperationSpec* DriverType::find_operation(std::string_view name) const {
    const auto all = operations();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const OperationSpec& op) { return op.name == name; });
    return found == all.end() ? nullptr : &*found;
}

// Lists rather than self-registering objects: nothing depends on the order of initialization, and a reader
// sees what there is.
std::span<const DriverType* const> driver_types() {
    static const std::array<const DriverType*, 6> types = {&pci_driver(),        &uart16550_driver(),
                                                           &virtio_blk_driver(), &virtio_net_driver(),
                                                           &ahci_driver(),       &e1000_driver()};
    return types;
}

const DriverType* find_driver_type(std::string_view name) {
    const auto types = driver_types();
    const auto found = std::find_if(types.begin(), types.end(),
                                    [&](const DriverType* type) { return type->name() == name; });
    return found == types.end() ? nullptr : *found;
}

}  // namespace tb::harness
