/* SPDX-License-Identifier: ISC */
/* sys_select.c: select, pselect6: bit sets in, the requests of poll, bit sets out. */
#include <sys/syscall.h>
#include <sys/proc.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pollreq.h>
#include <sys/systm.h>

enum { SET_READ, SET_WRITE, SET_EXCEPT, NSETS };

#define SET_INLINE 4 /* words of a set that need no memory: 256 descriptors */

struct fdsets {
	size_t fs_words;
	uint64_t *fs_in[NSETS]; /* results replace the question */
	uint64_t fs_inline[NSETS * SET_INLINE];
};

static const struct {
	int ask, ready;
} set_events[NSETS] = {
    [SET_READ] = {POLLIN | POLLRDNORM | POLLRDBAND,
		  POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR},
    [SET_WRITE] = {POLLOUT | POLLWRNORM | POLLWRBAND, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR},
    [SET_EXCEPT] = {POLLPRI, POLLPRI},
};

static uint64_t *
fdsets_alloc(struct fdsets *fs, size_t words)
{
	uint64_t *mem = fs->fs_inline;

	if (words > SET_INLINE)
		mem = kmalloc(NSETS * words * sizeof(*mem), 0);
	if (mem == NULL)
		return NULL;
	memset(mem, 0, NSETS * words * sizeof(*mem));
	fs->fs_words = words;
	for (int s = 0; s < NSETS; s++)
		fs->fs_in[s] = mem + (size_t)s * words;
	return mem;
}

static int
fdsets_in(struct fdsets *fs, const vaddr_t *uset)
{
	for (int s = 0; s < NSETS; s++)
		if (uset[s] != 0 && copyin((void *)uset[s], fs->fs_in[s], fs->fs_words * 8) != 0)
			return EFAULT;
	return 0;
}

static int
fdsets_out(const struct fdsets *fs, const vaddr_t *uset)
{
	for (int s = 0; s < NSETS; s++)
		if (uset[s] != 0 && copyout(fs->fs_in[s], (void *)uset[s], fs->fs_words * 8) != 0)
			return EFAULT;
	return 0;
}

static bool
fdset_has(const struct fdsets *fs, int s, int fd)
{
	return (fs->fs_in[s][fd / 64] >> (fd % 64) & 1) != 0;
}

/* What the sets ask of fd. */
static int
fdsets_events(const struct fdsets *fs, int fd)
{
	int events = 0;

	for (int s = 0; s < NSETS; s++)
		if (fdset_has(fs, s, fd))
			events |= set_events[s].ask;
	return events;
}

/* Requests of all descriptors below n that are in a set; reqs NULL: just count them. */
static size_t
fdsets_requests(const struct fdsets *fs, int n, struct pollreq *reqs)
{
	size_t nreqs = 0;

	for (int fd = 0; fd < n; fd++) {
		size_t w = (size_t)fd / 64;

		if ((fs->fs_in[0][w] | fs->fs_in[1][w] | fs->fs_in[2][w]) == 0) {
			fd |= 63; /* nothing in this word */
			continue;
		}
		if (fdsets_events(fs, fd) == 0)
			continue;
		if (reqs != NULL) {
			reqs[nreqs].pr_fd = fd;
			reqs[nreqs].pr_events = (int16_t)fdsets_events(fs, fd);
		}
		nreqs++;
	}
	return nreqs;
}

/* Turn the answers into sets; the number of bits in them. */
static int
fdsets_answer(struct fdsets *fs, const struct pollreq *reqs, size_t nreqs, int *nbits)
{
	*nbits = 0;
	for (size_t i = 0; i < nreqs; i++)
		if (reqs[i].pr_bad)
			return EBADF;
	for (size_t i = 0; i < nreqs; i++) {
		int fd = reqs[i].pr_fd;

		for (int s = 0; s < NSETS; s++) {
			if (!fdset_has(fs, s, fd))
				continue;
			if (reqs[i].pr_revents & set_events[s].ready)
				++*nbits;
			else
				fs->fs_in[s][fd / 64] &= ~(1UL << (fd % 64));
		}
	}
	return 0;
}

