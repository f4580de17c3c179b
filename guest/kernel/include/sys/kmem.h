/* SPDX-License-Identifier: ISC */
/* kmem.h: kernel memory: sized allocations and object caches (kern_malloc.c, subr_pool.c). */
#ifndef SYS_KMEM_H
#define SYS_KMEM_H

#include <sys/types.h>

#define M_ZERO 0x8000 /* Linux's value: clang's analyzer knows kmalloc() with it to clear */
#define M_NOFAIL 0x1  /* boot time only: panic instead of NULL */

/* Memory for size bytes, 16-byte aligned (page aligned from 4096 up), or NULL. Never sleeps. */
void *kmalloc(size_t size, int flags);
void kfree(void *p); /* NULL is allowed */
void *krealloc(void *p,
	       size_t size); /* contents kept; NULL and p untouched when there is no memory */

/*
 * A cache of equal objects; freed objects are reused last-in first-out, empty slabs given back at
 * once.  Objects are 16-byte aligned, those of a size divisible by 64 are 64-byte aligned.  Small
 * ones lie in the slabs of kmalloc's class for their size: most kinds have few objects, and a page
 * for each kind is what a fresh sandbox has to be given.
 */
struct pool {
	const char *pl_name;
	size_t pl_size;        /* object size after alignment */
	struct pool *pl_slabs; /* in whose slabs the objects lie: its own or a class's */
	void *pl_free;         /* slabs with room (private to subr_pool.c) */
	uint64_t pl_nout;      /* objects in use */
	uint64_t pl_npages;
	struct pool *pl_next; /* all pools, for statistics and leak checks */
	uint32_t pl_order;    /* of a slab */
	uint32_t pl_perslab;  /* objects per slab */
};
#define POOL_INITIALIZER(name, type)                                                               \
	{                                                                                          \
		.pl_name = name, .pl_size = (sizeof(type) + 15) & ~15UL                            \
	}
void *pool_get(struct pool *pl, int flags); /* contents undefined unless M_ZERO */
void pool_put(struct pool *pl, void *obj);
void pool_setup(struct pool *pl, const char *name, size_t size);
struct pool *kmem_class(size_t size); /* of kmalloc, or NULL for a size that has none */

/*
 * Failure injection: when kmem_fail_at is n > 0, the n-th allocation from now (kmalloc, pool_get,
 * vm_page_alloc: all of them count) fails once.  Set through sysctl kern.fail_at in debug kernels.
 */
extern uint64_t kmem_fail_at;
bool kmem_should_fail(void);
#ifdef TINE_DEBUG
#define KMEM_FAIL() (unlikely(kmem_fail_at != 0) && kmem_should_fail())
#else
#define KMEM_FAIL() false
#endif

/* Sum of everything in use, for leak checks: objects of all pools + kmalloc blocks. */
uint64_t kmem_objects_out(void);
extern struct pool *allpools;

#endif
