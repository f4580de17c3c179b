/* SPDX-License-Identifier: ISC */
/* start.S: entry and interrupt stub of the fake guest kernel. */
	.section .text.start, "ax"
	.globl start
start:
	leaq stack_top(%rip), %rsp
	xorl %ebp, %ebp
	call guest_main
1:	hlt
	jmp 1b

/* Sleep until an interrupt comes: one that has come already must not be waited for. */
	.globl wait_for_interrupt
wait_for_interrupt:
	sti
wait_hlt:
	hlt
	cli
	ret

/* Vector 0x21: note it, end it.  Only flags and rax, rdx are touched.  An emulated processor may let
 * it come between sti and hlt, when its own machine has been interrupted there. */
	.globl channel_interrupt
channel_interrupt:
	pushq %rax
	movl $1, interrupted(%rip)
	leaq wait_hlt(%rip), %rax
	cmpq %rax, 8(%rsp)
	jne 1f
	incq 8(%rsp)
1:	movl $0xfee000b0, %eax
	movl $0, (%rax)
	popq %rax
	iretq

/* Vector 13, from the wrmsr of wrmsr_refused(): note it, go on behind that. */
	.globl general_protection
general_protection:
	addq $8, %rsp
	addq $2, (%rsp)
	movl $1, protection_faults(%rip)
	iretq

/* An interrupt that is not ended. */
	.globl unended_interrupt
unended_interrupt:
	iretq

/* Vector 2. */
	.globl nmi_interrupt
nmi_interrupt:
	incl nmis(%rip)
	cmpl $0, nmi_stay(%rip)
	je 1f
	andq $-16, %rsp
	call vcpu_in_nmi
1:	iretq

	.bss
	.align 16
	.skip 16384
stack_top:
	.section .note.GNU-stack, "", @progbits
