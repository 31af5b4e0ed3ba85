// SPDX-License-Identifier: BSD-3-Clause
#include "harness/bench/guest.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/bench/disk.hpp"
#include "harness/bench/rows.hpp"
#include "harness/qemu/command_line.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/installation.hpp"
#include "harness/qemu/process.hpp"
#include "harness/qemu/qmp_client.hpp"

namespace tb::bench {

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kQmpLimit{10};
constexpr std::chrono::seconds kEndLimit{10};
/// What isa-debug-exit makes of the kernel's words for "all passed" and "some failed".
constexpr const char* kPassed = "exit status 33";
constexpr const char* kSomeFailed = "exit status 35";
constexpr const char* kPoweredOff = "exit status 0";
constexpr std::size_t kLogShown = 2000;

double since(Clock::time_point begin) {
    return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

/// Processor time of all threads so far, in nanoseconds: user and system ticks of /proc/PID/stat (proc(5)).
double cpu_ns_of(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(file, line);
    // The name, in parentheses, may hold anything.
    const std::size_t behind = line.rfind(')');
    if (behind == std::string::npos) return 0;
    std::istringstream fields(line.substr(behind + 1));
    std::string field;
    double ticks = 0;
    for (int number = 3; fields >> field && number <= 15; ++number)
        if (number >= 14) ticks += std::stod(field);
    return ticks * 1e9 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// One guest, from start to end.
class Run {
  public:
    Run(const GuestImage& image, const GuestOptions& options) : image_(image), options_(options) { start(); }

    GuestResult finish() {
        while (auto line = next_line()) take(*line);
        end();
        return std::move(result_);
    }

  private:
    void start();
    std::optional<std::string> next_line();
    void take(const std::string& line);
    void begin(const std::string& row);
    void end_row(const std::string& rest);
    void compare(const std::string& row);
    void flood(const std::string& rest);
    void answer();
    void end();
    void check_disk();
    void read_log();
    void fail(std::string why) { result_.failures.push_back(std::move(why)); }
    std::pair<std::uint64_t, std::uint64_t> disk_requests();

    const GuestImage& image_;
    const GuestOptions& options_;
    Disk disk_;
    GuestResult result_;
    Clock::time_point started_ = Clock::now();
    std::unique_ptr<qemu::Process> process_;
    std::unique_ptr<qemu::EventLoop> loop_;
    std::unique_ptr<qemu::QmpClient> qmp_;
    std::unique_ptr<Peer> peer_;
    qemu::UniqueFd control_;
    qemu::UniqueFd log_;
    std::string input_;
    std::string logged_;

    RowResult row_;
    Clock::time_point row_begun_;
    double cpu_begun_ = 0;
    std::pair<std::uint64_t, std::uint64_t> requests_begun_;
};

void Run::start() {
    const qemu::Installation installation = qemu::require_qemu(options_.qemu);
    qemu::CommandLine line(installation.command_line(
        {"-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot"}));
    line.add("-machine", "q35");
    line.add("-accel", options_.accelerator);
    line.add("-m", "512M");
    line.add("-smp", "1");
    line.add("-kernel", image_.kernel);
    if (!image_.initrd.empty()) line.add("-initrd", image_.initrd);
    line.add("-append", image_.command);
    control_ = line.chardev("control");
    line.add("-serial", "chardev:control");
    qemu::UniqueFd serial = line.chardev("measured");
    line.add("-serial", "chardev:measured");
    log_ = line.chardev("log");
    line.add("-device", "isa-debugcon,iobase=0xe9,chardev=log");
    line.add("-device", "isa-debug-exit,iobase=0xf4,iosize=4");
    qemu::UniqueFd qmp = line.chardev("qmp");
    line.add("-mon", "chardev=qmp,mode=control");
    line.add("-blockdev",
             json{{"driver", "file"}, {"filename", line.lend(disk_.fd())}, {"node-name", "disk"}}.dump());
    line.add("-device", "virtio-blk-pci,addr=4,drive=disk");
    int wire = -1;
    qemu::UniqueFd ours = line.connect(wire);
    line.add("-netdev", fmt::format("socket,id=wire,fd={}", wire));
    line.add("-device", "e1000,addr=5,netdev=wire,mac=52:54:00:12:34:56");
    started_ = Clock::now();
    process_ = std::make_unique<qemu::Process>(
        qemu::ProcessOptions{installation.binary, line.args(), installation.env, line.numbers()});
    line.handed_over();
    peer_ = std::make_unique<Peer>(std::move(ours), std::move(serial));
    loop_ = std::make_unique<qemu::EventLoop>(process_.get(), kQmpLimit);
    loop_->add(process_.get());
    qmp_ = std::make_unique<qemu::QmpClient>(std::move(qmp), *loop_);
    qmp_->connect();
    const json version = json::parse(qmp_->execute("query-version")).at("qemu");
    result_.qemu = fmt::format("{}.{}.{}", version.at("major").get<int>(), version.at("minor").get<int>(),
                               version.at("micro").get<int>());
}

/// The next line on the first serial port; nothing when the guest has ended, or its time is up.
std::optional<std::string> Run::next_line() {
    const auto deadline = started_ + options_.deadline;
    while (true) {
        const std::size_t end = input_.find('\n');
        if (end != std::string::npos) {
            std::string line = input_.substr(0, end);
            input_.erase(0, end + 1);
            std::erase(line, '\r');
            return line;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) {
            fail(
                fmt::format("the guest has not ended after {} s, and was killed", options_.deadline.count()));
            process_->kill();
            return std::nullopt;
        }
        std::array<pollfd, 3> polled{pollfd{control_.get(), POLLIN, 0}, pollfd{log_.get(), POLLIN, 0},
                                     pollfd{process_->fd(), POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), static_cast<int>(left)) < 0) continue;
        if (polled[1].revents != 0) read_log();
        if (polled[2].revents != 0) process_->pump();
        if (polled[0].revents == 0) continue;
        std::array<char, 4096> bytes{};
        const ssize_t got = ::recv(control_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got == 0) return std::nullopt;
        if (got > 0) input_.append(bytes.data(), static_cast<std::size_t>(got));
    }
}

void Run::read_log() {
    std::array<char, 4096> bytes{};
    ssize_t got = 0;
    while ((got = ::recv(log_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0)
        logged_.append(bytes.data(), static_cast<std::size_t>(got));
    if (got == 0) log_.reset();
}

void Run::take(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string verb = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (verb == "ready")
        result_.boot_seconds = since(started_) / 1e9;
    else if (verb == "begin")
        begin(rest);
    else if (verb == "end")
        end_row(rest);
    else if (verb == "flood")
        flood(rest);
    else if (verb == "fail")
        fail(rest);
    else
        // Another system's kernel speaks here too.
        return void(logged_ += line + "\n");
    answer();
}

void Run::begin(const std::string&) {
    row_ = {};
    peer_->reset();
    requests_begun_ = disk_requests();
    cpu_begun_ = cpu_ns_of(process_->pid());
    row_begun_ = Clock::now();
}

void Run::end_row(const std::string& rest) {
    peer_->flood(0);
    row_.wall_ns = since(row_begun_);
    row_.cpu_ns = cpu_ns_of(process_->pid()) - cpu_begun_;
    const auto [reads, writes] = disk_requests();
    row_.disk_reads = reads - requests_begun_.first;
    row_.disk_writes = writes - requests_begun_.second;
    row_.peer = peer_->counts();
    const std::size_t text = rest.find(" text=");
    if (text != std::string::npos) row_.text = rest.substr(text + 6);
    std::istringstream words(rest.substr(0, text));
    std::string row;
    words >> row;
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) continue;
        double value = 0;
        std::from_chars(word.data() + equals + 1, word.data() + word.size(), value);
        row_.numbers[word.substr(0, equals)] = value;
    }
    if (image_.ours)
        compare(row);
    else if (!row_.text.empty() && !read_fio(row_))
        return fail(fmt::format("{}: fio says: {}", row, row_.text));
    result_.rows[row] = row_;
}

/// What the guest says that it moved must be what was seen from outside, to the last piece.
void Run::compare(const std::string& row) {
    const auto same = [&](const char* key, std::uint64_t seen, const char* what) {
        const auto said = row_.numbers.find(key);
        if (said != row_.numbers.end() && said->second != static_cast<double>(seen))
            fail(fmt::format("{}: the guest says {} {}, and {} were seen", row, said->second, what, seen));
    };
    same("requests", row_.disk_reads + row_.disk_writes, "requests");
    if (row.starts_with("net.tx")) same("frames", row_.peer.frames, "frames");
    if (row.starts_with("uart")) same("bytes", row_.peer.serial_bytes, "characters");
    if (row_.peer.damaged != 0 || row_.peer.serial_damaged != 0)
        fail(fmt::format("{}: {} frames and {} characters were not as the guest should send them", row,
                         row_.peer.damaged, row_.peer.serial_damaged));
}

void Run::flood(const std::string& rest) {
    std::uint32_t bytes = 0;
    std::istringstream(rest) >> bytes;
    if (bytes < 60 || bytes > 1514)
        fail(fmt::format("the guest asks for frames of {} bytes", bytes));
    else
        peer_->flood(bytes);
}

void Run::answer() {
    constexpr std::string_view kAnswer = "ok\n";
    if (::send(control_.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) <
        static_cast<ssize_t>(kAnswer.size()))
        fail("the guest's serial port takes no answer");
}

std::pair<std::uint64_t, std::uint64_t> Run::disk_requests() {
    for (const json& device : json::parse(qmp_->execute("query-blockstats"))) {
        if (device.value("qdev", "").empty()) continue;
        const json& stats = device.at("stats");
        return {stats.at("rd_operations").get<std::uint64_t>(),
                stats.at("wr_operations").get<std::uint64_t>()};
    }
    return {};
}

void Run::end() {
    process_->reap(kEndLimit);
    process_->kill();
    if (log_) read_log();
    const std::string status = process_->status_text();
    if (image_.ours ? status != kPassed && status != kSomeFailed : status != kPoweredOff) {
        const std::string log =
            logged_.size() > kLogShown ? logged_.substr(logged_.size() - kLogShown) : logged_;
        fail(fmt::format("the guest ended with {}; QEMU wrote: {}; the guest's log ends:\n{}", status,
                         process_->stderr_text(), log));
    } else if (status == kSomeFailed && result_.failures.empty()) {
        fail("the guest says that something failed, and not what");
    }
    if (image_.ours) check_disk();
}

/// Writes are checked from outside: each block must be as some pass wrote it, and each pass must have left
/// its blocks where no later one came.
void Run::check_disk() {
    std::string why;
    const auto counts = disk_.count(why);
    if (!counts) return fail(why);
    const auto expect = [&](const char* row, unsigned generation, bool exact) {
        const auto found = result_.rows.find(row);
        if (found == result_.rows.end()) return;
        const auto distinct = static_cast<std::uint64_t>(found->second.numbers["distinct"]);
        std::uint64_t blocks = (*counts)[generation];
        if (!exact)
            for (unsigned later = generation + 1; later < Disk::kGenerations; ++later)
                blocks += (*counts)[later];
        if (exact ? blocks != distinct : blocks < distinct)
            fail(fmt::format("{}: {} blocks were written, and {} are on the disk", row, distinct, blocks));
    };
    expect("blk.write.seq", 2, false);
    expect("blk.write.4k.qd1", 3, false);
    expect("blk.write.4k.qd32", 4, true);
}

}  // namespace

GuestResult run_guest(const GuestImage& image, const GuestOptions& options) {
    return Run(image, options).finish();
}

}  // namespace tb::bench
