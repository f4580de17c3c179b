/* SPDX-License-Identifier: ISC */
/* pmap.h: x86-64 address-space layout and the arch part of an address space (struct pmap). */
#ifndef MACHINE_PMAP_H
#define MACHINE_PMAP_H

#include <sys/types.h>

#define VM_USER_MIN 0x1000UL /* page 0 is never mapped unless asked for by MAP_FIXED */
#define VM_USER_MAX                                                                                \
	0x7ffffffff000UL /* one page below the canonical hole: SYSRET is always safe               \
			  */
#define VM_STACK_TOP 0x7ffffffff000UL
#define VM_DIRECTORY_SPAN (1UL << 30) /* what one page directory maps */
#define VM_DIRECT_BASE 0xffffff8000000000UL
#define VM_SHARED_BASE 0xffffffff80200000UL /* the region shared with the host */
#define SHARED_REGION(offset) ((void *)(VM_SHARED_BASE + (offset))) /* abi/abi.h has offsets */
#ifdef TINE_HOSTED /* kernel sources in a unit test: "physical memory" is an array */
extern char *hosted_ram;
#define PHYS_TO_DM(pa) ((void *)(hosted_ram + (pa)))
#define DM_TO_PHYS(va) ((paddr_t)((const char *)(va)-hosted_ram))
#else
#define PHYS_TO_DM(pa) ((void *)((pa) + VM_DIRECT_BASE))
#define DM_TO_PHYS(va) ((paddr_t)((uint64_t)(va)-VM_DIRECT_BASE))
#endif

struct pmap {
	uint64_t *pm_root; /* PML4 page (direct map) */
	paddr_t pm_cr3;
	uint64_t pm_slots[4]; /* bitmap of used user entries of the root */
};

/* The boot PML4 (direct map): entries 256..511, the kernel half, are fixed before pmap_init(). */
extern uint64_t *kernel_pml4;

#endif
