// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/machine/aside.hpp"
#include "harness/machine/forwarding.hpp"
#include "harness/machine/machine_base.hpp"
#include "harness/rules/book.hpp"
#include "harness/rules/capability_watch.hpp"
#include "harness/rules/rule.hpp"

namespace tb::rules {

/// The layer that judges the driver: wraps any machine, on top of all others, so that it sees what the driver
/// hears and does, and holds it against what specifications demand. Changes nothing.
class RulesLayer : public harness::ForwardingMachine, private Court {
  public:
    /// `may_be_lied_to`: what the driver hears may not be what the device has said.
    RulesLayer(hal::Machine& below, harness::MachineBase& machine, const harness::DeviceType& device,
               bool may_be_lied_to);
    ~RulesLayer() override;

    /// Told of each rule that is broken, once a rule.
    void on_broken(std::function<void(const Rule&, const std::string& how)> told) { told_ = std::move(told); }

    /// A call into the driver begins, or has ended.
    void driver_begins();
    void driver_ends();
    /// The device has been reset behind the driver's back: where it goes with addresses that it has forgotten
    /// is not the driver's doing.
    void device_forgot() { forgot_ = true; }
    /// It has been pulled, and what comes back is another one, which nobody has probed: nothing is judged any
    /// more.
    void device_pulled() { stop_judging(); }
    /// The device has reached memory; for who sees it.
    void device_dma(bool write, std::uint64_t address, std::uint64_t bytes);

    /// While one lives, nobody is judged, and nothing followed but where things are: it is not the driver's
    /// doing.
    using Aside = harness::Aside<RulesLayer>;

    std::uint64_t read(hal::AddressSpace space, std::uint64_t address, unsigned width) override;
    void write(hal::AddressSpace space, std::uint64_t address, unsigned width, std::uint64_t value) override;
    std::uint64_t dma_load(std::uint64_t address, unsigned width, hal::MemoryOrder order) override;
    void dma_store(std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order) override;
    void dma_read(std::uint64_t address, std::span<std::byte> out) override;
    void dma_write(std::uint64_t address, std::span<const std::byte> in) override;
    void barrier(hal::Barrier kind) override;
    hal::Result<std::uint64_t> dma_allocate(std::uint64_t size, std::uint64_t alignment) override;
    void dma_free(std::uint64_t address, std::uint64_t size) override;
    hal::Result<std::uint64_t> dma_map(std::span<std::byte> buffer, hal::Direction direction) override;
    void dma_unmap(std::uint64_t address, std::span<std::byte> buffer, hal::Direction direction) override;
    void delay_ns(std::uint64_t span) override;
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

  private:
    friend Aside;

    struct Lent {
        std::uint64_t bytes;
        bool to_device;    ///< the device may read it
        bool from_device;  ///< it may write it
    };

    void breaks(std::string_view rule, const std::string& how) override;
    /// Says that a rule is broken, whether or not the device has lied about its configuration space.
    void accuse(std::string_view rule, const std::string& how);
    std::span<const std::byte> memory() const override { return machine_.ram(); }
    bool owns(std::uint64_t address, std::uint64_t bytes) const override {
        return find(address, bytes) != nullptr;
    }
    bool lent_for(std::uint64_t address, std::uint64_t bytes, bool device_writes) const override;
    bool bus_master() const override { return bus_master_; }
    std::uint64_t now() const override { return machine_.now_ns(); }

    void lend(std::uint64_t address, const Lent& lent);
    bool was_lent(std::uint64_t address, std::uint64_t bytes) const;
    const Lent* find(std::uint64_t address, std::uint64_t bytes) const;
    void forget(std::uint64_t address, std::uint64_t bytes);
    /// A device that lies about its configuration space lies about where its registers are. From then on
    /// nobody can say what an access means, and nothing is judged any more.
    void stop_judging();
    void check_config(std::uint64_t address, unsigned width, std::uint64_t heard);
    Book& book() { return aside_ != 0 ? nobody_ : *book_; }
    bool follows() const { return aside_ == 0 && !misled_; }
    void wrote_config(std::uint64_t address, unsigned width, std::uint64_t value);
    void judge_pci(hal::AddressSpace space, const harness::RegisterPlace& place);
    void fetched(std::uint64_t address, unsigned width, std::uint64_t value);
    void stored(std::uint64_t address, std::uint64_t bytes);

    harness::MachineBase& machine_;
    bool is_pci_;
    harness::RegisterMap map_;
    CapabilityWatch capabilities_;
    Book nobody_{*this};
    std::unique_ptr<Book> book_;
    std::function<void(const Rule&, const std::string&)> told_;
    std::set<std::string, std::less<>> broken_;
    std::map<std::uint64_t, Lent> lent_;  ///< by address
    /// Everything that was ever lent: who reaches what he had before is late, and told apart.
    std::map<std::uint64_t, std::uint64_t> ever_lent_;
    unsigned aside_ = 0;
    bool may_be_lied_to_;
    bool misled_ = false;
    bool forgot_ = false;
    bool bus_master_ = false;
    std::uint16_t command_ = 0;
    struct Taken {
        std::uint64_t address;
        unsigned width;
    };
    std::vector<Taken> taken_;  ///< what the driver has loaded since it was called
};

}  // namespace tb::rules
