// SPDX-License-Identifier: BSD-3-Clause
#include "models/block/disk_jobs.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace tb::model::block {

namespace {

// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

}  // namespace

DiskJobs::DiskJobs(EventQueue& queue) : queue_(queue), timer_(queue, 0, [this] { complete_due(); }) {}

void DiskJobs::begin(std::function<void()> end) {
    Job job{.end = std::move(end)};
    job.due = queue_.now() + plan_.fixed;
    if (plan_.jitter != 0) job.due += mix(plan_.seed + begun_) % plan_.jitter;
    ++begun_;
    job.held = holding_;
    if (job.held) job.number = held_count_++;
    jobs_.push_back(std::move(job));
    schedule();
}

DiskJobs::Jobs::iterator DiskJobs::next() {
    // Held ones last; ties by arrival, which is the order of the list.
    return std::ranges::min_element(jobs_, {}, [](const Job& job) { return std::tuple(job.held, job.due); });
}

void DiskJobs::run(Jobs::iterator job) {
    const std::function<void()> end = std::move(job->end);
    jobs_.erase(job);
    end();
}

void DiskJobs::schedule() {
    const auto job = next();
    if (job == jobs_.end() || job->held) return timer_.cancel();
    const std::uint64_t now = queue_.now();
    timer_.start(job->due > now ? job->due - now : 0);
}

void DiskJobs::complete_due() {
    const std::uint64_t now = queue_.now();
    for (auto job = next(); job != jobs_.end() && !job->held && job->due <= now; job = next()) run(job);
    schedule();
}

void DiskJobs::drain() {
    while (!jobs_.empty()) run(jobs_.begin());
    timer_.cancel();
}

void DiskJobs::reset() {
    jobs_.clear();
    timer_.cancel();
    begun_ = held_count_ = 0;
    holding_ = false;
}

void DiskJobs::hold() {
    holding_ = true;
    if (std::ranges::none_of(jobs_, &Job::held)) held_count_ = 0;
}

bool DiskJobs::release(std::uint64_t number) {
    const auto job = std::ranges::find_if(jobs_, [&](const Job& j) { return j.held && j.number == number; });
    if (job == jobs_.end()) return false;
    run(job);
    schedule();
    return true;
}

void DiskJobs::release_all() {
    holding_ = false;
    for (const std::uint64_t number : held()) release(number);
}

std::vector<std::uint64_t> DiskJobs::held() const {
    std::vector<std::uint64_t> numbers;
    for (const Job& job : jobs_)
        if (job.held) numbers.push_back(job.number);
    return numbers;
}

}  // namespace tb::model::block
