// SPDX-License-Identifier: BSD-3-Clause
#include "harness/replay/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/replay/image.hpp"
#include "harness/replay/part_player.hpp"
#include "harness/trace/atomic_file.hpp"

namespace tb::replay {

namespace {

using trace::EventKind;

constexpr std::uint64_t kProgressEvery = 1 << 18;
/// What a PC has below its hole, at most: unwritten pages cost nothing.
constexpr std::uint64_t kModelRam = std::uint64_t{3} << 30;
constexpr std::uint64_t kQemuRamUnit = std::uint64_t{64} << 20;
constexpr std::uint64_t kQemuMostRam = std::uint64_t{2} << 30;

/// What the first reading of a recording tells.
struct Survey {
    std::vector<std::unique_ptr<Study>> studies;  ///< a part each
    std::uint64_t highest_dma = 0;
    std::uint64_t dma_events = 0;
    PartPlayer::Facts facts;
    std::map<std::size_t, std::string> notes;  ///< of parts: what cannot be compared
};

std::string as_text(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// Throws when an image is given and is another one; otherwise says what lacks.
std::string check_image(const Options& options, const std::string& recorded) {
    if (options.disk.empty())
        return fmt::format("what was read from the disk is not compared: the guest had {}; --disk gives it",
                           recorded);
    const std::string given = identity_of_image(options.disk);
    if (same_image(given, recorded)) return {};
    throw trace::FileError(
        options.disk, fmt::format("{} is not the disk of the recording: that is {}, this {}", options.disk,
                                  recorded, given));
}

Survey survey(const Options& options) {
    Survey result;
    Cast cast;
    std::map<std::string, std::pair<std::uint64_t, std::string>> disks;
    const auto source = recording::open_recording(options.path);
    // It lacks what is between its machine and a guest's: how the device was made, what the outside did.
    if (!source->summary().device.empty())
        throw trace::FileError(
            options.path,
            fmt::format("{} is the trace of a scenario, not of a guest: `twinbench run` and "
                        "`confirm` play scenarios; --driver puts the trace in the device's place",
                        options.path));
    recording::Record record;
    while (source->next(record)) {
        const EventKind kind = record.event.kind;
        if (kind == EventKind::kDmaRead || kind == EventKind::kDmaWrite) {
            ++result.dma_events;
            result.highest_dma = std::max(result.highest_dma, record.event.address + record.data.size());
        }
        result.facts.has_typing |= kind == EventKind::kHostInput && record.text == recording::kTyped;
        // Messages stand in every log, lines only in the recorder's: where they are not compared messages are
        // not either, for want of the data that causes them.
        result.facts.has_interrupts |=
            kind == EventKind::kIrqRaised || (kind == EventKind::kMessage && source->summary().exact_time);
        result.facts.has_completions |= kind == EventKind::kDmaWrite && record.text == recording::kUsedIndex;
        if (kind == EventKind::kHostInput && record.text == recording::kDisk)
            disks[std::string(record.name)] = {record.event.value, as_text(record.data)};
        const auto found = cast.locate(record);
        if (!found) continue;
        while (result.studies.size() < cast.parts().size())
            result.studies.push_back(cast.parts()[result.studies.size()].role->study());
        result.studies[found->part]->see(
            {kind, found->spot, record.event.width, record.event.value, record.line});
    }
    result.facts.exact_time = source->summary().exact_time;
    for (const auto& [place, disk] : disks) {
        const auto part = cast.at(place);
        if (!part || *part >= result.studies.size()) continue;
        Study& study = *result.studies[*part];
        if (!is_image(disk.second)) {
            study.see_disk(disk.first, disk.second);
            continue;
        }
        result.notes[*part] = check_image(options, disk.second);
        if (!options.disk.empty()) study.see_image(options.disk);
    }
    return result;
}

/// To whom an event belongs that is no access.
std::optional<std::size_t> part_of(const recording::Record& record, const Cast& cast) {
    if (record.event.kind == EventKind::kMessage)
        return cast.sender(record.event.address, record.event.value);
    return cast.at(record.name);
}

bool is_wanted(const Options& options, std::string_view type) {
    return options.devices.empty() || std::ranges::find(options.devices, type) != options.devices.end();
}

[[noreturn]] void nothing_to_play(const Options& options, const Cast& cast,
                                  const recording::Summary& summary) {
    std::string message = fmt::format("{}: no access to a device that has a model here", options.path);
    if (!options.devices.empty()) message += " and was asked for";
    message +=
        fmt::format(", in {} lines with {} events ({})", summary.lines, summary.events, summary.format);
    std::string names;
    unsigned shown = 0;
    for (const auto& [name, count] : cast.others())
        if (!name.empty() && shown++ < 8) names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    if (!names.empty()) message += fmt::format("; it has {}", names);
    if (summary.unknown != 0)
        message += fmt::format("; {} lines are no events, the first is line {}: {}", summary.unknown,
                               summary.first_unknown, summary.unknown_sample);
    if (!summary.trouble.empty()) message += fmt::format("; {}", summary.trouble);
    if (summary.events == 0)
        message +=
            "; a recording is made with `twinbench record`, or with QEMU's options -msg timestamp=on "
            "-d trace:memory_region_ops_*,trace:pci_cfg_* -D FILE";
    throw trace::FileError(options.path, message);
}

harness::RigOptions rig_options(const Options& options, const Survey& survey) {
    harness::RigOptions rig;
    rig.qemu_binary = options.qemu;
    rig.msi_base = recording::kMessageBase;
    rig.msi_size = recording::kMessageBytes;
    rig.ram_bytes = kModelRam;
    if (options.onto_qemu) {
        const std::uint64_t needed = (survey.highest_dma + kQemuRamUnit - 1) / kQemuRamUnit * kQemuRamUnit;
        rig.ram_bytes = std::clamp(needed, kQemuRamUnit, kQemuMostRam);
    }
    return rig;
}

}  // namespace

const char* to_string(Cause cause) {
    switch (cause) {
        case Cause::kMemory:
            return "the recording has no DMA data";
        case Cause::kTime:
            return "the recording has no time stamps";
        case Cause::kDevice:
            break;
    }
    return "the device answers otherwise";
}

double PartReport::share() const {
    return reads == 0 ? 1.0 : static_cast<double>(equal) / static_cast<double>(reads);
}

std::uint64_t PartReport::unexplained() const {
    std::uint64_t count = 0;
    for (const DifferentReads& different : differences)
        if (different.cause == Cause::kDevice) count += different.count;
    return count;
}

bool PartReport::good() const {
    return unexplained() == 0 && memory_bytes == memory_bytes_equal && frames == frames_equal &&
           interrupts == interrupts_equal;
}

Report replay(const Options& options) {
    const auto begun = std::chrono::steady_clock::now();
    Survey learnt = survey(options);
    const auto source = recording::open_recording(options.path);
    Report report;
    report.dma_events = learnt.dma_events;
    Cast cast;
    std::vector<std::unique_ptr<PartPlayer>> players;
    PartPlayer::Facts facts = learnt.facts;
    facts.has_dma = learnt.dma_events != 0;
    // QEMU's timers run at their own time, which nobody can ask for; and without a processor messages go
    // nowhere.
    facts.has_interrupts = facts.has_interrupts && !options.onto_qemu;
    const auto facts_of = [&](std::size_t part) {
        PartPlayer::Facts own = facts;
        if (const auto note = learnt.notes.find(part); note != learnt.notes.end()) own.note = note->second;
        return own;
    };
    const auto player_of = [&](std::size_t part) -> PartPlayer* {
        while (players.size() <= part) {
            const Role& role = *cast.parts()[players.size()].role;
            players.push_back(is_wanted(options, role.type)
                                  ? std::make_unique<PartPlayer>(role, *learnt.studies[players.size()],
                                                                 rig_options(options, learnt), options,
                                                                 facts_of(players.size()))
                                  : nullptr);
        }
        return players[part].get();
    };

    recording::Record record;
    while (source->next(record)) {
        if (options.progress && source->summary().events % kProgressEvery == 0)
            options.progress(source->summary().events);
        const auto found = cast.locate(record);
        if (found) {
            if (PartPlayer* player = player_of(found->part))
                player->access(record, cast.parts()[found->part].target(found->spot));
            continue;
        }
        const auto part = part_of(record, cast);
        if (part && *part < players.size() && players[*part] != nullptr) players[*part]->outside(record);
    }
    report.recording = source->summary();
    report.others = cast.others();
    for (std::size_t part = 0; part < players.size(); ++part) {
        if (players[part] == nullptr) continue;
        players[part]->finish();
        report.onto = players[part]->machine();
        report.parts.push_back(players[part]->report(cast.parts()[part]));
    }
    if (report.parts.empty()) nothing_to_play(options, cast, report.recording);
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return report;
}

}  // namespace tb::replay
