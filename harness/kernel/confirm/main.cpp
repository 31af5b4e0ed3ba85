// SPDX-License-Identifier: BSD-3-Clause
/// The confirmation image: carries out what the harness says, one command after the other.
#include <hal/platform.hpp>
#include <memory>
#include <optional>
#include <string_view>

#include "harness/kernel/confirm/access.hpp"
#include "harness/kernel/confirm/interrupts.hpp"
#include "harness/kernel/confirm/link.hpp"
#include "harness/kernel/core/exit.hpp"
#include "harness/kernel/core/memory.hpp"
#include "harness/kernel/core/panic.hpp"
#include "harness/kernel/core/pci_config.hpp"
#include "harness/kernel/core/start.hpp"
#include "harness/operations/codec.hpp"
#include "harness/operations/operation.hpp"

namespace tb::kernel {

namespace {

/// A firmware has written interrupt lines into the functions' headers; the other machines have none.
void forget_interrupt_lines() {
    constexpr std::uint32_t kInterruptLine = 0x3c;
    for (unsigned slot = 0; slot < 32; ++slot)
        for (unsigned function = 0; function < 8; ++function) {
            const hal::PciAddress at{0, static_cast<std::uint8_t>(slot), static_cast<std::uint8_t>(function)};
            if ((pci_read(at, 0, 4) & 0xffff) != 0xffff) pci_write(at, kInterruptLine, 1, 0);
        }
}

class Server {
  public:
    std::uint64_t carry_out(const Answer& order) {
        const auto& words = order.words;
        switch (order.command) {
            case Command::kAccess:
                return access(words);
            case Command::kOpen:
                return open(words[0] != 0);
            case Command::kClose:
                session_.reset();
                return 1;
            case Command::kRun:
                return run();
            case Command::kBegin:
                return begin();
            case Command::kFinished:
                return finished(static_cast<std::uint32_t>(words[0]));
            case Command::kAttachIntx:
                attach_intx(words[1], intx_pin(hal::config_function(words[0])), nullptr, nullptr);
                return 1;
            case Command::kAttachLine:
                attach_line(words[1], static_cast<unsigned>(words[0]), words[2] != 0, nullptr, nullptr);
                return 1;
            case Command::kAttachMsi:
                attach_message(words[0], nullptr, nullptr);
                return 1;
            case Command::kDetach:
                detach(words[0]);
                return 1;
            case Command::kTake:
                take(words[0]);
                return 1;
            case Command::kMessages:
                return new_messages();
            case Command::kExit:
                exit_machine(static_cast<std::uint8_t>(words[0]));
            case Command::kNone:
                break;
        }
        panic("the harness sent a command that there is not");
    }

  private:
    static std::uint64_t access(const std::uint64_t* words) {
        const unsigned space = access_space(words[0]);
        const unsigned width = access_width(words[0]);
        if (!access_is_write(words[0])) return raw_read(space, words[1], width);
        raw_write(space, words[1], width, words[2]);
        return 0;
    }

    std::uint64_t open(bool is_pci) {
        const std::span<const std::byte> name = payload();
        const harness::DriverType* type =
            harness::find_driver_type({reinterpret_cast<const char*>(name.data()), name.size()});
        if (type == nullptr) return 0;
        session_ = type->open(hal::Platform(), is_pci);
        return 1;
    }

    static harness::Call call() {
        std::optional<harness::Call> call = harness::decode_call(payload());
        if (!call) panic("the harness sent an operation that cannot be read");
        return *std::move(call);
    }

    std::uint64_t run() {
        const harness::Call wanted = call();
        set_payload(harness::encode(session().run(wanted.operation, wanted.arguments)));
        return 1;
    }
    std::uint64_t begin() {
        const harness::Call wanted = call();
        const hal::Result<std::uint32_t> handle = session().begin(wanted.operation, wanted.arguments);
        return handle ? std::uint64_t{*handle} << 32 : 1 + static_cast<std::uint64_t>(handle.error());
    }
    std::uint64_t finished(std::uint32_t handle) {
        const std::optional<harness::Outcome> outcome = session().finished(handle);
        if (!outcome) return 0;
        set_payload(harness::encode(*outcome));
        return 1;
    }
    harness::DriverSession& session() {
        if (session_ == nullptr) panic("the harness sent an operation, and has opened no driver");
        return *session_;
    }

    std::unique_ptr<harness::DriverSession> session_;
};

}  // namespace

ExitStatus kernel_main(const char*) {
    forget_interrupt_lines();
    open_mailbox();
    const std::uint64_t pin =
        board_kind() == BoardKind::kNoPci ? kNoPin : intx_pin(harness::kDeviceUnderTest);
    Server server;
    Answer order =
        say(Said::kReady, {reinterpret_cast<std::uint64_t>(payload().data()), payload_capacity(), pin});
    while (true) order = say(Said::kDone, {server.carry_out(order)});
}

}  // namespace tb::kernel
