/* SPDX-License-Identifier: ISC */
/* vfs_vnode.c: vnodes: references, access checks, attributes, reading and paths from inside. */
#include <sys/kmem.h>
#include <sys/lockf.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

static struct pool vnode_pool = POOL_INITIALIZER("vnode", struct vnode);

void
vnode_init(struct vnode *vp, const struct vnodeops *ops, struct mount *mp, mode_t type, void *data)
{
	*vp = (struct vnode){
	    .v_refs = 1,
	    .v_type = type & S_IFMT,
	    .v_ops = ops,
	    .v_mount = mp,
	    .v_data = data,
	};
}

struct vnode *
vnode_new(const struct vnodeops *ops, struct mount *mp, mode_t type, void *data)
{
	struct vnode *vp = pool_get(&vnode_pool, 0);

	if (vp != NULL)
		vnode_init(vp, ops, mp, type, data);
	return vp;
}

struct vnode *
vhold(struct vnode *vp)
{
	vp->v_refs++;
	return vp;
}

void
vrele(struct vnode *vp)
{
	bool embedded = vp->v_flags & V_EMBEDDED;

	KASSERT(vp->v_refs > 0);
	if (--vp->v_refs > 0)
		return;
	lockf_purge(vp);
	if (vp->v_ops->vop_inactive != NULL)
		vp->v_ops->vop_inactive(vp);
	if (!embedded)
		pool_put(&vnode_pool, vp);
}

/*
 * May cred do mode (R_OK | W_OK | X_OK) to vp?  The file system user id counts; user 0 may do
 * everything but execute a file that nobody may execute.
 */
int
vaccess(struct vnode *vp, int mode, const struct cred *cr)
{
	struct stat st;
	mode_t bits;
	int error;

	if (cr->cr_fsuid == 0 && (!(mode & X_OK) || S_ISDIR(vp->v_type)))
		return 0;
	error = vn_stat(vp, &st);
	if (error != 0)
		return error;
	if (cr->cr_fsuid == 0)
		return (st.st_mode & 0111) != 0 ? 0 : EACCES;
	if (cr->cr_fsuid == st.st_uid)
		bits = st.st_mode >> 6;
	else if (cr->cr_fsgid == st.st_gid || groupmember(cr, st.st_gid))
		bits = st.st_mode >> 3;
	else
		bits = st.st_mode;
	return (bits & (mode_t)mode & 7) == (mode_t)mode ? 0 : EACCES;
}

/* In a sticky directory a name belongs to the owner of the file, or of the directory. */
static int
check_sticky(struct vnode *dvp, struct vnode *vp, const struct cred *cr)
{
	struct stat st;
	int error;

	if (cr->cr_fsuid == 0)
		return 0;
	error = vn_stat(dvp, &st);
	if (error != 0 || !(st.st_mode & S_ISVTX) || st.st_uid == cr->cr_fsuid)
		return error;
	error = vn_stat(vp, &st);
	if (error != 0)
		return error;
	return st.st_uid == cr->cr_fsuid ? 0 : EPERM;
}

int
vaccess_delete(struct vnode *dvp, struct vnode *vp, const struct cred *cr)
{
	int error = vaccess(dvp, W_OK | X_OK, cr);

	if (error == 0)
		error = check_sticky(dvp, vp, cr);
	if (error == 0 && vp->v_mount != NULL && vp->v_mount->mnt_root == vp)
		error = EBUSY;
	return error;
}

int
vn_stat(struct vnode *vp, struct stat *st)
{
	memset(st, 0, sizeof(*st)); /* padding goes to user space as well */
	st->st_dev = vp->v_mount != NULL ? vp->v_mount->mnt_dev : 0;
	st->st_mode = vp->v_type;
	st->st_nlink = 1;
	st->st_rdev = vp->v_rdev;
	st->st_blksize = PAGE_SIZE;
	return vp->v_ops->vop_getattr != NULL ? vp->v_ops->vop_getattr(vp, st) : 0;
}

/* ---- data, for the kernel's own use ---- */

static struct vm_object *
vn_object(struct vnode *vp)
{
	if (!S_ISREG(vp->v_type) || vp->v_ops->vop_object == NULL)
		return NULL;
	return vp->v_ops->vop_object(vp);
}

int
vn_size(struct vnode *vp, uint64_t *size)
{
	struct stat st;
	int error = vn_stat(vp, &st);

	*size = error == 0 ? (uint64_t)st.st_size : 0;
	return error;
}

int
vn_read(struct vnode *vp, void *kbuf, size_t len, uint64_t off, size_t *done)
{
	struct vm_object *obj;

	*done = 0;
	if (!S_ISREG(vp->v_type) || vp->v_ops->vop_object == NULL)
		return EACCES;
	obj = vn_object(vp);
	if (obj == NULL)
		return EIO;
	if (off >= obj->ob_size)
		return 0;
	len = MIN(len, obj->ob_size - off);
	*done = len;
	return vm_object_rw(obj, off, kbuf, len, false, false);
}

/* ---- paths ---- */

/* The mounted-on vnode as long as vp is the root of something mounted; a hold is passed along. */
static struct vnode *
vn_uncover(struct vnode *vp)
{
	while (vp->v_mount != NULL && vp == vp->v_mount->mnt_root &&
	       vp->v_mount->mnt_covered != NULL) {
		struct vnode *covered = vhold(vp->v_mount->mnt_covered);

		vrele(vp);
		vp = covered;
	}
	return vp;
}

/* Put "/name of vp" before *pos in buf; *parentp = the directory, held. */
static int
path_prepend(struct vnode *vp, char *buf, size_t *pos, struct vnode **parentp)
{
	char name[256];
	size_t len;
	int error;

	if (vp->v_ops->vop_parent == NULL)
		return ENOENT;
	error = vp->v_ops->vop_parent(vp, parentp);
	if (error != 0)
		return error;
	error = (*parentp)->v_ops->vop_name == NULL
		    ? ENOENT
		    : (*parentp)->v_ops->vop_name(*parentp, vp, name, sizeof(name));
	len = error == 0 ? strlen(name) : 0;
	if (error == 0 && len + 1 > *pos)
		error = ENAMETOOLONG;
	if (error != 0) {
		vrele(*parentp);
		return error;
	}
	*pos -= len;
	memcpy(buf + *pos, name, len);
	buf[--*pos] = '/';
	return 0;
}

/* Built from the end of buf, then moved to its start. */
int
vnode_path(struct vnode *vp, char *buf, size_t size)
{
	struct fsinfo *fs = curthread->td_proc->ps_fs;
	struct vnode *root = fs != NULL && fs->fs_root != NULL ? fs->fs_root : rootvnode;
	struct vnode *parent;
	size_t pos;
	int error = 0;

	if (size < 2)
		return ENAMETOOLONG;
	pos = size - 1;
	buf[pos] = '\0';
	vhold(vp);
	while (error == 0 && vp != root) {
		vp = vn_uncover(vp);
		if (vp == root || vp == rootvnode)
			break;
		error = path_prepend(vp, buf, &pos, &parent);
		if (error == 0) {
			vrele(vp);
			vp = parent;
		}
	}
	vrele(vp);
	if (error != 0)
		return error;
	if (buf[pos] == '\0')
		buf[--pos] = '/';
	memmove(buf, buf + pos, size - pos);
	return 0;
}
