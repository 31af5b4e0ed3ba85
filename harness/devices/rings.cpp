// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/rings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/devices/ring_parts.hpp"

namespace tb::harness {

namespace {

using trace::NamedBits;

class DescriptorRings : public Rings {
  public:
    explicit DescriptorRings(std::span<const DescriptorRing> rings) {
        for (const DescriptorRing& ring : rings) rings_.push_back({&ring, 0, 0});
    }

    bool cares_for(std::string_view name) const override {
        return std::any_of(rings_.begin(), rings_.end(), [&](const Ring& ring) {
            return name == ring.spec->base_low || name == ring.spec->base_high || name == ring.spec->bytes;
        });
    }
    void wrote(std::string_view name, std::uint64_t value) override {
        for (Ring& ring : rings_) {
            if (name == ring.spec->base_low) set_low(ring.base, value);
            if (name == ring.spec->base_high) set_high(ring.base, value);
            if (name == ring.spec->bytes) ring.bytes = value;
        }
    }
    void forget() override {
        for (Ring& ring : rings_) ring.base = ring.bytes = 0;
    }
    std::uint64_t fingerprint() const override {
        Fnv hash;
        for (const Ring& ring : rings_) {
            hash.add(ring.base);
            hash.add(ring.bytes);
        }
        return hash.value();
    }

    std::vector<NamedBits> pieces(std::uint64_t address, unsigned width) const override {
        std::vector<NamedBits> found;
        for (const Ring& ring : rings_) {
            if (address < ring.base || address - ring.base >= ring.bytes) continue;
            const std::uint64_t i = (address - ring.base) / ring.spec->layout->bytes;
            add_layout(found, fmt::format("{}[{}]", ring.spec->name, i),
                       ring.base + i * ring.spec->layout->bytes, *ring.spec->layout, address, width);
            break;
        }
        return found;
    }

    std::optional<std::uint64_t> in_next_element(std::uint64_t address) const override {
        for (const Ring& ring : rings_)
            if (address >= ring.base && address - ring.base < ring.bytes)
                return ring.base + (address - ring.base + ring.spec->layout->bytes) % ring.bytes;
        return std::nullopt;
    }

    std::vector<std::string> names() const override {
        std::vector<std::string> all;
        for (const Ring& ring : rings_)
            for (const LayoutField& field : ring.spec->layout->fields)
                all.push_back(fmt::format("{}.{}", ring.spec->name, field.name));
        return all;
    }

  private:
    struct Ring {
        const DescriptorRing* spec;
        std::uint64_t base;
        std::uint64_t bytes;
    };
    std::vector<Ring> rings_;
};

}  // namespace

std::unique_ptr<Rings> make_descriptor_rings(std::span<const DescriptorRing> rings) {
    return std::make_unique<DescriptorRings>(rings);
}

}  // namespace tb::harness
