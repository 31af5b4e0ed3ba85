// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <optional>
#include <string>

#include "harness/cli/commands.hpp"
#include "harness/cli/suite.hpp"
#include "harness/qemu/error.hpp"
#include "harness/qemu/installation.hpp"
#include "harness/qemu/kernel_image.hpp"
#include "harness/qemu/process.hpp"
#include "harness/qemu/shim.hpp"
#include "harness/qemu/vm.hpp"

namespace tb::cli {

namespace {

struct Check {
    enum class State { kGood, kWorse, kMissing };
    State state;
    std::string what;
    std::string remedy;
};

void print(const Check& check) {
    static constexpr const char* kMarks[] = {"ok     ", "reduced", "MISSING"};
    fmt::print("{}  {}\n", kMarks[static_cast<int>(check.state)], check.what);
    if (!check.remedy.empty()) fmt::print("         mend it with: {}\n", check.remedy);
}

Check program(const char* name, const char* needed_for, const char* package) {
    if (const auto path = qemu::find_executable(name))
        return {Check::State::kGood, fmt::format("{}: {}", name, *path), {}};
    return {Check::State::kWorse, fmt::format("{} is not installed: {}", name, needed_for),
            fmt::format("apt-get install {}", package)};
}

Check accelerator_of(const qemu::Installation& installation) {
    const qemu::Accelerator accelerator = qemu::find_accelerator(installation);
    if (accelerator.virtual_time())
        return {Check::State::kGood, "QEMU's clock is ours to step: " + accelerator.reason, {}};
    return {Check::State::kWorse,
            "QEMU's clock runs in real time, confirmation is slower and less exact: " + accelerator.reason,
            "apt-get install gcc binutils"};
}

Check start_qemu(const std::string& binary) {
    qemu::VmOptions options;
    options.binary = binary;
    try {
        qemu::Vm vm(options);
        const qemu::QemuVersion& version = vm.version();
        return {Check::State::kGood,
                fmt::format("QEMU {}.{}.{} starts and answers over qtest", version.major, version.minor,
                            version.micro),
                {}};
    } catch (const qemu::QemuError& error) {
        return {Check::State::kMissing, fmt::format("QEMU does not start: {}", error.what()),
                qemu::command_for(binary)};
    }
}

Check kernel_image(const char* name) {
    if (const auto path = qemu::find_kernel_image(name))
        return {Check::State::kGood, fmt::format("{}: {}", name, *path), {}};
    return {Check::State::kWorse, fmt::format("{} is not built: what runs in a kernel needs it", name),
            "cmake --preset release && cmake --build --preset release"};
}

Check temporary_space() {
    const std::filesystem::path folder = std::filesystem::temp_directory_path();
    struct statvfs space{};
    if (::statvfs(folder.c_str(), &space) != 0)
        return {Check::State::kWorse, fmt::format("{} cannot be looked at", folder.string()), {}};
    const double mebibytes =
        static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / (1 << 20);
    if (mebibytes < 64)
        return {Check::State::kWorse, fmt::format("{} has only {:.0f} MiB free", folder.string(), mebibytes),
                "free some space, or set TMPDIR"};
    return {Check::State::kGood, fmt::format("{} has {:.0f} MiB free", folder.string(), mebibytes), {}};
}

}  // namespace

int doctor_command(const DoctorOptions& options) {
    bool missing = false;
    const auto show = [&](const Check& check) {
        print(check);
        missing = missing || check.state == Check::State::kMissing;
    };
    show({Check::State::kGood, "the models run in this program: `twinbench run` needs nothing else", {}});
    std::vector<std::string> names{options.qemu};
    for (std::string& version : qemu::fetched_versions())
        if (version != options.qemu) names.push_back(std::move(version));
    for (const std::string& name : names) {
        if (const auto found = qemu::find_qemu(name)) {
            show({Check::State::kGood, fmt::format("{}: {}", name, found->binary), {}});
            show(accelerator_of(*found));
            show(start_qemu(name));
        } else {
            show({Check::State::kMissing, fmt::format("there is no {}: `twinbench confirm` needs it", name),
                  qemu::command_for(name)});
        }
    }
    show(kernel_image(kConfirmImage));
    show(program("cc", "the module that gives QEMU a virtual clock is compiled with it", "gcc"));
    show(program("clang++-19", "fuzzing and sanitizers need it", "clang-19 libclang-rt-19-dev"));
    show(program("clang-format-19", "ci/format needs it", "clang-format-19"));
    show(program("clang-tidy-19", "ci/tidy needs it", "clang-tidy-19"));
    show(program("gcovr", "ci/coverage needs it", "gcovr"));
    show(temporary_space());
    return missing ? kEnvironmentLacks : kAllPassed;
}

}  // namespace tb::cli
