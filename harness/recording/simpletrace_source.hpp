// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "harness/recording/log_source.hpp"

namespace tb::recording {

/// The binary file of QEMU's back end "simple" (format 4, as QEMU 5.2 to 11 write it).
class SimpletraceSource : public AssembledSource {
  public:
    static constexpr std::uint64_t kFirstWord = ~std::uint64_t{0};
    static constexpr std::uint64_t kMagic = 0xf2b177cb0aa429b4;

    explicit SimpletraceSource(std::unique_ptr<trace::Input> input);

  private:
    bool read(Record& record) override;
    bool fill(std::span<std::byte> out);
    bool read_mapping();
    bool read_event(Record& record, bool& usable);
    void end_with(const std::string& reason);

    trace::Scanner scanner_;
    Clock clock_;
    std::unordered_map<std::uint64_t, std::string> events_;
    std::vector<std::byte> body_;
};

}  // namespace tb::recording
