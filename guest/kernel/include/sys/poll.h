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

/*
 * Who asks: a file's fo_poll hands its pollhead to poll_record(), which calls pc_record.  A pollset
 * (below) puts the thread on the head; an epoll item puts itself there.
 */
struct pollhead;
struct pollctx {
	void (*pc_record)(struct pollctx *, struct pollhead *);
};
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

/* Ready events of fp among events (POLLERR and POLLHUP always count); files that cannot be polled
 * are always ready. */
struct file;
int file_poll(struct file *fp, int events, struct pollctx *ctx);

/*
 * A thread that waits for any of several things: init, fo_poll(.., &po_ctx) on each, sleep, ask
 * again (the registrations stay), done.
 */
#define POLLSET_INLINE 8 /* registrations that need no memory */
struct pollblock;
struct pollset {
	struct pollctx po_ctx;
	struct pollwait po_wait[POLLSET_INLINE];
	struct pollblock *po_more;
	uint32_t po_nwait;
	bool po_fired; /* something has happened since the last sleep */
	bool po_sleeping;
	int po_error; /* ENOMEM: a registration is missing, waiting would be wrong */
};
void pollset_init(struct pollset *);
/* Sleep until something happens: 0, EINTR, ETIMEDOUT (deadline as in tsleep), ENOMEM. */
int pollset_sleep(struct pollset *, const char *wmesg, nsec_t deadline);
void pollset_done(struct pollset *);

#endif
