// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <hal/platform.hpp>
#include <optional>

#include "block/ahci_regs.hpp"
#include "block/ata.hpp"
#include "block/block_device.hpp"
#include "block/request_list.hpp"

namespace tb::ahci {

/// How reads and writes are put to the disk.
enum class Transfer : std::uint8_t {
    kQueued,  ///< READ and WRITE FPDMA QUEUED, where disk and HBA can; else as kDma
    kDma,     ///< READ and WRITE DMA (EXT), one at a time
    kPio,     ///< READ and WRITE SECTORS (EXT), one at a time
};

struct PortOptions {
    Transfer transfer = Transfer::kQueued;
    bool lba48 = true;  ///< use 48-bit commands where the disk can
    /// Each write is on the medium when it ends (FUA); start() fails with kUnsupported where that cannot be.
    bool force_unit_access = false;
    hal::Duration request_timeout = hal::seconds(5);
    hal::Duration spin_up_timeout = hal::seconds(10);  ///< for a disk that says that it is busy
};

class Hba;

/// A disk at a port of an AHCI HBA: commands on their way to it and back (AHCI 1.3.1 §5.5, §6, §10).
///
/// Whatever HBA and disk do, each request ends once: as the disk said, with kProtocol when what it said
/// cannot be, with kTimeout past its deadline, with kReset when port or HBA were reset under it, with
/// kDeviceGone when disk or HBA were pulled.
///
/// That a command has ended is believed only when registers and memory say so together: the bit in PxCI or
/// PxSACT is gone for two reads in a row, the port still runs, and the FIS that ended the command is in
/// memory, with the bytes that it moved where the command counts them.
///
/// After an error of one queued command the others are issued again, one at a time where the disk does not
/// tell which one failed. Made and owned by an Hba.
class Port final : public block::BlockDevice {
  public:
    static constexpr unsigned kMostSlots = 32;
    /// Requests that are in flight or wait to be, or whose completion was not taken.
    static constexpr std::uint16_t kMostRequests = 64;
    /// Pieces of memory of one command (PRDs).
    static constexpr unsigned kMostPrds = 120;
    /// Pieces of memory that the caller has lent, over all requests.
    static constexpr std::uint16_t kMostMappings = 256;
    /// How often poll() asks the port how it is while it owes something.
    static constexpr hal::Duration kCheckInterval = hal::milliseconds(10);

    Port() = default;
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    const block::Info& info() const override { return info_; }
    hal::Result<block::Token> submit(const block::Request& request) override;
    unsigned poll(unsigned budget) override;
    std::optional<block::Completion> next_completion() override;
    hal::Status set_write_cache(bool on) override;
    /// Resets the port and its disk (COMRESET), and the whole HBA where that does not help.
    hal::Status recover() override;

    unsigned number() const { return number_; }
    bool running() const { return state_ == State::kRunning; }
    /// Requests that have not ended.
    std::uint16_t in_flight() const { return in_flight_; }
    /// Commands that may be queued in the disk; 0 when none are queued.
    unsigned queue_depth() const { return queued_ ? slots_in_use_ : 0; }
    const ata::Identity& identity() const { return identity_; }

    struct Counters {
        std::uint32_t resets = 0;           ///< of the port or the HBA, after an error or by recover()
        std::uint32_t errors = 0;           ///< that the port has reported
        std::uint32_t requeued = 0;         ///< commands that were issued again after another's error
        std::uint32_t lost_interrupts = 0;  ///< times that finished commands were found without one
        std::uint32_t plugged = 0;          ///< notices that a disk came or went
    };
    const Counters& counters() const { return counters_; }

  private:
    friend class Hba;

    using List = block::RequestList;
    static constexpr std::uint16_t kNone = List::kNone;
    static constexpr std::uint32_t kGoneMark = 1U << 31;  ///< in marks_: no bit of PxIS that is used

    enum class State : std::uint8_t { kOff, kRunning, kFailed, kGone };
    enum class Kind : std::uint8_t { kNonData, kRead, kWrite, kTrim };

    /// A command as it is issued, and issued again: never read back from memory that the HBA can reach.
    struct Command {
        ata::Registers registers;
        std::uint32_t bytes = 0;  ///< that it moves
        Kind kind = Kind::kNonData;
        bool queued = false;
        bool pio = false;
    };
    /// One request from submit() to next_completion(). It hangs in one list at a time.
    struct Record {
        Command command;
        hal::Instant deadline;
        block::Completion completion;
        std::uint64_t trim_lba = 0;
        std::uint64_t trim_sectors = 0;
        std::uint32_t generation = 0;
        std::uint16_t mappings = kNone;  ///< the first of them
        std::uint16_t last_mapping = kNone;
        std::uint16_t previous = kNone;
        std::uint16_t next = kNone;
        std::uint8_t slot = 0;
        bool alone = false;  ///< issued again, and found guilty if it fails again
    };
    struct Mapping {
        hal::DmaMapping dma;
        std::uint16_t next = kNone;
    };
    struct Slot {
        std::uint16_t record = kNone;
        std::uint32_t heard = 0;  ///< fis_changes_ when it was issued, or found active still
    };

