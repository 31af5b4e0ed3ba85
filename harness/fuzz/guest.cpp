// SPDX-License-Identifier: BSD-3-Clause
#include "harness/fuzz/guest.hpp"

#include <array>
#include <iterator>

#include "harness/fuzz/seam_hash.hpp"
#include "harness/machine/hang.hpp"
#include "harness/operations/board.hpp"
#include "pci/pci.hpp"

namespace tb::fuzz {

namespace {

/// Of one step: more is work without end. A descriptor may ask for all memory that there is, and a ring holds
/// some hundred of them.
constexpr std::uint64_t kMostTransfers = 1'000'000;

}  // namespace

/// Counts what the device does.
class GuestBench::Watch : public harness::MachineListener {
  public:
    explicit Watch(harness::MachineBase& machine) : machine_(machine) { machine_.set_listener(this); }
    ~Watch() override { machine_.set_listener(nullptr); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void device_dma(bool, std::uint64_t, std::span<const std::byte>, unsigned) override { ++transfers_; }
    bool endless() { return std::exchange(transfers_, 0) > kMostTransfers; }

  private:
    harness::MachineBase& machine_;
    std::uint64_t transfers_ = 0;
};

GuestBench::GuestBench(const Dialect& dialect)
    : bench_(dialect),
      layer_(bench_.rig().machine(), bench_.language().device(), [this] { bench_.rig().reset_device(); }) {
    for (const harness::RegisterBlock& block : language().device().blocks())
        for (const model::RegisterSpec& spec : block.registers)
            for (unsigned i = 0; i < spec.count; ++i)
                registers_.push_back({block.space, block.bar,
                                      block.offset + spec.offset + std::uint64_t{i} * spec.stride,
                                      spec.width});
}

std::uint64_t GuestBench::address_of(const Register& place) {
    if (place.space == hal::AddressSpace::kPciConfig)
        return hal::config_address(harness::kDeviceUnderTest, static_cast<std::uint32_t>(place.offset));
    if (place.bar < 0) return place.offset;
    const auto bar = pci::kBar0 + 4 * static_cast<std::uint32_t>(place.bar);
    const std::uint64_t base = bench_.rig().machine().read(
        hal::AddressSpace::kPciConfig, hal::config_address(harness::kDeviceUnderTest, bar), 4);
    return (base & ~std::uint64_t{0xf}) + place.offset;
}

std::uint64_t GuestBench::shared(std::uint32_t choice) {
    const auto& allocations = bench_.rig().machine().pool().allocations();
    if (allocations.empty()) return harness::kDmaBase + (choice & 0xfff0);
    const auto chosen =
        std::next(allocations.begin(), static_cast<std::ptrdiff_t>((choice >> 16) % allocations.size()));
    return chosen->first + (choice & 0xffff) % chosen->second;
}

void GuestBench::meddle(const Record& record, hal::Machine& seam) {
    constexpr std::array<unsigned, 4> kWidths{1, 2, 4, 8};
    constexpr std::uint8_t kPointer = 0x80;
    const std::uint64_t value =
        (record.form & kPointer) != 0 ? shared(record.value) & ~std::uint64_t{0xf} : number(record);
    if (record.what % 4 == 3) {
        // A descriptor's word, an index, a header.
        const std::uint64_t at = shared(std::uint32_t{record.when} << 16 | record.place);
        const unsigned width = kWidths[record.nth % 4];
        if (bench_.rig().machine().pool().owns(at, width))
            seam.dma_store(at, width, value, hal::MemoryOrder::kRelaxed);
        return;
    }
    const Register& place = registers_[record.place % registers_.size()];
    const unsigned width = record.times % 8 < 4 ? place.width : kWidths[record.times % 4];
    const std::uint64_t address = address_of(place) + (record.nth < 0xf0 ? 0 : record.nth & 7U);
    if (record.what % 4 == 2)
        seam.read(place.space, address, width);
    else
        seam.write(place.space, address, width, value);
}

std::string GuestBench::run(std::span<const Record> program, bool hashed) {
    bench_.reset();
    layer_.reset();
    layer_.set_budget(kMostCalls, kMostVirtualNs);
    hash_ = 0;
    if (program.empty()) return {};
    Watch watch(bench_.rig().machine());
    SeamHash hash(layer_);
    hal::Machine& seam = hashed ? static_cast<hal::Machine&>(hash) : layer_;
    Life life(bench_, seam);
    std::string finding;
    const auto look = [&] {
        if (watch.endless() && finding.empty())
            finding = "the model does not come to an end of its transfers";
    };
    try {
        life.take(language().start(program.front()));
        for (const Record& record : program.subspan(1)) {
            switch (Language::kind_of(record)) {
                case Step::Kind::kFault:
                    meddle(record, seam);
                    break;
                case Step::Kind::kHeal:
                    bench_.rig().reset_device();
                    break;
                default:
                    life.take(language().legal_step(record));
                    break;
            }
            look();
        }
        life.stop();
        look();
        life.close();
    } catch (const harness::Hang&) {
        // A driver whose device obeys another.
        life.abandon();
    }
    hash_ = hash.hash();
    return finding;
}

}  // namespace tb::fuzz
