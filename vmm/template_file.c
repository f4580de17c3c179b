/* SPDX-License-Identifier: ISC */
/* template_file.c: templates as files: save, load, verify. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
		ssize_t n = pread(from, buf, want, (off_t)from_at), w = 0;

		if (n > 0)
			w = pwrite(to, buf, (size_t)n, (off_t)to_at);
		if (n <= 0 || w != n) {
			/* A short one sets no errno: the source is shorter than it was, or the disk
			 * is full. */
			if (n >= 0 && w >= 0)
				errno = n == 0 ? EIO : ENOSPC;
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
write_all(const struct tine_template *tmpl, int fd, struct template_head *head, const void *note,
	  size_t note_len, struct tine_error *error)
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
	head->note_offset = at;
	head->note_size = (uint32_t)note_len;
	head->note_crc = crc32c(0, note, note_len);
	if (r == 0 && note_len > 0) {
		ssize_t w = pwrite(fd, note, note_len, (off_t)at);

		if (w >= 0)
			errno = ENOSPC;
		if (w != (ssize_t)note_len)
			r = io_failed(error, "template");
		at = page_up(at + note_len);
	}
	if (r == 0 && ftruncate(fd, (off_t)at) < 0)
		r = io_failed(error, "template");
	return r == 0 ? template_write_head(fd, head, error) : r;
}

/* To a temporary file first: a failure leaves nothing behind, and nobody sees half a template. */
static int
save(const struct tine_template *tmpl, const char *path, const void *note, size_t note_len,
     bool replace, struct tine_error *error)
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
	r = write_all(tmpl, fd, head, note, note_len, error);
	if (r == 0 && (fchmod(fd, 0400) < 0 || (replace ? rename(tmp, path) : link(tmp, path)) < 0))
		r = io_failed(error, path);
	if (r != 0 || !replace)
		unlink(tmp);
	close(fd);
	free(head);
	return r;
}

int
template_save(const struct tine_template *tmpl, const char *path, struct tine_error *error)
{
	return save(tmpl, path, "", 0, true, error);
}

int
template_save_new(const struct tine_template *tmpl, const char *path, const void *note,
		  size_t note_len, struct tine_error *error)
{
	struct stat st;

	if (note_len > TEMPLATE_NOTE_MAX)
		return tine_error_set(error, E2BIG, "template-write", "the note is too long");
	/* Found out before all of it is written; link() decides. */
	if (lstat(path, &st) == 0) {
		errno = EEXIST;
		return io_failed(error, path);
	}
	return save(tmpl, path, note, note_len, false, error);
}

static int
check_sum(uint32_t found, uint32_t crc, uint64_t offset, uint64_t len, struct tine_error *error)
{
	if (found == crc)
		return 0;
	return tine_error_set(error, EBADMSG, "template-damaged",
			      "the template is damaged between bytes %llu and %llu",
			      (unsigned long long)offset, (unsigned long long)offset + len);
}

static int
read_failed(ssize_t n, struct tine_error *error)
{
	if (n >= 0)
		return tine_error_set(error, EBADMSG, "template-truncated",
				      "the template is truncated");
	return tine_error_set(error, errno, "template-read", "reading a template: %s",
			      strerror(errno));
}

/* Read, not mapped: a file that shrinks meanwhile is an error, not the end of the process. */
static int
verify_range(const struct tine_template *tmpl, uint64_t offset, uint64_t len, uint32_t crc,
	     struct tine_error *error)
{
	uint8_t *buf = malloc(CHUNK);
	uint64_t done = 0;
	uint32_t found = 0;

	if (buf == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	while (done < len) {
		size_t want = len - done < CHUNK ? (size_t)(len - done) : CHUNK;
		ssize_t n = pread(tmpl->fd, buf, want, (off_t)(offset + done));

		if (n <= 0) {
			free(buf);
			return read_failed(n, error);
		}
		found = crc32c(found, buf, (size_t)n);
		done += (uint64_t)n;
	}
	free(buf);
	return check_sum(found, crc, offset, len, error);
}

static int
read_note(struct tine_template *tmpl, struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	ssize_t n;

	if (head->note_size == 0)
		return 0;
	if (head->note_size > TEMPLATE_NOTE_MAX)
		return tine_error_set(error, EBADMSG, "template-damaged",
				      "the template is damaged: its note is too long");
	tmpl->note = malloc(head->note_size);
	if (tmpl->note == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	n = pread(tmpl->fd, tmpl->note, head->note_size, (off_t)head->note_offset);
	if (n != (ssize_t)head->note_size)
		return read_failed(n, error);
	return check_sum(crc32c(0, tmpl->note, head->note_size), head->note_crc, head->note_offset,
			 head->note_size, error);
}

const void *
template_note(const struct tine_template *tmpl, size_t *len)
{
	*len = tmpl->note != NULL ? tmpl->head.note_size : 0;
	return tmpl->note;
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

/* What no checksum is of, beside the data, is zero. */
static int
verify_zero(const struct tine_template *tmpl, uint64_t from, uint64_t to, struct tine_error *error)
{
	uint8_t buf[TINE_PAGE_SIZE];

	while (from < to) {
		size_t want = to - from < sizeof(buf) ? (size_t)(to - from) : sizeof(buf);
		ssize_t n = pread(tmpl->fd, buf, want, (off_t)from);

		if (n <= 0)
			return read_failed(n, error);
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != 0)
				return check_sum(1, 0, from + (uint64_t)i, 1, error);
		from += (uint64_t)n;
	}
	return 0;
}

/* Behind the head, the root image and the note. */
static int
verify_padding(const struct tine_template *tmpl, struct tine_error *error)
{
	const struct template_head *head = &tmpl->head;
	const uint64_t end[] = {template_head_len(head), head->rootfs_offset + head->rootfs_size,
				head->note_offset + head->note_size};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(end) / sizeof(end[0]); i++)
		r = verify_zero(tmpl, end[i], i == 0 ? TEMPLATE_DATA : page_up(end[i]), error);
	return r;
}

/* Nothing is missing at the end of the file, and nothing is there that nobody has checked. */
static int
check_size(const struct template_head *head, uint64_t size, struct tine_error *error)
{
	uint64_t end = page_up(head->note_offset + head->note_size);

	if (size < end)
		return read_failed(0, error);
	if (size > end)
		return tine_error_set(
		    error, EBADMSG, "template-damaged",
		    "the template is damaged: it ends after %llu bytes, its file after %llu",
		    (unsigned long long)end, (unsigned long long)size);
	return 0;
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

/* Looked at before it is opened too: to open a device can have effects, and a socket cannot be. */
static int
open_regular(const char *path, struct stat *st, struct tine_error *error)
{
	bool other = stat(path, st) == 0 && !S_ISREG(st->st_mode);
	int fd = other ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	if (fd < 0 && !other)
		return tine_error_set(error, errno,
				      errno == ENOENT ? "template-not-found" : "template-read",
				      "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return tine_error_set(error, EINVAL, "template-read", "%s: not a regular file", path);
}

int
template_load(const char *path, struct tine_template **out, struct tine_error *error)
{
	struct tine_template *t;
	struct stat st;
	uint32_t hash;
	int fd = open_regular(path, &st, error), r;

	if (fd < 0)
		return fd;
	r = template_open(fd, -1, &t, error);
	if (r != 0)
		return r;
	r = check_size(&t->head, (uint64_t)st.st_size, error);
	if (r == 0)
		r = template_verify_data(t, error);
	if (r == 0)
		r = verify_padding(t, error);
	if (r == 0)
		r = read_note(t, error);
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
