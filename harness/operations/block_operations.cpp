// SPDX-License-Identifier: BSD-3-Clause
#include "harness/operations/block_operations.hpp"

#include <algorithm>

#include "block/sync.hpp"

namespace tb::harness {

namespace {

using block::Completion;
using block::Operation;
using block::Request;
using hal::Error;

constexpr std::uint64_t kSector = block::kSectorSize;
/// Of one request; more is a slip in a scenario.
constexpr std::uint64_t kMostBytes = 64 << 20;
constexpr std::size_t kIdBytes = 20;
constexpr unsigned kPollBudget = 64;
// Behind the deadline that the driver itself has, by default.
constexpr std::uint64_t kDefaultTimeout = 10'000'000'000;

constexpr KeySpec kSectorKey = {"sector", ValueType::kInteger, true, "first sector, in units of 512 bytes"};
constexpr KeySpec kSegments = {"segments", ValueType::kIntegerList, false,
                               "bytes of each piece of memory (default: one piece)"};
constexpr KeySpec kQueue = {"queue", ValueType::kInteger, false, "the request queue (default 0)"};
constexpr KeySpec kMore = {"more", ValueType::kBoolean, false,
                           "others follow at once: tell the device with the last of them, or by blk.poll"};
constexpr KeySpec kTimeout = {
    "timeout", ValueType::kDuration, false,
    "when the caller gives up and has the device reset (default 10s); not for asynchronous ones"};

constexpr KeySpec kRead[] = {
    kSectorKey, {"count", ValueType::kInteger, false, "sectors (default: what the segments hold)"},
    kSegments,  kQueue,
    kMore,      kTimeout};
constexpr KeySpec kReadResults[] = {{"data", ValueType::kData, false, "what was read"},
                                    {"bytes", ValueType::kInteger, false, "bytes that arrived"}};
constexpr KeySpec kWrite[] = {
    kSectorKey, {"data", ValueType::kData, true, "what to write"}, kSegments, kQueue, kMore, kTimeout};
constexpr KeySpec kFlush[] = {kQueue, kMore, kTimeout};
constexpr KeySpec kCount = {"count", ValueType::kInteger, true, "sectors"};
constexpr KeySpec kDiscard[] = {
    kSectorKey,
    kCount,
    {"unmap", ValueType::kBoolean, false, "set the flag that discards do not have"},
    kQueue,
    kTimeout};
constexpr KeySpec kWriteZeroes[] = {
    kSectorKey,
    kCount,
    {"unmap", ValueType::kBoolean, false, "the range may be deallocated (default false)"},
    kQueue,
    kTimeout};
constexpr KeySpec kGetId[] = {kQueue, kTimeout};
constexpr KeySpec kIdText[] = {
    {"text", ValueType::kText, false, "the identity, without the zeroes behind it"}};
constexpr KeySpec kInfo[] = {
    {"sectors", ValueType::kInteger, false, "capacity in units of 512 bytes"},
    {"logical_block_size", ValueType::kInteger, false, "bytes"},
    {"physical_block_size", ValueType::kInteger, false, "bytes"},
    {"alignment_offset", ValueType::kInteger, false, "logical blocks to the first aligned one"},
    {"minimum_io_blocks", ValueType::kInteger, false, "suggested, logical blocks"},
    {"optimal_io_blocks", ValueType::kInteger, false, "suggested, logical blocks"},
    {"max_segments", ValueType::kInteger, false, "data segments of a request"},
    {"max_segment_bytes", ValueType::kInteger, false, "0: no limit"},
    {"max_discard_sectors", ValueType::kInteger, false, "of one request"},
    {"max_write_zeroes_sectors", ValueType::kInteger, false, "of one request"},
    {"queues", ValueType::kInteger, false, "request queues in use"},
    {"read_only", ValueType::kBoolean, false, "the medium is write protected"},
    {"can_flush", ValueType::kBoolean, false, "there is a cache to flush"},
    {"can_discard", ValueType::kBoolean, false, "sectors can be discarded"},
    {"can_write_zeroes", ValueType::kBoolean, false, "sectors can be zeroed"},
    {"write_cache", ValueType::kBoolean, false, "the volatile cache is on"},
};
constexpr KeySpec kOn[] = {{"on", ValueType::kBoolean, true, "on or off"}};
constexpr KeySpec kBudget[] = {
    {"budget", ValueType::kInteger, false, "requests to finish at most (default 64)"}};
constexpr KeySpec kFinished[] = {{"finished", ValueType::kInteger, false, "requests that finished"}};

constexpr OperationSpec kOperations[] = {
    {"blk.read", "read sectors", kRead, kReadResults, true},
    {"blk.write", "write sectors", kWrite, {}, true},
    {"blk.flush", "write the device's cache to the medium", kFlush, {}, true},
    {"blk.discard", "tell the device that sectors are no longer needed", kDiscard, {}, true},
    {"blk.write_zeroes", "zero sectors without sending zeroes", kWriteZeroes, {}, true},
    {"blk.get_id", "ask for the device's identity", kGetId, kIdText, true},
    {"blk.info", "what the driver knows of the medium", {}, kInfo},
    {"blk.set_write_cache", "turn the device's write cache on or off", kOn, {}},
    {"blk.poll", "look for finished requests once", kBudget, kFinished},
    {"blk.reset", "reset the device and start it again as it was", {}, {}},
};

/// The pieces that `segments` names: for data the rest is the last piece, for a read they are all there is.
std::vector<Bytes> split(const Bytes& data, const std::vector<std::uint64_t>& segments) {
    std::vector<Bytes> pieces;
    std::size_t done = 0;
    for (const std::uint64_t bytes : segments) {
        const std::size_t part = std::min<std::size_t>(bytes, data.size() - done);
        pieces.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(done),
                            data.begin() + static_cast<std::ptrdiff_t>(done + part));
        done += part;
    }
    if (done < data.size() || pieces.empty())
        pieces.emplace_back(data.begin() + static_cast<std::ptrdiff_t>(done), data.end());
    return pieces;
}

}  // namespace

