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

#include "block/block_device.hpp"
#include "harness/operations/operation.hpp"

namespace tb::harness {

/// The operations of the device class of disks: `blk.read`, `blk.write` and the rest. Whatever driver
/// implements block::BlockDevice gets them from here.
std::span<const OperationSpec> block_operations();

/// Runs them on one device. Buffers of a request live here until its completion was taken, so the driver must
/// be stopped before this goes.
class BlockOperations {
  public:
    BlockOperations(block::BlockDevice& device, const hal::Platform& platform)
        : device_(device), platform_(platform) {}

    static bool is_one(std::string_view operation);

    Outcome run(std::string_view operation, const Arguments& arguments);
    hal::Result<std::uint32_t> begin(std::string_view operation, const Arguments& arguments);
    std::optional<Outcome> finished(std::uint32_t handle);
    /// Takes the completions that wait: to be called before the driver forgets them (when it is started
    /// again).
    void collect();

  private:
    struct Pending {
        block::Operation operation;
        std::vector<Bytes> buffers;
        std::vector<std::span<std::byte>> segments;
        block::Token token;
        std::optional<block::Completion> completion;
    };

    /// The request that an operation asks for; its buffers are in `pending`.
    static hal::Result<block::Request> prepare(std::string_view operation, const Arguments& arguments,
                                               Pending& pending);
    static Outcome outcome_of(const Pending& pending, const block::Completion& completion);
    void take(const block::Completion& completion);
    Outcome info() const;

    block::BlockDevice& device_;
    hal::Platform platform_;
    FlatMap<std::uint32_t, std::unique_ptr<Pending>> pending_;
    std::uint32_t next_handle_ = 1;
};

}  // namespace tb::harness
