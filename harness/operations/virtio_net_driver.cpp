// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <hal/platform.hpp>
#include <memory>
#include <vector>

#include "harness/operations/net_operations.hpp"
#include "harness/operations/placement.hpp"
#include "net/virtio_net.hpp"

namespace tb::harness {

namespace {

using hal::Error;
using net::VirtioNet;

constexpr std::array<const char*, 3> kModes = {"polled", "intx", "msix"};

constexpr KeySpec kStart[] = {
    {"interrupts", ValueType::kText, false, "\"polled\", \"intx\" or \"msix\" (default)"},
    {"pairs", ValueType::kInteger, false, "queue pairs to use, as far as the device has them (default 1)"},
    {"indirect", ValueType::kBoolean, false, "use indirect descriptors where the device can (default true)"},
    {"event_idx", ValueType::kBoolean, false, "use event indices where the device can (default true)"},
    {"mergeable", ValueType::kBoolean, false,
     "take frames in several buffers where the device can (default true)"},
    {"offloads", ValueType::kBoolean, false, "let the device do checksums and segmentation (default true)"},
    {"vlan_filter", ValueType::kBoolean, false, "only VLAN 0 and those that were added (default false)"},
    {"promiscuous", ValueType::kBoolean, false, "receive everything (default false)"},
    {"rx_buffers", ValueType::kInteger, false, "receive buffers a queue, 1 to 256 (default 64)"},
    {"rx_buffer", ValueType::kInteger, false,
     "bytes of each with its header, a multiple of 64 (default: what is best)"},
    {"max_frame", ValueType::kInteger, false,
     "bytes without FCS, for a device without an mtu (default 1514)"},
    {"timeout", ValueType::kDuration, false, "after which a transmitter hangs (default 5s)"},
};
constexpr KeySpec kStarted[] = {
    {"interrupts", ValueType::kText, false, "what it came to: \"polled\", \"intx\" or \"msix\""},
    {"vectors", ValueType::kInteger, false, "MSI-X vectors in use"},
    {"pairs", ValueType::kInteger, false, "queue pairs in use"},
    {"features", ValueType::kInteger, false, "feature bits that driver and device agreed on"},
    {"mac", ValueType::kText, false, "station address"},
};
constexpr KeySpec kVlan[] = {{"vlan", ValueType::kInteger, true, "VLAN identifier, 0 to 4095"}};
constexpr KeySpec kOn[] = {{"on", ValueType::kBoolean, true, "on or off"}};
constexpr KeySpec kCounters[] = {
    {"resets", ValueType::kInteger, false, "restarts after an error, or asked for"},
    {"config_changes", ValueType::kInteger, false, "times that the configuration was read anew"},
    {"announcements", ValueType::kInteger, false, "times that the device asked to be announced"},
    {"in_flight", ValueType::kInteger, false, "frames that the device has to send"},
    {"work_pending", ValueType::kBoolean, false, "whether an interrupt has left work for net.poll"},
    {"running", ValueType::kBoolean, false, "whether it takes frames"},
};
constexpr OperationSpec kOwnOperations[] = {
    {"start", "find the device, negotiate, and let frames flow", kStart, kStarted},
    {"stop", "reset the device and give everything back", {}, {}},
    {"virtio_net.recover", "reset the device and start it again", {}, {}},
    {"virtio_net.vlan_add", "let a VLAN through", kVlan, {}},
    {"virtio_net.vlan_remove", "let a VLAN through no more", kVlan, {}},
    {"virtio_net.set_receive_offload",
     "let the device leave checksums to the driver, and tell of them",
     kOn,
     {}},
    {"virtio_net.counters", "what happened since start", {}, kCounters},
};

constexpr std::string_view kDevices[] = {"virtio-net-pci"};

class VirtioNetSession : public DriverSession {
  public:
    explicit VirtioNetSession(const hal::Platform& platform)
        : platform_(platform), driver_(std::make_unique<VirtioNet>()), operations_(*driver_, platform_) {}
    // What is in flight ends before its buffers do.
    ~VirtioNetSession() override { (void)driver_->stop(); }

    Outcome run(std::string_view operation, const Arguments& arguments) override {
        if (auto outcome = operations_.run(operation, arguments)) return *outcome;
        if (operation == "start") return start(arguments);
        if (operation == "stop") {
            const hal::Status stopped = driver_->stop();
            // Where it was placed may have been a lie that did no harm so far.
            (void)placement_.started(Error::kNotStarted);
            return {stopped, {}};
        }
        if (operation == "virtio_net.recover") return {driver_->recover(), {}};
        if (operation == "virtio_net.vlan_add") return {driver_->set_vlan(vlan(arguments), true), {}};
        if (operation == "virtio_net.vlan_remove") return {driver_->set_vlan(vlan(arguments), false), {}};
        if (operation == "virtio_net.set_receive_offload")
            return {driver_->set_receive_offload(arguments.boolean("on")), {}};
        return counters();
    }
    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments) override {
        return operations_.begin(operation, arguments);
    }
    std::optional<Outcome> finished(std::uint32_t handle) override { return operations_.finished(handle); }

