// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/platform.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "harness/operations/operation.hpp"
#include "net/net_device.hpp"

namespace tb::harness {

/// The operations of the device class net (net.send, net.receive, ...), written against the class: a driver
/// type adds its own start, stop and what else it has.
std::span<const OperationSpec> net_operations();

/// Runs them on a device. Payloads stay here until their completion was taken.
class NetOperations {
  public:
    NetOperations(net::NetDevice& device, const hal::Platform& platform)
        : device_(device), platform_(platform) {}

    /// Nothing for an operation that is not of the class.
    std::optional<Outcome> run(std::string_view operation, const Arguments& arguments);
    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments);
    std::optional<Outcome> finished(std::uint32_t handle);
    /// Drops the payloads; the driver has stopped.
    void clear();

  private:
    struct Flight {
        std::vector<Bytes> data;
        std::vector<std::span<std::byte>> fragments;
        std::optional<hal::Status> status;
    };
    hal::Result<std::uint32_t> submit(const Arguments& arguments);
    Outcome send(const Arguments& arguments);
    Outcome receive(const Arguments& arguments);
    Outcome info();
    Outcome statistics();
    hal::Status set_multicast(const Arguments& arguments);
    void collect();

    net::NetDevice& device_;
    hal::Platform platform_;
    FlatMap<std::uint32_t, Flight> flights_;  ///< by token
};

/// "52:54:00:12:34:56" and back.
std::optional<net::MacAddress> to_mac(std::string_view text);
std::string to_text(const net::MacAddress& mac);

}  // namespace tb::harness
