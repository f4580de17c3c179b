/* SPDX-License-Identifier: ISC */
/* kern_descrip.c: open files and the descriptor tables that name them. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/lockf.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

#define FD_INLINE 8 /* entries a table starts with, allocated with it */

/* Most processes have a handful of descriptors: one allocation serves table and entries. */
struct filedesc0 {
	struct filedesc fd;
	struct fdent ents[FD_INLINE];
};

static struct pool file_pool = POOL_INITIALIZER("file", struct file);
static struct pool filedesc_pool = POOL_INITIALIZER("filedesc", struct filedesc0);
uint64_t nfiles, maxfiles;
uint32_t sockets_inflight;

/* ---- files ---- */

struct file *
file_alloc(const struct fileops *ops, int flags, void *data)
{
	static uint64_t lastid;
	struct file *fp;

	if (maxfiles == 0) /* a tenth of memory at about 1 KiB each, as other systems reckon */
		maxfiles = MAX(vm_frames_total() * 4 / 10, 1024UL);
	if (nfiles >= maxfiles)
		return NULL;
	fp = pool_get(&file_pool, M_ZERO);
	if (fp == NULL)
		return NULL;
	nfiles++;
	fp->f_refs = 1;
	fp->f_flags = (uint32_t)flags;
	fp->f_ops = ops;
	fp->f_data = data;
	fp->f_id = ++lastid;
	return fp;
}

struct file *
file_hold(struct file *fp)
{
	fp->f_refs++;
	return fp;
}

/* The vnode's share in the end of a file: what vn_open() counted is counted back. */
static void
file_release_vnode(struct file *fp)
{
	struct vnode *vp = fp->f_vnode;

	lockf_release(vp, fp);
	if (S_ISREG(vp->v_type) && f_writable(fp))
		vp->v_writecount--;
	vrele(vp);
}

void
file_release(struct file *fp)
{
	KASSERT(fp->f_refs > 0);
	if (--fp->f_refs > 0)
		return;
	if (fp->f_epitems != NULL)
		epoll_file_gone(fp);
	if (fp->f_ops->fo_close != NULL)
		fp->f_ops->fo_close(fp);
	if (fp->f_vnode != NULL)
		file_release_vnode(fp);
	nfiles--;
	pool_put(&file_pool, fp);
}

/* ---- descriptor tables ---- */

struct filedesc *
fd_new(void)
{
	struct filedesc0 *fd0 = pool_get(&filedesc_pool, M_ZERO);

	if (fd0 == NULL)
		return NULL;
	fd0->fd.fd_refs = 1;
	fd0->fd.fd_nfiles = FD_INLINE;
	fd0->fd.fd_ents = fd0->ents;
	return &fd0->fd;
}

static void
fd_free(struct filedesc *fd)
{
	struct filedesc0 *fd0 = container_of(fd, struct filedesc0, fd);

	if (fd->fd_ents != fd0->ents)
		kfree(fd->fd_ents);
	pool_put(&filedesc_pool, fd0);
}

/* Make room for descriptor want. */
static int
fd_grow(struct filedesc *fd, int want)
{
	struct fdent *ents;
	int n = fd->fd_nfiles;

	while (n <= want)
		n *= 2;
	if (n == fd->fd_nfiles)
		return 0;
	ents = kmalloc((size_t)n * sizeof(*ents), M_ZERO);
	if (ents == NULL)
		return ENOMEM;
	memcpy(ents, fd->fd_ents, (size_t)fd->fd_lasthint * sizeof(*ents));
	if (fd->fd_ents != container_of(fd, struct filedesc0, fd)->ents)
		kfree(fd->fd_ents);
	fd->fd_ents = ents;
	fd->fd_nfiles = n;
	return 0;
}

/* One more than the highest open descriptor; the hint is brought down to it. */
static int
fd_last(struct filedesc *fd)
{
	while (fd->fd_lasthint > 0 && fd->fd_ents[fd->fd_lasthint - 1].fde_file == NULL)
		fd->fd_lasthint--;
	return fd->fd_lasthint;
}

