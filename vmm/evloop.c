/* SPDX-License-Identifier: ISC */
/* evloop.c: epoll, one handler per descriptor. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "evloop.h"
#include "vmm.h"

#define BATCH 16

int
evloop_init(struct evloop *loop, struct tine_error *error)
{
	loop->quit = false;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return tine_error_set(error, errno, "no-files", "epoll: %s", strerror(errno));
	return 0;
}

void
evloop_free(struct evloop *loop)
{
	close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

int
evloop_watch(struct evloop *loop, struct source *source, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = source};
	int op = events == 0 ? EPOLL_CTL_DEL : source->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (events == source->events)
		return 0;
	if (epoll_ctl(loop->epoll_fd, op, source->fd, &ev) < 0)
		return -errno;
	source->events = events;
	return 0;
}

int
evloop_step(struct evloop *loop)
{
	struct epoll_event ev[BATCH];
	int n = epoll_wait(loop->epoll_fd, ev, BATCH, -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n && !loop->quit; i++) {
		struct source *source = ev[i].data.ptr;

		/* An earlier handler of this round may have removed it. */
		if (source->events != 0)
			source->ready(source->arg, ev[i].events);
	}
	return 0;
}
