// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/stand_in.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "harness/operations/board.hpp"
#include "models/core/access.hpp"
#include "models/pci/config_space.hpp"

namespace tb::replay {

namespace {

using harness::kDeviceUnderTest;
using trace::EventKind;
namespace config = model::pci::config;

constexpr std::uint64_t kBarsEnd = config::kBar0 + 24;
constexpr std::uint64_t kConfigBytes = 0x1000;
constexpr std::uint64_t kConventionalBytes = 0x100;
/// How far ahead a driver may come back to the recording.
constexpr std::size_t kWindow = 256;
/// What QEMU's functions keep of the command register: ports, memory, bus master, SERR and INTx off.
constexpr int kCommandBits = 0x507;

bool is_wide(std::uint32_t type) {
    return (type & 7) == 4;
}

}  // namespace

const char* to_string(Departure::Kind kind) {
    switch (kind) {
        case Departure::Kind::kLeftOut:
            return "left out";
        case Departure::Kind::kOtherValue:
            return "another value";
        case Departure::Kind::kExtra:
            return "not in the recording";
        case Departure::Kind::kOutOfOrder:
            break;
    }
    return "elsewhere in the recording";
}

/// Zeroed pages that cost nothing until they are touched.
struct StandIn::Ram {
    Ram()
        : bytes(static_cast<std::byte*>(::mmap(nullptr, harness::kRamBytes, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
        if (bytes == MAP_FAILED) throw std::bad_alloc();
    }
    ~Ram() { ::munmap(bytes, harness::kRamBytes); }
    Ram(const Ram&) = delete;
    Ram& operator=(const Ram&) = delete;
    std::span<std::byte> span() { return {bytes, harness::kRamBytes}; }
    std::byte* bytes;
};

StandIn::StandIn(const Script& script, const harness::DeviceType& type, bool exact,
                 harness::MachineBase* understudy)
    // The base wants its memory first.
    : StandIn(std::make_unique<Ram>(), script, type, exact, understudy) {}

StandIn::StandIn(std::unique_ptr<Ram> memory, const Script& script, const harness::DeviceType& type,
                 bool exact, harness::MachineBase* understudy)
    : MachineBase(memory->span()),
      memory_(std::move(memory)),
      script_(script),
      type_(type),
      exact_(exact),
      understudy_(understudy),
      registers_(*script.role, type) {
    if (understudy_ != nullptr) understudy_->set_listener(this);
    learn_config();
    // What the recording begins with that is no access, it begins with.
    play_events();
}

StandIn::~StandIn() = default;

void StandIn::learn_config() {
    for (const Script::Item& item : script_.config_reads) {
        const unsigned width = item.event.width != 0       ? item.event.width
                               : item.event.value > 0xffff ? 4
                               : item.event.value > 0xff   ? 2
                                                           : 1;
        for (unsigned i = 0; i < width && item.spot.offset + i < kConfigBytes; ++i)
            if (!known_config_[item.spot.offset + i])
                known_config_[item.spot.offset + i] = static_cast<std::uint8_t>(item.event.value >> (8 * i));
        if (item.spot.offset >= config::kBar0 && item.spot.offset < kBarsEnd && width == 4) {
            const auto bar = static_cast<std::size_t>(item.spot.offset - config::kBar0) / 4;
            const auto value = static_cast<std::uint32_t>(item.event.value);
            const std::uint64_t bytes = script_.role->bar_bytes[bar];
            if (bytes != 0 && value != 0) {
                bar_bytes_[bar] = bytes;
                bar_type_[bar] |= value & ((value & 1) != 0 ? 1 : 0xf);
            }
        }
    }
    for (std::size_t i = 0; i < known_config_.size(); ++i) {
        config_[i] = known_config_[i].value_or(0);
        if (!known_config_[i] && understudy_ != nullptr && type_.is_pci() && i < kConventionalBytes)
            config_[i] = static_cast<std::uint8_t>(
                understudy_->read(hal::AddressSpace::kPciConfig,
                                  hal::config_address(kDeviceUnderTest, static_cast<std::uint32_t>(i)), 1));
    }
    bar_bits_ = bar_type_;
}

std::uint64_t StandIn::config_read(std::uint64_t offset, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) {
        const std::uint64_t at = offset + i;
        std::uint8_t byte = at < kConfigBytes ? config_[at] : 0xff;
        if (at == config::kCommand || at == config::kCommand + 1)
            byte = static_cast<std::uint8_t>(command_ >> (8 * (at - config::kCommand)));
        if (at >= config::kBar0 && at < kBarsEnd) {
            const auto bar = static_cast<std::size_t>(at - config::kBar0) / 4;
            byte = static_cast<std::uint8_t>(bar_bits_[bar] >> (8 * (at & 3)));
        }
        value |= std::uint64_t{byte} << (8 * i);
    }
    return value;
}

void StandIn::config_write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    const auto& bytes = bar_bytes_;
    for (unsigned i = 0; i < width; ++i) {
        const std::uint64_t at = offset + i;
        const auto byte = static_cast<std::uint8_t>(value >> (8 * i));
        if (at >= kConfigBytes) continue;
        if (at >= config::kBar0 && at < kBarsEnd) {
            const auto bar = static_cast<std::size_t>(at - config::kBar0) / 4;
            const unsigned shift = 8 * (at & 3);
            bar_bits_[bar] = (bar_bits_[bar] & ~(0xffU << shift)) | std::uint32_t{byte} << shift;
        } else if (at == config::kCommand || at == config::kCommand + 1) {
            const unsigned shift = 8 * static_cast<unsigned>(at - config::kCommand);
            command_ =
                static_cast<std::uint16_t>(((command_ & ~(0xff << shift)) | byte << shift) & kCommandBits);
        } else if (at >= config::kHeaderEnd || at == config::kInterruptLine) {
            // As storage: what of it a device would keep the recording does not say.
            config_[at] = byte;
        }
    }
    for (unsigned bar = 0; bar < 6; ++bar) {
        if (bytes[bar] == 0) {
            if (bar == 0 || bytes[bar - 1] == 0 || !is_wide(bar_type_[bar - 1])) bar_bits_[bar] = 0;
            continue;
        }
        bar_bits_[bar] = (bar_bits_[bar] & static_cast<std::uint32_t>(~(bytes[bar] - 1))) | bar_type_[bar];
        bars_[bar] = bar_bits_[bar] & static_cast<std::uint32_t>(~(bytes[bar] - 1));
        if (is_wide(bar_type_[bar]) && bar < 5) bars_[bar] |= std::uint64_t{bar_bits_[bar + 1]} << 32;
    }
}

std::optional<Spot> StandIn::spot_of(hal::AddressSpace space, std::uint64_t address) {
    const Role& role = *script_.role;
    if (space == hal::AddressSpace::kPort && role.port_count != 0 && address - role.ports < role.port_count)
        return Spot{Spot::kPorts, address - role.ports};
    for (int bar = 0; bar < 6; ++bar) {
        const auto at = static_cast<std::size_t>(bar);
        const bool io = (bar_type_[at] & 1) != 0;
        if (bar_bytes_[at] == 0 || bars_[at] == 0 || io != (space == hal::AddressSpace::kPort)) continue;
        if (address - bars_[at] < bar_bytes_[at]) return Spot{bar, address - bars_[at]};
    }
    return std::nullopt;
}

std::uint64_t StandIn::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    if (space == hal::AddressSpace::kPciConfig) {
        const std::uint64_t offset = address - hal::config_address(kDeviceUnderTest, 0);
        return offset < kConfigBytes && type_.is_pci() ? config_read(offset, width)
                                                       : model::width_mask(width);
    }
    const auto spot = spot_of(space, address);
    if (!spot) return model::width_mask(width);
    std::optional<std::uint64_t> understudy;
    if (understudy_ != nullptr) understudy = understudy_->read(space, address, width);
    return follow({false, *spot, width, 0}, understudy) & model::width_mask(width);
}

