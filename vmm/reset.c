/* SPDX-License-Identifier: ISC */
/*
 * reset.c: put a clone back to the state of its template, in place.
 *
 * The vCPU thread does it, when it has been made to leave the guest: nobody then has to wait for it
 * to stand still, and it goes on by itself.
 *
 * The first reset gives all memory of the clone's own back to the host, and has KVM log from then
 * on which pages are written to.  Later ones copy the template's content into these: host and guest
 * keep them mapped, so that neither the reset nor the next run takes page faults for them.  The log
 * is not cleared, which would make KVM protect the pages again; a page that has been written to
 * once is copied each time.  When there are more than KEPT_PAGES of them the clone begins anew, as
 * with its first reset.
 *
 * KVM logs its own writes too (kvmclock); what this process writes where the guest says is noted by
 * mem_note_write().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "template.h"
#include "vm.h"

#define KEPT_PAGES 1024u /* 4 MiB */

static int
failed(struct tine_error *error, const char *what)
{
	return tine_error_set(error, errno != 0 ? errno : EIO, "no-memory", "%s: %s", what,
			      strerror(errno));
}

/* ---- the template's content ---- */

static uint64_t
words_of(const struct mem_region *m)
{
	return (m->size / TINE_PAGE_SIZE + 63) / 64;
}

static uint64_t
data_end(const struct template_head *head)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < head->nextents; i++)
		if (head->extent[i].offset + head->extent[i].len > end)
			end = head->extent[i].offset + head->extent[i].len;
	return end;
}

static int
open_template(struct vm *vm, const struct tine_template *tmpl, struct tine_error *error)
{
	const struct mem_region *low = &vm->mem.region[MEM_LOW], *high = &vm->mem.region[MEM_HIGH];
	uint64_t words = words_of(low) > words_of(high) ? words_of(low) : words_of(high);
	uint64_t size = data_end(&tmpl->head);
	void *p;

	if (vm->reset.log == NULL)
		vm->reset.log = calloc(words, sizeof(vm->reset.log[0]));
	if (vm->reset.log == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	if (vm->reset.file != NULL || size == 0)
		return 0;
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, tmpl->fd, 0);
	if (p == MAP_FAILED)
		return failed(error, "mapping the template");
	vm->reset.file = p;
	vm->reset.size = size;
	return 0;
}

void
vm_reset_free(struct vm *vm)
{
	if (vm->reset.file != NULL)
		munmap((void *)(uintptr_t)vm->reset.file, vm->reset.size);
	free(vm->reset.log);
	vm->reset = (struct vm_reset){0};
}

/* A file that somebody has truncated must not be read through its mapping. */
static int
check_size(const struct vm *vm, const struct tine_template *tmpl, struct tine_error *error)
{
	off_t size = lseek(tmpl->fd, 0, SEEK_END); /* a quarter of what fstat() takes */

	if (size < 0)
		return failed(error, "the template's file");
	if ((uint64_t)size < vm->reset.size)
		return tine_error_set(error, EBADMSG, "template-truncated",
				      "the template's file has been truncated");
	return 0;
}

/* ---- back to it ---- */

/* Where the search for the extent of a page goes on: pages come in ascending order. */
struct cursor {
	const struct vm *vm;
	const struct template_head *head;
	uint32_t extent;
	uint64_t pages; /* restored so far */
};

/* RAM from offset start to end; a part at a time that is data in the template, or a hole. */
static void
restore_range(struct cursor *c, uint64_t start, uint64_t end, uint8_t *hva)
{
	c->pages += (end - start) / TINE_PAGE_SIZE;
	while (start < end) {
		const struct template_extent *e = &c->head->extent[c->extent];
		bool none = c->extent == c->head->nextents, data = !none && start >= e->start;
		uint64_t stop = none ? end : data ? e->start + e->len : e->start;
		size_t n;

		if (data && start >= stop) {
			c->extent++;
			continue;
		}
		n = (stop < end ? stop : end) - start;
		if (data)
			memcpy(hva, c->vm->reset.file + e->offset + (start - e->start), n);
		else
			memset(hva, 0, n);
		start += n;
		hva += n;
	}
}

/* The first page from `page' on that is in the log, or is not; n if there is none. */
static uint64_t
find_page(const uint64_t *log, uint64_t page, uint64_t n, bool logged)
{
	while (page < n) {
		uint64_t word = logged ? log[page / 64] : ~log[page / 64];

		word >>= page % 64;
		if (word != 0) {
			page += (unsigned)__builtin_ctzll(word);
			return page < n ? page : n;
		}
		page = (page | 63) + 1;
	}
	return n;
}

