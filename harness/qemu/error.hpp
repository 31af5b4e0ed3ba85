// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdexcept>
#include <string>

namespace tb::qemu {

/// What went wrong with QEMU, apart from anything that a guest or a driver did.
enum class ErrorKind {
    kNotFound,     ///< the binary, a compiler or a file is missing; the message names the remedy
    kDied,         ///< QEMU ended; the message holds its exit status and what it wrote to stderr
    kHung,         ///< no reply within the limit; QEMU has been killed
    kProtocol,     ///< QEMU refused a command, or answered in a way that the protocol does not know
    kUnsupported,  ///< the request would make this QEMU abort, or it cannot do it at all
};

const char* to_string(ErrorKind kind);

class QemuError : public std::runtime_error {
  public:
    QemuError(ErrorKind kind, const std::string& message);
    ErrorKind kind() const { return kind_; }
    /// what() without the name of the kind before it.
    const std::string& message() const { return message_; }

  private:
    ErrorKind kind_;
    std::string message_;
};

}  // namespace tb::qemu
