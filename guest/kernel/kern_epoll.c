/* SPDX-License-Identifier: ISC */
/*
 * kern_epoll.c: epoll: interest in files that outlives one call.
 *
 * An item ties one (file, descriptor number) to one epoll.  It is registered at the file's pollhead
 * for as long as it exists and holds no reference on the file: the last close of the file removes
 * it (epoll_file_gone).  Items that may be ready are on the epoll's ready list; whether they are is
 * asked again when somebody looks.
 */
#include <sys/epollvar.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>

static struct pool epitem_pool = POOL_INITIALIZER("epitem", struct epitem);
static uint64_t epitems; /* in the whole system; at most a 25th of memory goes into them */

/* ---- items ---- */

struct epitem *
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

void
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
uint32_t
epitem_poll(struct epitem *ei, struct pollctx *ctx)
{
	if (!epitem_armed(ei))
		return 0;
	return (uint32_t)file_poll(ei->ei_file, (int)(ei->ei_events & ~EPOLL_CONTROL), ctx);
}

struct epoll *
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

void
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

/* ---- changes of interest ---- */

/* Is it ready already? */
static void
epitem_check(struct epitem *ei, struct pollctx *ctx)
{
	if (epitem_poll(ei, ctx) != 0)
		epitem_setready(ei);
}

static void
epitem_link(struct epitem *ei, struct epoll *ep, struct file *fp)
{
	struct epoll *target = epoll_of(fp);

	ei->ei_ep = ep;
	ei->ei_file = fp;
	ei->ei_nextoffile = fp->f_epitems;
	fp->f_epitems = ei;
	LIST_INSERT_HEAD(&ep->ep_items, ei, ei_link);
	if (target != NULL) {
		target->ep_watched++;
		ep->ep_watches++;
	}
	epitems++;
}

int
epitem_add(struct epoll *ep, struct file *fp, int fd, uint32_t events, uint64_t data)
{
	struct epitem *ei;

	if (epitems >= vm_frames_total() * PAGE_SIZE / 25 / sizeof(*ei))
		return ENOSPC;
	ei = pool_get(&epitem_pool, M_ZERO);
	if (ei == NULL)
		return ENOMEM;
	ei->ei_fd = fd;
	ei->ei_events = events | POLLERR | POLLHUP;
	ei->ei_data = data;
	ei->ei_ctx.pc_record = epitem_record;
	for (int i = 0; i < EPI_WAITS; i++) {
		ei->ei_wait[i].pw_wake = epitem_wake;
		ei->ei_wait[i].pw_arg = ei;
	}
	epitem_link(ei, ep, fp);
	epitem_check(ei, &ei->ei_ctx);
	if (ei->ei_nowait) {
		epitem_remove(ei);
		return ENOMEM;
	}
	return 0;
}

void
epitem_modify(struct epitem *ei, uint32_t events, uint64_t data)
{
	ei->ei_events = events | POLLERR | POLLHUP;
	ei->ei_data = data;
	epitem_unready(ei);
	epitem_check(ei, NULL);
}

void
epitem_requeue(struct epitem *ei)
{
	epitem_unready(ei);
	ei->ei_isready = true;
	TAILQ_INSERT_TAIL(&ei->ei_ep->ep_ready, ei, ei_ready);
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

const struct fileops epoll_fileops = {
    .fo_poll = epoll_poll,
    .fo_stat = anonfile_stat,
    .fo_close = epoll_close,
    .fo_name = "eventpoll",
};