void StandIn::write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) {
    if (understudy_ != nullptr) understudy_->write(space, address, width, value);
    if (space == hal::AddressSpace::kPciConfig) {
        const std::uint64_t offset = address - hal::config_address(kDeviceUnderTest, 0);
        if (offset >= kConfigBytes || !type_.is_pci()) return;
        config_write(offset, width, value);
        if (exact_) follow({true, {Spot::kConfig, offset}, width, value & model::width_mask(width)});
        return;
    }
    if (const auto spot = spot_of(space, address))
        follow({true, *spot, width, value & model::width_mask(width)});
}

bool StandIn::same_place(const Script::Item& item, const Access& access) const {
    return item.is_access() && item.spot == access.spot && item.event.width == access.width &&
           trace::is_register_write(item.event.kind) == access.write;
}

bool StandIn::matches(const Script::Item& item, const Access& access) const {
    return same_place(item, access) && (!access.write || item.event.value == access.value);
}

/// The driver has seen what it polled for sooner than the recorded one.
void StandIn::skip_polls(const Access& access) {
    while (next_ < script_.items.size()) {
        const Script::Item& item = script_.items[next_];
        const bool poll = item.is_access() && trace::is_register_read(item.event.kind) && last_read_ &&
                          item.spot == *last_read_ && !matches(item, access);
        if (!poll) return;
        ++polls_;
        go_to(next_);
    }
}

