/* SPDX-License-Identifier: ISC */
/* tree.h: the root file system that an image is made of, without the files' data. */
#ifndef TINE_VMM_TREE_H
#define TINE_VMM_TREE_H

#include <stddef.h>
#include <stdint.h>

struct tine_error;

struct tree_entry {
	const char *name;
	struct tree_node *node;
};

struct tree_node {
	uint32_t mode; /* type and permission bits */
	uint32_t uid, gid;
	uint32_t nlink;
	uint64_t size;
	uint32_t major, minor;
	int64_t mtime;
	uint32_t mtime_nsec;
	const char *text; /* symbolic link, or all of a small file; the tree's or constant */
	uint32_t block;   /* first data block */
	uint64_t place;   /* of its inode; set when the image is written */
	struct tree_node *parent; /* directory */
	struct tree_entry *entry; /* directory: children; the image sorts them when it is written */
	size_t nentries, cap;
	struct tree_node *next; /* all nodes of the tree */
};

struct tree {
	struct tree_node *root;
	struct tree_node *all;  /* newest first */
	struct tree_slot *slot; /* hash of (directory, name), open addressing */
	size_t nslots, used;
	struct tree_chunk *chunk; /* memory of nodes, names and lists, which goes with the tree */
	size_t left;              /* of it */
};

int tree_init(struct tree *tree, struct tine_error *error);
void tree_free(struct tree *tree);

/* Zeroed memory that the tree owns; NULL if there is none. */
void *tree_alloc(struct tree *tree, size_t size);
char *tree_strndup(struct tree *tree, const char *s, size_t len);

/* A new node that no directory names yet. */
struct tree_node *tree_node_new(struct tree *tree, uint32_t mode);

/* Find path; symbolic links on the way are followed inside the tree, the last one too if follow.
 * NULL if there is no such file. */
struct tree_node *tree_lookup(const struct tree *tree, const char *path, int follow);

/* Name node at path.  Missing directories are made (0755, root).  What had the name before is
 * replaced, except that a directory stays one.  Errors: rootfs-path. */
int tree_link(struct tree *tree, const char *path, struct tree_node *node,
	      struct tine_error *error);

/* Add an entry to the list of dir alone, where no path leads to it. */
int tree_add_entry(struct tree *tree, struct tree_node *dir, struct tree_entry entry);

#endif
