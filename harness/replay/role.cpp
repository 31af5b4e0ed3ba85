// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/role.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace tb::replay {

nlohmann::json Study::configuration() const {
    return nlohmann::json::object();
}

std::span<const Role* const> roles() {
    static const std::vector<const Role*> all = {&isa_serial_role(), &pci_serial_role(), &virtio_blk_role(),
                                                 &e1000_role()};
    return all;
}

const Role* role_by_ids(std::uint32_t ids) {
    for (const Role* role : roles())
        if (std::ranges::find(role->ids, ids) != role->ids.end()) return role;
    return nullptr;
}

const Role* role_by_name(std::string_view device) {
    for (const Role* role : roles())
        if (std::ranges::find(role->names, device) != role->names.end()) return role;
    return nullptr;
}

}  // namespace tb::replay
