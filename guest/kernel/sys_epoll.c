/* SPDX-License-Identifier: ISC */
/*
 * sys_epoll.c: epoll: interest in files that outlives one call.
 *
 * An item ties one (file, descriptor number) to one epoll.  It is registered at the file's pollhead
 * for as long as it exists and holds no reference on the file: the last close of the file removes
 * it (epoll_file_gone).  Items that may be ready are on the epoll's ready list; whether they are is
 * asked again when somebody looks.
 */
#include <sys/anonfile.h>
#include <sys/kmem.h>
#include <sys/pollreq.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define EPOLL_CONTROL (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EPOLL_CLOEXEC O_CLOEXEC
#define EP_MAX_EVENTS (INT32_MAX / (int)sizeof(struct epoll_event))
#define EPI_WAITS 2 /* pollheads one file may hand over */

struct epoll_event {
	uint32_t events;
	uint64_t data;
} __packed;

struct epitem {
	TAILQ_ENTRY(epitem) ei_ready;
	LIST_ENTRY(epitem) ei_link; /* all of the epoll */
	struct epitem *ei_nextoffile;
	struct epoll *ei_ep;
	struct file *ei_file; /* not held */
	int32_t ei_fd;
	uint32_t ei_events; /* wanted, with EPOLL_CONTROL bits; without POLL* bits: disarmed */
	uint64_t ei_data;
	bool ei_isready; /* on the ready list */
	bool ei_nowait;  /* a registration is missing */
	struct pollctx ei_ctx;
	struct pollwait ei_wait[EPI_WAITS];
};

struct epoll {
	TAILQ_HEAD(, epitem) ep_ready;
	LIST_HEAD(, epitem) ep_items;
	struct pollhead ep_poll;
	uint32_t ep_watches; /* epolls among the files watched */
	uint32_t ep_watched; /* items of other epolls that watch this one */
};

static struct pool epitem_pool = POOL_INITIALIZER("epitem", struct epitem);
static const struct fileops epoll_fileops;
static uint64_t epitems; /* in the whole system; at most a 25th of memory goes into them */

/* ---- items ---- */

static struct epitem *
epitem_find(const struct epoll *ep, const struct file *fp, int fd)
{
	struct epitem *ei;

	for (ei = fp->f_epitems; ei != NULL; ei = ei->ei_nextoffile)
		if (ei->ei_ep == ep && ei->ei_fd == fd)
			return ei;
	return NULL;
}

static void
epitem_setready(struct epitem *ei)
{
	struct epoll *ep = ei->ei_ep;

	if (!ei->ei_isready) {
		ei->ei_isready = true;
		TAILQ_INSERT_TAIL(&ep->ep_ready, ei, ei_ready);
	}
	wakeup(ep);
	pollwakeup(&ep->ep_poll, POLLIN | POLLRDNORM);
}

static void
epitem_unready(struct epitem *ei)
{
	if (!ei->ei_isready)
		return;
	ei->ei_isready = false;
	TAILQ_REMOVE(&ei->ei_ep->ep_ready, ei, ei_ready);
}

static bool
epitem_armed(const struct epitem *ei)
{
	return (ei->ei_events & ~EPOLL_CONTROL) != 0;
}

static void
epitem_wake(struct pollwait *pw, int events)
{
	struct epitem *ei = pw->pw_arg;
	uint32_t wanted = ei->ei_events | POLLERR | POLLHUP;

	if (epitem_armed(ei) && (events == 0 || ((uint32_t)events & wanted & ~EPOLL_CONTROL) != 0))
		epitem_setready(ei);
}

static void
epitem_record(struct pollctx *ctx, struct pollhead *ph)
{
	struct epitem *ei = container_of(ctx, struct epitem, ei_ctx);

	for (int i = 0; i < EPI_WAITS; i++) {
		struct pollwait *pw = &ei->ei_wait[i];

		if (pw->pw_link.prevp != NULL)
			continue;
		LIST_INSERT_HEAD(&ph->ph_waiters, pw, pw_link);
		return;
	}
	ei->ei_nowait = true;
}

