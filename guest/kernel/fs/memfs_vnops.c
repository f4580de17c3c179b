/* SPDX-License-Identifier: ISC */
/* memfs_vnops.c: operations on in-memory directories: look up, make, link and unlink names. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include "memfs.h"

/* The entry of a name and its node; ENOENT. */
static int
dir_get(struct memnode *dir, const char *name, size_t len, struct mementry **ep,
	struct memnode **np)
{
	int error = memfs_load(dir);

	if (error != 0)
		return error;
	*ep = memdir_find(dir, name, len);
	return *ep != NULL ? memfs_entry_node(*ep, np) : ENOENT;
}

static int
memfs_lookup(struct vnode *dvp, const char *name, size_t len, struct vnode **vpp)
{
	struct mementry *e;
	struct memnode *n;
	int error = dir_get(VTOMN(dvp), name, len, &e, &n);

	if (error != 0)
		return error;
	n->mn_entry = e;
	*vpp = vhold(MNTOV(n));
	return 0;
}

/* May a name be added?  A removed directory takes no more. */
static int
dir_check_new(struct memnode *dir, const char *name, size_t len)
{
	int error;

	if (dir->mn_nlink == 0)
		return ENOENT;
	error = memfs_load(dir);
	if (error != 0)
		return error;
	return memdir_find(dir, name, len) != NULL ? EEXIST : 0;
}

/* Owner and group of a new node; a set-group-id directory passes its group (and, to directories,
 * the bit) on. */
static void
node_own(struct memnode *n, const struct memnode *dir, const struct cred *cr)
{
	n->mn_uid = cr->cr_fsuid;
	n->mn_gid = dir->mn_mode & S_ISGID ? dir->mn_gid : cr->cr_fsgid;
	if (dir->mn_mode & S_ISGID && S_ISDIR(n->mn_vnode.v_type))
		n->mn_mode |= S_ISGID;
}

/* Give a new node its first name; the caller keeps its reference. */
static int
node_enter(struct memnode *dir, const char *name, size_t len, struct memnode *n)
{
	struct mementry *e = memdir_alloc(name, len);

	if (e == NULL)
		return ENOSPC;
	vhold(MNTOV(n));
	memdir_set(e, n);
	memdir_insert(dir, e);
	n->mn_nlink = 1;
	if (S_ISDIR(n->mn_vnode.v_type)) {
		n->mn_nlink = 2;
		n->mn_dir.md_parent = dir;
		vhold(MNTOV(dir));
		dir->mn_nlink++;
	}
	memfs_touch(dir);
	return 0;
}

static int
node_make(struct memnode *dir, const char *name, size_t len, mode_t mode, const struct cred *cr,
	  struct memnode **np)
{
	struct memnode *n;
	int error = dir_check_new(dir, name, len);

	if (error != 0)
		return error;
	n = memfs_node_new(dir->mn_fs, mode);
	if (n == NULL)
		return ENOSPC;
	node_own(n, dir, cr);
	error = node_enter(dir, name, len, n);
	if (error != 0) {
		vrele(MNTOV(n));
		return error;
	}
	*np = n;
	return 0;
}

static int
memfs_make(struct vnode *dvp, const char *name, size_t len, mode_t mode, dev_t rdev,
	   const struct cred *cr, struct vnode **vpp)
{
	struct memnode *n;
	int error = node_make(VTOMN(dvp), name, len, mode, cr, &n);

	if (error != 0)
		return error;
	n->mn_vnode.v_rdev = rdev;
	*vpp = MNTOV(n);
	return 0;
}

static int
memfs_symlink(struct vnode *dvp, const char *name, size_t len, const char *target,
	      const struct cred *cr)
{
	size_t size = strlen(target);
	struct memnode *n;
	char *copy;
	int error;

	if (!memfs_charge(size))
		return ENOSPC;
	copy = kmalloc(size + 1, 0);
	error = copy == NULL ? ENOMEM : node_make(VTOMN(dvp), name, len, S_IFLNK | 0777, cr, &n);
	if (error != 0) {
		memfs_uncharge(size);
		kfree(copy);
		return error;
	}
	memcpy(copy, target, size + 1);
	n->mn_target = copy;
	n->mn_size = size;
	vrele(MNTOV(n));
	return 0;
}

static int
memfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct memnode *n = VTOMN(vp);

	*len = MIN(n->mn_size, size);
	if (n->mn_target == NULL)
		return memfs_image_readlink(n, buf, *len);
	memcpy(buf, n->mn_target, *len);
	return 0;
}

static int
memfs_link(struct vnode *dvp, const char *name, size_t len, struct vnode *target)
{
	struct memnode *dir = VTOMN(dvp), *n = VTOMN(target);
	struct mementry *e;
	int error = dir_check_new(dir, name, len);

	if (error != 0)
		return error;
	if (S_ISDIR(target->v_type))
		return EPERM;
	if (n->mn_nlink == 0 && !(n->mn_flags & MN_LINKABLE))
		return ENOENT;
	if (n->mn_nlink >= INT32_MAX)
		return EMLINK;
	e = memdir_alloc(name, len);
	if (e == NULL)
		return ENOSPC;
	vhold(target);
	memdir_set(e, n);
	memdir_insert(dir, e);
	n->mn_nlink++;
	n->mn_flags &= ~MN_LINKABLE;
	n->mn_ctime = nanotime();
	memfs_touch(dir);
	return 0;
}

