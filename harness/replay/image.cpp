// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/image.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>

#include "harness/trace/atomic_file.hpp"

namespace tb::replay {

namespace {

constexpr std::string_view kImage = "image ";
constexpr std::size_t kHashDigits = 16;

}  // namespace

std::string identity_of_image(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) trace::throw_file_error(path, "read", errno);
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                                XXH3_freeState);
    XXH3_64bits_reset(state.get());
    std::array<char, 1 << 16> piece{};
    while (file.read(piece.data(), piece.size()), file.gcount() > 0)
        XXH3_64bits_update(state.get(), piece.data(), static_cast<std::size_t>(file.gcount()));
    if (file.bad()) trace::throw_file_error(path, "read", errno);
    return fmt::format("{}{} xxh3 {:016x}", kImage, std::filesystem::path(path).filename().string(),
                       XXH3_64bits_digest(state.get()));
}

bool is_image(std::string_view contents) {
    return contents.starts_with(kImage);
}

bool same_image(std::string_view one, std::string_view other) {
    return one.size() >= kHashDigits && other.size() >= kHashDigits &&
           one.substr(one.size() - kHashDigits) == other.substr(other.size() - kHashDigits);
}

}  // namespace tb::replay
