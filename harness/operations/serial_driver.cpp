// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <hal/platform.hpp>
#include <optional>

#include "harness/operations/operation.hpp"
#include "harness/operations/placement.hpp"
#include "serial/early_console.hpp"
#include "serial/pci_serial.hpp"
#include "serial/uart16550.hpp"

namespace tb::harness {

namespace {

using hal::Error;

constexpr std::uint16_t kCom1 = 0x3f8;
constexpr std::uint8_t kCom1Irq = 4;

constexpr KeySpec kFormat[] = {
    {"baud", ValueType::kInteger, false, "bits a second (default 115200)"},
    {"data_bits", ValueType::kInteger, false, "5 to 8 (default 8)"},
    {"stop_bits", ValueType::kInteger, false, "1 or 2 (default 1)"},
    {"parity", ValueType::kText, false, "none, odd, even, mark or space (default none)"},
};
constexpr KeySpec kStart[] = {
    {"interrupts", ValueType::kBoolean, false, "false: polled (default true)"},
    {"trigger", ValueType::kInteger, false, "receive FIFO level that interrupts: 1, 4, 8 or 14 (default 8)"},
    {"flow_control", ValueType::kBoolean, false, "RTS/CTS (default false)"},
    kFormat[0],
    kFormat[1],
    kFormat[2],
    kFormat[3],
};
constexpr KeySpec kChip[] = {{"chip", ValueType::kText, false, "8250, 16450, 16550, 16550A or 16750"}};
constexpr KeySpec kData[] = {{"data", ValueType::kData, true, "characters"}};
constexpr KeySpec kTaken[] = {{"taken", ValueType::kInteger, false, "characters that the driver took"}};
constexpr KeySpec kMost[] = {
    {"most", ValueType::kInteger, false, "characters to read at most (default 4096)"}};
constexpr KeySpec kRead[] = {{"data", ValueType::kData, false, "characters received"}};
constexpr KeySpec kBudget[] = {
    {"budget", ValueType::kInteger, false, "characters each way at most (default 64)"}};
constexpr KeySpec kMoved[] = {{"moved", ValueType::kInteger, false, "characters moved"}};
constexpr KeySpec kSetModem[] = {{"dtr", ValueType::kBoolean, false, "data terminal ready"},
                                 {"rts", ValueType::kBoolean, false, "request to send"}};
constexpr KeySpec kModem[] = {{"cts", ValueType::kBoolean, false, "clear to send"},
                              {"dsr", ValueType::kBoolean, false, "data set ready"},
                              {"ri", ValueType::kBoolean, false, "ring"},
                              {"dcd", ValueType::kBoolean, false, "carrier detect"}};
constexpr KeySpec kOn[] = {{"on", ValueType::kBoolean, true, "on or off"}};
constexpr KeySpec kStatistics[] = {{"received", ValueType::kInteger, false, "characters"},
                                   {"sent", ValueType::kInteger, false, "characters"},
                                   {"overruns", ValueType::kInteger, false, "overrun errors"},
                                   {"parity_errors", ValueType::kInteger, false, "parity errors"},
                                   {"framing_errors", ValueType::kInteger, false, "framing errors"},
                                   {"breaks", ValueType::kInteger, false, "breaks received"},
                                   {"dropped", ValueType::kInteger, false, "characters without room"},
                                   {"modem_changes", ValueType::kInteger, false, "modem line changes"},
                                   {"spurious", ValueType::kInteger, false, "interrupts without a cause"}};

constexpr OperationSpec kOperations[] = {
    {"start", "find the UART, and take it into use", kStart, kChip},
    {"stop", "give the UART back", {}, {}},
    {"uart.configure", "change speed and format", kFormat, {}},
    {"uart.write", "queue characters", kData, kTaken},
    {"uart.drain", "wait until all have left", {}, {}},
    {"uart.read", "take received characters", kMost, kRead},
    {"uart.poll", "move characters without an interrupt", kBudget, kMoved},
    {"uart.set_modem", "set the modem outputs", kSetModem, {}},
    {"uart.modem", "look at the modem inputs", {}, kModem},
    {"uart.set_break", "start or end a break", kOn, {}},
    {"uart.loopback", "the chip's own loopback", kOn, {}},
    {"uart.statistics", "counters since start", {}, kStatistics},
    {"uart.early_write", "write through the polled early console, without start", kData, kTaken},
};

constexpr std::string_view kDevices[] = {"isa-serial", "pci-serial"};

class SerialSession : public DriverSession {
  public:
    SerialSession(const hal::Platform& platform, bool pci) : platform_(platform), pci_(pci) {}
    ~SerialSession() override { uart_.stop(); }

    Outcome run(std::string_view operation, const Arguments& arguments) override {
        if (operation == "start") return start(arguments);
        if (operation == "stop") {
            uart_.stop();
            return {};
        }
        if (operation == "uart.configure")
            return {with_format(arguments, [&](const auto& format) { return uart_.configure(format); }), {}};
        if (operation == "uart.write") return counted("taken", uart_.write(arguments.data("data")));
        if (operation == "uart.drain") return {uart_.drain(), {}};
        if (operation == "uart.read") return read(arguments);
        if (operation == "uart.poll")
            return counted("moved", uart_.poll(static_cast<unsigned>(arguments.integer("budget", 64))));
        if (operation == "uart.set_modem")
            return {uart_.set_modem({arguments.boolean("dtr"), arguments.boolean("rts")}), {}};
        if (operation == "uart.modem") return modem();
        if (operation == "uart.set_break") return {uart_.set_break(arguments.boolean("on")), {}};
        if (operation == "uart.loopback") return {uart_.set_loopback(arguments.boolean("on")), {}};
        if (operation == "uart.statistics") return statistics();
        return early_write(arguments);
    }

