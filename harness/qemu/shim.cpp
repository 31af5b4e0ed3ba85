// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/shim.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "harness/qemu/environment.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/process.hpp"
#include "harness/qemu/qtest_client.hpp"

namespace tb::qemu {
namespace {

namespace fs = std::filesystem;
using Kind = Accelerator::Kind;
using Environment = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::seconds kTrialLimit{10};
constexpr std::chrono::seconds kCompileLimit{60};

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

/// Where the shim's source is: said by the user, beside an installed program, or in the source tree.
std::optional<fs::path> shim_source() {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    const std::string named = variable("TWINBENCH_QEMU_SHIM");
    for (const fs::path& candidate :
         {fs::path(named), program.parent_path().parent_path() / "share/twinbench/qemu/accel_qtest.c",
          fs::path(TB_QEMU_SHIM_SOURCE)})
        if (!candidate.empty() && fs::is_regular_file(candidate, ignored)) return candidate;
    return std::nullopt;
}

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return hash;
}

/// The symbol that a module must export to be one of this build; the main program holds it as text.
std::optional<std::string> build_stamp(std::string_view program) {
    constexpr std::string_view kPrefix = "qemu_stamp_";
    constexpr std::size_t kDigits = 40;
    for (std::size_t at = program.find(kPrefix); at != std::string_view::npos;
         at = program.find(kPrefix, at + 1)) {
        const std::string_view digits = program.substr(at + kPrefix.size(), kDigits);
        const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
        if (digits.size() == kDigits && std::all_of(digits.begin(), digits.end(), is_hex))
            return std::string(program.substr(at, kPrefix.size() + kDigits));
    }
    return std::nullopt;
}

/// QEMU looks its modules up by target: accel-qtest-x86_64.so for qemu-system-x86_64. Later ones have one for
/// all targets.
std::string module_name(const Installation& qemu) {
    constexpr int kOneForAll = 1101;
    if (qemu.version() >= kOneForAll) return "qtest";
    constexpr std::string_view kPrefix = "qemu-system-";
    const std::string name = fs::path(qemu.binary).filename();
    return "qtest-" + (name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : "x86_64");
}

fs::path module_file(const Installation& qemu, const fs::path& folder) {
    return folder / fmt::format("accel-{}.so", module_name(qemu));
}

/// Empty when QEMU runs with `-accel qtest` and steps its clock; else what it said.
std::string try_qtest(const Installation& qemu, const Environment& env) {
    SocketPair channel = make_socket_pair();
    const int fd = channel.theirs.get();
    Process process(
        {qemu.binary,
         qemu.command_line({"-machine", "none", "-accel", "qtest", "-nodefaults", "-no-user-config",
                            "-display", "none", "-chardev", fmt::format("socket,id=qtest,fd={}", fd),
                            "-qtest", "chardev:qtest", "-qtest-log", "none"}),
         env,
         {fd}});
    channel.theirs.reset();
    EventLoop loop(&process, kTrialLimit);
    loop.add(&process);
    QtestClient client(std::move(channel.ours), loop);
    try {
        const std::int64_t now = client.clock_step(100);
        return now == 100 ? "" : fmt::format("clock_step 100 led to {} ns", now);
    } catch (const QemuError& error) {
        return error.what();
    }
}

/// Empty on success; else what went wrong.
std::string compile(const Installation& qemu, const fs::path& source, const std::string& stamp,
                    const fs::path& target) {
    const fs::path scratch = target.string() + fmt::format(".{}.tmp", ::getpid());
    try {
        Process compiler(
            {"cc",
             {"-O2", "-shared", "-fPIC", "-DTB_STAMP=" + stamp, fmt::format("-DTB_QEMU={}", qemu.version()),
              source.string(), "-o", scratch.string()},
             {},
             {}});
        compiler.reap(kCompileLimit);
        const bool ended = !compiler.running();
        if (ended && compiler.status_text() == "exit status 0") {
            std::error_code error;
            fs::rename(scratch, target, error);
            return error ? error.message() : "";
        }
        std::error_code ignored;
        fs::remove(scratch, ignored);
        return fmt::format("cc: {}: {}", compiler.status_text(), compiler.stderr_text());
    } catch (const QemuError&) {
        return "there is no C compiler (cc); install one: apt-get install gcc";
    }
}

/// A file that a killed process cannot leave half written.
void store(const fs::path& path, const std::string& text) {
    const fs::path scratch = path.string() + fmt::format(".{}.tmp", ::getpid());
    std::ofstream(scratch, std::ios::binary) << text;
    std::error_code ignored;
    fs::rename(scratch, path, ignored);
}

/// QEMU takes modules from one folder: those of a QEMU in a folder of its own are wanted beside ours.
void link_modules(const Installation& qemu, const fs::path& folder) {
    std::error_code ignored;
    if (qemu.modules.empty()) return;
    for (const auto& entry : fs::directory_iterator(qemu.modules, ignored))
        fs::create_symlink(entry.path(), folder / entry.path().filename(), ignored);
}

Accelerator halted(const Installation& qemu, const std::string& why) {
    return {Kind::kHaltedTcg, qemu.env, {}, "CPU halted under TCG, time is real: " + why};
}

Accelerator built_in(const Installation& qemu) {
    return {Kind::kBuiltIn, qemu.env, {}, "the qtest accelerator of this QEMU"};
}

Accelerator shim_in(const Installation& qemu, const fs::path& folder) {
    return {Kind::kShim,
            {{"QEMU_MODULE_DIR", folder.string()}},
            module_name(qemu),
            fmt::format("our qtest accelerator module in {}", folder.string())};
}

/// Empty on success; else what went wrong.
std::string build_shim(const Installation& qemu, const std::optional<fs::path>& source,
                       const fs::path& folder) {
    if (!source) return "the source of the shim, accel_qtest.c, was not found";
    const auto stamp = build_stamp(read_file(qemu.binary));
    if (!stamp) return "this QEMU takes no modules";
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fmt::format("{} cannot be made: {}", folder.string(), error.message());
    if (const std::string failure = compile(qemu, *source, *stamp, module_file(qemu, folder));
        !failure.empty())
        return "the shim cannot be built: " + failure;
    link_modules(qemu, folder);
    if (const std::string failure = try_qtest(qemu, shim_in(qemu, folder).env); !failure.empty())
        return "the shim does not fit: " + failure;
    return {};
}

Accelerator find_uncached(const Installation& qemu) {
    struct stat file{};
    if (::stat(qemu.binary.c_str(), &file) != 0) return halted(qemu, qemu.binary + " cannot be read");
    const auto source = shim_source();
    const std::uint64_t identity =
        fnv1a(fmt::format("{}\n{}\n{}.{}\n{}", qemu.binary, file.st_size, file.st_mtim.tv_sec,
                          file.st_mtim.tv_nsec, source ? read_file(*source) : ""));
    const fs::path folder = cache_folder() / fmt::format("qemu-{:016x}", identity);
    const fs::path verdict = folder / "verdict";

    // Only lasting verdicts are kept: a missing compiler may be installed tomorrow.
    if (read_file(verdict) == "shim" && fs::exists(module_file(qemu, folder))) return shim_in(qemu, folder);
    const std::string no_shim = build_shim(qemu, source, folder);
    if (no_shim.empty()) {
        store(verdict, "shim");
        return shim_in(qemu, folder);
    }
    const std::string refusal = try_qtest(qemu, qemu.env);
    return refusal.empty() ? built_in(qemu) : halted(qemu, fmt::format("{}; {}", refusal, no_shim));
}

}  // namespace

