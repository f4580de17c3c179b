/* SPDX-License-Identifier: ISC */
/*
 * pmap_tree.c: the tree of page-table pages that forked address spaces share.
 *
 * A table counts the parent entries that point at it (pg_refs), a frame the leaf tables that map
 * it.  An entry that points at a table has its write bit set only if it is the table's one owner;
 * x86 ANDs the write bits of all levels, so one clear bit protects all that hangs below.  To write,
 * the path is made private from the root down: a table with one owner gets its write bit back, one
 * with more is copied, and its children count one more owner.  Once a table on the path has other
 * owners everything below it has too, so the number of copies is known before the first is made.
 *
 * Tables keep the bounds of their used slots.  They are freed when the last entry goes, so a table
 * that is given back is zero and the next one needs no clearing.
 */
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/stats.h>
#include "pmap_tree.h"

/* ---- entries ---- */

static void
slot_filled(uint64_t *table, unsigned i)
{
	struct page *tp = table_page(table);

	if (tp->pg_nvalid++ == 0) {
		tp->pg_lo = (uint16_t)i;
		tp->pg_hi = (uint16_t)(i + 1);
	} else {
		tp->pg_lo = (uint16_t)MIN(tp->pg_lo, i);
		tp->pg_hi = (uint16_t)MAX(tp->pg_hi, i + 1);
	}
}

static void
slot_cleared(uint64_t *table)
{
	struct page *tp = table_page(table);

	if (--tp->pg_nvalid == 0) {
		tp->pg_lo = tp->pg_hi = 0;
		return;
	}
	while (table[tp->pg_lo] == 0)
		tp->pg_lo++;
	while (table[tp->pg_hi - 1] == 0)
		tp->pg_hi--;
}

void
leaf_set(uint64_t *table, unsigned i, uint64_t pte)
{
	uint64_t old = table[i];

	table[i] = pte;
	if (old == 0 && pte != 0)
		slot_filled(table, i);
	else if (old != 0 && pte == 0)
		slot_cleared(table);
}

/* The root keeps a bitmap of its user entries instead of bounds: they lie far apart. */
static void
entry_set(struct pmap *pm, uint64_t *table, int level, unsigned i, uint64_t pte)
{
	if (level < PT_ROOT) {
		leaf_set(table, i, pte);
		return;
	}
	table[i] = pte;
	if (pte != 0)
		pm->pm_slots[i / 64] |= 1UL << i % 64;
	else
		pm->pm_slots[i / 64] &= ~(1UL << i % 64);
}

bool
pte_exclusive(uint64_t pte)
{
	struct page *pg;

	if (pte & (PTE_SHARED | PTE_COW))
		return pte & PTE_SHARED;
	pg = pa_to_page(pte_pa(pte));
	return pg != NULL && pg->pg_refs == 1;
}

/* ---- tables ---- */

/* Tables for a path, taken before anything is changed. */
struct spare {
	int n;
	struct page *page[PT_ROOT];
};

static void
spare_free(struct spare *sp)
{
	while (sp->n > 0)
		vm_page_free_clean(sp->page[--sp->n]);
}

static int
spare_alloc(struct spare *sp, int n)
{
	for (sp->n = 0; sp->n < n; sp->n++) {
		if ((sp->page[sp->n] = vm_page_alloc(PGA_ZERO)) == NULL) {
			spare_free(sp);
			return ENOMEM;
		}
	}
	return 0;
}

static uint64_t *
table_init(struct page *tp)
{
	tp->pg_flags |= PG_TABLE;
	tp->pg_lo = tp->pg_hi = tp->pg_nvalid = 0;
	STAT_INC(frames_pt);
	return page_to_dm(tp);
}

static uint64_t *
table_new(struct spare *sp)
{
	KASSERT(sp->n > 0);
	return table_init(sp->page[--sp->n]);
}

static void
table_free(struct page *tp)
{
	tp->pg_nvalid = tp->pg_lo = tp->pg_hi = 0;
	STAT_ADD(frames_pt, -1);
	vm_page_free_clean(tp);
}

static uint64_t
table_pte(const uint64_t *table)
{
	return DM_TO_PHYS(table) | PTE_P | PTE_W | PTE_U | PTE_A;
}

/* Drop a reference on what an entry of a table of that level points at. */
static void
entry_drop(uint64_t pte, int level)
{
	uint64_t *table, child;
	struct page *tp;

	if (level == PT_LEAF) {
		pa_release(pte_pa(pte));
		return;
	}
	tp = pa_to_page(pte_pa(pte));
	if (tp->pg_refs > 1) {
		vm_page_release(tp);
		return;
	}
	table = pte_table(pte);
	for (unsigned i = tp->pg_lo, end = tp->pg_hi; i < end; i++) {
		if ((child = table[i]) == 0)
			continue;
		table[i] = 0;
		entry_drop(child, level - 1);
	}
	table_free(tp);
}

