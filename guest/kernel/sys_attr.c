/* SPDX-License-Identifier: ISC */
/* sys_attr.c: changing attributes: mode, owner, times. */
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vnode.h>

/*
 * Find the vnode to change: by path, or by descriptor when path is NULL and a descriptor is what
 * the call takes.  Held.
 */
static int
attr_vnode(struct thread *td, int fd, vaddr_t path, unsigned nflags, struct vnode **vpp)
{
	struct nameidata ni;
	int error = namei(td, fd, (const char *)path, nflags, &ni);

	if (error != 0)
		return error;
	*vpp = vhold(ni.ni_vp);
	namei_done(&ni);
	return 0;
}

/* The vnode of a descriptor; EBADF for O_PATH unless path files will do. */
static int
attr_fd(struct thread *td, int fd, struct vnode **vpp)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (fp->f_vnode == NULL)
		error = EPERM; /* a pipe or socket: its attributes are fixed */
	else
		*vpp = vhold(fp->f_vnode);
	file_release(fp);
	return error;
}

/* Apply and let go of vp. */
static int
attr_set(struct vnode *vp, const struct vattr *va, int error)
{
	if (error == 0)
		error = vp->v_ops->vop_setattr != NULL ? vp->v_ops->vop_setattr(vp, va) : EPERM;
	vrele(vp);
	return error;
}

/* ---- mode ---- */

static int
set_mode(struct thread *td, struct vnode *vp, mode_t mode)
{
	const struct cred *cr = td->td_proc->ps_cred;
	struct vattr va = {.va_valid = VA_MODE, .va_mode = mode & 07777};
	struct stat st;
	int error = vn_stat(vp, &st);

	if (error == 0 && S_ISLNK(vp->v_type))
		error = EOPNOTSUPP;
	if (error == 0 && cr->cr_fsuid != 0) {
		if (cr->cr_fsuid != st.st_uid)
			error = EPERM;
		else if (cr->cr_fsgid != st.st_gid && !groupmember(cr, st.st_gid))
			va.va_mode &= ~(mode_t)S_ISGID;
	}
	if (error == 0 && vp->v_seals & F_SEAL_EXEC && ((va.va_mode ^ st.st_mode) & 0111) != 0)
		error = EPERM;
	return attr_set(vp, &va, error);
}

static int
do_chmod(struct thread *td, int dirfd, vaddr_t path, mode_t mode)
{
	struct vnode *vp;
	int error = attr_vnode(td, dirfd, path, NI_FOLLOW, &vp);

	return error != 0 ? error : set_mode(td, vp, mode);
}

SYSCALL(chmod)
{
	return do_chmod(td, AT_FDCWD, a[0], (mode_t)a[1]);
}

SYSCALL(fchmodat)
{
	return do_chmod(td, (int)a[0], a[1], (mode_t)a[2]);
}

SYSCALL(fchmod)
{
	struct vnode *vp;
	int error = attr_fd(td, (int)a[0], &vp);

	return error != 0 ? error : set_mode(td, vp, (mode_t)a[1]);
}

/* ---- owner ---- */

/* An owner may give a file to a group of his; anything more takes user 0. */
static int
check_chown(const struct cred *cr, const struct stat *st, uid_t uid, gid_t gid)
{
	if (cr->cr_fsuid == 0)
		return 0;
	if (cr->cr_fsuid != st->st_uid || (uid != ~0u && uid != st->st_uid))
		return EPERM;
	if (gid != ~0u && gid != st->st_gid && gid != cr->cr_fsgid && !groupmember(cr, gid))
		return EPERM;
	return 0;
}

static int
set_owner(struct thread *td, struct vnode *vp, uid_t uid, gid_t gid)
{
	struct vattr va = {.va_uid = uid, .va_gid = gid};
	struct stat st;
	int error = vn_stat(vp, &st);

	if (error == 0)
		error = check_chown(td->td_proc->ps_cred, &st, uid, gid);
	if (uid != ~0u)
		va.va_valid |= VA_UID;
	if (gid != ~0u)
		va.va_valid |= VA_GID;
	/* A program must not keep rights over a file that has changed hands. */
	if (error == 0 && S_ISREG(vp->v_type) && va.va_valid != 0 &&
	    st.st_mode & (S_ISUID | S_ISGID)) {
		va.va_valid |= VA_MODE;
		va.va_mode = st.st_mode & 07777 & ~(mode_t)S_ISUID;
		if (va.va_mode & 010)
			va.va_mode &= ~(mode_t)S_ISGID;
	}
	return attr_set(vp, &va, error);
}

static int
do_chown(struct thread *td, int dirfd, const uint64_t *path_uid_gid, unsigned nflags)
{
	struct vnode *vp;
	int error = attr_vnode(td, dirfd, path_uid_gid[0], nflags, &vp);

	if (error != 0)
		return error;
	return set_owner(td, vp, (uid_t)path_uid_gid[1], (gid_t)path_uid_gid[2]);
}

