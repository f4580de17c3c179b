/* SPDX-License-Identifier: ISC */
/*
 * copy.S: memory copies, and access to user memory with fault fix-up.
 *
 * Sizes up to 32 bytes are moved with overlapping loads that all come before the first store, which
 * makes the short path right for memmove() too.  Longer ones use string instructions on 8-byte
 * units: the emulated machines count every iteration as an instruction.
 *
 * The fault handler looks a faulting rip up in .ex_table (pairs: instruction, fix-up), but only for
 * user addresses and after it has tried to resolve the fault; so the instructions that touch the
 * kernel's side of a copy may stand in the table without hiding a bug.
 */
#include <machine/asm.h>

#define EFAULT 14
#define ENAMETOOLONG 36
#define VM_USER_MAX 0x7ffffffff000

.macro PLAIN insn:vararg
	\insn
.endm

.macro USER insn:vararg
772:	\insn
	.pushsection .ex_table, "a"
	.quad	772b, user_fault_fixup
	.popsection
.endm

/* As USER, but a fault goes on at `to'. */
.macro USER_TO to, insn:vararg
772:	\insn
	.pushsection .ex_table, "a"
	.quad	772b, \to
	.popsection
.endm

/* Copy rdx bytes from rsi to rdi.  Uses rcx, r8-r11; falls out at the end. */
.macro COPY ex
	cmpq	$16, %rdx
	jbe	3f
	cmpq	$32, %rdx
	jbe	2f
	\ex	movq -8(%rsi, %rdx), %r8
	leaq	-8(%rdi, %rdx), %r9
	movq	%rdx, %rcx
	shrq	$3, %rcx
	\ex	rep movsq
	\ex	movq %r8, (%r9)
	jmp	9f
2:	/* 17 .. 32 */
	\ex	movq (%rsi), %r8
	\ex	movq 8(%rsi), %r9
	\ex	movq -16(%rsi, %rdx), %r10
	\ex	movq -8(%rsi, %rdx), %r11
	\ex	movq %r8, (%rdi)
	\ex	movq %r9, 8(%rdi)
	\ex	movq %r10, -16(%rdi, %rdx)
	\ex	movq %r11, -8(%rdi, %rdx)
	jmp	9f
3:	cmpq	$8, %rdx
	jb	4f
	\ex	movq (%rsi), %r8
	\ex	movq -8(%rsi, %rdx), %r9
	\ex	movq %r8, (%rdi)
	\ex	movq %r9, -8(%rdi, %rdx)
	jmp	9f
4:	cmpq	$4, %rdx
	jb	5f
	\ex	movl (%rsi), %r8d
	\ex	movl -4(%rsi, %rdx), %r9d
	\ex	movl %r8d, (%rdi)
	\ex	movl %r9d, -4(%rdi, %rdx)
	jmp	9f
5:	testq	%rdx, %rdx
	jz	9f
	/* 1 .. 3: first, middle, last */
	movq	%rdx, %rcx
	shrq	$1, %rcx
	\ex	movb (%rsi), %r8b
	\ex	movb (%rsi, %rcx), %r9b
	\ex	movb -1(%rsi, %rdx), %r10b
	\ex	movb %r8b, (%rdi)
	\ex	movb %r9b, (%rdi, %rcx)
	\ex	movb %r10b, -1(%rdi, %rdx)
9:
.endm

/* Set rdx bytes at rdi to the byte esi.  Uses rax, rcx, r8; falls out at the end. */
.macro FILL ex
	movzbl	%sil, %eax
	movabsq	$0x0101010101010101, %r8
	imulq	%r8, %rax
	cmpq	$8, %rdx
	jb	2f
	leaq	-8(%rdi, %rdx), %r8
	movq	%rdx, %rcx
	shrq	$3, %rcx
	\ex	rep stosq
	\ex	movq %rax, (%r8)
	jmp	9f
2:	cmpq	$4, %rdx
	jb	3f
	\ex	movl %eax, (%rdi)
	\ex	movl %eax, -4(%rdi, %rdx)
	jmp	9f
3:	testq	%rdx, %rdx
	jz	9f
	movq	%rdx, %rcx
	shrq	$1, %rcx
	\ex	movb %al, (%rdi)
	\ex	movb %al, (%rdi, %rcx)
	\ex	movb %al, -1(%rdi, %rdx)
9:
.endm

/* Go to user_bad_range unless [addr, addr + len) is user space.  Uses rax, rcx. */
.macro CHECK_RANGE addr, len
	movabsq	$VM_USER_MAX, %rax
	movq	\len, %rcx
	addq	\addr, %rcx
	jc	user_bad_range
	cmpq	%rax, %rcx
	ja	user_bad_range
.endm

	.text

/* int copyin(const void *uaddr, void *kaddr, size_t len) */
ENTRY(copyin)
	CHECK_RANGE %rdi, %rdx
	xchgq	%rdi, %rsi
	STAC
	COPY	USER
	CLAC
	xorl	%eax, %eax
	ret
END(copyin)

/* int copyout(const void *kaddr, void *uaddr, size_t len) */
ENTRY(copyout)
	CHECK_RANGE %rsi, %rdx
	xchgq	%rdi, %rsi
	STAC
	COPY	USER
	CLAC
	xorl	%eax, %eax
	ret
END(copyout)

/* int user_memset(void *uaddr, int c, size_t len) */
ENTRY(user_memset)
	CHECK_RANGE %rdi, %rdx
	STAC
	FILL	USER
	CLAC
	xorl	%eax, %eax
	ret
END(user_memset)

