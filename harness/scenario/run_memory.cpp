// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/run.hpp"

namespace tb::scenario {

namespace {

constexpr std::uint64_t kDefaultAlignment = 4096;
constexpr std::uint64_t kPollEvery = 1'000;

std::uint64_t little_endian(const harness::Bytes& bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size() && i < 8; ++i)
        value |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    return value;
}

harness::Bytes to_bytes(std::uint64_t value, unsigned width) {
    harness::Bytes bytes;
    for (unsigned i = 0; i < width; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
    return bytes;
}

std::uint64_t get_bits(const harness::Bytes& bytes, const harness::LayoutField& field) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < field.bits; ++i) {
        const unsigned bit = field.offset_bits + i;
        if ((static_cast<unsigned>(bytes[bit / 8]) >> (bit % 8) & 1) != 0) value |= std::uint64_t{1} << i;
    }
    return value;
}

void set_bits(harness::Bytes& bytes, const harness::LayoutField& field, std::uint64_t value) {
    for (unsigned i = 0; i < field.bits; ++i) {
        const unsigned bit = field.offset_bits + i;
        if ((value >> i & 1) != 0) bytes[bit / 8] |= static_cast<std::byte>(1U << (bit % 8));
    }
}

const harness::LayoutField& part(const harness::LayoutSpec& layout, std::string_view name) {
    return *std::find_if(layout.fields.begin(), layout.fields.end(),
                         [&](const harness::LayoutField& f) { return f.name == name; });
}

}  // namespace

void Run::buffer(const json& node) {
    const auto own = aside();
    const std::string name = node["buffer"].get<std::string>();
    const std::uint64_t size = integer(node["size"]);
    Buffer made{0, size, std::nullopt, {}};
    if (node.contains("direction"))
        made.direction =
            node["direction"] == "to-device" ? hal::Direction::kToDevice : hal::Direction::kFromDevice;
    if (made.direction) made.mapped.resize(size);
    const auto address = made.direction ? top().dma_map(made.mapped, *made.direction)
                                        : top().dma_allocate(size, integer(node, "align", kDefaultAlignment));
    if (!address) fail(fmt::format("no room for {} bytes of DMA memory", size));
    made.address = *address;
    buffers_[name] = std::move(made);
    names_[name] = *address;
    if (!node.contains("data")) return;
    const harness::Bytes data = to_data(node["data"]);
    if (data.size() > size) fail(fmt::format("the data has {} bytes, the buffer only {}", data.size(), size));
    top().dma_write(*address, data);
}

void Run::free(const json& node) {
    const auto own = aside();
    const std::string name = node["free"].get<std::string>();
    release(named(buffers_, name));
    buffers_.erase(name);
}

void Run::release(Buffer& buffer) {
    const auto own = aside();
    if (buffer.direction)
        top().dma_unmap(buffer.address, buffer.mapped, *buffer.direction);
    else
        top().dma_free(buffer.address, buffer.size);
}

Run::Buffer Run::span_of(const json& node, const char* key, std::uint64_t length) {
    const Buffer& buffer = named(buffers_, node[key].get<std::string>());
    const std::uint64_t at = integer(node, "at", 0);
    if (at > buffer.size || length > buffer.size - at)
        fail(fmt::format("bytes {} to {} are beyond the end of the buffer, which has {}", at, at + length,
                         buffer.size));
    return {buffer.address + at, length, std::nullopt, {}};
}

const harness::LayoutSpec& Run::layout(const json& node) {
    const std::string name = node["layout"].get<std::string>();
    const auto all = scenario_.device->layouts();
    return *std::find_if(all.begin(), all.end(),
                         [&](const harness::LayoutSpec& spec) { return spec.name == name; });
}

void Run::store(const json& node) {
    const auto own = aside();
    harness::Bytes bytes;
    if (node.contains("data")) {
        bytes = to_data(node["data"]);
    } else if (node.contains("layout")) {
        const harness::LayoutSpec& spec = layout(node);
        bytes.resize(spec.bytes);
        for (const auto& [name, value] : node["fields"].items()) {
            const harness::LayoutField& field = part(spec, name);
            const std::uint64_t number = integer(value);
            if (field.bits < 64 && number >> field.bits != 0)
                fail(fmt::format("{:#x} is too wide for {}", number, name));
            set_bits(bytes, field, number);
        }
    } else {
        const auto width = static_cast<unsigned>(integer(node["width"]));
        const std::uint64_t number = integer(node["value"]);
        if (width < 8 && number >> (8 * width) != 0)
            fail(fmt::format("{:#x} is too wide for {} bytes", number, width));
        bytes = to_bytes(number, width);
        if (node.contains("order")) {
            const bool release = node["order"] == "release";
            return top().dma_store(span_of(node, "store", width).address, width, number,
                                   release ? hal::MemoryOrder::kRelease : hal::MemoryOrder::kRelaxed);
        }
    }
    top().dma_write(span_of(node, "store", bytes.size()).address, bytes);
    top().barrier(hal::Barrier::kFull);
}