std::uint64_t StandIn::follow(const Access& access, std::optional<std::uint64_t> understudy) {
    ++accesses_;
    skip_polls(access);
    const auto found = find_ahead(access);
    if (found) {
        std::uint64_t left_out = 0;
        std::size_t first = *found;
        for (std::size_t i = next_; i < *found; ++i) {
            if (!script_.items[i].is_access() || i == replaced_) continue;
            first = std::min(first, i);
            ++left_out;
        }
        if (replaced_ == found && !departures_.empty() &&
            departures_.back().kind == Departure::Kind::kOtherValue)
            departures_.back().kind = Departure::Kind::kExtra;
        replaced_.reset();
        if (left_out != 0)
            depart({Departure::Kind::kLeftOut, script_.items[first].line, left_out, text_of(access),
                    text_of(script_.items[first])});
        const std::uint64_t value = script_.items[*found].event.value;
        go_to(*found);
        ++followed_;
        last_read_ = access.write ? std::nullopt : std::optional(access.spot);
        return value;
    }
    // The same read once more: it waits for longer than the recorded driver did.
    if (!access.write && last_read_ == access.spot) {
        ++polls_;
        return answer_beside(access, understudy);
    }
    last_read_.reset();
    const bool known =
        std::ranges::any_of(script_.items, [&](const auto& item) { return matches(item, access); });
    const bool other_value =
        !known && next_ < script_.items.size() && same_place(script_.items[next_], access);
    Departure departure;
    departure.kind = known         ? Departure::Kind::kOutOfOrder
                     : other_value ? Departure::Kind::kOtherValue
                                   : Departure::Kind::kExtra;
    departure.line = next_ < script_.items.size() ? script_.items[next_].line : 0;
    departure.driver = text_of(access);
    if (next_ < script_.items.size()) departure.recorded = text_of(script_.items[next_]);
    depart(std::move(departure));
    if (other_value) replaced_ = next_;
    return answer_beside(access, understudy);
}

