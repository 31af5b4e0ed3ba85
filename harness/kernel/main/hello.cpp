#include "harness/kernel/core/console.hpp"
#include "harness/kernel/core/cpu.hpp"
#include "harness/kernel/core/pci_config.hpp"
#include "harness/kernel/core/start.hpp"
namespace tb::kernel {
ExitStatus kernel_main(const char* c) {
    print("hello ", c, " board ", static_cast<unsigned>(board_kind()), "\n");
    for (unsigned d = 0; d < 8; ++d)
        print(Hex{pci_read({0, static_cast<std::uint8_t>(d), 0}, 0, 4), 8}, " cmd ",
              Hex{pci_read({0, static_cast<std::uint8_t>(d), 0}, 4, 4)}, " bar0 ",
              Hex{pci_read({0, static_cast<std::uint8_t>(d), 0}, 16, 4)}, " irq ",
              Hex{pci_read({0, static_cast<std::uint8_t>(d), 0}, 0x3c, 4)}, "\n");
    volatile std::uint64_t where = 8;
    if (c[0] == 0x6e) *reinterpret_cast<volatile int*>(where) = 1;
    return ExitStatus::kSuccess;
}
}  // namespace tb::kernel
