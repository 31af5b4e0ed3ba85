// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module for QEMU 7.2 that writes into QEMU's own log what its trace events leave out: what devices read
 * and wrote in memory, the frames that came and went, and the virtual time of each access.
 *
 * Why this file is kept apart: it is loaded into QEMU's own process, and what is loaded there has to be under
 * a licence that goes with QEMU's GPL (see also ../../qemu/shim/accel_qtest.c). It is never linked into the
 * harness: it is compiled on the user's machine, at run time, by the C compiler there.
 *
 * How: the devices' memory regions are found by their QOM paths, and their operations wrapped. Before a write
 * is passed on to the device, the descriptors and buffers that the write hands over are read from the guest's
 * memory as the device will read them, and logged; what the device has then written is logged when it can be
 * seen: after the access, after a frame, or when a message-signalled interrupt goes out.
 *
 * Which devices: TWINBENCH_RECORDER in QEMU's environment, as KIND,ID,PLACE,LINE[,NETDEV] joined by ';',
 * where KIND is e1000, virtio-blk or serial, ID the device's id, PLACE how the log shall name it, and LINE
 * the pin of the I/O APIC to which its interrupt line leads.
 *
 * Lines (numbers in hexadecimal, data as digits, where BB*N stands for N equal bytes and commas join parts):
 *     twinbench_recorder 1                     the first
 *     twinbench_time NS                        of the access in the next line
 *     twinbench_at NS                          of the write or message in the line before
 *     twinbench_dma_read PLACE ADDRESS DATA    for the write in the line before (perhaps with others between)
 *     twinbench_dma_write PLACE ADDRESS DATA
 *     twinbench_frame_in PLACE 0 DATA          the device took it
 *     twinbench_frame_out PLACE 0 DATA
 *     twinbench_irq PLACE LINE LEVEL           the line changed; LEVEL is 00 or 01
 *     twinbench_used PLACE ADDRESS DATA        as dma_write: how far a virtqueue's used ring has come
 *
 * Compile with -DTB_STAMP=qemu_stamp_<40 hex digits>, the symbol by which QEMU knows a module of its own
 * build.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What the main program exports. */
struct memory_region;
struct net_client;
extern int64_t qemu_clock_get_ns(int clock);
extern int qemu_log(const char* format, ...);
extern void register_dso_module_init(void (*init)(void), int phase);
extern void* object_resolve_path(const char* path, bool* ambiguous);
extern struct memory_region* get_system_memory(void);
extern void cpu_physical_memory_rw(uint64_t address, void* buffer, uint64_t length, bool is_write);
extern struct net_client* qemu_find_netdev(const char* id);
struct irq;
extern struct irq* qdev_get_gpio_in(void* device, int pin);
extern void qemu_irq_intercept_in(struct irq** pins, void (*handler)(void* opaque, int pin, int level),
                                  int count);
extern void qemu_set_irq(struct irq* irq, int level);

enum { kVirtualClock = 1, kPhaseQom = 3 };

struct region_ops {
    uint64_t (*read)(void* opaque, uint64_t address, unsigned size);
    void (*write)(void* opaque, uint64_t address, uint64_t data, unsigned size);
    int (*read_with_attrs)(void* opaque, uint64_t address, uint64_t* data, unsigned size, uint32_t attrs);
    int (*write_with_attrs)(void* opaque, uint64_t address, uint64_t data, unsigned size, uint32_t attrs);
    char rest[48]; /* byte order, valid and implemented widths */
};

struct region_section {
    _Alignas(16) uint64_t size[2];
    struct memory_region* region;
    char rest[40];
};
extern void memory_region_init_io(struct memory_region* region, void* owner, const void* ops, void* opaque,
                                  const char* name, uint64_t size);
extern struct region_section memory_region_find(struct memory_region* region, uint64_t address,
                                                uint64_t size);
extern void memory_region_unref(struct memory_region* region);

struct net_client_info {
    int type;
    size_t size;
    ssize_t (*receive)(struct net_client* client, const uint8_t* data, size_t size);
    ssize_t (*receive_raw)(struct net_client* client, const uint8_t* data, size_t size);
    ssize_t (*receive_iov)(struct net_client* client, const struct iovec* parts, int count);
    char rest[144];
};

