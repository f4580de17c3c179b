/* SPDX-License-Identifier: ISC */
/* vmspace.c: address spaces as a whole: creation, fork, release; start of the memory part. */
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/pmap.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "vm_region.h"

/* Where mmap starts until exec has placed the stack. */
#define MMAP_BASE_DEFAULT (VM_STACK_TOP - (128UL << 20))

static struct pool vmspace_pool = POOL_INITIALIZER("vmspace", struct vmspace);
paddr_t vm_zero_pa;
int vm_check_interval;

void
vm_init(void)
{
	struct page *zero = vm_page_alloc(PGA_ZERO | PGA_KERNEL);

	if (zero == NULL)
		panic("no memory");
	zero->pg_flags |= PG_KERNEL; /* mapped without being counted */
	vm_zero_pa = page_to_pa(zero);
	(void)md_discard(vm_zero_pa, PAGE_SIZE); /* no template need carry it */
	pmap_init();
}

struct vmspace *
vmspace_create(void)
{
	struct vmspace *vm = pool_get(&vmspace_pool, M_ZERO);

	if (vm == NULL)
		return NULL;
	if ((vm->vm_map = map_create()) == NULL)
		goto fail_space;
	if (pmap_create(&vm->vm_pmap) != 0)
		goto fail_map;
	vm->vm_refs = 1;
	vm->vm_stack_top = VM_STACK_TOP;
	vm->vm_mmap_base = MMAP_BASE_DEFAULT;
	return vm;

fail_map:
	map_release(vm->vm_map);
fail_space:
	pool_put(&vmspace_pool, vm);
	return NULL;
}

/* What madvise() wants a child to lack: regions that stay behind, regions that come empty. */
static int
fork_exceptions(struct vmspace *child)
{
	const struct region *r;
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < child->vm_map->m_count;) {
		r = &child->vm_map->m_region[i];
		if (r->r_flags & R_DONTFORK) {
			error = vm_map_remove(child, r->r_start, r->r_end);
			continue;
		}
		if (r->r_flags & R_WIPEONFORK)
			error = pmap_remove(&child->vm_pmap, r->r_start, r->r_end);
		i++;
	}
	return error;
}

struct vmspace *
vmspace_fork(struct vmspace *vm, vaddr_t hot)
{
	struct vmspace *child = pool_get(&vmspace_pool, 0);

	if (child == NULL)
		return NULL;
	*child = *vm;
	child->vm_refs = 1;
	child->vm_locked = 0; /* locks are not inherited */
	child->vm_maxrss = 0;
	if (pmap_fork(&child->vm_pmap, &vm->vm_pmap, hot) != 0) {
		pool_put(&vmspace_pool, child);
		return NULL;
	}
	child->vm_map->m_refs++;
	if (child->vm_map->m_nfork != 0 && fork_exceptions(child) != 0) {
		vmspace_release(child);
		return NULL;
	}
	return child;
}

struct vmspace *
vmspace_share(struct vmspace *vm)
{
	vm->vm_refs++;
	return vm;
}

void
vmspace_release(struct vmspace *vm)
{
	KASSERT(vm->vm_refs > 0);
	if (--vm->vm_refs > 0)
		return;
	pmap_destroy(&vm->vm_pmap);
	map_release(vm->vm_map);
	pool_put(&vmspace_pool, vm);
}

uint64_t
vmspace_rss(struct vmspace *vm)
{
	uint64_t n = pmap_resident(&vm->vm_pmap, 0, VM_USER_MAX);

	vm->vm_maxrss = MAX(vm->vm_maxrss, n);
	return n;
}

#ifdef TINE_DEBUG
/* Walking all trees takes long, so only at every n-th fork and exit. */
void
vm_check(void)
{
	static int countdown;

	if (vm_check_interval > 0 && --countdown <= 0) {
		countdown = vm_check_interval;
		pmap_check_all();
	}
}
#endif
