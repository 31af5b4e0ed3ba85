// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/vm.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "harness/qemu/command_line.hpp"

namespace tb::qemu {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxRam = 2048 * kMiB;  // q35 places RAM above that behind the PCI hole
constexpr std::chrono::seconds kShutdownGrace{2};
constexpr int kQuietRounds = 3;

void check(const VmOptions& options) {
    const auto refuse = [](const std::string& why) { throw QemuError(ErrorKind::kUnsupported, why); };
    if (options.ram_bytes == 0 || options.ram_bytes > kMaxRam || options.ram_bytes % kMiB != 0)
        refuse(fmt::format("{} bytes of RAM: want a multiple of 1 MiB, up to 2 GiB", options.ram_bytes));
    for (const DiskOptions& disk : options.disks) {
        if (disk.backend == nullptr) refuse(fmt::format("disk '{}' has no backend", disk.node));
        const std::uint64_t size = disk.backend->size();
        if (size == 0 || size % 512 != 0 || size >= NbdServer::kWindow)
            refuse(
                fmt::format("disk '{}' has {} bytes: want a multiple of 512, below 1 TiB", disk.node, size));
        if (disk.min_block != 1 && disk.min_block != 512)
            refuse(fmt::format("disk '{}' has blocks of {} bytes: want 1 or 512", disk.node, disk.min_block));
    }
}

/// The raw node that places the disk in the window of the nbd node (see NbdServer).
json raw_node(const DiskOptions& disk) {
    return {{"driver", "raw"},
            {"node-name", disk.node},
            {"file", disk.node + "-nbd"},
            {"read-only", disk.backend->read_only()},
            {"discard", "unmap"},
            {"offset", NbdServer::window_offset(disk.backend->size())}};
}

/// Reports have a line for a reason.
std::string on_one_line(const std::string& log) {
    constexpr std::size_t kMost = 4000;
    std::string line;
    for (const char c : log.size() > kMost ? log.substr(log.size() - kMost) : log)
        if (c != '\n')
            line += c;
        else if (!line.empty() && !line.ends_with(" | "))
            line += " | ";
    return line.empty() ? "(it logged nothing)" : line;
}

}  // namespace

Vm::Vm(VmOptions options) : options_(std::move(options)) {
    check(options_);
    installation_ = require_qemu(options_.binary);
    accelerator_ = find_accelerator(installation_);
    launch();
    connect();
}

Vm::~Vm() {
    shutdown();
}

void Vm::launch() {
    ram_ = std::make_unique<SharedMemory>("twinbench-ram", options_.ram_bytes);
    CommandLine line(installation_.command_line(
        {"-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-smp", "1"}));
    // The clock on the wall must not reach the guest.
    line.add("-rtc", "base=2020-01-01T00:00:00,clock=vm");
    line.add("-m", fmt::format("{}M", options_.ram_bytes / kMiB));
    line.add("-object", fmt::format("memory-backend-file,id=m0,size={},share=on,mem-path={}",
                                    options_.ram_bytes, line.lend(ram_->fd())));
    line.add("-machine", options_.machine + ",memory-backend=m0");
    std::unique_ptr<SharedMemory> bios;
    if (options_.guest) {
        add_guest(line, *options_.guest);
    } else if (virtual_time()) {
        line.add("-accel", "qtest");
    } else {
        const std::vector<unsigned char> image = halt_bios();
        bios = std::make_unique<SharedMemory>("twinbench-bios", image.size());
        std::copy(image.begin(), image.end(), bios->bytes().begin());
        line.add("-accel", "tcg");
        line.add("-bios", line.lend(bios->fd()));
    }

    UniqueFd qtest_socket = line.chardev("qtest");
    line.add("-qtest", "chardev:qtest");
    line.add("-qtest-log", "none");
    UniqueFd qmp_socket = line.chardev("tb-qmp");
    line.add("-mon", "chardev=tb-qmp,mode=control");
    for (const DiskOptions& disk : options_.disks) {
        int number = -1;
        disks_.push_back(std::make_unique<NbdServer>(line.connect(number), *disk.backend, disk.min_block));
        const json nbd{{"driver", "nbd"},
                       {"node-name", disk.node + "-nbd"},
                       {"server", {{"type", "fd"}, {"str", std::to_string(number)}}},
                       {"export", "disk"},
                       {"read-only", disk.backend->read_only()},
                       {"discard", "unmap"}};
        line.add("-blockdev", nbd.dump());
        line.add("-blockdev", raw_node(disk).dump());
        // For unstick(): made now, because a node that is attached later waits for all requests to end.
        line.add(
            "-drive",
            fmt::format(R"(if=none,id={0}-probe,read-only=on,file=json:{{"driver":"raw",,"file":"{0}-nbd"}})",
                        disk.node));
    }
    for (const std::string& id : options_.nets) {
        int number = -1;
        nets_.push_back(std::make_unique<NetPeer>(line.connect(number)));
        line.add("-netdev", fmt::format("socket,id={},fd={}", id, number));
    }
    for (const std::string& id : options_.serials)
        serials_.push_back(std::make_unique<CharPeer>(line.chardev(id)));
    for (const std::string& device : options_.devices) line.add("-device", device);
    std::vector<std::string> args = line.args();
    args.insert(args.end(), options_.extra_args.begin(), options_.extra_args.end());

    process_ = std::make_unique<Process>(
        ProcessOptions{installation_.binary, args, accelerator_.env, line.numbers()});
    loop_ = std::make_unique<EventLoop>(process_.get(), options_.timeout);
    loop_->add(process_.get());
    for (const auto& disk : disks_) loop_->add(disk.get());
    for (const auto& net : nets_) loop_->add(net.get());
    for (const auto& serial : serials_) loop_->add(serial.get());
    if (guest_log_) loop_->add(guest_log_.get());
    qtest_ = std::make_unique<QtestClient>(std::move(qtest_socket), *loop_);
    qmp_ = std::make_unique<QmpClient>(std::move(qmp_socket), *loop_);
}