/* Events of the item's file that it wants, now. */
static uint32_t
epitem_poll(struct epitem *ei, struct pollctx *ctx)
{
	if (!epitem_armed(ei))
		return 0;
	return (uint32_t)file_poll(ei->ei_file, (int)(ei->ei_events & ~EPOLL_CONTROL), ctx);
}

static struct epoll *
epoll_of(const struct file *fp)
{
	return fp->f_ops == &epoll_fileops ? fp->f_data : NULL;
}

/* Take the item out of everything but its file's list, and free it. */
static void
epitem_free(struct epitem *ei)
{
	struct epoll *target = epoll_of(ei->ei_file);

	for (int i = 0; i < EPI_WAITS; i++)
		if (ei->ei_wait[i].pw_link.prevp != NULL)
			LIST_REMOVE(&ei->ei_wait[i], pw_link);
	epitem_unready(ei);
	LIST_REMOVE(ei, ei_link);
	if (target != NULL) {
		target->ep_watched--;
		ei->ei_ep->ep_watches--;
	}
	epitems--;
	pool_put(&epitem_pool, ei);
}

static void
epitem_remove(struct epitem *ei)
{
	struct epitem **prev = &ei->ei_file->f_epitems;

	while (*prev != ei)
		prev = &(*prev)->ei_nextoffile;
	*prev = ei->ei_nextoffile;
	epitem_free(ei);
}

void
epoll_file_gone(struct file *fp)
{
	struct epitem *ei;

	while ((ei = fp->f_epitems) != NULL) {
		fp->f_epitems = ei->ei_nextoffile;
		epitem_free(ei);
	}
}

/* ---- the epoll as a file ---- */

static int
epoll_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct epoll *ep = fp->f_data;
	struct epitem *ei, *next;

	poll_record(ctx, &ep->ep_poll);
	TAILQ_FOREACH_SAFE (ei, &ep->ep_ready, ei_ready, next) {
		if (epitem_poll(ei, NULL) != 0)
			return POLLIN | POLLRDNORM;
		epitem_unready(ei);
	}
	return 0;
}

static void
epoll_close(struct file *fp)
{
	struct epoll *ep = fp->f_data;
	struct epitem *ei;

	while ((ei = LIST_FIRST(&ep->ep_items)) != NULL)
		epitem_remove(ei);
	pollhead_destroy(&ep->ep_poll);
	kfree(ep);
}

static const struct fileops epoll_fileops = {
    .fo_poll = epoll_poll,
    .fo_stat = anonfile_stat,
    .fo_close = epoll_close,
    .fo_name = "eventpoll",
};

static int
kern_epoll_create(struct thread *td, int flags, long *retval)
{
	struct epoll *ep = kmalloc(sizeof(*ep), M_ZERO);
	int error;

	if (ep == NULL)
		return ENOMEM;
	TAILQ_INIT(&ep->ep_ready);
	LIST_INIT(&ep->ep_items);
	pollhead_init(&ep->ep_poll);
	error = anonfile_install(td, &epoll_fileops, flags, ep, retval);
	if (error != 0)
		kfree(ep);
	return error;
}

SYSCALL(epoll_create)
{
	return (int32_t)a[0] <= 0 ? EINVAL : kern_epoll_create(td, 0, retval);
}

SYSCALL(epoll_create1)
{
	if ((int32_t)a[0] & ~EPOLL_CLOEXEC)
		return EINVAL;
	return kern_epoll_create(td, (int32_t)a[0], retval);
}

/* ---- epoll_ctl ---- */

/* After a change of interest: is it ready already? */
static void
epitem_check(struct epitem *ei, struct pollctx *ctx)
{
	if (epitem_poll(ei, ctx) != 0)
		epitem_setready(ei);
}

