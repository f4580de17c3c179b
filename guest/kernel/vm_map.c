/* SPDX-License-Identifier: ISC */
/*
 * vm_map.c: changes to the regions of an address space.
 *
 * Each operation makes the region array private with enough room, then has the page tables follow,
 * both of which can fail without a visible effect, and only then changes the array.  Changing
 * regions also makes the page tables around the edges of the change private: tables are shared only
 * between address spaces whose regions are the same over a table's whole span.
 */
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "vm_region.h"

/* Resource limit of the running process in pages; none for the kernel's own work. */
static uint64_t
limit_pages(int which)
{
	if (curthread == NULL || curthread->td_proc->ps_limit == NULL)
		return atop(RLIM_INFINITY);
	return atop(lim_cur(curthread->td_proc, which));
}

/* Pages of [start, end) that are mapped, and how many of them count as data. */
static void
count_mapped(const struct vm_map *map, vaddr_t start, vaddr_t end, uint64_t *total, uint64_t *data)
{
	const struct region *r;
	uint64_t n;

	*total = *data = 0;
	for (uint32_t i = map_index(map, start); i < map->m_count; i++) {
		r = &map->m_region[i];
		if (r->r_start >= end)
			break;
		n = atop(MIN(r->r_end, end) - MAX(r->r_start, start));
		*total += n;
		if ((r->r_prot & PROT_WRITE) && !(r->r_flags & (R_SHARED | R_STACK | R_TEXT)))
			*data += n;
	}
}

/* RLIMIT_AS and RLIMIT_DATA; credit: pages that will go once the new region is there. */
static int
check_limits(const struct vm_map *map, const struct region *r, uint64_t credit)
{
	uint64_t total, data, n = region_npages(r);

	count_mapped(map, r->r_start, r->r_end, &total, &data);
	if (map->m_total - total + n > limit_pages(RLIMIT_AS) + credit)
		return ENOMEM;
	if ((r->r_prot & PROT_WRITE) && !(r->r_flags & (R_SHARED | R_STACK | R_TEXT)) &&
	    map->m_dsize - data + n > limit_pages(RLIMIT_DATA) + credit)
		return ENOMEM;
	return 0;
}

/* ---- free space ---- */

/* Index of the first region that starts at va or above. */
static uint32_t
index_from(const struct vm_map *map, vaddr_t va)
{
	uint32_t i = map_index(map, va);

	return i < map->m_count && map->m_region[i].r_start < va ? i + 1 : i;
}

/* Upper end of the hole below region i: a stack keeps its distance. */
static vaddr_t
hole_end(const struct vm_map *map, uint32_t i, vaddr_t top)
{
	const struct region *r = &map->m_region[i];
	vaddr_t end = top;

	if (i < map->m_count) {
		end = r->r_start;
		if (r->r_flags & R_STACK)
			end = end > VM_STACK_GAP ? end - VM_STACK_GAP : 0;
	}
	return MIN(end, top);
}

/* Highest hole of len bytes in [bottom, top), 0 if none; *largest grows with the holes passed. */
static vaddr_t
search_down(const struct vm_map *map, vaddr_t bottom, vaddr_t top, vsize_t len, vsize_t *largest)
{
	vaddr_t start, end;

	for (uint32_t i = index_from(map, top);; i--) {
		end = hole_end(map, i, top);
		start = i > 0 ? MAX(map->m_region[i - 1].r_end, bottom) : bottom;
		if (start < end && end - start >= len)
			return end - len;
		if (start < end)
			*largest = MAX(*largest, end - start);
		if (i == 0 || map->m_region[i - 1].r_start <= bottom)
			return 0;
	}
}

static bool
range_free(const struct vm_map *map, vaddr_t start, vaddr_t end)
{
	const struct region *r = vm_map_lookup_ge(map, start);

	return r == NULL || r->r_start >= end;
}

vaddr_t
vm_map_findspace(struct vmspace *vm, vaddr_t hint, vsize_t len, bool low32)
{
	vaddr_t top = low32 ? 1UL << 31 : VM_USER_MAX, va;
	const struct vm_map *map = vm->vm_map;
	vsize_t largest = 0;

	if (len == 0 || len > top)
		return 0;
	hint = trunc_page(hint);
	if (hint >= VM_MIN_ADDR && hint <= top - len && range_free(map, hint, hint + len))
		return hint;
	if (low32)
		return search_down(map, VM_MIN_ADDR, top, len, &largest);
	if (vm->vm_hint == 0 || vm->vm_hint > vm->vm_mmap_base || len <= vm->vm_hole) {
		vm->vm_hint = vm->vm_mmap_base;
		vm->vm_hole = 0;
	}
	largest = vm->vm_hole;
	if ((va = search_down(map, VM_MIN_ADDR, vm->vm_hint, len, &largest)) != 0) {
		vm->vm_hint = va + len;
		vm->vm_hole = largest;
		return va;
	}
	return search_down(map, VM_MIN_ADDR, top, len, &largest);
}

