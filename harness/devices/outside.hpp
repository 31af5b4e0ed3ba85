// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/operations/value.hpp"

namespace tb::harness {

/// Something that this machine's outside world cannot do (QEMU's socket back end has no modem lines, say).
class OutsideUnsupported : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The world on the other side of a device: the wire, the terminal, the medium. Scenarios act on it with
/// "host" steps; each machine brings its own (back ends of the models, or QEMU's). When a call returns, the
/// input has reached the device as far as it can without the driver.
class Outside {
  public:
    virtual ~Outside() = default;

    virtual bool has_network() const { return false; }
    virtual bool has_line() const { return false; }
    virtual bool has_medium() const { return false; }

    /// A frame (without FCS) arrives on the wire.
    virtual void send_frame(std::span<const std::byte> frame);
    /// Frames that the device has sent since the last call, oldest first.
    virtual std::vector<Bytes> take_frames();
    virtual void set_link(bool up);
    /// Whoever moved the machine to another place has the device tell so: it announces itself, and asks its
    /// driver to.
    virtual void announce();

    /// Characters arrive on the line.
    virtual void type(std::span<const std::byte> characters);
    virtual Bytes take_output();
    virtual void send_break();
    virtual void set_modem_lines(bool cts, bool dsr, bool ri, bool dcd);

    /// From now on requests to the medium stay unfinished until they are released.
    virtual void hold_requests(bool hold);
    /// Finishes the held request at `index` (0 is the oldest).
    virtual void release_request(unsigned index);
    virtual unsigned held_requests();
    virtual void resize_medium(std::uint64_t sectors);
    /// Requests that touch these sectors fail from now on ("eio" or "enospc"); an empty error mends them.
    virtual void fail_sectors(std::uint64_t sector, std::uint64_t sectors, const std::string& error);
    /// Flushes fail from now on, with the same errors; an empty error mends it.
    virtual void fail_flushes(const std::string& error);
    /// What the medium holds.
    virtual Bytes medium_contents(std::uint64_t sector, std::uint64_t sectors);
    /// How long the medium takes: every request `ns` plus up to `jitter_ns` more, drawn from the scenario's
    /// seed.
    virtual void set_latency(std::uint64_t ns, std::uint64_t jitter_ns);

  protected:
    [[noreturn]] static void unsupported(const char* what);
};

}  // namespace tb::harness
