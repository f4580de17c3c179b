/* SPDX-License-Identifier: ISC */
/*
 * vm_fault.c: page faults, and access to the memory of other address spaces.
 *
 * Read faults never make a shared page table private: what they enter, pages of objects and the
 * zero frame, is the same for all that share the table.  Only a write needs a private path.
 */
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/stats.h>

#define AROUND_PAGES 16 /* entered with a file page that faults: each costs less than a fault */

static uint64_t
object_index(const struct region *r, vaddr_t va)
{
	return atop(r->r_offset + (va - r->r_start));
}

static int
region_check(const struct region *r, int access)
{
	if (r->r_prot == 0 || ((access & VMF_WRITE) && !(r->r_prot & PROT_WRITE)) ||
	    ((access & VMF_EXEC) && !(r->r_prot & PROT_EXEC)))
		return EACCES;
	return 0;
}

/* Enter a frame whose reference is ours. */
static int
enter_page(struct vmspace *vm, const struct region *r, vaddr_t va, paddr_t pa, int flags)
{
	int error = pmap_enter(&vm->vm_pmap, va, pa, r->r_prot, flags);

	if (error != 0)
		pa_release(pa);
	return error;
}

/* First write to a page of private anonymous memory. */
static int
fault_zero_fill(struct vmspace *vm, const struct region *r, vaddr_t va)
{
	struct page *pg = vm_page_alloc(PGA_ZERO);

	STAT_INC(zero_fill_faults);
	return pg == NULL ? ENOMEM : enter_page(vm, r, va, page_to_pa(pg), 0);
}

/*
 * Private anonymous memory that is read before it is written gets the frame of zeroes: sparse
 * readers stay small.  Most pages are written first and never come here.
 */
static int
fault_zero_read(struct vmspace *vm, const struct region *r, vaddr_t va)
{
	STAT_INC(zero_fill_faults);
	return pmap_fill(&vm->vm_pmap, va, &vm_zero_pa, 1, r->r_prot, PMAP_COW);
}

/* First access to a page of a private mapping is a write: map a copy straight away. */
static int
fault_private_write(struct vmspace *vm, const struct region *r, vaddr_t va)
{
	struct page *pg;
	paddr_t pa;
	int error;

	if ((error = vm_object_page(r->r_object, object_index(r, va), false, &pa)) != 0)
		return error;
	pg = vm_page_alloc(pa == vm_zero_pa ? PGA_ZERO : 0);
	if (pg != NULL && pa != vm_zero_pa)
		vm_copy_page(page_to_dm(pg), PHYS_TO_DM(pa));
	pa_release(pa);
	return pg == NULL ? ENOMEM : enter_page(vm, r, va, page_to_pa(pg), 0);
}

/* Could the mapping ever be written?  Then only frames of the object itself may be in it. */
static bool
needs_frames(const struct region *r)
{
	return (r->r_flags & R_SHARED) && (r->r_maxprot & PROT_WRITE);
}

static int
fault_shared_write(struct vmspace *vm, const struct region *r, vaddr_t va)
{
	paddr_t pa;
	int error = vm_object_page(r->r_object, object_index(r, va), true, &pa);

	return error != 0 ? error : enter_page(vm, r, va, pa, PMAP_SHARED);
}

/* Read from a page of an object: map it, and its neighbours that are there already. */
static int
fault_object_read(struct vmspace *vm, const struct region *r, vaddr_t va)
{
	const vsize_t window = AROUND_PAGES * PAGE_SIZE;
	vaddr_t base = va & ~(window - 1), start = MAX(r->r_start, base),
		end = MIN(r->r_end, base + window), v;
	bool frames = needs_frames(r);
	paddr_t pas[AROUND_PAGES];
	unsigned n = 0;
	int error;

	error = vm_object_page(r->r_object, object_index(r, va), frames, &pas[atop(va - start)]);
	if (error != 0)
		return error;
	for (v = start; v < end; v += PAGE_SIZE, n++)
		if (v != va &&
		    !vm_object_resident(r->r_object, object_index(r, v), frames, &pas[n]))
			pas[n] = PA_NONE;
	if (!frames)
		r->r_object->ob_flags |= OB_LOANED;
	return pmap_fill(&vm->vm_pmap, start, pas, n, r->r_prot,
			 r->r_flags & R_SHARED ? PMAP_SHARED : PMAP_COW);
}

