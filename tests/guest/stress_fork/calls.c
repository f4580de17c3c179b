/* SPDX-License-Identifier: ISC */
/* calls.c: system calls that need assembly or a layout of the kernel's own. */
#include "stress_fork.h"

__asm__("	.text\n"
	"	.globl	fork_to\n"
	"fork_to:\n"
	"	push	%rbx\n"
	"	push	%rbp\n"
	"	push	%r12\n"
	"	mov	%rdi, %rax\n"
	"	mov	%rdx, %rbx\n"
	"	mov	%rcx, %rbp\n"
	"	mov	%r8, %r12\n"
	"	mov	%rsi, %r11\n"
	"	mov	(%r11), %rdi\n"
	"	mov	8(%r11), %rsi\n"
	"	mov	16(%r11), %rdx\n"
	"	mov	24(%r11), %r10\n"
	"	mov	32(%r11), %r8\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jz	1f\n"
	"	pop	%r12\n"
	"	pop	%rbp\n"
	"	pop	%rbx\n"
	"	ret\n"
	"1:	mov	%rbx, %rsp\n"
	"	mov	%r12, %rdi\n"
	"	mov	%rbp, %rax\n"
	"	xor	%ebp, %ebp\n"
	"	call	*%rax\n"
	"	ud2\n");

void
set_mask(uint64_t mask)
{
	CALL(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

extern void return_from_handler(void);
__asm__("	.text\n"
	"return_from_handler:\n"
	"	mov	$15, %eax\n"
	"	syscall\n");

void
set_action(int sig, void (*handler)(int), unsigned long flags)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} sa = {handler, flags | 0x04000000, return_from_handler, ~0UL};

	EXPECT_EQ(CALL(SYS_rt_sigaction, sig, &sa, NULL, 8), 0);
}