struct net_client {
    struct net_client_info* info;
    int link_down;
    void* next[2];
    struct net_client* peer;
};
_Static_assert(offsetof(struct net_client, peer) == 32, "network client of QEMU 7.2");

/* Logging. */

enum { kPiece = 4096, kShortestRun = 8 };

static void log_time(const char* what) {
    static int64_t last = -1;
    const int64_t now = qemu_clock_get_ns(kVirtualClock);
    if (now == last) return;
    last = now;
    qemu_log("%s 0x%llx\n", what, (unsigned long long)now);
}

static void append_data(char* out, const uint8_t* data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    bool plain = false;
    for (size_t i = 0; i < size;) {
        size_t run = 1;
        while (i + run < size && data[i + run] == data[i]) ++run;
        const bool counted = run >= kShortestRun;
        if (i != 0 && (counted || !plain)) *out++ = ',';
        for (size_t n = 0; n < (counted ? 1 : run); ++n) {
            *out++ = digits[data[i] >> 4];
            *out++ = digits[data[i] & 15];
        }
        if (counted) out += sprintf(out, "*%zu", run);
        plain = !counted;
        i += run;
    }
    *out = '\0';
}

static void log_data(const char* what, const char* place, uint64_t address, const uint8_t* data,
                     size_t size) {
    static char text[2 * kPiece * 2 + 64];
    while (size > 0) {
        const size_t piece = size < kPiece ? size : kPiece;
        append_data(text, data, piece);
        qemu_log("%s %s 0x%llx %s\n", what, place, (unsigned long long)address, text);
        data += piece;
        address += piece;
        size -= piece;
    }
}

static void log_memory(const char* what, const char* place, uint64_t address, uint64_t size) {
    static uint8_t data[kPiece];
    while (size > 0) {
        const uint64_t piece = size < kPiece ? size : kPiece;
        cpu_physical_memory_rw(address, data, piece, false);
        log_data(what, place, address, data, piece);
        address += piece;
        size -= piece;
    }
}

static uint16_t load16(uint64_t address) {
    uint16_t value = 0;
    cpu_physical_memory_rw(address, &value, sizeof value, false);
    return value;
}

/* Regions. */

enum { kMostDevices = 8, kMostRegions = 40, kMostQueues = 8, kMostChain = 1024 };

struct virtqueue {
    uint16_t size;
    bool enabled;
    uint64_t desc, avail, used;
    uint16_t last_avail, last_used;
};

struct device {
    enum { kE1000, kVirtio, kSerial } kind;
    char id[64];
    char place[32];
    int line;
    /* e1000 */
    struct region* registers;
    struct net_client* nic;
    struct net_client* wire;
    struct net_client_info nic_info, wire_info;
    const struct net_client_info* nic_real;
    const struct net_client_info* wire_real;
    /* virtio */
    uint16_t queue_select;
    struct virtqueue queues[kMostQueues];
};

struct region {
    struct device* device; /* null: the one of messages */
    enum { kPlain, kMmio, kCommon, kNotify, kMessages } part;
    const struct region_ops* real;
    void* opaque;
    struct region_ops ops;
};

static struct device devices[kMostDevices];
static unsigned device_count;
static struct region regions[kMostRegions];
static unsigned region_count;
static size_t ops_offset, opaque_offset;

static uint64_t real_read(struct region* region, uint64_t address, unsigned size) {
    uint64_t value = 0;
    if (region->real->read != NULL) return region->real->read(region->opaque, address, size);
    region->real->read_with_attrs(region->opaque, address, &value, size, 0);
    return value;
}

/* e1000 (8254x Software Developer's Manual, chapters 3 and 13). */

enum {
    kRctl = 0x100,
    kTctl = 0x400,
    kRdbal = 0x2800,
    kRdlen = 0x2808,
    kRdh = 0x2810,
    kRdt = 0x2818,
    kTdbal = 0x3800,
    kTdlen = 0x3808,
    kTdh = 0x3810,
    kTdt = 0x3818,
    kEnable = 2,
    kDescriptor = 16,
};

static uint32_t mac(struct device* device, unsigned offset) {
    return (uint32_t)real_read(device->registers, offset, 4);
}

