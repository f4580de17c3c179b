/* SPDX-License-Identifier: ISC */
/* sys_fcntl.c: fcntl and flock: descriptor and status flags, locks, owners, seals, pipe sizes. */
#include <sys/file.h>
#include <sys/lockf.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

enum {
	F_DUPFD = 0,
	F_GETFD = 1,
	F_SETFD = 2,
	F_GETFL = 3,
	F_SETFL = 4,
	F_GETLK = 5,
	F_SETLK = 6,
	F_SETLKW = 7,
	F_SETOWN = 8,
	F_GETOWN = 9,
	F_SETSIG = 10,
	F_GETSIG = 11,
	F_SETOWN_EX = 15,
	F_GETOWN_EX = 16,
	F_OFD_GETLK = 36,
	F_OFD_SETLK = 37,
	F_OFD_SETLKW = 38,
	F_GETLEASE = 1025,
	F_DUPFD_CLOEXEC = 1030,
	F_SETPIPE_SZ = 1031,
	F_GETPIPE_SZ = 1032,
	F_ADD_SEALS = 1033,
	F_GET_SEALS = 1034,
};
#define O_SETTABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

struct flock {
	int16_t l_type, l_whence;
	int32_t l_pad0;
	off_t l_start, l_len;
	pid_t l_pid;
	int32_t l_pad1;
};
_Static_assert(sizeof(struct flock) == 32, "struct flock");

/* ---- locks ---- */

/* A range as programs give it (from a base, length negative or 0 = to the end) as first and last.
 */
static int
flock_range(struct file *fp, const struct flock *fl, struct filelock *req)
{
	off_t base = 0, start, end;
	int error;

	if (fl->l_whence != SEEK_SET) {
		if (fl->l_whence != SEEK_CUR && fl->l_whence != SEEK_END)
			return EINVAL;
		error = vnode_seek(fp, 0, fl->l_whence, &base);
		if (error != 0)
			return error;
	}
	if (__builtin_add_overflow(base, fl->l_start, &start))
		return EOVERFLOW;
	if (__builtin_add_overflow(start, fl->l_len, &end))
		return EOVERFLOW;
	if (fl->l_len < 0) {
		off_t first = end;

		end = start;
		start = first;
	}
	if (start < 0)
		return EINVAL;
	req->fl_start = (uint64_t)start;
	req->fl_end = fl->l_len == 0 ? LOCK_END : (uint64_t)end - 1;
	return 0;
}

static int
flock_request(struct thread *td, struct file *fp, bool ofd, const struct flock *fl,
	      struct filelock *req)
{
	*req = (struct filelock){.fl_space = LOCK_RANGE, .fl_type = (uint8_t)fl->l_type};
	if (fl->l_type < F_RDLCK || fl->l_type > F_UNLCK || (ofd && fl->l_pid != 0))
		return EINVAL;
	req->fl_owner = ofd ? (const void *)fp : td->td_proc->ps_fd;
	req->fl_pid = ofd ? -1 : td->td_proc->ps_pid;
	return flock_range(fp, fl, req);
}

static int
fcntl_getlk(struct thread *td, struct file *fp, bool ofd, vaddr_t arg)
{
	const struct filelock *found;
	struct filelock req;
	struct flock fl;
	int error = copyin((const void *)arg, &fl, sizeof(fl));

	if (error == 0 && fl.l_type == F_UNLCK)
		error = EINVAL;
	if (error == 0)
		error = flock_request(td, fp, ofd, &fl, &req);
	if (error != 0)
		return error;
	found = lockf_conflict(fp->f_vnode, &req);
	if (found == NULL) {
		fl.l_type = F_UNLCK;
	} else {
		fl.l_type = found->fl_type;
		fl.l_whence = SEEK_SET;
		fl.l_start = (off_t)found->fl_start;
		fl.l_len =
		    found->fl_end == LOCK_END ? 0 : (off_t)(found->fl_end - found->fl_start + 1);
		fl.l_pid = found->fl_pid;
	}
	return copyout(&fl, (void *)arg, sizeof(fl));
}

