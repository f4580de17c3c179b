/* SPDX-License-Identifier: ISC */
/* pmap_range.c: operations on ranges of an address space: remove, protect, count, move. */
#include <sys/pmap.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "pmap_tree.h"

int
pmap_unshare(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	return tree_own_edges(pm, start, end);
}

int
pmap_remove(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	int error = tree_own_edges(pm, start, end);

	if (error != 0)
		return error;
	if (tree_remove(pm, start, end, false))
		pmap_flush_range(pm, start, end);
	return 0;
}

void
pmap_zap(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	/* The address space in use may be another one that shares the tables. */
	if (tree_remove(pm, start, end, true))
		pmap_flush_active(start, end);
}

/* Slots [*first, *last) of the leaf table at base that lie in [start, end) and can be used. */
static void
leaf_slots(const uint64_t *table, vaddr_t base, vaddr_t start, vaddr_t end, unsigned *first,
	   unsigned *last)
{
	const struct page *tp = pa_to_page(DM_TO_PHYS(table));

	*first = start > base ? pt_index(start, PT_LEAF) : 0;
	*last = end - base < table_span(PT_LEAF) ? pt_index(end, PT_LEAF) : PT_ENTRIES;
	*first = MAX(*first, tp->pg_lo);
	*last = MIN(*last, tp->pg_hi);
}

/* Make every leaf table in the range private, so that what follows cannot fail. */
static int
own_range(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	uint64_t *table;
	vaddr_t va, base;
	int error = tree_own_edges(pm, start, end);

	for (va = start; error == 0; va = base + table_span(PT_LEAF)) {
		if (tree_leaf_from(pm, va, end, &base) == NULL)
			break;
		error = tree_path(pm, base, PT_LEAF, TREE_OWN, &table);
	}
	return error;
}

/* The protection an entry has once its region has prot; private pages wait for the write fault. */
static uint64_t
pte_protect(uint64_t pte, int prot)
{
	pte &= ~(PTE_P | PTE_W | PTE_NX | PTE_NONE);
	if (!(prot & PROT_EXEC))
		pte |= PTE_NX;
	if (prot == 0)
		return pte | PTE_NONE;
	return pte | PTE_P | ((prot & PROT_WRITE) && pte_exclusive(pte) ? PTE_W | PTE_D : 0);
}

int
pmap_protect(struct pmap *pm, vaddr_t start, vaddr_t end, int prot)
{
	unsigned first, last;
	uint64_t *table;
	vaddr_t va, base;
	int error;

	if ((error = own_range(pm, start, end)) != 0)
		return error;
	for (va = start; (table = tree_leaf_from(pm, va, end, &base)) != NULL;
	     va = base + table_span(PT_LEAF)) {
		leaf_slots(table, base, start, end, &first, &last);
		for (unsigned i = first; i < last; i++)
			if (table[i] != 0)
				table[i] = pte_protect(table[i], prot);
	}
	pmap_flush_range(pm, start, end);
	return 0;
}

uint64_t
pmap_resident(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	unsigned first, last;
	uint64_t *table, n = 0;
	vaddr_t va, base;

	for (va = start; (table = tree_leaf_from(pm, va, end, &base)) != NULL;
	     va = base + table_span(PT_LEAF)) {
		leaf_slots(table, base, start, end, &first, &last);
		if (first <= table_page(table)->pg_lo && last >= table_page(table)->pg_hi) {
			n += table_page(table)->pg_nvalid;
			continue;
		}
		for (unsigned i = first; i < last; i++)
			n += table[i] != 0;
	}
	return n;
}

/* Private tables at the destination for every page of the source. */
static int
move_prepare(struct pmap *pm, vaddr_t from, vaddr_t to, vsize_t len)
{
	unsigned first, last;
	uint64_t *table, *dst;
	vaddr_t va, base;
	int error = tree_own_edges(pm, from, from + len);

	for (va = from; error == 0 && (table = tree_leaf_from(pm, va, from + len, &base)) != NULL;
	     va = base + table_span(PT_LEAF)) {
		leaf_slots(table, base, from, from + len, &first, &last);
		for (unsigned i = first; error == 0 && i < last; i++)
			if (table[i] != 0)
				error = tree_path(pm, base + i * PAGE_SIZE - from + to, PT_LEAF,
						  TREE_OWN | TREE_CREATE, &dst);
	}
	return error;
}

/* One page: the destination takes a reference of its own, the source's goes with tree_remove(). */
static void
move_page(struct pmap *pm, uint64_t *pte, vaddr_t from, vaddr_t to)
{
	uint64_t *dst;
	bool shared;

	(void)tree_lookup(pm, from, &shared);
	if (shared && !(*pte & PTE_SHARED))
		*pte &= ~PTE_W; /* the other owners of this table now share the frame with us */
	(void)tree_path(pm, to, PT_LEAF, TREE_OWN, &dst); /* prepared */
	pa_hold(pte_pa(*pte));
	leaf_set(dst, pt_index(to, PT_LEAF), *pte);
}

int
pmap_move(struct pmap *pm, vaddr_t from, vaddr_t to, vsize_t len)
{
	unsigned first, last;
	uint64_t *table;
	vaddr_t va, base;
	int error;

	if ((error = move_prepare(pm, from, to, len)) != 0) {
		tree_remove(pm, to, to + len, false); /* tables still empty */
		return error;
	}
	for (va = from; (table = tree_leaf_from(pm, va, from + len, &base)) != NULL;
	     va = base + table_span(PT_LEAF)) {
		leaf_slots(table, base, from, from + len, &first, &last);
		for (unsigned i = first; i < last; i++)
			if (table[i] != 0)
				move_page(pm, &table[i], base + i * PAGE_SIZE,
					  base + i * PAGE_SIZE - from + to);
	}
	if (tree_remove(pm, from, from + len, false))
		pmap_flush_range(pm, from, from + len);
	return 0;
}
