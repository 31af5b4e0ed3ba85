// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The "qtest" accelerator of QEMU 7.2, 10.0 and 11.1, as a loadable module, for a QEMU whose distributor left
 * it out.
 *
 * Why this file is kept apart: it is loaded into QEMU's own process, and what is loaded there has to be under
 * a licence that goes with QEMU's GPL. Everything else in this repository is BSD-3-Clause and speaks to QEMU
 * through sockets only. This file is never linked into the harness: it is compiled on the user's machine, at
 * run time, by the C compiler there.
 *
 * What it does: the guest's CPU never runs (the dummy CPU thread of QEMU waits for ever), and virtual time is
 * the number that the qtest commands clock_step and clock_set move. Both are still in the main
 * program; only the two types that select them are missing.
 *
 * With `-accel tcg`, where the guest's CPU does run, the qtest command `module_load accel- qtest-x86_64`
 * brings the same clock: virtual time stands still however long the guest computes, and moves by clock_step
 * alone. That is what makes a driver that runs in a kernel comparable, event by event, with one that runs on
 * a model.
 *
 * Compile with -DTB_STAMP=qemu_stamp_<40 hex digits>, the symbol by which QEMU knows a module of its own
 * build, and -DTB_QEMU=<major * 100 + minor>.
 *
 * The declarations below say where QEMU for 64-bit hosts looks; they are asserted by offset. Another version
 * needs them checked anew.
 */
#if TB_QEMU != 702 && TB_QEMU != 1000 && TB_QEMU != 1101
#error "the layout of this version's accelerators is not known"
#endif
#define TB_SINCE(version) (TB_QEMU >= (version))

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the main program exports. */
extern bool qtest_allowed;
extern void dummy_start_vcpu_thread(void* cpu);
extern void register_dso_module_init(void (*init)(void), int phase);
struct type_description;
extern void* type_register_static(const struct type_description* type);
extern void* object_class_by_name(const char* name);

#if TB_SINCE(1101)
enum { kPhaseQom = 4 };
#else
enum { kPhaseQom = 3 };
#endif

/* Later versions keep time where only their own module reaches it: it is ours then. */
#if TB_SINCE(1000)
static int64_t now;
static int64_t qtest_get_virtual_clock(void) {
    return __atomic_load_n(&now, __ATOMIC_SEQ_CST);
}
static void qtest_set_virtual_clock(int64_t time) {
    __atomic_store_n(&now, time, __ATOMIC_SEQ_CST);
}
#else
extern int64_t qtest_get_virtual_clock(void);
#endif

struct type_description {
    const char* name;
    const char* parent;
    size_t instance[5]; /* size, alignment, init, post-init, finalize: the parent's will do */
    bool abstract;
    size_t class_size;
    void (*class_init)(void* class_object, void* data);
    void* rest[3];
};
_Static_assert(offsetof(struct type_description, class_init) == 72, "type description of QEMU 7.2");

enum { kObjectClassSize = 96 };

struct accel_class {
    char object_class[kObjectClassSize];
    const char* name;
#if TB_SINCE(1101)
    void* ops;
    int (*init_machine)(void* accel, void* machine);
    void* unused[7];
#elif TB_SINCE(1000)
    int (*init_machine)(void* machine);
    void* unused[5];
#else
    int (*init_machine)(void* machine);
    void* unused[3];
#endif
    bool* allowed;
};
#if TB_SINCE(1101)
_Static_assert(offsetof(struct accel_class, allowed) == 0xb0, "accelerator class of QEMU 11.1");
#elif TB_SINCE(1000)
_Static_assert(offsetof(struct accel_class, allowed) == 0x98, "accelerator class of QEMU 10.0");
#else
_Static_assert(offsetof(struct accel_class, allowed) == 0x88, "accelerator class of QEMU 7.2");
#endif

