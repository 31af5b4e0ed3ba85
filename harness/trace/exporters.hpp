// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "harness/trace/symbols.hpp"
#include "harness/trace/trace.hpp"

/// A trace for other programs to show, all in virtual time. The same trace gives the same bytes. Files are
/// written whole or not at all, `-` is standard output, and errors are FileError (see AtomicFile). BARs are
/// learnt from the trace.
namespace tb::trace {

/// Value change dump (IEEE 1364-2005, 18) with a timescale of 1 ns, for GTKWave: interrupt lines as wires;
/// messages, handlers, device DMA and host input and output as events with their numbers; for every register
/// that is accessed its last value and an event for reads and for writes.
void export_vcd(const std::string& path, const Trace& trace, const SymbolTable& symbols);

/// Chrome trace events (JSON), as ui.perfetto.dev opens them: one track each for the scenario's steps, the
/// driver's accesses and delays, device DMA, interrupts (and one a line), the host side, findings and
/// results.
void export_perfetto(const std::string& path, const Trace& trace, const SymbolTable& symbols);

/// The frames that went in and out: events of host input and output whose text begins with "net", with
/// nanoseconds.
void export_pcap(const std::string& path, const Trace& trace);

}  // namespace tb::trace
