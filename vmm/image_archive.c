/* SPDX-License-Identifier: ISC */
/* image_archive.c: a tar or cpio archive as the source of a root image, read by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image.h"

#define READ_BYTES (1u << 20)

struct source_reader {
	struct archive *archive;
	const char *path;
	struct tree *tree;
	struct erofs_writer *writer;
};

static int
archive_failed(const struct source_reader *s, struct tine_error *error)
{
	const char *why = archive_error_string(s->archive);
	int code = archive_errno(s->archive);

	if (code == EILSEQ && archive_format(s->archive) == 0)
		return tine_error_set(error, EINVAL, "rootfs-archive",
				      "root file system %s is no directory, tar or cpio archive or "
				      "EROFS image",
				      s->path);
	return tine_error_set(
	    error, code > 0 ? code : EIO,
	    code == EACCES || code == EPERM ? "rootfs-unreadable" : "rootfs-archive",
	    "root file system %s: %s", s->path, why != NULL ? why : "not a readable archive");
}

static int
entry_failed(const struct source_reader *s, const char *name, const char *why,
	     struct tine_error *error)
{
	return tine_error_set(error, EINVAL, "rootfs-archive", "root file system %s: %s: %s",
			      s->path, name, why);
}

/* A warning is about what is not used here, such as the name of an owner. */
static bool
is_usable(int r)
{
	return r == ARCHIVE_OK || r == ARCHIVE_WARN;
}

/* Names may be UTF-8 (pax) while the program runs in the C locale. */
static const char *
entry_name(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	return name != NULL ? name : archive_entry_pathname_utf8(e);
}

static int
add_data(const struct source_reader *s, struct archive_entry *e, struct tree_node *node,
	 struct tine_error *error)
{
	const void *buf;
	size_t len;
	la_int64_t off;
	int got, r;

	r = erofs_reserve(s->writer, node, (uint64_t)archive_entry_size(e), error);
	while (r == 0 && is_usable(got = archive_read_data_block(s->archive, &buf, &len, &off)))
		if (len > 0)
			r = erofs_write(s->writer, node, (uint64_t)off, buf, len, error);
	return r != 0 || got == ARCHIVE_EOF ? r : archive_failed(s, error);
}

static void
set_attributes(struct tree_node *node, struct archive_entry *e)
{
	node->uid = (uint32_t)archive_entry_uid(e);
	node->gid = (uint32_t)archive_entry_gid(e);
	node->mtime = archive_entry_mtime(e);
	node->mtime_nsec = (uint32_t)archive_entry_mtime_nsec(e);
	node->major = (uint32_t)archive_entry_rdevmajor(e);
	node->minor = (uint32_t)archive_entry_rdevminor(e);
}

static int
add_hardlink(const struct source_reader *s, struct archive_entry *e, const char *name,
	     const char *target, struct tine_error *error)
{
	struct tree_node *node = tree_lookup(s->tree, target, 0);
	int r = 0;

	if (node == NULL || S_ISDIR(node->mode))
		return entry_failed(s, name, "hard link to a file that is not in the archive",
				    error);
	/* cpio stores the data with the last link. */
	if (S_ISREG(node->mode) && archive_entry_size_is_set(e) && archive_entry_size(e) > 0)
		r = add_data(s, e, node, error);
	return r != 0 ? r : tree_link(s->tree, name, node, error);
}

static int
add_target(const struct source_reader *s, struct archive_entry *e, const char *name,
	   struct tree_node *node, struct tine_error *error)
{
	const char *target = archive_entry_symlink(e);

	if (target == NULL)
		target = archive_entry_symlink_utf8(e);
	if (target != NULL && target[0] != '\0')
		node->text = tree_strndup(s->tree, target, strlen(target));
	return node->text != NULL ? 0
				  : entry_failed(s, name, "symbolic link without a target", error);
}

static int
add_node(const struct source_reader *s, struct archive_entry *e, const char *name,
	 struct tine_error *error)
{
	struct tree_node *node = tree_node_new(s->tree, archive_entry_mode(e));
	int r = 0;

	if (node == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	set_attributes(node, e);
	if (S_ISLNK(node->mode))
		r = add_target(s, e, name, node, error);
	else if (S_ISREG(node->mode))
		r = add_data(s, e, node, error);
	else if ((node->mode & S_IFMT) == 0)
		r = entry_failed(s, name, "file of unknown type", error);
	return r != 0 ? r : tree_link(s->tree, name, node, error);
}

static int
add_entry(const struct source_reader *s, struct archive_entry *e, struct tine_error *error)
{
	const char *name = entry_name(e), *target;

	if (name == NULL)
		return entry_failed(s, "?", "a name that cannot be represented", error);
	/* A socket file means nothing once its server is elsewhere. */
	if (archive_entry_filetype(e) == AE_IFSOCK)
		return 0;
	target = archive_entry_hardlink(e);
	if (target != NULL)
		return add_hardlink(s, e, name, target, error);
	return add_node(s, e, name, error);
}

static int
read_entries(const struct source_reader *s, struct tine_error *error)
{
	struct archive_entry *e = archive_entry_new();
	int r = 0, got = ARCHIVE_OK;

	if (e == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	while (r == 0 && is_usable(got = archive_read_next_header2(s->archive, e))) {
		r = add_entry(s, e, error);
		archive_entry_clear(e);
	}
	if (r == 0 && got != ARCHIVE_EOF)
		r = archive_failed(s, error);
	archive_entry_free(e);
	return r;
}

int
image_add_archive(struct tree *tree, struct erofs_writer *w, const char *path,
		  struct tine_error *error)
{
	struct source_reader s = {.path = path, .tree = tree, .writer = w};
	int r = 0;

	s.archive = archive_read_new();
	if (s.archive == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	archive_read_support_filter_all(s.archive);
	archive_read_support_format_tar(s.archive);
	archive_read_support_format_cpio(s.archive);
	if (archive_read_open_filename(s.archive, path, READ_BYTES) == ARCHIVE_OK)
		r = read_entries(&s, error);
	else
		r = archive_failed(&s, error);
	archive_read_free(s.archive);
	return r;
}
