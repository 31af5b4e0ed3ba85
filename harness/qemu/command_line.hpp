// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/qemu/fd.hpp"

namespace tb::qemu {

/// Collects QEMU's arguments, and its ends of the socket pairs until QEMU has them.
class CommandLine {
  public:
    explicit CommandLine(std::vector<std::string> args) : args_(std::move(args)) {}

    void flag(const std::string& option) { args_.push_back(option); }
    void add(const std::string& option, const std::string& value) {
        args_.push_back(option);
        args_.push_back(value);
    }
    /// A socket pair: returns our end, and puts the number of QEMU's end into `number`.
    UniqueFd connect(int& number) {
        SocketPair pair = make_socket_pair();
        number = pair.theirs.get();
        numbers_.push_back(number);
        theirs_.push_back(std::move(pair.theirs));
        return std::move(pair.ours);
    }
    /// Lets QEMU open a descriptor of ours: returns the path under which it finds it.
    std::string lend(int fd) {
        numbers_.push_back(fd);
        return fmt::format("/proc/self/fd/{}", fd);
    }
    UniqueFd chardev(const std::string& id) {
        int number = -1;
        UniqueFd ours = connect(number);
        add("-chardev", fmt::format("socket,id={},fd={}", id, number));
        return ours;
    }

    /// QEMU has its ends of the sockets; while this process held them too, nobody would notice that it ended.
    void handed_over() { theirs_.clear(); }

    const std::vector<std::string>& args() const { return args_; }
    const std::vector<int>& numbers() const { return numbers_; }

  private:
    std::vector<std::string> args_;
    std::vector<int> numbers_;
    std::vector<UniqueFd> theirs_;
};

}  // namespace tb::qemu
