// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/installation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>
#include <string_view>
#include <tuple>

#include "harness/qemu/environment.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/process.hpp"

namespace tb::qemu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "qemu-system-x86_64";
constexpr std::chrono::seconds kVersionLimit{10};

/// The two numbers that `text` begins with, as {10, 0} of "10.0.13"; `rest` is what follows.
std::optional<std::pair<int, int>> leading_version(std::string_view text, std::string_view& rest) {
    std::pair<int, int> version;
    const char* const end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.first);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.second);
    if (minor.ec != std::errc{}) return std::nullopt;
    rest = {minor.ptr, static_cast<std::size_t>(end - minor.ptr)};
    return version;
}

/// "10.0" as {10, 0}; empty when it is anything else.
std::optional<std::pair<int, int>> parse_version(const std::string& text) {
    std::string_view rest;
    const auto version = leading_version(text, rest);
    return rest.empty() ? version : std::nullopt;
}

fs::path version_folder() {
    if (const std::string named = variable("TWINBENCH_QEMU_VERSIONS"); !named.empty()) return named;
    // build/PRESET/bin/twinbench, and build/qemu.
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    return program.parent_path().parent_path().parent_path() / "qemu";
}

std::optional<fs::path> fetched(const std::string& version) {
    std::error_code ignored;
    fs::path program = version_folder() / version / "usr/bin" / kProgram;
    return fs::is_regular_file(program, ignored) ? std::optional(program) : std::nullopt;
}

/// What it says of itself: "QEMU emulator version 7.2.22 (Debian ...)".
void ask_version(Installation& qemu) {
    try {
        Process process({qemu.binary, {"--version"}, qemu.env, {}});
        process.reap(kVersionLimit);
        const std::string said = process.stderr_text();
        constexpr std::string_view kBefore = "version ";
        const std::size_t at = said.find(kBefore);
        if (at == std::string::npos) return;
        std::string_view rest;
        if (const auto version = leading_version(std::string_view(said).substr(at + kBefore.size()), rest))
            std::tie(qemu.major, qemu.minor) = *version;
    } catch (const QemuError&) {
        // It does not start: whoever starts it next says why.
    }
}

Installation inspect(const std::string& binary) {
    Installation qemu;
    qemu.binary = binary;
    std::error_code ignored;
    const fs::path prefix = fs::weakly_canonical(binary, ignored).parent_path().parent_path();
    if (prefix != "/usr" && prefix != "/") {
        for (const char* firmware : {"share/qemu", "share/seabios", "lib/ipxe/qemu"})
            if (const fs::path folder = prefix / firmware; fs::is_directory(folder, ignored))
                qemu.args.insert(qemu.args.end(), {"-L", folder.string()});
        if (const fs::path folder = prefix / "lib/x86_64-linux-gnu/qemu"; fs::is_directory(folder, ignored)) {
            qemu.modules = folder.string();
            qemu.env.emplace_back("QEMU_MODULE_DIR", qemu.modules);
        }
    }
    ask_version(qemu);
    return qemu;
}

}  // namespace

std::optional<Installation> find_qemu(const std::string& name) {
    static std::map<std::string, Installation> known;
    std::optional<std::string> binary;
    if (parse_version(name)) {
        if (const auto program = fetched(name)) binary = program->string();
    } else {
        binary = find_executable(name);
    }
    if (!binary) return std::nullopt;
    const auto [entry, is_new] = known.try_emplace(*binary);
    if (is_new) entry->second = inspect(*binary);
    return entry->second;
}

Installation require_qemu(const std::string& name) {
    if (const auto found = find_qemu(name)) return *found;
    throw QemuError(ErrorKind::kNotFound, fmt::format("there is no {} here; {}", name, how_to_get(name)));
}

std::string command_for(const std::string& name) {
    return parse_version(name) ? "ci/qemu-versions " + name : "apt-get install --reinstall qemu-system-x86";
}

std::string how_to_get(const std::string& name) {
    if (!parse_version(name))
        return "install it with `apt-get install qemu-system-x86`, or name one with --qemu PROGRAM or "
               "VERSION";
    const std::vector<std::string> there = fetched_versions();
    return fmt::format("fetch it with `{}` (there {}: {})", command_for(name),
                       there.size() == 1 ? "is" : "are",
                       there.empty() ? "none yet" : fmt::format("{}", fmt::join(there, ", ")));
}

std::vector<std::string> fetched_versions() {
    std::vector<std::string> versions;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(version_folder(), ignored))
        if (const std::string name = entry.path().filename(); parse_version(name) && fetched(name))
            versions.push_back(name);
    std::sort(versions.begin(), versions.end(),
              [](const std::string& a, const std::string& b) { return parse_version(a) < parse_version(b); });
    return versions;
}

}  // namespace tb::qemu