static uint64_t ring_base(struct device* device, unsigned low) {
    return ((uint64_t)mac(device, low + 4) << 32) + (mac(device, low) & ~0xfU);
}

static void e1000_log_buffer(struct device* device, uint64_t descriptor) {
    uint64_t address = 0;
    uint32_t lower = 0;
    cpu_physical_memory_rw(descriptor, &address, 8, false);
    cpu_physical_memory_rw(descriptor + 8, &lower, 4, false);
    const bool extended = (lower & 1U << 29) != 0;
    if (extended && (lower >> 20 & 0xf) != 1) return; /* a context */
    log_memory("twinbench_dma_read", device->place, address, lower & (extended ? 0xfffff : 0xffff));
}

/* The descriptors from `head` to `tail`. */
static void e1000_log_ring(struct device* device, unsigned ring, uint32_t tail, bool transmit) {
    const uint64_t base = ring_base(device, ring);
    const uint32_t count = mac(device, ring + 8) / kDescriptor;
    uint32_t at = mac(device, ring + 0x10);
    for (uint32_t done = 0; done < count && at != tail; ++done) {
        if (at >= count) at = 0;
        log_memory("twinbench_dma_read", device->place, base + (uint64_t)at * kDescriptor, kDescriptor);
        if (transmit) e1000_log_buffer(device, base + (uint64_t)at * kDescriptor);
        if (++at >= count) at = 0;
    }
}

struct e1000_write {
    uint64_t base;
    uint32_t head, count;
    bool transmits;
};

static struct e1000_write e1000_before(struct device* device, uint64_t offset, uint32_t value) {
    struct e1000_write write = {0};
    if (offset == kTdt || offset == kTctl) {
        const uint32_t control = offset == kTctl ? value : mac(device, kTctl);
        const uint32_t tail = offset == kTdt ? value & 0xffff : mac(device, kTdt);
        if ((control & kEnable) == 0) return write;
        write.base = ring_base(device, kTdbal);
        write.head = mac(device, kTdh);
        write.count = mac(device, kTdlen) / kDescriptor;
        write.transmits = true;
        e1000_log_ring(device, kTdbal, tail, true);
    } else if (offset == kRdt || offset == kRctl) {
        const uint32_t tail = offset == kRdt ? value & 0xffff : mac(device, kRdt);
        e1000_log_ring(device, kRdbal, tail, false);
    }
    return write;
}

static void e1000_after(struct device* device, const struct e1000_write* write) {
    if (!write->transmits) return;
    const uint32_t end = mac(device, kTdh);
    uint32_t at = write->head;
    for (uint32_t done = 0; done < write->count && at != end; ++done) {
        uint32_t lower = 0;
        const uint64_t descriptor = write->base + (uint64_t)at * kDescriptor;
        cpu_physical_memory_rw(descriptor + 8, &lower, 4, false);
        /* RS or RPS: the upper half is written back. */
        if ((lower & 3U << 27) != 0) log_memory("twinbench_dma_write", device->place, descriptor + 12, 4);
        if (++at >= write->count) at = 0;
    }
}

static struct device* device_of(struct net_client* client, bool* from_wire) {
    for (unsigned i = 0; i < device_count; ++i) {
        *from_wire = devices[i].nic == client;
        if (*from_wire || devices[i].wire == client) return &devices[i];
    }
    return NULL;
}

/* A frame that the NIC took: what it wrote is between the heads. */
static void e1000_received(struct device* device, uint32_t head) {
    const uint64_t base = ring_base(device, kRdbal);
    const uint32_t count = mac(device, kRdlen) / kDescriptor;
    const uint32_t end = mac(device, kRdh);
    for (uint32_t done = 0; done < count && head != end; ++done) {
        const uint64_t descriptor = base + (uint64_t)head * kDescriptor;
        uint64_t address = 0;
        cpu_physical_memory_rw(descriptor, &address, 8, false);
        log_memory("twinbench_dma_write", device->place, address, load16(descriptor + 8));
        log_memory("twinbench_dma_write", device->place, descriptor, kDescriptor);
        if (++head >= count) head = 0;
    }
}

