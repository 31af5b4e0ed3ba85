// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <hal/platform.hpp>
#include <vector>

#include "harness/operations/operation.hpp"
#include "harness/operations/text.hpp"
#include "pci/enumerate.hpp"
#include "pci/pci.hpp"

namespace tb::harness {

namespace {

using hal::Error;

constexpr KeySpec kFound[] = {
    {"count", ValueType::kInteger, false, "functions that answer on bus 0"},
    {"functions", ValueType::kTextList, false, "each as \"04.0 1af4:1042\", in the order of the walk"},
};
constexpr KeySpec kIdentity[] = {
    {"vendor", ValueType::kInteger, false, "vendor ID"},
    {"device", ValueType::kInteger, false, "device ID"},
    {"revision", ValueType::kInteger, false, "revision ID"},
    {"class", ValueType::kInteger, false, "base class << 16 | subclass << 8 | interface"},
    {"subsystem_vendor", ValueType::kInteger, false, "subsystem vendor ID"},
    {"subsystem", ValueType::kInteger, false, "subsystem ID"},
    {"header_type", ValueType::kInteger, false, "bit 7: several functions"},
};
constexpr KeySpec kIndex[] = {{"index", ValueType::kInteger, true, "0 to 5"}};
constexpr KeySpec kBar[] = {
    {"kind", ValueType::kText, false, "\"memory32\", \"memory64\" or \"io\""},
    {"size", ValueType::kInteger, false, "bytes"},
    {"address", ValueType::kInteger, false, "0: not placed yet"},
    {"prefetchable", ValueType::kBoolean, false, "reads have no side effects"},
};
constexpr KeySpec kCapabilities[] = {
    {"list", ValueType::kTextList, false, "each as \"11@98\": identifier and position, both hex"}};

constexpr OperationSpec kOperations[] = {
    {"pci.enumerate", "walk bus 0", {}, kFound},
    {"pci.identify", "read what the function under test is", {}, kIdentity},
    {"pci.bar", "size one of its base address registers", kIndex, kBar},
    {"pci.capabilities", "walk its capabilities", {}, kCapabilities},
};
constexpr std::string_view kDevices[] = {"pci-serial", "virtio-blk-pci", "virtio-net-pci", "ich9-ahci",
                                         "e1000"};

class PciSession : public DriverSession {
  public:
    explicit PciSession(const hal::Platform& platform)
        : platform_(platform), function_(platform_, platform_.pci_function(kDeviceUnderTest)) {}

    Outcome run(std::string_view operation, const Arguments& arguments) override {
        if (operation == "pci.enumerate") return enumerate();
        if (operation == "pci.identify") return identify();
        if (operation == "pci.bar") return bar(arguments.integer("index"));
        return capabilities();
    }
    hal::Result<std::uint32_t> begin(std::string_view, const Arguments&) override {
        return Error::kUnsupported;
    }
    std::optional<Outcome> finished(std::uint32_t) override { return Outcome{Error::kUnsupported, {}}; }

  private:
    Outcome enumerate() {
        std::vector<std::string> functions;
        const auto note = [](void* context, const pci::Function& function, const pci::Identity& identity) {
            const hal::PciAddress at = function.config().address();
            static_cast<std::vector<std::string>*>(context)->push_back(
                to_hex(at.device, 2) + "." + to_hex(at.function, 1) + " " + to_hex(identity.vendor, 4) + ":" +
                to_hex(identity.device, 4));
            return true;
        };
        const std::uint64_t count = pci::enumerate(platform_, 0, note, &functions);
        return {{}, {{"count", count}, {"functions", functions}}};
    }

    Outcome identify() {
        const auto identity = function_.identify();
        if (!identity) return {identity.error(), {}};
        return {{},
                {{"vendor", std::uint64_t{identity->vendor}},
                 {"device", std::uint64_t{identity->device}},
                 {"revision", std::uint64_t{identity->revision}},
                 {"class", std::uint64_t{identity->class_code}},
                 {"subsystem_vendor", std::uint64_t{identity->subsystem_vendor}},
                 {"subsystem", std::uint64_t{identity->subsystem}},
                 {"header_type", std::uint64_t{identity->header_type}}}};
    }

    Outcome bar(std::uint64_t index) {
        static constexpr std::array<const char*, 4> kKinds = {"none", "memory32", "memory64", "io"};
        const auto bar = function_.bar(static_cast<unsigned>(index));
        if (!bar) return {bar.error(), {}};
        return {{},
                {{"kind", std::string(kKinds[static_cast<std::size_t>(bar->kind)])},
                 {"size", bar->size},
                 {"address", bar->address},
                 {"prefetchable", bar->prefetchable}}};
    }

    Outcome capabilities() {
        std::vector<std::string> list;
        pci::CapabilityWalk walk(function_.config());
        for (;;) {
            const auto next = walk.next();
            if (!next && next.error() != Error::kAbsent) return {next.error(), {}};
            if (!next) return {{}, {{"list", list}}};
            list.push_back(to_hex(next->id, 2) + "@" + to_hex(next->position, 2));
        }
    }

    hal::Platform platform_;
    pci::Function function_;
};

class PciDriverType : public DriverType {
  public:
    std::string_view name() const override { return "pci"; }
    std::string_view about() const override {
        return "PCI enumeration, base address registers and capabilities";
    }
    std::span<const std::string_view> devices() const override { return kDevices; }
    std::span<const OperationSpec> operations() const override { return kOperations; }
    std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool) const override {
        return std::make_unique<PciSession>(platform);
    }
};

}  // namespace

const DriverType& pci_driver() {
    static const PciDriverType type;
    return type;
}

}  // namespace tb::harness
