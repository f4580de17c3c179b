/* SPDX-License-Identifier: ISC */
/* thread.h: arch part of a thread and the trap frame. */
#ifndef MACHINE_THREAD_H
#define MACHINE_THREAD_H

#include <sys/types.h>

/* Saved user (or kernel, for faults inside the kernel) registers, at the top of the kernel stack.
 */
struct trapframe {
	uint64_t tf_r15, tf_r14, tf_r13, tf_r12, tf_rbp, tf_rbx, tf_r11, tf_rcx, tf_rax;
	uint64_t tf_rdi, tf_rsi, tf_rdx, tf_r10, tf_r8, tf_r9; /* arguments of a system call */
	uint64_t tf_trapno;                                    /* exception vector, or TF_SYSCALL */
	uint64_t tf_err; /* error code, or the system call number (orig_rax) */
	uint64_t tf_rip, tf_cs, tf_rflags, tf_rsp, tf_ss;
};
#define TF_SYSCALL 0x100
#define USER_REGS_SIZE 216   /* Linux struct user_regs_struct */
#define USER_FPREGS_SIZE 512 /* Linux struct user_fpregs_struct: FXSAVE format */

struct mdthread {
	uint64_t md_rsp;         /* kernel stack pointer while switched out */
	struct trapframe *md_tf; /* user registers (top of the kernel stack) */
	uint64_t md_fsbase, md_gsbase;
	void *md_fpu; /* XSAVE area, or NULL: initial state (never used) */
	void (*md_func)(void *);
	void *md_arg;
	uint32_t md_flags;
	uint64_t md_onfault; /* unused by the MI kernel */
	vaddr_t md_faultva;  /* address of the last page fault in user mode, for signal frames */
};
#define MDF_STEP 0x1 /* single-stepped by a tracer */

#endif
