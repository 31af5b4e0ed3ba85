// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "harness/rules/book.hpp"

namespace tb::rules {

/// What VIRTIO 1.2 demands of a driver of any device behind virtio-pci: status and features (§2.1, §2.2,
/// §3.1), configuration space (§2.5), the common structure, notifications and vectors (§4.1), rings and
/// chains, split and packed (§2.6 to §2.8). Devices add theirs.
class VirtioBook : public Book {
  public:
    VirtioBook(Court& court, const harness::DeviceType& device);

    void read(const Access& access) override;
    void write(const Access& access) override;
    void wrote_config(std::uint64_t offset) override;
    void load(std::uint64_t address, unsigned width, std::uint64_t value, hal::MemoryOrder order) override;
    void store(std::uint64_t address, unsigned width, std::uint64_t value, hal::MemoryOrder order) override;
    void barrier(hal::Barrier kind) override;
    void rests() override;
    void releases(std::uint64_t address, std::uint64_t bytes) override;
    Fetch fetch(std::uint64_t address, unsigned width, std::uint64_t value) override;
    void touches(std::uint64_t address, std::uint64_t bytes, bool store) override;

  protected:
    /// A piece of memory that a chain hands to the device.
    struct Piece {
        std::uint64_t address = 0;
        std::uint32_t bytes = 0;
        bool device_writes = false;
    };

    /// The feature that promises a field of the device's configuration; nothing for one that is always there.
    virtual std::optional<unsigned> feature_of(std::uint64_t /*offset*/) const { return std::nullopt; }
    virtual void read_config(const Access& /*access*/) {}
    /// What was read last is of one moment: the generation has not changed.
    virtual void config_settled() {}
    /// A chain is made available in a queue, and is well formed.
    virtual void request(unsigned /*queue*/, const std::vector<Piece>& /*pieces*/) {}
    /// The driver has set FEATURES_OK.
    virtual void features_chosen() {}
    virtual void was_reset() {}

    bool offered(unsigned bit) const { return (offered_ >> bit & 1) != 0; }
    /// ... each time that the driver asked, over resets: a driver that negotiates once more may have learnt
    /// what is on offer the first time.
    bool steadily_offered(unsigned bit) const { return offered(bit) && (always_offered_ >> bit & 1) != 0; }
    bool negotiated(unsigned bit) const { return (accepted_ >> bit & 1) != 0; }
    bool features_ok() const;
    bool driver_ok() const;
    bool queue_enabled(unsigned number) const;
    /// Bytes [offset, offset + most) of what a chain gives the device to read, or as many as there are.
    std::vector<std::byte> readable(const std::vector<Piece>& pieces, std::uint64_t offset,
                                    std::uint64_t most) const;

  private:
    struct Chain {
        std::uint16_t position = 0;              ///< the available index that stands for it
        std::vector<std::uint16_t> descriptors;  ///< of the queue's own table
        std::vector<Piece> pieces;
        std::uint64_t table = 0;  ///< of indirect descriptors
        std::uint32_t table_bytes = 0;
        bool sound = true;  ///< all pieces are the driver's to give
    };
    /// A place in a packed ring, and the wrap counter there.
    struct Cursor {
        std::uint32_t slot = 0;
        bool wrap = true;
    };
    struct Queue {
        std::uint16_t number = 0;
        std::uint32_t offered_size = 0;  ///< as the device said; 0: not asked
        std::uint32_t size = 0;
        std::uint64_t desc = 0;
        std::uint64_t avail = 0;
        std::uint64_t used = 0;
        bool enabled = false;
        std::optional<std::uint16_t> notify_off;
        std::uint16_t avail_idx = 0;  ///< packed: descriptors made available, modulo 65536
        std::uint16_t told_idx = 0;   ///< up to here the driver has asked whether the device wants to hear
        /// The device takes entries in order: those before one that has come back are read, and free.
        std::uint16_t consumed = 0;
        std::uint16_t used_heard = 0;  ///< the device's index, as the driver has loaded it
        std::uint16_t used_taken = 0;  ///< elements that it has loaded
        std::uint16_t lent = 0;        ///< chains made available less elements loaded; packed: descriptors
        bool unordered = false;        ///< something was stored since the last barrier or release
        bool idx_unfenced = false;     ///< the index was, and no full barrier since
        bool idx_unordered = false;    ///< the index was, and no barrier since that orders stores
        bool used_unfenced = false;  ///< the device's index was loaded without acquire, and no barrier since
        bool looked = false;         ///< at what suppresses notifications, since the index was stored
        bool wanted = false;         ///< what that said
        bool asked =
            false;  ///< for interrupts, while chains were lent, and the device's index not loaded since
        std::map<std::uint16_t, Chain> exposed;  ///< by head; packed: by buffer ID
        Cursor next_avail;                       ///< packed: what is made available next
        Cursor next_used;                        ///< what the device uses next
        bool used_flagged = false;               ///< it was seen to be used
    };

