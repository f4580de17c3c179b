/* SPDX-License-Identifier: ISC */
/*
 * kern_timeout.c: one-shot timeouts in a binary heap, earliest first.
 *
 * Room in the heap is reserved when the object that owns a timeout is made, where failing is
 * harmless; arming a timeout later never allocates and never fails.
 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>

#define NEVER (~(nsec_t)0)
#define HEAP_MIN 64

static struct timeout **heap;
static uint32_t heap_count;    /* pending timeouts */
static uint32_t heap_size;     /* slots */
static uint32_t heap_reserved; /* timeouts that may be pending at once; <= heap_size */

static void
heap_place(uint32_t i, struct timeout *to)
{
	heap[i] = to;
	to->to_index = i + 1;
}

static void
sift_up(uint32_t i)
{
	struct timeout *to = heap[i];

	while (i > 0) {
		uint32_t up = (i - 1) / 2;

		if (heap[up]->to_deadline <= to->to_deadline)
			break;
		heap_place(i, heap[up]);
		i = up;
	}
	heap_place(i, to);
}

static void
sift_down(uint32_t i)
{
	struct timeout *to = heap[i];

	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c >= heap_count)
			break;
		if (c + 1 < heap_count && heap[c + 1]->to_deadline < heap[c]->to_deadline)
			c++;
		if (to->to_deadline <= heap[c]->to_deadline)
			break;
		heap_place(i, heap[c]);
		i = c;
	}
	heap_place(i, to);
}

void
timeout_set(struct timeout *to, void (*fn)(void *), void *arg)
{
	*to = (struct timeout){.to_fn = fn, .to_arg = arg};
}

int
timeout_reserve(struct timeout *to)
{
	if (to->to_reserved)
		return 0;
	if (heap_reserved == heap_size) {
		uint32_t size = heap_size == 0 ? HEAP_MIN : heap_size * 2;
		struct timeout **grown = krealloc(heap, size * sizeof(struct timeout *));

		if (grown == NULL)
			return ENOMEM;
		heap = grown;
		heap_size = size;
	}
	heap_reserved++;
	to->to_reserved = 1;
	return 0;
}

void
timeout_release(struct timeout *to)
{
	timeout_del(to);
	if (!to->to_reserved)
		return;
	to->to_reserved = 0;
	heap_reserved--;
}

void
timeout_add_abs(struct timeout *to, nsec_t deadline)
{
	if (unlikely(!to->to_reserved))
		panic("timeout_add_abs: %p has no place reserved", (void *)to);
	if (to->to_index == 0)
		heap_place(heap_count++, to);
	to->to_deadline = deadline;
	sift_up(to->to_index - 1);
	sift_down(to->to_index - 1);
	if (to->to_index == 1)
		clock_reprogram();
}

bool
timeout_del(struct timeout *to)
{
	uint32_t i;
	struct timeout *last;

	if (to->to_index == 0)
		return false;
	i = to->to_index - 1;
	to->to_index = 0;
	last = heap[--heap_count];
	if (last != to) {
		heap_place(i, last);
		sift_up(i);
		sift_down(last->to_index - 1);
	}
	return true;
}

/* A callback may arm any timeout, its own too; one that is due again at once waits for the next
 * interrupt, so that it cannot keep us here. */
void
timeout_run(nsec_t now)
{
	uint32_t most = heap_count;

	while (most-- > 0 && heap_count > 0 && heap[0]->to_deadline <= now) {
		struct timeout *to = heap[0];

		timeout_del(to);
		to->to_fn(to->to_arg);
	}
}

nsec_t
timeout_next(void)
{
	return heap_count > 0 ? heap[0]->to_deadline : NEVER;
}
