/* rom.S: option ROM that enters a PVH kernel which is already in memory; Bochs can load memory, but not start a kernel in it. */
/* SPDX-License-Identifier: ISC */

/*
 * The BIOS calls this at 0xd0000:3 in real mode. Only constant expressions are used, so the bytes can be linked into the program
 * that writes the ROM file, which fills in rom_parameters and the checksum.
 */
#define ROM_ADDRESS 0xd0000
#define AT(label) (ROM_ADDRESS + (label - rom_begin))

	.section .rodata
	.globl	rom_begin, rom_parameters, rom_end
	.balign	16
	.code16
rom_begin:
	.byte	0x55, 0xaa, 4		/* signature; 4 * 512 bytes */
	jmp	start
	.balign	8
rom_parameters:				/* struct rom_parameters of main.c */
first:	.long	0
last:	.long	0
info:	.long	0
entry:	.long	0
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 8: code, 0 to 4 GiB */
	.quad	0x00cf93000000ffff	/* 16: data */
gdtr:	.word	gdtr - gdt - 1
	.long	AT(gdt)

start:
	cli
	inb	$0x92, %al		/* A20 on, and no reset by bit 0 */
	orb	$2, %al
	andb	$0xfe, %al
	outb	%al, $0x92
	movw	$(ROM_ADDRESS >> 4), %ax
	movw	%ax, %ds
	lgdtl	gdtr - rom_begin
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $AT(protected)

	.code32
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movl	$0x8f000, %esp
	/*
	 * Bochs gives memory to the guest in blocks of 128 KiB in the order of the first touch, but loads a memory image in one
	 * piece into what it gives out: touching the range in ascending order makes the two agree.
	 */
	movl	AT(first), %esi
1:	movl	(%esi), %eax
	addl	$0x20000, %esi
	cmpl	AT(last), %esi
	jb	1b
	movl	AT(info), %ebx
	movl	AT(entry), %eax
	jmp	*%eax
rom_end:
	.section .note.GNU-stack, "", @progbits
