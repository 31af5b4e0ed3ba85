// SPDX-License-Identifier: BSD-3-Clause
#include "models/pci/q35.hpp"

#include <array>
#include <span>

namespace tb::model::pci {

namespace {

constexpr std::uint16_t kIntel = 0x8086;
constexpr std::uint16_t kQemuSubsystemVendor = 0x1af4;
constexpr std::uint16_t kQemuSubsystem = 0x1100;
constexpr std::uint8_t kMultifunction = 0x80;
constexpr unsigned kIch9 = 0x1f;

/// A dword of configuration space: what it holds at power-on and which bits a driver can change.
struct Word {
    std::uint8_t offset;
    std::uint32_t value;
    std::uint32_t writable;
};

/// A capability; QEMU's chain runs from the last added to the first.
struct CapabilityWords {
    std::uint8_t id;
    std::uint8_t offset;
    std::uint8_t length;
};

struct FunctionSpec {
    const char* name;
    std::uint8_t slot;
    std::uint8_t function;
    Identity identity;
    std::span<const CapabilityWords> capabilities;
    std::span<const Word> words;
};

constexpr Identity identity(std::uint16_t device, std::uint8_t revision, std::uint32_t class_code,
                            std::uint8_t pin, std::uint8_t header_type) {
    return {.vendor = kIntel,
            .device = device,
            .revision = revision,
            .class_code = class_code,
            .subsystem_vendor = kQemuSubsystemVendor,
            .subsystem = kQemuSubsystem,
            .interrupt_pin = pin,
            .header_type = header_type};
}

// PCIEXBAR and the other registers of the memory controller whose writes QEMU masks.
constexpr Word kHostWords[] = {
    {0x50, 0x0000'0010, 0xffff'0000}, {0x60, 0xb000'0000, 0xffff'ffff}, {0x9c, 0x0038'0200, 0}};
// Power management base, and the routing of PIRQA to PIRQH: off.
constexpr Word kBridgeWords[] = {
    {0x40, 0x0000'0001, 0x0000'ff86}, {0x60, 0x8080'8080, 0xffff'ffff}, {0x68, 0x8080'8080, 0xffff'ffff}};
// BAR4: 32 ports (the index and data pair); BAR5: 4 KiB (AHCI). MSI with a 64-bit address; the SATA
// capability.
constexpr Word kSataWords[] = {
    {0x20, 0x0000'0001, 0xffff'ffe0}, {0x24, 0, 0xffff'f000}, {0x80, 0x0080'a805, 0x0001'0000},
    {0x84, 0, 0xffff'fffc},           {0x88, 0, 0xffff'ffff}, {0x8c, 0, 0xffff'ffff},
    {0x90, 0x0000'0040, 0xffff'ffff}, {0xa8, 0x0010'0012, 0}, {0xac, 0x0000'0048, 0}};
constexpr CapabilityWords kSataCapabilities[] = {{0x12, 0xa8, 8}, {0x05, 0x80, 14}};
// BAR4: 64 ports.
constexpr Word kSmbusWords[] = {{0x20, 0x0000'0001, 0xffff'ffc0}, {0x40, 0, 0xffff'fff7}};

constexpr FunctionSpec kFunctions[] = {
    {"q35_host", 0, 0, identity(0x29c0, 0, 0x06'0000, 0, 0), {}, kHostWords},
    {"ich9_lpc", kIch9, 0, identity(0x2918, 2, 0x06'0100, 0, kMultifunction), {}, kBridgeWords},
    {"ich9_sata", kIch9, 2, identity(0x2922, 2, 0x01'0601, 1, kMultifunction), kSataCapabilities, kSataWords},
    {"ich9_smbus", kIch9, 3, identity(0x2930, 2, 0x0c'0500, 1, kMultifunction), {}, kSmbusWords},
};

class HeaderOnly : public PciDevice {
  public:
    HeaderOnly(Board& board, const FunctionSpec& spec)
        : PciDevice(spec.name, board, spec.slot, spec.function, spec.identity), spec_(spec) {
        for (const CapabilityWords& capability : spec.capabilities)
            config().add_capability(capability.id, capability.length, capability.offset);
        for (const Word& word : spec.words) config().set_writable(word.offset, 4, word.writable);
    }

  private:
    std::uint64_t bar_read(unsigned, std::uint64_t, unsigned) override { return 0; }
    void bar_write(unsigned, std::uint64_t, unsigned, std::uint64_t) override {}
    void reset_device() override {
        for (unsigned offset = config::kHeaderEnd; offset < ConfigSpace::kSize; offset += 4)
            if (!in_capability(offset)) config().set(offset, 4, 0);
        for (const Word& word : spec_.words) config().set(word.offset, 4, word.value);
    }
    bool in_capability(unsigned offset) const {
        for (const CapabilityWords& capability : spec_.capabilities)
            if (offset >= capability.offset && offset < capability.offset + capability.length) return true;
        return false;
    }

    const FunctionSpec& spec_;
};

}  // namespace

Q35Functions::Q35Functions(Board& board) {
    for (const FunctionSpec& spec : kFunctions)
        functions_.push_back(std::make_unique<HeaderOnly>(board, spec));
}

void Q35Functions::power_on_reset() {
    for (const auto& function : functions_) function->power_on_reset();
}

}  // namespace tb::model::pci
