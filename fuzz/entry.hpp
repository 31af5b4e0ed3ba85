// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

/// What a target offers besides libFuzzer's entry points: to whoever runs the corpus without libFuzzer.
namespace tb::fuzz {

/// A number of all that crosses the seam when this input runs on a bench that was just built (`fresh`), or on
/// the one on which all others ran. Nothing: the target has no seam.
std::optional<std::uint64_t> seam_hash(const std::uint8_t* data, std::size_t size, bool fresh);

/// What executions are worth: the calls at the seam of all inputs so far. A target without a seam counts
/// nothing.
struct Worked {
    std::uint64_t inputs = 0;
    std::uint64_t calls = 0;

    void add(std::uint64_t of_one_input) {
        ++inputs;
        calls += of_one_input;
    }
};
inline Worked worked;

/// libFuzzer keeps the input that ends the program.
inline void report(const std::string& finding) {
    if (finding.empty()) return;
    std::fprintf(stderr, "finding: %s\n", finding.c_str());
    std::abort();
}

/// From here on the input has so much time of the processor that only a driver uses it up which loops without
/// looking at its device: no budget of the seam can end that. By the processor's clock, so a slow machine
/// makes no finding.
inline void begin_input() {
    constexpr int kSeconds = 10;
    static const bool installed = [] {
        std::signal(SIGVTALRM, [](int) {
            constexpr std::string_view kWords =
                "finding: what is tested does not come to an end, and does not look at anything\n";
            static_cast<void>(!::write(STDERR_FILENO, kWords.data(), kWords.size()));
            std::abort();
        });
        return true;
    }();
    const ::itimerval until{{0, 0}, {installed ? kSeconds : 0, 0}};
    ::setitimer(ITIMER_VIRTUAL, &until, nullptr);
}

}  // namespace tb::fuzz
