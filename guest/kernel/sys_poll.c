/* SPDX-License-Identifier: ISC */
/* sys_poll.c: poll, ppoll. */
#include <sys/syscall.h>
#include <sys/proc.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pollreq.h>
#include <sys/systm.h>

struct pollfd {
	int32_t fd;
	int16_t events, revents;
};

/* ---- what poll and select share (sys/pollreq.h) ---- */

struct pollreq *
pollreq_alloc(struct pollreq *inline_reqs, size_t n)
{
	size_t size = MAX(n, (size_t)1) * sizeof(struct pollreq);

	return n <= POLLSET_INLINE ? inline_reqs : kmalloc(size, 0);
}

void
pollreq_free(struct pollreq *inline_reqs, struct pollreq *reqs)
{
	if (reqs != inline_reqs)
		kfree(reqs);
}

/* Files stay held over the wait: what a registration hangs on cannot go away under it. */
static void
pollreq_hold(struct thread *td, struct pollreq *pr)
{
	pr->pr_file = NULL;
	pr->pr_bad = pr->pr_fd >= 0 && getfile(td, pr->pr_fd, &pr->pr_file) != 0;
	if (pr->pr_bad)
		pr->pr_file = NULL;
}

/* One round over all requests; registers while ctx is given and nothing has been found ready. */
static int
pollreq_scan(struct pollreq *reqs, size_t n, struct pollctx *ctx)
{
	int nready = 0;

	for (struct pollreq *pr = reqs; pr < reqs + n; pr++) {
		pr->pr_revents = 0;
		if (pr->pr_bad)
			pr->pr_revents = POLLNVAL;
		else if (pr->pr_file != NULL)
			pr->pr_revents =
			    (int16_t)file_poll(pr->pr_file, (uint16_t)pr->pr_events, ctx);
		if (pr->pr_revents != 0) {
			nready++;
			ctx = NULL;
		}
	}
	return nready;
}

static int
pollreq_loop(struct thread *td, struct pollset *po, struct pollreq *reqs, size_t n,
	     const struct polltime *pt, int *nready)
{
	struct pollctx *ctx = pt->pt_now ? NULL : &po->po_ctx;
	bool timedout = pt->pt_now;
	int error;

	for (;;) {
		*nready = pollreq_scan(reqs, n, ctx);
		ctx = NULL;
		if (*nready > 0)
			return 0;
		if (signal_pending(td))
			return EINTR;
		if (timedout)
			return 0;
		error = pollset_sleep(po, "poll", pt->pt_deadline);
		timedout = error == ETIMEDOUT;
		if (error != 0 && error != EINTR && !timedout)
			return error;
		if (error == EINTR && !signal_pending(td))
			return EINTR;
	}
}

int
pollreq_wait(struct thread *td, struct pollreq *reqs, size_t n, const struct polltime *pt,
	     int *nready)
{
	struct pollset po;
	int error;

	for (size_t i = 0; i < n; i++)
		pollreq_hold(td, &reqs[i]);
	pollset_init(&po);
	error = pollreq_loop(td, &po, reqs, n, pt, nready);
	pollset_done(&po);
	for (size_t i = 0; i < n; i++)
		if (reqs[i].pr_file != NULL)
			file_release(reqs[i].pr_file);
	return error;
}

void
polltime_relative(struct polltime *pt, nsec_t ns)
{
	nsec_t now = nanouptime();

	pt->pt_now = ns == 0;
	pt->pt_deadline = ns > INT64_MAX - now ? 0 : now + ns;
}

int
polltime_timespec(struct polltime *pt, const struct timespec *ts)
{
	if (!ts_valid(ts))
		return EINVAL;
	polltime_relative(pt, (uint64_t)ts->tv_sec > INT64_MAX / NSEC_PER_SEC - 1 ? INT64_MAX
										  : ts_to_ns(ts));
	return 0;
}

nsec_t
polltime_left(const struct polltime *pt)
{
	nsec_t now = nanouptime();

	return pt->pt_now || now >= pt->pt_deadline ? 0 : pt->pt_deadline - now;
}

void
sigmask_push(struct thread *td, sigset_t mask)
{
	td->td_oldmask = td->td_sigmask;
	td->td_sigmask = mask & ~SIG_UNBLOCKABLE;
	td->td_flags |= TDF_OLDMASK;
	signotify(td);
}

