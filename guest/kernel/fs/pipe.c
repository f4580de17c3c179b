/* SPDX-License-Identifier: ISC */
/* pipe.c: pipes: a ring of page frames between file ends. */
#include <sys/pipe.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

#define FIONREAD 0x541b

static struct pool pipe_pool = POOL_INITIALIZER("pipe", struct pipe);

static uint32_t
pipe_capacity(const struct pipe *pp)
{
	return pp->pp_npages * (uint32_t)PAGE_SIZE;
}

static uint32_t
pipe_room(const struct pipe *pp)
{
	return pipe_capacity(pp) - pp->pp_len;
}

struct pipe *
pipe_new(void)
{
	struct pipe *pp = pool_get(&pipe_pool, M_ZERO);

	if (pp == NULL)
		return NULL;
	pp->pp_npages = PIPE_PAGES;
	pp->pp_pages = pp->pp_inline;
	pollhead_init(&pp->pp_poll);
	return pp;
}

void
pipe_unref(struct pipe *pp)
{
	if (pp->pp_readers + pp->pp_writers + pp->pp_refs > 0)
		return;
	if (pp->pp_vnode != NULL)
		pp->pp_vnode->v_special = NULL;
	pollhead_destroy(&pp->pp_poll);
	for (uint32_t i = 0; i < pp->pp_npages; i++)
		if (pp->pp_pages[i] != NULL)
			vm_page_release(pp->pp_pages[i]);
	if (pp->pp_pages != pp->pp_inline)
		kfree(pp->pp_pages);
	pool_put(&pipe_pool, pp);
}

/* ---- sleeping and waking ---- */

/* The flag doubles as the channel; it saves the other side a search when nobody sleeps. */
static int
pipe_sleep(bool *flag, const char *wmesg)
{
	int error;

	*flag = true;
	error = tsleep(flag, PCATCH, wmesg, 0);
	return error == EINTR ? ERESTART : error;
}

static void
pipe_wake(struct pipe *pp, bool *flag, int events)
{
	if (*flag) {
		*flag = false;
		wakeup(flag);
	}
	if (!LIST_EMPTY(&pp->pp_poll.ph_waiters))
		pollwakeup(&pp->pp_poll, events);
}

void
pipe_addend(struct pipe *pp, int flags)
{
	if ((flags & O_ACCMODE) != O_WRONLY) {
		pp->pp_readers++;
		pp->pp_rgen++;
		wakeup(&pp->pp_rgen);
	}
	if ((flags & O_ACCMODE) != O_RDONLY) {
		pp->pp_writers++;
		pp->pp_wgen++;
		wakeup(&pp->pp_wgen);
	}
}

void
pipe_dropend(struct pipe *pp, int flags)
{
	if ((flags & O_ACCMODE) != O_WRONLY && --pp->pp_readers == 0)
		pipe_wake(pp, &pp->pp_wsleep, POLLOUT | POLLERR);
	if ((flags & O_ACCMODE) != O_RDONLY && --pp->pp_writers == 0)
		pipe_wake(pp, &pp->pp_rsleep, POLLIN | POLLHUP);
	pipe_unref(pp);
}

/* ---- data ---- */

/*
 * Empty pipes start over at the front, so that a conversation in small messages stays in the first
 * frame, which is kept; others go back as soon as they have been read.
 */
static int
pipe_drain(struct pipe *pp, struct uio *uio)
{
	while (pp->pp_len > 0 && uio->uio_resid > 0) {
		uint32_t off = pp->pp_start & PAGE_MASK, idx = pp->pp_start >> PAGE_SHIFT;
		uint32_t n = MIN(pp->pp_len, (uint32_t)PAGE_SIZE - off);

		n = (uint32_t)MIN((size_t)n, uio->uio_resid);
		if (uiomove((char *)page_to_dm(pp->pp_pages[idx]) + off, n, uio) != 0)
			return EFAULT;
		pp->pp_len -= n;
		pp->pp_start = (pp->pp_start + n) & (pipe_capacity(pp) - 1);
		/* A full ring ends in the page it begins in. */
		if (idx != 0 && (off + n == PAGE_SIZE || pp->pp_len == 0) &&
		    pp->pp_len <= pipe_capacity(pp) - PAGE_SIZE) {
			vm_page_release(pp->pp_pages[idx]);
			pp->pp_pages[idx] = NULL;
		}
	}
	if (pp->pp_len == 0)
		pp->pp_start = 0;
	return 0;
}