/* One more owner for what the entry refers to; none may write to it from now on. */
static uint64_t
entry_share(uint64_t pte, int level)
{
	if (level > PT_LEAF)
		vm_page_hold(pa_to_page(pte_pa(pte)));
	else
		pa_hold(pte_pa(pte));
	return level == PT_LEAF && (pte & PTE_SHARED) ? pte : pte & ~PTE_W;
}

/* Another owner for all that `src' refers to, but for slot `except' (PT_ENTRIES: none). */
static void
table_share(uint64_t *src, uint64_t *dst, int level, unsigned except)
{
	struct page *from = table_page(src), *to = table_page(dst);

	for (unsigned i = from->pg_lo, end = from->pg_hi; i < end; i++)
		if (src[i] != 0 && i != except)
			dst[i] = src[i] = entry_share(src[i], level);
	to->pg_lo = from->pg_lo;
	to->pg_hi = from->pg_hi;
	to->pg_nvalid = from->pg_nvalid;
	STAT_INC(pt_pages_unshared);
}

/* Replace a table that has other owners by a copy of our own. */
static uint64_t *
table_copy(uint64_t *src, int level, struct spare *sp)
{
	uint64_t *dst = table_new(sp);

	table_share(src, dst, level, PT_ENTRIES);
	vm_page_release(table_page(src));
	return dst;
}

/* ---- fork ---- */

static uint64_t
page_fork(uint64_t *pte)
{
	struct page *copy;

	if (!(*pte & PTE_W) || (*pte & PTE_SHARED) || (copy = vm_page_alloc(0)) == NULL)
		return *pte == 0 ? 0 : (*pte = entry_share(*pte, PT_LEAF));
	vm_copy_page(page_to_dm(copy), PHYS_TO_DM(pte_pa(*pte)));
	STAT_INC(cow_pages_copied);
	return page_to_pa(copy) | (*pte & ~PTE_FRAME);
}

/*
 * A copy of the table that *pte points at; going on towards `hot' while the parent owns the way and
 * there is memory: what is not copied is shared.
 */
static uint64_t
path_fork(uint64_t *pte, int level, vaddr_t hot)
{
	unsigned i = pt_index(hot, level);
	uint64_t *src, *dst;
	struct page *tp;

	if (!(*pte & PTE_W) || (tp = vm_page_alloc(PGA_ZERO)) == NULL)
		return *pte == 0 ? 0 : (*pte = entry_share(*pte, level + 1));
	src = pte_table(*pte);
	dst = table_init(tp);
	table_share(src, dst, level, i);
	dst[i] = level == PT_LEAF ? page_fork(&src[i]) : path_fork(&src[i], level - 1, hot);
	return table_pte(dst);
}

uint64_t
tree_fork(struct pmap *src, unsigned i, vaddr_t hot)
{
	uint64_t *pte = &src->pm_root[i];

	if (i == pt_index(hot, PT_ROOT))
		return path_fork(pte, PT_ROOT - 1, hot);
	STAT_INC(pt_pages_shared);
	return *pte = entry_share(*pte, PT_ROOT);
}

/* ---- paths ---- */

/* Go on from there with new tables and copies.  Cannot fail. */
static uint64_t *
path_build(struct pmap *pm, vaddr_t va, int level, int last, unsigned how, uint64_t *table,
	   struct spare *sp)
{
	bool copied = false;
	uint64_t *next;
	unsigned i;

	for (; level > last; level--) {
		i = pt_index(va, level);
		if (table[i] != 0) {
			next = table_copy(pte_table(table[i]), level - 1, sp);
			copied = true;
		} else if (how & TREE_CREATE)
			next = table_new(sp);
		else
			break;
		entry_set(pm, table, level, i, table_pte(next));
		table = next;
	}
	if (copied) /* the processor may hold on to the tables we have left */
		pmap_flush_page(pm, va);
	return level == last ? table : NULL;
}

int
tree_path(struct pmap *pm, vaddr_t va, int last, unsigned how, uint64_t **tablep)
{
	uint64_t *table;
	struct spare sp;
	int level = path_clear(pm, va, last, how, &table);

	if (likely(level == last)) {
		*tablep = table;
		return 0;
	}
	if (!(how & TREE_CREATE) && table[pt_index(va, level)] == 0) {
		*tablep = NULL;
		return 0;
	}
	if (spare_alloc(&sp, level - last) != 0)
		return ENOMEM;
	*tablep = path_build(pm, va, level, last, how, table, &sp);
	spare_free(&sp);
	return 0;
}

