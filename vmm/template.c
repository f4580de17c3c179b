/* SPDX-License-Identifier: ISC */
/* template.c: the descriptors and the head of a template; every field is checked before its use. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "template.h"

#define PAGE_BITS ((uint64_t)TINE_PAGE_SIZE - 1)
/* Pieces closer than this are one: fewer mappings.  Those of a base template are copied, except the
 * kernel's text, so that what lies between them would cost more than one more piece. */
#define GAP_MIN (64u << 10)
#define GAP_MIN_BASE (4u << 10)
#define GAP_MAX (1ull << 40)

size_t
template_head_len(const struct template_head *head)
{
	return offsetof(struct template_head, launch) + head->nlaunches * sizeof(head->launch[0]);
}

static uint32_t
head_crc(const struct template_head *head)
{
	size_t at = offsetof(struct template_head, crc), after = at + sizeof(head->crc);
	const uint32_t zero = 0;
	uint32_t crc = crc32c(0, head, at);

	crc = crc32c(crc, &zero, sizeof(zero));
	return crc32c(crc, (const uint8_t *)head + after, template_head_len(head) - after);
}

static int
damaged(struct tine_error *error, const char *what)
{
	return tine_error_set(error, EBADMSG, "template-damaged", "the template is damaged: %s",
			      what);
}

static int
truncated(struct tine_error *error)
{
	return tine_error_set(error, EBADMSG, "template-truncated", "the template is truncated");
}

static int
check_version(const struct template_head *head, struct tine_error *error)
{
	if (memcmp(head->magic, TEMPLATE_MAGIC, sizeof(head->magic)) != 0)
		return damaged(error, "this is no template at all");
	if (head->version != TEMPLATE_VERSION || head->abi_version != TINE_ABI_VERSION)
		return tine_error_set(error, ENOTSUP, "template-version",
				      "template of version %u.%u; this tine has version %u.%u",
				      head->version, head->abi_version, TEMPLATE_VERSION,
				      TINE_ABI_VERSION);
	return 0;
}

/* Of the launches only those that there are: most templates have a few, base templates none. */
static int
read_head(int fd, struct template_head *head, struct tine_error *error)
{
	const size_t first = offsetof(struct template_head, launch);
	size_t rest;
	int r;

	if (pread(fd, head, first, 0) != (ssize_t)first)
		return truncated(error);
	r = check_version(head, error);
	if (r != 0)
		return r;
	if (head->nlaunches > TEMPLATE_LAUNCHES)
		return damaged(error, "counts");
	rest = template_head_len(head) - first;
	if (rest > 0 && pread(fd, head->launch, rest, (off_t)first) != (ssize_t)rest)
		return truncated(error);
	if (head->size != sizeof(*head) || head->crc != head_crc(head))
		return damaged(error, "its head does not have the checksum that stands in it");
	return 0;
}

/* [offset, offset + len) lies behind the head and within the file. */
static bool
within(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset >= TEMPLATE_DATA && (offset & PAGE_BITS) == 0 && offset <= size &&
	       len <= size - offset;
}

static int
check_extents(const struct template_head *head, uint64_t size, struct tine_error *error)
{
	uint64_t ram = head->ram_low + head->ram_high, last = 0;

	if (head->nextents > TEMPLATE_EXTENTS)
		return damaged(error, "too many pieces");
	for (uint32_t i = 0; i < head->nextents; i++) {
		const struct template_extent *e = &head->extent[i];

		if (((e->start | e->len) & PAGE_BITS) != 0 || e->len == 0 || e->start < last ||
		    e->start >= ram || e->len > ram - e->start)
			return damaged(error, "a piece of RAM lies where there is none");
		if (!within(e->offset, e->len, size))
			return truncated(error);
		last = e->start + e->len;
	}
	return 0;
}

