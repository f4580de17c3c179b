/* SPDX-License-Identifier: ISC */
/*
 * pmap_fault.c: first writes: to pages that are not there yet, and to those that fork has shared.
 *
 * Both are the hot paths of a process that runs after a fork: one walk finds the entry, and only a
 * path that is not ours alone needs a second one.
 */
#include <sys/md.h>
#include <sys/pmap.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/stats.h>
#include "pmap_tree.h"

#define PTE_OURS (PTE_P | PTE_U | PTE_W | PTE_A | PTE_D)

/* A frame of our own for the page of pte: a copy, or zeroes in place of the zero frame. */
static struct page *
page_copy(uint64_t pte)
{
	bool zero = pte_pa(pte) == vm_zero_pa;
	struct page *pg = vm_page_alloc(zero ? PGA_ZERO : 0);

	if (pg != NULL && !zero)
		vm_copy_page(page_to_dm(pg), PHYS_TO_DM(pte_pa(pte)));
	return pg;
}

static void
count_write_fault(uint64_t old, bool copied, uint64_t began)
{
	if (old & PTE_SHARED)
		return;
	if (pte_pa(old) == vm_zero_pa) {
		STAT_INC(zero_fill_faults);
		return;
	}
	STAT_INC(cow_faults);
	if (copied)
		STAT_INC(cow_pages_copied);
	else
		STAT_INC(cow_pages_reused);
	hist_add(&kstats->cow, cpu_cycles() - began);
}

/* Put the copy in the place of the page that the entry has had until now. */
static void
page_replace(struct pmap *pm, vaddr_t va, uint64_t *pte, struct page *copy)
{
	uint64_t old = *pte;

	*pte = page_to_pa(copy) | (old & PTE_NX) | PTE_OURS;
	pmap_flush_page(pm, va);
	pa_release(pte_pa(old));
}

/* Nothing is mapped there, and it is anonymous memory. */
static int
write_absent(uint64_t *table, unsigned i, uint64_t nx)
{
	struct page *pg = vm_page_alloc(PGA_ZERO);

	if (pg == NULL)
		return ENOMEM;
	leaf_set(table, i, page_to_pa(pg) | nx | PTE_OURS);
	STAT_INC(zero_fill_faults);
	return 0;
}

/* The leaf table is ours. */
static int
write_own(struct pmap *pm, vaddr_t va, uint64_t *pte)
{
	uint64_t began = cpu_cycles(), old = *pte;
	struct page *copy = NULL;

	KASSERT(old & PTE_P);
	if (old & PTE_W)
		return 0; /* the processor remembered a stricter entry */
	if (pte_exclusive(old))
		*pte = old | PTE_W | PTE_D;
	else if ((copy = page_copy(old)) == NULL)
		return ENOMEM;
	else
		page_replace(pm, va, pte, copy);
	count_write_fault(old, copy != NULL, began);
	return 0;
}

/* A table on the path has other owners: so has the frame once we leave that table. */
static int
write_shared(struct pmap *pm, vaddr_t va, uint64_t old)
{
	uint64_t began = cpu_cycles(), *table, *pte;
	struct page *copy = NULL;

	KASSERT(old & PTE_P);
	if (!(old & PTE_SHARED) && (copy = page_copy(old)) == NULL)
		return ENOMEM;
	if (tree_path(pm, va, PT_LEAF, TREE_OWN, &table) != 0) {
		if (copy != NULL)
			vm_page_release(copy);
		return ENOMEM;
	}
	pte = &table[pt_index(va, PT_LEAF)];
	if (copy == NULL)
		*pte |= PTE_W | PTE_D;
	else
		page_replace(pm, va, pte, copy);
	count_write_fault(old, copy != NULL, began);
	return 0;
}

int
pmap_write_fault(struct pmap *pm, vaddr_t va, int zero_prot)
{
	unsigned i = pt_index(va, PT_LEAF);
	uint64_t *table, old;
	bool shared;

	if (likely(path_clear(pm, va, PT_LEAF, TREE_OWN, &table) == PT_LEAF)) {
		if (table[i] != 0)
			return write_own(pm, va, &table[i]);
		if (zero_prot != 0)
			return write_absent(table, i, zero_prot & PROT_EXEC ? 0 : PTE_NX);
		return ENOENT;
	}
	old = tree_lookup(pm, va, &shared);
	return old != 0 ? write_shared(pm, va, old) : ENOENT;
}
