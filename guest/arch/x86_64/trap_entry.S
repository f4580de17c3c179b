/* SPDX-License-Identifier: ISC */
/*
 * trap_entry.S: entry from user mode and exceptions, and the ways back.
 *
 * There is one CPU and the kernel never uses GS, so an entry needs no SWAPGS: kernel data has fixed
 * addresses.  Interrupts stay off from entry to return.
 */
#include <machine/asm.h>

/* In the order of struct trapframe, whose last members the CPU or the entry code has pushed. */
.macro SAVE_REGS
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rax
	pushq	%rcx
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro RESTORE_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%rcx
	popq	%rax
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
.endm

	.text

/* SYSCALL: return address in rcx, flags in r11; the flags of SFMASK (IF, DF, AC ...) are clear. */
ENTRY(syscall_entry)
	movq	%rsp, syscall_rsp(%rip)
	movq	tss+TSS_RSP0(%rip), %rsp
	pushq	$SEL_UDATA
	pushq	syscall_rsp(%rip)
	pushq	%r11
	pushq	$SEL_UCODE
	pushq	%rcx
	pushq	%rax
	pushq	$TF_SYSCALL
	SAVE_REGS
	xorl	%ebp, %ebp /* a backtrace ends here */
	movq	%rsp, %rdi
	call	syscall
	testb	%al, %al
	jz	trap_return
	/*
	 * Nothing has changed the frame but the result, and C code keeps rbx and r12-r15.  rip is
	 * below the canonical hole (VM_USER_MAX), so that SYSRET cannot fault in kernel mode.
	 */
	movq	TF_RBP(%rsp), %rbp
	movq	TF_R10(%rsp), %r10
	movq	TF_R9(%rsp), %r9
	movq	TF_R8(%rsp), %r8
	movq	TF_RAX(%rsp), %rax
	movq	TF_RDX(%rsp), %rdx
	movq	TF_RSI(%rsp), %rsi
	movq	TF_RDI(%rsp), %rdi
	movq	TF_RIP(%rsp), %rcx
	movq	TF_RFLAGS(%rsp), %r11
	movq	TF_RSP(%rsp), %rsp
	sysretq
END(syscall_entry)

/*
 * #DB.  A program that steps through a SYSCALL can make it come at the first instruction of
 * syscall_entry, while the stack is still the program's: so it has a stack of its own.  There the
 * step has been made and the call goes on; the trap comes after it, when r11 is the flags again.  From
 * user mode the frame moves to where frames belong.
 */
ENTRY(debug_entry)
	testb	$3, 8(%rsp)
	jnz	1f
	cmpq	$syscall_entry, (%rsp)
	jne	2f
	iretq
1:	pushq	%rax
	movq	%rsp, %rax
	movq	tss+TSS_RSP0(%rip), %rsp
	pushq	40(%rax) /* ss */
	pushq	32(%rax)
	pushq	24(%rax)
	pushq	16(%rax)
	pushq	8(%rax) /* rip */
	movq	(%rax), %rax
2:	pushq	$0
	pushq	$T_DEBUG
	jmp	trap_entry
END(debug_entry)

ENTRY(trap_entry)
	SAVE_REGS
	cld
	CLAC
	testb	$3, TF_CS(%rsp)
	jz	1f
	xorl	%ebp, %ebp
1:	movq	%rsp, %rdi
	call	trap
END(trap_entry)

/* rsp points at a trap frame.  Frames for user mode hold a rip that is canonical and the user's
 * selectors: whoever changes them sees to it (user_pc()), so that IRETQ cannot fault. */
ENTRY(trap_return)
	RESTORE_REGS
	addq	$16, %rsp
	iretq
END(trap_return)

/* One stub of TRAP_STUB_SIZE bytes per vector; those for which the CPU pushes no error code push 0.  They fill a page, and lie apart
 * from what every start runs (kernel.ld). */
	.section .text.trap_stubs, "ax"
ENTRY(trap_stubs)
	.set	vector, 0
	.rept	256
	.balign	16
	.if	!((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_entry
	.set	vector, vector + 1
	.endr
END(trap_stubs)

	.section .data..resume, "aw"
	.balign	8
syscall_rsp:
	.skip	8