/* Take what there is room for. */
static int
pipe_fill(struct pipe *pp, struct uio *uio)
{
	while (uio->uio_resid > 0 && pipe_room(pp) > 0) {
		uint32_t pos = (pp->pp_start + pp->pp_len) & (pipe_capacity(pp) - 1);
		uint32_t off = pos & PAGE_MASK;
		uint32_t n = MIN(pipe_room(pp), (uint32_t)PAGE_SIZE - off);
		struct page **pg = &pp->pp_pages[pos >> PAGE_SHIFT];

		if (*pg == NULL && (*pg = vm_page_alloc(0)) == NULL)
			return ENOMEM;
		n = (uint32_t)MIN((size_t)n, uio->uio_resid);
		if (uiomove((char *)page_to_dm(*pg) + off, n, uio) != 0)
			return EFAULT;
		pp->pp_len += n;
	}
	return 0;
}

static int
pipe_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct pipe *pp = fp->f_data;
	int error;

	if (uio->uio_resid == 0)
		return 0;
	while (pp->pp_len == 0) {
		if (pp->pp_writers == 0)
			return 0;
		if (fp->f_flags & O_NONBLOCK)
			return EAGAIN;
		if ((error = pipe_sleep(&pp->pp_rsleep, "piperd")) != 0)
			return error;
	}
	error = pipe_drain(pp, uio);
	/* Writers wait for room that any atomic write fits into; less would wake them for nothing.
	 */
	if (pipe_room(pp) >= PIPE_BUF)
		pipe_wake(pp, &pp->pp_wsleep, POLLOUT | POLLWRNORM);
	return error;
}

static int
pipe_write(struct file *fp, struct uio *uio, struct thread *td)
{
	struct pipe *pp = fp->f_data;
	size_t total = uio->uio_resid;
	uint32_t need = total <= PIPE_BUF ? (uint32_t)total : 1;
	int error = 0;

	while (uio->uio_resid > 0) {
		if (pp->pp_readers == 0) {
			tsignal_info(td, SIGPIPE, NULL);
			error = EPIPE;
		} else if (pipe_room(pp) >= need) {
			error = pipe_fill(pp, uio);
			if (pp->pp_len > 0)
				pipe_wake(pp, &pp->pp_rsleep, POLLIN | POLLRDNORM);
		} else if (fp->f_flags & O_NONBLOCK) {
			error = EAGAIN;
		} else {
			error = pipe_sleep(&pp->pp_wsleep, "pipewr");
		}
		if (error != 0)
			break;
	}
	return uio->uio_resid != total ? 0 : error;
}

static int
pipe_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	const struct pipe *pp = fp->f_data;
	int ready = 0;

	poll_record(ctx, &((struct pipe *)fp->f_data)->pp_poll);
	if (f_readable(fp)) {
		if (pp->pp_len > 0)
			ready |= POLLIN | POLLRDNORM;
		/* A FIFO that no writer has opened yet is not hung up. */
		if (pp->pp_writers == 0 && pp->pp_wgen != fp->f_gen)
			ready |= POLLHUP;
	}
	if (f_writable(fp)) {
		if (pipe_room(pp) >= PIPE_BUF)
			ready |= POLLOUT | POLLWRNORM;
		if (pp->pp_readers == 0)
			ready |= POLLERR;
	}
	return ready;
}

static int
pipe_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td __unused,
	   long *retval __unused)
{
	const struct pipe *pp = fp->f_data;
	int32_t n = (int32_t)pp->pp_len;

	return cmd == FIONREAD ? copyout(&n, (void *)arg, sizeof(n)) : ENOTTY;
}

void
pipe_getattr(const struct pipe *pp, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFIFO | 0600;
	st->st_ino = pp->pp_id;
	st->st_nlink = 1;
	st->st_uid = pp->pp_uid;
	st->st_gid = pp->pp_gid;
	st->st_blksize = (int64_t)PAGE_SIZE;
}

static int
pipe_stat(struct file *fp, struct stat *st)
{
	const struct pipe *pp = fp->f_data;

	if (fp->f_vnode != NULL)
		return vn_stat(fp->f_vnode, st);
	pipe_getattr(pp, st);
	return 0;
}

static void
pipe_close(struct file *fp)
{
	pipe_dropend(fp->f_data, (int)fp->f_flags);
}

const struct fileops pipe_fileops = {
    .fo_read = pipe_read,
    .fo_write = pipe_write,
    .fo_ioctl = pipe_ioctl,
    .fo_poll = pipe_poll,
    .fo_stat = pipe_stat,
    .fo_close = pipe_close,
    .fo_name = "pipe",
};

/* ---- capacity ---- */

/*
 * Move the contents into a ring of npages slots in which they begin in slot 0.  When the ring has
 * wrapped into the page it began in, that page's front part gets a frame of its own.
 */
