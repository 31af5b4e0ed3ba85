// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/block/ahci_regs.hpp"
#include "models/block/ata_disk.hpp"
#include "models/block/disk_jobs.hpp"
#include "models/core/register_bank.hpp"
#include "models/pci/requester.hpp"

namespace tb::model::block {

/// What a port asks of the HBA that it belongs to.
class AhciHost {
  public:
    virtual ~AhciHost() = default;
    virtual pci::Requester& memory() = 0;
    virtual EventQueue& events() = 0;
    /// A cause has come up at a port, or its causes were cleared or masked: IS and the interrupt follow.
    virtual void update_interrupts() = 0;
    virtual void objection(const std::string& subject, const std::string& message) = 0;
};

/// One port of QEMU's AHCI controller and the ide-hd disk at it (AHCI 1.3.1 §5, as QEMU 7.2 behaves).
///
/// A command is carried out when it is issued, as far as that needs no disk; reads, writes, flushes and TRIM
/// end when the plan of the DiskJobs says.
class AhciPort {
  public:
    AhciPort(AhciHost& host, RegisterBank& bank, unsigned number);

    /// Puts a disk at the port. Before the first reset; outlives this object.
    void attach(AtaDisk& disk) { disk_ = &disk; }
    AtaDisk* disk() { return disk_; }
    DiskJobs& jobs() { return jobs_; }

    /// Of the whole HBA: the port's registers, and its disk.
    void reset_with_hba();
    void power_on_reset();

    std::uint32_t pending_causes() const { return static_cast<std::uint32_t>(is_.value() & ie_.value()); }

  private:
    using Register = RegisterBank::Register;
    /// How often the end of a command is told.
    enum class Told : std::uint8_t { kOnce, kTwice };

    /// The command header in memory that the current command came from.
    struct Header {
        std::uint64_t address = 0;
        std::uint16_t options = 0;
        std::uint16_t prds = 0;
        std::uint64_t table = 0;
    };
    struct Piece {
        std::uint64_t address;
        std::uint64_t bytes;
    };
    struct Queued {
        bool used = false;
        Header header;
        std::vector<Piece> pieces{};
        std::uint64_t lba = 0;
        std::uint32_t sectors = 0;
    };
    enum class Dma : std::uint8_t { kRead, kWrite, kTrim };

    // Registers and engines (ahci_port.cpp).
    void write_command(std::uint64_t written);
    void reset();
    void send_initial_fis();
    void raise(std::uint32_t cause);
    void check_commands();
    void handle_slot(unsigned slot);
    void handle_command_fis(unsigned slot, std::span<const std::byte, 128> table);
    bool receives() const;
    bool write_register_fis(bool interrupt);
    void write_pio_setup(std::uint16_t bytes, bool interrupt);
    void write_set_device_bits();
    void clear_issued(unsigned slot);
    std::optional<std::vector<Piece>> pieces(const Header& header, std::uint64_t limit, std::uint64_t offset);
    void gather(const std::vector<Piece>& pieces, std::span<std::byte> data);
    void scatter(const std::vector<Piece>& pieces, std::span<const std::byte> data);
    void count_bytes(std::uint32_t bytes);
    TaskFile& task() { return task_of_nobody_ != nullptr ? *task_of_nobody_ : disk_->registers(); }

    // ATA commands (ahci_commands.cpp).
    void execute(std::uint8_t command);
    /// Whether the command is done when this returns.
    bool run(std::uint8_t command);
    bool set_features();
    bool smart();
    void abort();
    void transfer_stop();
    void done();
    void choose_lba48(bool lba48);
    bool start_pio(bool write, bool lba48, unsigned block);
    void pio_transfer(std::span<std::byte> data);
    void pio_read_next();
    void pio_write_block();
    void flush();
    void start_dma(Dma kind);
    void dma_next(int error);
    void dma_begin(std::uint64_t sector, std::uint32_t count);
    void dma_error();
    int trim(std::span<const std::byte> ranges);
    void queued_command(unsigned slot, std::span<const std::byte, 128> table);
    void queued_end(unsigned tag, int error);
    void queued_failed(Queued& queued);
    int write_disk(std::uint64_t sector, std::span<const std::byte> data);

    AhciHost& host_;
    unsigned number_;
    AtaDisk* disk_ = nullptr;
    TaskFile nobody_;                     ///< the registers of a port without a disk
    TaskFile* task_of_nobody_ = nullptr;  ///< these, while there is none
    DiskJobs jobs_;
    Timer check_;  ///< looks for commands that wait behind one that has ended

    Register& clb_;
    Register& clbu_;
    Register& fb_;
    Register& fbu_;
    Register& is_;
    Register& ie_;
    Register& cmd_;
    Register& tfd_;
    Register& sig_;
    Register& sctl_;
    Register& sact_;
    Register& ci_;

    std::uint64_t list_ = 0;  ///< where the engines go: as it was when they were started
    std::uint64_t received_ = 0;
    bool initial_sent_ = false;
    bool in_soft_reset_ = false;
    std::optional<unsigned> busy_slot_;
    Header current_;
    bool first_block_done_ = false;
    std::uint32_t pio_block_ = 1;  ///< sectors of one DRQ block
    std::vector<std::byte> pio_data_;
    Dma dma_ = Dma::kRead;
    std::vector<Piece> dma_pieces_;
    std::uint64_t transferred_ = 0;  ///< bytes of the current command
    std::uint32_t dma_bytes_ = 0;    ///< of the part of it that is on its way
    std::uint32_t finished_ = 0;     ///< tags for the next Set Device Bits FIS
    std::array<Queued, kAhciSlots> queued_{};
};

}  // namespace tb::model::block
