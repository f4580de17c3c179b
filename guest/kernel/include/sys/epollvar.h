/* SPDX-License-Identifier: ISC */
/* epollvar.h: the inside of epoll: items (kern_epoll.c) and the calls on them (sys_epoll.c). */
#ifndef SYS_EPOLLVAR_H
#define SYS_EPOLLVAR_H

#include <sys/anonfile.h>
#include <sys/poll.h>
#include <sys/queue.h>

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
#define EPOLL_CONTROL (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EPOLL_CLOEXEC O_CLOEXEC
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

extern const struct fileops epoll_fileops;

struct epoll *epoll_of(const struct file *); /* NULL: some other file */
struct epitem *epitem_find(const struct epoll *, const struct file *, int fd);
/* Events of the item's file that it wants, now; ctx not NULL: and register. */
uint32_t epitem_poll(struct epitem *, struct pollctx *ctx);
int epitem_add(struct epoll *, struct file *, int fd, uint32_t events, uint64_t data);
void epitem_modify(struct epitem *, uint32_t events, uint64_t data);
void epitem_remove(struct epitem *);
void epitem_unready(struct epitem *);
void epitem_requeue(struct epitem *); /* ready still, behind all others */

#endif