static int
select_sets(struct thread *td, struct fdsets *fs, int n, const struct polltime *pt, int *nbits)
{
	struct pollreq few[POLLSET_INLINE], *reqs;
	size_t nreqs = fdsets_requests(fs, n, NULL);
	int error, nready;

	reqs = pollreq_alloc(few, nreqs);
	if (reqs == NULL)
		return ENOMEM;
	fdsets_requests(fs, n, reqs);
	error = pollreq_wait(td, reqs, nreqs, pt, &nready);
	if (error == 0)
		error = fdsets_answer(fs, reqs, nreqs, nbits);
	pollreq_free(few, reqs);
	return error;
}

static int
kern_select(struct thread *td, int n, const vaddr_t *uset, const struct polltime *pt, long *retval)
{
	struct fdsets fs;
	uint64_t *mem;
	int error, nbits = 0;

	if (n < 0)
		return EINVAL;
	n = MIN(n, td->td_proc->ps_fd->fd_nfiles); /* beyond the table nothing can be open */
	mem = fdsets_alloc(&fs, howmany((size_t)n, 64));
	if (mem == NULL)
		return ENOMEM;
	error = fdsets_in(&fs, uset);
	if (error == 0)
		error = select_sets(td, &fs, n, pt, &nbits);
	if (error == 0)
		error = fdsets_out(&fs, uset);
	if (mem != fs.fs_inline)
		kfree(mem);
	*retval = nbits;
	return error;
}

SYSCALL(select)
{
	struct polltime pt = POLLTIME_FOREVER;
	struct timeval tv;
	struct timespec ts;
	int error;

	if (a[4] != 0) {
		if (copyin((void *)a[4], &tv, sizeof(tv)) != 0)
			return EFAULT;
		if (tv.tv_usec < 0 || tv.tv_sec < 0)
			return EINVAL;
		ts.tv_sec = MIN(tv.tv_sec, INT64_MAX / 2) + tv.tv_usec / 1000000;
		ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
		if ((error = polltime_timespec(&pt, &ts)) != 0)
			return error;
	}
	error = kern_select(td, (int32_t)a[0], &a[1], &pt, retval);
	if (error == EINTR)
		error = ERESTARTNOHAND;
	if (a[4] != 0 && !polltime_forever(&pt)) {
		ns_to_tv(polltime_left(&pt), &tv);
		if (copyout(&tv, (void *)a[4], sizeof(tv)) != 0 && error == ERESTARTNOHAND)
			error = EINTR;
	}
	return error;
}

/* The sixth argument is a pointer to the mask and its size. */
static int
pselect_mask(struct thread *td, vaddr_t uarg)
{
	struct {
		vaddr_t mask;
		uint64_t size;
	} arg;
	sigset_t mask;
	int error;

	if (uarg == 0)
		return 0;
	if (copyin((void *)uarg, &arg, sizeof(arg)) != 0)
		return EFAULT;
	if (arg.mask == 0)
		return 0;
	if ((error = copyin_sigmask(arg.mask, arg.size, &mask)) != 0)
		return error;
	sigmask_push(td, mask);
	return 0;
}

SYSCALL(pselect6)
{
	struct polltime pt = POLLTIME_FOREVER;
	struct timespec ts;
	int error;

	if (a[4] != 0) {
		if (copyin((void *)a[4], &ts, sizeof(ts)) != 0)
			return EFAULT;
		if ((error = polltime_timespec(&pt, &ts)) != 0)
			return error;
	}
	if ((error = pselect_mask(td, a[5])) != 0)
		return error;
	error = kern_select(td, (int32_t)a[0], &a[1], &pt, retval);
	sigmask_pop(td, error);
	if (error == EINTR)
		error = ERESTARTNOHAND;
	if (a[4] != 0 && !polltime_forever(&pt)) {
		ns_to_ts(polltime_left(&pt), &ts);
		if (copyout(&ts, (void *)a[4], sizeof(ts)) != 0 && error == ERESTARTNOHAND)
			error = EINTR;
	}
	return error;
}
