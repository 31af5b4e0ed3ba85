// SPDX-License-Identifier: BSD-3-Clause
#include "harness/rules/rule.hpp"

#include <algorithm>

namespace tb::rules {

namespace {

using enum Level;

// One a line, so that the table can be read as one.
// clang-format off
constexpr Rule kRules[] = {
    // Memory that is shared with a device: what the seam asks for (drivers/hal/common/hal/concepts.hpp), and Linux's DMA API.
    {"dma.alignment", kMust, "seam, DmaCell", "a cell is at a multiple of its width: only then it is one access"},
    {"dma.device-owned", kMust, "seam, DmaMapping", "what was given to the device is left alone until it has given it back"},
    {"dma.direction", kMust, "seam, DmaMapping", "the device writes only to what was mapped for that, and reads only such", true},
    {"dma.double-fetch", kMust, "seam, DmaCell", "what a device has written is loaded once, and checked and used from the copy"},
    {"dma.exposed-outside", kMust, "seam, DmaMemory", "a device is given only addresses of memory that is allocated or mapped for it"},
    {"dma.outside", kMust, "seam, DmaMemory", "a device reaches no memory that is not allocated or mapped for it", true},

    {"pci.bar.decoding", kShould, "PCI 3.0 §6.2.5.1", "a BAR is written while the function does not decode"},
    {"pci.bus-master", kMust, "PCI 3.0 §6.2.2", "a device is let reach memory before it is told to work"},
    {"pci.config.alignment", kMust, "PCI 3.0 §3.2.2.3.2", "an access to configuration space stays in one doubleword"},
    {"pci.space.disabled", kMust, "PCI 3.0 §6.2.2", "registers are reached only while the function decodes their space"},

    {"virtio.status.order", kMust, "VIRTIO 1.2 §2.1.1", "ACKNOWLEDGE, DRIVER, FEATURES_OK and DRIVER_OK are set in this order"},
    {"virtio.status.clears-bit", kMust, "VIRTIO 1.2 §2.1.1", "a status bit stays set until the device is reset"},
    {"virtio.status.failed-without-reset", kMust, "VIRTIO 1.2 §2.1.1", "after FAILED the device is reset before it is initialized again"},
    {"virtio.status.needs-reset", kShould, "VIRTIO 1.2 §2.1.1", "nothing is asked of a device that has said that it needs a reset"},
    {"virtio.reset.unconfirmed", kMust, "VIRTIO 1.2 §2.4.2, §4.1.4.3.2", "a reset is over when the status reads 0, and not before"},
    {"virtio.features.not-offered", kMust, "VIRTIO 1.2 §2.2.1", "only features are accepted that were offered"},
    {"virtio.features.late", kMust, "VIRTIO 1.2 §3.1.1", "features are not changed after FEATURES_OK"},
    {"virtio.features.version-1", kMust, "VIRTIO 1.2 §6.1", "VIRTIO_F_VERSION_1 is accepted where it is offered"},
    {"virtio.init.features-ok-unread", kMust, "VIRTIO 1.2 §3.1.1", "FEATURES_OK is read back before the driver goes on"},
    {"virtio.init.goes-on-refused", kMust, "VIRTIO 1.2 §3.1.1", "a driver whose features were refused does not go on"},
    {"virtio.init.no-failed", kShould, "VIRTIO 1.2 §3.1.1", "a driver that gives up says so with FAILED"},
    {"virtio.init.queues-early", kMust, "VIRTIO 1.2 §3.1.1", "queues are set up after FEATURES_OK"},

    {"virtio.config.early-write", kMust, "VIRTIO 1.2 §3.1.1", "the device's configuration is not written before FEATURES_OK"},
    {"virtio.config.field-not-offered", kMust, "VIRTIO 1.2 §2.5.1", "an optional field is read only where its feature is offered"},
    {"virtio.config.torn", kMust, "VIRTIO 1.2 §2.5.1", "around a field of 64 bits config_generation is read, before and behind"},
    {"virtio.config.width", kMust, "VIRTIO 1.2 §4.1.3.1", "a field is accessed by its own width, 64 bits by halves"},
    {"virtio.capability.written", kMust, "VIRTIO 1.2 §4.1.4.1", "capabilities are not written, except for the window's"},
    {"virtio.common.read-only", kMust, "VIRTIO 1.2 §4.1.4.3.2", "device_feature, num_queues, config_generation and queue_notify_off are not written"},
    {"virtio.isr.with-msix", kShould, "VIRTIO 1.2 §4.1.4.5.2", "with MSI-X the ISR status is left alone"},
    {"virtio.msix.beyond-table", kMust, "VIRTIO 1.2 §4.1.5.1.2.2", "no vector is used that the table does not have"},
    {"virtio.msix.unverified", kMust, "VIRTIO 1.2 §4.1.5.1.2.2", "a vector is read back after it was set"},
    {"virtio.window.alignment", kMust, "VIRTIO 1.2 §4.1.4.9.2", "through the window in configuration space accesses are aligned"},
    {"virtio.window.outside", kMust, "VIRTIO 1.2 §4.1.4.9.2", "and stay inside a structure of the device"},

    {"virtio.queue.size", kMust, "VIRTIO 1.2 §4.1.4.3.2", "queue_size is a power of two"},
    {"virtio.queue.size-raised", kMust, "VIRTIO 1.2 §4.1.5.1.3", "and no larger than the device says"},
    {"virtio.queue.enabled-early", kMust, "VIRTIO 1.2 §4.1.4.3.2", "a queue's addresses are set before it is enabled"},
    {"virtio.queue.changed-enabled", kMust, "VIRTIO 1.2 §4.1.4.3.2", "and not changed afterwards"},
    {"virtio.queue.disabled", kMust, "VIRTIO 1.2 §4.1.4.3.2", "0 is not written to queue_enable"},
    {"virtio.queue.alignment", kMust, "VIRTIO 1.2 §2.7.1", "descriptors are at a multiple of 16, the available ring of 2, the used ring of 4"},
    {"virtio.queue.not-owned", kMust, "VIRTIO 1.2 §2.7", "a queue is in memory that is allocated for it"},
    {"virtio.queue.altered", kMust, "VIRTIO 1.2 §3.3.1", "entries and descriptors of exposed buffers are not altered"},
    {"virtio.queue.removed-live", kMust, "VIRTIO 1.2 §3.3.1", "memory of a queue or an exposed buffer is given back only after a reset"},

    {"virtio.avail.backwards", kMust, "VIRTIO 1.2 §2.7.6.1", "the available index goes forward, by no more than the queue has entries"},
    {"virtio.avail.flags", kMust, "VIRTIO 1.2 §2.7.7.1", "the available ring's flags are 0 or 1, and 0 with VIRTIO_F_EVENT_IDX"},
    {"virtio.avail.unordered", kMust, "VIRTIO 1.2 §2.7.13.3.1", "the available index is stored behind a barrier behind the entries"},
    {"virtio.used.ahead", kMust, "VIRTIO 1.2 §2.7.14", "no element is read that the device's index does not cover"},
    {"virtio.used.flags", kMust, "VIRTIO 1.2 §2.7.10.1", "the used ring's flags are 0 at first"},
    {"virtio.used.unordered", kMust, "VIRTIO 1.2 §2.7.14", "elements are read behind a barrier behind the device's index"},
    {"virtio.used.written", kMust, "VIRTIO 1.2 §2.7.8", "the used ring is the device's to write"},
    {"virtio.chain.bytes", kMust, "VIRTIO 1.2 §2.7.5.2", "a chain has no more than 2^32 bytes"},
    {"virtio.chain.longer-than-queue", kMust, "VIRTIO 1.2 §2.7.5.3.1", "and no more descriptors than the queue, in a table or not"},
    {"virtio.chain.loop", kMust, "VIRTIO 1.2 §2.7.5.2", "a chain has an end"},
    {"virtio.chain.order", kMust, "VIRTIO 1.2 §2.7.4.2", "what the device reads comes before what it writes"},
    {"virtio.chain.out-of-table", kMust, "VIRTIO 1.2 §2.7.5", "every link is an entry of the table"},
    {"virtio.chain.reused", kMust, "VIRTIO 1.2 §2.7.13.1", "a descriptor is used again only when its chain has come back"},
    {"virtio.indirect.bytes", kMust, "VIRTIO 1.2 §2.7.5.3", "an indirect table has whole descriptors, and one at least"},
    {"virtio.indirect.nested", kMust, "VIRTIO 1.2 §2.7.5.3.1", "an indirect table refers to no other"},
    {"virtio.indirect.not-negotiated", kMust, "VIRTIO 1.2 §2.7.5.3.1", "INDIRECT is for who has negotiated it"},
    {"virtio.indirect.with-next", kMust, "VIRTIO 1.2 §2.7.5.3.1", "INDIRECT and NEXT are not set together"},

    {"virtio.notify.early", kMust, "VIRTIO 1.2 §3.1.1", "no queue is notified before DRIVER_OK"},
    {"virtio.notify.look-unfenced", kMust, "VIRTIO 1.2 §2.7.13.4.1", "a full barrier lies between the available index and the look at what suppresses notifications"},
    {"virtio.notify.missing", kMust, "VIRTIO 1.2 §2.7.10.1", "a device that wants to hear of a buffer is notified"},
    {"virtio.notify.no-queue", kMust, "VIRTIO 1.2 §4.1.5.2", "only a queue is notified that is enabled"},
    {"virtio.notify.place", kMust, "VIRTIO 1.2 §4.1.4.4", "a queue is notified at queue_notify_off times notify_off_multiplier"},
    {"virtio.notify.unordered", kMust, "VIRTIO 1.2 §2.7.13.4.1", "a device is notified behind a barrier behind the available index"},
    {"virtio.notify.unwanted", kShould, "VIRTIO 1.2 §2.7.10.1", "a device that wants no notification gets none"},
    {"virtio.notify.width", kMust, "VIRTIO 1.2 §4.1.5.2", "a notification has 16 bits"},
    {"virtio.suppression.event-read", kMust, "VIRTIO 1.2 §2.7.10.1", "avail_event is ignored without VIRTIO_F_EVENT_IDX"},
    {"virtio.suppression.flags-read", kMust, "VIRTIO 1.2 §2.7.10.1", "the used ring's flags are ignored with it"},

    {"virtio-blk.data.length", kMust, "VIRTIO 1.2 §5.2.6.1", "IN and OUT have whole sectors of data"},
    {"virtio-blk.discard.segments", kMust, "VIRTIO 1.2 §5.2.6.1", "DISCARD has no more than max_discard_seg ranges"},
    {"virtio-blk.discard.unmap", kMust, "VIRTIO 1.2 §5.2.6.1", "DISCARD has no unmap bit"},
    {"virtio-blk.features.read-only", kShould, "VIRTIO 1.2 §5.2.6.1", "VIRTIO_BLK_F_RO is accepted where it is offered"},
    {"virtio-blk.flush.data", kShould, "VIRTIO 1.2 §5.2.6.1", "FLUSH has no data"},
    {"virtio-blk.flush.sector", kMust, "VIRTIO 1.2 §5.2.6.1", "FLUSH has sector 0"},
    {"virtio-blk.id.length", kMust, "VIRTIO 1.2 §5.2.6.1", "GET_ID has 20 bytes"},
    {"virtio-blk.ranges.length", kMust, "VIRTIO 1.2 §5.2.6.1", "DISCARD and WRITE_ZEROES have whole ranges"},
    {"virtio-blk.request.beyond-capacity", kMust, "VIRTIO 1.2 §5.2.6.1", "no request goes beyond the capacity"},
    {"virtio-blk.request.not-negotiated", kMust, "VIRTIO 1.2 §5.2.6", "FLUSH, DISCARD and WRITE_ZEROES are for who has negotiated them"},
    {"virtio-blk.request.shape", kMust, "VIRTIO 1.2 §5.2.6", "a request has a header of 16 bytes and a status of one"},
    {"virtio-blk.request.type", kMust, "VIRTIO 1.2 §5.2.6", "a request is of a type that there is"},
    {"virtio-blk.write-zeroes.segments", kMust, "VIRTIO 1.2 §5.2.6.1", "WRITE_ZEROES has no more than max_write_zeroes_seg ranges"},
    {"virtio-blk.writeback.early", kMust, "VIRTIO 1.2 §5.2.5.1", "writeback is not read before FEATURES_OK"},

    {"ahci.enable", kMust, "AHCI 1.3.1 §3.1.2", "no other register is written before GHC.AE is set"},
    {"ahci.reset.unconfirmed", kMust, "AHCI 1.3.1 §10.4.3", "nothing is written until GHC.HR reads 0 after a reset of the HBA"},
    {"ahci.port.not-implemented", kMust, "AHCI 1.3.1 §3.1.4", "only ports are reached that PI names"},
    {"ahci.list.alignment", kMust, "AHCI 1.3.1 §3.3.1", "a command list is 1 KiB aligned"},
    {"ahci.list.moved", kMust, "AHCI 1.3.1 §10.3.1", "the command list stays where it is while ST or CR is 1"},
    {"ahci.received.alignment", kMust, "AHCI 1.3.1 §3.3.3", "the memory for received FISes is 256 bytes aligned"},
    {"ahci.received.moved", kMust, "AHCI 1.3.1 §10.3.2", "the memory for received FISes stays where it is while FRE is 1"},
    {"ahci.start.no-receive", kMust, "AHCI 1.3.1 §10.3.1", "ST is set with FRE"},
    {"ahci.start.running", kMust, "AHCI 1.3.1 §10.3.1", "ST is set when CR was found 0"},
    {"ahci.start.not-ready", kMust, "AHCI 1.3.1 §10.3.1", "ST is set when a disk is there that is not busy"},
    {"ahci.receive.cleared", kMust, "AHCI 1.3.1 §10.3.2", "FRE is cleared when ST and CR are 0"},
    {"ahci.issue.stopped", kMust, "AHCI 1.3.1 §3.3.13, §3.3.14", "PxSACT and PxCI are written while ST is 1"},
    {"ahci.issue.again", kMust, "AHCI 1.3.1 §3.3.14", "a slot is issued when its last command has ended"},
    {"ahci.issue.mixed", kMust, "Serial ATA, native command queuing", "queued commands and others are not on their way at once"},
    {"ahci.queued.active", kMust, "AHCI 1.3.1 §3.3.13", "the bit of a queued command is in PxSACT before it is in PxCI"},
    {"ahci.queued.tag", kMust, "AHCI 1.3.1 §3.3.13", "the tag of a queued command is the number of its slot"},
    {"ahci.slot.beyond", kMust, "AHCI 1.3.1 §3.1.1", "only slots are used that CAP.NCS counts"},
    {"ahci.header.length", kMust, "AHCI 1.3.1 §4.2.2", "a command FIS has 2 to 16 doublewords"},
    {"ahci.table.alignment", kMust, "AHCI 1.3.1 §4.2.2", "a command table is 128 bytes aligned"},
    {"ahci.prd.even", kMust, "AHCI 1.3.1 §4.2.3.3", "a PRD is word aligned, with an even number of bytes"},
    {"ahci.comreset.started", kMust, "AHCI 1.3.1 §3.3.11", "DET is changed while ST is 0"},
    {"ahci.comreset.short", kMust, "AHCI 1.3.1 §10.4.2", "DET is 1 for a millisecond at least"},
    {"ahci.error.issue", kMust, "AHCI 1.3.1 §6.2.2", "after a fatal error nothing is issued before the port was stopped"},
    {"ahci.error.serr", kMust, "AHCI 1.3.1 §6.2.2.1", "after a fatal error PxSERR is cleared before the port is started again"},
    {"ahci.interrupt.order", kMust, "AHCI 1.3.1 §5.5.3", "causes are cleared at the port before the port's bit in IS"},

    {"e1000.descriptor.owned", kMust, "8254x SDM §3.2.3, §3.4", "a descriptor is left alone until the device has done with it"},
    {"e1000.eerd.busy", kMust, "8254x SDM §13.4.4", "EERD is written when DONE is set"},
    {"e1000.mdic.busy", kMust, "8254x SDM §13.4.5", "MDIC is written when READY is set"},
    {"e1000.register.read-only", kMust, "8254x SDM §13.4", "registers that only tell are not written"},
    {"e1000.register.width", kMust, "8254x SDM §13.1", "a register is accessed by its 32 bits"},
    {"e1000.reset.hasty", kMust, "8254x SDM §13.4.1", "registers rest for a microsecond after CTRL.RST"},
    {"e1000.ring.alignment", kMust, "8254x SDM §13.4.25, §13.4.35", "a ring is at a multiple of 16 bytes"},
    {"e1000.ring.changed-enabled", kMust, "8254x SDM §14.4, §14.5", "base, length and head are set while the unit is off"},
    {"e1000.ring.length", kMust, "8254x SDM §13.4.27, §13.4.37", "a ring has a multiple of 128 bytes"},
    {"e1000.ring.not-set", kMust, "8254x SDM §14.4, §14.5", "a unit is enabled when its ring is there"},
    {"e1000.ring.removed-live", kMust, "8254x SDM §13.4.22, §13.4.33", "memory of a ring or its buffers is given back when the unit is off"},
    {"e1000.ring.tail", kMust, "8254x SDM §13.4.29, §13.4.39", "a tail is inside its ring"},
    {"e1000.tail.unordered", kMust, "8254x SDM §3.4", "descriptors are in memory before the tail moves over them"},
    {"e1000.tx.length", kMust, "8254x SDM §3.3.3", "a descriptor has no more than 16288 bytes"},
    {"e1000.tx.type", kMust, "8254x SDM §3.3.5", "an extended descriptor is a context or data"},

    {"uart.divisor.zero", kMust, "PC16550D §8.2", "the divisor is 1 or more"},
    {"uart.fcr.disabled-bits", kMust, "PC16550D §8.4", "FCR's other bits are set together with bit 0"},
    {"uart.out2.off", kMust, "IBM PC AT, asynchronous adapter", "interrupts are enabled together with OUT2, which lets them out"},
    {"uart.register.width", kMust, "PC16550D §8.0", "a register is accessed by its 8 bits"},
    {"uart.reserved", kMust, "PC16550D §8.6, §8.7", "IER has four bits, MCR five: the others are 0"},
    {"uart.status.written", kShould, "PC16550D §8.3, §8.8", "LSR and MSR are only read"},
    {"uart.thr.full", kMust, "PC16550D §8.3", "no more characters are written than the transmitter has said that it takes"},
};

constexpr const char* kOutcome = "a demand on what the driver makes of it, not on an access";
constexpr const char* kNoRingReset = "VIRTIO_F_RING_RESET is offered by no device here";
constexpr const char* kNoInOrder = "VIRTIO_F_IN_ORDER is offered by no device here";
constexpr const char* kNoSrIov = "VIRTIO_F_SR_IOV is offered by no device here";
constexpr const char* kKnowledge = "what a driver assumes is not to be seen";

constexpr Statement kStatements[] = {
    {"2.1.1", 1, kMust, "virtio.status.order", nullptr},
    {"2.1.1", 2, kMust, "virtio.status.clears-bit", nullptr},
    {"2.1.1", 3, kMust, "virtio.status.failed-without-reset", nullptr},
    {"2.1.1", 4, kShould, "virtio.status.needs-reset", nullptr},
    {"2.2.1", 1, kMust, "virtio.features.not-offered", nullptr},
    {"2.2.1", 2, kShould, "virtio.init.no-failed", nullptr},
    {"2.4.2", 1, kShould, "virtio.reset.unconfirmed", nullptr},
    {"2.5.1", 1, kMust, "virtio.config.torn", nullptr},
    {"2.5.1", 2, kMust, "virtio.config.field-not-offered", nullptr},
    {"2.5.1", 3, kMust, nullptr, "that a longer space is taken: scenarios config_space, topology, where QEMU has fields behind those that are used"},
    {"2.5.1", 4, kShould, nullptr, "that only what is needed is asked for: scenario config_space_short"},
    {"2.6.1.1.2", 1, kMust, nullptr, kNoRingReset},
    {"2.6.1.2.2", 1, kMust, nullptr, kNoRingReset},
    {"2.7.1", 1, kMust, "virtio.queue.alignment", nullptr},
    {"2.7.4.2", 1, kMust, "virtio.chain.order", nullptr},
    {"2.7.4.2", 2, kShould, nullptr, "no number says how many descriptors are too many"},
    {"2.7.5.2", 1, kMust, "virtio.chain.bytes virtio.chain.loop", nullptr},
    {"2.7.5.2", 2, kMust, nullptr, kNoInOrder},
    {"2.7.5.3.1", 1, kMust, "virtio.indirect.not-negotiated", nullptr},
    {"2.7.5.3.1", 2, kMust, "virtio.indirect.nested", nullptr},
    {"2.7.5.3.1", 3, kMust, "virtio.chain.longer-than-queue", nullptr},
    {"2.7.5.3.1", 4, kMust, "virtio.indirect.with-next", nullptr},
    {"2.7.5.3.1", 5, kMust, nullptr, kNoInOrder},
    {"2.7.6.1", 1, kMust, "virtio.avail.backwards", nullptr},
    {"2.7.7.1", 1, kMust, "virtio.avail.flags", nullptr},
    {"2.7.7.1", 3, kMust, "virtio.avail.flags", nullptr},
    {"2.7.7.1", 5, kMust, nullptr, "spurious notifications: scenario fault_interrupt_invented, and every sweep"},
    {"2.7.8.3", 1, kMust, nullptr, "data beyond the length: sweeps with `truncate` and `unwritten`, which compare what arrives"},
    {"2.7.10.1", 1, kMust, "virtio.used.flags", nullptr},
    {"2.7.10.1", 2, kMust, "virtio.suppression.event-read", nullptr},
    {"2.7.10.1", 3, kShould, "virtio.notify.unwanted", nullptr},
    {"2.7.10.1", 4, kMust, "virtio.notify.missing", nullptr},
    {"2.7.10.1", 5, kMust, "virtio.suppression.flags-read", nullptr},
    {"2.7.10.1", 6, kMust, "virtio.notify.missing", nullptr},
    {"2.7.10.1", 7, kShould, "virtio.notify.unwanted", nullptr},
    {"2.7.13.3.1", 1, kMust, "virtio.avail.unordered", nullptr},
    {"2.7.13.4.1", 1, kMust, "virtio.notify.look-unfenced", nullptr},
    {"3.1.1", 1, kMust, "virtio.status.order virtio.init.features-ok-unread virtio.init.queues-early", nullptr},
    {"3.1.1", 2, kMust, "virtio.config.early-write", nullptr},
    {"3.1.1", 3, kMust, "virtio.features.late", nullptr},
    {"3.1.1", 4, kShould, "virtio.init.no-failed", nullptr},
    {"3.1.1", 5, kMust, "virtio.init.goes-on-refused", nullptr},
    {"3.1.1", 6, kMust, "virtio.notify.early", nullptr},
    {"3.3.1", 1, kMust, "virtio.queue.altered", nullptr},
    {"3.3.1", 2, kMust, "virtio.queue.removed-live", nullptr},
    {"4.1.2.2", 1, kMust, nullptr, "which identifiers are taken: every scenario of virtio-blk"},
    {"4.1.2.2", 2, kMust, nullptr, "that of a transitional device: scenario transitional"},
    {"4.1.2.2", 3, kMust, nullptr, "any revision: scenarios transitional (0) and all others (1)"},
    {"4.1.3.1", 1, kMust, "virtio.config.width", nullptr},
    {"4.1.4.1", 1, kMust, nullptr, kOutcome},
    {"4.1.4.1", 2, kShould, nullptr, kOutcome},
    {"4.1.4.1", 3, kMust, nullptr, kOutcome},
    {"4.1.4.1", 4, kMust, nullptr, kOutcome},
    {"4.1.4.1", 5, kShould, nullptr, "what is mapped costs nothing that could be seen at the seam"},
    {"4.1.4.1", 6, kMust, nullptr, kOutcome},
    {"4.1.4.1", 7, kMust, "virtio.capability.written", nullptr},
    {"4.1.4.3.2", 1, kMust, "virtio.common.read-only", nullptr},
    {"4.1.4.3.2", 2, kMust, nullptr, "VIRTIO_F_RING_PACKED is offered by no device here"},
    {"4.1.4.3.2", 3, kMust, "virtio.queue.size", nullptr},
    {"4.1.4.3.2", 4, kMust, "virtio.queue.enabled-early virtio.queue.changed-enabled", nullptr},
    {"4.1.4.3.2", 5, kMust, "virtio.reset.unconfirmed", nullptr},
    {"4.1.4.3.2", 6, kMust, "virtio.queue.disabled", nullptr},
    {"4.1.4.3.2", 7, kMust, nullptr, kNoRingReset},
    {"4.1.4.5.2", 1, kShould, "virtio.isr.with-msix", nullptr},
    {"4.1.4.8.2", 1, kShould, nullptr, "no device here has vendor data"},
    {"4.1.4.8.2", 2, kMust, nullptr, "no device here has vendor data"},
    {"4.1.4.9.2", 1, kMust, "virtio.window.alignment", nullptr},
    {"4.1.4.9.2", 2, kMust, "virtio.window.outside", nullptr},
    {"4.1.5.1.2.2", 1, kMust, nullptr, "any table size: scenarios msix_absent, msix_one_vector, msix_two_vectors, msix_vectors"},
    {"4.1.5.1.2.2", 4, kMust, "virtio.msix.beyond-table", nullptr},
    {"4.1.5.1.2.2", 5, kMust, "virtio.msix.unverified", nullptr},
    {"4.1.5.2", 1, kMust, nullptr, "VIRTIO_F_NOTIF_CONFIG_DATA is offered by no device here"},
    {"4.1.5.2", 2, kMust, nullptr, "VIRTIO_F_NOTIFICATION_DATA is offered by no device here"},
    {"4.1.5.4.2", 1, kMust, nullptr, "one interrupt for both: scenarios resize_grow and resize_shrink with one vector and with INTx"},
    {"5.2.5.1", 1, kShould, nullptr, "a promise on what the driver can send: scenario flush"},
    {"5.2.5.1", 3, kShould, nullptr, kKnowledge},
    {"5.2.5.1", 4, kMust, "virtio-blk.writeback.early", nullptr},
    {"5.2.6.1", 1, kMust, "virtio-blk.request.beyond-capacity", nullptr},
    {"5.2.6.1", 2, kShould, "virtio-blk.features.read-only", nullptr},
    {"5.2.6.1", 3, kMust, "virtio-blk.flush.sector", nullptr},
    {"5.2.6.1", 4, kShould, "virtio-blk.flush.data", nullptr},
    {"5.2.6.1", 5, kMust, "virtio-blk.data.length", nullptr},
    {"5.2.6.1", 6, kMust, "virtio-blk.ranges.length", nullptr},
    {"5.2.6.1", 7, kMust, "virtio-blk.id.length", nullptr},
    {"5.2.6.1", 8, kMust, "virtio-blk.discard.segments", nullptr},
    {"5.2.6.1", 9, kMust, nullptr, "VIRTIO_BLK_F_SECURE_ERASE is offered by no device here"},
    {"5.2.6.1", 10, kMust, "virtio-blk.write-zeroes.segments", nullptr},
    {"5.2.6.1", 12, kMust, nullptr, kKnowledge},
    {"5.2.6.1", 13, kMust, "virtio-blk.discard.unmap", nullptr},
    {"5.2.6.1", 14, kMust, nullptr, kKnowledge},
    {"5.2.6.1", 15, kMust, nullptr, kKnowledge},
    {"6.1", 1, kMust, "virtio.features.version-1", nullptr},
    {"6.1", 3, kShould, nullptr, "VIRTIO_F_ACCESS_PLATFORM is offered by no device here; virtio-blk accepts it"},
    {"6.1", 4, kMust, "dma.exposed-outside dma.outside", nullptr},
    {"6.1", 5, kShould, nullptr, "VIRTIO_F_RING_PACKED is offered by no device here"},
    {"6.1", 6, kShould, nullptr, "VIRTIO_F_ORDER_PLATFORM is offered by no device here"},
    {"6.1", 7, kMust, "virtio.notify.unordered virtio.avail.unordered virtio.used.unordered", nullptr},
    {"6.1", 9, kMust, nullptr, kNoSrIov},
    {"6.1", 10, kMust, nullptr, kNoSrIov},
    {"6.1", 12, kShould, nullptr, "VIRTIO_F_NOTIF_CONFIG_DATA is offered by no device here"},
};

constexpr AbsentSection kAbsent[] = {
    {"2.8", "packed virtqueues", 15, 0},
    {"5.1", "network device", 33, 14},
    {"5.3", "console device", 3, 1},
    {"5.4", "entropy device", 2, 0},
    {"5.5", "memory balloon device", 25, 8},
    {"5.6", "SCSI host device", 3, 5},
    {"5.8", "input device", 4, 3},
};
// clang-format on

}  // namespace

std::span<const Rule> all_rules() {
    return kRules;
}

const Rule* find_rule(std::string_view id) {
    const auto* found =
        std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& rule) { return id == rule.id; });
    return found == std::end(kRules) ? nullptr : found;
}

std::span<const Statement> virtio_statements() {
    return kStatements;
}

std::span<const AbsentSection> virtio_absent_sections() {
    return kAbsent;
}

}  // namespace tb::rules
