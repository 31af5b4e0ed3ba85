// SPDX-License-Identifier: BSD-3-Clause
#include "virtio/interrupts.hpp"

namespace tb::virtio {

using hal::Error;

void Interrupts::on_intx(void* context) {
    static_cast<Interrupts*>(context)->acknowledge();
}

void Interrupts::on_msix(void* context) {
    // With MSI-X the interrupt status is left alone (§4.1.4.5.2).
    const Line& line = *static_cast<Line*>(context);
    line.owner->mark(line.marks);
}

void Interrupts::acknowledge() {
    if (transport_ == nullptr) return;
    const std::uint8_t isr = transport_->read_isr();
    if (isr == 0xff) {
        mark(kGone);
        return;
    }
    // Zero: another device on the line, or one that was told already.
    std::uint32_t marks = 0;
    if ((isr & kIsrQueue) != 0) marks |= queue_marks_;
    if ((isr & kIsrConfig) != 0) marks |= kConfig;
    if (marks != 0) mark(marks);
}

hal::Result<InterruptMode> Interrupts::attach(const PciTransport& transport, InterruptMode wanted,
                                              unsigned queues) {
    if (queues > kMostQueues) return Error::kInvalidArgument;
    detach();
    transport_ = &transport;
    queue_marks_ = (std::uint32_t{1} << queues) - 1;
    (void)take();
    const pci::Function& function = transport.function();
    msix_ = transport.msix();
    // Firmware or an earlier driver may have left it on.
    msix_.disable();
    if (wanted == InterruptMode::kMsix && msix_.map()) {
        for (const unsigned vectors : {queues + 1, 2u, 1u}) {
            if (vectors > msix_.entries() || vectors > queues + 1) continue;
            if (attach_msix(transport, vectors, queues)) {
                mode_ = InterruptMode::kMsix;
                vectors_ = vectors;
                return mode_;
            }
            undo_msix(transport, queues);
        }
        function.platform().log(hal::LogLevel::kWarning, "virtio", "MSI-X does not work, using INTx",
                                msix_.entries());
    }
    if (wanted == InterruptMode::kPolled) {
        function.set_command(pci::kCommandInterruptDisable);
        return mode_;
    }
    const auto pin = function.config().read<std::uint8_t>(pci::kInterruptPin);
    if (pin == 0xff) return Error::kDeviceGone;
    if (pin == 0 || pin > 4) return Error::kUnsupported;
    const hal::Result<hal::Interrupt> interrupt =
        function.platform().attach_intx(function.config().address(), on_intx, this);
    if (!interrupt) return Error::kUnsupported;
    lines_[0].interrupt = *interrupt;
    mode_ = InterruptMode::kIntx;
    function.set_command(0, pci::kCommandInterruptDisable);
    return mode_;
}

bool Interrupts::attach_msix(const PciTransport& transport, unsigned vectors, unsigned queues) {
    const hal::Platform& platform = transport.function().platform();
    // Queue i interrupts through vector_of(i); what one vector stands for is decided before it is attached.
    const auto vector_of = [vectors](unsigned queue) {
        if (vectors == 1) return 0u;
        return vectors == 2 ? 1u : queue + 1;
    };
    for (unsigned i = 0; i < vectors; ++i) lines_[i] = {this, i == 0 ? kConfig : 0, {}};
    for (unsigned queue = 0; queue < queues; ++queue)
        lines_[vector_of(queue)].marks |= std::uint32_t{1} << queue;

    for (unsigned i = 0; i < vectors; ++i) {
        const hal::Result<hal::MsiInterrupt> msi = platform.attach_msi(on_msix, &lines_[i]);
        if (!msi) return false;
        lines_[i].interrupt = msi->interrupt;
        if (!msix_.set_entry(i, msi->message) || !msix_.unmask(i)) return false;
        // A reset behind our back empties the table and masks it. One that came before the unmasking shows
        // here, one that comes later leaves the entry masked: no message goes where nobody has sent it.
        if (!msix_.holds(i, msi->message)) return false;
    }
    if (!msix_.enable()) return false;
    // The device says NO_VECTOR when it could not map an event (§4.1.5.1.2.2).
    if (!transport.set_config_vector(0)) return false;
    for (unsigned queue = 0; queue < queues; ++queue)
        if (!transport.set_queue_vector(static_cast<std::uint16_t>(queue),
                                        static_cast<std::uint16_t>(vector_of(queue))))
            return false;
    return true;
}

void Interrupts::undo_msix(const PciTransport& transport, unsigned queues) {
    (void)transport.set_config_vector(kNoVector);
    for (unsigned queue = 0; queue < queues; ++queue)
        (void)transport.set_queue_vector(static_cast<std::uint16_t>(queue), kNoVector);
    msix_.disable();
    detach_lines();
}

void Interrupts::detach_lines() {
    if (transport_ == nullptr) return;
    for (Line& line : lines_) {
        transport_->function().platform().detach(line.interrupt);
        line = {};
    }
}

void Interrupts::detach() {
    if (transport_ == nullptr) return;
    if (mode_ == InterruptMode::kMsix) msix_.disable();
    if (mode_ == InterruptMode::kIntx) transport_->function().set_command(pci::kCommandInterruptDisable);
    detach_lines();
    mode_ = InterruptMode::kPolled;
    vectors_ = 0;
    msix_ = {};
    transport_ = nullptr;
}

}  // namespace tb::virtio
