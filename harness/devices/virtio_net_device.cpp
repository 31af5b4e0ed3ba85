// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/devices/model_rig.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/devices/rings.hpp"
#include "harness/devices/types.hpp"
#include "harness/devices/virtio_blocks.hpp"
#include "harness/devices/virtio_layouts.hpp"
#include "harness/operations/net_operations.hpp"
#include "models/net/net_peer.hpp"
#include "models/net/virtio_net_pci.hpp"
#include "models/net/virtio_net_regs.hpp"

namespace tb::harness {

namespace {

using model::net::VirtioNetOptions;
using model::net::VirtioNetProperties;
using nlohmann::json;

constexpr KeySpec kConfiguration[] = {
    {"mac", ValueType::kText, false, "station address, as \"52:54:00:12:34:56\" (the default)"},
    {"status", ValueType::kBoolean, false, "offer STATUS (default true)"},
    {"mrg_rxbuf", ValueType::kBoolean, false, "offer MRG_RXBUF (default true)"},
    {"ctrl_vq", ValueType::kBoolean, false, "offer CTRL_VQ (default true)"},
    {"ctrl_rx", ValueType::kBoolean, false, "offer CTRL_RX (default true)"},
    {"ctrl_vlan", ValueType::kBoolean, false, "offer CTRL_VLAN (default true)"},
    {"ctrl_mac_addr", ValueType::kBoolean, false, "offer CTRL_MAC_ADDR (default true)"},
    {"guest_announce", ValueType::kBoolean, false, "offer GUEST_ANNOUNCE (default true)"},
    {"mq", ValueType::kBoolean, false, "offer MQ (default: with more than one pair)"},
    {"pairs", ValueType::kInteger, false,
     "queue pairs, 1 to 8 (default 1; more needs a back end that QEMU's "
     "socket is not)"},
    {"mtu", ValueType::kInteger, false, "offer MTU with this value (default: not offered)"},
    {"speed", ValueType::kInteger, false,
     "offer SPEED_DUPLEX with this speed in Mb/s (default: not offered)"},
    {"full_duplex", ValueType::kBoolean, false, "and this duplex (default true)"},
    {"rx_queue_size", ValueType::kInteger, false, "256, 512 or 1024 (default 256)"},
    {"vnet_header", ValueType::kBoolean, false,
     "the back end does checksums and segmentation, as a tap; QEMU's socket does not (default false)"},
    {"csum", ValueType::kBoolean, false, "then offer CSUM (default true)"},
    {"guest_csum", ValueType::kBoolean, false, "then offer GUEST_CSUM (default true)"},
    {"host_tso4", ValueType::kBoolean, false, "then offer HOST_TSO4 (default true)"},
    {"host_tso6", ValueType::kBoolean, false, "then offer HOST_TSO6 (default true)"},
    {"host_ecn", ValueType::kBoolean, false, "then offer HOST_ECN (default true)"},
    {"indirect_desc", ValueType::kBoolean, false, "offer INDIRECT_DESC (default true)"},
    {"event_idx", ValueType::kBoolean, false, "offer EVENT_IDX (default true)"},
    {"packed", ValueType::kBoolean, false, "offer RING_PACKED (default false)"},
    {"vectors", ValueType::kInteger, false,
     "MSI-X vectors, 0 for none (default: one a queue and one for the configuration)"},
    {"transitional", ValueType::kBoolean, false,
     "with the identity of a transitional device; its legacy registers are not modelled (default false)"},
    {"absent", ValueType::kBoolean, false, "nothing is in the slot"},
};

constexpr auto kBlocks = virtio_blocks(model::net::kNetConfigRegisters);

constexpr LayoutSpec kLayouts[] = {
    kVirtqDesc,  kVirtqAvail,          kVirtqUsed,       kVirtqUsedElement,
    kPvirtqDesc, kPvirtqEventSuppress, kVirtioNetHeader,
};

bool flag(const json& configuration, const char* key, bool otherwise) {
    return configuration.value(key, otherwise);
}
template <class T>
T number(const json& configuration, const char* key, T otherwise) {
    const std::uint64_t value = configuration.value(key, std::uint64_t{otherwise});
    if (value > std::numeric_limits<T>::max())
        throw std::invalid_argument(fmt::format("\"{}\" is too large", key));
    return static_cast<T>(value);
}

VirtioNetOptions options_of(const json& c) {
    VirtioNetOptions options;
    VirtioNetProperties& p = options.net;
    if (c.contains("mac")) {
        const auto mac = to_mac(c["mac"].get<std::string>());
        if (!mac) throw std::invalid_argument("\"mac\": write six bytes as \"52:54:00:12:34:56\"");
        p.mac = *mac;
    }
    p.status = flag(c, "status", p.status);
    p.mrg_rxbuf = flag(c, "mrg_rxbuf", p.mrg_rxbuf);
    p.ctrl_vq = flag(c, "ctrl_vq", p.ctrl_vq);
    p.ctrl_rx = flag(c, "ctrl_rx", p.ctrl_rx);
    p.ctrl_vlan = flag(c, "ctrl_vlan", p.ctrl_vlan);
    p.ctrl_mac_addr = flag(c, "ctrl_mac_addr", p.ctrl_mac_addr);
    p.guest_announce = flag(c, "guest_announce", p.guest_announce);
    p.pairs = number(c, "pairs", p.pairs);
    p.mq = flag(c, "mq", p.pairs > 1);
    p.host_mtu = number(c, "mtu", p.host_mtu);
    if (c.contains("speed")) p.speed = static_cast<std::int32_t>(number(c, "speed", std::uint16_t{0}));
    p.full_duplex = flag(c, "full_duplex", p.full_duplex);
    p.rx_queue_size = number(c, "rx_queue_size", p.rx_queue_size);
    p.vnet_header = flag(c, "vnet_header", p.vnet_header);
    p.csum = flag(c, "csum", p.csum);
    p.guest_csum = flag(c, "guest_csum", p.guest_csum);
    p.host_tso4 = flag(c, "host_tso4", p.host_tso4);
    p.host_tso6 = flag(c, "host_tso6", p.host_tso6);
    p.host_ecn = flag(c, "host_ecn", p.host_ecn);
    options.pci.indirect_desc = flag(c, "indirect_desc", options.pci.indirect_desc);
    options.pci.event_idx = flag(c, "event_idx", options.pci.event_idx);
    options.pci.packed = flag(c, "packed", options.pci.packed);
    options.pci.transitional_identity = flag(c, "transitional", false);
    if (c.contains("vectors")) options.pci.vectors = number(c, "vectors", 0U);
    return options;
}

/// The same as QEMU wants it told. Without a boot ROM, which no driver here looks at.
std::string device_option(const json& c) {
    const VirtioNetOptions options = options_of(c);
    const VirtioNetProperties& p = options.net;
    if (p.pairs > 1)
        throw std::runtime_error("\"pairs\" above 1: QEMU's socket has one; skip QEMU for this scenario");
    if (p.vnet_header)
        throw std::runtime_error("\"vnet_header\": QEMU's socket has none; skip QEMU for this scenario");
    const auto on = [](bool value) { return value ? "on" : "off"; };
    std::string text = fmt::format(
        "virtio-net-pci,netdev=wire,addr={:02x}.0,mac={},romfile=,disable-legacy={},disable-modern=off,"
        "ioeventfd=off,status={},mrg_rxbuf={},ctrl_vq={},ctrl_rx={},ctrl_vlan={},ctrl_mac_addr={},"
        "guest_announce={},mq={},rx_queue_size={},indirect_desc={},event_idx={}",
        kDeviceUnderTest.device, to_text(p.mac), flag(c, "transitional", false) ? "off" : "on", on(p.status),
        on(p.mrg_rxbuf), on(p.ctrl_vq), on(p.ctrl_rx), on(p.ctrl_vlan), on(p.ctrl_mac_addr),
        on(p.guest_announce), on(p.mq), p.rx_queue_size, on(options.pci.indirect_desc),
        on(options.pci.event_idx));
    if (p.host_mtu != 0) text += fmt::format(",host_mtu={}", p.host_mtu);
    if (p.speed >= 0) text += fmt::format(",speed={},duplex={}", p.speed, p.full_duplex ? "full" : "half");
    if (options.pci.packed) text += ",packed=on";
    if (options.pci.vectors) text += fmt::format(",vectors={}", *options.pci.vectors);
    return text;
}

class WireOutside : public Outside {
  public:
    WireOutside(model::net::NetPeer& peer, model::net::VirtioNet*& device, ModelMachine*& machine)
        : peer_(peer), device_(device), machine_(machine) {}