/*
 * Chains of epolls are one link long: an epoll that watches another cannot itself be watched by a
 * third.  That rules out cycles and bounds the depth of wake-ups.
 */
static int
epoll_may_nest(const struct epoll *ep, const struct epoll *target, uint32_t events)
{
	if (events & EPOLLEXCLUSIVE)
		return EINVAL;
	return target->ep_watches > 0 || ep->ep_watched > 0 ? ELOOP : 0;
}

static int
epoll_add(struct epoll *ep, struct file *fp, int fd, const struct epoll_event *ev)
{
	struct epoll *target = epoll_of(fp);
	struct epitem *ei;
	int error;

	if (target != NULL && (error = epoll_may_nest(ep, target, ev->events)) != 0)
		return error;
	if (epitems >= vm_frames_total() * PAGE_SIZE / 25 / sizeof(*ei))
		return ENOSPC;
	ei = pool_get(&epitem_pool, M_ZERO);
	if (ei == NULL)
		return ENOMEM;
	epitems++;
	ei->ei_ep = ep;
	ei->ei_file = fp;
	ei->ei_fd = fd;
	ei->ei_events = ev->events | POLLERR | POLLHUP;
	ei->ei_data = ev->data;
	ei->ei_ctx.pc_record = epitem_record;
	for (int i = 0; i < EPI_WAITS; i++) {
		ei->ei_wait[i].pw_wake = epitem_wake;
		ei->ei_wait[i].pw_arg = ei;
	}
	ei->ei_nextoffile = fp->f_epitems;
	fp->f_epitems = ei;
	LIST_INSERT_HEAD(&ep->ep_items, ei, ei_link);
	if (target != NULL) {
		target->ep_watched++;
		ep->ep_watches++;
	}
	epitem_check(ei, &ei->ei_ctx);
	if (ei->ei_nowait) {
		epitem_remove(ei);
		return ENOMEM;
	}
	return 0;
}

static int
epoll_modify(struct epitem *ei, const struct epoll_event *ev)
{
	if ((ei->ei_events | ev->events) & EPOLLEXCLUSIVE)
		return EINVAL;
	ei->ei_events = ev->events | POLLERR | POLLHUP;
	ei->ei_data = ev->data;
	epitem_unready(ei);
	epitem_check(ei, NULL);
	return 0;
}

static int
epoll_ctl(struct file *epfp, int op, struct file *fp, int fd, const struct epoll_event *ev)
{
	struct epoll *ep = epoll_of(epfp);
	struct epitem *ei;

	if (fp->f_ops->fo_poll == NULL)
		return EPERM;
	if (ep == NULL || epfp == fp)
		return EINVAL;
	ei = epitem_find(ep, fp, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		return ei != NULL ? EEXIST : epoll_add(ep, fp, fd, ev);
	case EPOLL_CTL_MOD:
		return ei != NULL ? epoll_modify(ei, ev) : ENOENT;
	case EPOLL_CTL_DEL:
		if (ei == NULL)
			return ENOENT;
		epitem_remove(ei);
		return 0;
	default:
		return EINVAL;
	}
}

SYSCALL(epoll_ctl)
{
	struct epoll_event ev = {0};
	struct file *epfp, *fp;
	int error, op = (int32_t)a[1];

	if (op != EPOLL_CTL_DEL && copyin((void *)a[3], &ev, sizeof(ev)) != 0)
		return EFAULT;
	if ((error = getfile(td, (int32_t)a[0], &epfp)) != 0)
		return error;
	if ((error = getfile(td, (int32_t)a[2], &fp)) == 0) {
		error = epoll_ctl(epfp, op, fp, (int32_t)a[2], &ev);
		file_release(fp);
	}
	file_release(epfp);
	return error;
}

/* ---- epoll_wait ---- */