/* Is fd still this file?  Another thread may have closed it while we slept for a lock. */
static bool
still_open(struct thread *td, int fd, const struct file *fp)
{
	const struct filedesc *tab = td->td_proc->ps_fd;

	return (unsigned)fd < (unsigned)tab->fd_nfiles && tab->fd_ents[fd].fde_file == fp;
}

static int
fcntl_setlk(struct thread *td, int fd, struct file *fp, bool ofd, bool wait, vaddr_t arg)
{
	struct filelock req;
	struct flock fl;
	int error = copyin((const void *)arg, &fl, sizeof(fl));

	if (error == 0)
		error = flock_request(td, fp, ofd, &fl, &req);
	if (error != 0)
		return error;
	if ((fl.l_type == F_RDLCK && !f_readable(fp)) || (fl.l_type == F_WRLCK && !f_writable(fp)))
		return EBADF;
	error = lockf_set(fp->f_vnode, &req, wait);
	if (error == 0 && wait && !ofd && !still_open(td, fd, fp)) {
		/* Nobody would ever release it. */
		lockf_release(fp->f_vnode, req.fl_owner);
		error = EBADF;
	}
	return error;
}

static int
fcntl_lock(struct thread *td, int fd, struct file *fp, int cmd, vaddr_t arg)
{
	if (fp->f_vnode == NULL)
		return EBADF;
	switch (cmd) {
	case F_GETLK:
	case F_OFD_GETLK:
		return fcntl_getlk(td, fp, cmd == F_OFD_GETLK, arg);
	}
	return fcntl_setlk(td, fd, fp, cmd >= F_OFD_GETLK, cmd == F_SETLKW || cmd == F_OFD_SETLKW,
			   arg);
}

SYSCALL(flock)
{
	enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
	struct filelock req = {.fl_space = LOCK_FLOCK, .fl_end = LOCK_END, .fl_pid = -1};
	struct file *fp;
	int error;

	switch ((int)a[1] & ~LOCK_NB) {
	case LOCK_SH:
		req.fl_type = F_RDLCK;
		break;
	case LOCK_EX:
		req.fl_type = F_WRLCK;
		break;
	case LOCK_UN:
		req.fl_type = F_UNLCK;
		break;
	default:
		return EINVAL;
	}
	error = getfile(td, (int)a[0], &fp);
	if (error != 0)
		return error;
	req.fl_owner = fp;
	if (fp->f_vnode == NULL || fp->f_flags & O_PATH)
		error = EBADF;
	else
		error = lockf_set(fp->f_vnode, &req, !(a[1] & LOCK_NB));
	file_release(fp);
	return error;
}

/* ---- seals ---- */

static int
fcntl_seals(struct file *fp, int cmd, uint64_t arg, long *retval)
{
	struct vnode *vp = fp->f_vnode;

	if (vp == NULL || !(vp->v_flags & V_MEMFD))
		return EINVAL;
	if (cmd == F_GET_SEALS) {
		*retval = vp->v_seals;
		return 0;
	}
	if (arg & ~(uint64_t)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
			      F_SEAL_FUTURE_WRITE | F_SEAL_EXEC))
		return EINVAL;
	if (!f_writable(fp) || vp->v_seals & F_SEAL_SEAL)
		return EPERM;
	if (arg & F_SEAL_WRITE && !(vp->v_seals & F_SEAL_WRITE)) {
		struct vm_object *obj = vp->v_ops->vop_object(vp);

		if (obj != NULL && obj->ob_nwrite > 0)
			return EBUSY;
	}
	vp->v_seals |= (uint32_t)arg;
	return 0;
}

/* ---- the rest ---- */

