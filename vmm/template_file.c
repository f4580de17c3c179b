/* SPDX-License-Identifier: ISC */
/* template_file.c: templates as files: save, load, verify. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "cpu_x86_64.h"
#include "loader.h"
#include "template.h"

#define CHUNK (1u << 20)

static int
io_failed(struct tine_error *error, const char *what)
{
	return tine_error_set(error, errno, "template-write", "%s: %s", what, strerror(errno));
}

/* Copy len bytes; their checksum goes to *crc. */
static int
copy_range(int from, uint64_t from_at, int to, uint64_t to_at, uint64_t len, uint32_t *crc,
	   struct tine_error *error)
{
	uint8_t *buf = malloc(CHUNK);
	int r = buf != NULL ? 0 : tine_error_set(error, ENOMEM, "no-memory", "out of memory");

	*crc = 0;
	while (r == 0 && len > 0) {
		size_t want = len < CHUNK ? (size_t)len : CHUNK;
		ssize_t n = pread(from, buf, want, (off_t)from_at);

		if (n <= 0 || pwrite(to, buf, (size_t)n, (off_t)to_at) != n) {
			r = io_failed(error, "copying a template");
			break;
		}
		*crc = crc32c(*crc, buf, (size_t)n);
		from_at += (uint64_t)n;
		to_at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	free(buf);
	return r;
}

static uint64_t
page_up(uint64_t v)
{
	return (v + TINE_PAGE_SIZE - 1) & ~(uint64_t)(TINE_PAGE_SIZE - 1);
}

/* Data first, the head last: a file whose head is right is complete. */
static int
write_all(const struct tine_template *tmpl, int fd, struct template_head *head,
	  struct tine_error *error)
{
	uint64_t at = TEMPLATE_DATA;
	int r = 0;

	*head = tmpl->head;
	for (uint32_t i = 0; r == 0 && i < head->nextents; i++) {
		struct template_extent *e = &head->extent[i];

		r = copy_range(tmpl->fd, e->offset, fd, at, e->len, &e->crc, error);
		e->offset = at;
		at += e->len;
	}
	if (r == 0 && head->rootfs_size != 0) {
		r = copy_range(template_rootfs_fd(tmpl), head->rootfs_offset, fd, at,
			       head->rootfs_size, &head->rootfs_crc, error);
		head->rootfs_offset = at;
		head->flags &= ~TEMPLATE_ROOTFS_APART;
		at = page_up(at + head->rootfs_size);
	}
	if (r == 0 && ftruncate(fd, (off_t)at) < 0)
		r = io_failed(error, "template");
	return r == 0 ? template_write_head(fd, head, error) : r;
}

int
template_save(const struct tine_template *tmpl, const char *path, struct tine_error *error)
{
	struct template_head *head = malloc(sizeof(*head));
	char tmp[PATH_MAX];
	int fd, r;

	if (head == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= sizeof(tmp)) {
		free(head);
		return tine_error_set(error, ENAMETOOLONG, "template-write", "%s: too long", path);
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		free(head);
		return io_failed(error, path);
	}
	r = write_all(tmpl, fd, head, error);
	if (r == 0 && (fchmod(fd, 0400) < 0 || rename(tmp, path) < 0))
		r = io_failed(error, path);
	if (r != 0)
		unlink(tmp);
	close(fd);
	free(head);
	return r;
}

static int
verify_range(const struct tine_template *tmpl, uint64_t offset, uint64_t len, uint32_t crc,
	     struct tine_error *error)
{
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, tmpl->fd, (off_t)offset);
	uint32_t found;

	if (p == MAP_FAILED)
		return tine_error_set(error, errno, "no-memory", "cannot map the template: %s",
				      strerror(errno));
	found = crc32c(0, p, len);
	munmap(p, len);
	if (found != crc)
		return tine_error_set(error, EBADMSG, "template-damaged",
				      "the template is damaged between bytes %llu and %llu",
				      (unsigned long long)offset, (unsigned long long)offset + len);
	return 0;
}

int
template_verify_data(const struct tine_template *tmpl, struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < head->nextents; i++)
		r = verify_range(tmpl, head->extent[i].offset, head->extent[i].len,
				 head->extent[i].crc, error);
	if (r == 0 && head->rootfs_size != 0)
		r = verify_range(tmpl, head->rootfs_offset, head->rootfs_size, head->rootfs_crc,
				 error);
	return r;
}

/* The kernel that a new sandbox would boot is the one that the template has booted. */
static int
check_kernel(const struct template_head *head, struct tine_error *error)
{
	char path[PATH_MAX];
	uint64_t size;
	uint32_t crc;
	int r = kernel_find(path, sizeof(path), error);

	if (r == 0)
		r = template_kernel_sum(path, &crc, &size, error);
	if (r == 0 && (crc != head->kernel_crc || size != head->kernel_size))
		r = tine_error_set(error, ENOTSUP, "template-kernel",
				   "the template was made with another kernel than %s", path);
	return r;
}

int
template_load(const char *path, struct tine_template **out, struct tine_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r;
	struct tine_template *t;
	uint32_t hash;

	if (fd < 0)
		return tine_error_set(error, errno, "template-not-found", "%s: %s", path,
				      strerror(errno));
	r = template_open(fd, -1, &t, error);
	if (r != 0)
		return r;
	r = template_verify_data(t, error);
	if (r == 0)
		r = check_kernel(&t->head, error);
	if (r == 0)
		r = cpu_hash(&hash, error);
	if (r == 0 && hash != t->head.cpu_hash)
		r = tine_error_set(error, ENOTSUP, "template-cpu",
				   "the template was made on a CPU with other features");
	if (r == 0)
		*out = t;
	else
		template_release(t);
	return r;
}
