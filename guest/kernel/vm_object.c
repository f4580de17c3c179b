/* SPDX-License-Identifier: ISC */
/*
 * vm_object.c: objects: pages of a file or of shared anonymous memory that several mappings share.
 *
 * A page is a frame of the object, or lies in the backing image, or is a hole.  Only frames are
 * ever written: the first write to any other page makes a frame of it, and if the page has been
 * lent to mappings in its old form (OB_LOANED) those are taken away, to fault the frame in.
 */
#include <sys/kmem.h>
#include <sys/pmap.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "vm_radix.h"

static struct pool object_pool = POOL_INITIALIZER("vm_object", struct vm_object);

struct vm_object *
vm_object_create(uint64_t size)
{
	struct vm_object *ob = pool_get(&object_pool, M_ZERO);

	if (ob == NULL)
		return NULL;
	ob->ob_refs = 1;
	ob->ob_size = size;
	return ob;
}

void
vm_object_hold(struct vm_object *ob)
{
	ob->ob_refs++;
}

void
vm_object_release(struct vm_object *ob)
{
	KASSERT(ob->ob_refs > 0);
	if (--ob->ob_refs > 0)
		return;
	radix_remove(&ob->ob_tree, 0, UINT64_MAX);
	pool_put(&object_pool, ob);
}

/* ---- pages ---- */

static uint64_t
object_npages(const struct vm_object *ob)
{
	return atop(ob->ob_size) + ((ob->ob_size & PAGE_MASK) != 0);
}

/* Where the content of a page that is not a frame comes from. */
static paddr_t
page_source(const struct vm_object *ob, uint64_t idx)
{
	if (ob->ob_backing != 0 && idx <= atop(UINT64_MAX) && ptoa(idx) < ob->ob_backing_len)
		return ob->ob_backing + ptoa(idx);
	return vm_zero_pa;
}

static int
page_make(struct vm_object *ob, uint64_t idx, paddr_t *pa)
{
	paddr_t source = page_source(ob, idx);
	struct page *pg = vm_page_alloc(source == vm_zero_pa ? PGA_ZERO : 0);

	if (pg == NULL)
		return ENOMEM;
	if (source != vm_zero_pa)
		vm_copy_page(page_to_dm(pg), PHYS_TO_DM(source));
	if (radix_insert(&ob->ob_tree, idx, pg) != 0) {
		vm_page_release(pg);
		return ENOMEM;
	}
	ob->ob_npages++;
	if (ob->ob_nmaps == 0)
		ob->ob_flags &= ~OB_LOANED;
	else if (ob->ob_flags & OB_LOANED)
		vm_object_unmap(ob, idx, idx + 1);
	vm_page_hold(pg);
	*pa = page_to_pa(pg);
	return 0;
}

int
vm_object_page(struct vm_object *ob, uint64_t idx, bool write, paddr_t *pa)
{
	struct page *pg;

	if (idx >= object_npages(ob))
		return EFAULT;
	if ((pg = radix_lookup(ob->ob_tree, idx)) != NULL) {
		vm_page_hold(pg);
		*pa = page_to_pa(pg);
		return 0;
	}
	if (write)
		return page_make(ob, idx, pa);
	*pa = page_source(ob, idx);
	return 0;
}

bool
vm_object_resident(struct vm_object *ob, uint64_t idx, bool frames_only, paddr_t *pa)
{
	struct page *pg;

	if (idx >= object_npages(ob))
		return false;
	if ((pg = radix_lookup(ob->ob_tree, idx)) != NULL) {
		vm_page_hold(pg);
		*pa = page_to_pa(pg);
		return true;
	}
	*pa = page_source(ob, idx);
	return !frames_only && *pa != vm_zero_pa;
}

/* ---- mappings ---- */

static void
region_unmap(struct vmspace *vm, const struct region *r, uint64_t first, uint64_t last)
{
	uint64_t base = atop(r->r_offset), n = atop(r->r_end - r->r_start);

	first = MAX(first, base);
	last = MIN(last, base + n);
	if (first < last)
		pmap_zap(&vm->vm_pmap, r->r_start + ptoa(first - base),
			 r->r_start + ptoa(last - base));
}

void
vm_object_unmap(struct vm_object *ob, uint64_t first, uint64_t last)
{
	const struct vm_map *map;
	struct process *ps;

	if (ob->ob_nmaps == 0)
		return;
	LIST_FOREACH (ps, &allprocess, ps_list) {
		if (ps->ps_vmspace == NULL)
			continue;
		map = ps->ps_vmspace->vm_map;
		for (uint32_t i = 0; i < map->m_count; i++)
			if (map->m_region[i].r_object == ob)
				region_unmap(ps->ps_vmspace, &map->m_region[i], first, last);
	}
}

