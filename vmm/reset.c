/* SPDX-License-Identifier: ISC */
/* reset.c: put a clone back to the state of its template, in place. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pagemap.h"
#include "template.h"
#include "vm.h"

#define BATCH 512u
/* Memory of a template that is looked through page by page; of what lies behind it all pages are
 * given back, which costs a page fault for each that is used again. */
#define LOOKED_THROUGH (64ull << 20)

static int
failed(struct tine_error *error, const char *what)
{
	return tine_error_set(error, errno != 0 ? errno : EIO, "no-memory", "%s: %s", what,
			      strerror(errno));
}

/* What was written gets the template's content where it lies: the page stays mapped in the guest.
 * Runs of n pages from hva, which are the template's from offset on. */
static int
restore_runs(const uint64_t *pm, size_t n, uint8_t *hva, int fd, uint64_t offset,
	     struct tine_error *error)
{
	for (size_t i = 0, end; i < n; i = end) {
		size_t at, len;

		for (end = i; end < n && pagemap_is_own(pm[end]) == pagemap_is_own(pm[i]); end++)
			;
		at = i * TINE_PAGE_SIZE;
		len = (end - i) * TINE_PAGE_SIZE;
		if (pagemap_is_own(pm[i]) &&
		    pread(fd, hva + at, len, (off_t)(offset + at)) != (ssize_t)len)
			return failed(error, "reading the template");
	}
	return 0;
}

static int
restore(int pagemap_fd, uint8_t *hva, uint64_t len, int fd, uint64_t offset,
	struct tine_error *error)
{
	uint64_t pm[BATCH];
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < len; done += BATCH * TINE_PAGE_SIZE) {
		uint64_t pages = (len - done) / TINE_PAGE_SIZE;
		size_t n = pages < BATCH ? (size_t)pages : BATCH;

		if (!pagemap_read(pagemap_fd, hva + done, pm, n))
			return failed(error, "/proc/self/pagemap");
		r = restore_runs(pm, n, hva + done, fd, offset + done, error);
	}
	return r;
}

/* A clone's RAM: pieces of the template with anonymous memory between them.  [start, end) of a
 * region that begins at RAM offset base. */
struct range {
	uint64_t base, start, end;
};

static int
discard(const struct mem_region *m, const struct range *r, struct tine_error *error)
{
	if (r->start < r->end &&
	    madvise(m->hva + (r->start - r->base), r->end - r->start, MADV_DONTNEED) < 0)
		return failed(error, "madvise");
	return 0;
}

static uint64_t
min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int
reset_region(const struct mem_region *m, uint64_t base, const struct tine_template *tmpl,
	     int pagemap_fd, struct tine_error *error)
{
	struct range gap = {base, base, base};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < tmpl->head.nextents; i++) {
		const struct template_extent *e = &tmpl->head.extent[i];
		uint64_t start = max(e->start, base), end = min(e->start + e->len, base + m->size);

		if (start >= end || start >= LOOKED_THROUGH)
			continue;
		end = min(end, LOOKED_THROUGH);
		gap.end = start;
		r = discard(m, &gap, error);
		if (r == 0)
			r = restore(pagemap_fd, m->hva + (start - base), end - start, tmpl->fd,
				    e->offset + (start - e->start), error);
		gap.start = end;
	}
	gap.end = base + m->size;
	return r == 0 ? discard(m, &gap, error) : r;
}

int
vm_reset(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options,
	 int pagemap_fd, struct tine_error *error)
{
	const struct mem_region *low = &vm->mem.region[MEM_LOW], *high = &vm->mem.region[MEM_HIGH];
	int r = reset_region(low, 0, tmpl, pagemap_fd, error);

	if (r == 0 && high->size != 0)
		r = reset_region(high, low->size, tmpl, pagemap_fd, error);
	if (r == 0)
		r = vcpu_state_reset(vm->vcpu_fd, &tmpl->head.cpu, error);
	return r == 0 ? vm_identify(vm, tmpl, options, error) : r;
}
