// SPDX-License-Identifier: BSD-3-Clause
#include "harness/faults/fault_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "harness/operations/board.hpp"
#include "models/core/access.hpp"
#include "pci/pci.hpp"

namespace tb::faults {

namespace {

using model::width_mask;
constexpr auto kPciConfig = hal::AddressSpace::kPciConfig;

/// An occasion that has no place.
Occasion nowhere(Site site) {
    return {.site = site};
}

std::uint64_t config(std::uint32_t offset) {
    return hal::config_address(harness::kDeviceUnderTest, offset);
}

}  // namespace

FaultLayer::FaultLayer(harness::MachineBase& machine, const harness::DeviceType& device,
                       std::function<void()> reset_device)
    : ForwardingMachine(machine),
      machine_(machine),
      is_pci_(device.is_pci()),
      atlas_(device),
      reset_device_(std::move(reset_device)),
      view_(machine) {}

FaultLayer::~FaultLayer() = default;

FaultLayer::Handle FaultLayer::arm(const Fault& fault) {
    Armed armed;
    armed.fault = fault;
    if (!fault.of.empty()) armed.of = &parts_.try_emplace(fault.of, fault.of).first->second;
    armed_.push_back(std::move(armed));
    ++active_;
    return armed_.size() - 1;
}

void FaultLayer::heal(Handle handle) {
    Armed& armed = armed_[handle];
    if (armed.healed) return;
    armed.healed = true;
    --active_;
    if (armed.struck == 0) return;
    if (armed.fault.act == Act::kRemove && removed_) bring_back();
    if (armed.fault.act == Act::kDelay && armed.fault.site != Site::kInterrupt) view_.thaw();
    if (armed.fault.act == Act::kDelay && armed.fault.site == Site::kInterrupt)
        for (Pending& pending : pending_) pending.due_ns = 0;
    if (armed.fault.act == Act::kDrop) lost_.clear();
}

void FaultLayer::heal_all() {
    for (Handle i = 0; i < armed_.size(); ++i) heal(i);
}

void FaultLayer::reset() {
    armed_.clear();
    active_ = 0;
    strikes_ = 0;
    calls_left_ = until_ns_ = ~std::uint64_t{0};
    removed_ = false;
    vectors_.clear();
    lost_.clear();
    pending_.clear();
    round_begins_ = false;
    view_.thaw();
    swapped_.clear();
    atlas_.forget();
}

void FaultLayer::count() {
    if (calls_left_ == 0) throw Hang("the driver does not come to an end: it has used up its accesses");
    --calls_left_;
}

void FaultLayer::delay_ns(std::uint64_t span) {
    count();
    machine_.delay_ns(span);
    if (machine_.now_ns() > until_ns_)
        throw Hang("the driver does not come to an end: it has used up its virtual time");
    if (!lost_.empty()) find_lost();
    view_.thaw_if_due();
}

// Matching.

std::uint64_t FaultLayer::bits_in(Part& part, const harness::Place& place) {
    if (part.epoch != atlas_.epoch()) part.masks.clear();
    part.epoch = atlas_.epoch();
    if (part.masks.size() <= place.number) part.masks.resize(place.number + 64);
    std::optional<std::uint64_t>& mask = part.masks[place.number];
    if (mask) return *mask;
    mask = 0;
    for (const trace::NamedBits& piece : place.pieces)
        if (part.name.matches(piece.name)) *mask |= piece.mask();
    return *mask;
}

std::optional<std::uint64_t> FaultLayer::bits_at(const Armed& armed, const Occasion& at) {
    if (armed.of == nullptr) return width_mask(at.width);
    std::uint64_t mask = 0;
    if (at.site == Site::kRead || at.site == Site::kWrite) {
        mask = bits_in(*armed.of, atlas_.registers(at.space, at.address, at.width));
    } else {
        const harness::Place& place = atlas_.ring(at.address, at.width);
        mask = bits_in(*armed.of, place);
        // What a buffer is hangs on memory that changes.
        if (place.pieces.empty() && atlas_.rings() != nullptr &&
            atlas_.rings()->is_buffer(armed.of->name.base()) &&
            armed.of->name.matches(atlas_.rings()->buffer(at.address, machine_.ram())))
            mask = trace::low_bits(8 * at.width);
    }
    if (mask == 0) return std::nullopt;
    return mask;
}

bool FaultLayer::strikes_now(Armed& armed, bool matches) {
    if (armed.healed || !matches || machine_.now_ns() < armed.fault.not_before_ns) return false;
    if (++armed.seen < armed.fault.nth) return false;
    const std::uint64_t times = times_of(armed.fault);
    if (times != 0 && armed.struck >= times) return false;
    ++armed.struck;
    ++strikes_;
    return true;
}

void FaultLayer::given_back(std::uint64_t address, std::uint64_t size) {
    for (Armed& armed : armed_)
        if (armed.fault.address != 0 && armed.fault.address >= address &&
            armed.fault.address - address < size)
            armed.healed = true;
}

void FaultLayer::tell(const Armed& armed, const Occasion& at) {
    if (told_at_) told_at_(static_cast<Handle>(&armed - armed_.data()), at);
    if (!told_) return;
    told_(fmt::format("{} {} {}", spec_of(armed.fault.act).name, spec_of(at.site).name, name_of(at)));
}

std::string FaultLayer::name_of(const Occasion& at) {
    if (at.site == Site::kRead || at.site == Site::kWrite) return atlas_.name(at.space, at.address, at.width);
    std::string name;
    if (at.width == 0) return name;
    for (const trace::NamedBits& piece : atlas_.memory(at.address, at.width, machine_.ram()))
        name += (name.empty() ? "" : "|") + piece.name;
    return name;
}

// Accesses.

bool FaultLayer::before(const Occasion& at) {
    bool dropped = false;
    for (Armed& armed : armed_) {
        if (armed.healed || armed.fault.site != at.site) continue;
        const Act act = armed.fault.act;
        const bool strikes_before = act == Act::kRemove || act == Act::kReset || act == Act::kInvent ||
                                    act == Act::kDelay || at.site == Site::kWrite;
        if (!strikes_before || !strikes_now(armed, bits_at(armed, at).has_value())) continue;
        tell(armed, at);
        if (act == Act::kRemove) remove();
        if (act == Act::kReset) reset_behind_back();
        if (act == Act::kInvent) invent();
        if (act == Act::kDelay) view_.freeze(machine_.now_ns() + armed.fault.by_ns);
        if (act == Act::kDrop) dropped = true;
        if (act == Act::kDuplicate) machine_.write(at.space, at.address, at.width, at.value);
    }
    return dropped;
}

std::uint64_t FaultLayer::changed(Armed& armed, std::uint64_t value, std::uint64_t mask, const Occasion& at) {
    const auto lsb = static_cast<unsigned>(std::countr_zero(mask));
    std::uint64_t answer = 0;
    switch (armed.fault.act) {
        case Act::kAllOnes:
            answer = ~std::uint64_t{0};
            break;
        case Act::kZero:
            break;
        case Act::kValue:
            answer = armed.fault.value << lsb;
            break;
        case Act::kFlip:
            answer = value ^ armed.fault.mask << lsb;
            break;
        case Act::kAdd:
            answer = value + (armed.fault.value << lsb);
            break;
        case Act::kStick:
            if (!armed.stuck) armed.stuck = value;
            answer = *armed.stuck;
            break;
        case Act::kRestless:
            answer = value + (armed.struck << lsb);
            break;
        case Act::kUnwritten: {
            const auto own = armed.last.find(at.address);
            answer = own == armed.last.end() ? 0 : own->second;
            break;
        }
        case Act::kPrevious: {
            const auto last = armed.last.find(at.address);
            answer = last == armed.last.end() ? value : last->second;
            break;
        }
        case Act::kReorder:
            if (const harness::Rings* rings = atlas_.rings(); rings != nullptr)
                if (const auto next = rings->in_next_element(at.address)) {
                    swapped_[*next] = value;
                    return machine_.dma_load(*next, at.width, hal::MemoryOrder::kRelaxed);
                }
            return value;
        default:
            return value;
    }
    return (value & ~mask) | (answer & mask);
}

std::uint64_t FaultLayer::answer(Occasion at) {
    if (at.site == Site::kLoad && !swapped_.empty())
        if (const auto found = swapped_.find(at.address); found != swapped_.end()) {
            at.value = found->second;
            swapped_.erase(found);
        }
    for (Armed& armed : armed_) {
        const Act act = armed.fault.act;
        if (armed.healed || armed.fault.site != at.site || act == Act::kRemove || act == Act::kReset ||
            act == Act::kInvent || act == Act::kDelay)
            continue;
        const auto mask = bits_at(armed, at);
        const std::uint64_t honest = at.value;
        if (strikes_now(armed, mask.has_value())) {
            at.value = changed(armed, at.value, *mask, at) & width_mask(at.width);
            tell(armed, at);
        }
        if (act == Act::kPrevious && mask) armed.last[at.address] = honest;
    }
    return at.value;
}

std::uint64_t FaultLayer::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    count();
    Occasion at{Site::kRead, space, address, width, 0};
    if (something_armed()) before(at);
    at.value = removed_ && is_ours(space, address) ? width_mask(width) : machine_.read(space, address, width);
    if (!lost_.empty()) find_lost();
    atlas_.saw(false, space, address, width, at.value);
    if (something_armed()) at.value = answer(at);
    happened(at);
    return at.value;
}

