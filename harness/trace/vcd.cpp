// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "harness/trace/atomic_file.hpp"
#include "harness/trace/exporters.hpp"

namespace tb::trace {

namespace {

// Identifiers are numbers in the base of VCD's 94 printable characters.
std::string identifier(std::size_t number) {
    std::string text;
    do {
        text += static_cast<char>('!' + number % 94);
        number /= 94;
    } while (number != 0);
    return text;
}

// "RAL[3]" would be taken for a bit of RAL.
std::string signal_name(std::string_view name) {
    std::string text(name);
    std::replace_if(
        text.begin(), text.end(),
        [](char c) {
            return !(c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
        },
        '_');
    while (text.ends_with('_')) text.pop_back();
    return text.empty() ? "unnamed" : text;
}

struct Signal {
    std::string type;  ///< "wire" or "event"
    unsigned bits = 1;
    std::string id;
};

void append_value(std::string& out, const Signal& signal, std::string_view digits) {
    if (signal.bits == 1) {
        fmt::format_to(std::back_inserter(out), "{}{}\n", digits, signal.id);
    } else {
        fmt::format_to(std::back_inserter(out), "b{} {}\n", digits, signal.id);
    }
}

/// Signals by scope and name, declared while a first pass looks at the trace.
class Signals {
  public:
    void declare(const std::string& scope, const std::string& name, const char* type, unsigned bits) {
        Signal& signal = scopes_[scope][name];
        signal.type = type;
        signal.bits = std::max(signal.bits, bits);
    }
    void number_them() {
        std::size_t next = 0;
        for (auto& [scope, signals] : scopes_)
            for (auto& [name, signal] : signals) signal.id = identifier(next++);
    }
    const Signal& at(const std::string& scope, const std::string& name) const {
        return scopes_.at(scope).at(name);
    }

    std::string definitions() const {
        std::string text = "$version twinbench $end\n$timescale 1 ns $end\n$scope module twinbench $end\n";
        const auto out = std::back_inserter(text);
        for (const auto& [scope, signals] : scopes_) {
            fmt::format_to(out, "$scope module {} $end\n", scope);
            for (const auto& [name, signal] : signals)
                fmt::format_to(out, "$var {} {} {} {} $end\n", signal.type, signal.bits, signal.id, name);
            text += "$upscope $end\n";
        }
        text += "$upscope $end\n$enddefinitions $end\n$dumpvars\n";
        for (const auto& [scope, signals] : scopes_) {
            for (const auto& [name, signal] : signals) {
                if (signal.type == "event") continue;
                // Lines are low at power-on; what a register holds is not known before it is accessed.
                const char initial = scope == "interrupts" && signal.bits == 1 ? '0' : 'x';
                append_value(text, signal, std::string_view(&initial, 1));
            }
        }
        return text + "$end\n";
    }

  private:
    std::map<std::string, std::map<std::string, Signal>> scopes_;
};

class VcdWriter {
  public:
    VcdWriter(const Trace& trace, const SymbolTable& symbols) : trace_(trace), symbols_(symbols) {
        symbols_.learn(trace);
    }

    void write(AtomicFile& file) {
        for (const Event& event : trace_.events()) visit(event);
        signals_.number_them();
        file.write(signals_.definitions());
        writing_ = true;
        std::uint64_t now = ~std::uint64_t{0};
        for (const Event& event : trace_.events()) {
            changes_.clear();
            visit(event);
            if (changes_.empty()) continue;
            if (event.time != now) file.write(fmt::format("#{}\n", event.time));
            now = event.time;
            file.write(changes_);
        }
        file.commit();
    }

  private:
    void value(const std::string& scope, const std::string& name, std::uint64_t value, unsigned bits) {
        if (!writing_) {
            signals_.declare(scope, name, "wire", bits);
            return;
        }
        const Signal& signal = signals_.at(scope, name);
        append_value(changes_, signal, fmt::format("{:b}", value));
    }
    void pulse(const std::string& scope, const std::string& name) {
        if (!writing_) {
            signals_.declare(scope, name, "event", 1);
            return;
        }
        fmt::format_to(std::back_inserter(changes_), "1{}\n", signals_.at(scope, name).id);
    }

    void visit(const Event& event) {
        switch (event.kind) {
            case EventKind::kStep:
                value("scenario", "step", event.value, 32);
                break;
            case EventKind::kIrqRaised:
            case EventKind::kIrqLowered:
                value("interrupts", fmt::format("line_{}", event.value),
                      event.kind == EventKind::kIrqRaised ? 1 : 0, 1);
                break;
            case EventKind::kMessage:
                numbered("interrupts", "message", event.value);
                break;
            case EventKind::kInterruptTaken:
                numbered("interrupts", "taken", event.value);
                break;
            case EventKind::kDmaRead:
                transfer("read", event);
                break;
            case EventKind::kDmaWrite:
                transfer("write", event);
                break;
            case EventKind::kHostInput:
                bytes("input", event);
                break;
            case EventKind::kHostOutput:
                bytes("output", event);
                break;
            case EventKind::kFinding:
                pulse("scenario", "finding");
                break;
            case EventKind::kFault:
                pulse("scenario", "fault");
                break;
            case EventKind::kRule:
                pulse("scenario", "rule");
                break;
            case EventKind::kDelay:
            case EventKind::kMemoryDigest:
            case EventKind::kResult:
                break;
            default:
                access(event);
                break;
        }
    }
    void numbered(const std::string& scope, const std::string& name, std::uint64_t number) {
        pulse(scope, name);
        value(scope, name + "_vector", number, 32);
    }
    void transfer(const std::string& name, const Event& event) {
        pulse("dma", name);
        value("dma", name + "_address", event.address, 64);
        value("dma", name + "_bytes", event.data_size, 32);
    }
    void bytes(const std::string& name, const Event& event) {
        pulse("host", name);
        value("host", name + "_bytes", event.data_size, 32);
    }
    void access(const Event& event) {
        const std::string name = symbols_.name(event);
        // "common.device_status" is device_status in the scope common; those without a prefix are in
        // "registers".
        const std::size_t dot = name.rfind('|') == std::string::npos ? name.rfind('.') : std::string::npos;
        const std::string scope =
            dot == std::string::npos ? "registers" : "registers_" + signal_name(name.substr(0, dot));
        const std::string signal = signal_name(dot == std::string::npos ? name : name.substr(dot + 1));
        value(scope, signal, event.value, std::max(8u * event.width, 8u));
        pulse(scope, signal + (is_register_read(event.kind) ? "_read" : "_written"));
    }

    const Trace& trace_;
    SymbolTable symbols_;
    Signals signals_;
    bool writing_ = false;
    std::string changes_;
};

}  // namespace

void export_vcd(const std::string& path, const Trace& trace, const SymbolTable& symbols) {
    AtomicFile file(path);
    VcdWriter(trace, symbols).write(file);
}

}  // namespace tb::trace
