/* SPDX-License-Identifier: ISC */
/* rfork.S: native calls that return twice, or on another stack.  The kernel changes rax, rcx, r11. */

#define NR_rfork 512
#define NR___tfork 513
#define NR_exit 60
#define NR_exit_group 231

#define ENTRY(name) .globl name; .type name, @function; name:
#define END(name) .size name, . - name

	.text

/* With RFMEM | RFPPWAIT the child overwrites our frame: the return address waits in a register. */
ENTRY(rfork)
	popq	%rdx
	movl	$NR_rfork, %eax
	syscall
	pushq	%rdx
	testq	%rax, %rax
	js	1f
	ret
1:	movq	%rax, %rdi
	jmp	tine_result
END(rfork)

/* rdi flags, rsi end of the stack, rdx function, rcx argument */
ENTRY(tine_rfork_thread)
	movq	%rcx, %r9
	movl	$NR_rfork, %eax
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	andq	$-16, %rsi
	movq	%rsi, %rsp
	xorl	%ebp, %ebp
	movq	%r9, %rdi
	call	*%rdx
	movl	%eax, %edi
	movl	$NR_exit_group, %eax
	syscall
	hlt
END(tine_rfork_thread)

/* rdi param, rsi its size, rdx function, rcx argument */
ENTRY(tine_tfork_thread)
	movq	%rcx, %r9
	movl	$NR___tfork, %eax
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	andq	$-16, %rsp
	xorl	%ebp, %ebp
	movq	%r9, %rdi
	call	*%rdx
	xorl	%edi, %edi
	movl	$NR_exit, %eax
	syscall
	hlt
END(tine_tfork_thread)

	.section .note.GNU-stack, "", @progbits