/*
 * Report up to max ready items.  A level-triggered one goes to the end of the list to be asked
 * again next time; the turn ends before it comes round.
 */
static int
epoll_harvest(struct epoll *ep, vaddr_t uevents, int max, int *n)
{
	struct epitem *ei, *last = NULL;

	for (*n = 0; *n < max && (ei = TAILQ_FIRST(&ep->ep_ready)) != NULL && ei != last;) {
		struct epoll_event ev = {.events = epitem_poll(ei, NULL), .data = ei->ei_data};

		if (ev.events == 0) {
			epitem_unready(ei);
			continue;
		}
		if (copyout(&ev, (void *)(uevents + (size_t)*n * sizeof(ev)), sizeof(ev)) != 0)
			return *n > 0 ? 0 : EFAULT;
		++*n;
		epitem_unready(ei);
		if (ei->ei_events & EPOLLONESHOT) {
			ei->ei_events &= EPOLL_CONTROL;
		} else if (!(ei->ei_events & EPOLLET)) {
			ei->ei_isready = true;
			TAILQ_INSERT_TAIL(&ep->ep_ready, ei, ei_ready);
			if (last == NULL)
				last = ei;
		}
	}
	return 0;
}

static int
epoll_wait_file(struct thread *td, struct file *fp, vaddr_t uevents, int max,
		const struct polltime *pt, int *n)
{
	struct epoll *ep = epoll_of(fp);
	bool timedout = pt->pt_now;
	int error;

	if (ep == NULL)
		return EINVAL;
	for (;;) {
		error = epoll_harvest(ep, uevents, max, n);
		if (error != 0 || *n > 0)
			return error;
		if (timedout)
			return 0;
		if (signal_pending(td))
			return EINTR;
		error = tsleep(ep, PCATCH, "epoll", pt->pt_deadline);
		timedout = error == ETIMEDOUT;
		if (error != 0 && !timedout)
			return error;
	}
}

static int
kern_epoll_wait(struct thread *td, const uint64_t *a, const struct polltime *pt, long *retval)
{
	int max = (int32_t)a[2], error, n = 0;
	struct file *fp;

	if (max <= 0 || max > EP_MAX_EVENTS)
		return EINVAL;
	if ((error = getfile(td, (int32_t)a[0], &fp)) != 0)
		return error;
	error = epoll_wait_file(td, fp, a[1], max, pt, &n);
	file_release(fp);
	*retval = n;
	return error;
}

static void
polltime_ms(struct polltime *pt, int32_t ms)
{
	if (ms >= 0)
		polltime_relative(pt, (nsec_t)ms * 1000000);
}

SYSCALL(epoll_wait)
{
	struct polltime pt = POLLTIME_FOREVER;

	polltime_ms(&pt, (int32_t)a[3]);
	return kern_epoll_wait(td, a, &pt, retval);
}

static int
epoll_wait_masked(struct thread *td, const uint64_t *a, const struct polltime *pt, long *retval)
{
	sigset_t mask;
	int error;

	if (a[4] != 0) {
		if ((error = copyin_sigmask(a[4], a[5], &mask)) != 0)
			return error;
		sigmask_push(td, mask);
	}
	error = kern_epoll_wait(td, a, pt, retval);
	sigmask_pop(td, error);
	return error;
}

SYSCALL(epoll_pwait)
{
	struct polltime pt = POLLTIME_FOREVER;

	polltime_ms(&pt, (int32_t)a[3]);
	return epoll_wait_masked(td, a, &pt, retval);
}

SYSCALL(epoll_pwait2)
{
	struct polltime pt = POLLTIME_FOREVER;
	struct timespec ts;
	int error;

	if (a[3] != 0) {
		if (copyin((void *)a[3], &ts, sizeof(ts)) != 0)
			return EFAULT;
		if ((error = polltime_timespec(&pt, &ts)) != 0)
			return error;
	}
	return epoll_wait_masked(td, a, &pt, retval);
}