    bool has_network() const override { return device_ != nullptr; }
    void send_frame(std::span<const std::byte> frame) override {
        device().receive(frame);
        machine_->settle();
    }
    std::vector<Bytes> take_frames() override { return peer_.take(); }
    void set_link(bool up) override {
        device().set_link(up);
        machine_->settle();
    }
    void announce() override {
        device().announce();
        machine_->settle();
    }

  private:
    model::net::VirtioNet& device() {
        if (device_ == nullptr) unsupported("a network");
        return *device_;
    }

    model::net::NetPeer& peer_;
    model::net::VirtioNet*& device_;
    ModelMachine*& machine_;
};

class VirtioNetModelRig : public ModelRig {
  public:
    VirtioNetModelRig(const json& configuration, const RigOptions& options)
        : outside_(peer_, net_, machine_) {
        build(options, [&](model::pci::Board& board) {
            if (flag(configuration, "absent", false)) return;
            device_ = std::make_unique<model::net::VirtioNetPci>("net", board, kDeviceUnderTest.device,
                                                                 options_of(configuration), peer_);
        });
        machine_ = &model();
        if (device_ == nullptr) return;
        net_ = &device_->net();
        device_->power_on_reset();
    }
    Outside& outside() override { return outside_; }
    void reset_device() override {
        if (device_ == nullptr) return;
        device_->power_on_reset();
        model().settle();
    }
    void look() override {
        if (device_ == nullptr) return;
        device_->look();
        model().settle();
    }
    bool reset() override {
        reset_machine();
        peer_.take();
        if (net_ != nullptr) net_->set_link(true);
        reset_device();
        return true;
    }

