/* SPDX-License-Identifier: ISC */
/* vm_region.h: the region array beneath an address space, for vm_map.c and vmspace.c (vm_region.c).
 */
#ifndef VM_REGION_H
#define VM_REGION_H

#include <sys/vm.h>

struct vm_map *map_create(void); /* empty, refs 1, or NULL */
void map_release(struct vm_map *);
/* Make the map private to vm, with room for extra more regions.  What follows cannot fail. ENOMEM.
 */
int map_own(struct vmspace *vm, uint32_t extra);

/* Index of the first region with r_end > va (m_count: none). */
uint32_t map_index(const struct vm_map *, vaddr_t va);
/* True if regions cover [start, end) without a hole. */
bool map_covered(const struct vm_map *, vaddr_t start, vaddr_t end);
/* Make va a border between regions, if it lies inside one (needs room for one). */
void map_split(struct vm_map *, vaddr_t va);
/* Join equal neighbours among the regions that touch [start, end]. */
void map_merge(struct vm_map *, vaddr_t start, vaddr_t end);
/* Insert a region where there is none; object and vnode gain a reference (room for one). */
void map_insert(struct vm_map *, const struct region *);
/* Delete all regions in [start, end), whose ends are borders. */
void map_delete(struct vm_map *, vaddr_t start, vaddr_t end);
/* Change protection or flags of the region at index i. */
void map_change(struct vm_map *, uint32_t i, int prot, uint32_t flags);
/* Move the start of the region at index i (growing stack, no object). */
void map_extend_down(struct vm_map *, uint32_t i, vaddr_t start);

static inline uint64_t
region_npages(const struct region *r)
{
	return atop(r->r_end - r->r_start);
}

#endif
