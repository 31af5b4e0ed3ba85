// SPDX-License-Identifier: BSD-3-Clause
// The virtio block device: requests on their way to the disk and back to the driver.
#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "models/block/virtio_blk.hpp"
#include "models/block/virtio_blk_job.hpp"

namespace tb::model::block {

namespace {

constexpr std::size_t kMostPieces = 1024;          // of one operation, as an iovec of the host
constexpr std::uint64_t kMostBytes = 0x7fff'fe00;  // likewise

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

}  // namespace

void VirtioBlk::submit_batch(Batch& batch) {
    // As QEMU's request merging: neighbours are one operation. A failure is then the failure of all of them.
    std::vector<RequestPtr> group;
    std::uint64_t end = 0;
    std::uint64_t bytes = 0;
    std::size_t pieces = 0;
    for (RequestPtr& request : batch.requests) {
        const bool joins = request->header.sector == end && pieces + request->pieces() <= kMostPieces &&
                           bytes + request->data_bytes() <= kMostBytes;
        if (!group.empty() && !joins) {
            submit(std::exchange(group, {}));
            bytes = pieces = 0;
        }
        end = request->header.sector + request->data_bytes() / kSectorBytes;
        bytes += request->data_bytes();
        pieces += request->pieces();
        group.push_back(std::move(request));
    }
    if (!group.empty()) submit(std::move(group));
    batch.requests.clear();
}

void VirtioBlk::submit_one(RequestPtr request) {
    std::vector<RequestPtr> one;
    one.push_back(std::move(request));
    submit(std::move(one));
}

void VirtioBlk::submit(std::vector<RequestPtr> requests) {
    const auto is_flush = [](const Job& job) { return job.is_flush(); };
    std::list<Job> job;
    job.push_back({.requests = std::move(requests)});
    // QEMU's block layer lets one flush at a time go to the disk; what comes meanwhile overtakes the next.
    if (job.front().is_flush() && std::ranges::any_of(jobs_, is_flush))
        waiting_flushes_.splice(waiting_flushes_.end(), job);
    else
        begin(job, job.begin());
}

/// A job goes to the disk, behind those that are there.
void VirtioBlk::begin(std::list<Job>& from, std::list<Job>::iterator which) {
    const LatencyPlan& plan = properties_.latency;
    Job& job = *which;
    job.due = transport().events().now() + plan.fixed;
    if (plan.jitter != 0) job.due += mix(plan.seed + submitted_) % plan.jitter;
    ++submitted_;
    if (!job.needs_disk()) job.due = 0;
    job.held = holding_ && job.needs_disk();
    if (job.held) job.number = held_count_++;
    jobs_.splice(jobs_.end(), from, which);
    schedule_next();
}

std::list<VirtioBlk::Job>::iterator VirtioBlk::next_job() {
    // What needs no disk first, held jobs last; ties by arrival, which is the order of the list.
    return std::ranges::min_element(
        jobs_, {}, [](const Job& job) { return std::tuple(job.held, job.needs_disk(), job.due); });
}

void VirtioBlk::schedule_next() {
    if (!timer_) timer_ = std::make_unique<Timer>(transport().events(), 0, [this] { complete_due(); });
    const auto job = next_job();
    if (job == jobs_.end() || job->held) return timer_->cancel();
    const std::uint64_t now = transport().events().now();
    timer_->start(job->due > now ? job->due - now : 0);
}

void VirtioBlk::complete_due() {
    const std::uint64_t now = transport().events().now();
    for (auto job = next_job(); job != jobs_.end() && !job->held && job->due <= now; job = next_job())
        run(job);
    schedule_next();
}

void VirtioBlk::run(std::list<Job>::iterator job) {
    std::list<Job> done;
    done.splice(done.begin(), jobs_, job);
    // QEMU would stop the machine at ENOSPC (werror=enospc); here it is an error like any other.
    const std::uint8_t status = transfer(done.front()) == 0 ? kStatusOk : kStatusIoError;
    for (const RequestPtr& request : done.front().requests) finish(*request, status);
    if (done.front().is_flush() && !waiting_flushes_.empty())
        begin(waiting_flushes_, waiting_flushes_.begin());
}

int VirtioBlk::transfer(Job& job) {
    const Request& first = *job.requests.front();
    const std::uint64_t bytes = job.data_bytes();
    switch (first.kind) {
        case Request::Kind::kRead:
            return transfer_read(job, bytes);
        case Request::Kind::kWrite:
            return writable() ? transfer_write(job, bytes) : EPERM;
        case Request::Kind::kFlush:
            return disk_.flush();
        case Request::Kind::kDiscard:
            return disk_.discard(first.range.sector, first.range.count);
        case Request::Kind::kWriteZeroes:
            if (!writable()) return EPERM;
            return disk_.write_zeroes(first.range.sector, first.range.count,
                                      (first.range.flags & kFlagUnmap) != 0);
    }
    return EIO;
}

int VirtioBlk::transfer_read(Job& job, std::uint64_t bytes) {
    std::vector<std::byte> data(static_cast<std::size_t>(bytes));
    if (const int error = disk_.read(job.requests.front()->header.sector, data)) return error;
    std::span<const std::byte> rest(data);
    for (const RequestPtr& request : job.requests) {
        const auto size = static_cast<std::size_t>(request->data_bytes());
        scatter(transport().memory(), request->chain.writable, 0, rest.first(size));
        rest = rest.subspan(size);
    }
    return 0;
}

int VirtioBlk::transfer_write(Job& job, std::uint64_t bytes) {
    std::vector<std::byte> data(static_cast<std::size_t>(bytes));
    std::span<std::byte> rest(data);
    for (const RequestPtr& request : job.requests) {
        const auto size = static_cast<std::size_t>(request->data_bytes());
        gather(transport().memory(), request->chain.readable, sizeof(RequestHeader), rest.first(size));
        rest = rest.subspan(size);
    }
    const int error = disk_.write(job.requests.front()->header.sector, data);
    return error == 0 && !write_cache_ ? disk_.flush() : error;
}

void VirtioBlk::finish(Request& request, std::uint8_t status) {
    const auto byte = static_cast<std::byte>(status);
    scatter(transport().memory(), request.chain.writable, request.writable_bytes - 1, std::span(&byte, 1));
    // QEMU counts the whole writable part, whatever of it was filled (§2.7.8.2 asks for what was written at
    // least).
    request.queue->push(request.chain, static_cast<std::uint32_t>(request.writable_bytes));
    transport().notify_used(*request.queue);
}

void VirtioBlk::reset() {
    while (!jobs_.empty()) run(next_job());
    if (timer_) timer_->cancel();
    write_cache_ = properties_.write_cache;
}

void VirtioBlk::power_on_reset() {
    if (timer_) timer_->cancel();
    jobs_.clear();
    waiting_flushes_.clear();
    submitted_ = held_count_ = 0;
    holding_ = false;
    write_cache_ = properties_.write_cache;
}

std::size_t VirtioBlk::in_flight() const {
    std::size_t count = waiting_flushes_.size();
    for (const Job& job : jobs_) count += job.requests.size();
    return count;
}

void VirtioBlk::set_latency(const LatencyPlan& plan) {
    properties_.latency = plan;
}

void VirtioBlk::hold() {
    holding_ = true;
    if (std::ranges::none_of(jobs_, &Job::held)) held_count_ = 0;
}

bool VirtioBlk::release(std::uint64_t number) {
    const auto job = std::ranges::find_if(jobs_, [&](const Job& j) { return j.held && j.number == number; });
    if (job == jobs_.end()) return false;
    run(job);
    return true;
}

void VirtioBlk::release_all() {
    holding_ = false;
    for (auto job = jobs_.begin(); job != jobs_.end();) {
        const auto next = std::next(job);
        if (job->held) run(job);
        job = next;
    }
}

std::vector<std::uint64_t> VirtioBlk::held() const {
    std::vector<std::uint64_t> numbers;
    for (const Job& job : jobs_)
        if (job.held) numbers.push_back(job.number);
    return numbers;
}

}  // namespace tb::model::block
