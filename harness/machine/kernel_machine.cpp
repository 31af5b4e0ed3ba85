// SPDX-License-Identifier: BSD-3-Clause
#include "harness/machine/kernel_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "harness/operations/board.hpp"

namespace tb::harness {

namespace {

using kernel::Command;
using kernel::Said;

/// Addresses of messages, as traces have them and as the local APIC has them.
std::uint64_t to_apic(std::uint64_t value) {
    const std::uint64_t slot = (value - kMsiBase) / 4;
    return value >= kMsiBase && slot < kMsiVectors && value % 4 == 0
               ? kernel::apic_message_address(static_cast<unsigned>(slot))
               : value;
}
std::uint64_t from_apic(std::uint64_t value) {
    constexpr std::uint64_t kFixed = kernel::apic_message_address(0);
    if ((value & ~std::uint64_t{0x7f000}) != (kFixed & ~std::uint64_t{0x1000})) return value;
    return msi_address(static_cast<std::uint32_t>(value >> 12 & 0x7f) / 2);
}

}  // namespace

KernelMachine::KernelMachine(qemu::Vm& vm_of_guest) : QemuMachine(vm_of_guest) {
    vm().start_guest();
    const Said said = listen("the kernel's start");
    const kernel::Mailbox& box = mailbox();
    if (said != Said::kReady || box.magic != kernel::kMailboxMagic || box.version != kernel::kMailboxVersion)
        nonsense("it is no kernel of this version of the harness");
    payload_address_ = box.words[0];
    payload_capacity_ = box.words[1];
    intx_pin_ = box.words[2];
    (void)guest_memory(payload_address_, payload_capacity_);
    start_clock();
    // The kernel waits for a command; nothing that it attached is to be asked for.
    settle();
}

kernel::Mailbox& KernelMachine::mailbox() const {
    return *reinterpret_cast<kernel::Mailbox*>(ram().data() + kernel::kMailboxAddress);
}

Said KernelMachine::listen(const char* what) {
    vm().wait_for_bell(what);
    std::atomic_thread_fence(std::memory_order_acquire);
    return static_cast<Said>(mailbox().said);
}

void KernelMachine::answer(Command command, std::initializer_list<std::uint64_t> words) {
    kernel::Mailbox& box = mailbox();
    box.command = static_cast<std::uint32_t>(command);
    std::fill(std::begin(box.answer), std::end(box.answer), 0);
    std::copy(words.begin(), words.end(), std::begin(box.answer));
    box.interrupt_waiting = interrupt_pending() ? 1 : 0;
    box.now_ns = now_ns();
    std::atomic_ref(box.answered_count).fetch_add(1, std::memory_order_release);
}

std::uint64_t KernelMachine::command(Command command, std::initializer_list<std::uint64_t> words,
                                     std::span<const std::byte> payload) {
    if (payload.size() > payload_capacity_)
        throw qemu::QemuError(
            qemu::ErrorKind::kUnsupported,
            fmt::format("an operation of {} bytes: the kernel takes {}", payload.size(), payload_capacity_));
    std::copy(payload.begin(), payload.end(), guest_memory(payload_address_, payload.size()).begin());
    mailbox().payload_bytes = payload.size();
    answer(command, words);
    kernel_has_turn_ = true;
    while (true) {
        const Said said = listen("the kernel");
        Words said_words;
        std::copy(std::begin(mailbox().words), std::end(mailbox().words), said_words.begin());
        if (said == Said::kDone) {
            kernel_has_turn_ = false;
            return said_words[0];
        }
        serve(said, said_words);
    }
}

std::span<const std::byte> KernelMachine::payload() const {
    const std::uint64_t bytes = mailbox().payload_bytes;
    return ram().subspan(payload_address_, std::min(bytes, payload_capacity_));
}

void KernelMachine::serve(Said said, const Words& words) {
    switch (said) {
        case Said::kAccess:
            return serve_access(words);
        case Said::kDelay:
            listener().far_delay(words[0]);
            delay_ns(words[0]);
            return answer(Command::kNone, {});
        case Said::kAllocate: {
            const auto address = dma_allocate(words[0], words[1]);
            return answer(Command::kNone, {address ? *address : 0});
        }
        case Said::kFree:
            dma_free(words[0], words[1]);
            return answer(Command::kNone, {});
        case Said::kMap: {
            const auto address =
                dma_map(guest_memory(words[0], words[1]), static_cast<hal::Direction>(words[2]));
            return answer(Command::kNone, {address ? *address : 0});
        }
        case Said::kUnmap:
            dma_unmap(words[0], guest_memory(words[1], words[2]), static_cast<hal::Direction>(words[3]));
            return answer(Command::kNone, {});
        case Said::kAttachIntx: {
            const auto vector = MachineBase::attach_intx(hal::config_function(words[0]));
            of_driver_.insert(*vector);
            return answer(Command::kNone, {*vector});
        }
        case Said::kAttachLine: {
            const auto vector = MachineBase::attach_irq(static_cast<std::uint32_t>(words[0]));
            if (!vector) return answer(Command::kNone, {kernel::kNoVector});
            of_driver_.insert(*vector);
            return answer(Command::kNone, {*vector, irq_level(static_cast<unsigned>(words[0])) ? 1U : 0U});
        }
        case Said::kAttachMsi: {
            const auto message = MachineBase::attach_msi();
            if (!message) return answer(Command::kNone, {kernel::kNoVector});
            of_driver_.insert(message->interrupt.vector);
            return answer(Command::kNone, {message->interrupt.vector});
        }
        case Said::kDetach:
            of_driver_.erase(static_cast<std::uint32_t>(words[0]));
            MachineBase::detach(static_cast<std::uint32_t>(words[0]));
            return answer(Command::kNone, {});
        case Said::kMessages:
            arrived(words[0]);
            return answer(Command::kNone, {});
        case Said::kTake:
            return serve_take(words[0] != 0);
        case Said::kLog:
            log(static_cast<hal::LogLevel>(words[0] & 3), guest_text(words[1]), guest_text(words[2]),
                words[3]);
            return answer(Command::kNone, {});
        case Said::kUnexpected:
            listener().finding(
                words[0] == kernel::kNoVector
                    ? fmt::format("interrupt {} was due, and the processor took none", words[1])
                    : fmt::format("the processor took interrupt {} where {} was due", words[0], words[1]));
            return answer(Command::kNone, {});
        case Said::kReady:
        case Said::kDone:
            break;
    }
    nonsense(fmt::format("it said {}", static_cast<unsigned>(said)));
}

void KernelMachine::serve_access(const Words& words) {
    const bool write = kernel::access_is_write(words[0]);
    const auto space = static_cast<hal::AddressSpace>(kernel::access_space(words[0]));
    if (kernel::access_space(words[0]) > 2) nonsense("it accessed a space that there is not");
    listener().far_access(write, space, words[1], kernel::access_width(words[0]), from_apic(words[2]));
    if (write) {
        settle();
    } else {
        vm().qtest().round_trip();
        settle_after_read();
    }
    answer(Command::kNone, {});
}

void KernelMachine::serve_take(bool begin) {
    // What the scenario itself attached waits for the scenario, which takes it between two commands.
    const auto vector = take_where(begin, [this](std::uint32_t v) { return of_driver_.contains(v); });
    if (vector) listener().far_interrupt(*vector);
    answer(Command::kNone, {vector ? std::uint64_t{*vector} : kernel::kNoVector});
}

void KernelMachine::nonsense(const std::string& why) {
    throw qemu::QemuError(qemu::ErrorKind::kProtocol,
                          fmt::format("the kernel in QEMU does not speak our language: {}; its log ends: {}",
                                      why, vm().take_guest_log()));
}

std::span<std::byte> KernelMachine::guest_memory(std::uint64_t address, std::uint64_t size) {
    if (address > ram().size() || size > ram().size() - address)
        nonsense(fmt::format("it named {} bytes at {:#x}", size, address));
    return ram().subspan(address, size);
}

const char* KernelMachine::guest_text(std::uint64_t address) {
    constexpr std::uint64_t kLongest = 256;
    const std::span<const std::byte> text = guest_memory(address, kLongest);
    if (std::find(text.begin(), text.end(), std::byte{0}) == text.end()) nonsense("a text has no end");
    return reinterpret_cast<const char*>(text.data());
}

std::uint64_t KernelMachine::read(hal::AddressSpace space, std::uint64_t address, unsigned width) {
    const std::uint64_t value = command(
        Command::kAccess, {kernel::access_kind(static_cast<unsigned>(space), width, false), address, 0});
    // Edges that the access caused are on their way to us: one turn of QEMU's loop brings them.
    vm().qtest().round_trip();
    settle_after_read();
    return from_apic(value);
}

void KernelMachine::write(hal::AddressSpace space, std::uint64_t address, unsigned width,
                          std::uint64_t value) {
    if (space == hal::AddressSpace::kMemory) value = to_apic(value);
    command(Command::kAccess,
            {kernel::access_kind(static_cast<unsigned>(space), width, true), address, value});
    settle();
}

hal::Result<std::uint32_t> KernelMachine::attach_intx(hal::PciAddress function) {
    const auto vector = MachineBase::attach_intx(function);
    if (vector) command(Command::kAttachIntx, {hal::config_address(function, 0), *vector});
    return vector;
}

hal::Result<std::uint32_t> KernelMachine::attach_irq(std::uint32_t line) {
    const auto vector = MachineBase::attach_irq(line);
    if (vector) command(Command::kAttachLine, {line, *vector, irq_level(line) ? 1U : 0U});
    return vector;
}

hal::Result<hal::MsiInterrupt> KernelMachine::attach_msi() {
    const auto message = MachineBase::attach_msi();
    if (!message) return message;
    command(Command::kAttachMsi, {message->interrupt.vector});
    ++messages_attached_;
    return message;
}

void KernelMachine::detach(std::uint32_t vector) {
    if (vector < kMsiVectors) --messages_attached_;
    command(Command::kDetach, {vector});
    MachineBase::detach(vector);
}

std::optional<std::uint32_t> KernelMachine::take_interrupt(bool begin) {
    while (const auto vector = MachineBase::take_interrupt(begin)) {
        begin = false;
        const bool of_driver = of_driver_.contains(*vector);
        if (of_driver) listener().far_interrupt(*vector);
        command(Command::kTake, {*vector});
        if (!of_driver) return vector;
    }
    return std::nullopt;
}

unsigned KernelMachine::line_of_pin(unsigned pin) const {
    if (pin != intx_pin_) return pin;
    return intx_line(kDeviceUnderTest);
}

void KernelMachine::take_messages() {
    // In its own turn the kernel looks for itself, and says what it finds.
    if (kernel_has_turn_) return;
    const bool any = messages_attached_ != 0 || std::any_of(of_driver_.begin(), of_driver_.end(),
                                                            [](auto v) { return v < kMsiVectors; });
    if (any) arrived(command(Command::kMessages, {}));
}

void KernelMachine::arrived(std::uint64_t slots) {
    for (std::uint32_t slot = 0; slot < kMsiVectors; ++slot)
        if ((slots >> slot & 1) != 0) message_arrived(msi_address(slot), msi_data(slot));
}

}  // namespace tb::harness
