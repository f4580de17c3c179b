/* SPDX-License-Identifier: ISC */
/* memfs_image.c: nodes, directories and file data of the read-only image, made when first used. */
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "memfs.h"

static int
load_entry(void *ctx, const char *name, size_t len, uint64_t nid, mode_t type)
{
	struct memnode *dir = ctx;
	struct mementry *e;

	if (memdir_find(dir, name, len) != NULL)
		return EIO;
	e = memdir_alloc(name, len);
	if (e == NULL)
		return ENOMEM;
	e->me_nid = nid;
	e->me_type = (uint16_t)(type >> 12);
	memdir_insert(dir, e);
	return 0;
}

int
memfs_load(struct memnode *dir)
{
	const struct erofs *image = dir->mn_fs->mf_image;
	struct erofs_inode ei;
	int error;

	if (!(dir->mn_flags & MN_UNREAD))
		return 0;
	error = erofs_iget(image, dir->mn_ino, &ei);
	if (error == 0)
		error = erofs_readdir(image, &ei, load_entry, dir);
	if (error != 0) {
		while (!TAILQ_EMPTY(&dir->mn_dir.md_entries))
			memdir_remove(TAILQ_FIRST(&dir->mn_dir.md_entries));
		return error;
	}
	dir->mn_flags &= ~MN_UNREAD;
	return 0;
}

/* ---- nodes ---- */

static struct memnode *
shared_find(struct memfs *mf, uint64_t nid)
{
	struct memnode *n;

	LIST_FOREACH (n, &mf->mf_shared[nid % MEMFS_NSHARED], mn_shared)
		if (n->mn_ino == nid)
			return n;
	return NULL;
}

/* Names that are still in the image alone must find this node later, whatever became of it. */
static void
shared_add(struct memfs *mf, struct memnode *n)
{
	n->mn_flags |= MN_SHARED;
	LIST_INSERT_HEAD(&mf->mf_shared[n->mn_ino % MEMFS_NSHARED], n, mn_shared);
	vhold(MNTOV(n));
}

void
memfs_unshare(struct memnode *n)
{
	if (!(n->mn_flags & MN_SHARED))
		return;
	n->mn_flags &= ~MN_SHARED;
	LIST_REMOVE(n, mn_shared);
	vrele(MNTOV(n));
}

static void
node_fill(struct memnode *n, const struct erofs_inode *ei)
{
	n->mn_ino = ei->ei_nid;
	n->mn_flags = MN_IMAGE;
	n->mn_uid = ei->ei_uid;
	n->mn_gid = ei->ei_gid;
	n->mn_nlink = MAX(ei->ei_nlink, S_ISDIR(ei->ei_mode) ? 2u : 1u);
	n->mn_atime = n->mn_mtime = n->mn_ctime = ei->ei_mtime;
	n->mn_size = ei->ei_size;
	n->mn_vnode.v_rdev = ei->ei_rdev;
}

static int
node_read(struct memnode *dir, uint64_t nid, struct memnode **np)
{
	struct erofs_inode ei;
	struct memnode *n;
	int error = erofs_iget(dir->mn_fs->mf_image, nid, &ei);

	if (error != 0)
		return EIO;
	n = memfs_node_new(dir->mn_fs, ei.ei_mode);
	if (n == NULL)
		return ENOMEM;
	node_fill(n, &ei);
	if (S_ISDIR(ei.ei_mode)) {
		n->mn_flags |= MN_UNREAD;
		n->mn_dir.md_parent = dir;
		vhold(MNTOV(dir));
	} else if (n->mn_nlink > 1) {
		shared_add(dir->mn_fs, n);
	}
	*np = n;
	return 0;
}

int
memfs_entry_node(struct mementry *e, struct memnode **np)
{
	struct memnode *n = e->me_node;
	int error;

	if (n == NULL) {
		n = shared_find(e->me_dir->mn_fs, e->me_nid);
		if (n != NULL)
			vhold(MNTOV(n));
		else if ((error = node_read(e->me_dir, e->me_nid, &n)) != 0)
			return error;
		memdir_set(e, n);
	}
	*np = n;
	return 0;
}

/* ---- contents ---- */

/* The packed last part of a file cannot be mapped where it is: it gets a frame of its own. */
static int
object_tail(struct memfs *mf, const struct erofs_inode *ei, struct vm_object *obj)
{
	const uint8_t *tail = mf->mf_image->er_base + ei->ei_tail;

	if (ei->ei_taillen == 0)
		return 0;
	return vm_object_rw(obj, ei->ei_datalen, (void *)(uintptr_t)tail, ei->ei_taillen, true,
			    false);
}

int
memfs_image_object(struct memnode *n, struct vm_object **objp)
{
	struct memfs *mf = n->mn_fs;
	struct vm_object *obj;
	struct erofs_inode ei;
	int error = erofs_iget(mf->mf_image, n->mn_ino, &ei);

	if (error != 0 || ei.ei_size != n->mn_size)
		return EIO;
	obj = vm_object_create(ei.ei_size);
	if (obj == NULL)
		return ENOMEM;
	if (ei.ei_datalen > 0) {
		obj->ob_backing = mf->mf_image_pa + ei.ei_data;
		obj->ob_backing_len = ei.ei_datalen;
	}
	error = object_tail(mf, &ei, obj);
	if (error != 0) {
		vm_object_release(obj);
		return error;
	}
	*objp = obj;
	return 0;
}

int
memfs_image_readlink(struct memnode *n, char *buf, size_t len)
{
	struct erofs_inode ei;

	if (erofs_iget(n->mn_fs->mf_image, n->mn_ino, &ei) != 0)
		return EIO;
	return erofs_read(n->mn_fs->mf_image, &ei, 0, buf, len);
}
