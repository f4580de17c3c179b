/* SPDX-License-Identifier: ISC */
/* sys_mem.c: system calls that make, change and remove mappings: mmap, munmap, mprotect, mremap,
 * brk. */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

int
user_range(vaddr_t addr, uint64_t len, vaddr_t *end)
{
	if ((addr & PAGE_MASK) != 0)
		return EINVAL;
	if (addr > VM_USER_MAX || len > VM_USER_MAX - addr)
		return ENOMEM;
	*end = addr + round_page(len);
	return 0;
}

/* ---- mmap ---- */

/* What a mapping of the file may ever be, or why it may not be made at all. */
static int
file_rights(const struct file *fp, int prot, bool shared, int *maxprot)
{
	const uint32_t sealed = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

	*maxprot = PROT_ALL;
	if (!f_readable(fp))
		return EACCES;
	if (!shared)
		return 0;
	if (!f_writable(fp) || (fp->f_vnode != NULL && (fp->f_vnode->v_seals & sealed)))
		*maxprot &= ~PROT_WRITE;
	return (prot & PROT_WRITE) && !f_writable(fp) ? EACCES : 0;
}

/* Fill in what is mapped; object and vnode are held. */
static int
mmap_file(struct thread *td, int fd, int flags, struct map_args *ma)
{
	bool shared = ma->rflags & R_SHARED;
	struct file *fp;
	int error;

	if ((error = getfile(td, fd, &fp)) != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (fp->f_ops->fo_mmap == NULL)
		error = ENODEV;
	else if ((error = file_rights(fp, ma->prot, shared, &ma->maxprot)) == 0)
		error = fp->f_ops->fo_mmap(fp, ma->prot, flags, ma->offset, &ma->maxprot,
					   &ma->object, &ma->vnode);
	file_release(fp);
	return error;
}

static int
mmap_what(struct thread *td, const uint64_t *a, struct map_args *ma)
{
	int flags = (int)a[3], error;

	if (!(flags & MAP_ANONYMOUS)) {
		if ((flags & MAP_GROWSDOWN) || ma->offset + ma->len > (uint64_t)INT64_MAX)
			return flags & MAP_GROWSDOWN ? EINVAL : EOVERFLOW;
		if ((error = mmap_file(td, (int)a[4], flags, ma)) != 0 || ma->object != NULL)
			return error;
	}
	/* Anonymous, or a device that is: private memory has no object. */
	ma->offset = 0;
	if ((ma->rflags & R_SHARED) && (ma->object = vm_object_create(ma->len)) == NULL)
		return ENOMEM;
	return 0;
}

static int
mmap_flags(struct map_args *ma, int flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(MAP_KNOWN | MAP_TYPE))
			return EOPNOTSUPP;
		__attribute__((fallthrough));
	case MAP_SHARED:
		if (flags & MAP_GROWSDOWN)
			return EINVAL;
		ma->rflags |= R_SHARED;
		break;
	case MAP_PRIVATE:
		break;
	default:
		return EINVAL;
	}
	if (flags & MAP_HUGETLB)
		return ENOMEM; /* there is no pool of huge pages */
	if (flags & MAP_GROWSDOWN)
		ma->rflags |= R_STACK;
	if (flags & MAP_LOCKED)
		ma->rflags |= R_LOCKED;
	if (flags & MAP_NORESERVE)
		ma->rflags |= R_NORESERVE;
	ma->fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	ma->noreplace = flags & MAP_FIXED_NOREPLACE;
	ma->low32 = flags & MAP_32BIT;
	return 0;
}

static int
populate_region(struct vmspace *vm, vaddr_t va, vaddr_t end, int prot)
{
	int error = 0;

	if (prot == 0)
		return 0;
	for (; error == 0 && va < end; va += PAGE_SIZE)
		error = vm_fault(vm, va, prot & PROT_WRITE ? VMF_WRITE : VMF_READ);
	return error;
}

/* Nothing is lost if memory runs out on the way: the rest comes on demand. */
void
vm_populate(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	const struct region *r;
	vaddr_t stop;

	for (; start < end; start = stop) {
		if ((r = vm_map_lookup(vm->vm_map, start)) == NULL)
			return;
		stop = MIN(end, r->r_end);
		if (populate_region(vm, start, stop, r->r_prot) != 0)
			return;
	}
}

SYSCALL(mmap)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	struct map_args ma = {.addr = a[0],
			      .len = round_page(a[1]),
			      .prot = (int)a[2] & PROT_ALL,
			      .maxprot = PROT_ALL,
			      .offset = a[5]};
	int flags = (int)a[3], error;
	vaddr_t addr = 0;

	if (a[1] == 0 || (a[5] & PAGE_MASK) != 0 || (int64_t)a[5] < 0)
		return EINVAL;
	if (a[1] > VM_USER_MAX)
		return ENOMEM;
	if ((error = mmap_flags(&ma, flags)) != 0 || (error = mmap_what(td, a, &ma)) != 0)
		return error;
	if ((flags & MAP_LOCKED) && (error = mlock_allowed(td, atop(ma.len))) == ENOMEM)
		error = EAGAIN;
	if (error == 0)
		error = vm_map_enter(vm, &ma, &addr);
	if (ma.object != NULL)
		vm_object_release(ma.object);
	if (ma.vnode != NULL)
		vrele(ma.vnode);
	if (error != 0)
		return error;
	if (flags & (MAP_POPULATE | MAP_LOCKED) && !(flags & MAP_NONBLOCK))
		vm_populate(vm, addr, addr + ma.len);
	*retval = (long)addr;
	return 0;
}

