/* SPDX-License-Identifier: ISC */
/* memfs_rename.c: rename and exchange of names in the in-memory file system. */
#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/time.h>
#include "memfs.h"

/* One end of a rename. */
struct rename_end {
	struct memnode *dir, *node; /* node NULL: no such name */
	struct mementry *entry;
};

static int
end_get(struct vnode *dvp, const char *name, size_t len, struct rename_end *end)
{
	int error;

	*end = (struct rename_end){.dir = VTOMN(dvp)};
	error = memfs_load(end->dir);
	if (error != 0)
		return error;
	end->entry = memdir_find(end->dir, name, len);
	return end->entry != NULL ? memfs_entry_node(end->entry, &end->node) : 0;
}

static bool
is_dir(const struct memnode *n)
{
	return S_ISDIR(n->mn_vnode.v_type);
}

/* Is n the directory dir or one above it?  Moving it there would cut both off the tree. */
static bool
is_above(const struct memnode *n, const struct memnode *dir)
{
	for (; dir != NULL; dir = dir->mn_dir.md_parent)
		if (dir == n)
			return true;
	return false;
}

/* A directory has moved: its ".." changes, and with it the link counts. */
static void
node_reparent(struct memnode *n, struct memnode *from, struct memnode *to)
{
	n->mn_ctime = nanotime();
	if (!is_dir(n) || from == to)
		return;
	n->mn_dir.md_parent = to;
	vhold(MNTOV(to));
	to->mn_nlink++;
	memfs_droplink(from);
	vrele(MNTOV(from)); /* the caller of the rename still has it */
}

static void
exchange(struct rename_end *from, struct rename_end *to)
{
	memdir_set(from->entry, to->node);
	memdir_set(to->entry, from->node);
	node_reparent(from->node, from->dir, to->dir);
	node_reparent(to->node, to->dir, from->dir);
}

static int
check_exchange(const struct rename_end *from, const struct rename_end *to)
{
	if (to->node == NULL)
		return ENOENT;
	if (is_dir(from->node) && is_above(from->node, to->dir))
		return EINVAL;
	if (is_dir(to->node) && is_above(to->node, from->dir))
		return EINVAL;
	return 0;
}

static int
check_replace(const struct rename_end *from, const struct rename_end *to)
{
	int error;

	if (is_dir(from->node) && is_above(from->node, to->dir))
		return EINVAL;
	if (to->node == NULL)
		return 0;
	if (is_dir(to->node) && is_above(to->node, from->dir))
		return ENOTEMPTY;
	if (!is_dir(to->node))
		return is_dir(from->node) ? ENOTDIR : 0;
	if (!is_dir(from->node))
		return EISDIR;
	error = memfs_load(to->node);
	if (error != 0)
		return error;
	return to->node->mn_dir.md_count > 0 ? ENOTEMPTY : 0;
}

/* from's node gets to's name; what had the name loses it.  Nothing can fail any more. */
static void
replace(struct rename_end *from, struct rename_end *to, struct mementry *fresh)
{
	struct memnode *n = from->node;

	memdir_remove(from->entry);
	if (fresh != NULL) {
		memdir_set(fresh, n);
		memdir_insert(to->dir, fresh);
	} else {
		to->node->mn_entry = NULL;
		memdir_set(to->entry, n);
		memfs_unlinked(to->dir, to->node);
	}
	node_reparent(n, from->dir, to->dir);
}

int
memfs_rename(struct vnode *fdvp, const char *fname, size_t flen, struct vnode *tdvp,
	     const char *tname, size_t tlen, unsigned flags)
{
	struct rename_end from, to;
	struct mementry *fresh = NULL;
	int error;

	if ((error = end_get(fdvp, fname, flen, &from)) != 0 ||
	    (error = end_get(tdvp, tname, tlen, &to)) != 0)
		return error;
	if (from.node == NULL || to.dir->mn_nlink == 0)
		return ENOENT;
	if (flags & RENAME_NOREPLACE && to.node != NULL)
		return EEXIST;
	if (from.node == to.node) /* two names of one file: POSIX wants nothing done */
		return 0;
	if (flags & RENAME_EXCHANGE) {
		error = check_exchange(&from, &to);
		if (error == 0)
			exchange(&from, &to);
	} else {
		error = check_replace(&from, &to);
		if (error == 0 && to.node == NULL && (fresh = memdir_alloc(tname, tlen)) == NULL)
			error = ENOSPC;
		if (error == 0)
			replace(&from, &to, fresh);
	}
	if (error == 0) {
		memfs_touch(from.dir);
		memfs_touch(to.dir);
	}
	return error;
}
