/* SPDX-License-Identifier: ISC */
/* walk_erofs.c: read everything that an image offers, as a test of the reader. */
#include <sys/errno.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include "../../../guest/kernel/fs/erofs.h"
#include "hosted.h"

#define DEPTH_MAX 8
#define NODES_MAX 20000

struct walk {
	struct erofs er;
	uint64_t sum, nodes;
	int depth;
};

static int walk_inode(struct walk *w, uint64_t nid);

static int
walk_entry(void *ctx, const char *name, size_t len, uint64_t nid, mode_t type)
{
	struct walk *w = ctx;

	(void)type;
	for (size_t i = 0; i < len; i++)
		w->sum = w->sum * 31 + (uint8_t)name[i];
	return walk_inode(w, nid);
}

static int
walk_data(struct walk *w, const struct erofs_inode *ei)
{
	uint8_t buf[1000];
	int error = 0;

	for (uint64_t off = 0; off < ei->ei_size && error == 0; off += sizeof(buf)) {
		size_t n = MIN(sizeof(buf), ei->ei_size - off);

		error = erofs_read(&w->er, ei, off, buf, n);
		for (size_t i = 0; i < n && error == 0; i++)
			w->sum = w->sum * 31 + buf[i];
	}
	return error;
}

static int
walk_inode(struct walk *w, uint64_t nid)
{
	struct erofs_inode ei;
	int error;

	if (++w->nodes > NODES_MAX || w->depth > DEPTH_MAX)
		return 0; /* a damaged image can be a circle */
	error = erofs_iget(&w->er, nid, &ei);
	if (error != 0)
		return error;
	if (!S_ISDIR(ei.ei_mode))
		return walk_data(w, &ei);
	w->depth++;
	error = erofs_readdir(&w->er, &ei, walk_entry, w);
	w->depth--;
	return error;
}

int
hosted_erofs_walk(const void *image, size_t size, uint64_t *sum, uint64_t *nodes)
{
	struct walk w = {0};
	int error = erofs_mount(&w.er, image, size);

	if (error == 0)
		error = walk_inode(&w, w.er.er_root);
	*sum = w.sum;
	*nodes = w.nodes;
	return error;
}
