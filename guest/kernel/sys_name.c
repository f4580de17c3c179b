/* SPDX-License-Identifier: ISC */
/* sys_name.c: names in directories: mkdir, mknod, unlink, link, symlink, readlink. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* ---- making ---- */

SYSCALL(mkdir)
{
	return vfs_mknodat(td, AT_FDCWD, (const char *)a[0], S_IFDIR | (a[1] & 01777), 0, 0);
}

SYSCALL(mkdirat)
{
	return vfs_mknodat(td, (int)a[0], (const char *)a[1], S_IFDIR | (a[2] & 01777), 0, 0);
}

static int
do_mknod(struct thread *td, int dirfd, vaddr_t path, mode_t mode, dev_t dev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!suser(td))
			return EPERM;
		break;
	case S_IFDIR:
		return EPERM;
	default:
		return EINVAL;
	}
	if (!(S_ISCHR(mode) || (mode & S_IFMT) == S_IFBLK))
		dev = 0;
	return vfs_mknodat(td, dirfd, (const char *)path, mode & (S_IFMT | 07777), dev, 0);
}

SYSCALL(mknod)
{
	return do_mknod(td, AT_FDCWD, a[0], (mode_t)a[1], (uint32_t)a[2]);
}

SYSCALL(mknodat)
{
	return do_mknod(td, (int)a[0], a[1], (mode_t)a[2], (uint32_t)a[3]);
}

/* target: a kernel string. */
static int
symlink_at(struct thread *td, const char *target, int dirfd, vaddr_t path)
{
	struct nameidata ni;
	int error = namei(td, dirfd, (const char *)path, NI_PARENT, &ni);

	if (error != 0)
		return error;
	if (ni.ni_vp != NULL)
		error = EEXIST;
	else if (ni.ni_trailing_slash)
		error = ENOENT;
	else
		error = vaccess(ni.ni_dvp, W_OK | X_OK, td->td_proc->ps_cred);
	if (error == 0 && ni.ni_dvp->v_ops->vop_symlink == NULL)
		error = EPERM;
	if (error == 0)
		error = ni.ni_dvp->v_ops->vop_symlink(ni.ni_dvp, ni.ni_name, ni.ni_namelen, target,
						      td->td_proc->ps_cred);
	namei_done(&ni);
	return error;
}

static int
do_symlink(struct thread *td, vaddr_t target, int dirfd, vaddr_t path)
{
	char *buf = kmalloc(PATH_MAX, 0);
	size_t len;
	int error;

	if (buf == NULL)
		return ENOMEM;
	error = copyinstr((const void *)target, buf, PATH_MAX, &len);
	if (error == 0 && buf[0] == '\0')
		error = ENOENT;
	if (error == 0)
		error = symlink_at(td, buf, dirfd, path);
	kfree(buf);
	return error;
}

SYSCALL(symlink)
{
	return do_symlink(td, a[0], AT_FDCWD, a[1]);
}

SYSCALL(symlinkat)
{
	return do_symlink(td, a[0], (int)a[1], a[2]);
}

/* The second name for vp. */
static int
link_to(struct thread *td, struct vnode *vp, struct nameidata *ni)
{
	int error;

	if (ni->ni_vp != NULL)
		return EEXIST;
	if (ni->ni_trailing_slash)
		return ENOENT;
	if (ni->ni_dvp->v_mount != vp->v_mount)
		return EXDEV;
	error = vaccess(ni->ni_dvp, W_OK | X_OK, td->td_proc->ps_cred);
	if (error != 0)
		return error;
	if (S_ISDIR(vp->v_type) || ni->ni_dvp->v_ops->vop_link == NULL)
		return EPERM;
	return ni->ni_dvp->v_ops->vop_link(ni->ni_dvp, ni->ni_name, ni->ni_namelen, vp);
}