uint64_t
tree_lookup(const struct pmap *pm, vaddr_t va, bool *shared)
{
	const uint64_t *table = pm->pm_root;
	uint64_t e, mask = ~0UL;

	*shared = false;
	for (int level = PT_ROOT; level > PT_LEAF; level--) {
		if ((e = table[pt_index(va, level)]) == 0)
			return 0;
		if (!(e & PTE_W)) {
			mask = ~PTE_W;
			*shared |= pa_to_page(pte_pa(e))->pg_refs > 1;
		}
		table = pte_table(e);
	}
	return table[pt_index(va, PT_LEAF)] & mask;
}

uint64_t *
tree_leaf_from(const struct pmap *pm, vaddr_t va, vaddr_t end, vaddr_t *base)
{
	uint64_t *table, e;
	unsigned i;
	int level;

	while (va < end) {
		table = pm->pm_root;
		for (level = PT_ROOT; level > PT_LEAF; level--) {
			i = pt_index(va, level);
			if (level < PT_ROOT && i >= table_page(table)->pg_hi)
				i = PT_ENTRIES - 1; /* nothing more in this table */
			if ((e = table[i]) == 0 || i != pt_index(va, level))
				break;
			table = pte_table(e);
		}
		if (level == PT_LEAF) {
			*base = va & ~(table_span(PT_LEAF) - 1);
			return table;
		}
		va = (va & ~(table_span(level) - 1)) + (i + 1) * entry_span(level);
	}
	return NULL;
}

/* Own the path to va down to the deepest table that reaches beyond [start, end). */
static int
own_edge(struct pmap *pm, vaddr_t va, vaddr_t start, vaddr_t end)
{
	uint64_t *table;
	vaddr_t base;
	int last;

	for (last = PT_LEAF; last < PT_ROOT; last++) {
		base = va & ~(table_span(last) - 1);
		if (base < start || base + table_span(last) > end)
			break;
	}
	return tree_path(pm, va, last, TREE_OWN, &table);
}

int
tree_own_edges(struct pmap *pm, vaddr_t start, vaddr_t end)
{
	int error = own_edge(pm, start, start, end);

	return error != 0 ? error : own_edge(pm, end - 1, start, end);
}

/* ---- removal ---- */

static bool remove_range(struct pmap *, uint64_t *table, int level, vaddr_t start, vaddr_t end,
			 bool foreign);

/* The part of [start, end) that lies under entry i, whose span begins at base. */
static bool
remove_entry(struct pmap *pm, uint64_t *table, int level, unsigned i, vaddr_t base, vaddr_t start,
	     vaddr_t end, bool foreign)
{
	vaddr_t s = MAX(base, start), e = MIN(base + entry_span(level), end);
	uint64_t pte = table[i];
	bool gone, removed = false;

	if (level == PT_LEAF)
		gone = !foreign || (pte & (PTE_SHARED | PTE_COW));
	else if (!foreign && e - s == entry_span(level))
		gone = true;
	else {
		removed = remove_range(pm, pte_table(pte), level - 1, s, e, foreign);
		gone = pa_to_page(pte_pa(pte))->pg_nvalid == 0;
	}
	if (gone) {
		entry_set(pm, table, level, i, 0);
		entry_drop(pte, level);
	}
	return gone || removed;
}

/* [start, end) lies within the span of the table. */
static bool
remove_range(struct pmap *pm, uint64_t *table, int level, vaddr_t start, vaddr_t end, bool foreign)
{
	vaddr_t base = start & ~(table_span(level) - 1);
	unsigned first = pt_index(start, level), last = pt_index(end - 1, level);
	bool removed = false;

	if (level < PT_ROOT) {
		const struct page *tp = table_page(table);

		if (tp->pg_nvalid == 0)
			return false;
		first = MAX(first, tp->pg_lo);
		last = MIN(last, tp->pg_hi - 1U);
	}
	for (unsigned i = first; i <= last; i++)
		if (table[i] != 0)
			removed |= remove_entry(pm, table, level, i, base + i * entry_span(level),
						start, end, foreign);
	return removed;
}

bool
tree_remove(struct pmap *pm, vaddr_t start, vaddr_t end, bool foreign)
{
	return start < end && remove_range(pm, pm->pm_root, PT_ROOT, start, end, foreign);
}

void
tree_destroy(struct pmap *pm)
{
	uint64_t bits, pte;
	unsigned i;

	for (unsigned w = 0; w < nitems(pm->pm_slots); w++) {
		for (bits = pm->pm_slots[w]; bits != 0; bits &= bits - 1) {
			i = w * 64 + (unsigned)__builtin_ctzl(bits);
			pte = pm->pm_root[i];
			pm->pm_root[i] = 0;
			entry_drop(pte, PT_ROOT);
		}
		pm->pm_slots[w] = 0;
	}
}
