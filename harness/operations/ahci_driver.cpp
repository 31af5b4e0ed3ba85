// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <hal/platform.hpp>
#include <memory>
#include <vector>

#include "block/ahci.hpp"
#include "harness/operations/block_operations.hpp"
#include "harness/operations/placement.hpp"

namespace tb::harness {

namespace {

using ahci::Hba;
using ahci::Port;
using hal::Error;

constexpr std::array<const char*, 3> kModes = {"polled", "intx", "msi"};
constexpr std::array<const char*, 3> kTransfers = {"ncq", "dma", "pio"};

constexpr KeySpec kStart[] = {
    {"interrupts", ValueType::kText, false, "\"polled\", \"intx\" or \"msi\" (default)"},
    {"transfer", ValueType::kText, false,
     "how sectors are read and written: \"ncq\" (default; as \"dma\" where disk or HBA cannot), \"dma\" or "
     "\"pio\""},
    {"lba48", ValueType::kBoolean, false, "use 48-bit commands where the disk can (default true)"},
    {"fua", ValueType::kBoolean, false, "each write goes to the medium itself (default false)"},
    {"ports", ValueType::kInteger, false, "which ports to look at, a bit each (default all)"},
    {"timeout", ValueType::kDuration, false,
     "after which a command ends in a reset of its port (default 5s)"},
};
constexpr KeySpec kStarted[] = {
    {"interrupts", ValueType::kText, false, "what it came to: \"polled\", \"intx\" or \"msi\""},
    {"disks", ValueType::kInteger, false, "disks that were found"},
    {"queue_depth", ValueType::kInteger, false, "commands that the first disk queues; 0: none"},
    {"slots", ValueType::kInteger, false, "command slots of the HBA"},
};
constexpr KeySpec kSelect[] = {
    {"port", ValueType::kInteger, true, "whose disk blk.* operations mean from now on (default: the first)"}};
constexpr KeySpec kCounters[] = {
    {"resets", ValueType::kInteger, false, "of port or HBA, after an error or asked for"},
    {"errors", ValueType::kInteger, false, "that the port has reported"},
    {"requeued", ValueType::kInteger, false, "commands that were issued again after the error of another"},
    {"lost_interrupts", ValueType::kInteger, false,
     "times that finished commands were found without an interrupt"},
    {"plugged", ValueType::kInteger, false, "notices that a disk came or went"},
    {"in_flight", ValueType::kInteger, false, "requests that have not ended"},
    {"running", ValueType::kBoolean, false, "whether the disk takes requests"},
};
constexpr OperationSpec kOwnOperations[] = {
    {"start", "take the HBA, and find and start its disks", kStart, kStarted},
    {"stop", "reset the HBA and give everything back", {}, {}},
    {"ahci.select", "choose the disk that other operations mean", kSelect, {}},
    {"ahci.counters", "what happened at the chosen disk since start", {}, kCounters},
};

constexpr std::string_view kDevices[] = {"ich9-ahci"};

/// Handles of asynchronous operations say whose they are.
constexpr unsigned kDiskShift = 24;

class AhciSession : public DriverSession {
  public:
    explicit AhciSession(const hal::Platform& platform) : platform_(platform), hba_(std::make_unique<Hba>()) {
        operations_.reserve(Hba::kMostDisks);
        for (unsigned i = 0; i < Hba::kMostDisks; ++i) operations_.emplace_back(hba_->disk(i), platform_);
    }
    // What is in flight ends before its buffers do.
    ~AhciSession() override { (void)hba_->stop(); }

    Outcome run(std::string_view operation, const Arguments& arguments) override {
        if (operation == "start") return start(arguments);
        if (operation == "stop") {
            const hal::Status stopped = hba_->stop();
            for (BlockOperations& each : operations_) each.collect();
            return {stopped, {}};
        }
        if (operation == "ahci.select") return select(arguments);
        if (operation == "ahci.counters") return counters();
        return operations_[chosen_].run(operation, arguments);
    }
    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments) override {
        const hal::Result<std::uint32_t> handle = operations_[chosen_].begin(operation, arguments);
        if (!handle) return handle;
        return chosen_ << kDiskShift | *handle;
    }
    std::optional<Outcome> finished(std::uint32_t handle) override {
        return operations_[handle >> kDiskShift].finished(handle & ((1U << kDiskShift) - 1));
    }

