/* SPDX-License-Identifier: BSD-3-Clause */
/* From the PVH entry (32-bit protected mode, paging off, EBX: the start information; Xen's docs/misc/pvh.pandoc) to
 * long mode and tb_kernel_main. */

#define STACK_BYTES 0x20000

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18                  /* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .quad tb_pvh_entry              /* eight bytes, as QEMU's loader reads them */

    .section .text.boot, "ax"
    .code32
    .globl tb_pvh_entry
tb_pvh_entry:
    cli
    cld
    mov %ebx, %esi                  /* rep stos leaves it alone */
    mov $tb_bss_start, %edi
    mov $tb_bss_end, %ecx
    sub %edi, %ecx
    shr $2, %ecx
    xor %eax, %eax
    rep stosl

    /* Four GiB one to one, in pages of 2 MiB; paging.cpp makes better tables as soon as it can. */
    mov $boot_pdpt + 3, %eax
    mov %eax, boot_pml4
    mov $boot_pds + 3, %eax
    mov $boot_pdpt, %edi
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $0x1000, %eax
    add $8, %edi
    loop 1b
    mov $0x83, %eax                 /* present, writable, large */
    mov $boot_pds, %edi
    mov $2048, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    mov $boot_pml4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax                  /* PAE */
    mov %eax, %cr4
    mov $0xc0000080, %ecx           /* EFER */
    rdmsr
    or $0x900, %eax                 /* long mode, no-execute */
    wrmsr
    mov %cr0, %eax
    or $0x80010000, %eax            /* paging; and read-only pages bind the kernel too */
    mov %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $0x08, $long_mode

    .code64
long_mode:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $tb_stack_top, %rsp
    xor %ebp, %ebp                  /* where a backtrace ends */
    mov %esi, %edi
    call tb_kernel_start
3:  cli
    hlt
    jmp 3b

    .section .rodata
    .align 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        /* 0x08: 64-bit code */
    .quad 0x00cf93000000ffff        /* 0x10: data */
boot_gdt_pointer:
    .word boot_gdt_pointer - boot_gdt - 1
    .quad boot_gdt

    .section .bss
    .align 4096
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pds:  .skip 4 * 4096
    /* The page below the stack is not mapped: an overflow faults where it happens. */
    .globl tb_stack_guard
tb_stack_guard: .skip 4096
    .skip STACK_BYTES
    .globl tb_stack_top
tb_stack_top:
