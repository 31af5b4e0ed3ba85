// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The "qtest" accelerator of QEMU 7.2, as a loadable module, for a QEMU whose distributor left it out.
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
 * build.
 *
 * The declarations below say where QEMU 7.2 for 64-bit hosts looks; they are asserted by offset. Another
 * version needs them checked anew.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the main program exports. */
extern bool qtest_allowed;
extern int64_t qtest_get_virtual_clock(void);
extern void dummy_start_vcpu_thread(void* cpu);
extern void register_dso_module_init(void (*init)(void), int phase);
struct type_description;
extern void* type_register_static(const struct type_description* type);
extern void* object_class_by_name(const char* name);

enum { kPhaseQom = 3 };

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
    int (*init_machine)(void* machine);
    void* unused[3];
    bool* allowed;
};
_Static_assert(offsetof(struct accel_class, allowed) == 0x88, "accelerator class of QEMU 7.2");

struct accel_ops_class {
    char object_class[kObjectClassSize];
    void* unused_before_start[2];
    void (*create_vcpu_thread)(void* cpu);
    void* unused_before_clock[8];
    int64_t (*get_virtual_clock)(void);
};
_Static_assert(offsetof(struct accel_ops_class, create_vcpu_thread) == 0x70, "accelerator ops of QEMU 7.2");
_Static_assert(offsetof(struct accel_ops_class, get_virtual_clock) == 0xb8, "accelerator ops of QEMU 7.2");

static int init_machine(void* machine) {
    (void)machine;
    return 0;
}

static void init_accel_class(void* class_object, void* data) {
    struct accel_class* accel = class_object;
    (void)data;
    accel->name = "QTest";
    accel->init_machine = init_machine;
    accel->allowed = &qtest_allowed;
}

static void init_ops_class(void* class_object, void* data) {
    struct accel_ops_class* ops = class_object;
    (void)data;
    ops->create_vcpu_thread = dummy_start_vcpu_thread;
    ops->get_virtual_clock = qtest_get_virtual_clock;
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
    ops->get_virtual_clock = qtest_get_virtual_clock;
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