static void log_frame(const char* what, struct device* device, const struct iovec* parts, int count) {
    static uint8_t frame[1 << 16];
    size_t size = 0;
    for (int i = 0; i < count; ++i) {
        const size_t room = sizeof frame - size;
        const size_t length = parts[i].iov_len < room ? parts[i].iov_len : room;
        memcpy(frame + size, parts[i].iov_base, length);
        size += length;
    }
    /* In one line: a frame in two is two frames. */
    static char text[4 * sizeof frame];
    append_data(text, frame, size);
    qemu_log("%s %s 0x0 %s\n", what, device->place, text);
}

static ssize_t frame_iov(struct net_client* client, const struct iovec* parts, int count) {
    bool from_wire = false;
    struct device* device = device_of(client, &from_wire);
    const struct net_client_info* real = from_wire ? device->nic_real : device->wire_real;
    const uint32_t head = mac(device, kRdh);
    log_time("twinbench_time");
    ssize_t taken;
    if (real->receive_iov != NULL) {
        taken = real->receive_iov(client, parts, count);
    } else {
        /* QEMU hands over one part to those that take no list. */
        taken = real->receive(client, parts[0].iov_base, parts[0].iov_len);
    }
    if (!from_wire) {
        log_frame("twinbench_frame_out", device, parts, count);
    } else if (taken != 0) {
        log_frame("twinbench_frame_in", device, parts, count);
        e1000_received(device, head);
    }
    return taken;
}

static ssize_t frame_receive(struct net_client* client, const uint8_t* data, size_t size) {
    const struct iovec part = {(void*)data, size};
    bool from_wire = false;
    struct device* device = device_of(client, &from_wire);
    const struct net_client_info* real = from_wire ? device->nic_real : device->wire_real;
    const uint32_t head = mac(device, kRdh);
    log_time("twinbench_time");
    const ssize_t taken = real->receive(client, data, size);
    if (!from_wire) {
        log_frame("twinbench_frame_out", device, &part, 1);
    } else if (taken != 0) {
        log_frame("twinbench_frame_in", device, &part, 1);
        e1000_received(device, head);
    }
    return taken;
}

/* Virtio (VIRTIO 1.2, 2.7 and 4.1.4.3). */

enum {
    kStatus = 0x14,
    kQueueSelect = 0x16,
    kQueueSize = 0x18,
    kQueueEnable = 0x1c,
    kQueueDesc = 0x20,
    kQueueAvail = 0x28,
    kQueueUsed = 0x30,
    kNext = 1,
    kWrite = 2,
    kIndirect = 4,
};

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

/* Calls `visit` for each descriptor of a chain, until it says false. */
static void virtio_walk(const struct virtqueue* queue, uint16_t head,
                        bool (*visit)(void* context, const struct descriptor* entry, uint64_t address),
                        void* context) {
    uint64_t table = queue->desc;
    uint64_t entries = queue->size;
    uint16_t at = head;
    for (unsigned done = 0; done < kMostChain && at < entries; ++done) {
        struct descriptor entry;
        const uint64_t address = table + 16ULL * at;
        cpu_physical_memory_rw(address, &entry, sizeof entry, false);
        if (!visit(context, &entry, address)) return;
        if ((entry.flags & kIndirect) != 0) {
            table = entry.address;
            entries = entry.length / 16;
            at = 0;
            continue;
        }
        if ((entry.flags & kNext) == 0) return;
        at = entry.next;
    }
}

struct chain {
    struct device* device;
    const struct virtqueue* queue;
    uint64_t left;
    const struct descriptor* wanted;
    bool found;
};

static bool log_read(void* context, const struct descriptor* entry, uint64_t address) {
    const struct chain* chain = context;
    log_memory("twinbench_dma_read", chain->device->place, address, sizeof *entry);
    if ((entry->flags & (kWrite | kIndirect)) == 0)
        log_memory("twinbench_dma_read", chain->device->place, entry->address, entry->length);
    return true;
}

static bool overlaps(void* context, const struct descriptor* entry, uint64_t address) {
    struct chain* chain = context;
    (void)address;
    chain->found = chain->found || (entry->address < chain->wanted->address + chain->wanted->length &&
                                    chain->wanted->address < entry->address + entry->length);
    return !chain->found;
}

/* A driver that polls memory may have taken what the device wrote, and be using the buffer for another
 * request that nobody was told of yet. */