  private:
    Outcome start(const Arguments& arguments) {
        Hba::Options options;
        const std::string mode = arguments.text("interrupts", "msi");
        const std::string transfer = arguments.text("transfer", "ncq");
        const auto* const found = std::find(kModes.begin(), kModes.end(), mode);
        const auto* const way = std::find(kTransfers.begin(), kTransfers.end(), transfer);
        if (found == kModes.end() || way == kTransfers.end()) return {Error::kInvalidArgument, {}};
        options.interrupts = static_cast<ahci::InterruptMode>(found - kModes.begin());
        options.port.transfer = static_cast<ahci::Transfer>(way - kTransfers.begin());
        options.port.lba48 = arguments.boolean("lba48", options.port.lba48);
        options.port.force_unit_access = arguments.boolean("fua", options.port.force_unit_access);
        options.ports = static_cast<std::uint32_t>(arguments.integer("ports", options.ports));
        options.port.request_timeout =
            hal::nanoseconds(arguments.integer("timeout", options.port.request_timeout.ns));

        const hal::Status started = bring_up(options);
        if (!started) return {started, {}};
        chosen_ = 0;
        constexpr unsigned kSlotsShift = 8;
        return {started,
                {{"interrupts", std::string(kModes[static_cast<std::size_t>(hba_->interrupt_mode())])},
                 {"disks", std::uint64_t{hba_->disks()}},
                 {"queue_depth", std::uint64_t{hba_->disk(0).queue_depth()}},
                 {"slots", std::uint64_t{(hba_->capabilities() >> kSlotsShift & 31) + 1}}}};
    }

    hal::Status bring_up(const Hba::Options& options) {
        if (hba_->running()) return Error::kBusy;
        const pci::Function function(platform_, platform_.pci_function(kDeviceUnderTest));
        if (const auto identity = function.identify(); !identity) return identity.error();
        if (hal::Status placed = placement_.ensure(function); !placed) return placed;
        if (hal::Status found = hba_->probe(platform_, function); !found) return placement_.started(found);
        return placement_.started(hba_->start(options));
    }

    Outcome select(const Arguments& arguments) {
        for (unsigned i = 0; i < hba_->disks(); ++i)
            if (hba_->disk(i).number() == arguments.integer("port")) {
                chosen_ = i;
                return {};
            }
        return {Error::kAbsent, {}};
    }

    Outcome counters() const {
        const Port& disk = hba_->disk(chosen_);
        const Port::Counters& c = disk.counters();
        return {{},
                {{"resets", std::uint64_t{c.resets}},
                 {"errors", std::uint64_t{c.errors}},
                 {"requeued", std::uint64_t{c.requeued}},
                 {"lost_interrupts", std::uint64_t{c.lost_interrupts}},
                 {"plugged", std::uint64_t{c.plugged}},
                 {"in_flight", std::uint64_t{disk.in_flight()}},
                 {"running", disk.running()}}};
    }

    hal::Platform platform_;
    std::unique_ptr<Hba> hba_;
    std::vector<BlockOperations> operations_;  ///< a disk each
    unsigned chosen_ = 0;
    Placement placement_;
};

class AhciDriverType : public DriverType {
  public:
    AhciDriverType() {
        operations_.assign(std::begin(kOwnOperations), std::end(kOwnOperations));
        const auto shared = block_operations();
        operations_.insert(operations_.end(), shared.begin(), shared.end());
    }
    std::string_view name() const override { return "ahci"; }
    std::string_view about() const override { return "AHCI controllers and the ATA disks at their ports"; }
    std::span<const std::string_view> devices() const override { return kDevices; }
    std::span<const OperationSpec> operations() const override { return operations_; }
    std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool) const override {
        return std::make_unique<AhciSession>(platform);
    }

  private:
    std::vector<OperationSpec> operations_;
};

}  // namespace

const DriverType& ahci_driver() {
    static const AhciDriverType type;
    return type;
}

}  // namespace tb::harness
