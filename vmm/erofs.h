/* SPDX-License-Identifier: ISC */
/* erofs.h: write a tree and its files' data as an EROFS image. */
#ifndef TINE_VMM_EROFS_H
#define TINE_VMM_EROFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tree.h"

struct erofs_writer {
	int fd;
	uint32_t next_block;
	uint32_t meta_block; /* of what metadata block 0 has no room for */
};

/* fd is empty.  The metadata begins behind the superblock, and goes on behind the data. */
void erofs_begin(struct erofs_writer *w, int fd);

/* A new file's data: reserve size bytes for node, and write them in any order.  Ranges that are
 * never written read as zeroes. */
int erofs_reserve(struct erofs_writer *w, struct tree_node *node, uint64_t size,
		  struct tine_error *error);
int erofs_write(const struct erofs_writer *w, const struct tree_node *node, uint64_t off,
		const void *data, size_t len, struct tine_error *error);
/* Copy some of what fd has from off on to the same place of node: how much, 0 at an end, -errno. */
ssize_t erofs_copy(const struct erofs_writer *w, const struct tree_node *node, uint64_t off,
		   int fd);

/* Write directories, links, inodes and the superblock. *size is the image's length.  No path can be
 * looked up in the tree any more. */
int erofs_finish(struct erofs_writer *w, struct tree *tree, uint64_t *size,
		 struct tine_error *error);

/* Is fd (size bytes) an EROFS image that a guest can read? 1 yes, 0 not EROFS at all, -ENOTSUP
 * (rootfs-erofs) when it uses what the guest cannot read or is damaged. */
int erofs_check(int fd, uint64_t size, const char *path, struct tine_error *error);

#endif
