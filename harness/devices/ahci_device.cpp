// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "harness/devices/ahci_layouts.hpp"
#include "harness/devices/block_medium.hpp"
#include "harness/devices/model_rig.hpp"
#include "harness/devices/qemu_medium.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/devices/rings.hpp"
#include "harness/devices/types.hpp"
#include "models/block/ahci.hpp"

namespace tb::harness {

namespace {

using model::block::AtaProperties;
using model::block::kAhciPorts;
using nlohmann::json;

constexpr KeySpec kConfiguration[] = {
    kMediumConfiguration[0],
    kMediumConfiguration[1],
    {"port", ValueType::kInteger, false, "at which the disk is, 0 to 5 (default 0)"},
    {"more_ports", ValueType::kIntegerList, false,
     "ports with further disks, each as large and filled as the first; faults and holds concern the first"},
    {"no_disk", ValueType::kBoolean, false, "true: nothing is at any port"},
    {"serial", ValueType::kText, false,
     "what IDENTIFY DEVICE says, 20 characters of it (default \"TWINBENCH\")"},
    {"physical_block_size", ValueType::kInteger, false, "bytes (default 512)"},
    {"write_cache", ValueType::kBoolean, false, "whether the write cache is on at first (default true)"},
    {"trim", ValueType::kBoolean, false, "offer DATA SET MANAGEMENT with TRIM (default true)"},
    {"absent", ValueType::kBoolean, false, "true: nothing is in the slot"},
};

// Functions of the ICH9 have their registers in BAR 5, and an index-data pair in BAR 4.
constexpr RegisterBlock kBlocks[] = {
    {"", hal::AddressSpace::kMemory, model::block::kAhciBar, 0, model::block::kAhciRegisters},
    {"idp", hal::AddressSpace::kPort, model::block::kAhciIndexBar, 0, model::block::kAhciIndexRegisters},
    {"msi", hal::AddressSpace::kPciConfig, -1, model::block::kAhciMsiCapability, model::block::kMsiRegisters},
};

constexpr LayoutSpec kLayouts[] = {kAhciHeader, kAhciPrd, kFisH2d, kFisD2h, kFisPio, kFisSdb};

AtaProperties properties_of(const json& c) {
    AtaProperties p;
    p.serial = c.value("serial", p.serial).substr(0, 20);
    p.physical_block_size = c.value("physical_block_size", p.physical_block_size);
    p.write_cache = c.value("write_cache", p.write_cache);
    p.trim = c.value("trim", p.trim);
    return p;
}

bool is_absent(const json& c) {
    return c.value("absent", false);
}

/// The ports with disks, that of the first disk first.
std::vector<unsigned> ports_of(const json& c) {
    if (c.value("no_disk", false)) return {};
    std::vector<unsigned> ports = {c.value("port", 0U)};
    for (const json& port : c.value("more_ports", json::array())) ports.push_back(port.get<unsigned>());
    return ports;
}

std::string node_name(std::size_t index) {
    return index == 0 ? "disk" : fmt::format("disk{}", index);
}

/// A disk as QEMU wants it told.
std::string disk_option(const json& c, std::size_t index, unsigned port) {
    const AtaProperties p = properties_of(c);
    return fmt::format(
        "ide-hd,bus=hba.{},drive={},rerror=report,werror=report,serial={}{},physical_block_size={},"
        "write-cache={},discard_granularity={}",
        port, node_name(index), p.serial, index == 0 ? "" : fmt::format("-{}", index), p.physical_block_size,
        p.write_cache ? "on" : "off", p.trim ? 512 : 0);
}

/// The media of all disks.
struct Media {
    Media(const json& configuration, const RigOptions& options) {
        for (std::size_t i = 0; i < std::max<std::size_t>(ports_of(configuration).size(), 1); ++i)
            all.push_back(std::make_unique<BlockMedium>(configuration, options));
    }
    BlockMedium& first() { return *all.front(); }

    std::vector<std::unique_ptr<BlockMedium>> all;
};

/// The medium of the first disk of a model.
class ModelOutside : public Outside {
  public:
    ModelOutside(BlockMedium& medium, model::block::AhciPort*& port, ModelMachine*& machine)
        : medium_(medium), port_(port), machine_(machine) {}

    bool has_medium() const override { return true; }
    void hold_requests(bool hold) override {
        if (hold)
            jobs().hold();
        else
            jobs().release_all();
        machine_->settle();
    }
    void release_request(unsigned index) override {
        const std::vector<std::uint64_t> held = jobs().held();
        if (index >= held.size())
            throw OutsideUnsupported(fmt::format("releasing request {}: {} are held", index, held.size()));
        jobs().release(held[index]);
        machine_->settle();
    }
    unsigned held_requests() override { return static_cast<unsigned>(jobs().held().size()); }
    void resize_medium(std::uint64_t sectors) override {
        // As QEMU, which lets a disk come to rest before it changes its size.
        jobs().drain();
        machine_->settle();
        medium_.disk().resize(sectors);
        port_->disk()->resized();
        machine_->settle();
    }
    void fail_sectors(std::uint64_t sector, std::uint64_t sectors, const std::string& error) override {
        medium_.fail_sectors(sector, sectors, error);
    }
    void fail_flushes(const std::string& error) override { medium_.fail_flushes(error); }
    Bytes medium_contents(std::uint64_t sector, std::uint64_t sectors) override {
        return medium_.contents(sector, sectors);
    }
    void set_latency(std::uint64_t ns, std::uint64_t jitter_ns) override {
        jobs().set_latency({.fixed = ns, .jitter = jitter_ns, .seed = seed_});
    }
    void set_seed(std::uint64_t seed) { seed_ = seed; }

