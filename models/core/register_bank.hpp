// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace tb::model {

/// A named part of a register: bits lsb .. lsb+bits-1.
struct FieldSpec {
    const char* name;
    std::uint8_t lsb;
    std::uint8_t bits;
};

/// One row of a device's register table: what the datasheet says, as data. The same table serves the model,
/// the names in scenarios, the decoding of traces and the coverage report.
struct RegisterSpec {
    std::uint32_t offset;  ///< bytes from the start of the block
    std::uint8_t width;    ///< bytes: 1, 2, 4 or 8
    const char* name;      ///< as the datasheet spells it
    std::uint64_t reset = 0;
    std::uint64_t writable = ~std::uint64_t{0};  ///< bits that keep what is written
    std::uint64_t w1c = 0;                       ///< bits that a written 1 clears
    bool clear_on_read = false;
    std::uint64_t reserved =
        0;  ///< bits that a driver must leave as they are; writing another value is a finding
    std::uint16_t count = 1;  ///< an array of registers, `stride` bytes apart
    std::uint16_t stride = 0;
    std::span<const FieldSpec> fields{};
};

/// The registers of one block (a BAR, a virtio structure): storage and policy from a table, behaviour bound
/// by name.
///
///     RegisterBank bank("e1000", kRegisters, 0x20000, 4);
///     bank.at("ICR").on_read([this](std::uint64_t) { return acknowledge(); });
///     bank.at("TDT").on_write([this](std::uint64_t, std::uint64_t value) { tdt_ = value & 0xffff;
///     transmit(); });
///
/// A read gives the stored value, after `on_read` if one is bound; `clear_on_read` registers are zero
/// afterwards. A write replaces the writable bits, clears the w1c bits that are 1, and is then passed to
/// `on_write`, which sees the old stored value and the value as the bus brought it, and may set what is
/// stored. An offset without a register reads 0 and ignores writes; `find` tells a caller who wants to report
/// it.
class RegisterBank {
  public:
    class Register {
      public:
        Register(const RegisterSpec& spec, unsigned index, std::uint64_t& value)
            : spec_(&spec), value_(&value), index_(index), has_reading_effect_(spec.clear_on_read) {}

        const RegisterSpec& spec() const { return *spec_; }
        /// Position in an array of registers, 0 for a single one.
        unsigned index() const { return index_; }
        std::uint64_t value() const { return *value_; }
        void set(std::uint64_t value) { *value_ = value; }
        /// Sets and clears bits of the stored value.
        void modify(std::uint64_t set, std::uint64_t clear) { *value_ = (*value_ & ~clear) | set; }

        using Reader = std::function<std::uint64_t(std::uint64_t stored)>;
        using Writer = std::function<void(std::uint64_t old, std::uint64_t written)>;
        Register& on_read(Reader reader) {
            reader_ = std::move(reader);
            has_reading_effect_ = true;
            return *this;
        }
        Register& on_write(Writer writer) {
            writer_ = std::move(writer);
            return *this;
        }

        std::uint64_t read() {
            if (has_reading_effect_) [[unlikely]]
                return read_with_effect();
            return *value_;
        }
        void write(std::uint64_t value);

      private:
        std::uint64_t read_with_effect();

        const RegisterSpec* spec_;
        std::uint64_t* value_;  ///< in the bank
        unsigned index_;
        bool has_reading_effect_;
        Reader reader_;
        Writer writer_;
    };

    /// `size` is the block's length in bytes; registers start at multiples of `granule` (a power of two).
    RegisterBank(std::span<const RegisterSpec> table, std::uint32_t size, unsigned granule = 1);
    RegisterBank(const RegisterBank&) = delete;
    RegisterBank& operator=(const RegisterBank&) = delete;

    /// The register that starts at `offset` rounded down to the granule, or null.
    Register* find(std::uint64_t offset) {
        const std::uint64_t slot = offset >> granule_shift_;
        if (slot >= lookup_.size() || lookup_[slot] == kNone) return nullptr;
        return &registers_[lookup_[slot]];
    }
    /// A register by name; `index` picks one of an array. The name must be in the table: a wrong one is a
    /// mistake in the model and ends the program at construction, with the name.
    Register& at(std::string_view name, unsigned index = 0);

    std::uint64_t read(std::uint64_t offset) {
        Register* reg = find(offset);
        return reg == nullptr ? 0 : reg->read();
    }
    void write(std::uint64_t offset, std::uint64_t value) {
        if (Register* reg = find(offset)) reg->write(value);
    }

    void reset();
    std::span<Register> registers() { return registers_; }

  private:
    static constexpr std::uint16_t kNone = 0xffff;

    // Values side by side, so that a reset is one copy: it is what a fuzzer does most.
    std::vector<std::uint64_t> at_reset_;
    std::vector<std::uint64_t> values_;
    std::vector<Register> registers_;
    std::vector<std::uint16_t> lookup_;
    unsigned granule_shift_;
};

}  // namespace tb::model
