/* SPDX-License-Identifier: ISC */
/* pollreq.h: what poll, select and epoll share: requests, time limits, signal masks (sys_poll.c).
 */
#ifndef SYS_POLLREQ_H
#define SYS_POLLREQ_H

#include <sys/types.h>
#include <sys/poll.h>
#include <sys/time.h>

struct thread;
struct file;

struct pollreq {
	int32_t pr_fd; /* negative: ignored */
	int16_t pr_events, pr_revents;
	struct file *pr_file;
	bool pr_bad; /* no such descriptor: POLLNVAL */
};

struct polltime {
	nsec_t pt_deadline; /* absolute nanouptime(), 0 = none */
	bool pt_now;        /* do not wait at all */
};
#define POLLTIME_FOREVER                                                                           \
	{                                                                                          \
		0, false                                                                           \
	}
#define polltime_forever(pt) ((pt)->pt_deadline == 0 && !(pt)->pt_now)
void polltime_relative(struct polltime *, nsec_t ns);
int polltime_timespec(struct polltime *, const struct timespec *); /* EINVAL */
nsec_t polltime_left(const struct polltime *);

/* inline_reqs has room for POLLSET_INLINE; more are allocated. */
struct pollreq *pollreq_alloc(struct pollreq *inline_reqs, size_t n);
void pollreq_free(struct pollreq *inline_reqs, struct pollreq *reqs);
/* Wait until a request is ready (pr_revents set, *nready counts them) or time is up (0 ready):
 * EINTR, ENOMEM. */
int pollreq_wait(struct thread *, struct pollreq *, size_t n, const struct polltime *, int *nready);

/* Signal mask for the time of one call (ppoll, pselect, epoll_pwait); pop: error as the call ended
 * (EINTR leaves the old mask to signal delivery). */
int copyin_sigmask(vaddr_t uaddr, size_t size, sigset_t *mask);
void sigmask_push(struct thread *, sigset_t mask);
void sigmask_pop(struct thread *, int error);

#endif
