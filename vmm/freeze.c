/* SPDX-License-Identifier: ISC */
/* freeze.c: copy what a standing VM consists of into a template's file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cpu_x86_64.h"
#include "freeze.h"
#include "pagemap.h"

#define CHUNK (1u << 20)
#define PM_BATCH 512u

static int
failed(struct tine_error *error, const char *what)
{
	return tine_error_set(error, errno != 0 ? errno : EIO, "template-write", "%s: %s", what,
			      strerror(errno));
}

static int
copy_extent(const struct template_extent *e, int from, int to, uint8_t *buf,
	    struct tine_error *error)
{
	for (uint64_t done = 0; done < e->len;) {
		size_t want = e->len - done < CHUNK ? (size_t)(e->len - done) : CHUNK;
		ssize_t n = pread(from, buf, want, (off_t)(e->offset + done));

		if (n <= 0 ||
		    pwrite(to, buf, (size_t)n, (off_t)(TEMPLATE_DATA + e->start + done)) != n)
			return failed(error, "copying the template");
		done += (uint64_t)n;
	}
	return 0;
}

int
freeze_copy_template(const struct tine_template *tmpl, int fd, struct tine_error *error)
{
	uint8_t *buf;
	int r = 0;

	if (tmpl == NULL)
		return 0;
	buf = malloc(CHUNK);
	if (buf == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	for (uint32_t i = 0; r == 0 && i < tmpl->head.nextents; i++)
		r = copy_extent(&tmpl->head.extent[i], tmpl->fd, fd, buf, error);
	free(buf);
	return r;
}

/* Runs of own pages among n pages from hva, which are RAM from offset at on. */
static int
copy_runs(const uint64_t *pm, size_t n, const uint8_t *hva, uint64_t at, int fd,
	  struct tine_error *error)
{
	for (size_t i = 0, end; i < n; i = end) {
		size_t len;

		for (end = i; end < n && pagemap_is_own(pm[end]) == pagemap_is_own(pm[i]); end++)
			;
		if (!pagemap_is_own(pm[i]))
			continue;
		len = (end - i) * TINE_PAGE_SIZE;
		if (pwrite(fd, hva + i * TINE_PAGE_SIZE, len,
			   (off_t)(TEMPLATE_DATA + at + i * TINE_PAGE_SIZE)) != (ssize_t)len)
			return failed(error, "copying memory");
	}
	return 0;
}

static int
copy_region(const struct mem_region *m, uint64_t at, int pagemap_fd, int fd,
	    struct tine_error *error)
{
	uint64_t pm[PM_BATCH];
	int r = 0;

	for (uint64_t done = 0; r == 0 && done < m->size;) {
		uint64_t pages = (m->size - done) / TINE_PAGE_SIZE;
		size_t n = pages < PM_BATCH ? (size_t)pages : PM_BATCH;

		if (!pagemap_read(pagemap_fd, m->hva + done, pm, n))
			return failed(error, "/proc/PID/pagemap");
		r = copy_runs(pm, n, m->hva + done, at + done, fd, error);
		done += n * TINE_PAGE_SIZE;
	}
	return r;
}

int
freeze_copy_ram(const struct vm *vm, int pagemap_fd, int fd, struct tine_error *error)
{
	const struct mem_region *low = &vm->mem.region[MEM_LOW], *high = &vm->mem.region[MEM_HIGH];
	int r = copy_region(low, 0, pagemap_fd, fd, error);

	if (r == 0 && high->size != 0)
		r = copy_region(high, low->size, pagemap_fd, fd, error);
	return r;
}

/* Pages of a word of the log, in runs.  A page that was written to is the guest's own. */
static int
copy_word(uint64_t word, const struct mem_region *m, uint64_t first, uint64_t at, int fd,
	  struct tine_error *error)
{
	while (word != 0) {
		unsigned bit = (unsigned)__builtin_ctzll(word);
		uint64_t rest = ~(word >> bit);
		unsigned n = rest != 0 ? (unsigned)__builtin_ctzll(rest) : 64;
		uint64_t where = (first + bit) * TINE_PAGE_SIZE, len = n * TINE_PAGE_SIZE;

		if (pwrite(fd, m->hva + where, len, (off_t)(TEMPLATE_DATA + at + where)) !=
		    (ssize_t)len)
			return failed(error, "copying memory");
		word = bit + n < 64 ? word >> (bit + n) << (bit + n) : 0;
	}
	return 0;
}

static int
copy_log(const struct vm *vm, enum mem_slot slot, uint64_t at, int fd, struct tine_error *error)
{
	const struct mem_region *m = &vm->mem.region[slot];
	uint64_t words = (m->size / TINE_PAGE_SIZE + 63) / 64;
	uint64_t *bits;
	int r;

	if (m->size == 0)
		return 0;
	bits = calloc(words, sizeof(bits[0]));
	if (bits == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	r = mem_read_log(&vm->mem, slot, vm->vm_fd, bits, error);
	for (uint64_t w = 0; r == 0 && w < words; w++)
		if (bits[w] != 0)
			r = copy_word(bits[w], m, w * 64, at, fd, error);
	free(bits);
	return r;
}

int
freeze_copy_written(const struct vm *vm, int fd, struct tine_error *error)
{
	int r = copy_log(vm, MEM_LOW, 0, fd, error);

	return r == 0 ? copy_log(vm, MEM_HIGH, vm->mem.region[MEM_LOW].size, fd, error) : r;
}

int
freeze_state(const struct vm *vm, struct template_head *head, struct tine_error *error)
{
	int r = cpu_hash(&head->cpu_hash, error);

	head->ram_low = vm->mem.region[MEM_LOW].size;
	head->ram_high = vm->mem.region[MEM_HIGH].size;
	head->rootfs_size = vm->mem.rootfs_size;
	head->kernel_start = vm->kernel.start;
	head->kernel_data = vm->kernel.data;
	head->kernel_end = vm->kernel.end;
	head->tsc_khz = vm->tsc_khz;
	head->generation = vm->generation;
	memcpy(&head->stats, vm->mem.shared + TINE_SHARED_STATS, sizeof(head->stats));
	return r == 0 ? vcpu_state_get(vm->vcpu_fd, &head->cpu, error) : r;
}