void Vm::add_guest(CommandLine& line, const GuestOptions& guest) {
    line.add("-accel", "tcg");
    // A firmware that starts a kernel and leaves the devices as they came out of reset; it needs no clock.
    line.add("-bios", "qboot.rom");
    line.add("-kernel", guest.image);
    line.add("-append", guest.command);
    guest_log_ = std::make_unique<CharPeer>(line.chardev("tb-log"));
    line.add("-device", fmt::format("isa-debugcon,iobase={:#x},chardev=tb-log", kLogPort));
    bell_ = line.chardev("tb-bell");
    line.add("-device", fmt::format("isa-debugcon,iobase={:#x},chardev=tb-bell", kBellPort));
    // How a kernel that panics ends its QEMU.
    line.add("-device", "isa-debug-exit,iobase=0xf4,iosize=4");
    line.flag("-no-reboot");
    line.flag("-S");
}

void Vm::connect() {
    loop_->set_prompt(true);
    qmp_->connect();
    const json reply = json::parse(qmp_->execute("query-version"));
    const json& number = reply.at("qemu");
    version_ = {number.at("major"), number.at("minor"), number.at("micro"), reply.value("package", "")};
    // Before the guest's first instruction: it never sees another clock.
    if (options_.guest && virtual_time()) qtest_->command("module_load accel- " + accelerator_.module);
    qtest_->irq_intercept_in("ioapic");
    loop_->set_prompt(false);
    settle();
    // What QEMU read for itself while it made the devices.
    for (const auto& disk : disks_) disk->take_requests();
}

void Vm::settle() {
    const auto deadline = EventLoop::Clock::now() + options_.timeout;
    const auto state = [this] {
        return std::tuple(loop_->traffic(), qtest_->irq_edge_count(), loop_->queued_towards_qemu());
    };
    loop_->pump();
    auto before = state();
    do {
        for (int quiet = 0; quiet < kQuietRounds;) {
            qtest_->round_trip();
            loop_->pump();
            const auto after = state();
            quiet = after == before ? quiet + 1 : 0;
            before = after;
            if (EventLoop::Clock::now() >= deadline) loop_->hung("QEMU does not come to rest");
        }
    } while (loop_->step() || unstick());
}

bool Vm::unstick() {
    for (std::size_t i = 0; i < disks_.size(); ++i) {
        if (!disks_[i]->take_stuck()) continue;
        // Asynchronous: this answer may be kept too, until the next comes.
        const std::string command =
            fmt::format("qemu-io {}-probe \"aio_read -q 0 512\"", options_.disks[i].node);
        qmp_->execute("human-monitor-command", json{{"command-line", command}}.dump());
        return true;
    }
    return false;
}

void Vm::start_guest() {
    qmp_->execute("cont");
}

void Vm::wait_for_bell(const std::string& what) {
    try {
        loop_->wait_readable(bell_.get(), what);
        std::uint8_t rung = 0;
        if (::read(bell_.get(), &rung, 1) != 1) loop_->peer_gone(what);
    } catch (const QemuError& error) {
        throw QemuError(error.kind(), fmt::format("{}; the guest's log ends: {}", error.message(),
                                                  on_one_line(take_guest_log())));
    }
}

std::string Vm::take_guest_log() {
    if (!guest_log_) return {};
    guest_log_->pump();
    const std::vector<std::uint8_t> text = guest_log_->take_received();
    return {text.begin(), text.end()};
}

void Vm::set_link(std::size_t net_index, bool up) {
    qmp_->execute("set_link", json{{"name", options_.nets.at(net_index)}, {"up", up}}.dump());
    settle();
}

void Vm::resize_disk(std::size_t index) {
    const DiskOptions& disk = options_.disks.at(index);
    const std::uint64_t size = disk.backend->size();
    check(options_);
    disks_.at(index)->release_all();
    settle();
    // The raw node takes its new offset first. The nbd node, asked for the size that it has, then refuses
    // nothing, and QEMU tells the device above.
    qmp_->execute("blockdev-reopen", json{{"options", json::array({raw_node(disk)})}}.dump());
    disks_.at(index)->set_disk_size(size);
    qmp_->execute("block_resize", json{{"node-name", disk.node}, {"size", size}}.dump());
    settle();
}

void Vm::shutdown() {
    if (!process_ || !process_->running()) return;
    for (const auto& disk : disks_) disk->hold(false);
    process_->terminate(kShutdownGrace, [this] {
        loop_->pump();
        loop_->step();
    });
}

}  // namespace tb::qemu
