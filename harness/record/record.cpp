// SPDX-License-Identifier: BSD-3-Clause
#include "harness/record/record.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "harness/guest/linux_guest.hpp"
#include "harness/qemu/command_line.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/installation.hpp"
#include "harness/qemu/process.hpp"
#include "harness/qemu/qmp_client.hpp"
#include "harness/qemu/qtest_client.hpp"
#include "harness/qemu/shim.hpp"
#include "harness/recording/canonical.hpp"
#include "harness/replay/cast.hpp"
#include "harness/replay/image.hpp"
#include "harness/trace/atomic_file.hpp"
#include "models/block/memory_disk.hpp"

namespace tb::record {

namespace fs = std::filesystem;

namespace {

using nlohmann::json;
using trace::EventKind;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kControlLimit{30};
constexpr std::chrono::milliseconds kProgressEvery{500};
constexpr std::uint64_t kDiskSectors = 16384;
constexpr std::size_t kSector = 512;
constexpr const char* kDiskFill = "lba";
constexpr const char* kModule = "tb-recorder";
constexpr const char* kGuestDone = "record: done";
constexpr const char* kPoweredOff = "exit status 0";
/// A clock that counts instructions, 8 ns each, and leaps to the next timer while the guest idles: how busy
/// this machine is does not show in the times.
constexpr const char* kInstructionClock = "shift=3,sleep=off";

/// What is plugged, and where: the slots are such that no two devices share a line on either machine.
struct Plug {
    const char* type;
    const char* kind;  ///< as the module calls it
    const char* id;
    unsigned slot;                  ///< 0: not PCI
    std::array<unsigned, 2> lines;  ///< of the I/O APIC, on pc and on q35
    std::string place() const { return slot == 0 ? "isa:0x3f8" : fmt::format("00:{:02x}.0", slot); }
};
constexpr Plug kSerial{"isa-serial", "serial", "uart0", 0, {4, 4}};
constexpr Plug kNic{"e1000", "e1000", "nic0", 3, {11, 23}};
constexpr Plug kDisk{"virtio-blk-pci", "virtio-blk", "blk0", 5, {10, 21}};
constexpr const Plug* kPlugs[] = {&kSerial, &kNic, &kDisk};

bool wants(const Options& options, std::string_view type) {
    return options.devices.empty() || std::ranges::find(options.devices, type) != options.devices.end();
}

/// By isa-debug-exit, which makes an odd status of what the guest writes; 1 is what QEMU itself ends with
/// when something is wrong.
bool ended_by_itself(const std::string& status) {
    constexpr std::string_view kStatus = "exit status ";
    if (!status.starts_with(kStatus)) return false;
    const int number = std::atoi(status.c_str() + kStatus.size());
    return number % 2 == 1 && number != 1;
}

qemu::UniqueFd temporary_file(const char* name) {
    qemu::UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
    if (!fd) trace::throw_file_error(name, "make", errno);
    return fd;
}

/// Each word of a sector is the sector's number.
qemu::UniqueFd make_disk() {
    qemu::UniqueFd fd = temporary_file("disk");
    model::block::MemoryDisk disk(kDiskSectors, model::block::Fill::kLba, 1);
    std::array<std::byte, kSector> sector{};
    for (std::uint64_t at = 0; at < kDiskSectors; ++at) {
        disk.read(at, sector);
        if (::write(fd.get(), sector.data(), sector.size()) != static_cast<ssize_t>(sector.size()))
            trace::throw_file_error("disk", "write", errno);
    }
    return fd;
}

std::string read_whole(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

class Run {
  public:
    explicit Run(const Options& options) : options_(options) {}

    Outcome finish() {
        find_guest();
        build_module();
        start();
        watch();
        outcome_.console = read_whole(fmt::format("/proc/self/fd/{}", console_.get()));
        judge();
        convert();
        return std::move(outcome_);
    }

  private:
    void find_guest();
    void build_module();
    void start();
    void plug(qemu::CommandLine& line);
    std::string module_devices() const;
    void watch();
    void judge();
    void convert();
    std::string log_path() const {
        return options_.keep_log.empty() ? fmt::format("/proc/self/fd/{}", log_.get()) : options_.keep_log;
    }
    bool our_guest() const { return options_.kernel.empty(); }

    const Options& options_;
    Outcome outcome_;
    guest::LinuxGuest guest_;
    qemu::Installation installation_;
    std::optional<qemu::Module> module_;
    qemu::UniqueFd log_, console_, disk_;
    std::unique_ptr<qemu::Process> process_;
    std::unique_ptr<qemu::EventLoop> loop_;
};

void Run::find_guest() {
    if (our_guest())
        guest_ = guest::linux_guest(guest::Purpose::kRecord);
    else
        guest_ = {options_.kernel, options_.initrd, ""};
    for (const std::string& path : {guest_.kernel, guest_.initrd, options_.disk})
        if (!path.empty() && ::access(path.c_str(), R_OK) != 0) trace::throw_file_error(path, "read", errno);
    // Not after half a minute.
    const trace::AtomicFile writable(options_.output);
    installation_ = qemu::require_qemu(options_.qemu);
}

void Run::build_module() {
    if (options_.plain) return;
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    const fs::path installed = program.parent_path().parent_path() / "share/twinbench/qemu/recorder.c";
    module_ = qemu::build_module(
        installation_, fs::is_regular_file(installed, ignored) ? installed.string() : TB_RECORDER_SOURCE,
        kModule);
    if (module_->why_not.empty()) return;
    outcome_.why_plain = module_->why_not;
    module_.reset();
}

std::string Run::module_devices() const {
    std::string text;
    for (const Plug* plug : kPlugs) {
        if (!wants(options_, plug->type)) continue;
        text += fmt::format("{}{},{},{},{}{}", text.empty() ? "" : ";", plug->kind, plug->id, plug->place(),
                            plug->lines[options_.machine == "pc" ? 0 : 1], plug == &kNic ? ",wire" : "");
    }
    return text;
}

void Run::plug(qemu::CommandLine& line) {
    line.add("-device", fmt::format("isa-serial,id={},chardev=console", kSerial.id));
    if (!our_guest()) line.add("-device", "isa-debug-exit,iobase=0xf4,iosize=4");
    if (wants(options_, kNic.type)) {
        line.add("-netdev", "user,id=wire");
        line.add("-device", fmt::format("e1000,id={},netdev=wire,addr={}", kNic.id, kNic.slot));
        if (!options_.pcap.empty())
            line.add("-object", fmt::format("filter-dump,id=frames,netdev=wire,file={}", options_.pcap));
    }
    if (!wants(options_, kDisk.type)) return;
    if (options_.disk.empty()) disk_ = make_disk();
    // An image of the user's stays as it is.
    line.add("-drive", options_.disk.empty()
                           ? fmt::format("if=none,id=disk,file={},format=raw", line.lend(disk_.get()))
                           : fmt::format("if=none,id=disk,file={},format=raw,snapshot=on", options_.disk));
    line.add("-device",
             fmt::format("virtio-blk-pci,id={},drive=disk,addr={},ioeventfd=off", kDisk.id, kDisk.slot));
}

void Run::start() {
    log_ = temporary_file("log");
    console_ = temporary_file("console");
    qemu::CommandLine line(installation_.command_line(
        {"-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot", "-S"}));
    line.add("-machine", options_.machine);
    line.add("-accel", "tcg");
    line.add("-smp", "1");
    line.add("-m", fmt::format("{}M", options_.memory_mib));
    if (module_) line.add("-icount", kInstructionClock);
    line.add("-kernel", guest_.kernel);
    if (!guest_.initrd.empty()) line.add("-initrd", guest_.initrd);
    const std::string append =
        options_.append.empty() && our_guest() ? "console=ttyS0 quiet loglevel=3 panic=-1" : options_.append;
    if (!append.empty()) line.add("-append", append);
    line.add("-chardev", fmt::format("file,id=console,path={}", line.lend(console_.get())));
    plug(line);
    qemu::UniqueFd qmp_socket = line.chardev("qmp");
    line.add("-mon", "chardev=qmp,mode=control");
    qemu::UniqueFd qtest_socket = line.chardev("qtest");
    line.add("-qtest", "chardev:qtest");
    line.add("-qtest-log", "none");
    line.add("-msg", "timestamp=on");
    line.add(
        "-d",
        "trace:memory_region_ops_read,trace:memory_region_ops_write,trace:pci_cfg_read,trace:pci_cfg_write");
    line.add("-D", options_.keep_log.empty() ? line.lend(log_.get()) : options_.keep_log);
    auto env = module_ ? module_->env : installation_.env;
    if (module_) env.emplace_back("TWINBENCH_RECORDER", module_devices());
    process_ = std::make_unique<qemu::Process>(
        qemu::ProcessOptions{installation_.binary, line.args(), env, line.numbers()});
    line.handed_over();
    loop_ = std::make_unique<qemu::EventLoop>(process_.get(), kControlLimit);
    loop_->add(process_.get());
    qemu::QmpClient qmp(std::move(qmp_socket), *loop_);
    qmp.connect();
    const json version = json::parse(qmp.execute("query-version")).at("qemu");
    outcome_.qemu = fmt::format("{}.{}.{}", version.at("major").get<int>(), version.at("minor").get<int>(),
                                version.at("micro").get<int>());
    if (module_) {
        qemu::QtestClient qtest(std::move(qtest_socket), *loop_);
        qtest.command("module_load tb- recorder");
    }
    qmp.execute("cont");
}

/// Until the guest's end, which closes QEMU's standard error, or the deadline.
void Run::watch() {
    using std::chrono::milliseconds;
    const auto begun = Clock::now();
    while (process_->fd() >= 0) {
        const auto gone = Clock::now() - begun;
        if (gone > options_.deadline) {
            outcome_.failures.push_back(
                fmt::format("the guest has not ended after {} s, and was killed", options_.deadline.count()));
            process_->kill();
            return;
        }
        if (options_.progress) options_.progress(std::chrono::duration<double>(gone).count());
        pollfd ended{process_->fd(), POLLIN, 0};
        ::poll(&ended, 1, static_cast<int>(milliseconds(kProgressEvery).count()));
        process_->pump();
    }
    process_->reap(kControlLimit);
}

void Run::judge() {
    if (!outcome_.failures.empty()) return;
    const bool ended =
        process_->status_text() == kPoweredOff || (!our_guest() && ended_by_itself(process_->status_text()));
    if (!ended)
        outcome_.failures.push_back(
            fmt::format("QEMU ended with {}: {}", process_->status_text(), process_->stderr_text()));
    else if (our_guest() && outcome_.console.find(kGuestDone) == std::string::npos)
        outcome_.failures.emplace_back("the guest did not come to its end; --console shows what it said");
}

void Run::convert() {
    const auto source = recording::open_recording(log_path());
    replay::Cast cast;
    trace::TraceHeader header;
    const std::string ours = guest_.version.empty() ? "Linux of the distribution" : guest_.version;
    header.scenario = fmt::format("recorded guest on {}: {}", options_.machine,
                                  our_guest() ? ours : fs::path(options_.kernel).filename().string());
    header.machine = "qemu";
    header.qemu = outcome_.qemu;
    if (!module_) header.clock = "wall";
    const auto keep = [&](const recording::Record& record) {
        const auto found = cast.locate(record);
        if (found) return wants(options_, cast.parts()[found->part].role->type);
        if (record.event.kind == EventKind::kMessage)
            return cast.sender(record.event.address, record.event.value).has_value();
        return recording::has_place(record.event.kind);
    };
    std::vector<recording::Record> first;
    recording::Record disk;
    const std::string contents = options_.disk.empty() ? kDiskFill : replay::identity_of_image(options_.disk);
    const std::string place = kDisk.place();
    if (wants(options_, kDisk.type)) {
        disk.event.kind = EventKind::kHostInput;
        disk.event.value = options_.disk.empty() ? kDiskSectors : fs::file_size(options_.disk) / kSector;
        disk.text = recording::kDisk;
        disk.name = place;
        disk.data = std::as_bytes(std::span(contents));
        first.push_back(disk);
    }
    outcome_.events = recording::write_canonical(*source, options_.output, header, keep, first);
    outcome_.log = source->summary();
}

}  // namespace

Outcome record(const Options& options) {
    return Run(options).finish();
}

}  // namespace tb::record
