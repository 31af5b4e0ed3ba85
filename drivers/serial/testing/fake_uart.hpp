// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <hal/platform.hpp>
#include <hal_testing/mock_machine.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "serial/uart16550_regs.hpp"

namespace tb::serial::testing {

/// A small UART for unit tests of the driver: data sheet behaviour, answering ports of a MockMachine, with an
/// edge-triggered interrupt line. It is no model of any one device; tests bend it where they need a broken
/// one.
class FakeUart {
  public:
    static constexpr std::uint64_t kBase = 0x3f8;
    static constexpr std::uint32_t kVector = 32;  ///< what MockMachine hands out first

    explicit FakeUart(hal::testing::MockMachine& machine) : machine_(machine) {
        using ::testing::_;
        ON_CALL(machine, read(hal::AddressSpace::kPort, _, _))
            .WillByDefault([this](auto, std::uint64_t address, unsigned) {
                return std::uint64_t{read(static_cast<std::uint32_t>(address - kBase))};
            });
        ON_CALL(machine, write(hal::AddressSpace::kPort, _, _, _))
            .WillByDefault([this](auto, std::uint64_t address, unsigned, std::uint64_t value) {
                write(static_cast<std::uint32_t>(address - kBase), static_cast<std::uint8_t>(value));
            });
        ON_CALL(machine, attach_irq(_)).WillByDefault([](std::uint32_t) { return hal::Result(kVector); });
        ON_CALL(machine, detach(_)).WillByDefault([this](std::uint32_t) { detached = true; });
    }

    /// The other side of the line.
    void type(std::string_view text, std::uint8_t errors = 0) {
        for (const char c : text) arrive(static_cast<std::uint8_t>(c), errors);
    }
    void arrive(std::uint8_t value, std::uint8_t errors = 0) {
        if (rx.size() >= (fifo_on() ? 16u : 1u)) {
            overrun = true;
            if (!fifo_on()) rx.back() = {value, errors};
        } else {
            rx.push_back({value, errors});
        }
        update();
    }
    /// Four character times without a read pass.
    void time_out() {
        timed_out = fifo_on() && !rx.empty();
        update();
    }
    void set_lines(std::uint8_t lines) {
        const auto changed = static_cast<std::uint8_t>((lines ^ msr_lines) & uart16550::kMsrLines);
        msr_lines = lines;
        auto delta = static_cast<std::uint8_t>(changed >> 4);
        if ((lines & uart16550::kMsrRi) != 0) delta &= static_cast<std::uint8_t>(~uart16550::kMsrTrailingRi);
        msr_delta |= delta;
        update();
    }
    /// The shift register takes and sends everything that is loaded.
    void transmit_all() {
        if (tx.empty()) return;
        for (const std::uint8_t value : tx) out(value);
        tx.clear();
        thre_pending = true;
        update();
    }

    std::uint8_t read(std::uint32_t reg) {
        ++reads;
        if (gone) return 0xff;
        if (const auto stuck_at = stuck.find(reg); stuck_at != stuck.end()) return stuck_at->second;
        const std::uint8_t value = answer(reg);
        update();
        return value;
    }

    void write(std::uint32_t reg, std::uint8_t value) {
        using namespace uart16550;
        writes.push_back({reg, value});
        if (gone) return;
        const bool dlab = (lcr & kLcrDlab) != 0;
        switch (reg) {
            case kThr:
                if (dlab) {
                    dll = value;
                    break;
                }
                tx.push_back(value);
                most_loaded = std::max(most_loaded, tx.size());
                thre_pending = false;
                if (instant) transmit_all();
                break;
            case kIer:
                if (dlab) {
                    dlm = value;
                    break;
                }
                if ((value & kIerThri) != 0 && (ier & kIerThri) == 0 && tx.empty() && thre_on_enable)
                    thre_pending = true;
                ier = value & 0x0f;
                break;
            case kFcr:
                if (fifo_id == 0) break;
                if (((value ^ fcr) & kFcrEnable) != 0 || (value & kFcrClearRx) != 0) rx.clear();
                if ((value & kFcrClearTx) != 0) tx.clear();
                fifo64 = has_fifo64 && dlab ? (value & kFcrFifo64) != 0 : fifo64;
                fcr = value;
                break;
            case kLcr:
                lcr = value;
                break;
            case kMcr:
                mcr = value & 0x1f;
                break;
            case kScr:
                scr = value;
                break;
            default:
                break;
        }
        update();
    }

    bool fifo_on() const { return fifo_id != 0 && (fcr & uart16550::kFcrEnable) != 0; }
    std::size_t trigger() const {
        constexpr std::size_t kLevels[] = {1, 4, 8, 14};
        return fifo_on() ? kLevels[fcr >> 6] : 1;
    }
    /// The interrupt output, behind OUT2.
    bool asserted() const { return asserted_; }
    /// Everything that was written to a register, in order.
    std::vector<std::uint8_t> written(std::uint32_t reg) const {
        std::vector<std::uint8_t> values;
        for (const auto& [r, value] : writes)
            if (r == reg) values.push_back(value);
        return values;
    }