void FaultLayer::write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) {
    count();
    const Occasion at{Site::kWrite, space, address, width, value};
    atlas_.saw(true, space, address, width, value);
    const bool dropped = something_armed() && before(at);
    if (!dropped && !(removed_ && is_ours(space, address))) machine_.write(space, address, width, value);
    if (!lost_.empty()) find_lost();
    happened(at);
}

std::uint64_t FaultLayer::dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) {
    count();
    Occasion at{Site::kLoad, hal::AddressSpace::kMemory, address, width, 0};
    if (something_armed()) before(at);
    at.value = machine_.dma_load(address, width, order);
    if (view_.frozen()) view_.load(address, std::as_writable_bytes(std::span(&at.value, 1)).first(width));
    if (something_armed()) at.value = answer(at);
    happened(at);
    return at.value;
}

void FaultLayer::dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                           hal::MemoryOrder order) {
    count();
    atlas_.stored(address, width, value);
    machine_.dma_store(address, width, value, order);
    if (active_ != 0)
        for (Armed& armed : armed_)
            if (armed.fault.act == Act::kUnwritten && !armed.healed) armed.last[address] = value;
    if (view_.frozen()) view_.store(address, std::as_bytes(std::span(&value, 1)).first(width));
}

void FaultLayer::answer_bytes(const Occasion& at, std::span<std::byte> bytes) {
    if (bytes.empty()) return;
    for (Armed& armed : armed_) {
        if (armed.healed || armed.fault.site != Site::kData) continue;
        // Counted wherever they are, so that one that comes instead of another is not taken for it.
        const bool elsewhere = armed.fault.address != 0 && armed.fault.address != at.address;
        if (elsewhere && armed.seen + 1 >= armed.fault.nth) armed.healed = true;
        if (elsewhere) ++armed.seen;
        if (elsewhere || !strikes_now(armed, bits_at(armed, at).has_value())) continue;
        switch (armed.fault.act) {
            case Act::kAllOnes:
                std::fill(bytes.begin(), bytes.end(), std::byte{0xff});
                break;
            case Act::kZero:
                std::fill(bytes.begin(), bytes.end(), std::byte{0});
                break;
            case Act::kTruncate:
                std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), bytes.end(),
                          std::byte{0});
                break;
            case Act::kFlip:
                for (std::size_t i = 0; i < bytes.size() && i < 8; ++i)
                    bytes[i] ^= static_cast<std::byte>(armed.fault.mask >> (8 * i));
                break;
            default:
                break;
        }
        tell(armed, at);
    }
}

