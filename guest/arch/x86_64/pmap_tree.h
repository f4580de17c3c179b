/* SPDX-License-Identifier: ISC */
/* pmap_tree.h: operations on the tree of page-table pages, for pmap.c and pmap_check.c. */
#ifndef PMAP_TREE_H
#define PMAP_TREE_H

#include <sys/vm.h>
#include <machine/pte.h>

#define TREE_OWN 0x1    /* make the path private */
#define TREE_CREATE 0x2 /* make the tables that are missing */

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
