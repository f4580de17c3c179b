/* SPDX-License-Identifier: ISC */
/*
 * pmap.h: what the machine-independent VM needs of the page-table tree (arch: pmap.c, pmap_tree.c).
 *
 * The user half of an address space is a tree of page-table pages, reference counted by the number
 * of parent entries that point at them.  A table may be shared only by address spaces whose regions
 * are the same over its whole span; every function that changes a mapping un-shares the path first.
 */
#ifndef SYS_PMAP_H
#define SYS_PMAP_H

#include <sys/types.h>
#include <machine/pmap.h>

void pmap_init(void);             /* once, when the kernel half is complete */
int pmap_create(struct pmap *);   /* root with the kernel half; ENOMEM */
void pmap_destroy(struct pmap *); /* drop the whole tree */
/*
 * dst: not created before; shares subtrees, write-protects both.  The page at `hot' is copied at
 * once, as parent and child are about to write to it (VM_USER_MAX: none).
 */
int pmap_fork(struct pmap *dst, struct pmap *src, vaddr_t hot);
void pmap_activate(struct pmap *); /* load CR3 if it is not loaded */
void pmap_activate_kernel(void);   /* leave the address space of the process: kernel half only */

#define PMAP_SHARED 0x1 /* MAP_SHARED page: never copy-on-write */
#define PMAP_COW 0x2    /* map without write permission even if prot says so: copy at first write */
/* Map pa at va, taking over the caller's reference on pa. Replaces (and releases) what was there.
 * ENOMEM: reference is still the caller's. */
int pmap_enter(struct pmap *, vaddr_t va, paddr_t pa, int prot, int flags);
/*
 * Map pas[i] at va + i pages (PA_NONE: skip) wherever nothing is mapped yet, taking over every
 * reference, also on ENOMEM.  The n pages lie in one page-table page.  Shared tables are filled in
 * place: only for pages that all sharers would map alike, that is with PMAP_COW or PMAP_SHARED.
 */
#define PA_NONE (~(paddr_t)0)
int pmap_fill(struct pmap *, vaddr_t va, const paddr_t *pas, unsigned n, int prot, int flags);
/* What is mapped at va: false if nothing.  Prot is the effective one. */
bool pmap_extract(struct pmap *, vaddr_t va, paddr_t *pa, int *prot);
/* Unmap [start, end): whole subtrees are dropped in one step, shared ones un-shared only at the
 * edges. ENOMEM possible (un-sharing). */
int pmap_remove(struct pmap *, vaddr_t start, vaddr_t end);
/* Make the tables private that a change of the regions in [start, end) touches. ENOMEM. */
int pmap_unshare(struct pmap *, vaddr_t start, vaddr_t end);
/* Unmap in [start, end) what was entered with PMAP_SHARED or PMAP_COW, for all address spaces that
 * share the tables.  Cannot fail. */
void pmap_zap(struct pmap *, vaddr_t start, vaddr_t end);
int pmap_protect(struct pmap *, vaddr_t start, vaddr_t end, int prot);
/* Move entries (mremap). */
int pmap_move(struct pmap *, vaddr_t from, vaddr_t to, vsize_t len);
/*
 * Write fault in a writable region: un-share the path, then copy the frame if it has other owners
 * or take it over.  zero_prot: the region is anonymous, and this its protection; pages that are not
 * there get zeroes where that takes no new table.  0 done; ENOENT nothing mapped there (caller must
 * enter a page); ENOMEM.
 */
int pmap_write_fault(struct pmap *, vaddr_t va, int zero_prot);
uint64_t pmap_resident(struct pmap *, vaddr_t start, vaddr_t end); /* pages present */
/* Debug kernels: check every reference count and invariant of the trees of all address spaces;
 * panics. */
void pmap_check_all(void);

#endif
