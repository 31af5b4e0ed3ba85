// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "harness/cli/commands.hpp"
#include "harness/cli/suite.hpp"
#include "harness/devices/atlas.hpp"
#include "harness/faults/fault.hpp"
#include "harness/rules/rule.hpp"
#include "harness/scenario/registers.hpp"
#include "harness/scenario/schema.hpp"
#include "harness/scenario/steps.hpp"
#include "harness/scenario/values.hpp"
#include "harness/sweep/sweep.hpp"
#include "harness/trace/allowed.hpp"

namespace tb::cli {

namespace {

template <class Keys>
void print_keys(const Keys& keys, const char* indent) {
    for (const auto& key : keys)
        fmt::print("{}{:<18} {}{}\n", indent, key.name, key.about, key.required ? " (required)" : "");
}

bool wanted(const Options& options, std::string_view device) {
    if (options.devices.empty()) return true;
    return std::find(options.devices.begin(), options.devices.end(), device) != options.devices.end();
}

void list_devices() {
    for (const harness::DeviceType* type : harness::device_types()) {
        fmt::print("{}\n    {}\n", type->name(), type->about());
        print_keys(type->configuration(), "      ");
    }
}

void list_registers(const Options& options) {
    for (const harness::DeviceType* type : harness::device_types()) {
        if (!wanted(options, type->name())) continue;
        fmt::print("{}\n", type->name());
        const auto show = [](const harness::RegisterBlock& block) {
            for (const model::RegisterSpec& spec : block.registers) {
                const std::string name =
                    *block.name == '\0' ? spec.name : fmt::format("{}.{}", block.name, spec.name);
                const std::string where = block.space == hal::AddressSpace::kPciConfig ? "config"
                                          : block.bar >= 0 ? fmt::format("BAR {}", block.bar)
                                                           : "port";
                fmt::print("    {:<6} {:#07x}  {} bits  {}{}\n", where, block.offset + spec.offset,
                           8 * spec.width, name,
                           spec.count > 1 ? fmt::format("[0..{}]", spec.count - 1) : "");
                std::string fields;
                for (const model::FieldSpec& field : spec.fields) fields += fmt::format(" {}", field.name);
                if (!fields.empty()) fmt::print("           {}\n", fields);
            }
        };
        for (const harness::RegisterBlock& block : type->blocks()) show(block);
        if (type->is_pci()) show(scenario::pci_header_block());
        for (const harness::LayoutSpec& layout : type->layouts()) {
            std::string parts;
            for (const harness::LayoutField& field : layout.fields) parts += fmt::format(" {}", field.name);
            fmt::print("    structure {} ({} bytes):{}\n", layout.name, layout.bytes, parts);
        }
    }
}

void list_drivers(bool with_operations) {
    for (const harness::DriverType* type : harness::driver_types()) {
        std::string devices;
        for (const std::string_view device : type->devices()) devices += fmt::format(" {}", device);
        fmt::print("{}\n    {}; drives{}\n", type->name(), type->about(), devices);
        if (!with_operations) continue;
        for (const harness::OperationSpec& operation : type->operations()) {
            fmt::print("    {:<26} {}{}\n", operation.name, operation.about,
                       operation.can_be_async ? " (may be async)" : "");
            print_keys(operation.arguments, "        ");
            if (!operation.results.empty()) fmt::print("      results\n");
            print_keys(operation.results, "        ");
        }
    }
}

void list_steps() {
    for (const scenario::StepSpec& spec : scenario::step_specs()) {
        fmt::print("{}: {}\n", spec.key, spec.about);
        print_keys(spec.keys, "    ");
    }
    fmt::print("\nThe outside world (\"host\" steps):\n");
    for (const scenario::HostOperation& operation : scenario::host_operations()) {
        fmt::print("{}: {}\n", operation.name, operation.about);
        print_keys(operation.arguments, "    ");
    }
}

void list_faults(const Options& options) {
    fmt::print("Where (\"on\"):\n");
    for (const faults::SiteSpec& site : faults::site_specs())
        fmt::print("    {:<12} {}\n", site.name, site.about);
    fmt::print("\nWhat (\"fault\"):\n");
    for (const faults::ActSpec& act : faults::act_specs()) {
        std::string sites;
        for (const faults::SiteSpec& site : faults::site_specs())
            if (faults::possible(act, site.site)) sites += fmt::format(" {}", site.name);
        fmt::print("    {:<12} {}\n                 on{}\n", act.name, act.about, sites);
    }
    fmt::print(
        "\nOf what (\"of\"): on read and write a register or a field (`twinbench list registers`), on load "
        "and "
        "data:\n");
    for (const harness::DeviceType* type : harness::device_types()) {
        const std::vector<std::string> names = harness::Atlas::memory_names(*type);
        if (!wanted(options, type->name()) || names.empty()) continue;
        fmt::print("    {}\n", type->name());
        for (const std::string& name : names) fmt::print("        {}\n", name);
    }
}

void list_lies() {
    fmt::print("\nWhat a sweep lets a driver believe, because an honest device could say the same:\n");
    for (const sweep::Lie& lie : sweep::lies())
        fmt::print("    {:<16} {:<8} {:<20} {}\n", lie.device, lie.act, lie.part, lie.reason);
}

void list_rules(bool verbose) {
    for (const rules::Rule& rule : rules::all_rules())
        fmt::print("{:<36} {:<6} {:<28} {}{}\n", rule.id,
                   rule.level == rules::Level::kMust ? "must" : "should", rule.clause, rule.demand,
                   rule.needs_device_dma ? " (on the models alone)" : "");
    fmt::print("{} rules\n\nWhat VIRTIO 1.2 demands of drivers, and no rule checks{}:\n",
               rules::all_rules().size(), verbose ? "" : " (-v shows which rule checks the others)");
    unsigned checked = 0;
    for (const rules::Statement& statement : rules::virtio_statements()) {
        checked += statement.rules != nullptr ? 1 : 0;
        if (statement.rules == nullptr || verbose)
            fmt::print("    {:<16} {}\n", fmt::format("§{} ({})", statement.section, statement.number),
                       statement.rules != nullptr ? statement.rules : statement.reason);
    }
    for (const rules::AbsentSection& section : rules::virtio_absent_sections())
        fmt::print("    {:<16} {}: not there yet ({} with MUST, {} with SHOULD)\n",
                   fmt::format("§{}", section.section), section.about, section.must, section.should);
    fmt::print("{} statements, {} checked\n", rules::virtio_statements().size(), checked);
}

void list_allowed() {
    for (const trace::AllowedRow& row : trace::AllowedDifferences::standard().rows())
        fmt::print("{}: {} {} {} {}, QEMU {}.{}.{} to {}.{}.{}\n    {}\n", row.id, row.device, row.event,
                   row.name, trace::to_string(row.difference), row.from.major, row.from.minor, row.from.micro,
                   row.to.major, row.to.minor, row.to.micro, row.reason);
    fmt::print("{} rows\n", trace::AllowedDifferences::standard().rows().size());
}

}  // namespace

int list_command(const ListOptions& options) {
    if (options.what == "devices") {
        list_devices();
    } else if (options.what == "registers") {
        list_registers(options.shared);
    } else if (options.what == "drivers" || options.what == "operations") {
        list_drivers(options.what == "operations");
    } else if (options.what == "steps") {
        list_steps();
    } else if (options.what == "faults") {
        list_faults(options.shared);
        list_lies();
    } else if (options.what == "rules") {
        list_rules(options.shared.verbose);
    } else if (options.what == "allowed") {
        list_allowed();
    } else if (options.what == "schema") {
        fmt::print("{}", scenario::schema_text());
    } else {
        const auto scenarios = select_scenarios(options.shared);
        if (!scenarios) return kBadInput;
        for (const scenario::Scenario& s : *scenarios)
            fmt::print("{:<60} {:<16} {}{}\n", s.id, s.device->name(), s.about,
                       !s.qemu_skip.empty()     ? " [model only]"
                       : !s.kernel_skip.empty() ? " [not in every kernel]"
                                                : "");
        fmt::print("{} scenarios\n", scenarios->size());
    }
    return kAllPassed;
}

}  // namespace tb::cli
