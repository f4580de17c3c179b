/* SPDX-License-Identifier: ISC */
/*
 * vm_return.c: free memory goes back to the host once it has not been wanted for a while.
 *
 * A page given back costs a fault in the host when it is used again, many times what it costs here.
 * So only large blocks go, that have been free as they are from one look to the next a second
 * later.  They come back as zeroes, which saves clearing them.  A look is had only after such a
 * block has been freed: a sandbox at rest takes no timer interrupts for this.
 */
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vm.h>

#define SETTLE NSEC_PER_SEC
#define BATCH 16 /* blocks at a time, so that programs do not stand still for long, ... */
#define PAUSE (NSEC_PER_SEC / 20) /* ... and the time between two batches */

static struct timeout return_to;
uint64_t vm_frames_returned;

static bool
block_dirty(const struct page *pg, unsigned order)
{
	for (uint64_t i = 0; i < 1UL << order; i++)
		if (pg[i].pg_flags & PG_DIRTY)
			return true;
	return false;
}

static bool
block_return(struct page *pg, unsigned order)
{
	/* A clone may not: the content of its template would come back. */
	if (md_discard(page_to_pa(pg), PAGE_SIZE << order) != 0)
		return false;
	KASSERT(*(uint64_t *)page_to_dm(pg) == 0);
	for (uint64_t i = 0; i < 1UL << order; i++)
		pg[i].pg_flags &= (uint8_t)~PG_DIRTY;
	vm_frames_returned += 1UL << order;
	return true;
}

/* Return blocks that were free at the last look; true if there may be more at the next one. */
static bool
look(unsigned order, int *batch)
{
	bool again = false;

	for (struct page *pg = vm_free_block(order, NULL); pg != NULL;
	     pg = vm_free_block(order, pg)) {
		if (!(pg->pg_flags & PG_SEEN)) {
			pg->pg_flags |= PG_SEEN;
			again = true;
		} else if (*batch == 0) {
			return true;
		} else if (block_dirty(pg, order) && block_return(pg, order)) {
			--*batch;
		}
	}
	return again;
}

static void
return_blocks(void *arg)
{
	int batch = BATCH;
	bool again = false;

	(void)arg;
	vm_page_drain(); /* one page table kept aside splits a block of megabytes */
	for (unsigned order = VM_RETURN_ORDER; order <= VM_MAX_ORDER; order++)
		again |= look(order, &batch);
	if (again)
		timeout_add_abs(&return_to, nanouptime() + (batch == 0 ? PAUSE : SETTLE));
}

void
vm_return_soon(void)
{
	if (return_to.to_reserved && return_to.to_index == 0)
		timeout_add_abs(&return_to, nanouptime() + SETTLE);
}

void
vm_return_init(void)
{
	timeout_set(&return_to, return_blocks, NULL);
	if (timeout_reserve(&return_to) != 0)
		panic("no memory");
}