std::optional<std::size_t> StandIn::find_ahead(const Access& access) const {
    std::size_t seen = 0;
    for (std::size_t i = next_; i < script_.items.size() && seen < kWindow; ++i) {
        const Script::Item& item = script_.items[i];
        if (!item.is_access()) continue;
        if (matches(item, access)) return i;
        // What a register gives after a write that this driver has not made, it would not give now.
        if (understudy_ != nullptr && !access.write && trace::is_register_write(item.event.kind))
            return std::nullopt;
        ++seen;
    }
    return std::nullopt;
}

std::uint64_t StandIn::answer_beside(const Access& access, std::optional<std::uint64_t> understudy) {
    if (access.write) {
        latest_[access.spot] = access.value;
        return 0;
    }
    if (understudy) {
        ++understudied_;
        return *understudy;
    }
    const auto latest = latest_.find(access.spot);
    if (latest != latest_.end()) return latest->second;
    for (std::size_t i = next_; i < script_.items.size(); ++i)
        if (same_place(script_.items[i], access)) return script_.items[i].event.value;
    return reset_value(access.spot, access.width);
}

std::uint64_t StandIn::reset_value(const Spot& spot, unsigned width) const {
    for (const Registers::Entry& entry : registers_.entries())
        if (entry.spot == spot) return entry.spec->reset & model::width_mask(width);
    return 0;
}

/// Past an item: what it leaves behind, and what happens next without the driver.
void StandIn::go_to(std::size_t index) {
    for (; next_ <= index; ++next_) {
        const Script::Item& item = script_.items[next_];
        if (item.is_access()) latest_[item.spot] = item.event.value;
    }
    play_events();
}

void StandIn::play_events() {
    for (; next_ < script_.items.size() && !script_.items[next_].is_access(); ++next_) {
        const Script::Item& item = script_.items[next_];
        if (exact_ && item.event.time > now_) return;
        switch (item.event.kind) {
            case EventKind::kDmaWrite:
                if (exact_ && item.event.address <= ram().size() &&
                    item.data.size() <= ram().size() - item.event.address && item.event.value == 0 &&
                    !item.data.empty())
                    std::memcpy(ram().data() + item.event.address, item.data.data(), item.data.size());
                break;
            case EventKind::kIrqRaised:
            case EventKind::kIrqLowered:
                line_changed(interrupt_line(type_), item.event.kind == EventKind::kIrqRaised);
                break;
            case EventKind::kMessage:
                if (exact_ && item.event.address == 0) {
                    const auto vector = static_cast<std::uint32_t>(item.event.value);
                    message_arrived(harness::msi_address(vector), harness::msi_data(vector));
                }
                break;
            case EventKind::kHostInput:
                if (exact_ && acts_ == 0) return;
                if (acts_ != 0) --acts_;
                break;
            case EventKind::kFinding:
                if (exact_) listener().finding(item.text);
                break;
            case EventKind::kHostOutput:
                outputs_.push_back(item.data);
                break;
            default:
                break;
        }
    }
}

void StandIn::delay_ns(std::uint64_t span) {
    now_ += span;
    if (understudy_ != nullptr) understudy_->delay_ns(span);
    play_events();
}

std::vector<std::vector<std::byte>> StandIn::take_outputs() {
    // What is noted behind the step that takes it.
    for (std::size_t i = next_; i < script_.items.size() && !script_.items[i].is_access(); ++i)
        if (script_.items[i].event.kind == EventKind::kHostOutput) {
            play_events();
            break;
        }
    std::vector<std::vector<std::byte>> taken(outputs_.begin(), outputs_.end());
    outputs_.clear();
    return taken;
}

void StandIn::finish() {
    std::uint64_t left_out = 0;
    std::size_t first = script_.items.size();
    for (std::size_t i = next_; i < script_.items.size(); ++i) {
        if (!script_.items[i].is_access()) continue;
        first = std::min(first, i);
        ++left_out;
    }
    next_ = script_.items.size();
    if (left_out != 0)
        depart({Departure::Kind::kLeftOut, script_.items[first].line, left_out, "the end",
                text_of(script_.items[first])});
}

