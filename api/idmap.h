/* SPDX-License-Identifier: ISC */
/* idmap.h: an intrusive hash table from 32-bit ids to objects. */
#ifndef TINE_API_IDMAP_H
#define TINE_API_IDMAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define IDMAP_BUCKETS 64u /* ids are handed out in sequence, so they spread evenly */

struct idnode {
	LIST_ENTRY(idnode) link;
	uint32_t id;
};

struct idmap {
	LIST_HEAD(, idnode) bucket[IDMAP_BUCKETS];
	size_t count;
};

static inline struct idnode *
idmap_find(struct idmap *map, uint32_t id)
{
	struct idnode *node;

	LIST_FOREACH (node, &map->bucket[id % IDMAP_BUCKETS], link)
		if (node->id == id)
			return node;
	return NULL;
}

static inline void
idmap_add(struct idmap *map, struct idnode *node, uint32_t id)
{
	node->id = id;
	LIST_INSERT_HEAD(&map->bucket[id % IDMAP_BUCKETS], node, link);
	map->count++;
}

static inline void
idmap_remove(struct idmap *map, struct idnode *node)
{
	LIST_REMOVE(node, link);
	map->count--;
}

/* Any node, NULL when empty. */
/* NOLINTBEGIN(clang-analyzer-unix.Malloc): the analyzer does not see that LIST_REMOVE() unlinks */
static inline struct idnode *
idmap_first(struct idmap *map)
{
	for (size_t i = 0; i < IDMAP_BUCKETS; i++)
		if (!LIST_EMPTY(&map->bucket[i]))
			return LIST_FIRST(&map->bucket[i]);
	return NULL;
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */

#endif
