// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <hal/platform.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/operations/board.hpp"
#include "harness/operations/value.hpp"

namespace tb::harness {

class Arguments {
  public:
    Arguments() = default;
    explicit Arguments(NamedValues values) : values_(std::move(values)) {}

    void set(std::string name, Value value) { values_.set(std::move(name), std::move(value)); }
    bool has(std::string_view name) const { return values_.contains(name); }
    const NamedValues& all() const { return values_; }

    // The loader has checked types against the operation's KeySpecs, so these only have to know the default.
    std::uint64_t integer(std::string_view name, std::uint64_t otherwise = 0) const;
    bool boolean(std::string_view name, bool otherwise = false) const;
    std::string text(std::string_view name, std::string otherwise = {}) const;
    Bytes data(std::string_view name) const;
    std::vector<Bytes> data_list(std::string_view name) const;
    std::vector<std::string> text_list(std::string_view name) const;
    std::vector<std::uint64_t> integer_list(std::string_view name) const;

  private:
    NamedValues values_;
};

/// What an operation gave: success or an error, and named results that "expect" is compared with.
struct Outcome {
    hal::Status status;
    NamedValues results;
};

/// An operation of a driver, as scenarios spell it.
struct OperationSpec {
    const char* name;  ///< "blk.read"; the class before the dot
    const char* about;
    std::span<const KeySpec> arguments;
    std::span<const KeySpec> results;  ///< what "expect" may name besides "error"
    bool can_be_async = false;
};

/// A driver at work in a scenario: from probe to stop.
class DriverSession {
  public:
    virtual ~DriverSession() = default;

    /// Runs an operation to its end. "start" and "stop" are operations like others.
    virtual Outcome run(std::string_view operation, const Arguments& arguments) = 0;
    /// Begins one that can be asynchronous; the handle names it for finished(). An error here is the
    /// operation's end.
    virtual hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments) = 0;
    /// Whether it has ended, and how; does a round of polling.
    virtual std::optional<Outcome> finished(std::uint32_t handle) = 0;
};

/// A driver that scenarios can name.
class DriverType {
  public:
    virtual ~DriverType() = default;

    virtual std::string_view name() const = 0;
    virtual std::string_view about() const = 0;
    /// Names of the device types it drives.
    virtual std::span<const std::string_view> devices() const = 0;
    virtual std::span<const OperationSpec> operations() const = 0;
    /// `is_pci`: the device is a PCI function at kDeviceUnderTest; else it is where a PC has it.
    virtual std::unique_ptr<DriverSession> open(const hal::Platform& platform, bool is_pci) const = 0;

    const OperationSpec* find_operation(std::string_view name) const;
};

std::span<const DriverType* const> driver_types();
const DriverType* find_driver_type(std::string_view name);

/// What driver_types() lists. Each is defined in the file of its driver.
const DriverType& pci_driver();
const DriverType& uart16550_driver();
const DriverType& virtio_blk_driver();
const DriverType& virtio_net_driver();
const DriverType& ahci_driver();
const DriverType& e1000_driver();

}  // namespace tb::harness
