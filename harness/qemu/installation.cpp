// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/installation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>

#include "harness/qemu/environment.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/process.hpp"

namespace tb::qemu {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "qemu-system-x86_64";
constexpr std::chrono::seconds kVersionLimit{10};

/// "10.0" as {10, 0}; empty when it is no version.
std::optional<std::pair<int, int>> parse_version(const std::string& text) {
    int major = 0;
    int minor = 0;
    int length = 0;
    if (std::sscanf(text.c_str(), "%2d.%2d%n", &major, &minor, &length) != 2) return std::nullopt;
    if (static_cast<std::size_t>(length) != text.size()) return std::nullopt;
    return std::pair(major, minor);
}

std::vector<fs::path> version_folders() {
    std::error_code ignored;
    std::vector<fs::path> folders;
    if (const std::string named = variable("TWINBENCH_QEMU_VERSIONS"); !named.empty()) {
        folders.emplace_back(named);
    } else {
        // build/PRESET/bin/twinbench, and build/qemu.
        const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
        folders.push_back(program.parent_path().parent_path().parent_path() / "qemu");
    }
    return folders;
}

std::optional<fs::path> fetched(const std::string& version) {
    std::error_code ignored;
    for (const fs::path& folder : version_folders())
        if (fs::path program = folder / version / "usr/bin" / kProgram; fs::is_regular_file(program, ignored))
            return program;
    return std::nullopt;
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
        if (std::sscanf(said.c_str() + at + kBefore.size(), "%2d.%2d", &qemu.major, &qemu.minor) != 2)
            qemu.major = qemu.minor = 0;
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

std::string how_to_get(const std::string& name) {
    if (!parse_version(name))
        return "install it with `apt-get install qemu-system-x86`, or name one with --qemu PROGRAM or "
               "VERSION";
    const std::vector<std::string> there = fetched_versions();
    return fmt::format("fetch it with `ci/qemu-versions {}` (there {}: {})", name,
                       there.size() == 1 ? "is" : "are",
                       there.empty() ? "none yet" : fmt::format("{}", fmt::join(there, ", ")));
}

std::vector<std::string> fetched_versions() {
    std::vector<std::string> versions;
    std::error_code ignored;
    for (const fs::path& folder : version_folders())
        for (const auto& entry : fs::directory_iterator(folder, ignored))
            if (const std::string name = entry.path().filename(); parse_version(name) && fetched(name))
                versions.push_back(name);
    std::sort(versions.begin(), versions.end(),
              [](const std::string& a, const std::string& b) { return parse_version(a) < parse_version(b); });
    return versions;
}

}  // namespace tb::qemu
