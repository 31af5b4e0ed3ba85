// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace tb::cli {

/// Runs `count` jobs in `workers` processes of their own and hands each one's result, a line of text, to
/// `done` in the order in which they end. Processes, because SystemC keeps its state in a global; and because
/// a driver or a model that crashes then takes one job with it and not the run.
///
/// A worker takes the next job when it is free. `crashed` is called for a job whose worker died, with what it
/// died of; the others go on in a new worker. Throws std::system_error when no process can be made.
class Pool {
  public:
    using Job = std::function<std::string(std::size_t index)>;
    using Done = std::function<void(std::size_t index, const std::string& result)>;
    using Crashed = std::function<void(std::size_t index, const std::string& how)>;

    static void run(std::size_t count, unsigned workers, const Job& job, const Done& done,
                    const Crashed& crashed);
};

}  // namespace tb::cli
