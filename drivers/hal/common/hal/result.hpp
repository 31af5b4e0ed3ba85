// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <utility>

namespace tb::hal {

/// Why an operation of a driver did not succeed. One vocabulary for all drivers, so that a kernel can map it
/// to its own codes once.
enum class Error : std::uint8_t {
    kTimeout,          ///< the device did not do in time what it must; the deadline was the caller's or the
                       ///< specification's
    kAbsent,           ///< nothing answers at this place (all-ones, or a probe that failed)
    kDeviceGone,       ///< the device answered before and now reads all-ones: removed, or powered down
    kDeviceError,      ///< the device reported an error for this request (a status byte, an error bit)
    kProtocol,         ///< the device said something that its specification forbids; it was not believed
    kUnsupported,      ///< the device (or this driver) does not offer what was asked
    kInvalidArgument,  ///< the caller asked for something that makes no sense; the device was not touched
    kOutOfRange,       ///< beyond the end of the medium, or larger than the device takes
    kNoMemory,         ///< the platform has no DMA memory, mapping or interrupt vector left
    kBusy,             ///< the ring is full: complete something first
    kReadOnly,         ///< the medium or the register is write protected
    kReset,            ///< the request was in flight when the device was reset; what it did is unknown
    kLinkDown,         ///< no carrier
    kBadChecksum,      ///< stored data (an EEPROM) does not add up
    kNotStarted,       ///< the driver is not started, or has been stopped
};

/// The spelling of an error in scenarios, reports and logs.
constexpr const char* to_string(Error error) {
    switch (error) {
        case Error::kTimeout:
            return "timeout";
        case Error::kAbsent:
            return "absent";
        case Error::kDeviceGone:
            return "device-gone";
        case Error::kDeviceError:
            return "device-error";
        case Error::kProtocol:
            return "protocol";
        case Error::kUnsupported:
            return "unsupported";
        case Error::kInvalidArgument:
            return "invalid-argument";
        case Error::kOutOfRange:
            return "out-of-range";
        case Error::kNoMemory:
            return "no-memory";
        case Error::kBusy:
            return "busy";
        case Error::kReadOnly:
            return "read-only";
        case Error::kReset:
            return "device-reset";
        case Error::kLinkDown:
            return "link-down";
        case Error::kBadChecksum:
            return "bad-checksum";
        case Error::kNotStarted:
            return "not-started";
    }
    return "unknown";
}

/// A value, or the reason why there is none. `T` is default constructible: asking a failed result for its
/// value gives a default one, never undefined behaviour, because a driver has no way to abort.
template <class T>
class [[nodiscard]] Result {
  public:
    // Implicit on purpose: `return value;` and `return Error::kTimeout;` are how a driver reads best.
    constexpr Result(T value) : value_(std::move(value)), ok_(true) {}
    constexpr Result(Error error) : error_(error) {}

    constexpr bool ok() const { return ok_; }
    constexpr explicit operator bool() const { return ok_; }
    /// Meaningful only when !ok().
    constexpr Error error() const { return error_; }

    constexpr T& value() { return value_; }
    constexpr const T& value() const { return value_; }
    constexpr T& operator*() { return value_; }
    constexpr const T& operator*() const { return value_; }
    constexpr T* operator->() { return &value_; }
    constexpr const T* operator->() const { return &value_; }

  private:
    T value_{};
    Error error_ = Error::kNotStarted;
    bool ok_ = false;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    constexpr Result() = default;
    constexpr Result(Error error) : error_(error), ok_(false) {}

    constexpr bool ok() const { return ok_; }
    constexpr explicit operator bool() const { return ok_; }
    constexpr Error error() const { return error_; }

  private:
    Error error_ = Error::kNotStarted;
    bool ok_ = true;
};

using Status = Result<void>;

}  // namespace tb::hal