void
sigmask_pop(struct thread *td, int error)
{
	/* An interrupted call leaves the mask to the delivery of the signal that ended it. */
	if (error == EINTR || (td->td_flags & TDF_OLDMASK) == 0)
		return;
	td->td_sigmask = td->td_oldmask;
	td->td_flags &= ~TDF_OLDMASK;
	signotify(td);
}

int
copyin_sigmask(vaddr_t uaddr, size_t size, sigset_t *mask)
{
	return size != sizeof(*mask) ? EINVAL : copyin((void *)uaddr, mask, sizeof(*mask));
}

/* ---- poll ---- */

static int
pollfds_in(struct pollreq *reqs, size_t n, vaddr_t ufds)
{
	struct pollfd pfd;

	for (size_t i = 0; i < n; i++) {
		if (copyin((void *)(ufds + i * sizeof(pfd)), &pfd, sizeof(pfd)) != 0)
			return EFAULT;
		reqs[i].pr_fd = pfd.fd;
		reqs[i].pr_events = pfd.events;
	}
	return 0;
}

static int
pollfds_out(const struct pollreq *reqs, size_t n, vaddr_t ufds)
{
	vaddr_t to = ufds + offsetof(struct pollfd, revents);

	for (size_t i = 0; i < n; i++, to += sizeof(struct pollfd))
		if (copyout(&reqs[i].pr_revents, (void *)to, sizeof(int16_t)) != 0)
			return EFAULT;
	return 0;
}

static int
kern_poll(struct thread *td, vaddr_t ufds, uint64_t n, const struct polltime *pt, long *retval)
{
	struct pollreq few[POLLSET_INLINE], *reqs;
	int error, nready = 0;

	if (n > lim_cur(td->td_proc, RLIMIT_NOFILE) || n > UINT32_MAX / sizeof(*reqs))
		return EINVAL;
	reqs = pollreq_alloc(few, n);
	if (reqs == NULL)
		return ENOMEM;
	error = pollfds_in(reqs, n, ufds);
	if (error == 0)
		error = pollreq_wait(td, reqs, n, pt, &nready);
	if (error == 0)
		error = pollfds_out(reqs, n, ufds);
	pollreq_free(few, reqs);
	*retval = nready;
	return error;
}

/* poll's time-out is absolute from here on, so a restart waits only for the rest. */
static int poll_restartable(struct thread *td, vaddr_t ufds, uint64_t n, const struct polltime *pt,
			    long *retval);

static int
poll_restart(struct thread *td, long *retval)
{
	const uint64_t *arg = td->td_restart_arg;
	struct polltime pt = {.pt_deadline = arg[2], .pt_now = arg[3] != 0};

	return poll_restartable(td, arg[0], arg[1], &pt, retval);
}

static int
poll_restartable(struct thread *td, vaddr_t ufds, uint64_t n, const struct polltime *pt,
		 long *retval)
{
	int error = kern_poll(td, ufds, n, pt, retval);

	if (error != EINTR)
		return error;
	td->td_restart = poll_restart;
	td->td_restart_arg[0] = ufds;
	td->td_restart_arg[1] = n;
	td->td_restart_arg[2] = pt->pt_deadline;
	td->td_restart_arg[3] = pt->pt_now;
	return ERESTART_BLOCK;
}

SYSCALL(poll)
{
	int32_t ms = (int32_t)a[2];
	struct polltime pt = POLLTIME_FOREVER;

	if (ms >= 0)
		polltime_relative(&pt, (nsec_t)ms * 1000000);
	return poll_restartable(td, a[0], (uint32_t)a[1], &pt, retval);
}

SYSCALL(ppoll)
{
	struct polltime pt = POLLTIME_FOREVER;
	struct timespec ts;
	sigset_t mask;
	int error;

	if (a[2] != 0) {
		if (copyin((void *)a[2], &ts, sizeof(ts)) != 0)
			return EFAULT;
		if ((error = polltime_timespec(&pt, &ts)) != 0)
			return error;
	}
	if (a[3] != 0) {
		if ((error = copyin_sigmask(a[3], a[4], &mask)) != 0)
			return error;
		sigmask_push(td, mask);
	}
	error = kern_poll(td, a[0], (uint32_t)a[1], &pt, retval);
	sigmask_pop(td, error);
	if (error == EINTR)
		error = ERESTARTNOHAND;
	if (a[2] != 0 && !polltime_forever(&pt)) {
		ns_to_ts(polltime_left(&pt), &ts);
		/* Without the time left in place the call must not be made again. */
		if (copyout(&ts, (void *)a[2], sizeof(ts)) != 0 && error == ERESTARTNOHAND)
			error = EINTR;
	}
	return error;
}