Accelerator find_accelerator(const Installation& qemu) {
    static std::map<std::string, Accelerator> known;
    const std::string key = qemu.binary + '\n' + cache_folder().string() + '\n' + variable("PATH");
    const auto [entry, is_new] = known.try_emplace(key);
    if (is_new) entry->second = find_uncached(qemu);
    return entry->second;
}

Module build_module(const Installation& qemu, const std::string& source, const std::string& name) {
    struct stat file{};
    std::error_code error;
    if (::stat(qemu.binary.c_str(), &file) != 0) return {{}, qemu.binary + " cannot be read"};
    if (!fs::is_regular_file(source, error)) return {{}, source + " was not found"};
    const std::uint64_t identity =
        fnv1a(fmt::format("{}\n{}\n{}.{}\n{}", qemu.binary, file.st_size, file.st_mtim.tv_sec,
                          file.st_mtim.tv_nsec, read_file(source)));
    const fs::path folder = cache_folder() / fmt::format("{}-{:016x}", name, identity);
    Module built{{{"QEMU_MODULE_DIR", folder.string()}}, {}};
    const fs::path module = folder / (name + ".so");
    if (fs::exists(module, error)) return built;
    const auto stamp = build_stamp(read_file(qemu.binary));
    if (!stamp) return {{}, "this QEMU takes no modules"};
    fs::create_directories(folder, error);
    if (error) return {{}, fmt::format("{} cannot be made: {}", folder.string(), error.message())};
    if (const std::string failure = compile(qemu, source, *stamp, module); !failure.empty())
        return {{}, failure};
    link_modules(qemu, folder);
    return built;
}

std::vector<unsigned char> halt_bios() {
    // The image ends at 4 GiB; the CPU starts 16 bytes before that, in 16-bit mode.
    std::vector<unsigned char> image(std::size_t{64} * 1024, 0xf4);  // hlt
    image[image.size() - 16] = 0xfa;                                 // cli
    image[image.size() - 14] = 0xeb;  // jmp back to the hlt, should anything wake the CPU
    image[image.size() - 13] = 0xfd;
    return image;
}

}  // namespace tb::qemu