SYSCALL(chown)
{
	return do_chown(td, AT_FDCWD, a, NI_FOLLOW);
}

SYSCALL(lchown)
{
	return do_chown(td, AT_FDCWD, a, 0);
}

SYSCALL(fchownat)
{
	int flags = (int)a[4];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return EINVAL;
	return do_chown(td, (int)a[0], a + 1,
			(flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) |
			    (flags & AT_EMPTY_PATH ? NI_EMPTY : 0));
}

SYSCALL(fchown)
{
	struct vnode *vp;
	int error = attr_fd(td, (int)a[0], &vp);

	return error != 0 ? error : set_owner(td, vp, (uid_t)a[1], (gid_t)a[2]);
}

/* ---- times ---- */

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define TIME_NOW (~(nsec_t)0)

/* Times before the epoch cannot be kept: the epoch stands in for them. */
static int
utime_value(const struct timespec *ts, uint32_t bit, struct vattr *va, nsec_t *out)
{
	if (ts->tv_nsec == UTIME_OMIT)
		return 0;
	va->va_valid |= bit;
	if (ts->tv_nsec == UTIME_NOW) {
		*out = TIME_NOW;
		return 0;
	}
	if (ts->tv_nsec < 0 || ts->tv_nsec >= (int64_t)NSEC_PER_SEC)
		return EINVAL;
	*out =
	    ts->tv_sec < 0 ? 0 : MIN(ts->tv_sec, 18000000000L) * NSEC_PER_SEC + (nsec_t)ts->tv_nsec;
	return 0;
}

/* Own times may be set freely; who may write may at least say "now". */
static int
check_utime(struct thread *td, struct vnode *vp, const struct vattr *va)
{
	const struct cred *cr = td->td_proc->ps_cred;
	struct stat st;
	int error = vn_stat(vp, &st);

	if (error != 0 || cr->cr_fsuid == 0 || cr->cr_fsuid == st.st_uid)
		return error;
	if (va->va_valid == (VA_ATIME | VA_MTIME) && va->va_atime == TIME_NOW &&
	    va->va_mtime == TIME_NOW)
		return vaccess(vp, W_OK, cr);
	return EPERM;
}

static int
set_times(struct thread *td, struct vnode *vp, const struct timespec *ts)
{
	struct vattr va = {0};
	int error;

	error = utime_value(&ts[0], VA_ATIME, &va, &va.va_atime);
	if (error == 0)
		error = utime_value(&ts[1], VA_MTIME, &va, &va.va_mtime);
	if (error == 0 && va.va_valid == 0) { /* both left alone */
		vrele(vp);
		return 0;
	}
	if (error == 0)
		error = check_utime(td, vp, &va);
	return attr_set(vp, &va, error);
}

static const struct timespec times_now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

static int
do_utimes(struct thread *td, int dirfd, vaddr_t path, unsigned nflags, const struct timespec *ts)
{
	struct vnode *vp;
	int error = attr_vnode(td, dirfd, path, nflags, &vp);

	return error != 0 ? error : set_times(td, vp, ts);
}

SYSCALL(utimensat)
{
	struct timespec ts[2] = {times_now[0], times_now[1]};
	int flags = (int)a[3], error;
	struct vnode *vp;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return EINVAL;
	if (a[2] != 0 && (error = copyin((const void *)a[2], ts, sizeof(ts))) != 0)
		return error;
	if (a[1] == 0 && (int)a[0] != AT_FDCWD) { /* futimens() */
		if (flags != 0)
			return EINVAL;
		error = attr_fd(td, (int)a[0], &vp);
		return error != 0 ? error : set_times(td, vp, ts);
	}
	return do_utimes(td, (int)a[0], a[1],
			 (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) |
			     (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
			 ts);
}

/* utimes, futimesat: two struct timeval. */
static int
timeval_utimes(struct thread *td, int dirfd, vaddr_t path, vaddr_t times)
{
	struct timespec ts[2];
	struct timeval tv[2];
	int error;

	if (times == 0)
		return do_utimes(td, dirfd, path, NI_FOLLOW, times_now);
	error = copyin((const void *)times, tv, sizeof(tv));
	if (error != 0)
		return error;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return EINVAL;
		ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
	}
	return do_utimes(td, dirfd, path, NI_FOLLOW, ts);
}

SYSCALL(utimes)
{
	return timeval_utimes(td, AT_FDCWD, a[0], a[1]);
}

SYSCALL(futimesat)
{
	return timeval_utimes(td, (int)a[0], a[1], a[2]);
}

SYSCALL(utime)
{
	struct timespec ts[2] = {{0}};
	int64_t sec[2];
	int error;

	if (a[1] == 0)
		return do_utimes(td, AT_FDCWD, a[0], NI_FOLLOW, times_now);
	error = copyin((const void *)a[1], sec, sizeof(sec));
	if (error != 0)
		return error;
	ts[0].tv_sec = sec[0];
	ts[1].tv_sec = sec[1];
	return do_utimes(td, AT_FDCWD, a[0], NI_FOLLOW, ts);
}