static bool is_used_again(const struct virtqueue* queue, const struct descriptor* buffer) {
    struct chain chain = {.wanted = buffer};
    const uint16_t index = load16(queue->avail + 2);
    for (uint16_t at = queue->last_avail; at != index && !chain.found; ++at)
        virtio_walk(queue, load16(queue->avail + 4 + 2ULL * (at % queue->size)), overlaps, &chain);
    return chain.found;
}

/* What the device has written, `left` bytes at most. */
static bool log_written(void* context, const struct descriptor* entry, uint64_t address) {
    struct chain* chain = context;
    (void)address;
    if ((entry->flags & kWrite) == 0) return true;
    const uint64_t length = entry->length < chain->left ? entry->length : chain->left;
    if (!is_used_again(chain->queue, entry))
        log_memory("twinbench_dma_write", chain->device->place, entry->address, length);
    chain->left -= length;
    return true;
}

/* What the driver has made available since. */
static void virtio_available(struct device* device, struct virtqueue* queue) {
    if (!queue->enabled || queue->size == 0) return;
    const uint16_t index = load16(queue->avail + 2);
    log_memory("twinbench_dma_read", device->place, queue->avail, 4);
    log_memory("twinbench_dma_read", device->place, queue->avail + 4 + 2ULL * queue->size, 2);
    for (; queue->last_avail != index; ++queue->last_avail) {
        const uint64_t slot = queue->avail + 4 + 2ULL * (queue->last_avail % queue->size);
        log_memory("twinbench_dma_read", device->place, slot, 2);
        struct chain chain = {.device = device, .queue = queue};
        virtio_walk(queue, load16(slot), log_read, &chain);
    }
}

/* What the device has finished since. */
static void virtio_used(struct device* device, struct virtqueue* queue) {
    if (!queue->enabled || queue->size == 0) return;
    const uint16_t index = load16(queue->used + 2);
    if (queue->last_used == index) return;
    log_time("twinbench_time");
    /* The driver says in here whether it wants to hear of it. */
    log_memory("twinbench_dma_read", device->place, queue->avail, 2);
    log_memory("twinbench_dma_read", device->place, queue->avail + 4 + 2ULL * queue->size, 2);
    log_memory("twinbench_used", device->place, queue->used + 2, 2);
    for (; queue->last_used != index; ++queue->last_used) {
        const uint64_t element = queue->used + 4 + 8ULL * (queue->last_used % queue->size);
        uint32_t fields[2];
        cpu_physical_memory_rw(element, fields, sizeof fields, false);
        struct chain chain = {.device = device, .queue = queue, .left = fields[1]};
        virtio_walk(queue, (uint16_t)fields[0], log_written, &chain);
        log_memory("twinbench_dma_write", device->place, element, 8);
    }
}

static void virtio_look(void) {
    for (unsigned i = 0; i < device_count; ++i)
        for (unsigned n = 0; devices[i].kind == kVirtio && n < kMostQueues; ++n)
            virtio_used(&devices[i], &devices[i].queues[n]);
}

static void set_part(uint64_t* address, uint64_t offset, uint64_t value, unsigned size) {
    memcpy((char*)address + offset, &value, size);
}

static void virtio_common(struct device* device, uint64_t offset, uint64_t value, unsigned size) {
    if (offset == kQueueSelect) device->queue_select = (uint16_t)value;
    if (offset == kStatus && (value & 0xff) == 0) memset(device->queues, 0, sizeof device->queues);
    if (device->queue_select >= kMostQueues) return;
    struct virtqueue* queue = &device->queues[device->queue_select];
    if (offset >= kQueueDesc && offset + size <= kQueueAvail)
        set_part(&queue->desc, offset - kQueueDesc, value, size);
    if (offset >= kQueueAvail && offset + size <= kQueueUsed)
        set_part(&queue->avail, offset - kQueueAvail, value, size);
    if (offset >= kQueueUsed && offset + size <= kQueueUsed + 8)
        set_part(&queue->used, offset - kQueueUsed, value, size);
    if (offset == kQueueEnable && value == 1) {
        /* The size that the device has, whether the driver wrote it or not. */
        for (unsigned i = 0; i < region_count; ++i)
            if (regions[i].device == device && regions[i].part == kCommon)
                queue->size = (uint16_t)real_read(&regions[i], kQueueSize, 2);
        queue->enabled = true;
    }
}

