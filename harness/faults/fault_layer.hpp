// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/devices/atlas.hpp"
#include "harness/faults/fault.hpp"
#include "harness/faults/frozen_memory.hpp"
#include "harness/machine/aside.hpp"
#include "harness/machine/forwarding.hpp"
#include "harness/machine/hang.hpp"
#include "harness/machine/machine_base.hpp"

namespace tb::faults {

using harness::Hang;

/// Something that happened at the seam, for who watches: where a fault could have struck.
struct Occasion {
    Site site = Site::kRead;
    hal::AddressSpace space = hal::AddressSpace::kMemory;
    std::uint64_t address = 0;  ///< of an access; an interrupt's vector
    unsigned width = 0;         ///< bytes; 0 for what has none
    std::uint64_t value = 0;    ///< that the driver got, or wrote
};

/// The layer that makes devices lie, stall and vanish: wraps a machine, and strikes with the faults that are
/// armed. Between the driver and any machine, so each fault is there on every device and every machine.
///
/// A fault counts matches from when it is armed. Several may strike at one place, in the order in which they
/// were armed.
class FaultLayer : public harness::ForwardingMachine {
  public:
    /// `reset_device` brings the device to its power-on state; called for kReset, and when another takes the
    /// place of a removed one. The firmware's part, the addresses in BARs, is done again then.
    FaultLayer(harness::MachineBase& machine, const harness::DeviceType& device,
               std::function<void()> reset_device);
    ~FaultLayer() override;

    using Handle = std::size_t;
    Handle arm(const Fault& fault);
    /// The fault strikes no more, and what it holds back is seen.
    void heal(Handle fault);
    void heal_all();
    /// As it was made: for a machine that is reset in place. Names are remembered.
    void reset();
    const Fault& fault(Handle fault) const { return armed_[fault].fault; }
    /// How often it has struck.
    std::uint64_t strikes(Handle fault) const { return armed_[fault].struck; }
    std::uint64_t strikes() const { return strikes_; }

    /// Told of each strike, in words.
    void on_strike(std::function<void(const std::string&)> told) { told_ = std::move(told); }
    /// Told of each strike: which fault, where.
    void on_strike_at(std::function<void(Handle, const Occasion&)> told) { told_at_ = std::move(told); }
    /// Told of each occasion, behind the fact.
    void on_occasion(std::function<void(const Occasion&)> told) { watch_ = std::move(told); }

    /// How many more calls, and until what virtual time, before Hang is thrown.
    void set_budget(std::uint64_t calls, std::uint64_t until_ns) {
        calls_left_ = calls;
        until_ns_ = until_ns;
    }

    std::uint64_t calls_left() const { return calls_left_; }

    /// While one lives, accesses are not the driver's: they are no occasions, and nothing strikes them.
    using Aside = harness::Aside<FaultLayer>;

    harness::Atlas& atlas() { return atlas_; }
    /// Vectors that are attached now.
    std::size_t attached() const { return vectors_.size(); }
    /// Whether the device is pulled.
    bool removed() const { return removed_; }

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override;
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override;
    void dma_read(std::uint64_t address, std::span<std::byte> out) override;
    void dma_write(std::uint64_t address, std::span<const std::byte> in) override;
    hal::Result<std::uint64_t> dma_allocate(std::uint64_t size, std::uint64_t alignment) override;
    void dma_free(std::uint64_t address, std::uint64_t size) override;
    hal::Result<std::uint64_t> dma_map(std::span<std::byte> buffer, hal::Direction direction) override;
    void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) override;
    void delay_ns(std::uint64_t span) override;
    hal::Result<std::uint32_t> attach_intx(hal::PciAddress function) override;
    hal::Result<std::uint32_t> attach_irq(std::uint32_t line) override;
    hal::Result<hal::MsiInterrupt> attach_msi() override;
    void detach(std::uint32_t vector) override;
    bool interrupt_pending() const override;
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

  private:
    friend Aside;

    /// What faults are about, and the bits that it has in the places that were looked at.
    struct Part {
        explicit Part(std::string_view text) : name(text) {}
        harness::PartName name;
        std::uint64_t epoch = 0;                          ///< of the atlas
        std::vector<std::optional<std::uint64_t>> masks;  ///< by a place's number
    };
    struct Armed {
        Fault fault;
        Part* of = nullptr;  ///< null: anything
        std::uint64_t seen = 0;
        std::uint64_t struck = 0;
        bool healed = false;
        std::optional<std::uint64_t> stuck;
        std::unordered_map<std::uint64_t, std::uint64_t>
            last;  ///< by address: answers for kPrevious, the driver's own words for kUnwritten
    };
    /// An interrupt that comes otherwise than its device meant.
    struct Pending {
        std::uint32_t vector;
        std::uint64_t due_ns;
    };

    void count();
    /// Bits of the access's value that the fault is about; nothing when it is about another place.
    std::optional<std::uint64_t> bits_at(const Armed& armed, const Occasion& at);
    std::uint64_t bits_in(Part& part, const harness::Place& place);
    /// Faults of what lies there are over.
    void given_back(std::uint64_t address, std::uint64_t size);
    /// Whether the fault strikes this occasion, which is counted.
    bool strikes_now(Armed& armed, bool matches);
    void tell(const Armed& armed, const Occasion& at);
    std::string name_of(const Occasion& at);
    /// What strikes before the access is made. True when the access does not take place.
    bool before(const Occasion& at);
    std::uint64_t answer(Occasion at);
    std::uint64_t changed(Armed& armed, std::uint64_t value, std::uint64_t mask, const Occasion& at);
    void answer_bytes(const Occasion& at, std::span<std::byte> bytes);
    /// Whether the system has none of what is asked for.
    bool refuses(Site site);
    void happened(const Occasion& at) {
        if (watch_ && aside_ == 0) watch_(at);
    }
    bool something_armed() const { return active_ != 0 && aside_ == 0; }

    bool is_ours(hal::AddressSpace space, std::uint64_t address) const;
    void remove();
    void bring_back();
    void reset_behind_back();
    void invent();
    void save_header();
    void place_again();

    /// A lost level-triggered interrupt stays lost until its line has fallen.
    void find_lost();

    harness::MachineBase& machine_;
    bool is_pci_;
    harness::Atlas atlas_;
    std::function<void()> reset_device_;
    std::function<void(const std::string&)> told_;
    std::function<void(Handle, const Occasion&)> told_at_;
    std::function<void(const Occasion&)> watch_;
    std::map<std::string, Part, std::less<>> parts_;
    std::vector<Armed> armed_;
    std::size_t active_ = 0;
    unsigned aside_ = 0;
    std::uint64_t strikes_ = 0;
    std::uint64_t calls_left_ = ~std::uint64_t{0};
    std::uint64_t until_ns_ = ~std::uint64_t{0};
    bool removed_ = false;
    std::uint64_t command_ = 0;            ///< before a removal or reset
    std::array<std::uint64_t, 6> bars_{};  ///< likewise
    std::vector<std::uint32_t> vectors_;
    std::vector<std::uint32_t> lost_;
    std::vector<Pending> pending_;
    bool round_begins_ = false;
    FrozenMemory view_;
    std::unordered_map<std::uint64_t, std::uint64_t> swapped_;  ///< for kReorder: answers still to give
};

}  // namespace tb::faults
