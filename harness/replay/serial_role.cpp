// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "harness/replay/role.hpp"
#include "models/serial/uart16550_regs.hpp"

namespace tb::replay {

namespace {

namespace lcr = model::serial::lcr;
namespace lsr = model::serial::lsr;
namespace mcr = model::serial::mcr;
namespace iir = model::serial::iir;
namespace reg = model::serial::reg;

/// Which characters came in: what RBR gave while LSR, or IIR, said that there was something.
class SerialStudy : public Study {
  public:
    void see(const Access& access) override {
        // Wider accesses than a byte are none of a UART's.
        if (access.spot.bar == Spot::kConfig || access.width != 1) return;
        const auto value = static_cast<std::uint8_t>(access.value);
        const std::uint64_t offset = access.spot.offset;
        if (!access.read()) {
            if (offset == reg::kLine) divisor_ = (value & lcr::kDlab) != 0;
            if (offset == reg::kModem) loop_ = (value & mcr::kLoop) != 0;
            // What the FIFO held when it was emptied nobody has read.
            if (offset == reg::kIdentity) evidence_.reset();
            return;
        }
        if (loop_) return;
        const std::uint8_t source = value & iir::kSourceMask;
        const bool tells =
            (offset == reg::kLineStatus && (value & lsr::kDataReady) != 0) ||
            (offset == reg::kIdentity && (value & iir::kNone) == 0 && (source == iir::kReceive));
        if (tells && !evidence_) evidence_ = access.line;
        if (offset != reg::kData || divisor_ || !evidence_) return;
        arrivals_.push_back({*evidence_, std::byte{value}});
        evidence_.reset();
    }
    std::span<const Arrival> arrivals() const override { return arrivals_; }

  private:
    bool divisor_ = false;
    bool loop_ = false;
    std::optional<std::uint64_t> evidence_;
    std::vector<Arrival> arrivals_;
};

std::unique_ptr<Study> study() {
    return std::make_unique<SerialStudy>();
}

constexpr std::uint32_t kIds[] = {0x0002'1b36};
constexpr std::string_view kNames[] = {"pci-serial"};
constexpr NamedRegion kRegions[] = {{"serial", {Spot::kPorts, 0}, 8}};
// The timeout of the receive FIFO, in IIR.
constexpr RegisterBits kPortTimed[] = {{{Spot::kPorts, 2}, 0xf}};
constexpr RegisterBits kBarTimed[] = {{{0, 2}, 0xf}};

}  // namespace

const Role& isa_serial_role() {
    static const Role role{.type = "isa-serial",
                           .ids = {},
                           .names = {},
                           .regions = kRegions,
                           .ports = 0x3f8,
                           .port_count = 8,
                           .study = study,
                           .memory = {},
                           .timed = kPortTimed};
    return role;
}

const Role& pci_serial_role() {
    static const Role role{.type = "pci-serial",
                           .ids = kIds,
                           .names = kNames,
                           .regions = {},
                           .bar_bytes = {8},
                           .study = study,
                           .memory = {},
                           .timed = kBarTimed};
    return role;
}

}  // namespace tb::replay