/* A hole has appeared at va: the search must not miss it. */
static void
note_hole(struct vmspace *vm, vaddr_t va)
{
	const struct vm_map *map = vm->vm_map;
	uint32_t i = map_index(map, va);
	vaddr_t end = i < map->m_count ? map->m_region[i].r_start : VM_USER_MAX;
	vaddr_t start = i > 0 ? map->m_region[i - 1].r_end : 0;

	if (end > vm->vm_hint)
		vm->vm_hole = MAX(vm->vm_hole, end - start);
}

/* ---- map and unmap ---- */

/* Make the map private, with room to split at both ends and for extra more regions. */
static int
own_for_change(struct vmspace *vm, vaddr_t start, vaddr_t end, uint32_t extra, bool may_exceed)
{
	const struct region *first = vm_map_lookup(vm->vm_map, start);
	const struct region *last = vm_map_lookup(vm->vm_map, end - 1);

	extra += first != NULL && first->r_start < start;
	extra += last != NULL && last->r_end > end;
	if (extra > 0 && !may_exceed && vm->vm_map->m_count + extra > VM_MAX_REGIONS)
		return ENOMEM;
	return map_own(vm, extra);
}

static void
split_ends(struct vm_map *map, vaddr_t start, vaddr_t end)
{
	map_split(map, start);
	map_split(map, end);
}

static int
choose_address(struct vmspace *vm, const struct map_args *ma, vaddr_t *va)
{
	if (ma->len == 0 || (ma->len & PAGE_MASK) != 0 || ma->offset + ma->len < ma->offset)
		return EINVAL;
	if (ma->len > VM_USER_MAX)
		return ENOMEM;
	if (!ma->fixed) {
		*va = vm_map_findspace(vm, ma->addr, ma->len, ma->low32);
		return *va != 0 ? 0 : ENOMEM;
	}
	*va = ma->addr;
	if ((ma->addr & PAGE_MASK) != 0)
		return EINVAL;
	if (ma->addr > VM_USER_MAX - ma->len)
		return ENOMEM;
	if (ma->noreplace && !range_free(vm->vm_map, *va, *va + ma->len))
		return EEXIST;
	return 0;
}

/* Locked pages of [start, end) go; a forked child has regions marked that were never counted. */
static void
uncount_locked(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	const struct vm_map *map = vm->vm_map;

	for (uint32_t i = map_index(map, start); vm->vm_locked > 0 && i < map->m_count; i++) {
		if (map->m_region[i].r_start >= end)
			break;
		if (map->m_region[i].r_flags & R_LOCKED)
			vm->vm_locked -= MIN(vm->vm_locked, region_npages(&map->m_region[i]));
	}
}

static int
map_enter(struct vmspace *vm, const struct map_args *ma, uint64_t credit, vaddr_t *addr)
{
	struct region r = {.r_prot = (uint8_t)ma->prot,
			   .r_maxprot = (uint8_t)ma->maxprot,
			   .r_flags = (uint16_t)ma->rflags,
			   .r_object = ma->object,
			   .r_offset = ma->object != NULL ? ma->offset : 0,
			   .r_vnode = ma->vnode};
	int error;

	if ((error = choose_address(vm, ma, &r.r_start)) != 0)
		return error;
	r.r_end = r.r_start + ma->len;
	if ((error = check_limits(vm->vm_map, &r, credit)) != 0)
		return error;
	if ((error = own_for_change(vm, r.r_start, r.r_end, 1, false)) != 0 ||
	    (error = pmap_remove(&vm->vm_pmap, r.r_start, r.r_end)) != 0)
		return error;
	split_ends(vm->vm_map, r.r_start, r.r_end);
	uncount_locked(vm, r.r_start, r.r_end);
	map_delete(vm->vm_map, r.r_start, r.r_end);
	map_insert(vm->vm_map, &r);
	if (r.r_flags & R_LOCKED)
		vm->vm_locked += region_npages(&r);
	map_merge(vm->vm_map, r.r_start, r.r_end);
	*addr = r.r_start;
	return 0;
}

int
vm_map_enter(struct vmspace *vm, const struct map_args *ma, vaddr_t *addr)
{
	return map_enter(vm, ma, 0, addr);
}

int
vm_map_remove(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	int error;

	if (start >= end || range_free(vm->vm_map, start, end))
		return 0;
	if ((error = own_for_change(vm, start, end, 0, true)) != 0 ||
	    (error = pmap_remove(&vm->vm_pmap, start, end)) != 0)
		return error;
	split_ends(vm->vm_map, start, end);
	uncount_locked(vm, start, end);
	map_delete(vm->vm_map, start, end);
	note_hole(vm, start);
	return 0;
}

/* ---- attributes ---- */