static int
do_link(struct thread *td, int fromfd, vaddr_t from, int tofd, vaddr_t to, int flags)
{
	struct nameidata old, new;
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return EINVAL;
	error = namei(td, fromfd, (const char *)from,
		      (flags & AT_SYMLINK_FOLLOW ? NI_FOLLOW : 0) |
			  (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
		      &old);
	if (error != 0)
		return error;
	error = namei(td, tofd, (const char *)to, NI_PARENT, &new);
	if (error == 0) {
		error = link_to(td, old.ni_vp, &new);
		namei_done(&new);
	}
	namei_done(&old);
	return error;
}

SYSCALL(link)
{
	return do_link(td, AT_FDCWD, a[0], AT_FDCWD, a[1], 0);
}

SYSCALL(linkat)
{
	return do_link(td, (int)a[0], a[1], (int)a[2], a[3], (int)a[4]);
}

/* ---- removing ---- */

/* "." and ".." and "/" name no entry that could be removed. */
static int
check_lastdot(const struct nameidata *ni, bool rmdir)
{
	if (!ni->ni_lastdot)
		return 0;
	if (!rmdir)
		return EISDIR;
	return ni->ni_namelen == 0 ? EBUSY : ni->ni_namelen == 1 ? EINVAL : ENOTEMPTY;
}

static int
unlink_found(struct thread *td, struct nameidata *ni, bool rmdir)
{
	int error = check_lastdot(ni, rmdir);

	if (error != 0)
		return error;
	if (ni->ni_vp == NULL)
		return ENOENT;
	error = vaccess_delete(ni->ni_dvp, ni->ni_vp, td->td_proc->ps_cred);
	if (error != 0)
		return error;
	if (!rmdir && S_ISDIR(ni->ni_vp->v_type))
		return EISDIR;
	if (rmdir ? !S_ISDIR(ni->ni_vp->v_type) : ni->ni_trailing_slash)
		return ENOTDIR;
	if (ni->ni_dvp->v_ops->vop_unlink == NULL)
		return EPERM;
	return ni->ni_dvp->v_ops->vop_unlink(ni->ni_dvp, ni->ni_name, ni->ni_namelen, rmdir);
}

static int
do_unlink(struct thread *td, int dirfd, vaddr_t path, bool rmdir)
{
	struct nameidata ni;
	int error = namei(td, dirfd, (const char *)path, NI_PARENT, &ni);

	if (error != 0)
		return error;
	error = unlink_found(td, &ni, rmdir);
	namei_done(&ni);
	return error;
}

SYSCALL(unlink)
{
	return do_unlink(td, AT_FDCWD, a[0], false);
}

SYSCALL(rmdir)
{
	return do_unlink(td, AT_FDCWD, a[0], true);
}

SYSCALL(unlinkat)
{
	if ((int)a[2] & ~AT_REMOVEDIR)
		return EINVAL;
	return do_unlink(td, (int)a[0], a[1], a[2] & AT_REMOVEDIR);
}

/* ---- readlink ---- */

static int
readlink_out(struct vnode *vp, vaddr_t ubuf, size_t size, long *retval)
{
	char *buf;
	size_t len;
	int error;

	if (!S_ISLNK(vp->v_type) || vp->v_ops->vop_readlink == NULL)
		return EINVAL;
	buf = kmalloc(PATH_MAX, 0);
	if (buf == NULL)
		return ENOMEM;
	error = vp->v_ops->vop_readlink(vp, buf, PATH_MAX, &len);
	if (error == 0) {
		len = MIN(len, size);
		error = copyout(buf, (void *)ubuf, len);
	}
	kfree(buf);
	if (error == 0)
		*retval = (long)len;
	return error;
}

static int
do_readlink(struct thread *td, int dirfd, vaddr_t path, vaddr_t ubuf, int size, long *retval)
{
	struct nameidata ni;
	int error;

	if (size <= 0)
		return EINVAL;
	error = namei(td, dirfd, (const char *)path, NI_EMPTY, &ni);
	if (error != 0)
		return error;
	/* An empty path reads the link a descriptor stands for, if it does. */
	error = ni.ni_path[0] == '\0' && !S_ISLNK(ni.ni_vp->v_type)
		    ? ENOENT
		    : readlink_out(ni.ni_vp, ubuf, (size_t)size, retval);
	namei_done(&ni);
	return error;
}

SYSCALL(readlink)
{
	return do_readlink(td, AT_FDCWD, a[0], a[1], (int)a[2], retval);
}

SYSCALL(readlinkat)
{
	return do_readlink(td, (int)a[0], a[1], a[2], (int)a[3], retval);
}
