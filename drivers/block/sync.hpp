// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <hal/platform.hpp>
#include <hal/poll.hpp>

#include "block/block_device.hpp"

/// The synchronous form of a block device: one request, and wait for its end. For callers that have no other
/// requests of their own in flight on the device, or take them through `Others`.
namespace tb::block {

/// Who gets the completions of other requests that come by while one is waited for; dropped when there is
/// nobody.
struct Others {
    void (*take)(void* context, const Completion& completion) = nullptr;
    void* context = nullptr;
};

/// How often a waiting caller looks at first.
inline constexpr hal::Duration kSyncInterval = hal::microseconds(10);
inline constexpr unsigned kSyncBudget = 64;

/// Submits and waits. After `timeout` the device is reset, because only a reset takes back a buffer that it
/// was lent; the result is kTimeout then, and other requests in flight end with kReset. All other errors as
/// the device class has them.
inline hal::Result<Completion> run_sync(BlockDevice& device, hal::Platform platform, const Request& request,
                                        hal::Duration timeout, Others others = {}) {
    const hal::Result<Token> token = device.submit(request);
    if (!token) return token.error();
    Completion mine;
    bool found = false;
    // Ends with the completions that there are; nothing here adds any.
    const auto take = [&] {
        while (const std::optional<Completion> next = device.next_completion()) {
            if (next->token == *token) {
                mine = *next;
                found = true;
            } else if (others.take != nullptr) {
                others.take(others.context, *next);
            }
        }
        return found;
    };
    const bool in_time = hal::poll_patiently(platform, timeout, kSyncInterval, [&] {
        device.poll(kSyncBudget);
        return take();
    });
    if (!in_time) {
        (void)device.recover();
        take();
        return hal::Error::kTimeout;
    }
    if (!mine.status) return mine.status.error();
    return mine;
}

/// The same, for requests whose completion says no more than whether they succeeded.
inline hal::Status finish_sync(BlockDevice& device, hal::Platform platform, const Request& request,
                               hal::Duration timeout, Others others) {
    const hal::Result<Completion> done = run_sync(device, platform, request, timeout, others);
    return done ? hal::Status{} : hal::Status(done.error());
}

inline hal::Status read_sync(BlockDevice& device, hal::Platform platform, std::uint64_t sector,
                             std::span<std::byte> data, hal::Duration timeout, Others others = {}) {
    const Request request{.operation = Operation::kRead, .sector = sector, .segments = {&data, 1}};
    return finish_sync(device, platform, request, timeout, others);
}

inline hal::Status write_sync(BlockDevice& device, hal::Platform platform, std::uint64_t sector,
                              std::span<std::byte> data, hal::Duration timeout, Others others = {}) {
    const Request request{.operation = Operation::kWrite, .sector = sector, .segments = {&data, 1}};
    return finish_sync(device, platform, request, timeout, others);
}

inline hal::Status flush_sync(BlockDevice& device, hal::Platform platform, hal::Duration timeout,
                              Others others = {}) {
    return finish_sync(device, platform, {.operation = Operation::kFlush}, timeout, others);
}

inline hal::Status discard_sync(BlockDevice& device, hal::Platform platform, std::uint64_t sector,
                                std::uint64_t sectors, hal::Duration timeout, Others others = {}) {
    const Request request{.operation = Operation::kDiscard, .sector = sector, .sectors = sectors};
    return finish_sync(device, platform, request, timeout, others);
}

inline hal::Status write_zeroes_sync(BlockDevice& device, hal::Platform platform, std::uint64_t sector,
                                     std::uint64_t sectors, bool unmap, hal::Duration timeout,
                                     Others others = {}) {
    const Request request{
        .operation = Operation::kWriteZeroes, .sector = sector, .sectors = sectors, .unmap = unmap};
    return finish_sync(device, platform, request, timeout, others);
}

/// The device's identity: 20 bytes of text, not terminated when it is as long as that.
inline hal::Status get_id_sync(BlockDevice& device, hal::Platform platform, std::span<std::byte, 20> id,
                               hal::Duration timeout, Others others = {}) {
    std::span<std::byte> data = id;
    const Request request{.operation = Operation::kGetId, .segments = {&data, 1}};
    return finish_sync(device, platform, request, timeout, others);
}

}  // namespace tb::block