  private:
    static std::uint16_t vlan(const Arguments& arguments) {
        return static_cast<std::uint16_t>(arguments.integer("vlan"));
    }

    Outcome start(const Arguments& arguments) {
        VirtioNet::Options options;
        const std::string mode = arguments.text("interrupts", "msix");
        const auto* const found = std::find(kModes.begin(), kModes.end(), mode);
        if (found == kModes.end()) return {Error::kInvalidArgument, {}};
        options.interrupts = static_cast<virtio::InterruptMode>(found - kModes.begin());
        const auto short_of = [&](const char* name, std::uint64_t otherwise) {
            return static_cast<std::uint16_t>(arguments.integer(name, otherwise));
        };
        const auto word_of = [&](const char* name, std::uint64_t otherwise) {
            return static_cast<std::uint32_t>(arguments.integer(name, otherwise));
        };
        options.pairs = short_of("pairs", options.pairs);
        options.indirect = arguments.boolean("indirect", options.indirect);
        options.event_idx = arguments.boolean("event_idx", options.event_idx);
        options.mergeable = arguments.boolean("mergeable", options.mergeable);
        options.offloads = arguments.boolean("offloads", options.offloads);
        options.vlan_filter = arguments.boolean("vlan_filter", options.vlan_filter);
        options.promiscuous = arguments.boolean("promiscuous", options.promiscuous);
        options.rx_buffers = short_of("rx_buffers", options.rx_buffers);
        options.rx_buffer_bytes = word_of("rx_buffer", options.rx_buffer_bytes);
        options.max_frame = word_of("max_frame", options.max_frame);
        options.tx_timeout = hal::nanoseconds(arguments.integer("timeout", options.tx_timeout.ns));

        const hal::Status started = bring_up(options);
        if (!started) return {started, {}};
        return {started,
                {{"interrupts", std::string(kModes[static_cast<std::size_t>(driver_->interrupt_mode())])},
                 {"vectors", std::uint64_t{driver_->msix_vectors()}},
                 {"pairs", std::uint64_t{driver_->pairs()}},
                 {"features", driver_->features()},
                 {"mac", to_text(driver_->info().mac)}}};
    }

    hal::Status bring_up(const VirtioNet::Options& options) {
        if (driver_->running()) return Error::kBusy;
        const pci::Function function(platform_, platform_.pci_function(kDeviceUnderTest));
        if (const auto identity = function.identify(); !identity) return identity.error();
        if (hal::Status placed = placement_.ensure(function); !placed) return placed;
        if (hal::Status found = driver_->probe(platform_, function); !found) return placement_.started(found);
        return placement_.started(driver_->start(options));
    }

    Outcome counters() const {
        const VirtioNet::Counters& c = driver_->counters();
        return {{},
                {{"resets", std::uint64_t{c.resets}},
                 {"config_changes", std::uint64_t{c.config_changes}},
                 {"announcements", std::uint64_t{c.announcements}},
                 {"in_flight", std::uint64_t{driver_->in_flight()}},
                 {"work_pending", driver_->work_pending()},
                 {"running", driver_->running()}}};
    }

    hal::Platform platform_;
    std::unique_ptr<VirtioNet> driver_;
    NetOperations operations_;
    Placement placement_;
};

class VirtioNetDriverType : public DriverType {
  public:
    VirtioNetDriverType() {
        operations_.assign(std::begin(kOwnOperations), std::end(kOwnOperations));
        const auto shared = net_operations();
        operations_.insert(operations_.end(), shared.begin(), shared.end());
    }
    std::string_view name() const override { return "virtio-net"; }
    std::string_view about() const override { return "virtio network devices over modern virtio-pci"; }
    std::span<const std::string_view> devices() const override { return kDevices; }
    std::span<const OperationSpec> operations() const override { return operations_; }
    std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool) const override {
        return std::make_unique<VirtioNetSession>(platform);
    }

  private:
    std::vector<OperationSpec> operations_;
};

}  // namespace

const DriverType& virtio_net_driver() {
    static const VirtioNetDriverType type;
    return type;
}

}  // namespace tb::harness
