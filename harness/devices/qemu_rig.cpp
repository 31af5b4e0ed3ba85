// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/qemu_rig.hpp"

#include <fmt/format.h>

#include <cstring>

#include "harness/devices/kernel_session.hpp"
#include "harness/machine/kernel_machine.hpp"
#include "harness/machine/qtest_machine.hpp"

namespace tb::harness {

namespace {

std::span<const std::uint8_t> octets(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

Bytes to_bytes(std::span<const std::uint8_t> data) {
    Bytes bytes(data.size());
    if (!data.empty()) std::memcpy(bytes.data(), data.data(), data.size());
    return bytes;
}

}  // namespace

qemu::VmOptions vm_options_for(const RigOptions& options) {
    qemu::VmOptions vm;
    vm.binary = options.qemu_binary;
    vm.ram_bytes = options.ram_bytes;
    if (options.kernel_image.empty()) return vm;
    vm.guest = qemu::GuestOptions{options.kernel_image, ""};
    vm.machine = options.qemu_machine;
    // The same RAM for DMA as elsewhere, and as much again and more above it for the kernel.
    vm.ram_bytes = 3 * kRamBytes;
    return vm;
}

QemuRig::QemuRig(const qemu::VmOptions& options) : vm_(options) {
    if (options.guest) {
        auto kernel = std::make_unique<KernelMachine>(vm_);
        kernel_ = kernel.get();
        machine_ = std::move(kernel);
        boot_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    } else {
        machine_ = std::make_unique<QtestMachine>(vm_);
    }
    outside_ = std::make_unique<QemuOutside>(vm_, *machine_, !options.nets.empty(), !options.serials.empty());
}

QemuRig::~QemuRig() = default;

std::string QemuRig::description() const {
    const qemu::QemuVersion& version = vm_.version();
    return fmt::format("{} {}.{}.{}", kernel_ != nullptr ? "kernel" : "qemu", version.major, version.minor,
                       version.micro);
}

trace::Visibility QemuRig::visibility() const {
    // Its own reads and writes of memory, and masked interrupts, QEMU does not show: they are compared
    // through what they leave in memory and in registers.
    return trace::Visibility::all().without(
        {trace::EventKind::kDmaRead, trace::EventKind::kDmaWrite, trace::EventKind::kFinding});
}

std::string QemuRig::trouble() {
    // What QEMU says about a driver (a broken ring) is its way of a finding, and seen in the device's state.
    // A QEMU that has ended is trouble.
    if (vm_.process().running()) return {};
    return fmt::format("QEMU ended ({}): {}", vm_.process().status_text(), vm_.stderr_text());
}

void QemuRig::reset_device() {
    vm_.qmp().execute("system_reset");
    machine_->settle();
}

std::unique_ptr<DriverSession> QemuRig::open(const DriverType& driver, const DeviceType& device,
                                             hal::Host& host) {
    if (kernel_ == nullptr) return Rig::open(driver, device, host);
    return std::make_unique<KernelSession>(*kernel_, driver.name(), device.is_pci());
}

void QemuOutside::send_frame(std::span<const std::byte> frame) {
    if (!network_) unsupported("a network");
    vm_.net().send(octets(frame));
    machine_.settle();
}

std::vector<Bytes> QemuOutside::take_frames() {
    std::vector<Bytes> frames;
    if (!network_) unsupported("a network");
    for (const auto& frame : vm_.net().take_received()) frames.push_back(to_bytes(frame));
    return frames;
}

void QemuOutside::set_link(bool up) {
    if (!network_) unsupported("a network link");
    vm_.set_link(0, up);
    machine_.settle();
}

void QemuOutside::announce() {
    if (!network_) unsupported("a network");
    // Once: the further rounds that QEMU would do run on the host's clock.
    vm_.qmp().execute("announce-self", R"({"initial": 50, "max": 550, "rounds": 1, "step": 100})");
    machine_.settle();
}

void QemuOutside::type(std::span<const std::byte> characters) {
    if (!line_) unsupported("a character line");
    vm_.serial().send(octets(characters));
    machine_.settle();
}

Bytes QemuOutside::take_output() {
    if (!line_) unsupported("a character line");
    return to_bytes(vm_.serial().take_received());
}

}  // namespace tb::harness