static int
check_memory(const struct template_head *head, struct tine_error *error)
{
	uint64_t ram = head->ram_low + head->ram_high;

	if (head->ram_low > TINE_GPA_LOW_MAX || head->ram_high > (uint64_t)TINE_RAM_MAX_MIB << 20 ||
	    (head->ram_high != 0 && head->ram_low != TINE_GPA_LOW_MAX) ||
	    ram < (uint64_t)TINE_RAM_MIN_MIB << 20 || ram > (uint64_t)TINE_RAM_MAX_MIB << 20 ||
	    ((head->ram_low | head->ram_high) & PAGE_BITS) != 0)
		return damaged(error, "memory size");
	if (head->kernel_start >= head->kernel_end || head->kernel_end > head->ram_low ||
	    head->kernel_data < head->kernel_start || head->kernel_data > head->kernel_end ||
	    ((head->kernel_start | head->kernel_data | head->kernel_end) & PAGE_BITS) != 0)
		return damaged(error, "place of the kernel");
	if (!vcpu_state_valid(&head->cpu))
		return damaged(error, "counts");
	return 0;
}

/* A root image, in this file or another, that is as large as the head says. */
static int
check_rootfs(const struct tine_template *t, uint64_t size, struct tine_error *error)
{
	const struct template_head *head = &t->head;
	struct stat st;

	if (head->rootfs_size == 0)
		return 0;
	if (head->rootfs_size > TINE_ROOTFS_MAX || (head->flags & TEMPLATE_BASE) != 0)
		return damaged(error, "root image");
	if ((head->flags & TEMPLATE_ROOTFS_APART) == 0)
		return within(head->rootfs_offset, head->rootfs_size, size) ? 0 : truncated(error);
	if (t->rootfs_fd < 0 || fstat(t->rootfs_fd, &st) < 0 ||
	    (head->rootfs_offset & PAGE_BITS) != 0 || head->rootfs_offset > (uint64_t)st.st_size ||
	    head->rootfs_size > (uint64_t)st.st_size - head->rootfs_offset)
		return damaged(error, "its root image is missing");
	return 0;
}

static int
check(const struct tine_template *t, struct tine_error *error)
{
	struct stat st;
	int r = 0;

	if (fstat(t->fd, &st) < 0)
		r = tine_error_set(error, errno, "template-damaged", "%s", strerror(errno));
	if (r == 0)
		r = check_memory(&t->head, error);
	if (r == 0)
		r = check_extents(&t->head, (uint64_t)st.st_size, error);
	if (r == 0)
		r = check_rootfs(t, (uint64_t)st.st_size, error);
	return r;
}

int
template_open(int fd, int rootfs_fd, struct tine_template **out, struct tine_error *error)
{
	/* Apart from the heap: it is large, and written to by none of the processes forked from one
	 * that has it. */
	struct tine_template *t =
	    mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (t == MAP_FAILED) {
		close(fd);
		if (rootfs_fd >= 0)
			close(rootfs_fd);
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	}
	atomic_init(&t->refs, 1);
	t->fd = fd;
	t->rootfs_fd = rootfs_fd;
	t->note = NULL;
	atomic_init(&t->workset_state, WORKSET_UNWANTED);
	r = read_head(fd, &t->head, error);
	if (r == 0)
		r = check(t, error);
	if (r == 0)
		*out = t;
	else
		template_release(t);
	return r;
}

struct tine_template *
template_hold(struct tine_template *tmpl)
{
	atomic_fetch_add(&tmpl->refs, 1);
	return tmpl;
}

void
template_release(struct tine_template *tmpl)
{
	if (tmpl == NULL || atomic_fetch_sub(&tmpl->refs, 1) != 1)
		return;
	close(tmpl->fd);
	if (tmpl->rootfs_fd >= 0)
		close(tmpl->rootfs_fd);
	free(tmpl->note);
	munmap(tmpl, sizeof(*tmpl));
}

