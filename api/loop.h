/* SPDX-License-Identifier: ISC */
/*
 * loop.h: the event loop of the daemon.
 *
 * One thread owns every object of the daemon; everything that may wait is a source (a file
 * descriptor), a timer or a task of this loop.  A callback may add, change or remove any source,
 * timer or task, its own included, and may free the memory they live in after removing them.
 */
#ifndef TINE_API_LOOP_H
#define TINE_API_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#define LOOP_BATCH 64
#define LOOP_NEVER UINT64_MAX

struct loop_source {
	int fd;
	void (*ready)(struct loop_source *src, uint32_t events);
	bool added;
};

struct loop_timer {
	uint64_t due_ns; /* CLOCK_MONOTONIC */
	size_t slot;     /* index in the heap plus one; 0 = not set */
	void (*fire)(struct loop_timer *timer);
};

/* Work put off to the next turn, so that one busy sandbox cannot starve the others. */
struct loop_task {
	TAILQ_ENTRY(loop_task) link;
	bool queued;
	void (*run)(struct loop_task *task);
};

struct loop {
	int epfd;
	bool stopping;
	struct epoll_event batch[LOOP_BATCH];
	int batch_next, batch_end; /* part of batch that is still to be dispatched */
	struct loop_timer **heap;
	size_t nheap, heap_size;
	TAILQ_HEAD(, loop_task) tasks;
	struct loop_task turn_end; /* marks the tasks of this turn */
	/* Called before each wait; returns when the loop has to wake at the latest (ns, monotonic).
	 */
	uint64_t (*prepare)(void *arg);
	void *prepare_arg;
};

/* All that can fail return 0 or -errno. */
int loop_init(struct loop *loop);
void loop_fini(struct loop *loop);

int loop_add(struct loop *loop, struct loop_source *src, uint32_t events);
int loop_mod(struct loop *loop, struct loop_source *src, uint32_t events);
void loop_del(struct loop *loop, struct loop_source *src);

/* Setting a timer that is set moves it. */
int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ns);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

void loop_task_queue(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop *loop, struct loop_task *task);

/* Run until loop_stop(). */
int loop_run(struct loop *loop);
/* One turn: wait (at most max_ms, -1 = as long as it takes), then dispatch. */
int loop_turn(struct loop *loop, int max_ms);
void loop_stop(struct loop *loop);

uint64_t loop_now_ns(void);

#endif
