/* SPDX-License-Identifier: ISC */
/* tree.c: build a file system tree by path, with symbolic links resolved inside it. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tree.h"
#include "vmm.h"

#define LINKS_MAX 40
#define NAME_BYTES 255u

#define CHUNK ((size_t)16 << 10)

struct tree_chunk {
	struct tree_chunk *next;
	uint8_t *end;
	uint8_t data[];
};

struct tree_slot {
	struct tree_node *dir; /* NULL = free */
	size_t index;          /* into dir->entry */
};

static int
no_memory(struct tine_error *error)
{
	return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
}

void *
tree_alloc(struct tree *tree, size_t size)
{
	size_t room;
	uint8_t *p;

	size = (size + 7) & ~(size_t)7;
	room = size > CHUNK ? size : CHUNK;
	if (tree->left < size) {
		struct tree_chunk *chunk = malloc(sizeof(*chunk) + room);

		if (chunk == NULL)
			return NULL;
		chunk->next = tree->chunk;
		chunk->end = chunk->data + room;
		tree->chunk = chunk;
		tree->left = room;
	}
	p = tree->chunk->end - tree->left;
	tree->left -= size;
	return memset(p, 0, size);
}

char *
tree_strndup(struct tree *tree, const char *s, size_t len)
{
	char *copy = tree_alloc(tree, len + 1);

	return copy != NULL ? memcpy(copy, s, len) : NULL;
}

static size_t
hash(const struct tree_node *dir, const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull ^ (uint64_t)(uintptr_t)dir; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 0x100000001b3ull;
	return (size_t)(h ^ h >> 29);
}

/* The slot of (dir, name), or the free one where it belongs. */
static struct tree_slot *
slot_of(const struct tree *tree, const struct tree_node *dir, const char *name, size_t len)
{
	size_t i = hash(dir, name, len) & (tree->nslots - 1);

	for (;; i = (i + 1) & (tree->nslots - 1)) {
		struct tree_slot *s = &tree->slot[i];
		const char *have;

		if (s->dir == NULL)
			return s;
		have = s->dir->entry[s->index].name;
		if (s->dir == dir && strncmp(have, name, len) == 0 && have[len] == '\0')
			return s;
	}
}

static int
grow(struct tree *tree)
{
	struct tree_slot *old = tree->slot;
	size_t nold = tree->nslots, nslots = nold != 0 ? nold * 2 : 256;
	struct tree_slot *slot = calloc(nslots, sizeof(*slot));

	if (slot == NULL)
		return -ENOMEM;
	tree->slot = slot;
	tree->nslots = nslots;
	for (const struct tree_slot *s = old; s < old + nold; s++)
		if (s->dir != NULL) {
			const char *name = s->dir->entry[s->index].name;

			*slot_of(tree, s->dir, name, strlen(name)) = *s;
		}
	free(old);
	return 0;
}

int
tree_add_entry(struct tree *tree, struct tree_node *dir, struct tree_entry entry)
{
	if (dir->nentries == dir->cap) {
		size_t cap = dir->cap != 0 ? dir->cap * 2 : 4;
		struct tree_entry *e = tree_alloc(tree, cap * sizeof(*e));

		if (e == NULL)
			return -ENOMEM;
		if (dir->nentries > 0)
			memcpy(e, dir->entry, dir->nentries * sizeof(*e));
		dir->entry = e;
		dir->cap = cap;
	}
	dir->entry[dir->nentries++] = entry;
	return 0;
}

static struct tree_node *
child(const struct tree *tree, const struct tree_node *dir, const char *name, size_t len)
{
	const struct tree_slot *s = slot_of(tree, dir, name, len);

	return s->dir != NULL ? s->dir->entry[s->index].node : NULL;
}

static int
add_child(struct tree *tree, struct tree_node *dir, const char *name, size_t len,
	  struct tree_node *node)
{
	struct tree_entry e;
	struct tree_slot *s;

	if (tree->used * 2 >= tree->nslots && grow(tree) != 0)
		return -ENOMEM;
	e = (struct tree_entry){tree_strndup(tree, name, len), node};
	if (e.name == NULL || tree_add_entry(tree, dir, e) != 0)
		return -ENOMEM;
	s = slot_of(tree, dir, name, len);
	s->dir = dir;
	s->index = dir->nentries - 1;
	tree->used++;
	node->nlink++;
	if (S_ISDIR(node->mode)) {
		node->parent = dir;
		dir->nlink++;
	}
	return 0;
}