static int
fcntl_dupfd(struct thread *td, struct file *fp, uint64_t arg, int fdflags, long *retval)
{
	int fd, error, min = (int)arg;

	if (min < 0 || (uint64_t)min >= lim_cur(td->td_proc, RLIMIT_NOFILE))
		return EINVAL;
	error = fd_install(td->td_proc, file_hold(fp), min, fdflags, &fd);
	if (error != 0)
		file_release(fp);
	else
		*retval = fd;
	return error;
}

static int
fcntl_setfl(struct file *fp, uint64_t arg)
{
	fp->f_flags = (fp->f_flags & ~(uint32_t)O_SETTABLE) | ((uint32_t)arg & O_SETTABLE);
	return 0;
}

/* F_SETOWN_EX takes {kind, pid}: the kind (thread, process, group) is kept in the sign alone. */
static int
fcntl_owner_ex(struct file *fp, int cmd, vaddr_t arg)
{
	enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };
	struct {
		int32_t type, pid;
	} own;
	int error;

	if (cmd == F_GETOWN_EX) {
		own.type = fp->f_owner < 0 ? F_OWNER_PGRP : F_OWNER_PID;
		own.pid = fp->f_owner < 0 ? -fp->f_owner : fp->f_owner;
		return copyout(&own, (void *)arg, sizeof(own));
	}
	error = copyin((const void *)arg, &own, sizeof(own));
	if (error != 0)
		return error;
	if (own.type < F_OWNER_TID || own.type > F_OWNER_PGRP || own.pid < 0)
		return EINVAL;
	fp->f_owner = own.type == F_OWNER_PGRP ? -own.pid : own.pid;
	return 0;
}

static int
fcntl_pipe(struct file *fp, int cmd, uint64_t arg, long *retval)
{
	long size = -EBADF;

	if (cmd == F_SETPIPE_SZ && arg > INT32_MAX)
		return EINVAL;
	if (pipe_size != NULL)
		size = pipe_size(fp, cmd == F_SETPIPE_SZ ? (int)arg : -1);
	if (size < 0)
		return (int)-size;
	*retval = size;
	return 0;
}

/* What works on O_PATH files as well. */
static bool
fcntl_on_path(int cmd)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
		return true;
	}
	return false;
}

static int
fcntl_file(struct thread *td, struct file *fp, const uint64_t *a, long *retval)
{
	struct fdent *fde = &td->td_proc->ps_fd->fd_ents[(int)a[0]];
	int cmd = (int)a[1];

	if (fp->f_flags & O_PATH && !fcntl_on_path(cmd))
		return EBADF;
	switch (cmd) {
	case F_DUPFD:
		return fcntl_dupfd(td, fp, a[2], 0, retval);
	case F_DUPFD_CLOEXEC:
		return fcntl_dupfd(td, fp, a[2], FD_CLOEXEC, retval);
	case F_GETFD:
		*retval = fde->fde_flags & FD_CLOEXEC;
		return 0;
	case F_SETFD:
		fde->fde_flags = (uint8_t)(a[2] & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		*retval = fp->f_flags;
		return 0;
	case F_SETFL:
		return fcntl_setfl(fp, a[2]);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(td, (int)a[0], fp, cmd, a[2]);
	case F_SETOWN:
		fp->f_owner = (pid_t)a[2];
		return 0;
	case F_GETOWN:
		*retval = fp->f_owner;
		return 0;
	case F_SETOWN_EX:
	case F_GETOWN_EX:
		return fcntl_owner_ex(fp, cmd, a[2]);
	case F_SETSIG: /* SIGIO is not sent, so which signal it would be is 0, the default */
		return a[2] == 0 ? 0 : EINVAL;
	case F_GETSIG:
		return 0;
	case F_GETLEASE:
		*retval = F_UNLCK;
		return 0;
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return fcntl_pipe(fp, cmd, a[2], retval);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return fcntl_seals(fp, cmd, a[2], retval);
	}
	return EINVAL;
}

SYSCALL(fcntl)
{
	struct file *fp;
	int error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	error = fcntl_file(td, fp, a, retval);
	file_release(fp);
	return error;
}
