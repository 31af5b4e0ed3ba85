// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/devices/device_type.hpp"
#include "harness/machine/machine_base.hpp"
#include "harness/replay/cast.hpp"
#include "harness/replay/registers.hpp"

namespace tb::replay {

/// One device's share of a recording, in memory.
struct Script {
    struct Item {
        trace::Event event;
        Spot spot;  ///< of an access
        std::uint64_t line = 0;
        std::string text;
        std::vector<std::byte> data;
        bool is_access() const { return trace::is_register_access(event.kind); }
    };
    const Role* role = nullptr;
    nlohmann::json configuration = nlohmann::json::object();  ///< of the device, as scenarios have it
    std::string scenario;                                     ///< of ours, which was recorded; empty: a guest
    std::vector<Item> config_reads;  ///< of configuration space, which is answered in any order
    std::vector<Item> items;         ///< all else; without writes there if another driver is to follow it
};

/// Where a driver did something else than the recording has.
struct Departure {
    enum class Kind : std::uint8_t {
        kLeftOut,     ///< accesses of the recording that the driver did not make
        kOtherValue,  ///< a write of another value
        kExtra,       ///< an access that the recording has nowhere
        kOutOfOrder,  ///< an access that the recording has elsewhere
    };
    Kind kind = Kind::kExtra;
    std::uint64_t line = 0;      ///< of the recording: where the driver was
    std::uint64_t left_out = 0;  ///< how many accesses
    std::string driver;          ///< what the driver did
    std::string recorded;        ///< what stands in the recording there
    std::uint64_t count = 1;     ///< how often the same was done
};
const char* to_string(Departure::Kind kind);

/// A machine whose one device is a recording: reads are answered from it.
///
/// The driver's accesses to the device's registers are followed in the recording. Where they leave it, the
/// recording is searched ahead for where they come back; meanwhile the understudy answers or, without one, a
/// register gives what it had last, or will have next, or has at reset. Configuration space is answered from
/// all that was ever read of it, in any order; base addresses and the command register are the machine's own.
/// What the recorded device did by itself (memory that it wrote, interrupts) happens again when the driver
/// has come there and its time has come.
class StandIn : public harness::MachineBase, private harness::MachineListener {
  public:
    /// `exact`: the same driver was recorded, so that its memory lies where it lay. `understudy` may be null:
    /// a model of the device, which sees all that the driver does and answers what the recording does not
    /// know.
    StandIn(const Script& script, const harness::DeviceType& type, bool exact,
            harness::MachineBase* understudy = nullptr);
    ~StandIn() override;

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;
    std::uint64_t now_ns() override { return now_; }
    void delay_ns(std::uint64_t span) override;

    /// The world outside does something: what it did then in the recording may happen.
    void act_outside() {
        ++acts_;
        play_events();
    }
    /// What the recorded device sent, as far as the driver has come.
    std::vector<std::vector<std::byte>> take_outputs();

    /// What is left in the recording becomes a departure.
    void finish();
    std::uint64_t accesses() const { return accesses_; }  ///< the driver's, to registers
    std::uint64_t followed() const { return followed_; }  ///< of those, as recorded
    std::uint64_t polls() const {
        return polls_;
    }  ///< reads more or fewer than recorded, of a register that is polled
    const std::vector<Departure>& departures() const { return departures_; }
    std::uint64_t departure_count() const { return departure_count_; }
    std::uint64_t understudied() const { return understudied_; }  ///< reads that the understudy answered

    static constexpr std::size_t kMostDepartures = 200;

  private:
    struct Access {
        bool write;
        Spot spot;
        unsigned width;
        std::uint64_t value;
    };
    struct Ram;

    StandIn(std::unique_ptr<Ram> memory, const Script& script, const harness::DeviceType& type, bool exact,
            harness::MachineBase* understudy);

    std::optional<Spot> spot_of(hal::AddressSpace space, std::uint64_t address);
    std::uint64_t config_read(std::uint64_t offset, unsigned width);
    void config_write(std::uint64_t offset, unsigned width, std::uint64_t value);
    void learn_config();
    std::uint64_t follow(const Access& access, std::optional<std::uint64_t> understudy = {});
    /// What the understudy objects to, this machine objects to.
    void finding(const std::string& text) override { MachineBase::listener().finding(text); }
    std::optional<std::size_t> find_ahead(const Access& access) const;
    std::uint64_t answer_beside(const Access& access, std::optional<std::uint64_t> understudy);
    void go_to(std::size_t index);
    void play_events();
    void skip_polls(const Access& access);
    bool matches(const Script::Item& item, const Access& access) const;
    bool same_place(const Script::Item& item, const Access& access) const;
    void depart(Departure departure);
    std::string text_of(const Access& access) const;
    std::string text_of(const Script::Item& item) const;
    std::uint64_t reset_value(const Spot& spot, unsigned width) const;

    std::unique_ptr<Ram> memory_;
    const Script& script_;
    const harness::DeviceType& type_;
    bool exact_;
    harness::MachineBase* understudy_;
    Registers registers_;

    std::array<std::optional<std::uint8_t>, 0x1000> known_config_{};
    std::array<std::uint8_t, 0x1000> config_{};
    std::array<std::uint64_t, 6> bar_bytes_{};  ///< of those that the recorded function has
    std::array<std::uint64_t, 6> bars_{};
    std::array<std::uint32_t, 6> bar_bits_{};  ///< as the driver wrote them
    std::array<std::uint32_t, 6> bar_type_{};
    std::uint16_t command_ = 0;

    std::size_t next_ = 0;  ///< the item that comes next
    std::uint64_t now_ = 0;
    std::uint64_t acts_ = 0;  ///< of the world outside, that have not been found in the recording
    std::optional<Spot> last_read_;
    /// A write of the recording in whose place the driver wrote another value; or before which it wrote once
    /// more, which shows when it comes to it after all.
    std::optional<std::size_t> replaced_;
    std::map<Spot, std::uint64_t> latest_;
    std::deque<std::vector<std::byte>> outputs_;
    std::vector<Departure> departures_;
    std::uint64_t departure_count_ = 0;
    std::uint64_t accesses_ = 0;
    std::uint64_t followed_ = 0;
    std::uint64_t polls_ = 0;
    std::uint64_t understudied_ = 0;
};

/// The machine of a stand-in, with a world outside that gives what was recorded.
class StandInRig : public harness::Rig {
  public:
    /// `understudy` may be null.
    StandInRig(const Script& script, const harness::DeviceType& type, bool exact,
               std::unique_ptr<harness::Rig> understudy);
    ~StandInRig() override;
    harness::MachineBase& machine() override { return machine_; }
    harness::Outside& outside() override;
    std::string description() const override { return "recording"; }
    trace::Visibility visibility() const override { return trace::Visibility::all(); }
    StandIn& stand_in() { return machine_; }

  private:
    class World;
    std::unique_ptr<harness::Rig> understudy_;
    StandIn machine_;
    std::unique_ptr<World> world_;
};

}  // namespace tb::replay
