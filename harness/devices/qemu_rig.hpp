// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "harness/devices/device_type.hpp"
#include "harness/machine/qemu_machine.hpp"
#include "harness/qemu/vm.hpp"

namespace tb::harness {

class KernelMachine;

/// What every QEMU with a device under test begins with: the binary, and the kernel that drives it when there
/// is one.
qemu::VmOptions vm_options_for(const RigOptions& options);

/// A QEMU of its own with one device under test, driven over qtest, or by a kernel of ours inside it. The
/// outside world reaches it through the Vm's back ends: the first netdev, the first chardev, the first disk.
/// A device type gives the options and, where it has a medium, an Outside of its own.
class QemuRig : public Rig {
  public:
    /// Starts QEMU; throws qemu::QemuError.
    explicit QemuRig(const qemu::VmOptions& options);
    ~QemuRig() override;

    MachineBase& machine() override { return *machine_; }
    Outside& outside() override { return *outside_; }
    std::string description() const override;
    trace::Visibility visibility() const override;
    double boot_seconds() const override { return boot_seconds_; }
    std::string trouble() override;
    /// With all of the machine: QEMU resets no device alone.
    void reset_device() override;
    std::unique_ptr<DriverSession> open(const DriverType& driver, const DeviceType& device,
                                        hal::Host& host) override;

    qemu::Vm& vm() { return vm_; }
    QemuMachine& qemu_machine() { return *machine_; }
    void set_outside(std::unique_ptr<Outside> outside) { outside_ = std::move(outside); }

  private:
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    double boot_seconds_ = 0;
    qemu::Vm vm_;
    std::unique_ptr<QemuMachine> machine_;
    KernelMachine* kernel_ = nullptr;  ///< the machine, when it is one
    std::unique_ptr<Outside> outside_;
};

/// Network and character line of a QEMU, as far as its socket back ends go: no break, no modem lines.
class QemuOutside : public Outside {
  public:
    QemuOutside(qemu::Vm& vm, QemuMachine& machine, bool network, bool line)
        : vm_(vm), machine_(machine), network_(network), line_(line) {}

    bool has_network() const override { return network_; }
    bool has_line() const override { return line_; }
    void send_frame(std::span<const std::byte> frame) override;
    std::vector<Bytes> take_frames() override;
    void set_link(bool up) override;
    void announce() override;
    void type(std::span<const std::byte> characters) override;
    Bytes take_output() override;

  protected:
    qemu::Vm& vm() { return vm_; }
    QemuMachine& machine() { return machine_; }

  private:
    qemu::Vm& vm_;
    QemuMachine& machine_;
    bool network_;
    bool line_;
};

}  // namespace tb::harness
