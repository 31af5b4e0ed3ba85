// SPDX-License-Identifier: BSD-3-Clause
//
// A main for fuzz targets without libFuzzer: runs the inputs of the files and folders given, and then, if
// told so with
// --random N, N inputs drawn from a fixed seed. Any compiler, no instrumentation: this is how ctest runs the
// corpus.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

void run_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

std::uint64_t next_random(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t word = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
}

void run_random(unsigned count) {
    std::uint64_t state = 1;
    for (unsigned i = 0; i < count; ++i) {
        std::vector<std::uint8_t> input(next_random(state) % 600);
        // Mostly small numbers: lies that are nearly right go deeper than noise.
        for (std::uint8_t& byte : input) {
            const std::uint64_t word = next_random(state);
            byte = static_cast<std::uint8_t>((word & 7) < 5 ? (word >> 8) & 0x81 : word >> 8);
        }
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
}

}  // namespace

int main(int argc, char** argv) {
    unsigned inputs = 0;
    unsigned random = 0;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--random") == 0 && i + 1 < argc) {
            random = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
        } else if (fs::is_directory(argv[i])) {
            for (const auto& entry : fs::directory_iterator(argv[i])) {
                run_file(entry.path());
                ++inputs;
            }
        } else if (fs::is_regular_file(argv[i])) {
            run_file(argv[i]);
            ++inputs;
        } else {
            std::fprintf(stderr,
                         "%s: there is no such file or folder\nusage: %s [FILE|FOLDER...] [--random N]\n",
                         argv[i], argv[0]);
            return 2;
        }
    }
    run_random(random);
    std::printf("%u inputs, %u random ones, no finding\n", inputs, random);
    return 0;
}
