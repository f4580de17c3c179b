/* SPDX-License-Identifier: ISC */
/* memfs.c: nodes of the in-memory file system: life, attributes, data. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vm.h>
#include "memfs.h"

static struct pool node_pool = POOL_INITIALIZER("memnode", struct memnode);
static uint64_t memfs_bytes; /* kernel memory of all names, nodes and link targets */

/* An eighth of memory for names and nodes: creating files ends in ENOSPC, not in a dead kernel. */
bool
memfs_charge(size_t bytes)
{
	if (memfs_bytes + bytes > vm_frames_total() * (PAGE_SIZE / 8))
		return false;
	memfs_bytes += bytes;
	return true;
}

void
memfs_uncharge(size_t bytes)
{
	memfs_bytes -= bytes;
}

static const struct vnodeops *
ops_for(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return &memfs_dirops;
	case S_IFREG:
		return &memfs_regops;
	case S_IFLNK:
		return &memfs_lnkops;
	}
	return &memfs_specops;
}

struct memnode *
memfs_node_new(struct memfs *mf, mode_t mode)
{
	struct memnode *n;

	if (!memfs_charge(sizeof(*n)))
		return NULL;
	n = pool_get(&node_pool, M_ZERO);
	if (n == NULL) {
		memfs_uncharge(sizeof(*n));
		return NULL;
	}
	vnode_init(MNTOV(n), ops_for(mode), &mf->mf_mount, mode, NULL);
	MNTOV(n)->v_flags = V_EMBEDDED;
	n->mn_fs = mf;
	n->mn_ino = mf->mf_nextino++;
	n->mn_mode = mode & 07777;
	n->mn_atime = n->mn_mtime = n->mn_ctime = nanotime();
	if (S_ISDIR(mode)) {
		TAILQ_INIT(&n->mn_dir.md_entries);
		n->mn_dir.md_nextoff = 2;
	}
	return n;
}

/* The image's root directory as the root of the tree. */
static int
root_from_image(struct memnode *root)
{
	struct erofs_inode ei;
	int error = erofs_iget(root->mn_fs->mf_image, root->mn_fs->mf_image->er_root, &ei);

	if (error != 0)
		return error;
	if (!S_ISDIR(ei.ei_mode))
		return ENOTDIR;
	root->mn_ino = ei.ei_nid;
	root->mn_mode = ei.ei_mode & 07777;
	root->mn_uid = ei.ei_uid;
	root->mn_gid = ei.ei_gid;
	root->mn_nlink = MAX(ei.ei_nlink, 2u);
	root->mn_mtime = root->mn_ctime = ei.ei_mtime;
	root->mn_flags = MN_IMAGE | MN_UNREAD;
	return 0;
}

struct vnode *
memfs_create(const struct erofs *image, paddr_t image_pa, mode_t mode)
{
	struct memfs *mf = kmalloc(sizeof(*mf), M_ZERO);
	struct memnode *root;

	if (mf == NULL)
		return NULL;
	mf->mf_image = image;
	mf->mf_image_pa = image_pa;
	mf->mf_nextino = image != NULL ? MEMFS_NEWINO : 1;
	mf->mf_mount.mnt_dev = vfs_newdev();
	root = memfs_node_new(mf, S_IFDIR | mode);
	if (root == NULL) {
		kfree(mf);
		return NULL;
	}
	root->mn_nlink = 2;
	mf->mf_mount.mnt_root = MNTOV(root);
	if (image != NULL && root_from_image(root) != 0) {
		vrele(MNTOV(root));
		kfree(mf);
		return NULL;
	}
	return MNTOV(root);
}

static void
node_free(struct memnode *n)
{
	if (S_ISDIR(n->mn_vnode.v_type)) {
		kfree(n->mn_dir.md_hash);
	} else if (S_ISREG(n->mn_vnode.v_type) && n->mn_object != NULL) {
		vm_object_release(n->mn_object);
	} else if (S_ISLNK(n->mn_vnode.v_type) && n->mn_target != NULL) {
		memfs_uncharge(n->mn_size);
		kfree(n->mn_target);
	}
	memfs_uncharge(sizeof(*n));
	pool_put(&node_pool, n);
}

/*
 * No name and no user is left.  A removed directory keeps its parent, which may be removed as well:
 * the chain can be as long as a program likes, so it is undone in a loop, not by recursion.
 */
void
memfs_inactive(struct vnode *vp)
{
	struct memnode *n = VTOMN(vp), *parent;

	while (n != NULL) {
		parent = S_ISDIR(n->mn_vnode.v_type) ? n->mn_dir.md_parent : NULL;
		node_free(n);
		if (parent == NULL || --parent->mn_vnode.v_refs > 0)
			return;
		n = parent;
	}
}

/* ---- attributes ---- */

void
memfs_touch(struct memnode *n)
{
	n->mn_mtime = n->mn_ctime = nanotime();
}

