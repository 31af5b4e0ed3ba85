// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <string>

namespace tb::cli::testing {

struct Ran {
    int code;            ///< exit code; -1 when it ended by a signal
    std::string output;  ///< standard output and error together
};

inline Ran run_program(const std::string& program, const std::string& arguments) {
    std::FILE* pipe = ::popen((program + " " + arguments + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return {-1, "popen failed"};
    std::string output;
    char buffer[4096];
    for (std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe); n > 0;
         n = std::fread(buffer, 1, sizeof buffer, pipe))
        output.append(buffer, n);
    const int status = ::pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

#ifdef TWINBENCH_PROGRAM
inline Ran twinbench(const std::string& arguments) {
    return run_program(TWINBENCH_PROGRAM, arguments);
}
#endif

}  // namespace tb::cli::testing
