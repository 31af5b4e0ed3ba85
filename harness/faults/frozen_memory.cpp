// SPDX-License-Identifier: BSD-3-Clause
#include "harness/faults/frozen_memory.hpp"

#include <algorithm>
#include <cstring>

namespace tb::faults {

void FrozenMemory::freeze(std::uint64_t until_ns) {
    until_ns_ = std::max(until_ns_, until_ns);
    if (frozen_) return;
    frozen_ = true;
    for (const auto& [address, size] : machine_.pool().allocations()) {
        const auto bytes = machine_.ram().subspan(address, size);
        view_.emplace(address, std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
}

void FrozenMemory::thaw() {
    frozen_ = false;
    until_ns_ = 0;
    view_.clear();
}

void FrozenMemory::thaw_if_due() {
    if (frozen_ && machine_.now_ns() >= until_ns_) thaw();
}

template <class Views>
auto FrozenMemory::find(Views& view, std::uint64_t address, std::size_t size)
    -> decltype(view.begin()->second.data()) {
    auto found = view.upper_bound(address);
    if (found == view.begin()) return nullptr;
    --found;
    const std::uint64_t offset = address - found->first;
    if (offset > found->second.size() || found->second.size() - offset < size) return nullptr;
    return found->second.data() + offset;
}

void FrozenMemory::load(std::uint64_t address, std::span<std::byte> out) const {
    if (const std::byte* seen = find(view_, address, out.size())) std::memcpy(out.data(), seen, out.size());
}

void FrozenMemory::store(std::uint64_t address, std::span<const std::byte> in) {
    if (std::byte* seen = find(view_, address, in.size())) std::memcpy(seen, in.data(), in.size());
}

}  // namespace tb::faults