    struct Character {
        std::uint8_t value;
        std::uint8_t errors;
    };
    struct Write {
        std::uint32_t reg;
        std::uint8_t value;
    };

    // What a test bends.
    std::uint8_t fifo_id = uart16550::kIirFifoWorking;
    bool has_scratch = true;
    bool has_fifo64 = false;
    bool instant = true;         ///< the transmitter sends at once
    bool thre_on_enable = true;  ///< enabling THRI over an empty register raises an interrupt
    bool out2_gates = true;
    bool gone = false;
    bool lose_interrupts = false;
    std::map<std::uint32_t, std::uint8_t> stuck;  ///< registers that answer one value whatever happens
    std::function<void()> on_rbr_read;

    // What a test looks at.
    std::string sent;
    std::deque<Character> rx;
    std::deque<std::uint8_t> tx;
    std::vector<Write> writes;
    std::size_t most_loaded = 0;
    std::uint64_t reads = 0;
    bool detached = false;
    bool overrun = false;
    bool timed_out = false;
    bool thre_pending = false;
    bool fifo64 = false;
    std::uint8_t ier = 0, fcr = 0, lcr = 0, mcr = 0, scr = 0, dll = 0, dlm = 0;
    std::uint8_t msr_lines = 0xb0, msr_delta = 0;

  private:
    void out(std::uint8_t value) {
        if ((mcr & uart16550::kMcrLoop) != 0)
            arrive(value);
        else
            sent.push_back(static_cast<char>(value));
    }

    std::uint8_t iir() const {
        using namespace uart16550;
        const std::uint8_t fifo =
            fifo_on() ? static_cast<std::uint8_t>(fifo_id | (fifo64 ? kIirFifo64 : 0)) : std::uint8_t{0};
        const bool line_error = overrun || (!rx.empty() && rx.front().errors != 0);
        std::uint8_t cause = kIirNoInterrupt;
        if ((ier & kIerRlsi) != 0 && line_error)
            cause = kIirRls;
        else if ((ier & kIerRdi) != 0 && !rx.empty() && rx.size() >= trigger())
            cause = kIirRda;
        else if ((ier & kIerRdi) != 0 && timed_out)
            cause = kIirTimeout;
        else if ((ier & kIerThri) != 0 && thre_pending)
            cause = kIirThre;
        else if ((ier & kIerMsi) != 0 && msr_delta != 0)
            cause = kIirMsr;
        return fifo | cause;
    }

    std::uint8_t answer(std::uint32_t reg) {
        using namespace uart16550;
        const bool dlab = (lcr & kLcrDlab) != 0;
        switch (reg) {
            case kRbr: {
                if (dlab) return dll;
                if (on_rbr_read) on_rbr_read();
                timed_out = false;
                if (rx.empty()) return 0;
                const std::uint8_t value = rx.front().value;
                rx.pop_front();
                return value;
            }
            case kIer:
                return dlab ? dlm : ier;
            case kIir: {
                const std::uint8_t value = iir();
                if ((value & kIirCauseMask) == kIirThre) thre_pending = false;
                return value;
            }
            case kLcr:
                return lcr;
            case kMcr:
                return mcr;
            case kLsr: {
                auto value = static_cast<std::uint8_t>(tx.empty() ? kLsrThre | kLsrTemt : 0);
                if (!rx.empty()) {
                    value |= static_cast<std::uint8_t>(kLsrDr | rx.front().errors);
                    rx.front().errors = 0;
                }
                if (overrun) value |= kLsrOe;
                overrun = false;
                return value;
            }
            case kMsr: {
                if ((mcr & kMcrLoop) != 0)
                    return static_cast<std::uint8_t>(
                        (mcr & kMcrRts ? kMsrCts : 0) | (mcr & kMcrDtr ? kMsrDsr : 0) |
                        (mcr & kMcrOut1 ? kMsrRi : 0) | (mcr & kMcrOut2 ? kMsrDcd : 0));
                const auto value = static_cast<std::uint8_t>(msr_lines | msr_delta);
                msr_delta = 0;
                return value;
            }
            default:
                return has_scratch ? scr : std::uint8_t{0xff};
        }
    }

    void update() {
        const bool before = asserted_;
        const bool cause = (iir() & uart16550::kIirNoInterrupt) == 0;
        asserted_ = cause && (!out2_gates || (mcr & uart16550::kMcrOut2) != 0);
        if (asserted_ && !before && !lose_interrupts) machine_.raise(kVector);
    }

    hal::testing::MockMachine& machine_;
    bool asserted_ = false;
};

}  // namespace tb::serial::testing
