/* SPDX-License-Identifier: ISC */
/* image.h: the root file system image of a sandbox. */
#ifndef TINE_VMM_IMAGE_H
#define TINE_VMM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "erofs.h"
#include "vmm.h"

struct image {
	int fd;        /* to map read-only; owned */
	uint64_t size; /* bytes */
};

/*
 * Make the image for rootfs (directory, tar, cpio, an EROFS image, or NULL for a minimal root) plus
 * files.  Errors: rootfs-not-found, rootfs-unreadable, rootfs-archive (damaged or unknown),
 * rootfs-path, rootfs-size, rootfs-erofs, and those of the added files.
 */
int image_open(struct image *image, const char *rootfs, const struct rootfs_file *files,
	       size_t nfiles, struct tine_error *error);
void image_close(struct image *image);

/* image_dir.c: everything in the directory at path that lies on the same file system. */
int image_add_directory(struct tree *tree, struct erofs_writer *w, const char *path,
			struct tine_error *error);
/* image_archive.c: everything in the tar or cpio archive at path, compressed or not. */
int image_add_archive(struct tree *tree, struct erofs_writer *w, const char *path,
		      struct tine_error *error);
/* image_file.c: the data of node, node->size bytes, from fd. */
int image_copy_data(struct erofs_writer *w, const struct tree_node *node, int fd, const char *path,
		    struct tine_error *error);
/* image_file.c: one file of the host. */
int image_add_file(struct tree *tree, struct erofs_writer *w, const struct rootfs_file *file,
		   struct tine_error *error);
/* image_file.c: what a program expects when there is no rootfs. */
int image_add_minimal(struct tree *tree, struct tine_error *error);

#endif
