// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/devices/block_medium.hpp"
#include "harness/devices/model_rig.hpp"
#include "harness/devices/qemu_medium.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/devices/rings.hpp"
#include "harness/devices/types.hpp"
#include "harness/devices/virtio_blocks.hpp"
#include "harness/devices/virtio_layouts.hpp"
#include "models/block/virtio_blk_pci.hpp"
#include "models/block/virtio_blk_regs.hpp"

namespace tb::harness {

namespace {

using model::block::VirtioBlkOptions;
using model::block::VirtioBlkProperties;
using nlohmann::json;

constexpr KeySpec kConfiguration[] = {
    kMediumConfiguration[0],
    kMediumConfiguration[1],
    kMediumConfiguration[2],
    kMediumConfiguration[3],
    {"serial", ValueType::kText, false, "what GET_ID answers, 20 characters of it (default: nothing)"},
    {"logical_block_size", ValueType::kInteger, false, "bytes (default 512)"},
    {"physical_block_size", ValueType::kInteger, false, "bytes (default 512)"},
    {"min_io_size", ValueType::kInteger, false, "bytes (default 0: not said)"},
    {"opt_io_size", ValueType::kInteger, false, "bytes (default 0: not said)"},
    {"queues", ValueType::kInteger, false, "request queues (default 1)"},
    {"queue_size", ValueType::kInteger, false, "entries, a power of two from 4 to 1024 (default 256)"},
    {"write_cache", ValueType::kBoolean, false, "whether the write cache is on at first (default true)"},
    {"config_wce", ValueType::kBoolean, false, "whether a driver may turn it on and off (default true)"},
    {"discard", ValueType::kBoolean, false, "offer DISCARD (default true)"},
    {"write_zeroes", ValueType::kBoolean, false, "offer WRITE_ZEROES (default true)"},
    {"max_discard_sectors", ValueType::kInteger, false, "of one request (default 4194303)"},
    {"max_write_zeroes_sectors", ValueType::kInteger, false, "of one request (default 4194303)"},
    {"request_merging", ValueType::kBoolean, false,
     "neighbouring requests of one doorbell become one of the medium (default true)"},
    {"indirect_desc", ValueType::kBoolean, false, "offer VIRTIO_F_INDIRECT_DESC (default true)"},
    {"event_idx", ValueType::kBoolean, false, "offer VIRTIO_F_EVENT_IDX (default true)"},
    {"packed", ValueType::kBoolean, false, "offer VIRTIO_F_RING_PACKED (default false)"},
    {"vectors", ValueType::kInteger, false,
     "MSI-X vectors; 0 leaves the capability out (default: one a queue and one)"},
    {"dma_without_bus_master", ValueType::kBoolean, false,
     "the model reaches memory without bus-master enable, as QEMU lets virtio devices do (default false: as "
     "hardware)"},
    {"transitional", ValueType::kBoolean, false,
     "the identity of a transitional device, which is QEMU's default (default false); its legacy registers "
     "are "
     "not modelled"},
    {"absent", ValueType::kBoolean, false, "true: nothing is in the slot"},
};

constexpr auto kBlocks = virtio_blocks(model::block::kBlkConfigRegisters);

// struct virtio_blk_req, its fixed part, and struct virtio_blk_discard_write_zeroes (VIRTIO 1.2 §5.2.6).
constexpr LayoutField kRequestFields[] = {{"type", 0, 32}, {"reserved", 32, 32}, {"sector", 64, 64}};
constexpr LayoutField kRangeFields[] = {
    {"sector", 0, 64}, {"num_sectors", 64, 32}, {"unmap", 96, 1}, {"flags", 96, 32}};
constexpr LayoutSpec kLayouts[] = {
    kVirtqDesc,
    kVirtqAvail,
    kVirtqUsed,
    kVirtqUsedElement,
    kPvirtqDesc,
    kPvirtqEventSuppress,
    {"virtio_blk_req", 16, kRequestFields},
    {"virtio_blk_range", 16, kRangeFields},
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

VirtioBlkOptions options_of(const json& c, std::uint64_t seed) {
    VirtioBlkOptions options;
    VirtioBlkProperties& p = options.block;
    p.serial = c.value("serial", p.serial);
    p.logical_block_size = number(c, "logical_block_size", p.logical_block_size);
    p.physical_block_size =
        number(c, "physical_block_size", std::max(p.physical_block_size, p.logical_block_size));
    p.min_io_size = number(c, "min_io_size", p.min_io_size);
    p.opt_io_size = number(c, "opt_io_size", p.opt_io_size);
    p.num_queues = number(c, "queues", p.num_queues);
    p.queue_size = number(c, "queue_size", p.queue_size);
    p.read_only = flag(c, "read_only", p.read_only);
    p.write_cache = flag(c, "write_cache", p.write_cache);
    p.config_wce = flag(c, "config_wce", p.config_wce);
    p.discard = flag(c, "discard", p.discard);
    p.write_zeroes = flag(c, "write_zeroes", p.write_zeroes);
    p.max_discard_sectors = number(c, "max_discard_sectors", p.max_discard_sectors);
    p.max_write_zeroes_sectors = number(c, "max_write_zeroes_sectors", p.max_write_zeroes_sectors);
    p.request_merging = flag(c, "request_merging", p.request_merging);
    p.latency.seed = seed;
    options.pci.indirect_desc = flag(c, "indirect_desc", options.pci.indirect_desc);
    options.pci.event_idx = flag(c, "event_idx", options.pci.event_idx);
    options.pci.packed = flag(c, "packed", options.pci.packed);
    options.pci.dma_without_bus_master =
        flag(c, "dma_without_bus_master", options.pci.dma_without_bus_master);
    options.pci.transitional_identity = flag(c, "transitional", false);
    if (c.contains("vectors")) options.pci.vectors = number(c, "vectors", 0U);
    return options;
}

/// The same as QEMU wants it told.
std::string device_option(const json& c) {
    const VirtioBlkOptions options = options_of(c, 0);
    const VirtioBlkProperties& p = options.block;
    const auto on = [](bool value) { return value ? "on" : "off"; };
    std::string text = fmt::format(
        "virtio-blk-pci,drive=disk,addr={:02x}.0,disable-legacy={},disable-modern=off,ioeventfd=off,rerror="
        "report,werror=report,"
        "logical_block_size={},physical_block_size={},min_io_size={},opt_io_size={},num-queues={},queue-size="
        "{},"
        "write-cache={},config-wce={},discard={},write-zeroes={},max-discard-sectors={},max-write-zeroes-"
        "sectors={},"
        "request-merging={},indirect_desc={},event_idx={}",
        kDeviceUnderTest.device, flag(c, "transitional", false) ? "off" : "on", p.logical_block_size,
        p.physical_block_size, p.min_io_size, p.opt_io_size, p.num_queues, p.queue_size, on(p.write_cache),
        on(p.config_wce), on(p.discard), on(p.write_zeroes), p.max_discard_sectors,
        p.max_write_zeroes_sectors, on(p.request_merging), on(options.pci.indirect_desc),
        on(options.pci.event_idx));
    if (options.pci.packed) text += ",packed=on";
    if (options.pci.vectors) text += fmt::format(",vectors={}", *options.pci.vectors);
    if (p.serial.empty()) return text;
    text += ",serial=";
    for (const char c2 : p.serial) text += c2 == ',' ? ",," : std::string(1, c2);
    return text;
}

/// The medium of a model.
class ModelOutside : public Outside {
  public:
    ModelOutside(BlockMedium& medium, model::block::VirtioBlk*& block, ModelMachine*& machine)
        : medium_(medium), block_(block), machine_(machine) {}

    bool has_medium() const override { return true; }
    void hold_requests(bool hold) override {
        if (hold)
            device().hold();
        else
            device().release_all();
        machine_->settle();
    }
    void release_request(unsigned index) override {
        const std::vector<std::uint64_t> held = device().held();
        if (index >= held.size())
            throw OutsideUnsupported(fmt::format("releasing request {}: {} are held", index, held.size()));
        device().release(held[index]);
        machine_->settle();
    }
    unsigned held_requests() override { return static_cast<unsigned>(device().held().size()); }
    void resize_medium(std::uint64_t sectors) override {
        // As QEMU, which lets a disk come to rest before it changes its size.
        if (!device().held().empty()) {
            device().release_all();
            device().hold();
        }
        machine_->settle();
        device().resize(sectors);
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
        device().set_latency({.fixed = ns, .jitter = jitter_ns, .seed = seed_});
    }
    void set_seed(std::uint64_t seed) { seed_ = seed; }

  private:
    model::block::VirtioBlk& device() {
        if (block_ == nullptr) unsupported("a disk");
        return *block_;
    }

    BlockMedium& medium_;
    model::block::VirtioBlk*& block_;
    ModelMachine*& machine_;
    std::uint64_t seed_ = 1;
};

class VirtioBlkModelRig : public ModelRig {
  public:
    VirtioBlkModelRig(const json& configuration, const RigOptions& options)
        : medium_(configuration, options), outside_(medium_, block_, machine_) {
        build(options, [&](model::pci::Board& board) {
            if (flag(configuration, "absent", false)) return;
            device_ = std::make_unique<model::block::VirtioBlkPci>("blk", board, kDeviceUnderTest.device,
                                                                   options_of(configuration, options.seed),
                                                                   medium_.disk());
        });
        machine_ = &model();
        outside_.set_seed(options.seed);
        if (device_ == nullptr) return;
        block_ = &device_->block();
        latency_ = options_of(configuration, options.seed).block.latency;
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
        medium_.reset();
        if (block_ != nullptr) block_->set_latency(latency_);
        reset_device();
        return true;
    }

  private:
    BlockMedium medium_;
    model::block::LatencyPlan latency_;
    std::unique_ptr<model::block::VirtioBlkPci> device_;
    model::block::VirtioBlk* block_ = nullptr;
    ModelMachine* machine_ = nullptr;
    ModelOutside outside_;
};

/// Before the rig among its bases: the medium outlives the QEMU that it serves.
struct MediumOwner {
    MediumOwner(const json& configuration, const RigOptions& options) : medium(configuration, options) {}
    BlockMedium medium;
};

class VirtioBlkQemuRig : private MediumOwner, public QemuRig {
  public:
    VirtioBlkQemuRig(const json& configuration, const RigOptions& options)
        : MediumOwner(configuration, options), QemuRig(vm_options(configuration, options, medium)) {
        if (flag(configuration, "absent", false)) return;
        set_outside(std::make_unique<QemuMediumOutside>(medium, vm(), qemu_machine()));
    }

  private:
    static qemu::VmOptions vm_options(const json& configuration, const RigOptions& options,
                                      BlockMedium& medium) {
        qemu::VmOptions vm = vm_options_for(options);
        if (flag(configuration, "absent", false)) return vm;
        vm.disks = {{"disk", &medium}};
        vm.devices = {device_option(configuration)};
        return vm;
    }
};

class VirtioBlkType : public DeviceType {
  public:
    std::string_view name() const override { return "virtio-blk-pci"; }
    std::string_view about() const override {
        return "virtio block device behind modern virtio-pci (1af4:1042)";
    }
    std::span<const RegisterBlock> blocks() const override { return kBlocks; }
    std::span<const LayoutSpec> layouts() const override { return kLayouts; }
    std::unique_ptr<Rings> rings() const override { return make_virtio_rings(); }
    std::span<const KeySpec> configuration() const override { return kConfiguration; }

    std::string check(const json& configuration) const override {
        if (const std::string objection = BlockMedium::check(configuration); !objection.empty())
            return objection;
        try {
            model::block::VirtioBlk::check(options_of(configuration, 1).block);
        } catch (const std::invalid_argument& objection) {
            return objection.what();
        }
        return {};
    }
    std::unique_ptr<Rig> make_model(const json& configuration, const RigOptions& options) const override {
        return std::make_unique<VirtioBlkModelRig>(configuration, options);
    }
    std::unique_ptr<Rig> make_qemu(const json& configuration, const RigOptions& options) const override {
        return std::make_unique<VirtioBlkQemuRig>(configuration, options);
    }
};

}  // namespace

const DeviceType& virtio_blk_pci() {
    static const VirtioBlkType type;
    return type;
}

}  // namespace tb::harness
