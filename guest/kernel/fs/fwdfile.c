/* SPDX-License-Identifier: ISC */
/*
 * fwdfile.c: opening /proc/PID/fd/N of a file that looks like a pipe but has no name: the standard
 * streams of a launched program.  The new file passes everything on to the one that was open.
 */
#include <sys/file.h>
#include <sys/systm.h>
#include "procfs.h"

/* ---- the new file: f_data is the old one, held ---- */

static int
fwd_read(struct file *fp, struct uio *uio, struct thread *td)
{
	struct file *old = fp->f_data;

	return old->f_ops->fo_read(old, uio, td);
}

static int
fwd_write(struct file *fp, struct uio *uio, struct thread *td)
{
	struct file *old = fp->f_data;

	return old->f_ops->fo_write(old, uio, td);
}

static int
fwd_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td, long *retval)
{
	struct file *old = fp->f_data;

	return old->f_ops->fo_ioctl != NULL ? old->f_ops->fo_ioctl(old, cmd, arg, td, retval)
					    : ENOTTY;
}

static int
fwd_poll(struct file *fp, int events, struct pollctx *ctx)
{
	return file_poll(fp->f_data, events, ctx);
}

static int
fwd_stat(struct file *fp, struct stat *st)
{
	struct file *old = fp->f_data;

	return old->f_ops->fo_stat(old, st);
}

static void
fwd_close(struct file *fp)
{
	file_release(fp->f_data);
}

static const struct fileops fwd_fileops = {
    .fo_read = fwd_read,
    .fo_write = fwd_write,
    .fo_ioctl = fwd_ioctl,
    .fo_poll = fwd_poll,
    .fo_stat = fwd_stat,
    .fo_close = fwd_close,
    .fo_name = "pipe",
};

/* ---- the vnode in between ---- */

static int
fwd_getattr(struct vnode *vp, struct stat *st)
{
	struct file *old = vp->v_data;

	return old->f_ops->fo_stat(old, st);
}

static int
fwd_open(struct vnode *vp, struct file *fp, int flags __unused, struct thread *td __unused)
{
	struct file *old = vp->v_data;

	if ((f_readable(fp) && !(f_readable(old) && old->f_ops->fo_read != NULL)) ||
	    (f_writable(fp) && !(f_writable(old) && old->f_ops->fo_write != NULL)))
		return EACCES;
	if (old->f_ops == &fwd_fileops) /* chains would only grow */
		old = old->f_data;
	fp->f_data = file_hold(old);
	fp->f_ops = &fwd_fileops;
	return 0;
}

static void
fwd_inactive(struct vnode *vp)
{
	file_release(vp->v_data);
}

static const struct vnodeops fwd_vnodeops = {
    .vop_getattr = fwd_getattr,
    .vop_open = fwd_open,
    .vop_inactive = fwd_inactive,
};

bool
file_islikepipe(struct file *fp)
{
	struct stat st;

	return fp->f_ops->fo_stat != NULL && fp->f_ops->fo_stat(fp, &st) == 0 &&
	       S_ISFIFO(st.st_mode);
}

int
fwdfile_vnode(struct file *fp, struct mount *mnt, struct vnode **vpp)
{
	*vpp = vnode_new(&fwd_vnodeops, mnt, S_IFIFO, fp);
	if (*vpp == NULL)
		return ENOMEM;
	file_hold(fp);
	return 0;
}