    hal::Result<std::uint32_t> begin(std::string_view, const Arguments&) override {
        return Error::kUnsupported;
    }
    std::optional<Outcome> finished(std::uint32_t) override { return Outcome{Error::kUnsupported, {}}; }

  private:
    static Outcome counted(const char* name, hal::Result<std::uint32_t> count) {
        if (!count) return {count.error(), {}};
        return {{}, {{name, std::uint64_t{*count}}}};
    }

    hal::Result<hal::RegisterWindow> registers() {
        if (!pci_) {
            const auto ports = platform_.map_ports(kCom1, 8);
            if (!ports) return ports.error();
            return hal::RegisterWindow(*ports);
        }
        const pci::Function function(platform_, platform_.pci_function(kDeviceUnderTest));
        if (const hal::Status placed = placement_.ensure(function); !placed) return placed.error();
        return serial::map_pci_serial(function);
    }

    template <class Use>
    hal::Status with_format(const Arguments& arguments, Use&& use) {
        static constexpr std::array<std::string_view, 5> kParities = {"none", "odd", "even", "mark", "space"};
        serial::LineFormat format;
        format.baud = static_cast<std::uint32_t>(arguments.integer("baud", format.baud));
        format.data_bits = static_cast<std::uint8_t>(arguments.integer("data_bits", format.data_bits));
        format.stop_bits = static_cast<std::uint8_t>(arguments.integer("stop_bits", format.stop_bits));
        const std::string parity = arguments.text("parity", "none");
        for (std::size_t i = 0; i < kParities.size(); ++i)
            if (parity == kParities[i]) {
                format.parity = static_cast<serial::Parity>(i);
                return use(format);
            }
        return Error::kInvalidArgument;
    }

    Outcome start(const Arguments& arguments) {
        const auto window = registers();
        if (!window) return {placement_.started(window.error()), {}};
        const auto chip = uart_.probe(platform_, *window);
        if (!chip) return {placement_.started(chip.error()), {}};
        serial::Options options;
        if (arguments.boolean("interrupts", true))
            options.interrupt = pci_ ? serial::InterruptSource::pci(kDeviceUnderTest)
                                     : serial::InterruptSource::isa(kCom1Irq);
        options.fifo_trigger = static_cast<std::uint8_t>(arguments.integer("trigger", options.fifo_trigger));
        options.flow_control = arguments.boolean("flow_control");
        const hal::Status started =
            placement_.started(with_format(arguments, [&](const serial::LineFormat& format) {
                options.format = format;
                return uart_.start(options);
            }));
        return {started, {{"chip", std::string(serial::to_string(*chip))}}};
    }

    Outcome read(const Arguments& arguments) {
        Bytes buffer(arguments.integer("most", 4096));
        const auto count = uart_.read(buffer);
        if (!count) return {count.error(), {}};
        buffer.resize(*count);
        return {{}, {{"data", buffer}}};
    }

    Outcome modem() {
        const auto status = uart_.modem();
        if (!status) return {status.error(), {}};
        return {{}, {{"cts", status->cts}, {"dsr", status->dsr}, {"ri", status->ri}, {"dcd", status->dcd}}};
    }

    Outcome statistics() {
        const serial::Statistics s = uart_.statistics();
        return {{},
                {{"received", s.received},
                 {"sent", s.sent},
                 {"overruns", s.overruns},
                 {"parity_errors", s.parity_errors},
                 {"framing_errors", s.framing_errors},
                 {"breaks", s.breaks},
                 {"dropped", s.dropped},
                 {"modem_changes", s.modem_changes},
                 {"spurious", s.spurious}}};
    }

    Outcome early_write(const Arguments& arguments) {
        const auto window = registers();
        if (!window) return {placement_.started(window.error()), {}};
        serial::EarlyConsole console(*window);
        const std::uint64_t sent = console.write(arguments.data("data"));
        if (!console.alive())
            return {placement_.started(sent == 0 ? Error::kAbsent : Error::kTimeout), {{"taken", sent}}};
        return {{}, {{"taken", sent}}};
    }

    hal::Platform platform_;
    bool pci_;
    Placement placement_;
    serial::Uart16550 uart_;
};

class SerialDriverType : public DriverType {
  public:
    std::string_view name() const override { return "uart16550"; }
    std::string_view about() const override { return "8250 to 16750 UARTs, polled or by interrupt"; }
    std::span<const std::string_view> devices() const override { return kDevices; }
    std::span<const OperationSpec> operations() const override { return kOperations; }
    std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool is_pci) const override {
        return std::make_unique<SerialSession>(platform, is_pci);
    }
};

}  // namespace

const DriverType& uart16550_driver() {
    static const SerialDriverType type;
    return type;
}

}  // namespace tb::harness
