/* SPDX-License-Identifier: BSD-3-Clause */
/* One entry a vector: each brings the stack into the shape of tb::kernel::Frame and calls tb_interrupt. */
    .section .text
    .macro entry vector
    .align 16
    .if (\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 21) || (\vector == 29) || (\vector == 30)
    /* The processor has pushed an error code (Intel SDM vol. 3A §6.13). */
    .else
    pushq $0
    .endif
    pushq $\vector
    jmp common
    .endm

    .align 16
    .globl tb_isr_entries
tb_isr_entries:
    .set vector, 0
    .rept 256
    entry vector
    .set vector, vector + 1
    .endr

common:
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call tb_interrupt
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rbp
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rbx
    pop %rax
    add $16, %rsp
    iretq