int
vm_map_protect(struct vmspace *vm, vaddr_t start, vaddr_t end, int prot)
{
	struct vm_map *map = vm->vm_map;
	uint32_t i;
	int error;

	if (start >= end)
		return 0;
	if (!map_covered(map, start, end))
		return ENOMEM;
	for (i = map_index(map, start); i < map->m_count && map->m_region[i].r_start < end; i++)
		if (prot & ~map->m_region[i].r_maxprot)
			return EACCES;
	if ((error = own_for_change(vm, start, end, 0, false)) != 0 ||
	    (error = pmap_protect(&vm->vm_pmap, start, end, prot)) != 0)
		return error;
	map = vm->vm_map;
	split_ends(map, start, end);
	for (i = map_index(map, start); i < map->m_count && map->m_region[i].r_start < end; i++)
		map_change(map, i, prot, map->m_region[i].r_flags);
	map_merge(map, start, end);
	return 0;
}

int
vm_map_setflags(struct vmspace *vm, vaddr_t start, vaddr_t end, uint32_t set, uint32_t clear)
{
	struct vm_map *map;
	struct region *r;
	int error;

	if (start >= end)
		return 0;
	if (!map_covered(vm->vm_map, start, end))
		return ENOMEM;
	if ((error = own_for_change(vm, start, end, 0, false)) != 0)
		return error;
	map = vm->vm_map;
	split_ends(map, start, end);
	for (uint32_t i = map_index(map, start); i < map->m_count; i++) {
		r = &map->m_region[i];
		if (r->r_start >= end)
			break;
		map_change(map, i, r->r_prot, (r->r_flags | set) & ~clear);
	}
	map_merge(map, start, end);
	return 0;
}

int
vm_map_advise_free(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	int error;

	if (start >= end)
		return 0;
	if ((error = pmap_remove(&vm->vm_pmap, start, end)) != 0)
		return error;
	return map_covered(vm->vm_map, start, end) ? 0 : ENOMEM;
}

/* ---- moving, growing ---- */

int
vm_map_move(struct vmspace *vm, vaddr_t from, vsize_t oldlen, vaddr_t to, vsize_t newlen,
	    bool keep_old)
{
	const struct region *r = vm_map_lookup(vm->vm_map, from);
	struct map_args ma;
	vaddr_t addr;
	int error;

	if (r == NULL || r->r_end - from < oldlen)
		return EFAULT;
	ma = (struct map_args){.addr = to,
			       .len = newlen,
			       .prot = r->r_prot,
			       .maxprot = r->r_maxprot,
			       .rflags = r->r_flags,
			       .fixed = true,
			       .object = r->r_object,
			       .offset = r->r_offset + (from - r->r_start),
			       .vnode = r->r_vnode};
	/* Room for every step, so that undoing and finishing cannot fail. */
	if ((error = map_own(vm, 8)) != 0 ||
	    (error = pmap_unshare(&vm->vm_pmap, from, from + oldlen)) != 0 ||
	    (error = map_enter(vm, &ma, keep_old ? 0 : atop(oldlen), &addr)) != 0)
		return error;
	error = pmap_move(&vm->vm_pmap, from, to, MIN(oldlen, newlen));
	if (error != 0)
		(void)vm_map_remove(vm, to, to + newlen);
	else if (!keep_old)
		error = vm_map_remove(vm, from, from + oldlen);
	return error;
}

int
vm_brk(struct vmspace *vm, vaddr_t newbrk)
{
	vaddr_t old = round_page(vm->vm_brk), new, addr;
	struct map_args ma;
	int error = 0;

	if (newbrk < vm->vm_brk_start || newbrk > VM_USER_MAX - PAGE_SIZE)
		return ENOMEM;
	new = round_page(newbrk);
	ma = (struct map_args){.addr = old,
			       .len = new - old,
			       .prot = PROT_READ | PROT_WRITE,
			       .maxprot = PROT_ALL,
			       .rflags = R_HEAP,
			       .fixed = true,
			       .noreplace = true};
	if (new > old)
		error = vm_map_enter(vm, &ma, &addr);
	else if (new < old)
		error = vm_map_remove(vm, new, old);
	if (error != 0)
		return ENOMEM;
	vm->vm_brk = newbrk;
	return 0;
}

bool
vm_map_growstack(struct vmspace *vm, vaddr_t va, uint64_t limit)
{
	const struct vm_map *map = vm->vm_map;
	uint32_t i = map_index(map, va);
	const struct region *r = &map->m_region[i];
	vaddr_t start, floor = VM_MIN_ADDR;

	va = trunc_page(va);
	if (i == map->m_count || !(r->r_flags & R_STACK) || r->r_start <= va ||
	    r->r_end - va > limit)
		return false;
	start = r->r_start;
	/* A neighbour that nobody can touch is a guard itself. */
	if (i > 0)
		floor = MAX(floor, r[-1].r_end + (r[-1].r_prot != 0 ? VM_STACK_GAP : 0));
	if (va < floor || map->m_total + atop(start - va) > limit_pages(RLIMIT_AS))
		return false;
	if (map_own(vm, 0) != 0 || pmap_unshare(&vm->vm_pmap, va, start) != 0)
		return false;
	map_extend_down(vm->vm_map, i, va);
	return true;
}
