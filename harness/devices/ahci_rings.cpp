// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <charconv>
#include <cstring>

#include "harness/devices/ahci_layouts.hpp"
#include "harness/devices/ring_parts.hpp"
#include "harness/devices/rings.hpp"

namespace tb::harness {

namespace {

using trace::NamedBits;

constexpr std::uint64_t kHeaders = 32;
constexpr std::uint64_t kReceivedBytes = 256;
constexpr std::uint64_t kPrdsOfTable = 0x80;
constexpr std::uint64_t kHbaReset = 1;

/// Where the FISes are in what is received (§4.2.1).
struct ReceivedFis {
    const char* name;
    std::uint64_t offset;
    const LayoutSpec* layout;
};
constexpr std::array kReceived = {ReceivedFis{"pio_setup", 0x20, &kFisPio},
                                  ReceivedFis{"d2h", 0x40, &kFisD2h}, ReceivedFis{"sdb", 0x58, &kFisSdb}};

bool inside(std::uint64_t address, std::uint64_t base, std::uint64_t bytes) {
    return base != 0 && address >= base && address - base < bytes;
}

template <class T>
T load(std::span<const std::byte> memory, std::uint64_t address) {
    T value{};
    if (address <= memory.size() && memory.size() - address >= sizeof(T))
        std::memcpy(&value, memory.data() + address, sizeof(T));
    return value;
}

/// The names: "port[0].header[3].PRDBC", "port[0].d2h.status"; with memory "port[0].table[3]" and
/// "port[0].data".
class AhciRings : public Rings {
  public:
    bool cares_for(std::string_view name) const override {
        return name == "GHC" || name.starts_with("PxCLB") || name.starts_with("PxFB[") ||
               name.starts_with("PxFBU");
    }
    void wrote(std::string_view name, std::uint64_t value) override {
        if (name == "GHC" && (value & kHbaReset) != 0) return forget();
        const std::size_t open = name.find('[');
        unsigned number = kPorts;
        if (open == std::string_view::npos) return;
        std::from_chars(name.data() + open + 1, name.data() + name.size(), number);
        if (number >= kPorts) return;
        Port& port = ports_[number];
        const std::string_view reg = name.substr(0, open);
        if (reg == "PxCLB") set_low(port.list, value);
        if (reg == "PxCLBU") set_high(port.list, value);
        if (reg == "PxFB") set_low(port.received, value);
        if (reg == "PxFBU") set_high(port.received, value);
        Fnv hash;
        for (const Port& each : ports_) {
            hash.add(each.list);
            hash.add(each.received);
        }
        fingerprint_ = hash.value();
    }
    void forget() override {
        ports_ = {};
        fingerprint_ = 0;
    }
    std::uint64_t fingerprint() const override { return fingerprint_; }

    std::vector<NamedBits> pieces(std::uint64_t address, unsigned width) const override {
        std::vector<NamedBits> found;
        for (unsigned i = 0; i < kPorts; ++i) {
            const Port& port = ports_[i];
            if (inside(address, port.list, kHeaders * kAhciHeader.bytes)) {
                const std::uint64_t slot = (address - port.list) / kAhciHeader.bytes;
                add_layout(found, fmt::format("port[{}].header[{}]", i, slot),
                           port.list + slot * kAhciHeader.bytes, kAhciHeader, address, width);
            } else if (inside(address, port.received, kReceivedBytes)) {
                for (const ReceivedFis& fis : kReceived)
                    if (inside(address, port.received + fis.offset, fis.layout->bytes))
                        add_layout(found, fmt::format("port[{}].{}", i, fis.name), port.received + fis.offset,
                                   *fis.layout, address, width);
            }
            if (!found.empty()) break;
        }
        return found;
    }

    std::string buffer(std::uint64_t address, std::span<const std::byte> memory) const override {
        for (unsigned i = 0; i < kPorts; ++i) {
            if (ports_[i].list == 0) continue;
            for (std::uint64_t slot = 0; slot < kHeaders; ++slot) {
                const std::uint64_t header = ports_[i].list + slot * kAhciHeader.bytes;
                const std::uint64_t prds = load<std::uint16_t>(memory, header + 2);
                const auto table = load<std::uint64_t>(memory, header + 8);
                if (inside(address, table, kPrdsOfTable + prds * kAhciPrd.bytes))
                    return fmt::format("port[{}].table[{}]", i, slot);
                for (std::uint64_t prd = 0; prd < prds; ++prd) {
                    const std::uint64_t at = table + kPrdsOfTable + prd * kAhciPrd.bytes;
                    const std::uint64_t bytes = (load<std::uint32_t>(memory, at + 12) & 0x3f'ffff) + 1;
                    if (inside(address, load<std::uint64_t>(memory, at), bytes))
                        return fmt::format("port[{}].data", i);
                }
            }
        }
        return {};
    }
    bool is_buffer(std::string_view base) const override {
        return base == "port.table" || base == "port.data";
    }

    std::optional<std::uint64_t> in_next_element(std::uint64_t) const override { return std::nullopt; }

    std::vector<std::string> names() const override {
        std::vector<std::string> all = {"port.table", "port.data"};
        const auto add = [&](const char* prefix, const LayoutSpec& layout) {
            for (const LayoutField& field : layout.fields)
                all.push_back(fmt::format("{}.{}", prefix, field.name));
        };
        add("port.header", kAhciHeader);
        for (const ReceivedFis& fis : kReceived) add(fmt::format("port.{}", fis.name).c_str(), *fis.layout);
        return all;
    }

  private:
    static constexpr unsigned kPorts = 32;
    struct Port {
        std::uint64_t list = 0;
        std::uint64_t received = 0;
    };
    std::array<Port, kPorts> ports_{};
    std::uint64_t fingerprint_ = 0;
};

}  // namespace

std::unique_ptr<Rings> make_ahci_rings() {
    return std::make_unique<AhciRings>();
}

}  // namespace tb::harness