  private:
    model::block::DiskJobs& jobs() {
        if (port_ == nullptr) unsupported("a disk");
        return port_->jobs();
    }

    BlockMedium& medium_;
    model::block::AhciPort*& port_;
    ModelMachine*& machine_;
    std::uint64_t seed_ = 1;
};

class AhciModelRig : public ModelRig {
  public:
    AhciModelRig(const json& configuration, const RigOptions& options)
        : media_(configuration, options), outside_(media_.first(), port_, machine_) {
        build(options, [&](model::pci::Board& board) {
            if (is_absent(configuration)) return;
            device_ = std::make_unique<model::block::Ahci>("ahci", board, kDeviceUnderTest.device);
            const std::vector<unsigned> ports = ports_of(configuration);
            for (std::size_t i = 0; i < ports.size(); ++i) {
                AtaProperties properties = properties_of(configuration);
                if (i != 0) properties.serial += fmt::format("-{}", i);
                device_->attach(ports[i], properties, media_.all[i]->disk());
            }
            if (!ports.empty()) port_ = &device_->port(ports.front());
        });
        machine_ = &model();
        outside_.set_seed(options.seed);
        if (device_ != nullptr) device_->power_on_reset();
    }
    Outside& outside() override { return outside_; }
    void reset_device() override {
        if (device_ == nullptr) return;
        device_->power_on_reset();
        model().settle();
    }
    bool reset() override {
        reset_machine();
        for (const auto& medium : media_.all) medium->reset();
        if (port_ != nullptr) port_->jobs().set_latency({});
        reset_device();
        return true;
    }

  private:
    Media media_;
    std::unique_ptr<model::block::Ahci> device_;
    model::block::AhciPort* port_ = nullptr;
    ModelMachine* machine_ = nullptr;
    ModelOutside outside_;
};

/// Before the rig among its bases: the media outlive the QEMU that they serve.
struct MediaOwner {
    MediaOwner(const json& configuration, const RigOptions& options) : media(configuration, options) {}
    Media media;
};

class AhciQemuRig : private MediaOwner, public QemuRig {
  public:
    AhciQemuRig(const json& configuration, const RigOptions& options)
        : MediaOwner(configuration, options), QemuRig(vm_options(configuration, options, media)) {
        if (is_absent(configuration) || ports_of(configuration).empty()) return;
        set_outside(std::make_unique<QemuMediumOutside>(media.first(), vm(), qemu_machine()));
    }

  private:
    static qemu::VmOptions vm_options(const json& configuration, const RigOptions& options, Media& media) {
        qemu::VmOptions vm = vm_options_for(options);
        if (is_absent(configuration)) return vm;
        vm.devices = {fmt::format("ich9-ahci,id=hba,addr={:02x}.0", kDeviceUnderTest.device)};
        const std::vector<unsigned> ports = ports_of(configuration);
        for (std::size_t i = 0; i < ports.size(); ++i) {
            vm.disks.push_back({node_name(i), media.all[i].get()});
            vm.devices.push_back(disk_option(configuration, i, ports[i]));
        }
        return vm;
    }
};

class AhciType : public DeviceType {
  public:
    std::string_view name() const override { return "ich9-ahci"; }
    std::string_view about() const override {
        return "AHCI 1.0 controller of the ICH9 (8086:2922) with ATA disks";
    }
    std::span<const RegisterBlock> blocks() const override { return kBlocks; }
    std::span<const LayoutSpec> layouts() const override { return kLayouts; }
    std::unique_ptr<Rings> rings() const override { return make_ahci_rings(); }
    std::span<const KeySpec> configuration() const override { return kConfiguration; }

    std::string check(const json& configuration) const override {
        if (const std::string objection = BlockMedium::check(configuration); !objection.empty())
            return objection;
        std::vector<unsigned> ports = ports_of(configuration);
        std::sort(ports.begin(), ports.end());
        if (!ports.empty() && ports.back() >= kAhciPorts)
            return fmt::format("\"port\" and \"more_ports\" are from 0 to {}", kAhciPorts - 1);
        if (std::adjacent_find(ports.begin(), ports.end()) != ports.end())
            return "a port has one disk: \"port\" and \"more_ports\" name one twice";
        const std::uint64_t physical = configuration.value("physical_block_size", std::uint64_t{512});
        if (!std::has_single_bit(physical) || physical < 512 || physical > 2 << 20)
            return "\"physical_block_size\" must be a power of 2 from 512 to 2 MiB";
        if (configuration.value("serial", std::string()).find(',') != std::string::npos)
            return "\"serial\" has no commas";
        return {};
    }
    std::unique_ptr<Rig> make_model(const json& configuration, const RigOptions& options) const override {
        return std::make_unique<AhciModelRig>(configuration, options);
    }
    std::unique_ptr<Rig> make_qemu(const json& configuration, const RigOptions& options) const override {
        return std::make_unique<AhciQemuRig>(configuration, options);
    }
};

}  // namespace

const DeviceType& ich9_ahci() {
    static const AhciType type;
    return type;
}

}  // namespace tb::harness
