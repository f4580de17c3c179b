/* SPDX-License-Identifier: ISC */
/*
 * abi.h: the contract of VMM and guest kernel: versions, guest-physical layout, ports, vectors.
 *
 * Compiled by both sides; needs only C standard headers.  IN means written by the VMM and read
 * by the guest, OUT the reverse.  Everything the guest writes is hostile input to the VMM: copy
 * it once, then check the copy.
 */
#ifndef TINE_ABI_ABI_H
#define TINE_ABI_ABI_H

#include <stdint.h>

/* Raised whenever a structure or rule in abi/ changes; the VMM refuses a kernel of another version.
 */
#define TINE_ABI_VERSION 8u

/* ELF note of the kernel image: name "tine", type TINE_NOTE_ABI, descriptor one uint32_t. */
#define TINE_NOTE_NAME "tine"
#define TINE_NOTE_ABI 1u

#define TINE_PAGE_SIZE 4096u

/*
 * Guest-physical layout:
 *	0 .. 1 MiB		boot GDT and page tables; the guest may reuse it after boot
 *	TINE_GPA_SHARED		shared region (stats, rings, boot block, trace): MAP_SHARED,
 *				writable, in the place of that much RAM
 *	TINE_GPA_KERNEL_MIN ..	kernel image at its ELF p_paddr, then free RAM
 *	.. 3 GiB		end of low RAM (less if the sandbox is smaller)
 *	0xfee00000		local APIC (emulated in the host kernel)
 *	4 GiB ..		high RAM, if any
 *	TINE_GPA_ROOTFS ..	root file system image (EROFS), read-only slot
 */
#define TINE_GPA_BOOT_GDT 0x1000ull        /* IN: GDT the boot segments came from */
#define TINE_GPA_BOOT_PT 0x2000ull         /* IN: boot page tables, PML4 first */
#define TINE_GPA_BOOT_END 0x9000ull        /* boot GDT and page tables end here */
#define TINE_GPA_BOOT_STACK_TOP 0x20000ull /* initial stack grows down from here */
#define TINE_GPA_SHARED 0x200000ull        /* its pages are mapped by tables that map the kernel */
#define TINE_GPA_KERNEL_MIN 0x280000ull    /* lowest p_paddr of a kernel segment */
#define TINE_GPA_LOW_MAX 0xc0000000ull     /* low RAM ends here at most */
#define TINE_GPA_HIGH 0x100000000ull
#define TINE_GPA_ROOTFS 0x2000000000ull
#define TINE_RAM_MIN_MIB 16u
#define TINE_RAM_MAX_MIB 65536u
#define TINE_ROOTFS_MAX 0x1000000000ull

/* Virtual layout at entry: boot page tables map the low 4 GiB identically, at the direct map
 * base and (first 1 GiB) at the kernel base, with 2 MiB pages, writable and executable.  Both bases
 * lie under one entry of the top-level table. */
#define TINE_VA_DIRECT 0xffffff8000000000ull
#define TINE_VA_KERNEL 0xffffffff80000000ull

/*
 * Entry: 64-bit mode, CPL 0, CR0 = PE|PG|WP|NE|ET|MP, CR4 = PAE, EFER = LME|LMA|NXE, flat
 * segments (CS 0x08, data 0x10), interrupts off, RIP = ELF e_entry (a virtual address in the
 * kernel base), RSP = TINE_GPA_BOOT_STACK_TOP (identity), RDI = GPA of the boot block.
 */
#define TINE_BOOT_CS 0x08u
#define TINE_BOOT_DS 0x10u

/* Offsets in the shared region.  What each clone needs beside the statistics is one page: positions
 * of the rings, boot block, and the start of G2H with the guest's first word. */
#define TINE_SHARED_STATS 0x00000u
#define TINE_SHARED_STATS_SIZE 0x08000u
#define TINE_SHARED_RINGS 0x08000u /* struct tine_rings */
#define TINE_SHARED_BOOT 0x08400u  /* struct tine_bootblock */
#define TINE_SHARED_BOOT_SIZE 0x00bc0u
#define TINE_SHARED_G2H 0x08fc0u /* guest to host bytes */
#define TINE_SHARED_G2H_SIZE 0x20000u
#define TINE_SHARED_H2G 0x29000u /* host to guest bytes */
#define TINE_SHARED_H2G_SIZE 0x10000u
#define TINE_SHARED_TRACE 0x40000u /* struct tine_trace */
#define TINE_SHARED_TRACE_SIZE 0x40000u
#define TINE_SHARED_SIZE 0x80000u

/* Ports. Both take a 32-bit OUT. */
#define TINE_PORT_DOORBELL 0x500u /* any value: look at the rings (ioeventfd on the host) */
#define TINE_PORT_HYPERCALL                                                                        \
	0x504u /* value: GPA (below 4 GiB, 8-byte aligned) of a tine_hypercall */

/* Interrupt vectors the host injects (MSI to APIC id 0, fixed, edge). */
#define TINE_VECTOR_CHANNEL 0x21u /* the host wrote to H2G, or freed space in G2H */

#endif
