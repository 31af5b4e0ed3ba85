// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/rings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "harness/devices/ring_pieces.hpp"
#include "harness/devices/virtio_layouts.hpp"

namespace tb::harness {

namespace {

using trace::NamedBits;

constexpr std::uint64_t kRingHead = 4;  ///< flags and idx, before the entries of either ring
constexpr std::uint64_t kMostEntries = 32768;
constexpr LayoutField kWord = {"", 0, 16};

class VirtioRings : public Rings {
  public:
    bool cares_for(std::string_view name) const override {
        return name == "common.device_status" || name.starts_with("common.queue_");
    }
    void wrote(std::string_view name, std::uint64_t value) override {
        learn(name.substr(std::string_view("common.").size()), value);
        Fnv hash;
        for (const auto& [number, queue] : queues_) {
            if (!queue.enabled) continue;
            for (const std::uint64_t word : {number, queue.size, queue.desc, queue.avail, queue.used})
                hash.add(word);
        }
        fingerprint_ = hash.value();
    }
    void forget() override {
        queues_.clear();
        selected_ = 0;
        fingerprint_ = Fnv().value();
    }
    std::uint64_t fingerprint() const override { return fingerprint_; }

    std::vector<NamedBits> pieces(std::uint64_t address, unsigned width) const override {
        std::vector<NamedBits> found;
        for (const auto& [number, queue] : queues_) {
            if (!queue.enabled) continue;
            const std::string prefix = fmt::format("queue[{}]", number);
            if (inside(address, queue.desc, kVirtqDesc.bytes * queue.size)) {
                const std::uint64_t i = (address - queue.desc) / kVirtqDesc.bytes;
                add_layout(found, fmt::format("{}.desc[{}]", prefix, i), queue.desc + kVirtqDesc.bytes * i,
                           kVirtqDesc, address, width);
            } else if (inside(address, queue.avail, kRingHead + 2 * queue.size + 2)) {
                add_layout(found, prefix + ".avail", queue.avail, kVirtqAvail, address, width);
                add_entry(found, prefix + ".avail", queue.avail, queue.size, 2, "used_event", address, width);
            } else if (inside(address, queue.used, kRingHead + kVirtqUsedElement.bytes * queue.size + 2)) {
                add_layout(found, prefix + ".used", queue.used, kVirtqUsed, address, width);
                add_entry(found, prefix + ".used", queue.used, queue.size, kVirtqUsedElement.bytes,
                          "avail_event", address, width);
            }
            if (!found.empty()) break;
        }
        return found;
    }

    std::string buffer(std::uint64_t address, std::span<const std::byte> memory) const override {
        for (const auto& [number, queue] : queues_)
            if (const char* role = queue.enabled ? role_of(queue, address, memory) : nullptr)
                return fmt::format("queue[{}]{}", number, role);
        return {};
    }
    bool is_buffer(std::string_view base) const override {
        return base.starts_with("queue.readable") || base.starts_with("queue.writable");
    }

    std::optional<std::uint64_t> in_next_element(std::uint64_t address) const override {
        for (const auto& [number, queue] : queues_) {
            const std::uint64_t first = queue.used + kRingHead;
            if (!queue.enabled || !inside(address, first, kVirtqUsedElement.bytes * queue.size)) continue;
            const std::uint64_t next = address - first + kVirtqUsedElement.bytes;
            return first + next % (kVirtqUsedElement.bytes * queue.size);
        }
        return std::nullopt;
    }

    std::vector<std::string> names() const override {
        std::vector<std::string> all = {"queue.avail.ring",       "queue.avail.used_event",
                                        "queue.used.avail_event", "queue.readable",
                                        "queue.writable",         "queue.writable.last"};
        const auto add = [&](const char* prefix, const LayoutSpec& layout) {
            for (const LayoutField& field : layout.fields)
                all.push_back(fmt::format("{}.{}", prefix, field.name));
        };
        add("queue.desc", kVirtqDesc);
        add("queue.avail", kVirtqAvail);
        add("queue.used", kVirtqUsed);
        add("queue.used.ring", kVirtqUsedElement);
        return all;
    }

