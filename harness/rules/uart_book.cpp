// SPDX-License-Identifier: BSD-3-Clause
// What the data sheet of the PC16550D demands of a driver, and IBM's PC of the wiring around it.
#include <fmt/format.h>

#include "harness/rules/book.hpp"
#include "serial/uart16550_regs.hpp"

namespace tb::rules {

namespace {

using namespace uart16550;

constexpr unsigned kDepth = 16;
constexpr std::uint8_t kIerReserved = 0xf0;
constexpr std::uint8_t kMcrReserved = 0xe0;

class UartBook : public Book {
  public:
    using Book::Book;

    void read(const Access& access) override {
        check_width(access);
        const auto value = static_cast<std::uint8_t>(access.value);
        if (access.place.offset == kLsr && (value & kLsrThre) != 0) room_ = fifo_ ? kDepth : 1;
        if (access.place.offset == kIir && (value & kIirCauseMask) == kIirThre) room_ = fifo_ ? kDepth : 1;
    }

    void write(const Access& access) override {
        check_width(access);
        const auto value = static_cast<std::uint8_t>(access.value);
        switch (access.place.offset) {
            case kRbr:
                dlab_ ? set_divisor(0, value) : transmit();
                break;
            case kIer:
                if (dlab_) return set_divisor(8, value);
                ier_ = value;
                reserved("IER", value, kIerReserved);
                break;
            case kFcr:
                write_fcr(value);
                break;
            case kLcr:
                write_lcr(value);
                break;
            case kMcr:
                mcr_ = value;
                reserved("MCR", value, kMcrReserved);
                break;
            case kLsr:
            case kMsr:
                breaks("uart.status.written",
                       fmt::format("{} is written", access.place.offset == kLsr ? "LSR" : "MSR"));
                break;
            default:
                break;
        }
    }

    void rests() override {
        if (ier_ != 0 && (mcr_ & (kMcrOut2 | kMcrLoop)) == 0)
            breaks("uart.out2.off",
                   fmt::format("IER is {:#x}, but OUT2 keeps the interrupt from the bus", ier_));
    }

  private:
    void check_width(const Access& access) {
        if (access.width != 1)
            breaks("uart.register.width", fmt::format("an access of {} bytes", access.width));
    }

    void reserved(const char* name, std::uint8_t value, std::uint8_t mask) {
        if ((value & mask) != 0)
            breaks("uart.reserved",
                   fmt::format("{:#x} is written to {}, whose bits {:#x} are 0", value, name, mask));
    }

    void transmit() {
        if (room_ == 0)
            return breaks("uart.thr.full",
                          "a character is written that the transmitter may have no room for");
        --room_;
    }

    void set_divisor(unsigned shift, std::uint8_t value) {
        divisor_ = (divisor_ & ~(0xffU << shift)) | unsigned{value} << shift;
        divisor_set_ = true;
    }

    void write_fcr(std::uint8_t value) {
        const bool on = (value & kFcrEnable) != 0;
        if (!on && value != 0)
            breaks("uart.fcr.disabled-bits", fmt::format("{:#x} is written to FCR without bit 0", value));
        // Turning the FIFOs on or off empties them.
        if (on != fifo_ || (value & kFcrClearTx) != 0) room_ = 0;
        fifo_ = on;
    }

    void write_lcr(std::uint8_t value) {
        const bool closes = dlab_ && (value & kLcrDlab) == 0;
        dlab_ = (value & kLcrDlab) != 0;
        if (closes && divisor_set_ && divisor_ == 0) breaks("uart.divisor.zero", "the divisor is 0");
        if (closes) divisor_set_ = false;
    }

    unsigned room_ = 0;  ///< characters that the transmitter surely takes
    unsigned divisor_ = 0;
    std::uint8_t ier_ = 0;
    std::uint8_t mcr_ = 0;
    bool fifo_ = false;
    bool dlab_ = false;
    bool divisor_set_ = false;
};

}  // namespace

std::unique_ptr<Book> make_uart_book(Court& court, const harness::DeviceType& /*device*/) {
    return std::make_unique<UartBook>(court);
}

}  // namespace tb::rules
