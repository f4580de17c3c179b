/* SPDX-License-Identifier: ISC */
/* sys_epoll.c: epoll_create, epoll_ctl, epoll_wait and their variants. */
#include <sys/epollvar.h>
#include <sys/kmem.h>
#include <sys/pollreq.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define EP_MAX_EVENTS (INT32_MAX / (int)sizeof(struct epoll_event))

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
	const struct epoll *target = epoll_of(fp);
	int error = target != NULL ? epoll_may_nest(ep, target, ev->events) : 0;

	return error != 0 ? error : epitem_add(ep, fp, fd, ev->events, ev->data);
}

static int
epoll_modify(struct epitem *ei, const struct epoll_event *ev)
{
	if ((ei->ei_events | ev->events) & EPOLLEXCLUSIVE)
		return EINVAL;
	epitem_modify(ei, ev->events, ev->data);
	return 0;
}

/* Files that are always ready are not worth watching. */
static bool
can_be_watched(const struct file *fp)
{
	const struct vnode *vp = fp->f_vnode;

	return fp->f_ops->fo_poll != NULL &&
	       (vp == NULL || (!S_ISREG(vp->v_type) && !S_ISDIR(vp->v_type)));
}

static int
epoll_ctl(struct file *epfp, int op, struct file *fp, int fd, const struct epoll_event *ev)
{
	struct epoll *ep = epoll_of(epfp);
	struct epitem *ei;

	if (!can_be_watched(fp))
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
			ei->ei_events &= EPOLL_CONTROL; /* until EPOLL_CTL_MOD */
		} else if (!(ei->ei_events & EPOLLET)) {
			epitem_requeue(ei);
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
