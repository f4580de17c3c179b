/* SPDX-License-Identifier: ISC */
/* poll.h: waiting for readiness of several files (poll, select, epoll); kern_poll.c. */
#ifndef SYS_POLL_H
#define SYS_POLL_H

#include <sys/types.h>
#include <sys/queue.h>

#define POLLIN 0x0001
#define POLLPRI 0x0002
#define POLLOUT 0x0004
#define POLLERR 0x0008
#define POLLHUP 0x0010
#define POLLNVAL 0x0020
#define POLLRDNORM 0x0040
#define POLLRDBAND 0x0080
#define POLLWRNORM 0x0100
#define POLLWRBAND 0x0200
#define POLLRDHUP 0x2000

struct pollctx;
/* One registration of a waiter at a pollable thing. */
struct pollwait {
	LIST_ENTRY(pollwait) pw_link;
	void (*pw_wake)(struct pollwait *, int events); /* runs without sleeping */
	void *pw_arg;
};
/* Embedded in everything that can be polled. */
struct pollhead {
	LIST_HEAD(, pollwait) ph_waiters;
};
#define pollhead_init(ph) LIST_INIT(&(ph)->ph_waiters)
/* Called by a file's fo_poll: register the caller's context (ctx may be NULL: just asking). */
void poll_record(struct pollctx *ctx, struct pollhead *ph);
/* Wake everyone waiting at ph; also call when the thing dies (POLLHUP). */
void pollwakeup(struct pollhead *ph, int events);
/* Detach all waiters of a dying pollhead (they are woken with POLLNVAL | POLLHUP). */
void pollhead_destroy(struct pollhead *ph);

#endif
