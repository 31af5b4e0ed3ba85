// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/devices/outside.hpp"
#include "harness/operations/operation.hpp"

namespace tb::sweep {

/// What data a run may give, learnt from the run without a fault: sectors, frames and characters that are
/// true. A driver may say that it failed; when it says that it did not, what it gives must be among these.
class Truth {
  public:
    // The run without a fault.
    void learn(const harness::OperationSpec& operation, const harness::Arguments& arguments,
               const harness::Outcome& outcome);
    void learn_output(std::string_view what, const harness::Bytes& bytes);
    void learn_input(std::string_view what, const harness::Bytes& bytes);

    /// What is wrong with an outcome; empty if nothing is. `alone`: no other request was in flight, so that
    /// the medium holds what the driver says that it wrote.
    std::string judge(const harness::OperationSpec& operation, const harness::Arguments& arguments,
                      const harness::Outcome& outcome, harness::Outside& outside, bool alone);
    /// Frames that no driver would have sent; characters that nobody wrote, or in another order.
    std::string judge_output(std::string_view what, const harness::Bytes& bytes);
    /// The scenario writes registers itself: which characters go where is not the driver's doing alone.
    void distrust_lines() { distrusts_lines_ = true; }
    /// Forgets what the runs that were judged have given: before the next one.
    void begin();

  private:
    std::string judge_read(const harness::Arguments& arguments, const harness::Bytes& data,
                           harness::Outside& outside) const;

    using Range = std::pair<std::uint64_t, std::uint64_t>;  ///< first sector, bytes
    std::map<Range, std::vector<harness::Bytes>> sectors_;
    std::vector<harness::Bytes> received_;
    std::vector<harness::Bytes> sent_;
    harness::Bytes typed_;
    harness::Bytes arrived_;  ///< as they were typed, whether they were read or not
    harness::Bytes printed_;
    bool distrusts_lines_ = false;
    harness::Bytes read_now_;
    harness::Bytes printed_now_;
};

}  // namespace tb::sweep
