// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "harness/devices/block_medium.hpp"
#include "harness/devices/outside.hpp"
#include "harness/machine/qemu_machine.hpp"
#include "harness/qemu/vm.hpp"

namespace tb::harness {

/// The medium of QEMU's first disk: held at the NBD server, which the device waits for.
class QemuMediumOutside : public Outside {
  public:
    QemuMediumOutside(BlockMedium& medium, qemu::Vm& vm, QemuMachine& machine)
        : medium_(medium), vm_(vm), machine_(machine) {}

    bool has_medium() const override { return true; }
    void hold_requests(bool hold) override {
        vm_.disk().hold(hold);
        machine_.settle();
    }
    void release_request(unsigned index) override {
        if (index >= held_requests())
            throw OutsideUnsupported(
                fmt::format("releasing request {}: {} are held", index, held_requests()));
        vm_.disk().release_one(index);
        machine_.settle();
    }
    unsigned held_requests() override { return static_cast<unsigned>(vm_.disk().held().size()); }
    void resize_medium(std::uint64_t sectors) override {
        // QEMU lets the disk come to rest before it changes its size: on the medium as it was.
        vm_.disk().release_all();
        machine_.settle();
        medium_.disk().resize(sectors);
        vm_.resize_disk(0);
        machine_.settle();
    }
    void fail_sectors(std::uint64_t sector, std::uint64_t sectors, const std::string& error) override {
        medium_.fail_sectors(sector, sectors, error);
    }
    void fail_flushes(const std::string& error) override { medium_.fail_flushes(error); }
    Bytes medium_contents(std::uint64_t sector, std::uint64_t sectors) override {
        return medium_.contents(sector, sectors);
    }

  private:
    BlockMedium& medium_;
    qemu::Vm& vm_;
    QemuMachine& machine_;
};

}  // namespace tb::harness
