/* SPDX-License-Identifier: ISC */
/* vfs_create.c: making directories and nodes, and files that the host puts into the tree. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* The name is free and its directory (ni_dvp) known: may td make a node there? */
static int
create_check(struct thread *td, const struct nameidata *ni, mode_t mode)
{
	if (ni->ni_vp != NULL)
		return EEXIST;
	if (ni->ni_trailing_slash && !S_ISDIR(mode))
		return ENOENT;
	return vaccess(ni->ni_dvp, W_OK | X_OK, td->td_proc->ps_cred);
}

int
vfs_makenode(struct thread *td, int dirfd, const char *path, mode_t mode, dev_t rdev,
	     unsigned nflags, struct vnode **vpp)
{
	struct nameidata ni;
	int error = namei(td, dirfd, path, nflags | NI_PARENT, &ni);

	if (error != 0)
		return error;
	error = create_check(td, &ni, mode);
	if (error == 0 && ni.ni_dvp->v_ops->vop_create == NULL)
		error = EPERM;
	if (error == 0)
		error = ni.ni_dvp->v_ops->vop_create(ni.ni_dvp, ni.ni_name, ni.ni_namelen,
						     mode & ~(td->td_proc->ps_fs->fs_umask & 0777),
						     rdev, td->td_proc->ps_cred, vpp);
	namei_done(&ni);
	return error;
}

int
vfs_mknodat(struct thread *td, int dirfd, const char *path, mode_t mode, dev_t rdev,
	    unsigned nflags)
{
	struct vnode *vp;
	int error = vfs_makenode(td, dirfd, path, mode, rdev, nflags, &vp);

	if (error == 0)
		vrele(vp);
	return error;
}

/* ---- files from the host ---- */

/* All directories of path that are not there yet. */
static int
make_parents(struct thread *td, char *path)
{
	for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		int error;

		*p = '\0';
		error = vfs_mknodat(td, AT_FDCWD, path, S_IFDIR | 0755, 0, NI_KERNEL);
		*p = '/';
		if (error != 0 && error != EEXIST)
			return error;
	}
	return 0;
}

static int
put_data(struct thread *td, struct file *fp, const void *data, size_t len)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct uio uio = {.uio_iov = &iov,
			  .uio_iovcnt = 1,
			  .uio_resid = len,
			  .uio_write = true,
			  .uio_kernel = true};
	int error = fp->f_ops->fo_write(fp, &uio, td);

	return error == 0 && uio.uio_resid > 0 ? EFBIG : error;
}

static int
put_attributes(struct vnode *vp, mode_t mode, uid_t uid, gid_t gid)
{
	struct vattr va = {.va_valid = VA_MODE | VA_UID | VA_GID,
			   .va_mode = mode & 07777,
			   .va_uid = uid,
			   .va_gid = gid};

	return vp->v_ops->vop_setattr(vp, &va);
}

static int
put_file(struct thread *td, char *path, const void *data, size_t len, mode_t mode, uid_t uid,
	 gid_t gid)
{
	struct file *fp;
	int error = make_parents(td, path);

	if (error != 0)
		return error;
	error = kern_open(td, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fp);
	if (error != 0)
		return error;
	if (!S_ISREG(fp->f_vnode->v_type) || fp->f_ops != &vnode_fileops)
		error = EINVAL;
	if (error == 0)
		error = put_data(td, fp, data, len);
	if (error == 0)
		error = put_attributes(fp->f_vnode, mode, uid, gid);
	file_release(fp);
	return error;
}

int
vn_put(const char *path, const void *data, size_t len, mode_t mode, uid_t uid, gid_t gid)
{
	size_t size = strnlen(path, PATH_MAX) + 1;
	char *copy;
	int error;

	if (path[0] != '/')
		return EINVAL;
	if (size > PATH_MAX)
		return ENAMETOOLONG;
	copy = kmalloc(size, 0);
	if (copy == NULL)
		return ENOMEM;
	memcpy(copy, path, size);
	error = put_file(curthread, copy, data, len, mode, uid, gid);
	kfree(copy);
	return error;
}
