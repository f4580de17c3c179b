/* SPDX-License-Identifier: ISC */
/*
 * sys_madvise.c: advice and questions about mapped memory: madvise, msync, mincore, mlock.
 *
 * Nothing is ever paged out and shared pages are their file's pages, so that locking and
 * synchronising need no more than their checks and accounts.
 */
#include <sys/errno.h>
#include <sys/mman.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "vm_region.h"

/* ---- madvise ---- */

/* Is some region in the range one that the advice does not apply to? */
static bool
any_region(const struct vm_map *map, vaddr_t start, vaddr_t end,
	   bool (*match)(const struct region *))
{
	const struct region *r;

	for (uint32_t i = map_index(map, start); i < map->m_count; i++) {
		r = &map->m_region[i];
		if (r->r_start >= end)
			return false;
		if (match(r))
			return true;
	}
	return false;
}

static bool
is_locked(const struct region *r)
{
	return r->r_flags & R_LOCKED;
}

static bool
is_object(const struct region *r)
{
	return r->r_object != NULL;
}

static bool
is_not_shared_writable(const struct region *r)
{
	return !(r->r_flags & R_SHARED) || !(r->r_maxprot & PROT_WRITE) || r->r_object == NULL;
}

/* MADV_REMOVE: make holes in the objects behind the range. */
static int
punch_range(struct vm_map *map, vaddr_t start, vaddr_t end)
{
	const struct region *r;
	vaddr_t s, e;
	int error = 0;

	for (uint32_t i = map_index(map, start); error == 0 && i < map->m_count; i++) {
		r = &map->m_region[i];
		s = MAX(start, r->r_start);
		e = MIN(end, r->r_end);
		if (s >= e)
			break;
		error = vm_object_punch(r->r_object, r->r_offset + (s - r->r_start),
					r->r_offset + (e - r->r_start));
	}
	return error;
}

static int
advise_discard(struct vmspace *vm, vaddr_t start, vaddr_t end, int advice)
{
	const struct vm_map *map = vm->vm_map;

	if (advice != MADV_DONTNEED_LOCKED && any_region(map, start, end, is_locked))
		return EINVAL;
	if (advice == MADV_FREE && any_region(map, start, end, is_object))
		return EINVAL;
	return vm_map_advise_free(vm, start, end);
}

/* Unlike populating as a favour, this reports what went wrong. */
static int
advise_populate(struct vmspace *vm, vaddr_t start, vaddr_t end, int access)
{
	int error = 0;

	if (!map_covered(vm->vm_map, start, end))
		return ENOMEM;
	for (; error == 0 && start < end; start += PAGE_SIZE)
		error = vm_fault(vm, start, access);
	return error == EACCES ? EINVAL : error == EIO ? EFAULT : error;
}

static int
advise_flags(struct vmspace *vm, vaddr_t start, vaddr_t end, int advice)
{
	switch (advice) {
	case MADV_DONTFORK:
		return vm_map_setflags(vm, start, end, R_DONTFORK, 0);
	case MADV_DOFORK:
		return vm_map_setflags(vm, start, end, 0, R_DONTFORK);
	case MADV_WIPEONFORK:
		if (any_region(vm->vm_map, start, end, is_object))
			return EINVAL;
		return vm_map_setflags(vm, start, end, R_WIPEONFORK, 0);
	default:
		return vm_map_setflags(vm, start, end, 0, R_WIPEONFORK);
	}
}

static int
advise(struct vmspace *vm, vaddr_t start, vaddr_t end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return advise_discard(vm, start, end, advice);
	case MADV_REMOVE:
		if (!map_covered(vm->vm_map, start, end) ||
		    any_region(vm->vm_map, start, end, is_not_shared_writable))
			return map_covered(vm->vm_map, start, end) ? EACCES : ENOMEM;
		return punch_range(vm->vm_map, start, end);
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		return advise_flags(vm, start, end, advice);
	case MADV_POPULATE_READ:
		return advise_populate(vm, start, end, VMF_READ);
	case MADV_POPULATE_WRITE:
		return advise_populate(vm, start, end, VMF_WRITE);
	case MADV_NORMAL: /* hints about paging, huge pages and dumps: there are none */
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return map_covered(vm->vm_map, start, end) ? 0 : ENOMEM;
	default:
		return EINVAL;
	}
}

SYSCALL(madvise)
{
	vaddr_t end;

	(void)retval;
	if (user_range(a[0], a[1], &end) != 0)
		return EINVAL;
	return advise(td->td_proc->ps_vmspace, a[0], end, (int)a[2]);
}

SYSCALL(msync)
{
	vaddr_t end;
	int flags = (int)a[2], error;

	(void)retval;
	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return EINVAL;
	if ((error = user_range(a[0], a[1], &end)) != 0)
		return error;
	return map_covered(td->td_proc->ps_vmspace->vm_map, a[0], end) ? 0 : ENOMEM;
}

/* ---- mincore ---- */

