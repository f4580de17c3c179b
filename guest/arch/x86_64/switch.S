/* SPDX-License-Identifier: ISC */
/* switch.S: change of the kernel stack, and the first steps of a new thread. */
#include <machine/asm.h>

	.text

/* void switch_stack(uint64_t *save, uint64_t load): struct switchframe (vm_machdep.c) is what lies
 * on the stack of a thread that does not run. */
ENTRY(switch_stack)
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
END(switch_stack)

/* A new thread "returns" here from switch_stack() with its trap frame on top of the stack. */
ENTRY(thread_trampoline)
	xorl	%ebp, %ebp
	call	thread_start
	jmp	trap_return
END(thread_trampoline)
