// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <optional>

#include "harness/cli/commands.hpp"
#include "harness/cli/suite.hpp"
#include "harness/devices/device_symbols.hpp"
#include "harness/recording/canonical.hpp"
#include "harness/trace/diff.hpp"
#include "harness/trace/exporters.hpp"
#include "harness/trace/trace_file.hpp"

namespace tb::cli {

namespace {

/// QEMU's own recordings, as traces of ours.
trace::TraceHeader header_for(const std::string& path) {
    trace::TraceHeader header;
    header.machine = "qemu";
    if (!recording::has_exact_time(path)) header.clock = "wall";
    return header;
}

/// What of a recording of QEMU's could not be read or used.
void tell(const recording::Summary& summary, const std::string& path) {
    if (summary.unknown != 0)
        fmt::print(stderr, "twinbench: {}: {} lines are no events, the first is line {}: {}\n", path,
                   summary.unknown, summary.first_unknown, summary.unknown_sample);
    if (!summary.trouble.empty()) fmt::print(stderr, "twinbench: {}: {}\n", path, summary.trouble);
}

trace::LoadedTrace load_recording(const std::string& path) {
    trace::LoadedTrace loaded{header_for(path), {}};
    const auto source = recording::open_recording(path);
    recording::Record record;
    while (source->next(record))
        loaded.trace.add(record.event, recording::text_with_place(record), record.data);
    if (!loaded.trace.events().empty()) tell(source->summary(), path);
    return loaded;
}

bool is_of_qemu(const std::string& path) {
    try {
        return recording::open_recording(path)->summary().format != recording::kOwnFormat;
    } catch (const trace::FileError&) {
        return false;
    }
}

std::optional<trace::LoadedTrace> load(const std::string& path) {
    if (is_of_qemu(path)) {
        // What has nothing to show is no recording: what it should have been the other reader says.
        trace::LoadedTrace loaded = load_recording(path);
        if (!loaded.trace.events().empty()) return loaded;
    }
    try {
        return trace::read_trace(path);
    } catch (const trace::TraceFileError& error) {
        fmt::print(stderr, "twinbench: {} ({} events could be read)\n", error.what(), error.events_read());
        return std::nullopt;
    }
}

trace::SymbolTable names_in(const trace::LoadedTrace& loaded) {
    const harness::DeviceType* device = harness::find_device_type(loaded.header.device);
    return device == nullptr ? trace::SymbolTable() : harness::symbols_of(*device);
}

trace::Visibility sees(const trace::LoadedTrace& loaded) {
    using trace::EventKind;
    const trace::Visibility all = trace::Visibility::all();
    return loaded.header.machine != "model"
               ? all.without({EventKind::kDmaRead, EventKind::kDmaWrite, EventKind::kFinding})
               : all;
}

/// In constant memory, however long the recording is.
int convert(const ExportOptions& options) {
    const auto source = recording::open_recording(options.trace);
    recording::write_canonical(*source, options.output, header_for(options.trace));
    tell(source->summary(), options.trace);
    return source->summary().trouble.empty() ? kAllPassed : kBadInput;
}

}  // namespace

int diff_command(const DiffOptions& options) {
    const auto left = load(options.left);
    const auto right = load(options.right);
    if (!left || !right) return kBadInput;
    const trace::SymbolTable symbols = names_in(*left);
    trace::CompareContext context;
    context.device = left->header.device;
    context.qemu = trace::QemuVersion::parse(right->header.qemu);
    context.symbols = &symbols;
    context.compare_time = options.compare_time;
    const trace::Comparison comparison = trace::compare(left->trace, sees(*left), right->trace, sees(*right),
                                                        trace::AllowedDifferences::standard(), context);
    trace::RenderOptions render;
    render.scenario = left->header.scenario;
    render.left_name = options.left;
    render.right_name = options.right;
    render.show_allowed = true;
    fmt::print("{}\n", trace::render(comparison, render));
    return comparison.equal() ? kAllPassed : kSomethingFailed;
}

int export_command(const ExportOptions& options) {
    try {
        if (options.format == "text" && is_of_qemu(options.trace)) return convert(options);
    } catch (const trace::FileError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
    const auto loaded = load(options.trace);
    if (!loaded) return kBadInput;
    const trace::SymbolTable symbols = names_in(*loaded);
    try {
        if (options.format == "vcd")
            trace::export_vcd(options.output, loaded->trace, symbols);
        else if (options.format == "pcap")
            trace::export_pcap(options.output, loaded->trace);
        else if (options.format == "perfetto")
            trace::export_perfetto(options.output, loaded->trace, symbols);
        else
            trace::write_trace(options.output, loaded->header, loaded->trace, &symbols);
    } catch (const trace::FileError& error) {
        fmt::print(stderr, "twinbench: {}\n", error.what());
        return kBadInput;
    }
    return kAllPassed;
}

}  // namespace tb::cli
