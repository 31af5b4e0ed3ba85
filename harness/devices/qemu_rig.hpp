// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "harness/devices/device_type.hpp"
#include "harness/machine/qtest_machine.hpp"
#include "harness/qemu/vm.hpp"

namespace tb::harness {

/// A QEMU of its own with one device under test. The outside world reaches it through the Vm's back ends: the
/// first netdev, the first chardev, the first disk. A device type gives the options and, where it has a
/// medium, an Outside of its own.
class QemuRig : public Rig {
  public:
    /// Starts QEMU; throws qemu::QemuError.
    explicit QemuRig(qemu::VmOptions options);

    MachineBase& machine() override { return machine_; }
    Outside& outside() override { return *outside_; }
    std::string description() const override;
    trace::Visibility visibility() const override;
    std::string trouble() override;

    qemu::Vm& vm() { return vm_; }
    QtestMachine& qtest_machine() { return machine_; }
    void set_outside(std::unique_ptr<Outside> outside) { outside_ = std::move(outside); }

  private:
    qemu::Vm vm_;
    QtestMachine machine_;
    std::unique_ptr<Outside> outside_;
};

/// Network and character line of a QEMU, as far as its socket back ends go: no break, no modem lines.
class QemuOutside : public Outside {
  public:
    QemuOutside(qemu::Vm& vm, QtestMachine& machine, bool network, bool line)
        : vm_(vm), machine_(machine), network_(network), line_(line) {}

    bool has_network() const override { return network_; }
    bool has_line() const override { return line_; }
    void send_frame(std::span<const std::byte> frame) override;
    std::vector<Bytes> take_frames() override;
    void set_link(bool up) override;
    void type(std::span<const std::byte> characters) override;
    Bytes take_output() override;

  protected:
    qemu::Vm& vm() { return vm_; }
    QtestMachine& machine() { return machine_; }

  private:
    qemu::Vm& vm_;
    QtestMachine& machine_;
    bool network_;
    bool line_;
};

}  // namespace tb::harness
