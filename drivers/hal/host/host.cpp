// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <hal/host.hpp>

namespace tb::hal {

Result<Interrupt> Host::attach(Result<std::uint32_t> vector, InterruptHandler handler, void* context) {
    if (!vector) return vector.error();
    attached_.push_back({*vector, handler, context});
    return Interrupt{*vector};
}

Result<MsiInterrupt> Host::attach_msi(InterruptHandler handler, void* context) {
    Result<MsiInterrupt> msi = machine_->attach_msi();
    if (msi) attached_.push_back({msi->interrupt.vector, handler, context});
    return msi;
}

void Host::detach(Interrupt interrupt) {
    if (!interrupt.valid()) return;
    std::erase_if(attached_, [&](const Attached& a) { return a.vector == interrupt.vector; });
    machine_->detach(interrupt.vector);
}

void Host::take_interrupts() {
    if (critical_depth_ > 0 || in_handler_) return;
    in_handler_ = true;
    bool begin = true;
    while (const auto vector = machine_->take_interrupt(begin)) {
        begin = false;
        ++interrupts_taken_;
        // A handler may attach or detach, so the list is searched anew for each vector.
        const auto found = std::find_if(attached_.begin(), attached_.end(),
                                        [&](const Attached& a) { return a.vector == *vector; });
        if (found != attached_.end()) found->handler(found->context);
    }
    in_handler_ = false;
}

}  // namespace tb::hal
