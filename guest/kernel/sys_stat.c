/* SPDX-License-Identifier: ISC */
/* sys_stat.c: stat, statx, access. */
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* Of an open file; what has neither a vnode nor an opinion of its own looks like a nameless inode.
 */
static int
file_stat(struct file *fp, struct stat *st)
{
	memset(st, 0, sizeof(*st)); /* all of it goes to user space */
	if (fp->f_ops->fo_stat != NULL)
		return fp->f_ops->fo_stat(fp, st);
	if (fp->f_vnode != NULL)
		return vn_stat(fp->f_vnode, st);
	st->st_mode = 0600;
	st->st_nlink = 1;
	st->st_ino = fp->f_id;
	st->st_blksize = PAGE_SIZE;
	return 0;
}

static int
fd_stat(struct thread *td, int fd, struct stat *st)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	error = file_stat(fp, st);
	file_release(fp);
	return error;
}

static int
path_stat(struct thread *td, int dirfd, vaddr_t path, unsigned nflags, struct stat *st)
{
	struct nameidata ni;
	int error = namei(td, dirfd, (const char *)path, nflags, &ni);

	if (error != 0)
		return error;
	error = vn_stat(ni.ni_vp, st);
	namei_done(&ni);
	return error;
}

/* With AT_EMPTY_PATH and nothing in the path, fd may be any file, not only one with a vnode. */
static int
at_stat(struct thread *td, int dirfd, vaddr_t path, int flags, struct stat *st)
{
	unsigned nflags = flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW;
	char first;
	int error;

	if (!(flags & AT_EMPTY_PATH))
		return path_stat(td, dirfd, path, nflags, st);
	if (dirfd != AT_FDCWD) {
		error = path != 0 ? copyin((const void *)path, &first, 1) : 0;
		if (error != 0)
			return error;
		if (path == 0 || first == '\0')
			return fd_stat(td, dirfd, st);
	}
	return path_stat(td, dirfd, path, nflags | NI_EMPTY, st);
}

static int
out_stat(int error, const struct stat *st, vaddr_t buf)
{
	return error != 0 ? error : copyout(st, (void *)buf, sizeof(*st));
}

SYSCALL(stat)
{
	struct stat st;

	return out_stat(path_stat(td, AT_FDCWD, a[0], NI_FOLLOW, &st), &st, a[1]);
}

SYSCALL(lstat)
{
	struct stat st;

	return out_stat(path_stat(td, AT_FDCWD, a[0], 0, &st), &st, a[1]);
}

SYSCALL(fstat)
{
	struct stat st;

	return out_stat(fd_stat(td, (int)a[0], &st), &st, a[1]);
}

SYSCALL(newfstatat)
{
	struct stat st;
	int flags = (int)a[3];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return EINVAL;
	return out_stat(at_stat(td, (int)a[0], a[1], flags, &st), &st, a[2]);
}

/* ---- statx ---- */

struct statx_timestamp {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t pad;
};
struct statx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, pad0;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t pad1[14];
};
_Static_assert(sizeof(struct statx) == 256, "struct statx");
#define STATX_BASIC_STATS 0x7ffu
#define STATX_RESERVED 0x80000000u
#define AT_STATX_SYNC_TYPE 0x6000

static struct statx_timestamp
statx_time(uint64_t sec, uint64_t nsec)
{
	return (struct statx_timestamp){.tv_sec = (int64_t)sec, .tv_nsec = (uint32_t)nsec};
}

/* Device numbers in their 64-bit form: 12 low bits of the major at 8, the minor around them. */
static uint32_t
dev_major(dev_t dev)
{
	return (uint32_t)(dev >> 8 & 0xfff);
}

static uint32_t
dev_minor(dev_t dev)
{
	return (uint32_t)((dev & 0xff) | (dev >> 12 & 0xffffff00));
}

static void
stat_to_statx(const struct stat *st, struct statx *sx)
{
	*sx = (struct statx){
	    .stx_mask = STATX_BASIC_STATS,
	    .stx_blksize = (uint32_t)st->st_blksize,
	    .stx_nlink = (uint32_t)st->st_nlink,
	    .stx_uid = st->st_uid,
	    .stx_gid = st->st_gid,
	    .stx_mode = (uint16_t)st->st_mode,
	    .stx_ino = st->st_ino,
	    .stx_size = (uint64_t)st->st_size,
	    .stx_blocks = (uint64_t)st->st_blocks,
	    .stx_atime = statx_time(st->st_atime_sec, st->st_atime_nsec),
	    .stx_ctime = statx_time(st->st_ctime_sec, st->st_ctime_nsec),
	    .stx_mtime = statx_time(st->st_mtime_sec, st->st_mtime_nsec),
	    .stx_rdev_major = dev_major(st->st_rdev),
	    .stx_rdev_minor = dev_minor(st->st_rdev),
	    .stx_dev_major = dev_major(st->st_dev),
	    .stx_dev_minor = dev_minor(st->st_dev),
	};
}

SYSCALL(statx)
{
	struct statx sx;
	struct stat st;
	int flags = (int)a[2], error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || a[3] & STATX_RESERVED)
		return EINVAL;
	error = at_stat(td, (int)a[0], a[1], flags, &st);
	if (error != 0)
		return error;
	stat_to_statx(&st, &sx);
	return copyout(&sx, (void *)a[4], sizeof(sx));
}

/* ---- access ---- */

/* By the real ids, unless AT_EACCESS asks for the effective ones. */
static int
access_cred(struct thread *td, int flags, struct cred **crp)
{
	struct cred *cr = td->td_proc->ps_cred;

	if (flags & AT_EACCESS || (cr->cr_ruid == cr->cr_fsuid && cr->cr_rgid == cr->cr_fsgid)) {
		*crp = crhold(cr);
		return 0;
	}
	cr = crcopy(cr);
	if (cr == NULL)
		return ENOMEM;
	cr->cr_uid = cr->cr_fsuid = cr->cr_ruid;
	cr->cr_gid = cr->cr_fsgid = cr->cr_rgid;
	*crp = cr;
	return 0;
}

/* The walk itself is made with the same ids, so the process wears them meanwhile; nothing sleeps.
 */
static int
access_walk(struct thread *td, int dirfd, vaddr_t path, int mode, int flags, struct cred *cr)
{
	struct process *p = td->td_proc;
	struct cred *saved = p->ps_cred;
	struct nameidata ni;
	int error;

	p->ps_cred = cr;
	error = namei(td, dirfd, (const char *)path,
		      (flags & AT_SYMLINK_NOFOLLOW ? 0 : NI_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? NI_EMPTY : 0),
		      &ni);
	if (error == 0) {
		if (mode != 0 && !S_ISLNK(ni.ni_vp->v_type))
			error = vaccess(ni.ni_vp, mode, cr);
		namei_done(&ni);
	}
	p->ps_cred = saved;
	return error;
}

static int
do_access(struct thread *td, int dirfd, vaddr_t path, int mode, int flags)
{
	struct cred *cr;
	int error;

	if (mode & ~(R_OK | W_OK | X_OK) ||
	    flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return EINVAL;
	error = access_cred(td, flags, &cr);
	if (error != 0)
		return error;
	error = access_walk(td, dirfd, path, mode, flags, cr);
	crfree(cr);
	return error;
}

SYSCALL(access)
{
	return do_access(td, AT_FDCWD, a[0], (int)a[1], 0);
}

SYSCALL(faccessat)
{
	return do_access(td, (int)a[0], a[1], (int)a[2], 0);
}

SYSCALL(faccessat2)
{
	return do_access(td, (int)a[0], a[1], (int)a[2], (int)a[3]);
}