  private:
    void learn(std::string_view name, std::uint64_t value) {
        if (name == "device_status" && value == 0) queues_.clear();
        if (name == "queue_select") selected_ = value;
        if (!name.starts_with("queue_")) return;
        Queue& queue = queues_[selected_];
        if (name == "queue_size") queue.size = std::min(value, kMostEntries);
        if (name == "queue_desc_lo") set_low(queue.desc, value);
        if (name == "queue_desc_hi") set_high(queue.desc, value);
        if (name == "queue_driver_lo") set_low(queue.avail, value);
        if (name == "queue_driver_hi") set_high(queue.avail, value);
        if (name == "queue_device_lo") set_low(queue.used, value);
        if (name == "queue_device_hi") set_high(queue.used, value);
        if (name == "queue_enable") queue.enabled = value == 1;
    }

    struct Queue {
        std::uint64_t size = 256;
        std::uint64_t desc = 0;
        std::uint64_t avail = 0;
        std::uint64_t used = 0;
        bool enabled = false;
    };

    static bool inside(std::uint64_t address, std::uint64_t base, std::uint64_t bytes) {
        return address >= base && address - base < bytes;
    }

    static void add_entry(std::vector<NamedBits>& found, const std::string& ring, std::uint64_t base,
                          std::uint64_t size, std::uint64_t stride, const char* behind, std::uint64_t address,
                          unsigned width) {
        if (address < base + kRingHead) return;
        const std::uint64_t i = (address - base - kRingHead) / stride;
        const std::uint64_t at = base + kRingHead + i * stride;
        if (i >= size)
            add_part(found, fmt::format("{}.{}", ring, behind), at, kWord, address, width);
        else if (stride == kVirtqUsedElement.bytes)
            add_layout(found, fmt::format("{}.ring[{}]", ring, i), at, kVirtqUsedElement, address, width);
        else
            add_part(found, fmt::format("{}.ring[{}]", ring, i), at, kWord, address, width);
    }

    struct Descriptor {
        std::uint64_t address;
        std::uint32_t bytes;
        std::uint16_t flags;
        std::uint16_t next;
    };
    static_assert(sizeof(Descriptor) == 16);

    /// In which kind of buffer of a chain the address is; null when in none. Descriptors of finished chains
    /// count: they say what the memory was.
    static const char* role_of(const Queue& queue, std::uint64_t address, std::span<const std::byte> memory) {
        return role_in_table(queue.desc, queue.size, address, memory, true);
    }
    static const char* role_in_table(std::uint64_t table, std::uint64_t entries, std::uint64_t address,
                                     std::span<const std::byte> memory, bool outermost) {
        for (std::uint64_t i = 0; i < entries; ++i) {
            const std::uint64_t at = table + i * sizeof(Descriptor);
            if (at > memory.size() || memory.size() - at < sizeof(Descriptor)) return nullptr;
            Descriptor d{};
            std::memcpy(&d, memory.data() + at, sizeof d);
            const bool indirect = (d.flags & 4) != 0;
            if (indirect && outermost) {
                if (const char* role =
                        role_in_table(d.address, d.bytes / sizeof(Descriptor), address, memory, false))
                    return role;
            } else if (inside(address, d.address, d.bytes)) {
                if ((d.flags & 2) == 0) return ".readable";
                return (d.flags & 1) == 0 ? ".writable.last" : ".writable";
            }
        }
        return nullptr;
    }

    std::map<std::uint64_t, Queue> queues_;
    std::uint64_t selected_ = 0;
    std::uint64_t fingerprint_ = Fnv().value();
};

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

std::unique_ptr<Rings> make_virtio_rings() {
    return std::make_unique<VirtioRings>();
}

std::unique_ptr<Rings> make_descriptor_rings(std::span<const DescriptorRing> rings) {
    return std::make_unique<DescriptorRings>(rings);
}

}  // namespace tb::harness