std::string Run::check_memory(const json& node) {
    const auto fetch = [&](std::uint64_t length) {
        const Buffer at = span_of(node, "load", length);
        harness::Bytes bytes(length);
        if (node.contains("order")) {
            const bool acquire = node["order"] == "acquire";
            const std::uint64_t value =
                top().dma_load(at.address, static_cast<unsigned>(length),
                               acquire ? hal::MemoryOrder::kAcquire : hal::MemoryOrder::kRelaxed);
            return to_bytes(value, static_cast<unsigned>(length));
        }
        top().dma_read(at.address, bytes);
        return bytes;
    };
    if (node.contains("data")) {
        const harness::Bytes expected = to_data(node["data"]);
        return difference(fetch(expected.size()), expected);
    }
    if (node.contains("layout")) {
        const harness::LayoutSpec& spec = layout(node);
        const harness::Bytes bytes = fetch(spec.bytes);
        std::string wrong;
        for (const auto& [name, value] : node["fields"].items()) {
            const std::uint64_t got = get_bits(bytes, part(spec, name));
            const std::uint64_t want = integer(value);
            if (got != want)
                wrong +=
                    fmt::format("{}{} is {:#x}, expected {:#x}", wrong.empty() ? "" : ", ", name, got, want);
        }
        return wrong;
    }
    const std::uint64_t value = little_endian(fetch(integer(node["width"])));
    if (node.contains("as")) names_[node["as"].get<std::string>()] = value;
    if (!node.contains("expect")) return {};
    const std::uint64_t mask = integer(node, "mask", ~std::uint64_t{0});
    const std::uint64_t want = integer(node["expect"]);
    if (((value ^ want) & mask) == 0) return {};
    return fmt::format("it is {:#x}, expected {:#x}", value & mask, want & mask);
}

void Run::load(const json& node) {
    const auto own = aside();
    std::string wrong;
    const bool right = wait_until(duration(node, "within", 0), kPollEvery, [&] {
        wrong = check_memory(node);
        return wrong.empty();
    });
    if (!right)
        fail(fmt::format("in {} at {}: {}", node["load"].get<std::string>(), integer(node, "at", 0), wrong));
    if (!node.contains("width")) return;
    // A number that was looked at is an event of its own, so that a comparison can name it and both values.
    harness::Bytes bytes(integer(node["width"]));
    recorder_.dma_read(span_of(node, "load", bytes.size()).address, bytes);
    recorder_.note(trace::EventKind::kResult,
                   fmt::format("{}+{}", node["load"].get<std::string>(), integer(node, "at", 0)),
                   little_endian(bytes));
}

unsigned Run::irq_line(const std::string& source) const {
    if (source == "intx") return harness::intx_line(harness::kDeviceUnderTest);
    return static_cast<unsigned>(std::stoi(source.substr(3)));
}

void Run::attach(const json& node) {
    const auto own = aside();
    const std::string source = node["attach"].get<std::string>();
    const std::string name = node["as"].get<std::string>();
    Attached& attached = interrupts_[name];
    if (attached.interrupt.valid()) fail(fmt::format("'{}' is attached already", name));
    const hal::InterruptHandler count = [](void* context) { ++static_cast<Attached*>(context)->count; };
    if (source == "msi") {
        const auto msi = host_.attach_msi(count, &attached);
        if (!msi) fail("no message vector is left");
        attached.interrupt = msi->interrupt;
        names_[name + ".address"] = msi->message.address;
        names_[name + ".data"] = msi->message.data;
    } else {
        const auto irq = host_.attach(recorder_.attach_irq(irq_line(source)), count, &attached);
        if (!irq) fail("the line cannot be attached");
        attached.interrupt = *irq;
    }
}

void Run::interrupt(const json& node) {
    Attached& attached = named(interrupts_, node["interrupt"].get<std::string>());
    const std::uint64_t want = integer(node, "count", 1);
    const std::uint64_t within = duration(node, "within", 0);
    if (want == 0) {
        if (within != 0) host_.delay(within);
    } else {
        wait_until(within, kPollEvery, [&] { return attached.count - attached.seen >= want; });
    }
    const std::uint64_t got = attached.count - attached.seen;
    attached.seen = attached.count;
    if (got != want) fail(fmt::format("{} interrupts came, expected {}", got, want));
}

void Run::line(const json& node) {
    const std::string source = node["line"].get<std::string>();
    const bool level = rig_.machine().irq_level(irq_line(source));
    if (level != to_boolean(node["level"]))
        fail(fmt::format("the line {} is {}", source, level ? "high" : "low"));
}

}  // namespace tb::scenario