    // Life (ahci_port.cpp). Called by the Hba.
    void place(Hba& hba, unsigned number, hal::MmioWindow registers);
    hal::Status start(const PortOptions& options);
    hal::Status allocate();
    hal::Status bring_up();
    hal::Status identify();
    /// PxCMD.ST and FRE off; kTimeout when an engine does not stop.
    hal::Status stop_engines();
    hal::Status stop_commands();
    hal::Status comreset();
    hal::Status wait_ready();
    hal::Status start_commands();
    void release();
    void fail(hal::Error why);
    void gone();
    hal::Status restart(hal::Error guilty, hal::Error others);
    hal::Status reset_hba(hal::Error guilty, hal::Error others);
    hal::Status execute(const Command& command);
    hal::Status read_log(std::uint8_t log, std::span<std::byte, ata::kBlockBytes> data);
    hal::Status apply_write_cache(bool on);

    std::uint32_t read(std::uint32_t offset) const { return registers_.read<std::uint32_t>(offset); }
    void write(std::uint32_t offset, std::uint32_t value) const {
        registers_.write<std::uint32_t>(offset, value);
    }
    /// Handler's side: work that an interrupt has brought.
    void mark(std::uint32_t bits) { marks_.fetch_or(bits, std::memory_order_release); }
    bool pending() const { return marks_.load(std::memory_order_relaxed) != 0; }

    // Requests (ahci_request.cpp).
    hal::Result<Command> plan(const block::Request& request) const;
    hal::Status check_range(std::uint64_t sector, std::uint64_t sectors) const;
    void address(ata::Registers& registers, std::uint64_t lba, std::uint32_t count, bool queued) const;
    hal::Status map_data(Record& record, const block::Request& request, Kind kind);
    void unmap_data(Record& record);
    void clear_records();
    void complete(std::uint16_t index, hal::Status status);
    void finish_all(hal::Error guilty, hal::Error others);

    // Commands (ahci_command.cpp).
    void issue_waiting();
    bool may_issue(const Record& record) const;
    void issue(std::uint16_t index);
    void write_table(std::uint8_t slot, const Command& command, const Record* record);
    void ring();
    void expect_fis(bool queued);
    void look_at_fis();
    unsigned service(std::uint32_t causes, unsigned budget, bool look);
    unsigned harvest(unsigned budget, bool error);
    std::uint32_t finished_queued(bool error);
    std::uint32_t finished_alone();
    bool fis_tells_of_end(const Command& command, bool& failed);
    unsigned check(hal::Instant now, unsigned budget);
    bool is_running(std::uint32_t command) const;

    // Errors (ahci_error.cpp).
    unsigned handle_error();
    hal::Status ask_who_failed(std::uint32_t slots);
    void requeue(std::uint32_t slots, bool guilty);
    unsigned plugged();

    static constexpr std::uint32_t slot_bit(unsigned slot) { return std::uint32_t{1} << slot; }
    std::uint32_t table_at(std::uint8_t slot) const;
    std::uint64_t device_address(std::uint32_t offset) const { return memory_.device_address() + offset; }

    Hba* hba_ = nullptr;
    hal::Platform platform_;
    hal::MmioWindow registers_;
    unsigned number_ = 0;
    PortOptions options_;
    block::Info info_;
    ata::Identity identity_;
    Counters counters_;
    State state_ = State::kOff;
    hal::Error failure_ = hal::Error::kNotStarted;
    std::optional<bool> cache_choice_;  ///< what the caller has set: a reset may have undone it
    hal::DmaMemory memory_;             ///< command list, received FISes, command tables, a block of data
    std::atomic<std::uint32_t> marks_{0};
    hal::Instant next_check_;

    bool queued_ = false;
    unsigned slots_in_use_ = 1;
    std::uint32_t busy_ = 0;         ///< slots with a command that was issued, or is about to be
    std::uint32_t to_ring_ = 0;      ///< of these, those of which the HBA does not know yet
    bool alone_ = false;             ///< the command in busy_ is one that is not queued, or is issued again
    bool receiving_ = false;         ///< PxFB is set, and FRE
    unsigned next_slot_ = 0;         ///< in turn, so that two commands in a row never have the same
    std::uint32_t fis_changes_ = 0;  ///< how often the Set Device Bits FIS was found changed
    std::uint32_t told_ = 0;         ///< slots that such a FIS has named since they were issued
    std::uint32_t fis_seen_[2] = {0, 0};
    std::array<Slot, kMostSlots> slots_{};

    std::uint16_t in_flight_ = 0;
    List free_;
    List waiting_;  ///< not issued yet, in order
    List flying_;   ///< issued, oldest first
    List done_;
    std::uint16_t free_mapping_ = kNone;
    std::uint16_t fresh_mapping_ = 0;
    std::array<Record, kMostRequests> records_{};
    std::array<Mapping, kMostMappings> mappings_{};
};

}  // namespace tb::ahci
