// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace tb::harness {

/// While one lives, what crosses a layer is not the driver's. The layer counts them in its `aside_`; without
/// a layer it does nothing.
template <class Layer>
class Aside {
  public:
    explicit Aside(Layer* layer) : layer_(layer) {
        if (layer_ != nullptr) ++layer_->aside_;
    }
    ~Aside() {
        if (layer_ != nullptr) --layer_->aside_;
    }
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;

  private:
    Layer* layer_;
};

}  // namespace tb::harness
