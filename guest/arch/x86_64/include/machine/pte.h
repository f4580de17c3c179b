/* SPDX-License-Identifier: ISC */
/* pte.h: page-table entries of user address spaces. */
#ifndef MACHINE_PTE_H
#define MACHINE_PTE_H

#include <sys/types.h>
#include <machine/pmap.h>

#define PTE_P 0x001UL /* present */
#define PTE_W 0x002UL
#define PTE_U 0x004UL
#define PTE_A 0x020UL
#define PTE_D 0x040UL
#define PTE_NX (1UL << 63)
#define PTE_FRAME 0x000ffffffffff000UL
/* Bits that the processor leaves to us. */
#define PTE_SHARED 0x200UL /* MAP_SHARED page: every owner writes to the same frame */
#define PTE_COW 0x400UL    /* frame of an object, or the zero frame: never written through here */
#define PTE_NONE 0x800UL   /* not present because of PROT_NONE; the frame is kept */

#define PT_ENTRIES 512
#define PT_LEAF 0 /* levels of tables */
#define PT_ROOT 3

static inline unsigned
pt_index(vaddr_t va, int level)
{
	return va >> (PAGE_SHIFT + 9 * level) & (PT_ENTRIES - 1);
}

/* Bytes that one entry, and one whole table, of a level maps. */
static inline vsize_t
entry_span(int level)
{
	return 1UL << (PAGE_SHIFT + 9 * level);
}

static inline vsize_t
table_span(int level)
{
	return entry_span(level + 1);
}

static inline paddr_t
pte_pa(uint64_t pte)
{
	return pte & PTE_FRAME;
}

static inline uint64_t *
pte_table(uint64_t pte)
{
	return PHYS_TO_DM(pte & PTE_FRAME);
}

#endif