  private:
    model::net::NetPeer peer_;
    std::unique_ptr<model::net::VirtioNetPci> device_;
    model::net::VirtioNet* net_ = nullptr;
    ModelMachine* machine_ = nullptr;
    WireOutside outside_;
};

class VirtioNetType : public DeviceType {
  public:
    std::string_view name() const override { return "virtio-net-pci"; }
    std::string_view about() const override {
        return "virtio network device behind modern virtio-pci (1af4:1041)";
    }
    std::span<const RegisterBlock> blocks() const override { return kBlocks; }
    std::span<const LayoutSpec> layouts() const override { return kLayouts; }
    std::unique_ptr<Rings> rings() const override { return make_virtio_rings(); }
    std::span<const KeySpec> configuration() const override { return kConfiguration; }

    std::string check(const json& configuration) const override {
        try {
            model::net::VirtioNet::check(options_of(configuration).net);
        } catch (const std::invalid_argument& objection) {
            return objection.what();
        }
        return {};
    }
    std::unique_ptr<Rig> make_model(const json& configuration, const RigOptions& options) const override {
        return std::make_unique<VirtioNetModelRig>(configuration, options);
    }
    std::unique_ptr<Rig> make_qemu(const json& configuration, const RigOptions& options) const override {
        qemu::VmOptions vm = vm_options_for(options);
        if (!flag(configuration, "absent", false)) {
            vm.nets = {"wire"};
            vm.devices = {device_option(configuration)};
        }
        return std::make_unique<QemuRig>(vm);
    }
};

}  // namespace

const DeviceType& virtio_net_pci() {
    static const VirtioNetType type;
    return type;
}

}  // namespace tb::harness