static void
getattr_times(const struct memnode *n, struct stat *st)
{
	st->st_atime_sec = n->mn_atime / NSEC_PER_SEC;
	st->st_atime_nsec = n->mn_atime % NSEC_PER_SEC;
	st->st_mtime_sec = n->mn_mtime / NSEC_PER_SEC;
	st->st_mtime_nsec = n->mn_mtime % NSEC_PER_SEC;
	st->st_ctime_sec = n->mn_ctime / NSEC_PER_SEC;
	st->st_ctime_nsec = n->mn_ctime % NSEC_PER_SEC;
}

/* 512-byte blocks: of image data what the file covers, else the frames it really has. */
static uint64_t
reg_blocks(const struct memnode *n)
{
	if (n->mn_object == NULL)
		return howmany(n->mn_size, PAGE_SIZE) * 8;
	return MAX(n->mn_object->ob_npages, howmany(n->mn_object->ob_backing_len, PAGE_SIZE)) * 8;
}

int
memfs_getattr(struct vnode *vp, struct stat *st)
{
	const struct memnode *n = VTOMN(vp);

	st->st_ino = n->mn_ino;
	st->st_mode = vp->v_type | n->mn_mode;
	st->st_nlink = n->mn_nlink;
	st->st_uid = n->mn_uid;
	st->st_gid = n->mn_gid;
	getattr_times(n, st);
	if (S_ISDIR(vp->v_type)) {
		st->st_size = PAGE_SIZE;
	} else if (S_ISREG(vp->v_type)) {
		st->st_size = (int64_t)(n->mn_object != NULL ? n->mn_object->ob_size : n->mn_size);
		st->st_blocks = (int64_t)reg_blocks(n);
	} else {
		st->st_size = (int64_t)n->mn_size;
	}
	return 0;
}

int
memfs_statfs(struct vnode *vp __unused, struct statfs *sf)
{
	sf->f_blocks = vm_frames_total();
	sf->f_bfree = sf->f_bavail = vm_frames_for_files();
	sf->f_files = vm_frames_total() * (PAGE_SIZE / 8) / sizeof(struct memnode);
	sf->f_ffree = sf->f_files - MIN(memfs_bytes / sizeof(struct memnode), sf->f_files);
	return 0;
}

static int
setattr_size(struct memnode *n, uint64_t size)
{
	struct vm_object *obj;
	int error;

	if (!S_ISREG(n->mn_vnode.v_type))
		return EINVAL;
	if (size > FILE_MAXSIZE)
		return EFBIG;
	obj = memfs_object(MNTOV(n));
	if (obj == NULL)
		return EIO;
	error = vm_object_truncate(obj, size);
	if (error != 0)
		return error == ENOMEM ? ENOSPC : error;
	n->mn_mtime = nanotime();
	return 0;
}

int
memfs_setattr(struct vnode *vp, const struct vattr *va)
{
	struct memnode *n = VTOMN(vp);
	nsec_t now = nanotime();
	int error;

	if (va->va_valid & VA_SIZE) {
		error = setattr_size(n, va->va_size);
		if (error != 0)
			return error;
	}
	if (va->va_valid & VA_MODE)
		n->mn_mode = va->va_mode & 07777;
	if (va->va_valid & VA_UID)
		n->mn_uid = va->va_uid;
	if (va->va_valid & VA_GID)
		n->mn_gid = va->va_gid;
	if (va->va_valid & VA_ATIME)
		n->mn_atime = va->va_atime == ~0UL ? now : va->va_atime;
	if (va->va_valid & VA_MTIME)
		n->mn_mtime = va->va_mtime == ~0UL ? now : va->va_mtime;
	n->mn_ctime = now;
	return 0;
}

/* ---- data ---- */

struct vm_object *
memfs_object(struct vnode *vp)
{
	struct memnode *n = VTOMN(vp);

	if (n->mn_object == NULL) {
		if (n->mn_flags & MN_IMAGE)
			(void)memfs_image_object(n, &n->mn_object); /* stays NULL on error */
		else
			n->mn_object = vm_object_create(0);
	}
	return n->mn_object;
}

void
memfs_modified(struct vnode *vp, const struct cred *cr)
{
	struct memnode *n = VTOMN(vp);

	memfs_touch(n);
	if (cr->cr_fsuid == 0)
		return;
	n->mn_mode &= ~(mode_t)S_ISUID;
	if (n->mn_mode & 010)
		n->mn_mode &= ~(mode_t)S_ISGID;
}

int
memfs_anonymous(mode_t mode, const struct cred *cr, struct vnode **vpp)
{
	static struct vnode *root; /* of a file system that nobody can name */
	struct memnode *n;

	if (root == NULL && (root = memfs_create(NULL, 0, 0700)) == NULL)
		return ENOMEM;
	n = memfs_node_new(VTOMN(root)->mn_fs, S_IFREG | mode);
	if (n == NULL)
		return ENOMEM;
	n->mn_uid = cr->cr_fsuid;
	n->mn_gid = cr->cr_fsgid;
	*vpp = MNTOV(n);
	return 0;
}
