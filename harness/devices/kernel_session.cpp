// SPDX-License-Identifier: BSD-3-Clause
#include "harness/devices/kernel_session.hpp"

#include <fmt/format.h>

#include "harness/operations/codec.hpp"

namespace tb::harness {

using kernel::Command;

KernelSession::KernelSession(KernelMachine& machine, std::string_view driver, bool is_pci)
    : machine_(machine) {
    const auto* name = reinterpret_cast<const std::byte*>(driver.data());
    if (machine_.command(Command::kOpen, {is_pci ? 1U : 0U}, {name, driver.size()}) == 0)
        throw qemu::QemuError(qemu::ErrorKind::kUnsupported,
                              fmt::format("the kernel image has no driver '{}': build it anew", driver));
}

KernelSession::~KernelSession() {
    try {
        machine_.command(Command::kClose, {});
    } catch (const qemu::QemuError&) {  // NOLINT(bugprone-empty-catch)
    }
}

Outcome KernelSession::run(std::string_view operation, const Arguments& arguments) {
    machine_.command(Command::kRun, {}, encode(Call{std::string(operation), arguments}));
    return outcome();
}

hal::Result<std::uint32_t> KernelSession::begin(std::string_view operation, const Arguments& arguments) {
    const std::uint64_t result =
        machine_.command(Command::kBegin, {}, encode(Call{std::string(operation), arguments}));
    const auto error = static_cast<std::uint32_t>(result);
    if (error != 0) return static_cast<hal::Error>(error - 1);
    return static_cast<std::uint32_t>(result >> 32);
}

std::optional<Outcome> KernelSession::finished(std::uint32_t handle) {
    if (machine_.command(Command::kFinished, {handle}) == 0) return std::nullopt;
    return outcome();
}

Outcome KernelSession::outcome() const {
    std::optional<Outcome> decoded = decode_outcome(machine_.payload());
    if (!decoded)
        throw qemu::QemuError(qemu::ErrorKind::kProtocol,
                              "the kernel in QEMU gave an outcome that cannot be read");
    return *std::move(decoded);
}

}  // namespace tb::harness
