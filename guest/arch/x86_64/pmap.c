/* SPDX-License-Identifier: ISC */
/*
 * pmap.c: address spaces as the processor sees them: create, fork, enter, write faults.
 *
 * Stale translations: an entry that becomes more permissive needs no flush, since the processor
 * drops what it holds for an address when it faults there.  Everything else flushes, and only if
 * the address space is the one in use; loading CR3 does it for all others.
 */
#include <sys/md.h>
#include <sys/pmap.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/cpufunc.h>
#include <machine/stats.h>
#include "pmap_tree.h"

#define FLUSH_PAGES_MAX 16 /* beyond this many pages a new CR3 is cheaper */

static paddr_t active_cr3 __resume_data, kernel_cr3;
static uint16_t kernel_slot[PT_ENTRIES / 2]; /* used entries of the kernel half */
static unsigned nkernel_slots;

/* ---- translations the processor keeps ---- */

static bool
pmap_is_active(const struct pmap *pm)
{
	return pm->pm_cr3 == active_cr3;
}

void
pmap_flush_page(const struct pmap *pm, vaddr_t va)
{
	if (pmap_is_active(pm))
		invlpg(va);
}

void
pmap_flush_active(vaddr_t start, vaddr_t end)
{
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		lcr3(active_cr3);
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		invlpg(start);
}

void
pmap_flush_range(const struct pmap *pm, vaddr_t start, vaddr_t end)
{
	if (pmap_is_active(pm))
		pmap_flush_active(start, end);
}

static void
load_cr3(paddr_t cr3)
{
	if (cr3 == active_cr3)
		return;
	active_cr3 = cr3;
	lcr3(cr3);
}

void
pmap_activate(struct pmap *pm)
{
	load_cr3(pm->pm_cr3);
}

void
pmap_activate_kernel(void)
{
	load_cr3(kernel_cr3);
}

/* ---- life of an address space ---- */

void
pmap_init(void)
{
	kernel_cr3 = DM_TO_PHYS(kernel_pml4);
	for (unsigned i = PT_ENTRIES / 2; i < PT_ENTRIES; i++)
		if (kernel_pml4[i] != 0)
			kernel_slot[nkernel_slots++] = (uint16_t)i;
}

int
pmap_create(struct pmap *pm)
{
	struct page *root = vm_page_alloc(PGA_ZERO);

	if (root == NULL)
		return ENOMEM;
	root->pg_flags |= PG_TABLE;
	*pm = (struct pmap){.pm_root = page_to_dm(root), .pm_cr3 = page_to_pa(root)};
	for (unsigned i = 0; i < nkernel_slots; i++)
		pm->pm_root[kernel_slot[i]] = kernel_pml4[kernel_slot[i]];
	STAT_INC(frames_pt);
	return 0;
}

void
pmap_destroy(struct pmap *pm)
{
	if (pmap_is_active(pm))
		pmap_activate_kernel();
	tree_destroy(pm);
	for (unsigned i = 0; i < nkernel_slots; i++)
		pm->pm_root[kernel_slot[i]] = 0;
	vm_page_free_clean(table_page(pm->pm_root));
	STAT_ADD(frames_pt, -1);
	*pm = (struct pmap){.pm_root = NULL};
}

int
pmap_fork(struct pmap *dst, struct pmap *src, vaddr_t hot)
{
	uint64_t bits;
	unsigned i;
	int error;

	if ((error = pmap_create(dst)) != 0)
		return error;
	for (unsigned w = 0; w < nitems(src->pm_slots); w++) {
		dst->pm_slots[w] = src->pm_slots[w];
		for (bits = src->pm_slots[w]; bits != 0; bits &= bits - 1) {
			i = w * 64 + (unsigned)__builtin_ctzl(bits);
			dst->pm_root[i] = tree_fork(src, i, hot);
		}
	}
	if (pmap_is_active(src))
		lcr3(active_cr3);
	return 0;
}

/* ---- single pages ---- */

static uint64_t
make_pte(paddr_t pa, int prot, int flags)
{
	uint64_t pte = pa | PTE_U;

	if (flags & PMAP_SHARED)
		pte |= PTE_SHARED;
	if (flags & PMAP_COW)
		pte |= PTE_COW;
	if (!(prot & PROT_EXEC))
		pte |= PTE_NX;
	if (prot == 0)
		return pte | PTE_NONE;
	/* The processor would set A and D by a locked update at first use. */
	pte |= PTE_P | PTE_A;
	if ((prot & PROT_WRITE) && !(flags & PMAP_COW))
		pte |= PTE_W | PTE_D;
	return pte;
}

static int
pte_prot(uint64_t pte)
{
	if (!(pte & PTE_P))
		return 0;
	return PROT_READ | (pte & PTE_W ? PROT_WRITE : 0) | (pte & PTE_NX ? 0 : PROT_EXEC);
}

int
pmap_enter(struct pmap *pm, vaddr_t va, paddr_t pa, int prot, int flags)
{
	unsigned i = pt_index(va, PT_LEAF);
	uint64_t *table, old;
	int error;

	if ((error = tree_path(pm, va, PT_LEAF, TREE_OWN | TREE_CREATE, &table)) != 0)
		return error;
	old = table[i];
	leaf_set(table, i, make_pte(pa, prot, flags));
	if (old != 0) {
		pmap_flush_page(pm, va);
		pa_release(pte_pa(old));
	}
	return 0;
}

int
pmap_fill(struct pmap *pm, vaddr_t va, const paddr_t *pas, unsigned n, int prot, int flags)
{
	unsigned first = pt_index(va, PT_LEAF);
	uint64_t *table;
	int error = tree_path(pm, va, PT_LEAF, TREE_CREATE, &table);

	KASSERT(first + n <= PT_ENTRIES && (flags & (PMAP_COW | PMAP_SHARED)));
	for (unsigned i = 0; i < n; i++) {
		if (pas[i] == PA_NONE)
			continue;
		if (error == 0 && table[first + i] == 0)
			leaf_set(table, first + i, make_pte(pas[i], prot, flags));
		else
			pa_release(pas[i]);
	}
	return error;
}

bool
pmap_extract(struct pmap *pm, vaddr_t va, paddr_t *pa, int *prot)
{
	bool shared;
	uint64_t pte = tree_lookup(pm, va, &shared);

	*pa = pte_pa(pte) | (va & PAGE_MASK);
	*prot = pte_prot(pte);
	return pte != 0;
}
