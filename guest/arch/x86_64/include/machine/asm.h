/* SPDX-License-Identifier: ISC */
/* asm.h: selectors, trap frame offsets and tables that assembly and C share. */
#ifndef MACHINE_ASM_H
#define MACHINE_ASM_H

/* Segment selectors: the user's are Linux's, and laid out as SYSCALL and SYSRET want them. */
#define SEL_KCODE 0x10
#define SEL_KDATA 0x18
#define SEL_UBASE                                                                                  \
	0x23 /* SYSRET: data = base + 8, code = base + 16; no 32-bit code segment here             \
	      */
#define SEL_UDATA 0x2b
#define SEL_UCODE 0x33
#define SEL_TSS 0x40

/* Offsets in struct trapframe; trap.c asserts that they are right. */
#define TF_RBP 32
#define TF_RAX 64
#define TF_RDI 72
#define TF_RSI 80
#define TF_RDX 88
#define TF_R10 96
#define TF_R8 104
#define TF_R9 112
#define TF_RIP 136
#define TF_CS 144
#define TF_RFLAGS 152
#define TF_RSP 160
#define TF_SIZE 176
#define TF_SYSCALL 0x100

#define T_DEBUG 1 /* vector of #DB */

#define TSS_RSP0 4
#define KSTACK_BYTES 8192 /* KSTACK_SIZE */

#ifdef __ASSEMBLER__
/* clang-format off */
#define ENTRY(name) .globl name; .type name, @function; .balign 16; name:
#define END(name) .size name, . - name

/* SMAP brackets; overwritten with NOPs at boot on a CPU without SMAP. */
#define STAC 771: stac; .pushsection .smap_patch, "a"; .quad 771b; .popsection
#define CLAC 771: clac; .pushsection .smap_patch, "a"; .quad 771b; .popsection
/* clang-format on */
#endif

#endif
