/* SPDX-License-Identifier: ISC */
/* kern_poll.c: the two sides of waiting for readiness: pollheads in files, pollsets in threads. */
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>

/* Registrations beyond the inline ones. */
#define POLLBLOCK_WAITS 62
struct pollblock {
	struct pollblock *pb_next;
	uint64_t pb_nwait;
	struct pollwait pb_wait[POLLBLOCK_WAITS];
};

void
poll_record(struct pollctx *ctx, struct pollhead *ph)
{
	if (ctx != NULL)
		ctx->pc_record(ctx, ph);
}

void
pollwakeup(struct pollhead *ph, int events)
{
	struct pollwait *pw, *next;

	LIST_FOREACH_SAFE (pw, &ph->ph_waiters, pw_link, next)
		pw->pw_wake(pw, events);
}

void
pollhead_destroy(struct pollhead *ph)
{
	struct pollwait *pw;

	while ((pw = LIST_FIRST(&ph->ph_waiters)) != NULL) {
		LIST_REMOVE(pw, pw_link); /* prevp becomes NULL: the owner sees that it is off */
		pw->pw_wake(pw, POLLNVAL | POLLHUP);
	}
}

int
file_poll(struct file *fp, int events, struct pollctx *ctx)
{
	int ready = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	events |= POLLERR | POLLHUP;
	if (fp->f_ops->fo_poll != NULL)
		ready = fp->f_ops->fo_poll(fp, events, ctx);
	return ready & events;
}

static void
pollset_wake(struct pollwait *pw, int events __unused)
{
	struct pollset *po = pw->pw_arg;

	po->po_fired = true;
	if (po->po_sleeping) {
		po->po_sleeping = false;
		wakeup(po);
	}
}

static struct pollwait *
pollset_newwait(struct pollset *po)
{
	struct pollblock *pb = po->po_more;

	if (po->po_nwait < POLLSET_INLINE)
		return &po->po_wait[po->po_nwait++];
	if (pb == NULL || pb->pb_nwait == POLLBLOCK_WAITS) {
		pb = kmalloc(sizeof(*pb), 0);
		if (pb == NULL)
			return NULL;
		pb->pb_nwait = 0;
		pb->pb_next = po->po_more;
		po->po_more = pb;
	}
	return &pb->pb_wait[pb->pb_nwait++];
}

static void
pollset_record(struct pollctx *ctx, struct pollhead *ph)
{
	struct pollset *po = container_of(ctx, struct pollset, po_ctx);
	struct pollwait *pw = pollset_newwait(po);

	if (pw == NULL) {
		po->po_error = ENOMEM;
		return;
	}
	pw->pw_wake = pollset_wake;
	pw->pw_arg = po;
	LIST_INSERT_HEAD(&ph->ph_waiters, pw, pw_link);
}

void
pollset_init(struct pollset *po)
{
	po->po_ctx.pc_record = pollset_record;
	po->po_more = NULL;
	po->po_nwait = 0;
	po->po_fired = po->po_sleeping = false;
	po->po_error = 0;
}

int
pollset_sleep(struct pollset *po, const char *wmesg, nsec_t deadline)
{
	int error = po->po_error;

	if (error == 0 && !po->po_fired) {
		po->po_sleeping = true;
		error = tsleep(po, PCATCH, wmesg, deadline);
		po->po_sleeping = false;
	}
	po->po_fired = false;
	return error;
}

static void
pollwaits_remove(struct pollwait *pw, uint64_t n)
{
	for (; n > 0; n--, pw++)
		if (pw->pw_link.prevp != NULL)
			LIST_REMOVE(pw, pw_link);
}

void
pollset_done(struct pollset *po)
{
	struct pollblock *pb;

	pollwaits_remove(po->po_wait, po->po_nwait);
	while ((pb = po->po_more) != NULL) {
		po->po_more = pb->pb_next;
		pollwaits_remove(pb->pb_wait, pb->pb_nwait);
		kfree(pb);
	}
}
