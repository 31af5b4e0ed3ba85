// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/qemu/block_backend.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/event_loop.hpp"
#include "harness/qemu/nbd_server.hpp"
#include "harness/qemu/process.hpp"
#include "harness/qemu/qmp_client.hpp"
#include "harness/qemu/qtest_client.hpp"
#include "harness/qemu/shared_memory.hpp"
#include "harness/qemu/shim.hpp"
#include "harness/qemu/stream_peer.hpp"

namespace tb::qemu {

class CommandLine;

/// A disk: name it in a device as `drive=NODE`. Give the device `werror=report,rerror=report`, or an injected
/// ENOSPC stops the virtual machine instead of reaching the guest.
struct DiskOptions {
    std::string node;                 ///< QEMU's node name, e.g. "disk0"
    BlockBackend* backend = nullptr;  ///< must outlive the Vm
    std::uint32_t min_block = 512;    ///< 1 or 512
};

/// A kernel of ours for the guest's processor, which then runs under TCG while the harness goes on driving
/// QEMU over qtest beside it.
struct GuestOptions {
    std::string image;    ///< an ELF64 with a PVH entry
    std::string command;  ///< its command line
};
/// Where such a kernel rings for the harness, and where it writes what people read.
inline constexpr std::uint16_t kBellPort = 0xea;
inline constexpr std::uint16_t kLogPort = 0xe9;

struct VmOptions {
    std::string binary = "qemu-system-x86_64";          ///< as find_qemu() takes it
    std::string machine = "q35";                        ///< may carry properties: "q35,hpet=off"
    std::uint64_t ram_bytes = std::uint64_t{64} << 20;  ///< a multiple of 1 MiB, up to 2 GiB
    /// Each as after `-device`. Give virtio devices `ioeventfd=off`, so that a doorbell has an effect
    /// before its command returns, and an `addr=`, so that its place on the bus is yours.
    std::vector<std::string> devices;
    std::vector<DiskOptions> disks;
    std::vector<std::string> nets;     ///< ids for `netdev=ID`, one NetPeer each
    std::vector<std::string> serials;  ///< ids for `chardev=ID`, one CharPeer each
    std::vector<std::string> extra_args;
    std::optional<GuestOptions> guest;          ///< absent: the guest's processor stands still
    std::chrono::milliseconds timeout{10'000};  ///< wall-clock limit for one reply
};

struct QemuVersion {
    int major = 0;
    int minor = 0;
    int micro = 0;
    std::string package;  ///< the distributor's own name for it
};

/// A QEMU whose devices are driven by this process instead of by a CPU: qtest for accesses, shared memory
/// for RAM, and disks, wires and serial lines served in process.
///
/// Nothing here has its own thread. As long as settle() is called after every access that can start work, a
/// run is repeatable: between two commands QEMU has nothing left to do.
class Vm {
  public:
    /// Starts QEMU. Throws QemuError: kNotFound with the package to install; kDied with QEMU's own words
    /// when it refuses an argument; kUnsupported for options that make no sense.
    explicit Vm(VmOptions options);
    ~Vm();
    Vm(const Vm&) = delete;
    Vm& operator=(const Vm&) = delete;

    QtestClient& qtest() { return *qtest_; }
    QmpClient& qmp() { return *qmp_; }
    NbdServer& disk(std::size_t index = 0) { return *disks_.at(index); }
    NetPeer& net(std::size_t index = 0) { return *nets_.at(index); }
    CharPeer& serial(std::size_t index = 0) { return *serials_.at(index); }

    /// Guest RAM: the index is the guest physical address. QEMU's devices write it while a command runs or
    /// in settle(), never in between.
    std::span<std::uint8_t> ram() { return ram_->bytes(); }

