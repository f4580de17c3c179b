/* SPDX-License-Identifier: ISC */
/* vfs_open.c: opening: find or create, check access, make the file. */
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* Flags that only matter while a file is opened; F_GETFL does not show them. */
#define O_OPENONLY (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

/* R_OK, W_OK that the access mode asks for. */
static int
access_wanted(int flags)
{
	int mode = 0;

	if ((flags & O_ACCMODE) != O_WRONLY)
		mode |= R_OK;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
		mode |= W_OK;
	return mode;
}

static int
check_noatime(struct vnode *vp, const struct cred *cr)
{
	struct stat st;
	int error;

	if (cr->cr_fsuid == 0)
		return 0;
	error = vn_stat(vp, &st);
	if (error != 0)
		return error;
	return st.st_uid == cr->cr_fsuid ? 0 : EPERM;
}

/* May td open vp this way? */
static int
open_check(struct thread *td, struct vnode *vp, int flags)
{
	const struct cred *cr = td->td_proc->ps_cred;
	int mode = access_wanted(flags), error;

	if (S_ISLNK(vp->v_type))
		return ELOOP;
	if (flags & O_DIRECTORY && !S_ISDIR(vp->v_type))
		return ENOTDIR;
	if (S_ISDIR(vp->v_type) && (mode & W_OK || flags & O_CREAT))
		return EISDIR;
	if (S_ISSOCK(vp->v_type))
		return ENXIO;
	if ((error = vaccess(vp, mode, cr)) != 0)
		return error;
	if (S_ISREG(vp->v_type) && mode & W_OK && vp->v_execcount > 0)
		return ETXTBSY;
	return flags & O_NOATIME ? check_noatime(vp, cr) : 0;
}

/* The file itself; access has been checked. */
static int
open_file(struct thread *td, struct vnode *vp, int flags, struct file **fpp)
{
	const struct fileops *ops = S_ISDIR(vp->v_type) ? &vnode_dirops : &vnode_fileops;
	struct file *fp = file_alloc(ops, (flags & ~O_OPENONLY) | O_LARGEFILE, NULL);
	int error = 0;

	if (fp == NULL)
		return ENFILE;
	fp->f_vnode = vhold(vp);
	if (S_ISREG(vp->v_type) && f_writable(fp))
		vp->v_writecount++;
	if (vp->v_ops->vop_open != NULL) {
		error = vp->v_ops->vop_open(vp, fp, flags, td);
		if (error != 0)
			fp->f_ops = &vnode_pathops; /* nothing for a close to undo */
	} else if (S_ISREG(vp->v_type) && flags & O_TRUNC) {
		error = vn_truncate(vp, 0, td);
	}
	if (error != 0) {
		file_release(fp);
		return error;
	}
	*fpp = fp;
	return 0;
}

static int
open_path(struct vnode *vp, int flags, struct file **fpp)
{
	struct file *fp;

	if (flags & O_DIRECTORY && !S_ISDIR(vp->v_type))
		return ENOTDIR;
	fp = file_alloc(&vnode_pathops, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), NULL);
	if (fp == NULL)
		return ENFILE;
	fp->f_vnode = vhold(vp);
	*fpp = fp;
	return 0;
}

int
vn_open(struct thread *td, struct vnode *vp, int flags, struct file **fpp)
{
	int error;

	if (flags & O_PATH)
		return open_path(vp, flags, fpp);
	error = open_check(td, vp, flags);
	return error != 0 ? error : open_file(td, vp, flags, fpp);
}

/* ---- creating ---- */

/* What a new file's creator may do with it has nothing to do with its mode. */
static int
open_created(struct thread *td, struct nameidata *ni, int flags, mode_t mode, struct file **fpp)
{
	const struct cred *cr = td->td_proc->ps_cred;
	struct vnode *dvp = ni->ni_dvp;
	int error;

	error = vaccess(dvp, W_OK | X_OK, cr);
	if (error != 0)
		return error;
	if (dvp->v_ops->vop_create == NULL)
		return EACCES;
	mode &= 07777 & ~td->td_proc->ps_fs->fs_umask;
	error = dvp->v_ops->vop_create(dvp, ni->ni_name, ni->ni_namelen, S_IFREG | mode, 0, cr,
				       &ni->ni_vp);
	return error != 0 ? error : open_file(td, ni->ni_vp, flags & ~O_TRUNC, fpp);
}

static int
open_creat(struct thread *td, struct nameidata *ni, int flags, mode_t mode, struct file **fpp)
{
	if (ni->ni_trailing_slash && !ni->ni_lastdot)
		return EISDIR;
	if (ni->ni_vp == NULL)
		return open_created(td, ni, flags, mode, fpp);
	if (flags & O_EXCL)
		return EEXIST;
	return vn_open(td, ni->ni_vp, flags, fpp);
}

/* O_TMPFILE: the vnode found is the directory whose file system gets a nameless file. */
static int
open_tmpfile(struct thread *td, struct vnode *dvp, int flags, mode_t mode, struct file **fpp)
{
	const struct cred *cr = td->td_proc->ps_cred;
	struct vnode *vp;
	int error;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return EINVAL;
	if (!S_ISDIR(dvp->v_type))
		return ENOTDIR;
	if ((error = vaccess(dvp, W_OK | X_OK, cr)) != 0)
		return error;
	if (dvp->v_ops->vop_tmpfile == NULL)
		return EOPNOTSUPP;
	mode &= 07777 & ~td->td_proc->ps_fs->fs_umask;
	error = dvp->v_ops->vop_tmpfile(dvp, mode, cr, !(flags & O_EXCL), &vp);
	if (error != 0)
		return error;
	error = open_file(td, vp, flags & ~O_DIRECTORY, fpp);
	vrele(vp);
	return error;
}

static int
open_found(struct thread *td, struct nameidata *ni, int flags, mode_t mode, struct file **fpp)
{
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(td, ni->ni_vp, flags, mode, fpp);
	if (flags & O_CREAT)
		return open_creat(td, ni, flags, mode, fpp);
	return vn_open(td, ni->ni_vp, flags, fpp);
}

int
vfs_openat(struct thread *td, int dirfd, const char *path, int flags, mode_t mode, unsigned nflags,
	   struct file **fpp)
{
	struct nameidata ni;
	int error;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else if ((flags & O_TMPFILE) == O_TMPFILE)
		flags &= ~O_CREAT;
	else if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return EINVAL;
	if (!(flags & O_NOFOLLOW) && !((flags & O_CREAT) && (flags & O_EXCL)))
		nflags |= NI_FOLLOW;
	if (flags & O_CREAT)
		nflags |= NI_PARENT;
	error = namei(td, dirfd, path, nflags, &ni);
	if (error != 0)
		return error;
	error = open_found(td, &ni, flags, mode, fpp);
	namei_done(&ni);
	return error;
}

int
kern_open(struct thread *td, int dirfd, const char *kpath, int flags, mode_t mode,
	  struct file **fpp)
{
	return vfs_openat(td, dirfd, kpath, flags, mode, NI_KERNEL, fpp);
}