void FaultLayer::dma_read(std::uint64_t address, std::span<std::byte> out) {
    count();
    machine_.dma_read(address, out);
    if (view_.frozen()) view_.load(address, out);
    const Occasion at{Site::kData, hal::AddressSpace::kMemory, address,
                      static_cast<unsigned>(std::min<std::size_t>(out.size(), 8)), 0};
    if (something_armed()) answer_bytes(at, out);
    happened(at);
}

void FaultLayer::dma_write(std::uint64_t address, std::span<const std::byte> in) {
    count();
    machine_.dma_write(address, in);
    if (view_.frozen()) view_.store(address, in);
}

bool FaultLayer::refuses(Site site) {
    happened(nowhere(site));
    if (!something_armed()) return false;
    bool struck = false;
    for (Armed& armed : armed_) {
        if (armed.fault.act != Act::kFail || armed.fault.site != site || !strikes_now(armed, true)) continue;
        tell(armed, nowhere(site));
        struck = true;
    }
    return struck;
}

hal::Result<std::uint64_t> FaultLayer::dma_allocate(std::uint64_t size, std::uint64_t alignment) {
    if (refuses(Site::kAllocate)) return hal::Error::kNoMemory;
    return machine_.dma_allocate(size, alignment);
}

void FaultLayer::dma_free(std::uint64_t address, std::uint64_t size) {
    view_.forget(address);
    given_back(address, size);
    machine_.dma_free(address, size);
}

