// SPDX-License-Identifier: BSD-3-Clause
// Virtqueues: VIRTIO 1.2 §2.7, §2.8.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "harness/devices/ring_parts.hpp"
#include "harness/devices/rings.hpp"
#include "harness/devices/virtio_layouts.hpp"

namespace tb::harness {

namespace {

using trace::NamedBits;

constexpr std::uint64_t kRingHead = 4;  ///< flags and idx, before the entries of either ring
constexpr std::uint64_t kMostEntries = 32768;
constexpr LayoutField kWord = {"", 0, 16};
constexpr unsigned kRingPacked = 34;  ///< the feature's number

class VirtioRings : public Rings {
  public:
    bool cares_for(std::string_view name) const override {
        return name == "common.device_status" || name.starts_with("common.queue_") ||
               name.starts_with("common.driver_feature");
    }
    void wrote(std::string_view name, std::uint64_t value) override {
        learn(name.substr(std::string_view("common.").size()), value);
        Fnv hash;
        if (packed_) hash.add(1);
        for (const auto& [number, queue] : queues_) {
            if (!queue.enabled) continue;
            for (const std::uint64_t word : {number, queue.size, queue.desc, queue.avail, queue.used})
                hash.add(word);
        }
        fingerprint_ = hash.value();
    }
    void forget() override {
        queues_.clear();
        selected_ = feature_select_ = 0;
        packed_ = false;
        fingerprint_ = Fnv().value();
    }
    void stored(std::uint64_t address, unsigned width, std::uint64_t value) override {
        if (!packed_) return;
        for (auto& [number, queue] : queues_) {
            const std::uint64_t bytes = sizeof(PackedDescriptor) * queue.size;
            if (!queue.enabled || !inside(address, queue.desc, bytes)) continue;
            queue.put.resize(queue.size);
            auto* const put = std::as_writable_bytes(std::span(queue.put)).data();
            std::memcpy(put + (address - queue.desc), &value,
                        std::min<std::uint64_t>(width, bytes - (address - queue.desc)));
        }
    }
    std::uint64_t fingerprint() const override { return fingerprint_; }

    std::vector<NamedBits> pieces(std::uint64_t address, unsigned width) const override {
        std::vector<NamedBits> found;
        for (const auto& [number, queue] : queues_) {
            if (!queue.enabled) continue;
            const std::string prefix = fmt::format("queue[{}]", number);
            if (packed_) {
                add_packed(found, prefix, queue, address, width);
            } else if (inside(address, queue.desc, kVirtqDesc.bytes * queue.size)) {
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
            if (const char* role = !queue.enabled ? nullptr
                                   : packed_      ? packed_role_of(queue, address, memory)
                                                  : role_of(queue, address, memory))
                return fmt::format("queue[{}]{}", number, role);
        return {};
    }
    bool is_buffer(std::string_view base) const override {
        return base.starts_with("queue.readable") || base.starts_with("queue.writable");
    }

    std::optional<std::uint64_t> in_next_element(std::uint64_t address) const override {
        for (const auto& [number, queue] : queues_) {
            if (packed_) {
                const std::uint64_t bytes = kPvirtqDesc.bytes * queue.size;
                if (!queue.enabled || !inside(address, queue.desc, bytes)) continue;
                return queue.desc + (address - queue.desc + kPvirtqDesc.bytes) % bytes;
            }
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
        // Of packed queues some are called as those of split ones are.
        add("queue.desc", kVirtqDesc);
        for (const char* own : {"queue.desc.id", "queue.desc.AVAIL", "queue.desc.USED"})
            all.emplace_back(own);
        add("queue.driver", kPvirtqEventSuppress);
        add("queue.device", kPvirtqEventSuppress);
        add("queue.avail", kVirtqAvail);
        add("queue.used", kVirtqUsed);
        add("queue.used.ring", kVirtqUsedElement);
        return all;
    }

  private:
    void learn(std::string_view name, std::uint64_t value) {
        if (name == "device_status" && value == 0) {
            queues_.clear();
            packed_ = false;
        }
        if (name == "driver_feature_select") feature_select_ = value;
        if (name == "driver_feature" && feature_select_ == kRingPacked / 32)
            packed_ = (value >> (kRingPacked % 32) & 1) != 0;
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

    struct Descriptor {
        std::uint64_t address;
        std::uint32_t bytes;
        std::uint16_t flags;
        std::uint16_t next;
    };
    static_assert(sizeof(Descriptor) == 16);
    struct PackedDescriptor {
        std::uint64_t address;
        std::uint32_t bytes;
        std::uint16_t id;
        std::uint16_t flags;
    };
    static_assert(sizeof(PackedDescriptor) == 16);

    struct Queue {
        std::uint64_t size = 256;
        std::uint64_t desc = 0;
        std::uint64_t avail = 0;
        std::uint64_t used = 0;
        bool enabled = false;
        std::vector<PackedDescriptor> put{};  ///< as the driver wrote them: the device overwrites them
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

    static void add_packed(std::vector<NamedBits>& found, const std::string& prefix, const Queue& queue,
                           std::uint64_t address, unsigned width) {
        if (inside(address, queue.desc, kPvirtqDesc.bytes * queue.size)) {
            const std::uint64_t i = (address - queue.desc) / kPvirtqDesc.bytes;
            add_layout(found, fmt::format("{}.desc[{}]", prefix, i), queue.desc + kPvirtqDesc.bytes * i,
                       kPvirtqDesc, address, width);
        } else if (inside(address, queue.avail, kPvirtqEventSuppress.bytes)) {
            add_layout(found, prefix + ".driver", queue.avail, kPvirtqEventSuppress, address, width);
        } else if (inside(address, queue.used, kPvirtqEventSuppress.bytes)) {
            add_layout(found, prefix + ".device", queue.used, kPvirtqEventSuppress, address, width);
        }
    }

    static const char* packed_role_of(const Queue& queue, std::uint64_t address,
                                      std::span<const std::byte> memory) {
        for (const PackedDescriptor& d : queue.put) {
            if ((d.flags & 4) == 0) {
                if (inside(address, d.address, d.bytes)) return packed_role(d, (d.flags & 1) == 0);
                continue;
            }
            // A table, in which no descriptor has NEXT (§2.8.7).
            const std::uint64_t entries = d.bytes / sizeof(PackedDescriptor);
            for (std::uint64_t i = 0; i < entries; ++i) {
                const std::uint64_t at = d.address + i * sizeof(PackedDescriptor);
                if (at > memory.size() || memory.size() - at < sizeof(PackedDescriptor)) break;
                PackedDescriptor entry{};
                std::memcpy(&entry, memory.data() + at, sizeof entry);
                if (inside(address, entry.address, entry.bytes)) return packed_role(entry, i + 1 == entries);
            }
        }
        return nullptr;
    }
    static const char* packed_role(const PackedDescriptor& d, bool last) {
        if ((d.flags & 2) == 0) return ".readable";
        return last ? ".writable.last" : ".writable";
    }

    std::map<std::uint64_t, Queue> queues_;
    std::uint64_t selected_ = 0;
    std::uint64_t feature_select_ = 0;
    bool packed_ = false;  ///< VIRTIO_F_RING_PACKED is accepted
    std::uint64_t fingerprint_ = Fnv().value();
};

}  // namespace

std::unique_ptr<Rings> make_virtio_rings() {
    return std::make_unique<VirtioRings>();
}

}  // namespace tb::harness