    const QemuVersion& version() const { return version_; }
    const Accelerator& accelerator() const { return accelerator_; }
    /// True when virtual time stands still unless stepped (see Accelerator). With a guest that takes the
    /// shim, whose clock TCG then obeys.
    bool virtual_time() const {
        return options_.guest ? accelerator_.guest_virtual_time() : accelerator_.virtual_time();
    }
    std::int64_t clock_step(std::int64_t ns) { return qtest_->clock_step(ns); }

    /// Lets QEMU finish all that it can do at this instant of virtual time, takes in what it sent, and gives
    /// it what waits for it: block replies, frames, serial bytes. Nothing enters QEMU at any other time
    /// (except block replies that a command cannot do without: see NbdServer::forced_releases).
    ///
    /// It repeats { one qtest round trip; pump the services } until three rounds in a row saw no byte move,
    /// no interrupt change, and the same number of unread bytes in the kernel's queues towards QEMU. Then
    /// QEMU is at rest, and gets one piece: one block reply, one frame. And so on, until nothing is left to
    /// give.
    ///
    /// Why three quiet rounds mean rest: with the qtest accelerator QEMU's devices run on its main loop only
    /// (a guest of ours is at a bell when this is called: its thread spins, and touches no device).
    /// A round trip costs that loop at least one full turn, and a turn runs every bottom half that is
    /// scheduled and every descriptor that is ready. So an item of work at hand is done in the next turn and
    /// shows as traffic, as an interrupt or as another bottom half; device code chains at most one bottom
    /// half to another before it touches a socket or a pin (virtio-net transmits from one, a block reply
    /// completes a request in one), and three idle turns cover such a chain. Bytes that stay unread over
    /// three turns are bytes whose device has no room for them (a full FIFO, a ring without buffers). Held
    /// block requests and timers in the future are no work at hand. Why one piece at a time: QEMU treats
    /// replies that it finds together in another order than replies that it finds one by one, so how many it
    /// finds must not depend on how fast either process runs. Without the qtest accelerator timers run in
    /// real time, and all this is only a good approximation.
    ///
    /// Throws kHung when QEMU is not quiet within the time limit.
    void settle();
    /// Whether characters or frames wait for a device to have room: reading its registers may make some.
    bool has_waiting_input() const { return loop_->has_waiting(); }

    /// Lets the guest's processor run, which has stood before its first instruction until now.
    void start_guest();
    /// Waits until the guest rings. Throws kDied and kHung, with the guest's last words.
    void wait_for_bell(const std::string& what);
    /// What the guest has logged since the last call.
    std::string take_guest_log();

    /// Plugs the cable of a netdev in or out; the guest's NIC sees it.
    void set_link(std::size_t net_index, bool up);

    /// Tells QEMU that the capacity of a disk has changed, after `backend.size()` has: virtio-blk then
    /// raises its configuration change interrupt. Releases held requests first, because QEMU drains the disk.
    void resize_disk(std::size_t index);

    Process& process() { return *process_; }
    std::string stderr_text() { return process_->stderr_text(); }

    /// Lets QEMU end in order (its log files are complete then), at most for two seconds; then kills it.
    /// The destructor does the same.
    void shutdown();

  private:
    /// Frees an answer that QEMU's nbd client keeps to itself (NbdServer::take_stuck); false when there is
    /// none.
    bool unstick();
    void launch();
    void connect();
    void add_guest(CommandLine& line, const GuestOptions& guest);

    VmOptions options_;
    Installation installation_;
    Accelerator accelerator_;
    std::unique_ptr<SharedMemory> ram_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<EventLoop> loop_;
    std::vector<std::unique_ptr<NbdServer>> disks_;
    std::vector<std::unique_ptr<NetPeer>> nets_;
    std::vector<std::unique_ptr<CharPeer>> serials_;
    std::unique_ptr<QtestClient> qtest_;
    std::unique_ptr<QmpClient> qmp_;
    UniqueFd bell_;
    std::unique_ptr<CharPeer> guest_log_;
    QemuVersion version_;
};

}  // namespace tb::qemu
