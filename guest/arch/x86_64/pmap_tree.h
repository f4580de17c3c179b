/* SPDX-License-Identifier: ISC */
/* pmap_tree.h: operations on the tree of page-table pages, for pmap.c and pmap_check.c. */
#ifndef PMAP_TREE_H
#define PMAP_TREE_H

#include <sys/vm.h>
#include <machine/pte.h>

#define TREE_OWN 0x1    /* make the path private */
#define TREE_CREATE 0x2 /* make the tables that are missing */

/*
 * Go down the path to va while the way is clear: entries are there and, with TREE_OWN, the tables
 * ours alone.  Returns the level reached, at best `last', and the table there.
 */
static inline int
path_clear(struct pmap *pm, vaddr_t va, int last, unsigned how, uint64_t **tablep)
{
	uint64_t *table = pm->pm_root, *e;
	int level;

#pragma GCC unroll 3
	for (level = PT_ROOT; level > last; level--) {
		e = &table[pt_index(va, level)];
		if (*e == 0)
			break;
		if ((how & TREE_OWN) && !(*e & PTE_W)) {
			if (pa_to_page(pte_pa(*e))->pg_refs > 1)
				break;
			*e |= PTE_W; /* the other owners are gone */
		}
		table = pte_table(*e);
	}
	*tablep = table;
	return level;
}

/*
 * The table of level `last' on the path to va: *tablep, NULL if it is not there (and TREE_CREATE is
 * not given).  ENOMEM before anything has changed.
 */
int tree_path(struct pmap *, vaddr_t va, int last, unsigned how, uint64_t **tablep);
/* The leaf entry for va, 0 if none, with PTE_W only if the whole path has it; *shared: a table on
 * the path has other owners. */
uint64_t tree_lookup(const struct pmap *, vaddr_t va, bool *shared);
/* First leaf table whose span meets [va, end), NULL if there is none; *base = start of its span. */
uint64_t *tree_leaf_from(const struct pmap *, vaddr_t va, vaddr_t end, vaddr_t *base);
/* Make the tables private that hold entries on both sides of an edge of [start, end). ENOMEM. */
int tree_own_edges(struct pmap *, vaddr_t start, vaddr_t end);
/*
 * Clear [start, end), true if anything was there, and free the tables that become empty.  Whole
 * subtrees are dropped; the edges are private.  foreign: only entries of pages that belong to an
 * object, in place: tables stay shared.
 */
bool tree_remove(struct pmap *, vaddr_t start, vaddr_t end, bool foreign);
void tree_destroy(struct pmap *);

/*
 * Entry i of src's root for an address space that is being forked.  The tables below it are shared,
 * but with `hot' in its span the child gets a path of its own to that page and a copy of it, if
 * there is memory: parent and child are about to write there, and neither will fault.
 */
uint64_t tree_fork(struct pmap *src, unsigned i, vaddr_t hot);

/* Set or clear an entry of a leaf table (not the root) and keep the table's bounds. */
void leaf_set(uint64_t *table, unsigned i, uint64_t pte);
/* Only this entry refers to the frame: it may be written. */
bool pte_exclusive(uint64_t pte);

static inline struct page *
table_page(const uint64_t *table)
{
	return pa_to_page(DM_TO_PHYS(table));
}

/* pmap.c: forget translations of the active address space. */
void pmap_flush_page(const struct pmap *, vaddr_t va);
void pmap_flush_active(vaddr_t start, vaddr_t end);
void pmap_flush_range(const struct pmap *, vaddr_t start, vaddr_t end);

#endif
