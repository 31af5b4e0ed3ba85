// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "harness/devices/device_type.hpp"
#include "harness/machine/model_machine.hpp"
#include "models/pci/q35.hpp"

namespace tb::harness {

/// The model machine with one device. Derive, own the device and what stands behind it, and say how the world
/// reaches it. The device goes before the machine: keep it in the derived class.
class ModelRig : public Rig {
  public:
    MachineBase& machine() override { return *machine_; }
    std::string description() const override { return "model"; }
    trace::Visibility visibility() const override { return trace::Visibility::all(); }

  protected:
    /// Builds the machine; `build` makes the device on the board, beside the functions that every q35 has.
    void build(const RigOptions& options, const ModelMachine::Build& build) {
        machine_ = ModelMachine::create(
            [&](model::pci::Board& board) {
                q35_ = std::make_unique<model::pci::Q35Functions>(board);
                build(board);
            },
            options.shuffle,
            {.ram_bytes = options.ram_bytes, .msi_base = options.msi_base, .msi_size = options.msi_size});
        q35_->power_on_reset();
    }
    ModelMachine& model() { return *machine_; }
    /// The machine of a rig that is reset in place; the device and the world behind it follow.
    void reset_machine() {
        machine_->reset();
        q35_->power_on_reset();
    }

  private:
    std::unique_ptr<ModelMachine> machine_;
    std::unique_ptr<model::pci::Q35Functions> q35_;
};

}  // namespace tb::harness
