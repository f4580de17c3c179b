/* SPDX-License-Identifier: ISC */
/* workset.c: the working set of a template, see workset.h: found, checked, made one's own. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"
#include "pagemap.h"
#include "vmm.h"
#include "workset.h"

#define PM_BATCH 512u

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

bool
workset_add(struct workset *ws, uint32_t page)
{
	struct workset_range *last = ws->nranges > 0 ? &ws->range[ws->nranges - 1] : NULL;

	if (ws->npages == WORKSET_PAGES)
		return false;
	if (last != NULL && page == last->page + last->count) {
		last->count++;
	} else {
		if (ws->nranges == WORKSET_RANGES)
			return false;
		ws->range[ws->nranges++] = (struct workset_range){page, 1};
	}
	ws->npages++;
	return true;
}

/* Pages of a region whose first is number base of RAM; false when there is no room for more. */
static bool
collect_region(struct workset *ws, const struct mem_region *m, uint32_t base, int pagemap_fd)
{
	uint64_t pages = m->size / TINE_PAGE_SIZE, pm[PM_BATCH];

	for (uint64_t at = 0; at < pages; at += PM_BATCH) {
		size_t n = pages - at < PM_BATCH ? (size_t)(pages - at) : PM_BATCH;

		if (!pagemap_read(pagemap_fd, m->hva + at * TINE_PAGE_SIZE, pm, n))
			return false;
		for (size_t i = 0; i < n; i++)
			if (pagemap_is_written(pm[i]) &&
			    !workset_add(ws, base + (uint32_t)(at + i)))
				return false;
	}
	return true;
}

void
workset_collect(struct workset *ws, const struct guest_mem *mem, int pagemap_fd)
{
	const struct mem_region *low = &mem->region[MEM_LOW], *high = &mem->region[MEM_HIGH];

	ws->nranges = ws->npages = 0;
	if (collect_region(ws, low, 0, pagemap_fd))
		collect_region(ws, high, (uint32_t)(low->size / TINE_PAGE_SIZE), pagemap_fd);
}

size_t
workset_size(const struct workset *ws)
{
	return offsetof(struct workset, range) + ws->nranges * sizeof(ws->range[0]);
}

static bool
is_valid(const struct workset *ws, uint64_t ram_pages)
{
	uint64_t end = 0, sum = 0;

	for (uint32_t i = 0; i < ws->nranges; i++) {
		const struct workset_range *r = &ws->range[i];

		if (r->count == 0 || r->page >= ram_pages || r->count > ram_pages - r->page ||
		    (i > 0 && r->page <= end))
			return false;
		end = (uint64_t)r->page + r->count;
		sum += r->count;
	}
	return sum == ws->npages && sum <= WORKSET_PAGES;
}

int
workset_decode(struct workset *ws, const void *payload, size_t len, uint64_t ram_bytes,
	       struct tine_error *error)
{
	const size_t head = offsetof(struct workset, range);

	ws->nranges = ws->npages = 0;
	if (len >= head && len <= sizeof(*ws)) {
		memcpy(ws, payload, len);
		if (ws->nranges <= WORKSET_RANGES && len == workset_size(ws) &&
		    is_valid(ws, ram_bytes / TINE_PAGE_SIZE))
			return 0;
	}
	ws->nranges = ws->npages = 0;
	return tine_error_set(error, EPROTO, "control-protocol",
			      "a working set that makes no sense");
}

static void
populate(const struct mem_region *m, uint64_t offset, uint64_t len)
{
	/* Where it fails (Linux before 5.14, no memory) the guest takes its faults as ever. */
	if (len > 0)
		madvise(m->hva + offset, len, MADV_POPULATE_WRITE);
}

void
workset_populate(const struct workset *ws, const struct guest_mem *mem)
{
	const struct mem_region *low = &mem->region[MEM_LOW], *high = &mem->region[MEM_HIGH];

	for (uint32_t i = 0; i < ws->nranges; i++) {
		uint64_t start = (uint64_t)ws->range[i].page * TINE_PAGE_SIZE;
		uint64_t end = start + (uint64_t)ws->range[i].count * TINE_PAGE_SIZE;
		uint64_t cut = end < low->size ? end : low->size;

		if (start < cut)
			populate(low, start, cut - start);
		if (end > low->size) {
			uint64_t from = start > low->size ? start : low->size;

			populate(high, from - low->size, end - from);
		}
	}
}
