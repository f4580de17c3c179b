/* SPDX-License-Identifier: ISC */
/*
 * subr_pool.c: caches of equal objects.
 *
 * A slab is a naturally aligned block of pages with a header at its start, so that the slab of an
 * object is found by masking its address.  A slab's objects are carved one by one as they are
 * needed: a new slab costs its header, not a walk.  Empty slabs go back at once, which keeps the
 * count of free frames exact.
 */
#include <sys/kmem.h>
#include <sys/queue.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define SLAB_HEADER 64UL /* keeps objects of 64 n bytes aligned to 64 */
#define SLAB_MAX_ORDER 4
#define POISON 0xdf

LIST_HEAD(slab_list, slab);
struct slab {
	LIST_ENTRY(slab) sl_link; /* slabs with room: pl_free */
	struct pool *sl_pool;
	void *sl_free;      /* freed objects, linked through their first word */
	uint32_t sl_carved; /* objects ever handed out */
	uint32_t sl_used;
};
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "slab header");

struct pool *allpools;

static size_t
slab_size(const struct pool *pl)
{
	return PAGE_SIZE << pl->pl_order;
}

static struct slab *
slab_of(const struct pool *pl, void *obj)
{
	return (struct slab *)((uintptr_t)obj & ~(slab_size(pl) - 1));
}

/* The pool's list of slabs with room.  The head is one pointer, kept in pl_free. */
static struct slab_list *
slabs(struct pool *pl)
{
	return (struct slab_list *)(void *)&pl->pl_free;
}

/*
 * A debug kernel's object that lies in a class's slabs ends with the address of its pool:
 * pool_put() then knows one of another kind, and one that was put already.
 */
#ifdef TINE_DEBUG
#define TAG_SIZE sizeof(struct pool *)

static struct pool **
tag(const struct pool *pl, void *obj)
{
	return (struct pool **)(void *)((char *)obj + pl->pl_slabs->pl_size - TAG_SIZE);
}

static void
tag_set(struct pool *pl, void *obj)
{
	if (pl->pl_slabs != pl)
		*tag(pl, obj) = pl;
}

static void
tag_check(const struct pool *pl, void *obj)
{
	if (pl->pl_slabs != pl && *tag(pl, obj) != pl)
		panic("pool %s: %p is not its object", pl->pl_name, obj);
}
#else
#define TAG_SIZE 0UL
#define tag_set(pl, obj) ((void)0)
#define tag_check(pl, obj) ((void)0)
#endif

static void
pool_layout(struct pool *pl)
{
	if (pl->pl_size + SLAB_HEADER > PAGE_SIZE << SLAB_MAX_ORDER)
		panic("pool %s: objects of %zu bytes are too large", pl->pl_name, pl->pl_size);
	pl->pl_order = 0;
	/* At most an eighth of a slab of large objects is lost. */
	while ((slab_size(pl) - SLAB_HEADER) % pl->pl_size > slab_size(pl) / 8 &&
	       pl->pl_size > PAGE_SIZE / 4 && pl->pl_order < SLAB_MAX_ORDER)
		pl->pl_order++;
	while (slab_size(pl) - SLAB_HEADER < pl->pl_size)
		pl->pl_order++;
	pl->pl_perslab = (uint32_t)((slab_size(pl) - SLAB_HEADER) / pl->pl_size);
}

/* At its first use.  A class must align no less than the pool's own slabs would. */
static void
pool_begin(struct pool *pl)
{
	struct pool *class = kmem_class(pl->pl_size + TAG_SIZE);
	bool shared = class != NULL && kmem_class(pl->pl_size) != pl &&
		      (pl->pl_size % 64 != 0 || class->pl_size % 64 == 0);

	pl->pl_slabs = shared ? class : pl;
	pl->pl_next = allpools;
	allpools = pl;
	if (!shared)
		pool_layout(pl);
	else if (class->pl_slabs == NULL)
		pool_begin(class);
}

void
pool_setup(struct pool *pl, const char *name, size_t size)
{
	*pl = (struct pool){.pl_name = name, .pl_size = roundup(size, 16UL)};
}

static struct slab *
slab_new(struct pool *pl)
{
	struct page *pg = vm_pages_alloc(pl->pl_order, PGA_KERNEL);
	struct slab *sl;

	if (pg == NULL)
		return NULL;
	pg->pg_flags |= PG_KERNEL;
	pg->pg_owner = pl;
	sl = page_to_dm(pg);
	*sl = (struct slab){.sl_pool = pl};
	LIST_INSERT_HEAD(slabs(pl), sl, sl_link);
	pl->pl_npages += 1UL << pl->pl_order;
	return sl;
}

static void
slab_free(struct pool *pl, struct slab *sl)
{
	LIST_REMOVE(sl, sl_link);
	pl->pl_npages -= 1UL << pl->pl_order;
	vm_pages_free(pa_to_page(DM_TO_PHYS(sl)), pl->pl_order);
}

#ifdef TINE_DEBUG
static void
poison(const struct pool *pl, void *obj)
{
	memset((char *)obj + sizeof(void *), POISON, pl->pl_size - sizeof(void *));
}

static void
poison_check(const struct pool *pl, const void *obj)
{
	const uint8_t *p = obj;

	for (size_t i = sizeof(void *); i < pl->pl_size; i++)
		if (p[i] != POISON)
			panic("pool %s: %p was written at %zu after it was freed", pl->pl_name, obj,
			      i);
}
#else
#define poison(pl, obj) ((void)0)
#define poison_check(pl, obj) ((void)0)
#endif

static void *
slab_take(struct pool *pl, struct slab *sl)
{
	void *obj = sl->sl_free;

	if (obj != NULL) {
		sl->sl_free = *(void **)obj;
		poison_check(pl, obj);
	} else
		obj = (char *)sl + SLAB_HEADER + sl->sl_carved++ * pl->pl_size;
	if (++sl->sl_used == pl->pl_perslab)
		LIST_REMOVE(sl, sl_link);
	return obj;
}

void *
pool_get(struct pool *pl, int flags)
{
	struct pool *from;
	struct slab *sl;
	void *obj = NULL;

	if (unlikely(pl->pl_slabs == NULL))
		pool_begin(pl);
	from = pl->pl_slabs;
	if (!KMEM_FAIL() &&
	    ((sl = LIST_FIRST(slabs(from))) != NULL || (sl = slab_new(from)) != NULL)) {
		obj = slab_take(from, sl);
		tag_set(pl, obj);
		pl->pl_nout++;
	}
	if (obj == NULL && (flags & M_NOFAIL))
		panic("out of memory: %s", pl->pl_name);
	if (obj != NULL && (flags & M_ZERO))
		memset(obj, 0, pl->pl_size);
	return obj;
}

void
pool_put(struct pool *pl, void *obj)
{
	struct pool *from = pl->pl_slabs;
	struct slab *sl = slab_of(from, obj);

	KASSERT(sl->sl_pool == from && sl->sl_used > 0 && pl->pl_nout > 0);
	tag_check(pl, obj);
	poison(from, obj);
	*(void **)obj = sl->sl_free;
	sl->sl_free = obj;
	pl->pl_nout--;
	if (sl->sl_used-- == from->pl_perslab)
		LIST_INSERT_HEAD(slabs(from), sl, sl_link);
	if (sl->sl_used == 0)
		slab_free(from, sl);
}
