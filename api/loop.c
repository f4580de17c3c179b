/* SPDX-License-Identifier: ISC */
/* loop.c: epoll, timers in a binary heap, and deferred tasks. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000u

uint64_t
loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int
loop_init(struct loop *loop)
{
	*loop = (struct loop){.epfd = epoll_create1(EPOLL_CLOEXEC)};
	TAILQ_INIT(&loop->tasks);
	return loop->epfd < 0 ? -errno : 0;
}

void
loop_fini(struct loop *loop)
{
	if (loop->epfd >= 0)
		close(loop->epfd);
	free(loop->heap);
	loop->epfd = -1;
	loop->heap = NULL;
}

/* ---- sources ------------------------------------------------------------------------------- */

int
loop_add(struct loop *loop, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = src};

	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, src->fd, &ev) < 0)
		return -errno;
	src->added = true;
	return 0;
}

int
loop_mod(struct loop *loop, struct loop_source *src, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = src};

	return epoll_ctl(loop->epfd, EPOLL_CTL_MOD, src->fd, &ev) < 0 ? -errno : 0;
}

void
loop_del(struct loop *loop, struct loop_source *src)
{
	if (!src->added)
		return;
	epoll_ctl(loop->epfd, EPOLL_CTL_DEL, src->fd, NULL);
	src->added = false;
	/* The source may be freed now: forget events of it that wait in this turn's batch. */
	for (int i = loop->batch_next; i < loop->batch_end; i++)
		if (loop->batch[i].data.ptr == src)
			loop->batch[i].data.ptr = NULL;
}

/* ---- timers -------------------------------------------------------------------------------- */

static void
heap_put(struct loop *loop, size_t i, struct loop_timer *timer)
{
	loop->heap[i] = timer;
	timer->slot = i + 1;
}

static void
heap_up(struct loop *loop, size_t i)
{
	struct loop_timer *timer = loop->heap[i];

	while (i > 0 && loop->heap[(i - 1) / 2]->due_ns > timer->due_ns) {
		heap_put(loop, i, loop->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(loop, i, timer);
}

static void
heap_down(struct loop *loop, size_t i)
{
	struct loop_timer *timer = loop->heap[i];

	for (size_t child; (child = 2 * i + 1) < loop->nheap; i = child) {
		if (child + 1 < loop->nheap &&
		    loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
			child++;
		if (loop->heap[child]->due_ns >= timer->due_ns)
			break;
		heap_put(loop, i, loop->heap[child]);
	}
	heap_put(loop, i, timer);
}

static int
heap_grow(struct loop *loop)
{
	size_t size = loop->heap_size ? loop->heap_size * 2 : 64;
	struct loop_timer **heap = reallocarray(loop->heap, size, sizeof(struct loop_timer *));

	if (heap == NULL)
		return -ENOMEM;
	loop->heap = heap;
	loop->heap_size = size;
	return 0;
}

int
loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ns)
{
	loop_timer_clear(loop, timer);
	if (loop->nheap == loop->heap_size && heap_grow(loop) < 0)
		return -ENOMEM;
	timer->due_ns = due_ns;
	heap_put(loop, loop->nheap++, timer);
	heap_up(loop, loop->nheap - 1);
	return 0;
}

void
loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;
	size_t i;

	if (timer->slot == 0)
		return;
	i = timer->slot - 1;
	timer->slot = 0;
	last = loop->heap[--loop->nheap];
	if (last == timer)
		return;
	heap_put(loop, i, last);
	heap_up(loop, i);
	heap_down(loop, last->slot - 1);
}

static void
timers_fire(struct loop *loop)
{
	uint64_t now = loop_now_ns();

	while (loop->nheap > 0 && loop->heap[0]->due_ns <= now) {
		struct loop_timer *timer = loop->heap[0];

		loop_timer_clear(loop, timer);
		timer->fire(timer);
	}
}

/* ---- tasks --------------------------------------------------------------------------------- */

void
loop_task_queue(struct loop *loop, struct loop_task *task)
{
	if (task->queued)
		return;
	task->queued = true;
	TAILQ_INSERT_TAIL(&loop->tasks, task, link);
}

void
loop_task_cancel(struct loop *loop, struct loop_task *task)
{
	if (!task->queued)
		return;
	task->queued = false;
	TAILQ_REMOVE(&loop->tasks, task, link);
}

static void
tasks_run(struct loop *loop)
{
	struct loop_task *end = &loop->turn_end, *task;

	/* A marker bounds the turn: tasks queued by tasks run in the next one. */
	TAILQ_INSERT_TAIL(&loop->tasks, end, link);
	while ((task = TAILQ_FIRST(&loop->tasks)) != end) {
		loop_task_cancel(loop, task);
		task->run(task);
	}
	TAILQ_REMOVE(&loop->tasks, end, link);
}

/* ---- turns --------------------------------------------------------------------------------- */

static int
wait_ms(struct loop *loop, int max_ms)
{
	uint64_t due = loop->prepare ? loop->prepare(loop->prepare_arg) : LOOP_NEVER;
	uint64_t now, ms;

	if (!TAILQ_EMPTY(&loop->tasks))
		return 0;
	if (loop->nheap > 0 && loop->heap[0]->due_ns < due)
		due = loop->heap[0]->due_ns;
	if (due == LOOP_NEVER)
		return max_ms;
	now = loop_now_ns();
	if (due <= now)
		return 0;
	ms = (due - now + NS_PER_MS - 1) / NS_PER_MS;
	if (max_ms >= 0 && ms > (uint64_t)max_ms)
		return max_ms;
	return ms > 60000 ? 60000 : (int)ms;
}

int
loop_turn(struct loop *loop, int max_ms)
{
	int n = epoll_wait(loop->epfd, loop->batch, LOOP_BATCH, wait_ms(loop, max_ms));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->batch_end = n;
	for (loop->batch_next = 0; loop->batch_next < loop->batch_end;) {
		struct epoll_event *ev = &loop->batch[loop->batch_next++];
		struct loop_source *src = ev->data.ptr;

		if (src != NULL)
			src->ready(src, ev->events);
	}
	loop->batch_end = 0;
	timers_fire(loop);
	tasks_run(loop);
	return 0;
}

int
loop_run(struct loop *loop)
{
	int error = 0;

	while (!loop->stopping && error == 0)
		error = loop_turn(loop, -1);
	return error;
}

void
loop_stop(struct loop *loop)
{
	loop->stopping = true;
}