static int
pipe_resize(struct pipe *pp, uint32_t npages)
{
	uint32_t first = pp->pp_start >> PAGE_SHIFT, off = pp->pp_start & PAGE_MASK;
	uint32_t used = howmany(off + pp->pp_len, (uint32_t)PAGE_SIZE);
	struct page **ring, *extra = NULL;

	if (used > npages)
		return EBUSY;
	ring = kmalloc(npages * sizeof(struct page *), M_ZERO);
	if (ring == NULL)
		return ENOMEM;
	if (used > pp->pp_npages) {
		if ((extra = vm_page_alloc(0)) == NULL) {
			kfree(ring);
			return ENOMEM;
		}
		vm_copy_page(page_to_dm(extra), page_to_dm(pp->pp_pages[first]));
		ring[pp->pp_npages] = extra;
	}
	for (uint32_t i = 0; i < pp->pp_npages; i++) {
		struct page *pg = pp->pp_pages[(first + i) & (pp->pp_npages - 1)];

		if (i < npages)
			ring[i] = pg;
		else if (pg != NULL)
			vm_page_release(pg);
	}
	if (pp->pp_pages != pp->pp_inline)
		kfree(pp->pp_pages);
	pp->pp_pages = ring;
	pp->pp_npages = npages;
	pp->pp_start = off;
	return 0;
}

long
pipe_size(struct file *fp, int newsize)
{
	struct pipe *pp = fp->f_data;
	uint32_t npages = 1;
	int error;

	if (fp->f_ops != &pipe_fileops)
		return -EBADF;
	if (newsize == -1)
		return pipe_capacity(pp);
	if (newsize < 0 || newsize > 1 << 30)
		return -EINVAL;
	while (npages * PAGE_SIZE < (unsigned)newsize)
		npages *= 2;
	if (npages * PAGE_SIZE > PIPE_SIZE_MAX && npages > pp->pp_npages && !suser(curthread))
		return -EPERM;
	if (npages != pp->pp_npages && (error = pipe_resize(pp, npages)) != 0)
		return -error;
	if (pipe_room(pp) >= PIPE_BUF)
		pipe_wake(pp, &pp->pp_wsleep, POLLOUT | POLLWRNORM);
	return pipe_capacity(pp);
}

/* ---- pipe(2) ---- */

static int
pipe_files(struct thread *td, int flags, struct file *ends[2])
{
	struct pipe *pp = pipe_new();

	if (pp == NULL)
		return ENOMEM;
	pp->pp_uid = td->td_proc->ps_cred->cr_fsuid;
	pp->pp_gid = td->td_proc->ps_cred->cr_fsgid;
	ends[0] = file_alloc(&pipe_fileops, O_RDONLY | flags, pp);
	if (ends[0] == NULL) {
		pipe_unref(pp);
		return ENFILE;
	}
	pipe_addend(pp, O_RDONLY);
	ends[1] = file_alloc(&pipe_fileops, O_WRONLY | flags, pp);
	if (ends[1] == NULL) {
		file_release(ends[0]);
		return ENFILE;
	}
	pipe_addend(pp, O_WRONLY);
	pp->pp_id = ends[1]->f_id = ends[0]->f_id;
	return 0;
}

static int
pipe_install(struct process *p, struct file *ends[2], int fdflags, int32_t fds[2])
{
	int error = fd_install(p, ends[0], 0, fdflags, &fds[0]);

	if (error != 0) {
		file_release(ends[0]);
		file_release(ends[1]);
		return error;
	}
	error = fd_install(p, ends[1], 0, fdflags, &fds[1]);
	if (error != 0) {
		fd_close(p, fds[0]);
		file_release(ends[1]);
	}
	return error;
}

static int
kern_pipe(struct thread *td, vaddr_t ufds, int flags)
{
	struct process *p = td->td_proc;
	struct file *ends[2];
	int32_t fds[2];
	int error;

	/* Packet mode (O_DIRECT) is not offered. */
	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return EINVAL;
	if ((error = pipe_files(td, flags & O_NONBLOCK, ends)) != 0)
		return error;
	if ((error = pipe_install(p, ends, flags & O_CLOEXEC ? FD_CLOEXEC : 0, fds)) != 0)
		return error;
	if (copyout(fds, (void *)ufds, sizeof(fds)) != 0) {
		fd_close(p, fds[0]);
		fd_close(p, fds[1]);
		return EFAULT;
	}
	return 0;
}

SYSCALL(pipe)
{
	return kern_pipe(td, a[0], 0);
}

SYSCALL(pipe2)
{
	return kern_pipe(td, a[0], (int32_t)a[1]);
}