hal::Result<std::uint64_t> FaultLayer::dma_map(std::span<std::byte> buffer, hal::Direction direction) {
    if (refuses(Site::kAllocate)) return hal::Error::kNoMemory;
    return machine_.dma_map(buffer, direction);
}

void FaultLayer::dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) {
    machine_.dma_unmap(address, buffer, direction);
    if (direction != hal::Direction::kToDevice) view_.load(address, buffer);
    view_.forget(address);
    if (direction == hal::Direction::kToDevice) return;
    const Occasion at{Site::kData, hal::AddressSpace::kMemory, address,
                      static_cast<unsigned>(std::min<std::size_t>(buffer.size(), 8)), 0};
    if (something_armed()) answer_bytes(at, buffer);
    happened(at);
}

// Removal and reset.

bool FaultLayer::is_ours(hal::AddressSpace space, std::uint64_t address) const {
    // Nothing else that a driver touches has registers here; other functions only have configuration space.
    return space != hal::AddressSpace::kPciConfig || (address & ~std::uint64_t{0xfff}) == config(0);
}

void FaultLayer::remove() {
    if (removed_) return;
    save_header();
    removed_ = true;
    // Without power it does nothing on its own either.
    reset_device_();
}

void FaultLayer::bring_back() {
    removed_ = false;
    reset_device_();
    place_again();
}

void FaultLayer::reset_behind_back() {
    // What is not there is not reset; the header of the one that comes is known.
    if (removed_) return;
    save_header();
    reset_device_();
    place_again();
    if (is_pci_) machine_.write(kPciConfig, config(pci::kCommand), 2, command_);
}

void FaultLayer::save_header() {
    if (!is_pci_) return;
    command_ = machine_.read(kPciConfig, config(pci::kCommand), 2);
    for (std::uint32_t i = 0; i < bars_.size(); ++i)
        bars_[i] = machine_.read(kPciConfig, config(pci::kBar0 + 4 * i), 4);
}

void FaultLayer::place_again() {
    if (!is_pci_) return;
    for (std::uint32_t i = 0; i < bars_.size(); ++i)
        machine_.write(kPciConfig, config(pci::kBar0 + 4 * i), 4, bars_[i]);
}

}  // namespace tb::faults
