/* SPDX-License-Identifier: ISC */
/* memfs_dir.c: entries of in-memory directories: hashed names, stable positions. */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include "memfs.h"

#define MEMDIR_SMALL 16 /* up to this many entries a walk is as fast as a hash */

/* FNV-1a; the seed keeps a program from choosing names that collide. */
static uint32_t
name_hash(const char *name, size_t len)
{
	static uint32_t seed;
	uint32_t h;

	if (seed == 0)
		seed = arc4random() | 1;
	h = seed;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static bool
entry_is(const struct mementry *e, uint32_t hash, const char *name, size_t len)
{
	return e->me_hash == hash && e->me_len == len && memcmp(e->me_name, name, len) == 0;
}

struct mementry *
memdir_find(struct memnode *dir, const char *name, size_t len)
{
	struct memdir *md = &dir->mn_dir;
	uint32_t hash = name_hash(name, len);
	struct mementry *e;

	if (md->md_hash == NULL) {
		TAILQ_FOREACH (e, &md->md_entries, me_link)
			if (entry_is(e, hash, name, len))
				return e;
		return NULL;
	}
	for (e = md->md_hash[hash & (md->md_nhash - 1)]; e != NULL; e = e->me_hnext)
		if (entry_is(e, hash, name, len))
			return e;
	return NULL;
}

static size_t
entry_size(size_t len)
{
	return sizeof(struct mementry) + len + 1;
}

struct mementry *
memdir_alloc(const char *name, size_t len)
{
	struct mementry *e;

	if (!memfs_charge(entry_size(len)))
		return NULL;
	e = kmalloc(entry_size(len), M_ZERO);
	if (e == NULL) {
		memfs_uncharge(entry_size(len));
		return NULL;
	}
	e->me_hash = name_hash(name, len);
	e->me_len = (uint8_t)len;
	memcpy(e->me_name, name, len);
	return e;
}

void
memdir_free(struct mementry *e)
{
	memfs_uncharge(entry_size(e->me_len));
	kfree(e);
}

static void
hash_link(struct memdir *md, struct mementry *e)
{
	struct mementry **slot = &md->md_hash[e->me_hash & (md->md_nhash - 1)];

	e->me_hnext = *slot;
	*slot = e;
}

/* Without memory for a larger table the old one (or the list) serves on, only slower. */
static void
hash_grow(struct memdir *md)
{
	uint32_t n = MAX(md->md_nhash * 4, 64u);
	struct mementry **table = kmalloc(n * sizeof(*table), M_ZERO), *e;

	if (table == NULL)
		return;
	kfree(md->md_hash);
	md->md_hash = table;
	md->md_nhash = n;
	TAILQ_FOREACH (e, &md->md_entries, me_link)
		hash_link(md, e);
}

void
memdir_insert(struct memnode *dir, struct mementry *e)
{
	struct memdir *md = &dir->mn_dir;

	e->me_dir = dir;
	e->me_off = md->md_nextoff++;
	TAILQ_INSERT_TAIL(&md->md_entries, e, me_link);
	md->md_count++;
	if (md->md_hash != NULL)
		hash_link(md, e);
	if (md->md_count > MAX(md->md_nhash * 2, (uint32_t)MEMDIR_SMALL))
		hash_grow(md);
}

void
memdir_remove(struct mementry *e)
{
	struct memdir *md = &e->me_dir->mn_dir;

	if (md->md_hash != NULL) {
		struct mementry **p = &md->md_hash[e->me_hash & (md->md_nhash - 1)];

		while (*p != e)
			p = &(*p)->me_hnext;
		*p = e->me_hnext;
	}
	if (md->md_hint == e)
		md->md_hint = TAILQ_NEXT(e, me_link);
	TAILQ_REMOVE(&md->md_entries, e, me_link);
	md->md_count--;
	if (e->me_node != NULL && e->me_node->mn_entry == e)
		e->me_node->mn_entry = NULL;
	memdir_free(e);
}

void
memdir_set(struct mementry *e, struct memnode *n)
{
	e->me_node = n;
	e->me_nid = n->mn_ino;
	e->me_type = (uint16_t)(n->mn_vnode.v_type >> 12);
	n->mn_entry = e;
}

/* First entry at or after off; the hint makes reading a directory piece by piece linear. */
static struct mementry *
memdir_seek(struct memdir *md, off_t off)
{
	struct mementry *e = md->md_hint;

	if (e == NULL || e->me_off > off)
		e = TAILQ_FIRST(&md->md_entries);
	while (e != NULL && e->me_off < off)
		e = TAILQ_NEXT(e, me_link);
	return e;
}

int
memfs_readdir(struct vnode *vp, off_t *off, dirfill_t fill, void *ctx)
{
	struct memnode *dir = VTOMN(vp);
	struct memdir *md = &dir->mn_dir;
	struct mementry *e;
	int error = memfs_load(dir);

	if (error != 0)
		return error;
	for (e = memdir_seek(md, *off); e != NULL; e = TAILQ_NEXT(e, me_link)) {
		ino_t ino = e->me_node != NULL ? e->me_node->mn_ino : e->me_nid;

		if (fill(ctx, e->me_name, e->me_len, e->me_off + 1, ino, e->me_type) != 0)
			break;
		*off = e->me_off + 1;
	}
	md->md_hint = e;
	return 0;
}
