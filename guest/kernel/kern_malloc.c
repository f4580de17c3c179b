/* SPDX-License-Identifier: ISC */
/* kern_malloc.c: sized kernel memory: pools of fixed sizes for small blocks, whole pages above. */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define SMALL_MAX 2016UL /* two to a page beside the slab's header */

uint64_t kmem_fail_at;
static uint64_t nlarge;

/* Sizes that divide a slab well. */
static struct pool classes[] = {
    {.pl_name = "kmalloc-16", .pl_size = 16},     {.pl_name = "kmalloc-32", .pl_size = 32},
    {.pl_name = "kmalloc-48", .pl_size = 48},     {.pl_name = "kmalloc-64", .pl_size = 64},
    {.pl_name = "kmalloc-96", .pl_size = 96},     {.pl_name = "kmalloc-128", .pl_size = 128},
    {.pl_name = "kmalloc-192", .pl_size = 192},   {.pl_name = "kmalloc-256", .pl_size = 256},
    {.pl_name = "kmalloc-384", .pl_size = 384},   {.pl_name = "kmalloc-576", .pl_size = 576},
    {.pl_name = "kmalloc-800", .pl_size = 800},   {.pl_name = "kmalloc-1008", .pl_size = 1008},
    {.pl_name = "kmalloc-1344", .pl_size = 1344}, {.pl_name = "kmalloc-2016", .pl_size = 2016},
};

/* Index of the class for a size, by units of 16 bytes. */
#define UNITS(n) howmany(n, 16)
static const uint8_t class_of[UNITS(SMALL_MAX) + 1] = {
    [0 ... UNITS(16)] = 0,
    [UNITS(16) + 1] = 1,
    [UNITS(32) + 1] = 2,
    [UNITS(48) + 1] = 3,
    [UNITS(64) + 1 ... UNITS(96)] = 4,
    [UNITS(96) + 1 ... UNITS(128)] = 5,
    [UNITS(128) + 1 ... UNITS(192)] = 6,
    [UNITS(192) + 1 ... UNITS(256)] = 7,
    [UNITS(256) + 1 ... UNITS(384)] = 8,
    [UNITS(384) + 1 ... UNITS(576)] = 9,
    [UNITS(576) + 1 ... UNITS(800)] = 10,
    [UNITS(800) + 1 ... UNITS(1008)] = 11,
    [UNITS(1008) + 1 ... UNITS(1344)] = 12,
    [UNITS(1344) + 1 ... UNITS(2016)] = 13,
};

bool
kmem_should_fail(void)
{
	return kmem_fail_at != 0 && --kmem_fail_at == 0;
}

static unsigned
size_order(size_t size)
{
	uint64_t last = atop(size - 1);

	return last == 0 ? 0 : 64 - (unsigned)__builtin_clzll(last);
}

static void *
large_alloc(size_t size, int flags)
{
	struct page *pg =
	    vm_pages_alloc(size_order(size), PGA_KERNEL | (flags & M_ZERO ? PGA_ZERO : 0));

	if (pg == NULL && (flags & M_NOFAIL))
		panic("out of memory: %zu bytes", size);
	if (pg == NULL)
		return NULL;
	pg->pg_flags |= PG_KERNEL;
	nlarge++;
	return page_to_dm(pg);
}

struct pool *
kmem_class(size_t size)
{
	return size <= SMALL_MAX ? &classes[class_of[UNITS(size)]] : NULL;
}

void *
kmalloc(size_t size, int flags)
{
	struct pool *pl = kmem_class(size);

	return pl != NULL ? pool_get(pl, flags) : large_alloc(size, flags);
}

void
kfree(void *p)
{
	struct page *pg;

	if (p == NULL)
		return;
	pg = pa_to_page(DM_TO_PHYS(p));
	KASSERT(pg != NULL && (pg->pg_flags & PG_KERNEL));
	if (pg->pg_owner != NULL) {
		pool_put(pg->pg_owner, p);
		return;
	}
	KASSERT(((uintptr_t)p & PAGE_MASK) == 0);
	nlarge--;
	vm_pages_free(pg, pg->pg_order);
}

/* Bytes that a block has room for. */
static size_t
block_size(void *p)
{
	struct page *pg = pa_to_page(DM_TO_PHYS(p));
	struct pool *pl = pg->pg_owner;

	return pl != NULL ? pl->pl_size : PAGE_SIZE << pg->pg_order;
}

void *
krealloc(void *p, size_t size)
{
	size_t old;
	void *q;

	if (p == NULL)
		return kmalloc(size, 0);
	if (size <= (old = block_size(p)))
		return p;
	if ((q = kmalloc(size, 0)) == NULL)
		return NULL;
	memcpy(q, p, old);
	kfree(p);
	return q;
}

uint64_t
kmem_objects_out(void)
{
	uint64_t n = nlarge;

	for (const struct pool *pl = allpools; pl != NULL; pl = pl->pl_next)
		n += pl->pl_nout;
	return n;
}
