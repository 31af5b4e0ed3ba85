// SPDX-License-Identifier: BSD-3-Clause
//
// A main for fuzz targets without libFuzzer: runs the inputs of the files and folders given, and then, if
// told so with --random N, N inputs drawn from a fixed seed. Any compiler, no instrumentation: this is how
// ctest runs the corpus.
//
// With --fidelity, each input runs behind the one before it, and on a bench that was just built: what crosses
// the seam must be the same, or a reset in place leaves something behind.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/entry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// libFuzzer's own mutations, which nobody asks for here.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t*, std::size_t size, std::size_t) {
    return size;
}

namespace {

namespace fs = std::filesystem;

using Input = std::vector<std::uint8_t>;

Input contents(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    return {bytes.begin(), bytes.end()};
}

void run(const Input& input) {
    LLVMFuzzerTestOneInput(input.data(), input.size());
}

/// False if an input does not run as it does on a bench that nobody has used.
bool faithful(const Input& input, const std::string& name) {
    const auto fresh = tb::fuzz::seam_hash(input.data(), input.size(), true);
    const auto used = tb::fuzz::seam_hash(input.data(), input.size(), false);
    if (fresh != used) std::fprintf(stderr, "%s: runs differently behind others\n", name.c_str());
    return fresh == used;
}

std::uint64_t next_random(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t word = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
}

std::vector<Input> random_inputs(unsigned count) {
    std::vector<Input> inputs;
    std::uint64_t state = 1;
    for (unsigned i = 0; i < count; ++i) {
        Input& input = inputs.emplace_back(next_random(state) % 600);
        // Mostly small numbers: lies that are nearly right go deeper than noise.
        for (std::uint8_t& byte : input) {
            const std::uint64_t word = next_random(state);
            byte = static_cast<std::uint8_t>((word & 7) < 5 ? (word >> 8) & 0x81 : word >> 8);
        }
    }
    return inputs;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<fs::path> files;
    unsigned random = 0;
    bool fidelity = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--random") == 0 && i + 1 < argc) {
            random = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
        } else if (std::strcmp(argv[i], "--fidelity") == 0) {
            fidelity = true;
        } else if (fs::is_directory(argv[i])) {
            for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
        } else if (fs::is_regular_file(argv[i])) {
            files.emplace_back(argv[i]);
        } else {
            std::fprintf(stderr,
                         "%s: there is no such file or folder\nusage: %s [FILE|FOLDER...] [--random N] "
                         "[--fidelity]\n",
                         argv[i], argv[0]);
            return 2;
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Input> inputs;
    for (const fs::path& file : files) inputs.push_back(contents(file));
    for (Input& input : random_inputs(random)) inputs.push_back(std::move(input));
    bool same = true;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (fidelity)
            same = faithful(inputs[i],
                            i < files.size() ? files[i].string() : "random input " + std::to_string(i)) &&
                   same;
        else
            run(inputs[i]);
    if (!same) return 1;
    std::printf("%zu inputs, %u random ones, no finding\n", files.size(), random);
    return 0;
}
