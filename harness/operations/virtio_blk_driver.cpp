// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <hal/platform.hpp>
#include <memory>
#include <vector>

#include "block/virtio_blk.hpp"
#include "harness/operations/block_operations.hpp"
#include "harness/operations/placement.hpp"

namespace tb::harness {

namespace {

using block::VirtioBlk;
using hal::Error;

constexpr std::array<const char*, 3> kModes = {"polled", "intx", "msix"};

constexpr KeySpec kStart[] = {
    {"interrupts", ValueType::kText, false, "\"polled\", \"intx\" or \"msix\" (default)"},
    {"queues", ValueType::kInteger, false,
     "request queues to use, as far as the device has them (default 1)"},
    {"indirect", ValueType::kBoolean, false, "use indirect descriptors where the device can (default true)"},
    {"event_idx", ValueType::kBoolean, false, "use event indices where the device can (default true)"},
    {"packed", ValueType::kBoolean, false, "use packed rings where the device can (default false)"},
    {"timeout", ValueType::kDuration, false,
     "after which a request ends in a reset of the device (default 5s)"},
};
constexpr KeySpec kStarted[] = {
    {"interrupts", ValueType::kText, false, "what it came to: \"polled\", \"intx\" or \"msix\""},
    {"vectors", ValueType::kInteger, false, "MSI-X vectors in use"},
    {"queues", ValueType::kInteger, false, "request queues in use"},
    {"features", ValueType::kInteger, false, "feature bits that driver and device agreed on"},
};
constexpr KeySpec kCounters[] = {
    {"resets", ValueType::kInteger, false, "restarts after an error, or asked for"},
    {"config_changes", ValueType::kInteger, false, "times that the configuration was read anew"},
    {"lost_interrupts", ValueType::kInteger, false,
     "times that finished requests were found without an interrupt"},
    {"in_flight", ValueType::kInteger, false, "requests that the device has"},
    {"running", ValueType::kBoolean, false, "whether it takes requests"},
};
constexpr OperationSpec kOwnOperations[] = {
    {"start", "find the device, negotiate, and take it into use", kStart, kStarted},
    {"stop", "reset the device and give everything back", {}, {}},
    {"blk.counters", "what happened since start", {}, kCounters},
};

constexpr std::string_view kDevices[] = {"virtio-blk-pci"};

class VirtioBlkSession : public DriverSession {
  public:
    explicit VirtioBlkSession(const hal::Platform& platform)
        : platform_(platform), driver_(std::make_unique<VirtioBlk>()), operations_(*driver_, platform_) {}
    // What is in flight ends before its buffers do.
    ~VirtioBlkSession() override { (void)driver_->stop(); }

    Outcome run(std::string_view operation, const Arguments& arguments) override {
        if (operation == "start") return start(arguments);
        if (operation == "stop") {
            const hal::Status stopped = driver_->stop();
            operations_.collect();
            return {stopped, {}};
        }
        if (operation == "blk.counters") return counters();
        return operations_.run(operation, arguments);
    }
    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments) override {
        return operations_.begin(operation, arguments);
    }
    std::optional<Outcome> finished(std::uint32_t handle) override { return operations_.finished(handle); }

  private:
    Outcome start(const Arguments& arguments) {
        VirtioBlk::Options options;
        const std::string mode = arguments.text("interrupts", "msix");
        const auto* const found = std::find(kModes.begin(), kModes.end(), mode);
        if (found == kModes.end()) return {Error::kInvalidArgument, {}};
        options.interrupts = static_cast<virtio::InterruptMode>(found - kModes.begin());
        options.queues = static_cast<std::uint16_t>(arguments.integer("queues", options.queues));
        options.indirect = arguments.boolean("indirect", options.indirect);
        options.event_idx = arguments.boolean("event_idx", options.event_idx);
        options.packed = arguments.boolean("packed", options.packed);
        options.request_timeout = hal::nanoseconds(arguments.integer("timeout", options.request_timeout.ns));

        const hal::Status started = bring_up(options);
        if (!started) return {started, {}};
        return {started,
                {{"interrupts", std::string(kModes[static_cast<std::size_t>(driver_->interrupt_mode())])},
                 {"vectors", std::uint64_t{driver_->msix_vectors()}},
                 {"queues", std::uint64_t{driver_->info().queues}},
                 {"features", driver_->features()}}};
    }

    hal::Status bring_up(const VirtioBlk::Options& options) {
        if (driver_->running()) return Error::kBusy;
        const pci::Function function(platform_, platform_.pci_function(kDeviceUnderTest));
        if (const auto identity = function.identify(); !identity) return identity.error();
        if (hal::Status placed = placement_.ensure(function); !placed) return placed;
        if (hal::Status found = driver_->probe(platform_, function); !found) return placement_.started(found);
        return placement_.started(driver_->start(options));
    }

    Outcome counters() const {
        const VirtioBlk::Counters& c = driver_->counters();
        return {{},
                {{"resets", std::uint64_t{c.resets}},
                 {"config_changes", std::uint64_t{c.config_changes}},
                 {"lost_interrupts", std::uint64_t{c.lost_interrupts}},
                 {"in_flight", std::uint64_t{driver_->in_flight()}},
                 {"running", driver_->running()}}};
    }

    hal::Platform platform_;
    std::unique_ptr<VirtioBlk> driver_;
    BlockOperations operations_;
    Placement placement_;
};

class VirtioBlkDriverType : public DriverType {
  public:
    VirtioBlkDriverType() {
        operations_.assign(std::begin(kOwnOperations), std::end(kOwnOperations));
        const auto shared = block_operations();
        operations_.insert(operations_.end(), shared.begin(), shared.end());
    }
    std::string_view name() const override { return "virtio-blk"; }
    std::string_view about() const override { return "virtio block devices over modern virtio-pci"; }
    std::span<const std::string_view> devices() const override { return kDevices; }
    std::span<const OperationSpec> operations() const override { return operations_; }
    std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool) const override {
        return std::make_unique<VirtioBlkSession>(platform);
    }

  private:
    std::vector<OperationSpec> operations_;
};

}  // namespace

const DriverType& virtio_blk_driver() {
    static const VirtioBlkDriverType type;
    return type;
}

}  // namespace tb::harness
