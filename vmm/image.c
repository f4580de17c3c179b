/* SPDX-License-Identifier: ISC */
/* image.c: decide what the root file system is made of, and make it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

static int
open_source(const char *path, struct stat *st, struct tine_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return tine_error_set(error, errno,
				      errno == ENOENT || errno == ENOTDIR ? "rootfs-not-found"
									  : "rootfs-unreadable",
				      "root file system %s: %s", path, strerror(errno));
	if (fstat(fd, st) < 0 || (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))) {
		close(fd);
		return tine_error_set(
		    error, EINVAL, "rootfs-unreadable",
		    "root file system %s is neither a directory nor a regular file", path);
	}
	return fd;
}

static int
add_sources(struct tree *tree, struct erofs_writer *w, const char *rootfs, bool directory,
	    const struct rootfs_file *files, size_t nfiles, struct tine_error *error)
{
	int r;

	if (rootfs == NULL)
		r = image_add_minimal(tree, error);
	else if (directory)
		r = image_add_directory(tree, w, rootfs, error);
	else
		r = image_add_archive(tree, w, rootfs, error);
	for (size_t i = 0; r == 0 && i < nfiles; i++)
		r = image_add_file(tree, w, &files[i], error);
	return r;
}

static int
build(struct image *image, const char *rootfs, bool directory, const struct rootfs_file *files,
      size_t nfiles, struct tine_error *error)
{
	struct erofs_writer w;
	struct tree tree;
	int r;

	image->fd = memfd_create("tine-rootfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (image->fd < 0)
		return tine_error_set(error, errno, "no-memory", "memfd_create: %s",
				      strerror(errno));
	erofs_begin(&w, image->fd);
	r = tree_init(&tree, error);
	if (r == 0)
		r = add_sources(&tree, &w, rootfs, directory, files, nfiles, error);
	if (r == 0)
		r = erofs_finish(&w, &tree, &image->size, error);
	tree_free(&tree);
	if (r == 0)
		fcntl(image->fd, F_ADD_SEALS,
		      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	else
		image_close(image);
	return r;
}

int
image_open(struct image *image, const char *rootfs, const struct rootfs_file *files, size_t nfiles,
	   struct tine_error *error)
{
	struct stat st = {.st_mode = S_IFDIR};
	int fd, r;

	memset(image, 0, sizeof(*image));
	image->fd = -1;
	if (rootfs == NULL)
		return build(image, NULL, false, files, nfiles, error);
	fd = open_source(rootfs, &st, error);
	if (fd < 0)
		return fd;
	r = S_ISREG(st.st_mode) ? erofs_check(fd, (uint64_t)st.st_size, rootfs, error) : 0;
	if (r == 1 && nfiles == 0) {
		image->fd = fd;
		image->size = (uint64_t)st.st_size;
		return 0;
	}
	close(fd);
	if (r == 1)
		return tine_error_set(
		    error, ENOTSUP, "rootfs-erofs",
		    "%s is an EROFS image, which is used as it is: files cannot be added to it",
		    rootfs);
	return r < 0 ? r : build(image, rootfs, S_ISDIR(st.st_mode), files, nfiles, error);
}

void
image_close(struct image *image)
{
	if (image->fd >= 0)
		close(image->fd);
	image->fd = -1;
}
