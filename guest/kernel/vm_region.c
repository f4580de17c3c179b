/* SPDX-License-Identifier: ISC */
/*
 * vm_region.c: the sorted array of regions beneath an address space.
 *
 * Forked address spaces share one array by reference count until one of them changes it.  The
 * references on objects and vnodes belong to the array, so sharing it costs nothing.
 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include "vm_region.h"

#define MAP_INITIAL 20 /* regions: what a small program has, in one block of kernel memory */
#define MAP_SLACK 8    /* beyond VM_MAX_REGIONS, so that a full map can be split to be unmapped */

static size_t
map_bytes(uint32_t capacity)
{
	return sizeof(struct vm_map) + capacity * sizeof(struct region);
}

/* ---- references and accounts ---- */

static bool
region_is_sharedwrite(const struct region *r)
{
	return (r->r_flags & R_SHARED) && (r->r_prot & PROT_WRITE);
}

static void
region_hold(const struct region *r)
{
	if (r->r_object != NULL) {
		vm_object_hold(r->r_object);
		r->r_object->ob_nmaps++;
		r->r_object->ob_nwrite += region_is_sharedwrite(r);
	}
	if (r->r_vnode != NULL)
		vhold(r->r_vnode);
}

/* Dropping a last reference may look at all maps: none must still show the object in this region.
 */
static void
region_drop(const struct region *r)
{
	if (r->r_object != NULL) {
		r->r_object->ob_nmaps--;
		r->r_object->ob_nwrite -= region_is_sharedwrite(r);
		vm_object_release(r->r_object);
	}
	if (r->r_vnode != NULL)
		vrele(r->r_vnode);
}

static void
account(struct vm_map *map, const struct region *r, int sign)
{
	uint64_t n = (uint64_t)(sign * (int64_t)region_npages(r));

	map->m_total += n;
	if (r->r_flags & R_STACK)
		map->m_ssize += n;
	else if (r->r_flags & R_TEXT)
		map->m_tsize += n;
	else if ((r->r_prot & PROT_WRITE) && !(r->r_flags & R_SHARED))
		map->m_dsize += n;
	if (r->r_flags & (R_DONTFORK | R_WIPEONFORK))
		map->m_nfork += (uint32_t)sign;
}

/* ---- the array ---- */

static struct vm_map *
map_alloc(uint32_t capacity)
{
	struct vm_map *map = kmalloc(map_bytes(capacity), 0);

	if (map == NULL)
		return NULL;
	*map = (struct vm_map){.m_refs = 1, .m_capacity = capacity};
	return map;
}

struct vm_map *
map_create(void)
{
	return map_alloc(MAP_INITIAL);
}

void
map_release(struct vm_map *map)
{
	if (--map->m_refs > 0)
		return;
	/* Not in any address space any more, so nobody sees it shrink. */
	while (map->m_count > 0)
		region_drop(&map->m_region[--map->m_count]);
	kfree(map);
}

static struct vm_map *
map_copy(const struct vm_map *from, uint32_t capacity)
{
	struct vm_map *map = map_alloc(capacity);

	if (map == NULL)
		return NULL;
	memcpy(map, from, map_bytes(from->m_count));
	map->m_refs = 1;
	map->m_capacity = capacity;
	for (uint32_t i = 0; i < map->m_count; i++)
		region_hold(&map->m_region[i]);
	return map;
}

static uint32_t
new_capacity(const struct vm_map *map, uint32_t need)
{
	return need <= map->m_capacity
		   ? map->m_capacity
		   : MIN(MAX(need, map->m_capacity * 2), (uint32_t)VM_MAX_REGIONS + MAP_SLACK);
}

int
map_own(struct vmspace *vm, uint32_t extra)
{
	struct vm_map *map = vm->vm_map, *own;
	uint32_t need = map->m_count + extra, capacity = new_capacity(map, need);

	if (need > VM_MAX_REGIONS + MAP_SLACK)
		return ENOMEM;
	if (map->m_refs > 1) {
		if ((own = map_copy(map, capacity)) == NULL)
			return ENOMEM;
		map->m_refs--;
	} else if (need > map->m_capacity) {
		if ((own = krealloc(map, map_bytes(capacity))) == NULL)
			return ENOMEM;
		own->m_capacity = capacity;
	} else
		return 0;
	vm->vm_map = own;
	return 0;
}