/* The pages of the slot that are in the log; base: RAM offset of its first. */
static int
restore_slot(struct cursor *c, enum mem_slot slot, uint64_t base, struct tine_error *error)
{
	const struct mem_region *m = &c->vm->mem.region[slot];
	uint64_t n = m->size / TINE_PAGE_SIZE, first, end;
	int r;

	if (n == 0)
		return 0;
	r = mem_read_log(&c->vm->mem, slot, c->vm->vm_fd, c->vm->reset.log, error);
	if (r != 0)
		return r;
	for (end = 0; c->pages <= KEPT_PAGES;) {
		uint64_t most;

		first = find_page(c->vm->reset.log, end, n, true);
		if (first == n)
			break;
		most = first + KEPT_PAGES + 1 - c->pages;
		end = find_page(c->vm->reset.log, first, most < n ? most : n, false);
		restore_range(c, base + first * TINE_PAGE_SIZE, base + end * TINE_PAGE_SIZE,
			      m->hva + first * TINE_PAGE_SIZE);
	}
	return 0;
}

static void
restore_written(const struct vm *vm, const struct template_head *head)
{
	for (uint32_t i = 0; i < vm->mem.nwritten; i++) {
		struct cursor c = {.vm = vm, .head = head};
		gpa_t gpa = vm->mem.written[i];
		void *hva = mem_at(&vm->mem, gpa, TINE_PAGE_SIZE);

		if (gpa >= TINE_GPA_HIGH)
			gpa = gpa - TINE_GPA_HIGH + vm->mem.region[MEM_LOW].size;
		if (hva != NULL)
			restore_range(&c, gpa, gpa + TINE_PAGE_SIZE, hva);
	}
}

/* 1: there is no log, or there are too many pages in it. */
static int
restore(struct vm *vm, const struct tine_template *tmpl, struct tine_error *error)
{
	struct cursor c = {.vm = vm, .head = &tmpl->head};
	int r;

	if (atomic_load(&vm->mem.log) != MEM_LOG_RESET || vm->mem.nwritten > MEM_WRITTEN)
		return 1;
	r = check_size(vm, tmpl, error);
	if (r == 0)
		r = restore_slot(&c, MEM_LOW, 0, error);
	if (r == 0)
		r = restore_slot(&c, MEM_HIGH, vm->mem.region[MEM_LOW].size, error);
	if (r == 0)
		restore_written(vm, &tmpl->head);
	return r == 0 && c.pages > KEPT_PAGES ? 1 : r;
}

static int
give_back(const struct mem_region *m, struct tine_error *error)
{
	return m->size == 0 || madvise(m->hva, m->size, MADV_DONTNEED) == 0
		   ? 0
		   : failed(error, "madvise");
}

static int
begin_anew(struct vm *vm, const struct tine_template *tmpl, struct tine_error *error)
{
	int r = open_template(vm, tmpl, error);

	if (r == 0)
		r = give_back(&vm->mem.region[MEM_LOW], error);
	if (r == 0)
		r = give_back(&vm->mem.region[MEM_HIGH], error);
	return r == 0 ? mem_log_writes(&vm->mem, MEM_LOG_RESET, vm->vm_fd, error) : r;
}

static int
reset(struct vm *vm, struct tine_error *error)
{
	const struct tine_template *tmpl = vm->reset.tmpl;
	int r = restore(vm, tmpl, error);

	if (r == 1)
		r = begin_anew(vm, tmpl, error);
	if (r == 0)
		r = vcpu_state_reset(vm->vcpu_fd, vm->run, &tmpl->head.cpu, error);
	return r == 0 ? vm_identify(vm, tmpl, vm->reset.options, error) : r;
}

/* ---- on request ---- */

void
vm_reset_ask(struct vm *vm, const struct tine_template *tmpl, const struct vm_options *options)
{
	vm->reset.tmpl = tmpl;
	vm->reset.options = options;
	atomic_store(&vm->reset.asked, true);
	vcpu_kick(vm);
}

bool
vm_reset_pending(const struct vm *vm)
{
	return atomic_load(&vm->reset.asked);
}

void
vm_reset_serve(struct vm *vm)
{
	struct tine_error error;

	if (!vm_reset_pending(vm))
		return;
	if (reset(vm, &error) != 0) /* half of it is of the past, half of the template */
		vm_end_set(vm, VM_FAILED, 0, &error);
	atomic_store(&vm->reset.asked, false);
}