struct accel_ops_class {
    char object_class[kObjectClassSize];
#if TB_SINCE(1101)
    void* unused_before_start[4];
    void (*create_vcpu_thread)(void* cpu);
    void* unused_before_interrupt[6];
    void (*handle_interrupt)(void* cpu, int mask);
    void* unused_before_clock[1];
#elif TB_SINCE(1000)
    void* unused_before_start[3];
    void (*create_vcpu_thread)(void* cpu);
    void* unused_before_clock[8];
#else
    void* unused_before_start[2];
    void (*create_vcpu_thread)(void* cpu);
    void* unused_before_clock[8];
#endif
    int64_t (*get_virtual_clock)(void);
#if TB_SINCE(1000)
    void (*set_virtual_clock)(int64_t time);
#endif
};
#if TB_SINCE(1101)
_Static_assert(offsetof(struct accel_ops_class, create_vcpu_thread) == 0x80, "accelerator ops of QEMU 11.1");
_Static_assert(offsetof(struct accel_ops_class, handle_interrupt) == 0xb8, "accelerator ops of QEMU 11.1");
_Static_assert(offsetof(struct accel_ops_class, get_virtual_clock) == 0xc8, "accelerator ops of QEMU 11.1");
extern void generic_handle_interrupt(void* cpu, int mask);
#elif TB_SINCE(1000)
_Static_assert(offsetof(struct accel_ops_class, create_vcpu_thread) == 0x78, "accelerator ops of QEMU 10.0");
_Static_assert(offsetof(struct accel_ops_class, get_virtual_clock) == 0xc0, "accelerator ops of QEMU 10.0");
#else
_Static_assert(offsetof(struct accel_ops_class, create_vcpu_thread) == 0x70, "accelerator ops of QEMU 7.2");
_Static_assert(offsetof(struct accel_ops_class, get_virtual_clock) == 0xb8, "accelerator ops of QEMU 7.2");
#endif

#if TB_SINCE(1101)
static int init_machine(void* accel, void* machine) {
    (void)accel;
    (void)machine;
    return 0;
}
#else
static int init_machine(void* machine) {
    (void)machine;
    return 0;
}
#endif

static void init_accel_class(void* class_object, void* data) {
    struct accel_class* accel = class_object;
    (void)data;
    accel->name = "QTest";
    accel->init_machine = init_machine;
    accel->allowed = &qtest_allowed;
}

static void take_over_clock(struct accel_ops_class* ops) {
    ops->get_virtual_clock = qtest_get_virtual_clock;
#if TB_SINCE(1000)
    ops->set_virtual_clock = qtest_set_virtual_clock;
#endif
}

static void init_ops_class(void* class_object, void* data) {
    struct accel_ops_class* ops = class_object;
    (void)data;
    ops->create_vcpu_thread = dummy_start_vcpu_thread;
#if TB_SINCE(1101)
    ops->handle_interrupt = generic_handle_interrupt;
#endif
    take_over_clock(ops);
}

static const struct type_description accel_type = {
    .name = "qtest-accel",
    .parent = "accel",
    .class_init = init_accel_class,
};

static const struct type_description ops_type = {
    .name = "qtest-accel-ops",
    .parent = "accel-ops",
    .abstract = true,
    .class_init = init_ops_class,
};

/* The class of TCG's operations is there when TCG is the accelerator; QEMU asks it for the time at each use.
 */
static void take_over_tcg_clock(void) {
    struct accel_ops_class* ops = object_class_by_name("tcg-accel-ops");
    if (ops == NULL) return;
    take_over_clock(ops);
    qtest_allowed = true;
}

static void register_types(void) {
    type_register_static(&accel_type);
    type_register_static(&ops_type);
    take_over_tcg_clock();
}

/* QEMU looks both symbols up: the first says "a module", the second "of this very build". */
void qemu_module_dummy(void);
void qemu_module_dummy(void) {}
void TB_STAMP(void);
void TB_STAMP(void) {}

static void __attribute__((constructor)) announce(void) {
    register_dso_module_init(register_types, kPhaseQom);
}
