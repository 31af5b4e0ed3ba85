// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/devices/model_rig.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/devices/rings.hpp"
#include "harness/devices/types.hpp"
#include "harness/operations/net_operations.hpp"
#include "models/net/e1000.hpp"
#include "models/net/net_peer.hpp"

namespace tb::harness {

namespace {

using nlohmann::json;

constexpr net::MacAddress kDefaultMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

constexpr KeySpec kConfiguration[] = {
    {"mac", ValueType::kText, false, "station address, as \"52:54:00:12:34:56\" (the default)"},
    {"mitigation", ValueType::kBoolean, false, "interrupt mitigation timers (default true)"},
    {"eeprom_checksum", ValueType::kText, false, "\"bad\": the EEPROM's checksum is wrong (QEMU's never is)"},
    {"eeprom_never_done", ValueType::kBoolean, false, "true: EEPROM reads never finish (QEMU's always do)"},
    {"mdic_never_ready", ValueType::kBoolean, false, "true: PHY accesses never finish (QEMU's always do)"},
};

// Descriptors as the 8254x Software Developer's Manual has them (§3.2.3, §3.3.3, §3.3.6, §3.3.7).
constexpr LayoutField kRxDescriptor[] = {
    {"address", 0, 64}, {"length", 64, 16}, {"checksum", 80, 16}, {"status", 96, 8},  {"DD", 96, 1},
    {"EOP", 97, 1},     {"IXSM", 98, 1},    {"VP", 99, 1},        {"errors", 104, 8}, {"special", 112, 16},
};
constexpr LayoutField kTxDescriptor[] = {
    {"address", 0, 64}, {"length", 64, 16}, {"CSO", 80, 8}, {"command", 88, 8}, {"EOP", 88, 1},
    {"IFCS", 89, 1},    {"IC", 90, 1},      {"RS", 91, 1},  {"DEXT", 93, 1},    {"VLE", 94, 1},
    {"IDE", 95, 1},     {"status", 96, 8},  {"DD", 96, 1},  {"CSS", 104, 8},    {"special", 112, 16},
};
constexpr LayoutField kTxContext[] = {
    {"IPCSS", 0, 8},   {"IPCSO", 8, 8},    {"IPCSE", 16, 16}, {"TUCSS", 32, 8}, {"TUCSO", 40, 8},
    {"TUCSE", 48, 16}, {"PAYLEN", 64, 20}, {"DTYP", 84, 4},   {"TCP", 88, 1},   {"IP", 89, 1},
    {"TSE", 90, 1},    {"RS", 91, 1},      {"DEXT", 93, 1},   {"IDE", 95, 1},   {"status", 96, 8},
    {"DD", 96, 1},     {"HDRLEN", 104, 8}, {"MSS", 112, 16},
};
constexpr LayoutField kTxData[] = {
    {"address", 0, 64}, {"DTALEN", 64, 20}, {"DTYP", 84, 4},  {"EOP", 88, 1},   {"IFCS", 89, 1},
    {"TSE", 90, 1},     {"RS", 91, 1},      {"DEXT", 93, 1},  {"VLE", 94, 1},   {"IDE", 95, 1},
    {"status", 96, 8},  {"DD", 96, 1},      {"IXSM", 104, 1}, {"TXSM", 105, 1}, {"special", 112, 16},
};
constexpr LayoutSpec kLayouts[] = {
    {"rx_desc", 16, kRxDescriptor},
    {"tx_desc", 16, kTxDescriptor},
    {"tx_context", 16, kTxContext},
    {"tx_data", 16, kTxData},
};

constexpr DescriptorRing kRings[] = {
    {"rx", "RDBAL", "RDBAH", "RDLEN", &kLayouts[0]},
    {"tx", "TDBAL", "TDBAH", "TDLEN", &kLayouts[1]},
};

bool flag(const json& configuration, const char* key, bool otherwise) {
    const auto found = configuration.find(key);
    return found == configuration.end() ? otherwise : found->get<bool>();
}

std::string text(const json& configuration, const char* key, const char* otherwise) {
    const auto found = configuration.find(key);
    return found == configuration.end() ? otherwise : found->get<std::string>();
}

class WireOutside : public Outside {
  public:
    WireOutside(model::net::NetPeer& peer, std::unique_ptr<model::net::E1000>& device, ModelMachine*& machine)
        : peer_(peer), device_(device), machine_(machine) {}

