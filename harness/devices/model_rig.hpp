// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "harness/devices/device_type.hpp"
#include "harness/machine/model_machine.hpp"

#include <memory>
#include <string>

namespace tb::harness {

/// The model machine with one device. Derive, own the device and what stands behind it, and say how the world reaches it.
/// The device goes before the machine: keep it in the derived class.
class ModelRig : public Rig {
  public:
    MachineBase& machine() override { return *machine_; }
    std::string description() const override { return "model"; }
    trace::Visibility visibility() const override { return trace::Visibility::all(); }

  protected:
    /// Builds the machine; `build` makes the device on the board.
    void build(const RigOptions& options, const ModelMachine::Build& build) {
        machine_ = ModelMachine::create(build, options.shuffle);
    }
    ModelMachine& model() { return *machine_; }

  private:
    std::unique_ptr<ModelMachine> machine_;
};

}  // namespace tb::harness