/* Nothing is mapped at va. */
static int
fault_missing(struct vmspace *vm, const struct region *r, vaddr_t va, bool write)
{
	int error;

	if (r->r_object == NULL)
		return write ? fault_zero_fill(vm, r, va) : fault_zero_read(vm, r, va);
	STAT_INC(file_faults);
	if (!write)
		error = fault_object_read(vm, r, va);
	else if (r->r_flags & R_SHARED)
		error = fault_shared_write(vm, r, va);
	else
		error = fault_private_write(vm, r, va);
	return error == EFAULT ? EIO : error; /* past the end of the object */
}

static const struct region *
fault_region(struct vmspace *vm, vaddr_t va)
{
	const struct region *r = vm_map_lookup(vm->vm_map, va);
	uint64_t limit = RLIM_INFINITY;

	if (r != NULL)
		return r;
	if (curthread != NULL && curthread->td_proc->ps_limit != NULL)
		limit = lim_cur(curthread->td_proc, RLIMIT_STACK);
	return vm_map_growstack(vm, va, limit) ? vm_map_lookup(vm->vm_map, va) : NULL;
}

int
vm_fault(struct vmspace *vm, vaddr_t va, int access)
{
	const struct region *r;
	paddr_t pa;
	int error, prot;

	if (va >= VM_USER_MAX)
		return EFAULT;
	va = trunc_page(va);
	if ((r = fault_region(vm, va)) == NULL)
		return EFAULT;
	if ((error = region_check(r, access)) != 0)
		return error;
	if (curthread != NULL)
		curthread->td_ru.minflt++;
	if (access & VMF_WRITE) {
		error = pmap_write_fault(&vm->vm_pmap, va, r->r_object == NULL ? r->r_prot : 0);
		return error != ENOENT ? error : fault_missing(vm, r, va, true);
	}
	if (pmap_extract(&vm->vm_pmap, va, &pa, &prot))
		return 0; /* the processor remembered what the entry was before */
	return fault_missing(vm, r, va, false);
}

/* ---- other address spaces ---- */

/*
 * The frame behind va, made present for the access.  force: a write may go to a private page whose
 * region is not writable; it gets a copy that the program still cannot write to.
 */
static int
access_page(struct vmspace *vm, vaddr_t va, bool write, bool force, paddr_t *pa)
{
	const struct region *r = fault_region(vm, va);
	int error, prot;
	bool forced;

	if (r == NULL)
		return EFAULT;
	if (pmap_extract(&vm->vm_pmap, va, pa, &prot) && (prot & (write ? PROT_WRITE : PROT_READ)))
		return 0;
	prot = r->r_prot;
	forced = write && force && !(prot & PROT_WRITE) && !(r->r_flags & R_SHARED);
	if ((error = vm_fault(vm, va, write && !forced ? VMF_WRITE : VMF_READ)) != 0)
		return error;
	if (forced && ((error = pmap_write_fault(&vm->vm_pmap, va, 0)) != 0 ||
		       (error = pmap_protect(&vm->vm_pmap, va, va + PAGE_SIZE, prot)) != 0))
		return error;
	return pmap_extract(&vm->vm_pmap, va, pa, &prot) ? 0 : EFAULT;
}

int
vmspace_rw(struct vmspace *vm, vaddr_t va, void *kbuf, size_t len, bool write, bool force)
{
	paddr_t pa;
	size_t n;
	char *p;
	int error;

	if (va >= VM_USER_MAX || len > VM_USER_MAX - va)
		return EFAULT;
	for (; len > 0; len -= n, va += n, kbuf = (char *)kbuf + n) {
		n = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
		if ((error = access_page(vm, trunc_page(va), write, force, &pa)) != 0)
			return error;
		p = (char *)PHYS_TO_DM(pa) + (va & PAGE_MASK);
		memcpy(write ? p : kbuf, write ? kbuf : p, n);
	}
	return 0;
}