/* The node has lost a name in dir (already out of it): count, and drop the name's reference. */
void
memfs_unlinked(struct memnode *dir, struct memnode *n)
{
	if (S_ISDIR(n->mn_vnode.v_type)) {
		n->mn_nlink = 0;
		memfs_droplink(dir);
	} else if (n->mn_nlink > 0) {
		n->mn_nlink--;
	}
	n->mn_ctime = nanotime();
	if (n->mn_nlink == 0)
		memfs_unshare(n);
	vrele(MNTOV(n));
}

/* Can n give its name away?  Directories must be empty. */
static int
dir_check_empty(struct memnode *n)
{
	int error;

	if (!S_ISDIR(n->mn_vnode.v_type))
		return 0;
	error = memfs_load(n);
	if (error != 0)
		return error;
	return n->mn_dir.md_count > 0 ? ENOTEMPTY : 0;
}

static int
memfs_unlink(struct vnode *dvp, const char *name, size_t len, bool rmdir)
{
	struct memnode *dir = VTOMN(dvp), *n;
	struct mementry *e;
	int error = dir_get(dir, name, len, &e, &n);

	if (error != 0)
		return error;
	if (rmdir != S_ISDIR(n->mn_vnode.v_type))
		return rmdir ? ENOTDIR : EISDIR;
	error = dir_check_empty(n);
	if (error != 0)
		return error;
	memdir_remove(e);
	memfs_touch(dir);
	memfs_unlinked(dir, n);
	return 0;
}

/* Of a name: the directory it was last found in. */
static int
memfs_parent(struct vnode *vp, struct vnode **vpp)
{
	struct memnode *n = VTOMN(vp), *dir;

	if (S_ISDIR(vp->v_type))
		dir = n->mn_dir.md_parent != NULL ? n->mn_dir.md_parent : n;
	else
		dir = n->mn_entry != NULL ? n->mn_entry->me_dir : NULL;
	if (dir == NULL)
		return ENOENT;
	*vpp = vhold(MNTOV(dir));
	return 0;
}

static int
memfs_name(struct vnode *dvp, struct vnode *child, char *buf, size_t size)
{
	const struct mementry *e = VTOMN(child)->mn_entry;

	if (e == NULL || e->me_dir != VTOMN(dvp))
		return ENOENT;
	if ((size_t)e->me_len + 1 > size)
		return ENAMETOOLONG;
	memcpy(buf, e->me_name, (size_t)e->me_len + 1);
	return 0;
}

static int
memfs_tmpfile(struct vnode *dvp, mode_t mode, const struct cred *cr, bool linkable,
	      struct vnode **vpp)
{
	struct memnode *dir = VTOMN(dvp), *n;

	if (dir->mn_nlink == 0)
		return ENOENT;
	n = memfs_node_new(dir->mn_fs, S_IFREG | mode);
	if (n == NULL)
		return ENOSPC;
	node_own(n, dir, cr);
	if (linkable)
		n->mn_flags |= MN_LINKABLE;
	*vpp = MNTOV(n);
	return 0;
}

/* Devices, FIFOs and sockets belong to whoever implements them. */
static int
memfs_special_open(struct vnode *vp, struct file *fp, int flags, struct thread *td)
{
	if (S_ISFIFO(vp->v_type) && fifo_open != NULL)
		return fifo_open(vp, fp, flags, td);
	if (S_ISCHR(vp->v_type) && dev_open != NULL)
		return dev_open(vp, fp, flags, td);
	return ENXIO;
}

const struct vnodeops memfs_dirops = {
    .vop_lookup = memfs_lookup,
    .vop_create = memfs_make,
    .vop_symlink = memfs_symlink,
    .vop_link = memfs_link,
    .vop_unlink = memfs_unlink,
    .vop_rename = memfs_rename,
    .vop_readdir = memfs_readdir,
    .vop_getattr = memfs_getattr,
    .vop_setattr = memfs_setattr,
    .vop_parent = memfs_parent,
    .vop_name = memfs_name,
    .vop_tmpfile = memfs_tmpfile,
    .vop_statfs = memfs_statfs,
    .vop_inactive = memfs_inactive,
};
const struct vnodeops memfs_regops = {
    .vop_getattr = memfs_getattr,
    .vop_setattr = memfs_setattr,
    .vop_parent = memfs_parent,
    .vop_object = memfs_object,
    .vop_modified = memfs_modified,
    .vop_statfs = memfs_statfs,
    .vop_inactive = memfs_inactive,
};
const struct vnodeops memfs_lnkops = {
    .vop_readlink = memfs_readlink,
    .vop_getattr = memfs_getattr,
    .vop_setattr = memfs_setattr,
    .vop_parent = memfs_parent,
    .vop_statfs = memfs_statfs,
    .vop_inactive = memfs_inactive,
};
const struct vnodeops memfs_specops = {
    .vop_open = memfs_special_open,
    .vop_getattr = memfs_getattr,
    .vop_setattr = memfs_setattr,
    .vop_parent = memfs_parent,
    .vop_statfs = memfs_statfs,
    .vop_inactive = memfs_inactive,
};
