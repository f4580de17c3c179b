/* SPDX-License-Identifier: ISC */
/*
 * waitq.h: who waits for a thing to change.
 *
 * A waiter is on one queue at most.  waitq_wake() takes every waiter off before it calls the
 * first one, so a callback that waits again does not run twice, and any waiter may be removed
 * (and freed) by the callback of another.
 */
#ifndef TINE_API_WAITQ_H
#define TINE_API_WAITQ_H

#include <stddef.h>
#include <sys/queue.h>

struct waiter {
	LIST_ENTRY(waiter) link;
	void (*wake)(struct waiter *waiter);
	int queued;
};

LIST_HEAD(waitq, waiter);

static inline void
waitq_remove(struct waiter *waiter)
{
	if (waiter->queued)
		LIST_REMOVE(waiter, link);
	waiter->queued = 0;
}

static inline void
waitq_add(struct waitq *q, struct waiter *waiter)
{
	waitq_remove(waiter);
	LIST_INSERT_HEAD(q, waiter, link);
	waiter->queued = 1;
}

static inline void
waitq_wake(struct waitq *q)
{
	struct waitq woken = LIST_HEAD_INITIALIZER(woken);
	struct waiter *waiter;

	/* Move the whole list; LIST_REMOVE needs no head, so removal keeps working. */
	woken.lh_first = q->lh_first;
	if (woken.lh_first != NULL)
		woken.lh_first->link.le_prev = &woken.lh_first;
	LIST_INIT(q);
	while ((waiter = LIST_FIRST(&woken)) != NULL) {
		waitq_remove(waiter);
		waiter->wake(waiter);
	}
}

#endif
