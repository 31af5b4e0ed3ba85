// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <hal/machine.hpp>
#include <span>
#include <string>
#include <vector>

#include "harness/machine/dma_pool.hpp"

namespace tb::harness {

/// Guest-physical layout that the model machine and the QEMU machine share, so that both give out the same
/// addresses.
inline constexpr std::uint64_t kRamBytes = 64 << 20;
/// Message n is a write of msi_data(n) to msi_address(n). A local APIC takes the low byte of the data for the
/// vector of the processor and serves the highest first (Intel SDM vol. 3A §11.8.3.1, §11.11.2); here the
/// lowest n goes first, so the bytes count down.
inline constexpr std::uint64_t kMsiBase = 0x0010'0000;
inline constexpr std::uint32_t kMsiData = 0x4d53'00ef;
inline constexpr unsigned kMsiVectors = 64;
constexpr std::uint64_t msi_address(std::uint32_t n) {
    return kMsiBase + 4 * std::uint64_t{n};
}
constexpr std::uint32_t msi_data(std::uint32_t n) {
    return kMsiData - n;
}
inline constexpr std::uint64_t kDmaBase = 0x0020'0000;
inline constexpr std::uint64_t kDmaBytes = kRamBytes - kDmaBase;

/// Sees what happens on a machine besides the driver's own accesses.
class MachineListener {
  public:
    virtual ~MachineListener() = default;
    virtual void irq(unsigned /*line*/, bool /*level*/) {}
    /// A message that makes its vector wait. One for a vector that waits already changes nothing, and nobody
    /// could tell one from several: it is not reported.
    virtual void message(std::uint32_t /*vector*/) {}
    /// A message as a device wrote it, whatever becomes of it.
    virtual void message_written(std::uint64_t /*address*/, std::uint32_t /*data*/) {}
    virtual void device_dma(bool /*write*/, std::uint64_t /*address*/, std::span<const std::byte> /*data*/,
                            unsigned /*outcome*/) {}
    virtual void finding(const std::string& /*text*/) {}

    // What a driver does that runs on the machine's far side, on its own processor: its accesses do not come
    // through this process.
    virtual void far_access(bool /*write*/, hal::AddressSpace /*space*/, std::uint64_t /*address*/,
                            unsigned /*width*/, std::uint64_t /*value*/) {}
    virtual void far_delay(std::uint64_t /*span*/) {}
    virtual void far_interrupt(std::uint32_t /*vector*/) {}
};

/// What the machines with real guest memory have in common: the DMA pool, memory accesses, mappings, and the
/// book of attached interrupts. Derived classes bring registers and time, and report lines and messages here.
///
/// A line of the ISA (attach_irq) is edge triggered: a rise is remembered until it is taken. INTx is a level.
/// A message is remembered once until taken, as the processor's request register does.
class MachineBase : public hal::Machine {
  public:
    explicit MachineBase(std::span<std::byte> ram) : ram_(ram), pool_(kDmaBase, kDmaBytes) {}

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

    hal::Result<std::uint32_t> attach_intx(hal::PciAddress function) override;
    hal::Result<std::uint32_t> attach_irq(std::uint32_t line) override;
    hal::Result<hal::MsiInterrupt> attach_msi() override;
    void detach(std::uint32_t vector) override;
    bool interrupt_pending() const override { return pending_; }
    std::optional<std::uint32_t> take_interrupt(bool begin) override;

    void log(hal::LogLevel level, const char* device, const char* message, std::uint64_t value) override;

    /// What a read would give, without its effects; nothing where the machine cannot tell.
    virtual std::optional<std::uint64_t> peek(hal::AddressSpace /*space*/, std::uint64_t /*address*/,
                                              unsigned /*width*/) {
        return std::nullopt;
    }
    /// When (virtual nanoseconds) the devices will do something by themselves; nothing where the machine
    /// cannot tell, the largest number when they will not.
    virtual std::optional<std::uint64_t> next_due_ns() { return std::nullopt; }

    void set_listener(MachineListener* listener) { listener_ = listener == nullptr ? &silent_ : listener; }

    const DmaPool& pool() const { return pool_; }
    std::span<std::byte> ram() const { return ram_; }
    /// Messages from the driver, oldest first: level, device, text.
    const std::vector<std::string>& log_lines() const { return log_lines_; }
    bool irq_level(unsigned line) const { return levels_[line]; }
    /// Whether a vector is that of a level, and the level is high.
    bool asserted(std::uint32_t vector) const;

  protected:
    /// take_interrupt() among the vectors that `wanted` lets through; the others go on waiting.
    template <class Wanted>
    std::optional<std::uint32_t> take_where(bool begin, Wanted wanted) {
        if (begin) round_next_ = 0;
        for (Vector& vector : vectors_) {
            if (vector.number < round_next_ || !waiting(vector) || !wanted(vector.number)) continue;
            vector.waiting = false;
            round_next_ = vector.number + 1;
            refresh_pending();
            return vector.number;
        }
        return std::nullopt;
    }
    void line_changed(unsigned line, bool level);
    /// A message that was written to the page of messages; what matches no vector is ignored, as a stray
    /// write is.
    void message_arrived(std::uint64_t address, std::uint32_t data);
    /// For machines that must look: whether vector slot n is attached.
    bool msi_attached(unsigned slot) const { return msi_used_[slot]; }
    MachineListener& listener() { return *listener_; }
    void reset_base();

  private:
    enum class Trigger : std::uint8_t { kLevel, kEdge, kMessage };
    struct Vector {
        std::uint32_t number;
        Trigger trigger;
        unsigned line;
        bool waiting;
    };
    bool waiting(const Vector& vector) const {
        return vector.trigger == Trigger::kLevel ? levels_[vector.line] : vector.waiting;
    }
    void add_vector(const Vector& vector);
    void refresh_pending();

    std::span<std::byte> ram_;
    DmaPool pool_;
    std::vector<Vector> vectors_;  ///< by number
    std::array<bool, 256> levels_{};
    std::array<bool, kMsiVectors> msi_used_{};
    std::vector<std::string> log_lines_;
    MachineListener silent_;
    MachineListener* listener_ = &silent_;
    std::uint32_t round_next_ = 0;
    bool pending_ = false;
};

}  // namespace tb::harness
