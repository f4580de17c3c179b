/* SPDX-License-Identifier: ISC */
/* sys_size.c: truncate, ftruncate, fallocate. */
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

static int
truncate_vnode(struct thread *td, struct vnode *vp, uint64_t len)
{
	int error;

	if (S_ISDIR(vp->v_type))
		return EISDIR;
	if (!S_ISREG(vp->v_type))
		return EINVAL;
	error = vaccess(vp, W_OK, td->td_proc->ps_cred);
	if (error != 0)
		return error;
	return vp->v_execcount > 0 ? ETXTBSY : vn_truncate(vp, len, td);
}

SYSCALL(truncate)
{
	struct nameidata ni;
	int error;

	if ((off_t)a[1] < 0)
		return EINVAL;
	error = namei(td, AT_FDCWD, (const char *)a[0], NI_FOLLOW, &ni);
	if (error != 0)
		return error;
	error = truncate_vnode(td, ni.ni_vp, a[1]);
	namei_done(&ni);
	return error;
}

SYSCALL(ftruncate)
{
	struct file *fp;
	int error;

	if ((off_t)a[1] < 0)
		return EINVAL;
	error = getfile(td, (int)a[0], &fp);
	if (error != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (!f_writable(fp) || fp->f_ops->fo_truncate == NULL)
		error = EINVAL;
	else
		error = fp->f_ops->fo_truncate(fp, (off_t)a[1]);
	file_release(fp);
	return error;
}

/* ---- fallocate ---- */

#define FALLOC_KEEP_SIZE 0x01
#define FALLOC_PUNCH_HOLE 0x02
#define FALLOC_ZERO_RANGE 0x10

static int
falloc_punch(struct vnode *vp, uint64_t start, uint64_t end, const struct cred *cr)
{
	struct vm_object *obj = vp->v_ops->vop_object(vp);
	int error;

	if (obj == NULL)
		return EIO;
	if (vp->v_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return EPERM;
	end = MIN(end, obj->ob_size);
	if (start >= end)
		return 0;
	error = vm_object_punch(obj, start, end);
	if (vp->v_ops->vop_modified != NULL)
		vp->v_ops->vop_modified(vp, cr);
	return error == ENOMEM ? ENOSPC : error;
}

/*
 * Space is memory, taken when it is written: what is allocated here is the size alone, if it could
 * be had at all.
 */
static int
falloc_vnode(struct thread *td, struct vnode *vp, int mode, uint64_t start, uint64_t end)
{
	uint64_t size;
	int error;

	if (mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE)) {
		error = falloc_punch(vp, start, end, td->td_proc->ps_cred);
		if (error != 0)
			return error;
	} else if (end - start > ptoa(vm_frames_for_files())) {
		return ENOSPC;
	}
	if (mode & FALLOC_KEEP_SIZE)
		return 0;
	error = vn_size(vp, &size);
	return error == 0 && end > size ? vn_truncate(vp, end, td) : error;
}

static int
falloc_file(struct thread *td, struct file *fp, int mode, off_t off, off_t len)
{
	off_t end;

	if (!f_writable(fp))
		return EBADF;
	if (fp->f_vnode == NULL)
		return ESPIPE;
	if (S_ISFIFO(fp->f_vnode->v_type))
		return ESPIPE;
	if (fp->f_ops != &vnode_fileops)
		return ENODEV;
	if (__builtin_add_overflow(off, len, &end) || (uint64_t)end > FILE_MAXSIZE)
		return EFBIG;
	return falloc_vnode(td, fp->f_vnode, mode, (uint64_t)off, (uint64_t)end);
}

SYSCALL(fallocate)
{
	int mode = (int)a[1], error;
	struct file *fp;

	if ((off_t)a[2] < 0 || (off_t)a[3] <= 0)
		return EINVAL;
	if (mode & ~(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE))
		return EOPNOTSUPP;
	if (mode & FALLOC_PUNCH_HOLE && mode != (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE))
		return EOPNOTSUPP;
	error = getfile(td, (int)a[0], &fp);
	if (error != 0)
		return error;
	error = falloc_file(td, fp, mode, (off_t)a[2], (off_t)a[3]);
	file_release(fp);
	return error;
}
