// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/devices/model_rig.hpp"
#include "harness/devices/qemu_rig.hpp"
#include "harness/devices/types.hpp"
#include "models/serial/char_stream.hpp"
#include "models/serial/isa_serial.hpp"
#include "models/serial/pci_serial.hpp"
#include "models/serial/uart16550_regs.hpp"

namespace tb::harness {

namespace {

using nlohmann::json;

constexpr std::uint16_t kCom1 = 0x3f8;

constexpr KeySpec kModemLines = {
    "modem_lines", ValueType::kBoolean, false,
    "true: the line has modem lines (CTS, DSR, DCD on at first); on the models only"};
constexpr KeySpec kPciConfiguration[] = {kModemLines};
constexpr KeySpec kIsaConfiguration[] = {
    kModemLines,
    {"absent", ValueType::kBoolean, false, "true: the machine has no UART there"},
};

/// The terminal of a model: characters, breaks and modem lines.
class StreamOutside : public Outside {
  public:
    StreamOutside(model::serial::CharStream& stream, ModelMachine*& machine)
        : stream_(stream), machine_(machine) {}

    bool has_line() const override { return true; }
    void type(std::span<const std::byte> characters) override {
        stream_.type(characters);
        machine_->settle();
    }
    Bytes take_output() override { return stream_.take_output(); }
    void send_break() override {
        stream_.send_break();
        machine_->settle();
    }
    void set_modem_lines(bool cts, bool dsr, bool ri, bool dcd) override {
        stream_.set_modem_inputs({.cts = cts, .dsr = dsr, .ri = ri, .dcd = dcd});
        machine_->settle();
    }

  private:
    model::serial::CharStream& stream_;
    ModelMachine*& machine_;
};

class SerialModelRig : public ModelRig {
  public:
    SerialModelRig(const RigOptions& options, bool pci, bool absent, bool modem_lines)
        : outside_(stream_, machine_) {
        // A UART asks its back end once whether there are any.
        if (modem_lines) stream_.set_modem_inputs({});
        build(options, [&](model::pci::Board& board) {
            if (absent) return;
            if (pci)
                pci_ = std::make_unique<model::serial::PciSerial>("serial", board, stream_,
                                                                  kDeviceUnderTest.device);
            else
                isa_ = std::make_unique<model::serial::IsaSerial>("serial", board, stream_);
        });
        machine_ = &model();
        power_on();
    }
    Outside& outside() override { return outside_; }
    void reset_device() override {
        power_on();
        model().settle();
    }
    bool reset() override {
        reset_machine();
        const bool modem_lines = stream_.has_modem_lines();
        stream_.reset();
        if (modem_lines) stream_.set_modem_inputs({});
        reset_device();
        return true;
    }

  private:
    void power_on() {
        if (pci_ != nullptr) pci_->power_on_reset();
        if (isa_ != nullptr) isa_->power_on_reset();
    }

    model::serial::CharStream stream_;
    std::unique_ptr<model::serial::IsaSerial> isa_;
    std::unique_ptr<model::serial::PciSerial> pci_;
    ModelMachine* machine_ = nullptr;
    StreamOutside outside_;
};

class SerialType : public DeviceType {
  public:
    explicit SerialType(bool pci)
        : pci_(pci),
          blocks_{{"", hal::AddressSpace::kPort, pci ? 0 : -1, pci ? 0ULL : kCom1,
                   model::serial::uart16550_registers()}} {}

    std::string_view name() const override { return pci_ ? "pci-serial" : "isa-serial"; }
    std::string_view about() const override {
        return pci_ ? "16550A UART behind the I/O BAR of a PCI function (1b36:0002)"
                    : "16550A UART at ports 0x3f8 to 0x3ff, IRQ 4 (COM1)";
    }
    bool is_pci() const override { return pci_; }
    std::string_view why_not_on(std::string_view board) const override {
        return pci_ && board == "microvm" ? "microvm has no ports for PCI functions" : "";
    }
    std::span<const RegisterBlock> blocks() const override { return blocks_; }
    std::span<const KeySpec> configuration() const override {
        return pci_ ? std::span<const KeySpec>(kPciConfiguration)
                    : std::span<const KeySpec>(kIsaConfiguration);
    }

    std::unique_ptr<Rig> make_model(const json& configuration, const RigOptions& options) const override {
        return std::make_unique<SerialModelRig>(options, pci_, flag(configuration, "absent"),
                                                flag(configuration, "modem_lines"));
    }
    std::unique_ptr<Rig> make_qemu(const json& configuration, const RigOptions& options) const override {
        qemu::VmOptions vm = vm_options_for(options);
        if (!flag(configuration, "absent")) {
            vm.serials = {"line"};
            vm.devices = {pci_ ? fmt::format("pci-serial,chardev=line,addr={:02x}.0", kDeviceUnderTest.device)
                               : "isa-serial,chardev=line,iobase=0x3f8,irq=4"};
        }
        return std::make_unique<QemuRig>(vm);
    }

  private:
    static bool flag(const json& configuration, const char* name) {
        const auto found = configuration.find(name);
        return found != configuration.end() && found->get<bool>();
    }

    bool pci_;
    RegisterBlock blocks_[1];
};

}  // namespace

const DeviceType& isa_serial() {
    static const SerialType type(false);
    return type;
}

const DeviceType& pci_serial() {
    static const SerialType type(true);
    return type;
}

}  // namespace tb::harness