    bool has_network() const override { return true; }
    void send_frame(std::span<const std::byte> frame) override {
        device_->receive(frame);
        machine_->settle();
    }
    std::vector<Bytes> take_frames() override { return peer_.take(); }
    void set_link(bool up) override {
        device_->set_link(up);
        machine_->settle();
    }

  private:
    model::net::NetPeer& peer_;
    std::unique_ptr<model::net::E1000>& device_;
    ModelMachine*& machine_;
};

class E1000ModelRig : public ModelRig {
  public:
    E1000ModelRig(const RigOptions& options, const model::net::E1000Options& device, bool bad_checksum)
        : outside_(peer_, device_, machine_) {
        build(options, [&](model::pci::Board& board) {
            device_ =
                std::make_unique<model::net::E1000>("e1000", board, kDeviceUnderTest.device, device, peer_);
        });
        machine_ = &model();
        device_->power_on_reset();
        if (bad_checksum) device_->eeprom().set_word(model::net::Eeprom::kChecksumWord, 0x1234);
    }
    Outside& outside() override { return outside_; }
    void reset_device() override {
        device_->power_on_reset();
        model().settle();
    }
    bool reset() override {
        reset_machine();
        peer_.take();
        device_->set_link(true);
        reset_device();
        return true;
    }

  private:
    model::net::NetPeer peer_;
    std::unique_ptr<model::net::E1000> device_;
    ModelMachine* machine_ = nullptr;
    WireOutside outside_;
};

class E1000Type : public DeviceType {
  public:
    std::string_view name() const override { return "e1000"; }
    std::string_view about() const override {
        return "Intel 82540EM Gigabit Ethernet controller (8086:100e)";
    }
    std::span<const RegisterBlock> blocks() const override { return blocks_; }
    std::span<const LayoutSpec> layouts() const override { return kLayouts; }
    std::unique_ptr<Rings> rings() const override { return make_descriptor_rings(kRings); }
    std::span<const KeySpec> configuration() const override { return kConfiguration; }

    std::string check(const json& configuration) const override {
        const std::string mac = text(configuration, "mac", "52:54:00:12:34:56");
        if (!to_mac(mac))
            return fmt::format("\"mac\" is '{}': write six bytes as \"52:54:00:12:34:56\"", mac);
        const std::string checksum = text(configuration, "eeprom_checksum", "good");
        if (checksum != "good" && checksum != "bad") return "\"eeprom_checksum\" is \"good\" or \"bad\"";
        return {};
    }

    std::unique_ptr<Rig> make_model(const json& configuration, const RigOptions& options) const override {
        model::net::E1000Options device;
        device.mac = to_mac(text(configuration, "mac", "")).value_or(kDefaultMac);
        device.mitigation = flag(configuration, "mitigation", true);
        device.eeprom_never_done = flag(configuration, "eeprom_never_done", false);
        device.mdic_never_ready = flag(configuration, "mdic_never_ready", false);
        return std::make_unique<E1000ModelRig>(options, device,
                                               text(configuration, "eeprom_checksum", "good") == "bad");
    }

    std::unique_ptr<Rig> make_qemu(const json& configuration, const RigOptions& options) const override {
        qemu::VmOptions vm = vm_options_for(options);
        vm.nets = {"wire"};
        // Later versions have no such switch: it is on for ever.
        vm.devices = {fmt::format("e1000,netdev=wire,addr={:02x}.0,mac={}{}", kDeviceUnderTest.device,
                                  text(configuration, "mac", "52:54:00:12:34:56"),
                                  flag(configuration, "mitigation", true) ? "" : ",mitigation=off")};
        return std::make_unique<QemuRig>(vm);
    }

  private:
    RegisterBlock blocks_[1] = {{"", hal::AddressSpace::kMemory, 0, 0, model::net::E1000::registers()}};
};

}  // namespace

const DeviceType& e1000() {
    static const E1000Type type;
    return type;
}

}  // namespace tb::harness
