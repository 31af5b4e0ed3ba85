// SPDX-License-Identifier: BSD-3-Clause
#include "harness/qemu/error.hpp"

namespace tb::qemu {

const char* to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kNotFound:
            return "not found";
        case ErrorKind::kDied:
            return "QEMU died";
        case ErrorKind::kHung:
            return "QEMU hung";
        case ErrorKind::kProtocol:
            return "protocol";
        case ErrorKind::kUnsupported:
            return "unsupported";
    }
    return "unknown";
}

QemuError::QemuError(ErrorKind kind, const std::string& message)
    : std::runtime_error(std::string(to_string(kind)) + ": " + message), kind_(kind), message_(message) {}

}  // namespace tb::qemu