void StandIn::depart(Departure departure) {
    ++departure_count_;
    // A loop that waits for what never comes is one departure.
    if (!departures_.empty() && departures_.back().kind == departure.kind &&
        departures_.back().line == departure.line && departures_.back().driver == departure.driver) {
        ++departures_.back().count;
        return;
    }
    if (departures_.size() < kMostDepartures) departures_.push_back(std::move(departure));
}

std::string StandIn::text_of(const Access& access) const {
    const bool port =
        access.spot.bar == Spot::kPorts ||
        (access.spot.bar >= 0 && (bar_type_[static_cast<std::size_t>(access.spot.bar)] & 1) != 0);
    const EventKind kind = access.spot.bar == Spot::kConfig ? EventKind::kConfigWrite
                           : port                           ? EventKind::kPortWrite
                                                            : EventKind::kMemoryWrite;
    const trace::Event event = registers_.event(kind, access.spot, access.width, access.value);
    const std::string name = registers_.symbols().name(event);
    if (!access.write) return fmt::format("read {} ({} bytes)", name, access.width);
    const std::string fields = registers_.symbols().fields(event);
    return fmt::format("write {} {:#x}{}{}", name, access.value, fields.empty() ? "" : " ", fields);
}

std::string StandIn::text_of(const Script::Item& item) const {
    if (!item.is_access()) return std::string(trace::to_string(item.event.kind));
    std::string text = text_of(
        Access{trace::is_register_write(item.event.kind), item.spot, item.event.width, item.event.value});
    if (trace::is_register_read(item.event.kind)) text += fmt::format(", which gave {:#x}", item.event.value);
    return text;
}

/// Takes what scenarios do from outside, which is in the recording by what came of it, and gives what was
/// sent.
class StandInRig::World : public harness::Outside {
  public:
    World(StandIn& machine, std::string_view type) : machine_(machine), type_(type) {}
    bool has_network() const override { return type_ == "e1000"; }
    bool has_line() const override { return type_.ends_with("serial"); }
    bool has_medium() const override { return type_ == "virtio-blk-pci"; }
    void send_frame(std::span<const std::byte>) override { machine_.act_outside(); }
    std::vector<harness::Bytes> take_frames() override { return machine_.take_outputs(); }
    void set_link(bool) override { machine_.act_outside(); }
    void type(std::span<const std::byte>) override { machine_.act_outside(); }
    harness::Bytes take_output() override {
        harness::Bytes all;
        for (const auto& part : machine_.take_outputs()) all.insert(all.end(), part.begin(), part.end());
        return all;
    }
    void send_break() override { machine_.act_outside(); }
    void set_modem_lines(bool, bool, bool, bool) override { machine_.act_outside(); }
    void hold_requests(bool) override { machine_.act_outside(); }
    void release_request(unsigned) override { machine_.act_outside(); }
    unsigned held_requests() override { unsupported("a list of the requests that it holds"); }
    void resize_medium(std::uint64_t) override { machine_.act_outside(); }
    void fail_sectors(std::uint64_t, std::uint64_t, const std::string&) override { machine_.act_outside(); }
    void fail_flushes(const std::string&) override { machine_.act_outside(); }
    void set_latency(std::uint64_t, std::uint64_t) override { machine_.act_outside(); }

  private:
    StandIn& machine_;
    std::string_view type_;
};

StandInRig::StandInRig(const Script& script, const harness::DeviceType& type, bool exact,
                       std::unique_ptr<harness::Rig> understudy)
    : understudy_(std::move(understudy)),
      machine_(script, type, exact, understudy_ == nullptr ? nullptr : &understudy_->machine()),
      world_(std::make_unique<World>(machine_, type.name())) {}

StandInRig::~StandInRig() = default;

harness::Outside& StandInRig::outside() {
    return *world_;
}

}  // namespace tb::replay