int
template_write_head(int fd, struct template_head *head, struct tine_error *error)
{
	size_t len;

	memcpy(head->magic, TEMPLATE_MAGIC, sizeof(head->magic));
	head->version = TEMPLATE_VERSION;
	head->abi_version = TINE_ABI_VERSION;
	head->size = sizeof(*head);
	head->crc = head_crc(head);
	len = template_head_len(head);
	if (pwrite(fd, head, len, 0) != (ssize_t)len)
		return tine_error_set(error, errno != 0 ? errno : EIO, "template-write",
				      "cannot write the template: %s", strerror(errno));
	return 0;
}

/* One pass over the data of the file; false when there are more pieces than the head has room for.
 */
static bool
find_pieces(int fd, struct template_head *head, uint64_t gap)
{
	off_t end = (off_t)(TEMPLATE_DATA + head->ram_low + head->ram_high), at = TEMPLATE_DATA;
	struct template_extent *e = NULL;

	head->nextents = 0;
	while (at < end && (at = lseek(fd, at, SEEK_DATA)) >= 0 && at < end) {
		off_t hole = lseek(fd, at, SEEK_HOLE);
		uint64_t start = (uint64_t)at - TEMPLATE_DATA;
		uint64_t len = (uint64_t)((hole > end ? end : hole) - at);

		if (e != NULL && start - (e->start + e->len) < gap) {
			e->len = start + len - e->start;
		} else {
			if (head->nextents == TEMPLATE_EXTENTS)
				return false;
			e = &head->extent[head->nextents++];
			*e = (struct template_extent){start, len, (uint64_t)at, 0, 0};
		}
		at = hole;
	}
	return true;
}

int
template_find_extents(int fd, struct template_head *head, struct tine_error *error)
{
	bool base = (head->flags & TEMPLATE_BASE) != 0;

	for (uint64_t gap = base ? GAP_MIN_BASE : GAP_MIN; gap < GAP_MAX; gap *= 2)
		if (find_pieces(fd, head, gap))
			return 0;
	return tine_error_set(error, EINVAL, "template-write", "the memory has too many pieces");
}

int
template_fds(const struct tine_template *tmpl, int fds[2])
{
	fds[0] = tmpl->fd;
	fds[1] = tmpl->rootfs_fd;
	return (tmpl->head.flags & TEMPLATE_ROOTFS_APART) != 0 ? 2 : 1;
}

void
template_want_workset(struct tine_template *tmpl)
{
	int unwanted = WORKSET_UNWANTED;

	atomic_compare_exchange_strong(&tmpl->workset_state, &unwanted, WORKSET_WANTED);
}

const struct workset *
template_workset(const struct tine_template *tmpl)
{
	return atomic_load(&tmpl->workset_state) == WORKSET_KNOWN ? &tmpl->workset : NULL;
}

int
template_rootfs_fd(const struct tine_template *tmpl)
{
	return (tmpl->head.flags & TEMPLATE_ROOTFS_APART) != 0 ? tmpl->rootfs_fd : tmpl->fd;
}

uint64_t
template_data_bytes(const struct template_head *head)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < head->nextents; i++)
		sum += head->extent[i].len;
	return sum;
}

void
template_info(const struct tine_template *tmpl, struct template_info *info)
{
	const struct template_head *h = &tmpl->head;

	*info = (struct template_info){
	    .base = (h->flags & TEMPLATE_BASE) != 0,
	    .memory_bytes = h->ram_low + h->ram_high,
	    .data_bytes = template_data_bytes(h),
	    .rootfs_bytes = h->rootfs_size,
	    .generation = h->generation,
	    .nlaunches = h->nlaunches,
	};
}

uint32_t
template_launches(const struct tine_template *tmpl, uint32_t *ids, uint32_t max)
{
	for (uint32_t i = 0; i < tmpl->head.nlaunches && i < max; i++)
		ids[i] = tmpl->head.launch[i].id;
	return tmpl->head.nlaunches;
}
