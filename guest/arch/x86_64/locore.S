/* SPDX-License-Identifier: ISC */
/* locore.S: first instructions of the kernel. */
#include <machine/asm.h>

/* Entered as abi/abi.h says, with the boot block's address in rdi, which md_start() takes over. */
	.section .text.start, "ax"
ENTRY(_start)
	cld
	movq	$boot_stack + KSTACK_BYTES, %rsp
	xorl	%ebp, %ebp
	call	md_start
	ud2
END(_start)