std::span<const OperationSpec> block_operations() {
    return kOperations;
}

bool BlockOperations::is_one(std::string_view operation) {
    return std::any_of(std::begin(kOperations), std::end(kOperations),
                       [&](const OperationSpec& spec) { return operation == spec.name; });
}

hal::Result<Request> BlockOperations::prepare(std::string_view operation, const Arguments& arguments,
                                              Pending& pending) {
    Request request;
    request.sector = arguments.integer("sector");
    request.sectors = arguments.integer("count");
    request.unmap = arguments.boolean("unmap");
    request.more = arguments.boolean("more");
    request.queue = static_cast<std::uint16_t>(std::min<std::uint64_t>(arguments.integer("queue"), 0xffff));
    if (operation == "blk.read") {
        request.operation = Operation::kRead;
        const std::vector<std::uint64_t> segments = arguments.integer_list("segments");
        std::uint64_t bytes = segments.empty() ? std::min(request.sectors, kMostBytes) * kSector : 0;
        for (const std::uint64_t part : segments)
            bytes = std::min(bytes + std::min(part, kMostBytes), 2 * kMostBytes);
        if (bytes > kMostBytes) return Error::kNoMemory;
        pending.buffers = split(Bytes(bytes), segments);
    } else if (operation == "blk.write") {
        request.operation = Operation::kWrite;
        pending.buffers = split(arguments.data("data"), arguments.integer_list("segments"));
    } else if (operation == "blk.flush") {
        request.operation = Operation::kFlush;
    } else if (operation == "blk.discard") {
        request.operation = Operation::kDiscard;
    } else if (operation == "blk.write_zeroes") {
        request.operation = Operation::kWriteZeroes;
    } else {
        request.operation = Operation::kGetId;
        pending.buffers.emplace_back(kIdBytes);
    }
    for (Bytes& buffer : pending.buffers) pending.segments.emplace_back(buffer);
    request.segments = pending.segments;
    pending.operation = request.operation;
    return request;
}