SYSCALL(munmap)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	vaddr_t end;

	(void)retval;
	if (a[1] == 0 || user_range(a[0], a[1], &end) != 0)
		return EINVAL;
	return vm_map_remove(vm, a[0], end);
}

SYSCALL(mprotect)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	int prot = (int)a[2] & ~PROT_GROWSDOWN, error;
	const struct region *r;
	vaddr_t start = a[0], end;

	(void)retval;
	if ((prot & ~(PROT_ALL | PROT_SEM)) != 0)
		return EINVAL;
	if ((error = user_range(start, a[1], &end)) != 0 || start == end)
		return error;
	if (a[2] & PROT_GROWSDOWN) {
		if ((r = vm_map_lookup(vm->vm_map, start)) == NULL)
			return ENOMEM;
		if (!(r->r_flags & R_STACK))
			return EINVAL;
		start = r->r_start;
	}
	return vm_map_protect(vm, start, end, prot & PROT_ALL);
}

SYSCALL(brk)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;

	if (a[0] != 0 && a[0] != vm->vm_brk)
		(void)vm_brk(vm, a[0]);
	*retval = (long)vm->vm_brk;
	return 0;
}

/* ---- mremap ---- */

struct remap {
	vaddr_t from, to;
	vsize_t oldlen, newlen;
	int flags;
};

static int
remap_check(const struct vmspace *vm, const struct remap *rm)
{
	const struct region *r = vm_map_lookup(vm->vm_map, rm->from);

	if (r == NULL || r->r_end - rm->from < rm->oldlen)
		return EFAULT;
	if (rm->oldlen == 0 && !(r->r_flags & R_SHARED))
		return EINVAL; /* only shared memory can be mapped a second time */
	if ((rm->flags & MREMAP_DONTUNMAP) &&
	    (rm->oldlen != rm->newlen || (r->r_flags & R_SHARED) || r->r_object != NULL))
		return EINVAL;
	return 0;
}

/* Longer at the same place: the new part is equal to the region before it and merges. */
static int
remap_grow(struct vmspace *vm, const struct remap *rm)
{
	const struct region *r = vm_map_lookup(vm->vm_map, rm->from);
	struct map_args ma;
	vaddr_t at;

	if (rm->from + rm->oldlen != r->r_end || rm->newlen > VM_USER_MAX - rm->from)
		return ENOMEM;
	ma = (struct map_args){.addr = r->r_end,
			       .len = rm->newlen - rm->oldlen,
			       .prot = r->r_prot,
			       .maxprot = r->r_maxprot,
			       .rflags = r->r_flags,
			       .fixed = true,
			       .noreplace = true,
			       .object = r->r_object,
			       .offset = r->r_offset + (r->r_end - r->r_start),
			       .vnode = r->r_vnode};
	return vm_map_enter(vm, &ma, &at);
}

static int
remap_move(struct vmspace *vm, struct remap *rm)
{
	if (!(rm->flags & MREMAP_FIXED) &&
	    (rm->to = vm_map_findspace(vm, 0, rm->newlen, false)) == 0)
		return ENOMEM;
	return vm_map_move(vm, rm->from, rm->oldlen, rm->to, rm->newlen,
			   (rm->flags & MREMAP_DONTUNMAP) || rm->oldlen == 0);
}

/* Cut the old range to the new length; what is left is moved or grown by the caller. */
static int
remap_shrink(struct vmspace *vm, struct remap *rm)
{
	int error = vm_map_remove(vm, rm->from + rm->newlen, rm->from + rm->oldlen);

	if (error == 0)
		rm->oldlen = rm->newlen;
	return error;
}

static int
remap(struct vmspace *vm, struct remap *rm)
{
	int error;

	if ((error = remap_check(vm, rm)) != 0)
		return error;
	if (rm->newlen < rm->oldlen && (error = remap_shrink(vm, rm)) != 0)
		return error;
	if (rm->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_move(vm, rm);
	rm->to = rm->from;
	if (rm->newlen == rm->oldlen)
		return 0;
	if (rm->oldlen != 0 && remap_grow(vm, rm) == 0)
		return 0;
	return rm->flags & MREMAP_MAYMOVE ? remap_move(vm, rm) : ENOMEM;
}

SYSCALL(mremap)
{
	struct vmspace *vm = td->td_proc->ps_vmspace;
	struct remap rm = {a[0], a[4], 0, 0, (int)a[3]};
	const int known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
	vaddr_t end;
	int error;

	if ((rm.flags & ~known) != 0 ||
	    ((rm.flags & ~MREMAP_MAYMOVE) && !(rm.flags & MREMAP_MAYMOVE)))
		return EINVAL;
	if (a[2] == 0 || a[2] > VM_USER_MAX || user_range(a[0], a[1], &end) != 0)
		return EINVAL;
	rm.oldlen = end - a[0];
	rm.newlen = round_page(a[2]);
	if ((rm.flags & MREMAP_FIXED) && (user_range(rm.to, rm.newlen, &end) != 0 ||
					  (rm.to < rm.from + rm.oldlen && rm.from < end)))
		return EINVAL;
	if ((error = remap(vm, &rm)) != 0)
		return error;
	*retval = (long)rm.to;
	return 0;
}