    // Registers.
    void write_common(const Access& access);
    void read_common(const Access& access);
    void write_status(std::uint8_t value);
    void hear_status(std::uint8_t value);
    void check_order(std::uint8_t value);
    void write_features(std::uint32_t value);
    void write_queue(const Access& access);
    void enable(Queue& queue);
    void check_vector(std::uint64_t vector);
    void notify(const Access& access);
    void check_width(const Access& access);
    void read_device(const Access& access);
    void close_config();
    void window(const Access& access);
    void forget_queues();
    bool is_live(const Queue& queue) const;

    // Rings.
    void store_in(Queue& queue, std::uint64_t address, unsigned width, std::uint64_t value,
                  hal::MemoryOrder order);
    void store_index(Queue& queue, std::uint16_t value, hal::MemoryOrder order);
    void check_altered(const Queue& queue, std::uint64_t address, unsigned width);
    void expose(Queue& queue, std::uint16_t position);
    static std::uint64_t entry_of(const Queue& queue, std::uint16_t position);
    static void take_back(Queue& queue, std::uint16_t head);
    bool walk(const Queue& queue, std::uint16_t head, Chain& chain);
    /// Whether the indirect table of a chain is whole descriptors in memory of the driver.
    bool is_table(const Chain& chain);
    bool walk_table(const Queue& queue, Chain& chain);
    void add_piece(Chain& chain, const Piece& piece);
    void load_from(Queue& queue, std::uint64_t address, unsigned width, std::uint64_t value,
                   hal::MemoryOrder order);
    void look(Queue& queue, bool wanted);
    static void ask(Queue& queue, bool interrupts);
    std::uint64_t memory_at(std::uint64_t address, unsigned width) const;

    // Packed rings (virtio_packed.cpp).
    struct PackedDescriptor {
        std::uint64_t address;
        std::uint32_t bytes;
        std::uint16_t id;
        std::uint16_t flags;
    };
    /// What a store that is not in memory yet is about to change.
    struct Pending {
        std::uint64_t address;
        unsigned width;
        std::uint64_t value;
    };
    bool packed() const;
    std::uint64_t driver_bytes(const Queue& queue) const;
    std::uint64_t device_bytes(const Queue& queue) const;
    static void advance(const Queue& queue, Cursor& cursor, std::uint32_t count);
    PackedDescriptor packed_descriptor(const Queue& queue, std::uint32_t slot, const Pending& pending) const;
    void packed_store(Queue& queue, const Pending& store, hal::MemoryOrder order);
    void packed_suppress(Queue& queue, const Pending& store);
    bool packed_expose(Queue& queue, const Pending& pending);
    bool packed_walk(const Queue& queue, const Pending& pending, Chain& chain, std::uint16_t& id);
    bool packed_table(Chain& chain);
    void packed_load(Queue& queue, std::uint64_t address, unsigned width, std::uint64_t value,
                     hal::MemoryOrder order);
    void packed_take(Queue& queue, std::uint16_t id);

    const harness::RegisterBlock* common_ = nullptr;
    const harness::RegisterBlock* isr_ = nullptr;
    const harness::RegisterBlock* device_ = nullptr;
    const harness::RegisterBlock* notify_ = nullptr;
    const harness::RegisterBlock* msix_ = nullptr;  ///< the capability
    const harness::RegisterBlock* window_ = nullptr;
    std::vector<harness::RegisterBlock> structures_;

    std::uint8_t status_ = 0;
    bool resetting_ = false;    ///< 0 was written, and not read back
    bool gone_ = false;         ///< the status read all-ones
    bool unheard_ = false;      ///< FEATURES_OK was written, and the status not read since
    bool refused_ = false;      ///< FEATURES_OK did not stay
    bool needs_reset_ = false;  ///< the device said so
    std::uint32_t offered_select_ = 0;
    std::uint32_t accepted_select_ = 0;
    std::uint64_t offered_ = 0;
    std::uint64_t always_offered_ = ~std::uint64_t{0};
    std::uint64_t accepted_ = 0;
    std::uint16_t selected_ = 0;
    std::map<std::uint16_t, Queue> queues_;

    std::optional<unsigned> table_size_;  ///< MSI-X entries, as the device said
    bool msix_on_ = false;
    std::optional<std::uint64_t> unverified_;  ///< the register whose vector was not read back

    std::optional<std::uint8_t> generation_;  ///< as last read
    bool unsettled_ = false;                  ///< fields were read since

    std::uint64_t window_bar_ = 0;
    std::uint64_t window_offset_ = 0;
    std::uint64_t window_length_ = 0;
};

}  // namespace tb::rules