struct tree_node *
tree_node_new(struct tree *tree, uint32_t mode)
{
	struct tree_node *node = tree_alloc(tree, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->mode = mode;
	node->nlink = S_ISDIR(mode) ? 1 : 0; /* its own "." */
	node->next = tree->all;
	tree->all = node;
	return node;
}

int
tree_init(struct tree *tree, struct tine_error *error)
{
	memset(tree, 0, sizeof(*tree));
	if (grow(tree) != 0)
		return no_memory(error);
	tree->root = tree_node_new(tree, S_IFDIR | 0755);
	if (tree->root == NULL)
		return no_memory(error);
	tree->root->parent = tree->root;
	tree->root->nlink++;
	return 0;
}

void
tree_free(struct tree *tree)
{
	while (tree->chunk != NULL) {
		struct tree_chunk *chunk = tree->chunk;

		tree->chunk = chunk->next;
		free(chunk);
	}
	free(tree->slot);
	memset(tree, 0, sizeof(*tree));
}

/* Move *path to its next name, which ends at end at the latest: how long it is. */
static size_t
component(const char **path, const char *end)
{
	const char *p = *path;

	while (p < end && *p == '/')
		p++;
	*path = p;
	while (p < end && *p != '/')
		p++;
	return (size_t)(p - *path);
}

/*
 * Walk the len bytes of path from dir.  With make, missing directories are made.  Symbolic links
 * are followed, the last component only with last.  NULL and errno on failure.
 */
static struct tree_node *
walk(struct tree *tree, struct tree_node *dir, const char *path, size_t len, bool make, bool last,
     int links)
{
	const char *end = path + len;
	struct tree_node *at = dir, *next;
	size_t n;

	if (len > 0 && path[0] == '/')
		at = tree->root;
	for (n = component(&path, end); n > 0; path += n, n = component(&path, end)) {
		const char *rest = path + n;

		if (!S_ISDIR(at->mode)) {
			errno = ENOTDIR;
			return NULL;
		}
		if (n == 1 && path[0] == '.')
			continue;
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			at = at->parent;
			continue;
		}
		next = child(tree, at, path, n);
		if (next != NULL && S_ISLNK(next->mode) && (last || component(&rest, end) > 0)) {
			errno = ELOOP;
			next = links == 0 ? NULL
					  : walk(tree, at, next->text, strlen(next->text), make,
						 true, links - 1);
			if (next == NULL)
				return NULL;
		} else if (next == NULL && make) {
			next = tree_node_new(tree, S_IFDIR | 0755);
			errno = ENOMEM;
			if (next == NULL || add_child(tree, at, path, n, next) != 0)
				return NULL;
		} else if (next == NULL) {
			errno = ENOENT;
			return NULL;
		}
		at = next;
	}
	return at;
}

struct tree_node *
tree_lookup(const struct tree *tree, const char *path, int follow)
{
	struct tree copy = *tree; /* nothing is made, hence nothing of the tree changes */

	return walk(&copy, copy.root, path, strlen(path), false, follow != 0, LINKS_MAX);
}

static void
merge_dir(struct tree_node *dir, const struct tree_node *from)
{
	dir->mode = from->mode;
	dir->uid = from->uid;
	dir->gid = from->gid;
	dir->mtime = from->mtime;
	dir->mtime_nsec = from->mtime_nsec;
}

static int
replace(struct tree *tree, struct tree_node *dir, const char *name, size_t len,
	struct tree_node *node, const char *path, struct tine_error *error)
{
	const struct tree_slot *s = slot_of(tree, dir, name, len);
	struct tree_entry *e = &s->dir->entry[s->index];

	if (S_ISDIR(e->node->mode) && S_ISDIR(node->mode)) {
		merge_dir(e->node, node);
		return 0;
	}
	if (S_ISDIR(e->node->mode) || S_ISDIR(node->mode))
		return tine_error_set(error, EEXIST, "rootfs-path",
				      "%s is both a directory and a file of another kind", path);
	e->node->nlink--;
	e->node = node;
	node->nlink++;
	return 0;
}

int
tree_link(struct tree *tree, const char *path, struct tree_node *node, struct tine_error *error)
{
	size_t end = strlen(path), len = 0;
	struct tree_node *dir;

	while (end > 0 && path[end - 1] == '/')
		end--;
	while (len < end && path[end - len - 1] != '/')
		len++;
	if (len == 0 || (len == 1 && path[end - 1] == '.')) { /* the root itself */
		if (!S_ISDIR(node->mode))
			return tine_error_set(error, EEXIST, "rootfs-path",
					      "the root is no directory");
		merge_dir(tree->root, node);
		return 0;
	}
	if (len > NAME_BYTES || (len == 2 && strncmp(path + end - 2, "..", 2) == 0))
		return tine_error_set(error, EINVAL, "rootfs-path", "bad file name in \"%s\"",
				      path);
	dir = walk(tree, tree->root, path, end - len, true, true, LINKS_MAX);
	if (dir == NULL || !S_ISDIR(dir->mode))
		return tine_error_set(error, dir == NULL ? errno : ENOTDIR, "rootfs-path",
				      "cannot place \"%s\": %s", path,
				      strerror(dir == NULL ? errno : ENOTDIR));
	if (child(tree, dir, path + end - len, len) != NULL)
		return replace(tree, dir, path + end - len, len, node, path, error);
	return add_child(tree, dir, path + end - len, len, node) != 0 ? no_memory(error) : 0;
}