/* The wrapped operations. */

static uint64_t wrapped_read(void* opaque, uint64_t address, unsigned size) {
    struct region* region = opaque;
    if (region->device != NULL) {
        virtio_look();
        log_time("twinbench_time");
    }
    return real_read(region, address, size);
}

static int wrapped_read_with_attrs(void* opaque, uint64_t address, uint64_t* data, unsigned size,
                                   uint32_t attrs) {
    struct region* region = opaque;
    return region->real->read_with_attrs(region->opaque, address, data, size, attrs);
}

static void wrapped_write(void* opaque, uint64_t address, uint64_t data, unsigned size) {
    struct region* region = opaque;
    struct device* device = region->device;
    if (device == NULL) {
        /* The controller's own registers lie in the first page too, from 0x20 on; they are no message. */
        if (address >= 0x1000 || address < 0x10) log_time("twinbench_at");
        virtio_look();
        region->real->write(region->opaque, address, data, size);
        return;
    }
    log_time("twinbench_at");
    struct e1000_write sent = {0};
    if (region->part == kMmio) sent = e1000_before(device, address, (uint32_t)data);
    if (region->part == kCommon) virtio_common(device, address, data, size);
    virtio_look(); /* what came before it */
    if (region->part == kNotify && address / 4 < kMostQueues)
        virtio_available(device, &device->queues[address / 4]);
    region->real->write(region->opaque, address, data, size);
    if (region->part == kMmio) e1000_after(device, &sent);
    virtio_look();
}

static int wrapped_write_with_attrs(void* opaque, uint64_t address, uint64_t data, unsigned size,
                                    uint32_t attrs) {
    struct region* region = opaque;
    virtio_look();
    return region->real->write_with_attrs(region->opaque, address, data, size, attrs);
}

/* Interrupt lines. */

enum { kPins = 24 };

static int levels[kPins];

static void pin_changed(void* opaque, int pin, int level) {
    struct irq** real = opaque;
    level = level != 0;
    if (pin >= 0 && pin < kPins && levels[pin] != level) {
        levels[pin] = level;
        virtio_look(); /* what it is raised for comes before it */
        for (unsigned i = 0; i < device_count; ++i) {
            const uint8_t data = (uint8_t)level;
            if (devices[i].line != pin) continue;
            log_time("twinbench_time");
            log_data("twinbench_irq", devices[i].place, (uint64_t)pin, &data, 1);
        }
    }
    qemu_set_irq(*real, level);
}

static void intercept_lines(void) {
    void* controller = object_resolve_path("ioapic", NULL);
    static struct irq* pins[kPins];
    if (controller == NULL) {
        qemu_log("twinbench_missing ioapic\n");
        return;
    }
    for (int pin = 0; pin < kPins; ++pin) pins[pin] = qdev_get_gpio_in(controller, pin);
    qemu_irq_intercept_in(pins, pin_changed, kPins);
}

/* Where a memory region keeps its operations: looked for in one of our own. */
static bool find_offsets(void) {
    static _Alignas(16) char probe[4096];
    static struct region_ops ops;
    static char opaque;
    memory_region_init_io((struct memory_region*)probe, NULL, &ops, &opaque, NULL, 16);
    for (size_t at = 0; at + sizeof(void*) <= sizeof probe; at += sizeof(void*)) {
        void* pointer;
        memcpy(&pointer, probe + at, sizeof pointer);
        if (pointer == &ops) ops_offset = at;
        if (pointer == &opaque) opaque_offset = at;
    }
    return ops_offset != 0 && opaque_offset != 0;
}

