// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/block/disk.hpp"
#include "models/block/virtio_blk_regs.hpp"
#include "models/virtio/queue.hpp"
#include "models/virtio/virtio_device.hpp"

namespace tb::model::block {

struct Geometry {
    std::uint16_t cylinders = 0;
    std::uint8_t heads = 0;
    std::uint8_t sectors = 0;
};

/// When requests that reach the disk complete: the n-th takes `fixed` nanoseconds plus something below
/// `jitter` that is drawn from the seed. 0 and 0: before the driver's next access. Requests of the same
/// completion time complete in the order in which they were taken; with jitter they overtake each other.
struct LatencyPlan {
    std::uint64_t fixed = 0;
    std::uint64_t jitter = 0;
    std::uint64_t seed = 1;
};

/// QEMU's properties of virtio-blk, with QEMU's defaults.
struct VirtioBlkProperties {
    std::string serial{};                    ///< of which a driver sees 20 bytes
    std::uint32_t logical_block_size = 512;  ///< a power of two, 512 to 2 MiB
    std::uint32_t physical_block_size = 512;
    std::uint32_t min_io_size = 0;          ///< bytes
    std::uint32_t opt_io_size = 0;          ///< bytes
    std::uint32_t discard_granularity = 0;  ///< bytes; 0: the logical block size
    std::optional<Geometry> geometry{};     ///< not given: guessed from the disk as QEMU does
    std::uint16_t num_queues = 1;
    std::uint16_t queue_size = 256;  ///< a power of two, 4 to 1024
    bool seg_max_adjust = true;      ///< seg_max follows queue_size; otherwise it is 126
    bool read_only = false;
    bool write_cache = true;
    bool config_wce = true;
    bool discard = true;
    bool write_zeroes = true;
    bool request_merging = true;
    std::uint32_t max_discard_sectors = 0x3f'ffff;
    std::uint32_t max_write_zeroes_sectors = 0x3f'ffff;
    LatencyPlan latency{};
};

/// The virtio block device (VIRTIO 1.2 §5.2), over any transport, as QEMU 7.2 behaves.
///
/// Requests that need no disk (GET_ID, unknown types, requests that are refused) are answered while the
/// doorbell is handled. The others complete when the latency plan says, or when a scenario that holds them
/// releases them.
class VirtioBlk : public virtio::VirtioDevice {
  public:
    /// Throws std::invalid_argument that names the property and what it can be.
    static void check(const VirtioBlkProperties& properties);
    /// Checks the properties. `disk` outlives this object.
    VirtioBlk(const VirtioBlkProperties& properties, Disk& disk);
    ~VirtioBlk() override;

    virtio::DeviceInfo identify() const override;
    std::uint64_t features() const override;
    void read_config(std::span<std::byte> config) const override;
    void config_written(std::span<const std::byte> config) override;
    void queue_notified(unsigned index) override;
    void status_changed(std::uint8_t status) override;
    /// Everything in flight completes first, held or not.
    void reset() override;
    void power_on_reset() override;

    /// From now on requests that reach the disk stay in flight until they are released. Numbers start at 0
    /// again.
    void hold();
    /// Completes the n-th request (from 0, in the order of arrival) since hold(); false if it is not in
    /// flight.
    bool release(std::uint64_t number);
    /// Completes what is held, in order of arrival, and holds no more.
    void release_all();
    /// The numbers of the requests that are held, in order of arrival.
    std::vector<std::uint64_t> held() const;
    /// Requests taken from the rings and not yet returned.
    std::size_t in_flight() const;
    void set_latency(const LatencyPlan& plan);

    /// Changes the disk's size and tells the driver. Returns the disk's answer (0 or an errno value).
    int resize(std::uint64_t sectors);
    bool write_cache() const { return write_cache_; }

  private:
    struct Request;
    struct Job;
    struct Batch;

    using RequestPtr = std::unique_ptr<Request>;

    // Taking requests from the ring (virtio_blk_requests.cpp). False: the request was malformed, the device
    // failed.
    void take_all(virtio::Queue& queue, Batch& batch);
    bool handle(RequestPtr request, Batch& batch);
    void handle_data(RequestPtr request, bool write, Batch& batch);
    bool handle_range(RequestPtr request);
    void handle_scsi(Request& request);
    void handle_get_id(Request& request);
    bool fail(Request& request, const char* why);
    bool range_fits(std::uint64_t sector, std::uint64_t bytes) const;
    bool writable() const { return !properties_.read_only && !disk_.read_only(); }
    void finding(const std::string& message) { transport().report_finding("request", message); }

    // Doing them (virtio_blk_jobs.cpp).
    void submit_batch(Batch& batch);
    void submit(std::vector<RequestPtr> requests);
    void begin(std::list<Job>& from, std::list<Job>::iterator which);
    void submit_one(RequestPtr request);
    std::list<Job>::iterator next_job();
    void complete_due();
    void schedule_next();
    void run(std::list<Job>::iterator job);
    int transfer(Job& job);
    int transfer_read(Job& job, std::uint64_t bytes);
    int transfer_write(Job& job, std::uint64_t bytes);
    void finish(Request& request, std::uint8_t status);

    VirtioBlkProperties properties_;
    Disk& disk_;
    Geometry geometry_;
    std::list<Job> jobs_;             ///< in order of arrival
    std::list<Job> waiting_flushes_;  ///< behind one that is in jobs_
    std::unique_ptr<Timer> timer_;
    std::uint64_t submitted_ = 0;   ///< jobs so far: the position in the latency plan
    std::uint64_t held_count_ = 0;  ///< requests held since hold()
    bool holding_ = false;
    bool write_cache_;
};

}  // namespace tb::model::block
