/* SPDX-License-Identifier: ISC */
/*
 * workset.h: the working set of a template: the pages that a clone of it has written to when it
 * gives its first answer.
 *
 * What one clone wrote the next will write, too.  A process of the pool that is being prepared for
 * the template makes these pages its own before its clone is asked for, so that the clone need not
 * fault on them one by one.  They have the template's content: the guest sees no difference.
 */
#ifndef TINE_VMM_WORKSET_H
#define TINE_VMM_WORKSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_mem;
struct template_head;
struct tine_error;

#define WORKSET_PAGES 1024u /* 4 MiB; of a larger one those at the lowest addresses are kept */
#define WORKSET_RANGES 512u

struct workset_range {
	uint32_t page, count; /* pages; counted through low and high RAM without the hole */
};

/* As it travels between daemon and VMM process: ascending, disjoint, no two adjacent. */
struct workset {
	uint32_t nranges;
	uint32_t npages; /* sum of the counts */
	struct workset_range range[WORKSET_RANGES];
};

/* Add a page behind all that are in it; false if it is full. */
bool workset_add(struct workset *ws, uint32_t page);
/* Find the pages of RAM that this process has written to; pagemap_fd is /proc/self/pagemap.
 * What cannot be found out is left out. */
void workset_collect(struct workset *ws, const struct guest_mem *mem, int pagemap_fd);
/* Bytes of it that are in use: the payload of a record. */
size_t workset_size(const struct workset *ws);
/* A payload from a process that is not trusted, for RAM of that size: 0 and *ws, or -EPROTO. */
int workset_decode(struct workset *ws, const void *payload, size_t len, uint64_t ram_bytes,
		   struct tine_error *error);
/* Make its pages this process's own. */
void workset_populate(const struct workset *ws, const struct guest_mem *mem);

#endif