static bool
page_in_core(struct vmspace *vm, vaddr_t va)
{
	const struct region *r = vm_map_lookup(vm->vm_map, va);
	paddr_t pa;
	int prot;

	if (pmap_extract(&vm->vm_pmap, va, &pa, &prot))
		return true;
	if (r->r_object == NULL ||
	    !vm_object_resident(r->r_object, atop(r->r_offset + (va - r->r_start)), false, &pa))
		return false;
	pa_release(pa);
	return true;
}

SYSCALL(mincore)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	vaddr_t va = a[0], end, vec = a[2];
	uint8_t buf[256];
	size_t n;
	int error;

	(void)retval;
	if ((error = user_range(va, a[1], &end)) != 0)
		return error;
	while (va < end) {
		/* Copying out can change the map (a stack grows), so look at each part anew. */
		if (!map_covered(vm->vm_map, va, end))
			return ENOMEM;
		for (n = 0; n < sizeof(buf) && va < end; n++, va += PAGE_SIZE)
			buf[n] = page_in_core(vm, va);
		if ((error = copyout(buf, (void *)vec, n)) != 0)
			return error;
		vec += n;
	}
	return 0;
}

/* ---- mlock ---- */

/* Pages of [start, end) in regions that are locked. */
static uint64_t
locked_pages(const struct vm_map *map, vaddr_t start, vaddr_t end)
{
	const struct region *r;
	uint64_t n = 0;

	for (uint32_t i = map_index(map, start); i < map->m_count; i++) {
		r = &map->m_region[i];
		if (r->r_start >= end)
			break;
		if (r->r_flags & R_LOCKED)
			n += atop(MIN(end, r->r_end) - MAX(start, r->r_start));
	}
	return n;
}

int
mlock_allowed(struct thread *td, uint64_t npages)
{
	uint64_t limit = lim_cur(td->td_proc, RLIMIT_MEMLOCK);

	if (suser(td))
		return 0;
	if (limit == 0)
		return EPERM;
	return td->td_proc->ps_vmspace->vm_locked + npages > atop(limit) ? ENOMEM : 0;
}

int
mlock_range(struct vmspace *vm, vaddr_t start, vaddr_t end, bool lock)
{
	uint64_t had = locked_pages(vm->vm_map, start, end);
	int error = vm_map_setflags(vm, start, end, lock ? R_LOCKED : 0, lock ? 0 : R_LOCKED);

	if (error != 0)
		return error;
	vm->vm_locked -= MIN(vm->vm_locked, had); /* a forked child inherits marks, not counts */
	if (lock)
		vm->vm_locked += atop(end - start);
	return 0;
}

static int
mlock(struct thread *td, vaddr_t addr, uint64_t len, bool populate)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	vaddr_t start = trunc_page(addr), end;
	int error;

	if (len + (addr - start) < len || user_range(start, len + (addr - start), &end) != 0)
		return ENOMEM;
	if ((error = mlock_allowed(td, atop(end - start))) != 0 ||
	    (error = mlock_range(vm, start, end, true)) != 0)
		return error;
	if (populate)
		vm_populate(vm, start, end);
	return 0;
}

SYSCALL(mlock)
{
	(void)retval;
	return mlock(td, a[0], a[1], true);
}

SYSCALL(mlock2)
{
	(void)retval;
	if ((a[2] & ~(uint64_t)MLOCK_ONFAULT) != 0)
		return EINVAL;
	return mlock(td, a[0], a[1], !(a[2] & MLOCK_ONFAULT));
}

SYSCALL(munlock)
{
	vaddr_t start = trunc_page(a[0]), end;

	(void)retval;
	if (a[1] + (a[0] - start) < a[1] || user_range(start, a[1] + (a[0] - start), &end) != 0)
		return ENOMEM;
	return mlock_range(td->td_proc->ps_vmspace, start, end, false);
}

/* Change all regions one by one; the map may merge them on the way. */
static int
lock_all(struct vmspace *vm, bool lock)
{
	const struct region *r;
	vaddr_t va = 0, end;
	int error = 0;

	while (error == 0 && (r = vm_map_lookup_ge(vm->vm_map, va)) != NULL) {
		va = MAX(va, r->r_start);
		end = r->r_end;
		error = mlock_range(vm, va, end, lock);
		if (error == 0 && lock)
			vm_populate(vm, va, end);
		va = end;
	}
	return error;
}

SYSCALL(mlockall)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	int error;

	(void)retval;
	if (a[0] == 0 || (a[0] & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 ||
	    a[0] == MCL_ONFAULT)
		return EINVAL;
	/* Later mappings need nothing: their pages stay once they are there. */
	if (!(a[0] & MCL_CURRENT))
		return mlock_allowed(td, 0);
	if ((error = mlock_allowed(td, vm->vm_map->m_total -
					   MIN(vm->vm_map->m_total, vm->vm_locked))) != 0)
		return error;
	return lock_all(vm, true);
}

SYSCALL(munlockall)
{
	(void)a;
	(void)retval;
	return lock_all(td->td_proc->ps_vmspace, false);
}