Outcome BlockOperations::outcome_of(const Pending& pending, const Completion& completion) {
    Outcome outcome{completion.status, {}};
    if (!completion.status) return outcome;
    if (pending.operation == Operation::kRead) {
        Bytes data;
        for (const Bytes& buffer : pending.buffers) data.insert(data.end(), buffer.begin(), buffer.end());
        outcome.results = {{"data", std::move(data)}, {"bytes", std::uint64_t{completion.bytes}}};
    } else if (pending.operation == Operation::kGetId) {
        std::string text;
        for (const std::byte character : pending.buffers.front()) {
            if (character == std::byte{0}) break;
            text += static_cast<char>(character);
        }
        outcome.results = {{"text", std::move(text)}};
    }
    return outcome;
}

Outcome BlockOperations::run(std::string_view operation, const Arguments& arguments) {
    if (operation == "blk.info") return info();
    if (operation == "blk.set_write_cache") return {device_.set_write_cache(arguments.boolean("on")), {}};
    if (operation == "blk.reset") {
        const hal::Status done = device_.recover();
        collect();
        return {done, {}};
    }
    if (operation == "blk.poll") {
        const std::uint64_t finished =
            device_.poll(static_cast<unsigned>(arguments.integer("budget", kPollBudget)));
        collect();
        return {{}, {{"finished", finished}}};
    }
    Pending pending{};
    const hal::Result<Request> request = prepare(operation, arguments, pending);
    if (!request) return {request.error(), {}};
    const block::Others others{[](void* self, const Completion& completion) {
                                   static_cast<BlockOperations*>(self)->take(completion);
                               },
                               this};
    const hal::Result<Completion> done =
        block::run_sync(device_, platform_, *request,
                        hal::nanoseconds(arguments.integer("timeout", kDefaultTimeout)), others);
    if (!done) return {done.error(), {}};
    return outcome_of(pending, *done);
}

hal::Result<std::uint32_t> BlockOperations::begin(std::string_view operation, const Arguments& arguments) {
    auto pending = std::make_unique<Pending>();
    const hal::Result<Request> request = prepare(operation, arguments, *pending);
    if (!request) return request.error();
    const hal::Result<block::Token> token = device_.submit(*request);
    if (!token) return token.error();
    pending->token = *token;
    pending_.emplace(next_handle_, std::move(pending));
    return next_handle_++;
}

std::optional<Outcome> BlockOperations::finished(std::uint32_t handle) {
    device_.poll(kPollBudget);
    collect();
    const auto found = pending_.find(handle);
    if (found == pending_.end()) return std::nullopt;
    const std::optional<Completion>& completion = found->second->completion;
    if (!completion) return std::nullopt;
    Outcome outcome = outcome_of(*found->second, *completion);
    pending_.erase(found);
    return outcome;
}

void BlockOperations::collect() {
    while (const std::optional<Completion> next = device_.next_completion()) take(*next);
}

void BlockOperations::take(const Completion& completion) {
    for (auto& [handle, pending] : pending_)
        if (!pending->completion && pending->token == completion.token) {
            pending->completion = completion;
            return;
        }
}

Outcome BlockOperations::info() const {
    const block::Info& i = device_.info();
    return {{},
            {{"sectors", i.sectors},
             {"logical_block_size", std::uint64_t{i.logical_block_size}},
             {"physical_block_size", std::uint64_t{i.physical_block_size}},
             {"alignment_offset", std::uint64_t{i.alignment_offset}},
             {"minimum_io_blocks", std::uint64_t{i.minimum_io_blocks}},
             {"optimal_io_blocks", std::uint64_t{i.optimal_io_blocks}},
             {"max_segments", std::uint64_t{i.max_segments}},
             {"max_segment_bytes", std::uint64_t{i.max_segment_bytes}},
             {"max_discard_sectors", std::uint64_t{i.max_discard_sectors}},
             {"max_write_zeroes_sectors", std::uint64_t{i.max_write_zeroes_sectors}},
             {"queues", std::uint64_t{i.queues}},
             {"read_only", i.read_only},
             {"can_flush", i.can_flush},
             {"can_discard", i.can_discard},
             {"can_write_zeroes", i.can_write_zeroes},
             {"write_cache", i.write_cache}}};
}

}  // namespace tb::harness