uint32_t
map_index(const struct vm_map *map, vaddr_t va)
{
	uint32_t lo = 0, hi = map->m_count, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (map->m_region[mid].r_end > va)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

const struct region *
vm_map_lookup_ge(const struct vm_map *map, vaddr_t va)
{
	uint32_t i = map_index(map, va);

	return i < map->m_count ? &map->m_region[i] : NULL;
}

const struct region *
vm_map_lookup(const struct vm_map *map, vaddr_t va)
{
	const struct region *r = vm_map_lookup_ge(map, va);

	return r != NULL && r->r_start <= va ? r : NULL;
}

bool
map_covered(const struct vm_map *map, vaddr_t start, vaddr_t end)
{
	for (uint32_t i = map_index(map, start); start < end; i++) {
		if (i == map->m_count || map->m_region[i].r_start > start)
			return false;
		start = map->m_region[i].r_end;
	}
	return true;
}

static void
open_slot(struct vm_map *map, uint32_t i)
{
	KASSERT(map->m_refs == 1 && map->m_count < map->m_capacity);
	memmove(&map->m_region[i + 1], &map->m_region[i],
		(map->m_count - i) * sizeof(struct region));
	map->m_count++;
}

static void
close_slots(struct vm_map *map, uint32_t i, uint32_t n)
{
	memmove(&map->m_region[i], &map->m_region[i + n],
		(map->m_count - i - n) * sizeof(struct region));
	map->m_count -= n;
}

void
map_insert(struct vm_map *map, const struct region *r)
{
	uint32_t i = map_index(map, r->r_start);

	open_slot(map, i);
	map->m_region[i] = *r;
	region_hold(r);
	account(map, r, 1);
}

void
map_split(struct vm_map *map, vaddr_t va)
{
	uint32_t i = map_index(map, va);
	struct region *r = &map->m_region[i];

	if (i == map->m_count || r->r_start >= va)
		return;
	open_slot(map, i + 1);
	account(map, r, -1);
	r[1] = r[0];
	r[0].r_end = r[1].r_start = va;
	if (r->r_object != NULL)
		r[1].r_offset += va - r[0].r_start;
	region_hold(&r[1]);
	account(map, &r[0], 1);
	account(map, &r[1], 1);
}

static bool
mergeable(const struct region *a, const struct region *b)
{
	return a->r_end == b->r_start && a->r_prot == b->r_prot && a->r_maxprot == b->r_maxprot &&
	       a->r_flags == b->r_flags && a->r_object == b->r_object && a->r_vnode == b->r_vnode &&
	       (a->r_object == NULL || a->r_offset + (a->r_end - a->r_start) == b->r_offset);
}

void
map_merge(struct vm_map *map, vaddr_t start, vaddr_t end)
{
	uint32_t i = start > 0 ? map_index(map, start - 1) : 0;
	struct region gone, *r;

	while (i + 1 < map->m_count && map->m_region[i].r_end <= end) {
		r = &map->m_region[i];
		if (!mergeable(r, r + 1)) {
			i++;
			continue;
		}
		account(map, r, -1);
		account(map, r + 1, -1);
		gone = r[1];
		r->r_end = gone.r_end;
		account(map, r, 1);
		close_slots(map, i + 1, 1);
		region_drop(&gone);
	}
}

void
map_delete(struct vm_map *map, vaddr_t start, vaddr_t end)
{
	uint32_t first = map_index(map, start), last = map_index(map, end - 1);
	struct region gone;

	if (last < map->m_count && map->m_region[last].r_start < end)
		last++;
	/* References go one by one while the regions are still in place, but without their object:
	 * dropping a last one may look at all maps. */
	for (uint32_t i = first; i < last; i++) {
		gone = map->m_region[i];
		account(map, &gone, -1);
		map->m_region[i].r_object = NULL;
		map->m_region[i].r_vnode = NULL;
		region_drop(&gone);
	}
	if (first < last)
		close_slots(map, first, last - first);
}

void
map_change(struct vm_map *map, uint32_t i, int prot, uint32_t flags)
{
	struct region *r = &map->m_region[i];

	account(map, r, -1);
	if (r->r_object != NULL)
		r->r_object->ob_nwrite -= region_is_sharedwrite(r);
	r->r_prot = (uint8_t)prot;
	r->r_flags = (uint16_t)flags;
	if (r->r_object != NULL)
		r->r_object->ob_nwrite += region_is_sharedwrite(r);
	account(map, r, 1);
}

void
map_extend_down(struct vm_map *map, uint32_t i, vaddr_t start)
{
	struct region *r = &map->m_region[i];

	account(map, r, -1);
	r->r_start = start;
	account(map, r, 1);
}
