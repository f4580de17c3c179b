/* SPDX-License-Identifier: ISC */
/* image_archive.c: a directory, tar or cpio as the source of a root image, read by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image.h"

struct source_reader {
	struct archive *archive;
	struct archive_entry_linkresolver *links; /* directory: find hard links by inode number */
	const char *path;
	size_t prefix; /* directory: bytes of path at the front of every name */
	struct tree *tree;
	struct erofs_writer *writer;
};

static int
archive_failed(const struct source_reader *s, struct tine_error *error)
{
	const char *why = archive_error_string(s->archive);
	int code = archive_errno(s->archive);

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
copy_data(const struct source_reader *s, const struct tree_node *node, struct tine_error *error)
{
	const void *buf;
	size_t len;
	la_int64_t off;
	int r;

	while (is_usable(r = archive_read_data_block(s->archive, &buf, &len, &off))) {
		int w = len == 0 ? 0 : erofs_write(s->writer, node, (uint64_t)off, buf, len, error);

		if (w != 0)
			return w;
	}
	return r == ARCHIVE_EOF ? 0 : archive_failed(s, error);
}

static int
add_data(const struct source_reader *s, struct archive_entry *e, struct tree_node *node,
	 struct tine_error *error)
{
	int r = erofs_reserve(s->writer, node, (uint64_t)archive_entry_size(e), error);

	return r != 0 ? r : copy_data(s, node, error);
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
	struct tree_node *node =
	    tree_lookup(s->tree, target + (s->links != NULL ? s->prefix : 0), 0);
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
add_node(const struct source_reader *s, struct archive_entry *e, const char *name,
	 struct tine_error *error)
{
	struct tree_node *node = tree_node_new(s->tree, archive_entry_mode(e));
	int r = 0;

	if (node == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	set_attributes(node, e);
	if (S_ISLNK(node->mode)) {
		const char *target = archive_entry_symlink(e);

		if (target == NULL)
			target = archive_entry_symlink_utf8(e);
		node->target = target != NULL && target[0] != '\0' ? strdup(target) : NULL;
		if (node->target == NULL)
			return entry_failed(s, name, "symbolic link without a target", error);
	} else if (S_ISREG(node->mode)) {
		r = add_data(s, e, node, error);
	} else if ((node->mode & S_IFMT) == 0) {
		return entry_failed(s, name, "file of unknown type", error);
	}
	return r != 0 ? r : tree_link(s->tree, name, node, error);
}

static int
add_entry(const struct source_reader *s, struct archive_entry *e, struct tine_error *error)
{
	const char *name = entry_name(e), *target;
	struct archive_entry *spare = NULL;

	if (name == NULL)
		return entry_failed(s, "?", "a name that cannot be represented", error);
	/* A socket file means nothing once its server is elsewhere. */
	if (archive_entry_filetype(e) == AE_IFSOCK)
		return 0;
	if (s->links != NULL) {
		archive_entry_linkify(s->links, &e, &spare);
		name = entry_name(e) + s->prefix;
	}
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
		if (r == 0 && s->links != NULL && archive_read_disk_can_descend(s->archive))
			archive_read_disk_descend(s->archive);
		archive_entry_clear(e);
	}
	if (r == 0 && got != ARCHIVE_EOF)
		r = archive_failed(s, error);
	archive_entry_free(e);
	return r;
}

static int
open_directory(struct source_reader *s)
{
	s->archive = archive_read_disk_new();
	s->links = archive_entry_linkresolver_new();
	if (s->archive == NULL || s->links == NULL)
		return ARCHIVE_FATAL;
	archive_entry_linkresolver_set_strategy(s->links, ARCHIVE_FORMAT_TAR_GNUTAR);
	archive_read_disk_set_symlink_physical(s->archive);
	/* What is mounted below (proc, for one) is not part of the tree. */
	archive_read_disk_set_behavior(
	    s->archive, ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL |
			    ARCHIVE_READDISK_NO_FFLAGS | ARCHIVE_READDISK_NO_TRAVERSE_MOUNTS);
	s->prefix = strlen(s->path);
	return archive_read_disk_open(s->archive, s->path);
}

static int
open_archive(struct source_reader *s)
{
	s->archive = archive_read_new();
	if (s->archive == NULL)
		return ARCHIVE_FATAL;
	archive_read_support_filter_all(s->archive);
	archive_read_support_format_tar(s->archive);
	archive_read_support_format_cpio(s->archive);
	return archive_read_open_filename(s->archive, s->path, 1u << 20);
}

int
image_add_archive(struct tree *tree, struct erofs_writer *w, const char *path, bool directory,
		  struct tine_error *error)
{
	char *real = realpath(path, NULL); /* names that come back begin with exactly this */
	struct source_reader s = {.path = real, .tree = tree, .writer = w};
	int r;

	if (real == NULL)
		return tine_error_set(error, errno, "rootfs-unreadable", "root file system %s: %s",
				      path, strerror(errno));
	if ((directory ? open_directory : open_archive)(&s) == ARCHIVE_OK)
		r = read_entries(&s, error);
	else if (s.archive != NULL)
		r = archive_failed(&s, error);
	else
		r = tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	if (s.links != NULL)
		archive_entry_linkresolver_free(s.links);
	if (s.archive != NULL)
		archive_read_free(s.archive);
	free(real);
	return r;
}
