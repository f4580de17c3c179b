/* SPDX-License-Identifier: ISC */
/*
 * pmap_check.c: debug kernels: do the reference counts and write bits of all trees add up?
 *
 * Every table is visited once for each entry that points at it, and descended into the first time;
 * pg_check counts the visits.  A second walk compares and clears it.
 */
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "pmap_tree.h"

#ifdef TINE_DEBUG
typedef void visit_fn(uint64_t pte, int level);

static void
table_walk(const struct page *tp, int level, visit_fn *visit)
{
	const uint64_t *table = page_to_dm(tp);

	for (unsigned i = tp->pg_lo; i < tp->pg_hi; i++)
		if (table[i] != 0)
			visit(table[i], level);
}

/* Bounds and count of a table say what is in it, and nothing lies outside. */
static void
table_check(const struct page *tp)
{
	const uint64_t *table = page_to_dm(tp);
	unsigned n = 0;

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		if (table[i] == 0)
			continue;
		n++;
		if (i < tp->pg_lo || i >= tp->pg_hi)
			panic("page table %#lx: slot %u is out of bounds", page_to_pa(tp), i);
	}
	if (n != tp->pg_nvalid || n == 0 || table[tp->pg_lo] == 0 || table[tp->pg_hi - 1] == 0)
		panic("page table %#lx: %u slots used, %u counted", page_to_pa(tp), n,
		      tp->pg_nvalid);
}

static void
count_visit(uint64_t pte, int level)
{
	struct page *pg = pa_to_page(pte_pa(pte));

	if (pg == NULL || (pg->pg_flags & PG_KERNEL))
		return;
	if (pg->pg_refs == 0 || (pg->pg_flags & PG_FREE))
		panic("entry %#lx of level %d refers to a free frame", pte, level);
	if (pg->pg_check++ > 0 || level == PT_LEAF)
		return;
	table_check(pg);
	table_walk(pg, level - 1, count_visit);
}

static void
frame_verify(const struct page *pg, uint64_t pte)
{
	bool object = pte & (PTE_SHARED | PTE_COW);

	if (object ? pg->pg_check > pg->pg_refs : pg->pg_check != pg->pg_refs)
		panic("frame %#lx: %u references found, %u counted", page_to_pa(pg), pg->pg_check,
		      pg->pg_refs);
	if ((pte & PTE_W) && !pte_exclusive(pte))
		panic("frame %#lx is writable and has %u owners", page_to_pa(pg), pg->pg_refs);
	if (pg->pg_flags & PG_TABLE)
		panic("page table %#lx is mapped", page_to_pa(pg));
}

static void
table_verify(const struct page *tp, uint64_t pte)
{
	if (!(tp->pg_flags & PG_TABLE) || tp->pg_check != tp->pg_refs)
		panic("page table %#lx: %u references found, %u counted", page_to_pa(tp),
		      tp->pg_check, tp->pg_refs);
	if ((pte & PTE_W) && tp->pg_refs != 1)
		panic("page table %#lx is writable and has %u owners", page_to_pa(tp), tp->pg_refs);
}

/* Every owner's entry is looked at; below it only once. */
static void
verify_visit(uint64_t pte, int level)
{
	struct page *pg = pa_to_page(pte_pa(pte));

	if ((pte & PTE_COW) && (pte & PTE_W))
		panic("entry %#lx lets a foreign frame be written", pte);
	if (pg == NULL || (pg->pg_flags & PG_KERNEL))
		return;
	if (level == PT_LEAF) {
		frame_verify(pg, pte);
		return;
	}
	table_verify(pg, pte);
	if (pg->pg_order != 0)
		return;
	pg->pg_order = 1; /* seen */
	table_walk(pg, level - 1, verify_visit);
}

static void
clear_visit(uint64_t pte, int level)
{
	struct page *pg = pa_to_page(pte_pa(pte));

	if (pg == NULL || pg->pg_check == 0)
		return;
	pg->pg_check = 0;
	if (level == PT_LEAF)
		return;
	pg->pg_order = 0;
	table_walk(pg, level - 1, clear_visit);
}

/* Visit the user entries of every root; several processes may share an address space. */
static void
roots_walk(visit_fn *visit, uint32_t mark)
{
	struct process *ps;
	struct page *root;

	LIST_FOREACH (ps, &allprocess, ps_list) {
		if (ps->ps_vmspace == NULL)
			continue;
		root = table_page(ps->ps_vmspace->vm_pmap.pm_root);
		if (root->pg_check == mark)
			continue;
		root->pg_check = mark;
		for (unsigned i = 0; i < PT_ENTRIES / 2; i++)
			if (ps->ps_vmspace->vm_pmap.pm_root[i] != 0)
				visit(ps->ps_vmspace->vm_pmap.pm_root[i], PT_ROOT);
	}
}

void
pmap_check_all(void)
{
	roots_walk(count_visit, 1);
	roots_walk(verify_visit, 2);
	roots_walk(clear_visit, 0);
}
#else
void
pmap_check_all(void)
{
}
#endif