struct filedesc *
fd_copy(struct filedesc *from)
{
	struct filedesc *to = fd_new();
	int last = fd_last(from);

	if (to == NULL)
		return NULL;
	if (last > 0 && fd_grow(to, last - 1) != 0) {
		fd_free(to);
		return NULL;
	}
	for (int i = 0; i < last; i++) {
		to->fd_ents[i] = from->fd_ents[i];
		if (to->fd_ents[i].fde_file != NULL)
			to->fd_ents[i].fde_file->f_refs++;
	}
	to->fd_lasthint = last;
	to->fd_freehint = MIN(from->fd_freehint, last);
	return to;
}

struct filedesc *
fd_share(struct filedesc *fd)
{
	fd->fd_refs++;
	return fd;
}

static void
fd_set(struct filedesc *fd, int i, struct file *fp, int fdflags)
{
	fd->fd_ents[i] = (struct fdent){.fde_file = fp, .fde_flags = (uint8_t)fdflags};
	fd->fd_lasthint = MAX(fd->fd_lasthint, i + 1);
	if (i == fd->fd_freehint)
		fd->fd_freehint = i + 1;
}

/*
 * Forget one reference of table fd to a file.  Closing any descriptor of a file gives up all record
 * locks that the table's owner has on it (POSIX).
 */
static void
fd_drop(struct filedesc *fd, struct file *fp)
{
	if (fp->f_vnode != NULL)
		lockf_release(fp->f_vnode, fd);
	file_release(fp);
	/* It may have been the last way to sockets that are in messages of each other. */
	if (unlikely(sockets_inflight != 0))
		rights_collect();
}

static struct file *
fd_take(struct filedesc *fd, int i)
{
	struct file *fp = fd->fd_ents[i].fde_file;

	fd->fd_ents[i] = (struct fdent){0};
	fd->fd_freehint = MIN(fd->fd_freehint, i);
	return fp;
}

void
fd_release(struct filedesc *fd)
{
	if (--fd->fd_refs > 0)
		return;
	for (int i = 0; i < fd->fd_lasthint; i++) {
		struct file *fp = fd_take(fd, i);

		if (fp != NULL)
			fd_drop(fd, fp);
	}
	fd_free(fd);
}

void
fd_closeexec(struct filedesc *fd)
{
	for (int i = 0; i < fd->fd_lasthint; i++)
		if (fd->fd_ents[i].fde_flags & FD_CLOEXEC)
			fd_drop(fd, fd_take(fd, i));
}

/* ---- descriptors of a process ---- */

int
getfile(struct thread *td, int fd, struct file **fpp)
{
	const struct filedesc *fdp = td->td_proc->ps_fd;
	struct file *fp;

	if ((unsigned)fd >= (unsigned)fdp->fd_nfiles)
		return EBADF;
	fp = fdp->fd_ents[fd].fde_file;
	if (fp == NULL)
		return EBADF;
	fp->f_refs++;
	*fpp = fp;
	return 0;
}

/* Descriptors from this number on may not be made. */
static int
fd_limit(struct process *p)
{
	return (int)MIN(lim_cur(p, RLIMIT_NOFILE), (uint64_t)NOFILE_MAX);
}

int
fd_install(struct process *p, struct file *fp, int min, int fdflags, int *fdp)
{
	struct filedesc *fd = p->ps_fd;
	int i = MAX(min, fd->fd_freehint), error;

	while (i < fd->fd_lasthint && fd->fd_ents[i].fde_file != NULL)
		i++;
	if (i >= fd_limit(p))
		return EMFILE;
	error = fd_grow(fd, i);
	if (error != 0)
		return error;
	if (min <= fd->fd_freehint)
		fd->fd_freehint = i;
	fd_set(fd, i, fp, fdflags);
	*fdp = i;
	return 0;
}

int
fd_install_at(struct process *p, struct file *fp, int i, int fdflags)
{
	struct filedesc *fd = p->ps_fd;
	struct file *old;
	int error;

	if (i < 0 || i >= fd_limit(p))
		return EBADF;
	error = fd_grow(fd, i);
	if (error != 0)
		return error;
	old = fd_take(fd, i);
	fd_set(fd, i, fp, fdflags);
	if (old != NULL)
		fd_drop(fd, old);
	return 0;
}

int
fd_close(struct process *p, int i)
{
	struct filedesc *fd = p->ps_fd;

	if ((unsigned)i >= (unsigned)fd->fd_nfiles || fd->fd_ents[i].fde_file == NULL)
		return EBADF;
	fd_drop(fd, fd_take(fd, i));
	return 0;
}
