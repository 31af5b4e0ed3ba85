// SPDX-License-Identifier: BSD-3-Clause
#include "models/core/register_bank.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace tb::model {

RegisterBank::RegisterBank(std::span<const RegisterSpec> table, std::uint32_t size, unsigned granule)
    : lookup_(size / granule, kNone), granule_shift_(static_cast<unsigned>(std::countr_zero(granule))) {
    for (const RegisterSpec& spec : table) at_reset_.insert(at_reset_.end(), spec.count, spec.reset);
    values_ = at_reset_;
    for (const RegisterSpec& spec : table) {
        for (unsigned i = 0; i < spec.count; ++i) {
            const std::uint32_t offset = spec.offset + i * spec.stride;
            if (offset % granule != 0 || offset + spec.width > size)
                throw std::logic_error(std::string("register ") + spec.name + " lies outside its block");
            std::uint16_t& slot = lookup_[offset >> granule_shift_];
            if (slot != kNone)
                throw std::logic_error(std::string("register ") + spec.name + " overlaps another");
            slot = static_cast<std::uint16_t>(registers_.size());
            registers_.emplace_back(spec, i, values_[registers_.size()]);
        }
    }
}

RegisterBank::Register& RegisterBank::at(std::string_view name, unsigned index) {
    for (Register& reg : registers_)
        if (reg.spec().name == name && reg.index() == index) return reg;
    throw std::logic_error("no register named " + std::string(name));
}

void RegisterBank::reset() {
    std::copy(at_reset_.begin(), at_reset_.end(), values_.begin());
}

std::uint64_t RegisterBank::Register::read_with_effect() {
    const std::uint64_t value = reader_ ? reader_(*value_) : *value_;
    if (spec_->clear_on_read) *value_ = 0;
    return value;
}

void RegisterBank::Register::write(std::uint64_t value) {
    const std::uint64_t old = *value_;
    const std::uint64_t replaced = spec_->writable & ~spec_->w1c;
    *value_ = ((old & ~replaced) | (value & replaced)) & ~(value & spec_->w1c);
    if (writer_) writer_(old, value);
}

}  // namespace tb::model