user_fault_fixup:
	CLAC
user_bad_range:
	movl	$EFAULT, %eax
	ret

/* int user_load32(const uint32_t *uaddr, uint32_t *val) */
ENTRY(user_load32)
	CHECK_RANGE %rdi, $4
	STAC
	USER	movl (%rdi), %ecx
	CLAC
	movl	%ecx, (%rsi)
	xorl	%eax, %eax
	ret
END(user_load32)

/* int user_load64(const uint64_t *uaddr, uint64_t *val) */
ENTRY(user_load64)
	CHECK_RANGE %rdi, $8
	STAC
	USER	movq (%rdi), %rcx
	CLAC
	movq	%rcx, (%rsi)
	xorl	%eax, %eax
	ret
END(user_load64)

/* int user_cas32(uint32_t *uaddr, uint32_t expected, uint32_t desired, uint32_t *old)
 * One CPU: the instruction is atomic without a lock prefix. */
ENTRY(user_cas32)
	movq	%rcx, %r8
	CHECK_RANGE %rdi, $4
	movl	%esi, %eax
	STAC
	USER	cmpxchgl %edx, (%rdi)
	CLAC
	movl	%eax, (%r8)
	xorl	%eax, %eax
	ret
END(user_cas32)

/*
 * int copyinstr(const void *uaddr, void *kaddr, size_t max, size_t *done)
 *
 * Eight bytes at a time while the string has no zero byte in them.  Such a load may reach past the
 * end of the string into a page that is not there: then the byte loop decides.
 * rdi source, rsi destination, rdx bytes left before max or the end of user space, r8 start.
 */
ENTRY(copyinstr)
	movq	%rcx, %r9
	movq	%rdi, %r8
	movabsq	$VM_USER_MAX, %rax
	subq	%rdi, %rax
	jbe	user_bad_range
	cmpq	%rax, %rdx
	cmovaq	%rax, %rdx
	movabsq	$-0x0101010101010101, %rcx
	movabsq	$0x8080808080808080, %r11
	STAC
1:	cmpq	$8, %rdx
	jb	2f
	USER_TO	2f, movq (%rdi), %rax
	movq	%rax, (%rsi)
	/* A zero byte leaves its top bit in (w - 01..01) & ~w & 80..80. */
	leaq	(%rax, %rcx), %r10
	notq	%rax
	andq	%r11, %rax
	testq	%rax, %r10
	jnz	2f
	addq	$8, %rdi
	addq	$8, %rsi
	subq	$8, %rdx
	jmp	1b
2:	testq	%rdx, %rdx
	jz	3f
	USER	movb (%rdi), %al
	movb	%al, (%rsi)
	incq	%rdi
	incq	%rsi
	decq	%rdx
	testb	%al, %al
	jnz	2b
	CLAC
	xorl	%eax, %eax
	testq	%r9, %r9
	jz	4f
	subq	%r8, %rdi
	movq	%rdi, (%r9)
4:	ret
3:	CLAC /* no end: the limit or the end of user space, whichever came first */
	movabsq	$VM_USER_MAX, %rax
	cmpq	%rax, %rdi
	je	user_bad_range
	movl	$ENAMETOOLONG, %eax
	ret
END(copyinstr)

/* void *memcpy(void *dst, const void *src, size_t n) */
ENTRY(memcpy)
	movq	%rdi, %rax
	COPY	PLAIN
	ret
END(memcpy)

/* void *memmove(void *dst, const void *src, size_t n) */
ENTRY(memmove)
	movq	%rdi, %rcx
	subq	%rsi, %rcx
	cmpq	%rdx, %rcx
	jae	memcpy /* dst below src, or no overlap */
	cmpq	$32, %rdx
	jbe	memcpy
	movq	%rdi, %rax
	movq	(%rsi), %r8
	leaq	-8(%rsi, %rdx), %rsi
	leaq	-8(%rdi, %rdx), %rdi
	movq	%rdx, %rcx
	shrq	$3, %rcx
	std
	rep movsq
	cld
	movq	%r8, (%rax)
	ret
END(memmove)

/* void *memset(void *dst, int c, size_t n) */
ENTRY(memset)
	movq	%rdi, %r9
	FILL	PLAIN
	movq	%r9, %rax
	ret
END(memset)

/* int memcmp(const void *a, const void *b, size_t n) */
ENTRY(memcmp)
1:	cmpq	$8, %rdx
	jb	2f
	movq	(%rdi), %rax
	movq	(%rsi), %rcx
	cmpq	%rcx, %rax
	jne	4f
	addq	$8, %rdi
	addq	$8, %rsi
	subq	$8, %rdx
	jmp	1b
2:	testq	%rdx, %rdx
	jz	3f
	movzbl	(%rdi), %eax
	movzbl	(%rsi), %ecx
	incq	%rdi
	incq	%rsi
	decq	%rdx
	subl	%ecx, %eax
	jz	2b
	ret
3:	xorl	%eax, %eax
	ret
4:	bswapq	%rax /* the first differing byte decides: compare as big endian */
	bswapq	%rcx
	cmpq	%rcx, %rax
	sbbl	%eax, %eax
	orl	$1, %eax
	ret
END(memcmp)

/* void vm_zero_page(void *dm) */
ENTRY(vm_zero_page)
	xorl	%eax, %eax
	movl	$512, %ecx
	rep stosq
	ret
END(vm_zero_page)

/* void vm_copy_page(void *dst, const void *src) */
ENTRY(vm_copy_page)
	movl	$512, %ecx
	rep movsq
	ret
END(vm_copy_page)
