/* SPDX-License-Identifier: ISC */
/* sys_file.c: descriptors: close, dup, ioctl, and the rest that does not look inside files. */
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

#define FIONCLEX 0x5450
#define FIOCLEX 0x5451
#define FIONBIO 0x5421
#define FIOASYNC 0x5452

SYSCALL(close)
{
	return fd_close(td->td_proc, (int)a[0]);
}

/* A descriptor table shared with another process becomes our own. */
static int
fd_unshare(struct process *p)
{
	struct filedesc *fd;

	if (p->ps_fd->fd_refs == 1)
		return 0;
	fd = fd_copy(p->ps_fd);
	if (fd == NULL)
		return ENOMEM;
	fd_release(p->ps_fd);
	p->ps_fd = fd;
	return 0;
}

SYSCALL(close_range)
{
	struct process *p = td->td_proc;
	uint32_t first = (uint32_t)a[0], last = (uint32_t)a[1], flags = (uint32_t)a[2];
	int error;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE && (error = fd_unshare(p)) != 0)
		return error;
	for (uint32_t i = first; i <= last && i < (uint32_t)p->ps_fd->fd_lasthint; i++) {
		struct fdent *fde = &p->ps_fd->fd_ents[i];

		if (fde->fde_file == NULL)
			continue;
		if (flags & CLOSE_RANGE_CLOEXEC)
			fde->fde_flags |= FD_CLOEXEC;
		else
			(void)fd_close(p, (int)i);
	}
	return 0;
}

SYSCALL(dup)
{
	struct file *fp;
	int fd, error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	error = fd_install(td->td_proc, fp, 0, 0, &fd);
	if (error != 0)
		file_release(fp);
	else
		*retval = fd;
	return error;
}

static int
dup_at(struct thread *td, int from, int to, int fdflags, long *retval)
{
	struct file *fp;
	int error = getfile(td, from, &fp);

	if (error != 0)
		return error;
	error = fd_install_at(td->td_proc, fp, to, fdflags);
	if (error != 0)
		file_release(fp);
	else
		*retval = to;
	return error;
}

SYSCALL(dup2)
{
	struct file *fp;
	int error;

	if ((int)a[0] != (int)a[1])
		return dup_at(td, (int)a[0], (int)a[1], 0, retval);
	error = getfile(td, (int)a[0], &fp); /* onto itself: only checked */
	if (error != 0)
		return error;
	file_release(fp);
	*retval = (int)a[0];
	return 0;
}

SYSCALL(dup3)
{
	if ((int)a[0] == (int)a[1] || ((int)a[2] & ~O_CLOEXEC) != 0)
		return EINVAL;
	return dup_at(td, (int)a[0], (int)a[1], a[2] & O_CLOEXEC ? FD_CLOEXEC : 0, retval);
}

/* ---- ioctl ---- */

/* FIONBIO, FIOASYNC: a flag from an int in user memory. */
static int
ioctl_flag(struct file *fp, uint32_t flag, vaddr_t arg)
{
	int32_t on;
	int error = copyin((const void *)arg, &on, sizeof(on));

	if (error != 0)
		return error;
	fp->f_flags = on != 0 ? fp->f_flags | flag : fp->f_flags & ~flag;
	return 0;
}

static int
file_ioctl(struct thread *td, struct file *fp, const uint64_t *a, long *retval)
{
	uint32_t cmd = (uint32_t)a[1];

	switch (cmd) {
	case FIOCLEX:
		td->td_proc->ps_fd->fd_ents[(int)a[0]].fde_flags |= FD_CLOEXEC;
		return 0;
	case FIONCLEX:
		td->td_proc->ps_fd->fd_ents[(int)a[0]].fde_flags &= (uint8_t)~FD_CLOEXEC;
		return 0;
	case FIONBIO:
		return ioctl_flag(fp, O_NONBLOCK, a[2]);
	case FIOASYNC:
		return ioctl_flag(fp, O_ASYNC, a[2]);
	}
	if (fp->f_ops->fo_ioctl == NULL)
		return ENOTTY;
	return fp->f_ops->fo_ioctl(fp, cmd, a[2], td, retval);
}

SYSCALL(ioctl)
{
	struct file *fp;
	int error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	error = fp->f_flags & O_PATH ? EBADF : file_ioctl(td, fp, a, retval);
	file_release(fp);
	return error;
}

/* ---- files are memory: there is nothing to write back ---- */

static int
check_fd(struct thread *td, int fd, bool seekable)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (seekable && fp->f_ops->fo_seek == NULL)
		error = ESPIPE;
	file_release(fp);
	return error;
}

static int
sync_fd(struct thread *td, int fd)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (fp->f_vnode == NULL ||
		 !(S_ISREG(fp->f_vnode->v_type) || S_ISDIR(fp->f_vnode->v_type)))
		error = EINVAL;
	file_release(fp);
	return error;
}

SYSCALL(sync)
{
	return 0;
}

SYSCALL(fsync)
{
	return sync_fd(td, (int)a[0]);
}

SYSCALL(fdatasync)
{
	return sync_fd(td, (int)a[0]);
}

SYSCALL(syncfs)
{
	return check_fd(td, (int)a[0], false);
}

SYSCALL(sync_file_range)
{
	if ((off_t)a[1] < 0 || (off_t)a[2] < 0 || a[3] > 7)
		return EINVAL;
	return check_fd(td, (int)a[0], true);
}

SYSCALL(fadvise64)
{
	if (a[3] > 5 || (off_t)a[2] < 0)
		return EINVAL;
	return check_fd(td, (int)a[0], true);
}

SYSCALL(readahead)
{
	return check_fd(td, (int)a[0], true) == 0 ? 0 : EBADF;
}
