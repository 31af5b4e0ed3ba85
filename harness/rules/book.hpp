// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/machine.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "harness/devices/register_map.hpp"

namespace tb::rules {

/// Whether two ranges of memory have a byte in common.
constexpr bool overlaps(std::uint64_t a, std::uint64_t a_bytes, std::uint64_t b, std::uint64_t b_bytes) {
    return a < b + b_bytes && b < a + a_bytes;
}

/// An access to a register of the device under test.
struct Access {
    bool write = false;
    unsigned width = 0;
    std::uint64_t value = 0;  ///< that the driver wrote, or heard
    harness::RegisterPlace place = {};

    bool in(const harness::RegisterBlock* block) const { return block != nullptr && place.block == block; }
};

/// What a book has to say, and may ask.
class Court {
  public:
    virtual ~Court() = default;
    /// A rule is broken; told once a rule and run.
    virtual void breaks(std::string_view rule, const std::string& how) = 0;
    /// The guest's memory from address 0, as the driver has left it.
    virtual std::span<const std::byte> memory() const = 0;
    /// Whether [address, address + bytes) is inside one of the driver's own allocations or mappings.
    virtual bool owns(std::uint64_t address, std::uint64_t bytes) const = 0;
    /// Whether it may be given to the device, to write to or to read from.
    virtual bool lent_for(std::uint64_t address, std::uint64_t bytes, bool device_writes) const = 0;
    /// PCI: whether the driver has let the device reach memory.
    virtual bool bus_master() const = 0;
    /// Virtual nanoseconds.
    virtual std::uint64_t now() const = 0;
};

/// What a load of shared memory is, for who counts double fetches.
enum class Fetch : std::uint8_t {
    kNothing,  ///< not the device's to write
    kPolled,   ///< a place that a driver looks at until it changes: an index, a bit that says done
    kTaken,    ///< something that the device has written and the driver relies on
};

/// The rules of one family of devices: follows what a driver does and hears, and speaks up. Called in the
/// order of events; writes and stores before they take effect, reads and loads behind.
class Book {
  public:
    explicit Book(Court& court) : court_(court) {}
    virtual ~Book() = default;
    Book(const Book&) = delete;
    Book& operator=(const Book&) = delete;

    virtual void read(const Access& /*access*/) {}
    virtual void write(const Access& /*access*/) {}
    /// A write to the configuration space of the device that is to no register which it names.
    virtual void wrote_config(std::uint64_t /*offset*/) {}
    virtual void load(std::uint64_t /*address*/, unsigned /*width*/, std::uint64_t /*value*/,
                      hal::MemoryOrder /*order*/) {}
    virtual void store(std::uint64_t /*address*/, unsigned /*width*/, std::uint64_t /*value*/,
                       hal::MemoryOrder /*order*/) {}
    virtual void barrier(hal::Barrier /*kind*/) {}
    /// The driver looks at memory that it shares with the device, or stores to it: cells and whole buffers.
    virtual void touches(std::uint64_t /*address*/, std::uint64_t /*bytes*/, bool /*store*/) {}
    /// Time passes, or the driver has come back: what it has begun is to be complete.
    virtual void rests() {}
    /// [address, address + bytes) is about to be given back or unmapped.
    virtual void releases(std::uint64_t /*address*/, std::uint64_t /*bytes*/) {}
    virtual Fetch fetch(std::uint64_t /*address*/, unsigned /*width*/, std::uint64_t /*value*/) {
        return Fetch::kNothing;
    }

  protected:
    Court& court() { return court_; }
    const Court& court() const { return court_; }
    void breaks(std::string_view rule, const std::string& how) { court_.breaks(rule, how); }

  private:
    Court& court_;
};

std::unique_ptr<Book> make_virtio_blk_book(Court& court, const harness::DeviceType& device);
std::unique_ptr<Book> make_virtio_net_book(Court& court, const harness::DeviceType& device);
std::unique_ptr<Book> make_ahci_book(Court& court, const harness::DeviceType& device);
std::unique_ptr<Book> make_e1000_book(Court& court, const harness::DeviceType& device);
std::unique_ptr<Book> make_uart_book(Court& court, const harness::DeviceType& device);

}  // namespace tb::rules