/* ---- size ---- */

/* Make a frame of a page, unless it is a hole; only that can fail when bytes are cleared. */
static int
page_prepare(struct vm_object *ob, uint64_t idx)
{
	paddr_t pa;
	int error;

	if (idx >= object_npages(ob) || radix_lookup(ob->ob_tree, idx) != NULL ||
	    page_source(ob, idx) == vm_zero_pa)
		return 0;
	if ((error = page_make(ob, idx, &pa)) == 0)
		pa_release(pa);
	return error;
}

/* Zero [off, off + n), within one page, of a frame. */
static void
page_clear(struct vm_object *ob, uint64_t off, size_t n)
{
	struct page *pg = radix_lookup(ob->ob_tree, atop(off));

	if (pg != NULL)
		memset((char *)page_to_dm(pg) + (off & PAGE_MASK), 0, n);
}

int
vm_object_truncate(struct vm_object *ob, uint64_t size)
{
	uint64_t end = MIN(size, ob->ob_size), tail = end & PAGE_MASK;
	int error;

	/* What lies past the end in the last page may be anything that a mapping has written. */
	if (size != ob->ob_size && tail != 0) {
		if ((error = page_prepare(ob, atop(end))) != 0)
			return error;
		page_clear(ob, end, PAGE_SIZE - tail);
	}
	if (size < ob->ob_size) {
		uint64_t first = atop(size) + (tail != 0);

		vm_object_unmap(ob, first, UINT64_MAX);
		ob->ob_npages -= radix_remove(&ob->ob_tree, first, UINT64_MAX);
		ob->ob_backing_len = MIN(ob->ob_backing_len, ptoa(atop(size)));
	}
	ob->ob_size = size;
	return 0;
}

/* Frames for what cannot simply be dropped: pages punched in part, and those the image backs. */
static int
punch_prepare(struct vm_object *ob, uint64_t start, uint64_t end, uint64_t backed)
{
	int error = page_prepare(ob, atop(start));

	if (error == 0 && (end & PAGE_MASK) != 0)
		error = page_prepare(ob, atop(end));
	for (uint64_t idx = atop(start); error == 0 && idx < MIN(atop(end), backed); idx++)
		error = page_prepare(ob, idx);
	return error;
}

int
vm_object_punch(struct vm_object *ob, uint64_t start, uint64_t end)
{
	uint64_t backed = ob->ob_backing != 0 ? atop(ob->ob_backing_len + PAGE_MASK) : 0;
	uint64_t first = atop(start + PAGE_MASK), last;
	int error;

	end = MIN(end, ptoa(object_npages(ob)));
	last = atop(end);
	if (start >= end)
		return 0;
	if ((error = punch_prepare(ob, start, end, backed)) != 0)
		return error;
	if (first > last) {
		page_clear(ob, start, end - start);
		return 0;
	}
	page_clear(ob, start, ptoa(first) - start);
	page_clear(ob, ptoa(last), end - ptoa(last));
	for (; first < MIN(last, backed); first++)
		page_clear(ob, ptoa(first), PAGE_SIZE);
	if (first < last) {
		vm_object_unmap(ob, first, last);
		ob->ob_npages -= radix_remove(&ob->ob_tree, first, last);
	}
	return 0;
}

/* ---- reading and writing ---- */

static int
page_rw(struct vm_object *ob, uint64_t off, void *buf, size_t n, bool write, bool user)
{
	uint64_t idx = atop(off);
	paddr_t pa;
	char *p;
	int error = 0;

	if (write) {
		if ((error = vm_object_page(ob, idx, true, &pa)) != 0)
			return error;
	} else if (!vm_object_resident(ob, idx, false, &pa))
		pa = vm_zero_pa;
	p = (char *)PHYS_TO_DM(pa) + (off & PAGE_MASK);
	if (!user)
		memcpy(write ? p : buf, write ? buf : p, n);
	else
		error = write ? copyin(buf, p, n) : copyout(p, buf, n);
	pa_release(pa);
	return error;
}

int
vm_object_rw(struct vm_object *ob, uint64_t off, void *buf, size_t len, bool write, bool user)
{
	size_t n;
	int error = 0;

	if (off + len < off)
		return EFBIG;
	if (off + len > ob->ob_size) {
		if (!write)
			return EFAULT;
		if ((error = vm_object_truncate(ob, off + len)) != 0)
			return error;
	}
	for (; len > 0 && error == 0; len -= n, off += n) {
		n = MIN(len, PAGE_SIZE - (off & PAGE_MASK));
		error = page_rw(ob, off, buf, n, write, user);
		buf = (char *)buf + n;
	}
	return error;
}