static struct region* wrap(struct memory_region* memory, struct device* device, int part) {
    if (memory == NULL || region_count == kMostRegions) return NULL;
    struct region* region = &regions[region_count++];
    const struct region_ops** ops = (const struct region_ops**)((char*)memory + ops_offset);
    void** opaque = (void**)((char*)memory + opaque_offset);
    region->device = device;
    region->part = part;
    region->real = *ops;
    region->opaque = *opaque;
    region->ops = **ops;
    if (region->ops.read != NULL) region->ops.read = wrapped_read;
    if (region->ops.write != NULL) region->ops.write = wrapped_write;
    if (region->ops.read_with_attrs != NULL) region->ops.read_with_attrs = wrapped_read_with_attrs;
    if (region->ops.write_with_attrs != NULL) region->ops.write_with_attrs = wrapped_write_with_attrs;
    *opaque = region;
    *ops = &region->ops;
    return region;
}

static struct region* wrap_named(struct device* device, const char* name, int part) {
    char path[256];
    snprintf(path, sizeof path, "/machine/peripheral/%s/%s[0]", device->id, name);
    struct region* region = wrap(object_resolve_path(path, NULL), device, part);
    if (region == NULL) qemu_log("twinbench_missing %s\n", path);
    return region;
}

static void wrap_network(struct device* device, const char* netdev) {
    struct net_client* wire = qemu_find_netdev(netdev);
    if (wire == NULL || wire->peer == NULL || wire->peer->peer != wire) {
        qemu_log("twinbench_missing netdev %s\n", netdev);
        return;
    }
    device->wire = wire;
    device->nic = wire->peer;
    device->wire_real = wire->info;
    device->nic_real = device->nic->info;
    device->wire_info = *wire->info;
    device->nic_info = *device->nic->info;
    device->wire_info.receive = device->nic_info.receive = frame_receive;
    if (device->wire_info.receive_iov != NULL) device->wire_info.receive_iov = frame_iov;
    if (device->nic_info.receive_iov != NULL) device->nic_info.receive_iov = frame_iov;
    wire->info = &device->wire_info;
    device->nic->info = &device->nic_info;
}

static void wrap_device(char* text) {
    char* rest = NULL;
    const char* kind = strtok_r(text, ",", &rest);
    const char* id = strtok_r(NULL, ",", &rest);
    const char* place = strtok_r(NULL, ",", &rest);
    const char* line = strtok_r(NULL, ",", &rest);
    const char* netdev = strtok_r(NULL, ",", &rest);
    if (line == NULL || device_count == kMostDevices) return;
    struct device* device = &devices[device_count++];
    snprintf(device->id, sizeof device->id, "%s", id);
    snprintf(device->place, sizeof device->place, "%s", place);
    device->line = atoi(line);
    if (strcmp(kind, "e1000") == 0) {
        device->kind = kE1000;
        device->registers = wrap_named(device, "e1000-mmio", kMmio);
        if (device->registers != NULL && netdev != NULL) wrap_network(device, netdev);
    } else if (strcmp(kind, "virtio-blk") == 0) {
        device->kind = kVirtio;
        wrap_named(device, "virtio-pci-common-virtio-blk", kCommon);
        wrap_named(device, "virtio-pci-isr-virtio-blk", kPlain);
        wrap_named(device, "virtio-pci-device-virtio-blk", kPlain);
        wrap_named(device, "virtio-pci-notify-virtio-blk", kNotify);
    } else {
        device->kind = kSerial;
        wrap_named(device, "serial", kPlain);
    }
}

static void start_recording(void) {
    const char* wanted = getenv("TWINBENCH_RECORDER");
    if (wanted == NULL || !find_offsets()) {
        qemu_log("twinbench_missing memory regions\n");
        return;
    }
    qemu_log("twinbench_recorder 1\n");
    char* text = strdup(wanted);
    char* rest = NULL;
    for (char* device = strtok_r(text, ";", &rest); device != NULL; device = strtok_r(NULL, ";", &rest))
        wrap_device(device);
    free(text);
    intercept_lines();
    /* Messages: a virtio device's completions go out by them. */
    struct region_section section = memory_region_find(get_system_memory(), 0xfee00000, 4);
    if (section.region != NULL) {
        wrap(section.region, NULL, kMessages);
        memory_region_unref(section.region);
    }
}

/* QEMU looks both symbols up: the first says "a module", the second "of this very build". */
void TB_STAMP(void);
void TB_STAMP(void) {}
void qemu_module_dummy(void);
void qemu_module_dummy(void) {}

static void __attribute__((constructor)) announce(void) {
    register_dso_module_init(start_recording, kPhaseQom);
}
