/* SPDX-License-Identifier: ISC */
/* evloop.h: the event loop of the I/O thread. */
#ifndef TINE_VMM_EVLOOP_H
#define TINE_VMM_EVLOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct tine_error;

struct source { /* embedded in what it serves; must outlive its time in the loop */
	int fd;
	uint32_t events; /* EPOLL* it is registered for; 0 = not registered */
	void (*ready)(void *arg, uint32_t events);
	void *arg;
};

struct evloop {
	int epoll_fd;
	bool quit;
};

int evloop_init(struct evloop *loop, struct tine_error *error);
void evloop_free(struct evloop *loop);
/* Register, change (events != 0) or remove (events == 0) a source.  0 or -errno; -EPERM for a
 * regular file, which is always ready. */
int evloop_watch(struct evloop *loop, struct source *source, uint32_t events);
/* Wait for one round of events and serve them; 0 or -errno. */
int evloop_step(struct evloop *loop);

#endif
