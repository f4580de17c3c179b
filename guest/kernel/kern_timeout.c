/* SPDX-License-Identifier: ISC */
/*
 * kern_timeout.c: one-shot timeouts in binary heaps, earliest first.
 *
 * There is a heap for each clock that deadlines are on, uptime and wall clock: when the wall clock
 * is set its order stays, and only the moment changes at which its first is due.
 *
 * Room in the heaps is reserved when the object that owns a timeout is made, where failing is
 * harmless; arming a timeout later never allocates and never fails.
 */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>

#define NEVER (~(nsec_t)0)
#define HEAP_MIN 64

struct heap {
	struct timeout **h_slot;
	uint32_t h_count; /* pending timeouts */
};
static struct heap heaps[2] __resume_data; /* on uptime, on the wall clock */
static uint32_t heap_size;                 /* slots of each */
static uint32_t heap_reserved;             /* timeouts that may be pending at once; <= heap_size */

static struct heap *
heap_of(const struct timeout *to)
{
	return &heaps[to->to_wall];
}

static void
heap_place(struct heap *h, uint32_t i, struct timeout *to)
{
	h->h_slot[i] = to;
	to->to_index = i + 1;
}

static void
sift_up(struct heap *h, uint32_t i)
{
	struct timeout *to = h->h_slot[i];

	while (i > 0) {
		uint32_t up = (i - 1) / 2;

		if (h->h_slot[up]->to_deadline <= to->to_deadline)
			break;
		heap_place(h, i, h->h_slot[up]);
		i = up;
	}
	heap_place(h, i, to);
}

static void
sift_down(struct heap *h, uint32_t i)
{
	struct timeout *to = h->h_slot[i];

	for (;;) {
		uint32_t c = 2 * i + 1;

		if (c >= h->h_count)
			break;
		if (c + 1 < h->h_count && h->h_slot[c + 1]->to_deadline < h->h_slot[c]->to_deadline)
			c++;
		if (to->to_deadline <= h->h_slot[c]->to_deadline)
			break;
		heap_place(h, i, h->h_slot[c]);
		i = c;
	}
	heap_place(h, i, to);
}

/* A heap that has grown alone does no harm. */
static int
heaps_grow(uint32_t size)
{
	for (size_t i = 0; i < nitems(heaps); i++) {
		struct timeout **grown = krealloc(heaps[i].h_slot, size * sizeof(struct timeout *));

		if (grown == NULL)
			return ENOMEM;
		heaps[i].h_slot = grown;
	}
	heap_size = size;
	return 0;
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
	if (heap_reserved == heap_size && heaps_grow(MAX(HEAP_MIN, heap_size * 2)) != 0)
		return ENOMEM;
	heap_reserved++;
	to->to_reserved = true;
	return 0;
}

void
timeout_release(struct timeout *to)
{
	timeout_del(to);
	if (!to->to_reserved)
		return;
	to->to_reserved = false;
	heap_reserved--;
}

void
timeout_add_abs(struct timeout *to, nsec_t deadline)
{
	struct heap *h = heap_of(to);

	if (unlikely(!to->to_reserved))
		panic("timeout_add_abs: %p has no place reserved", (void *)to);
	if (to->to_index == 0)
		heap_place(h, h->h_count++, to);
	to->to_deadline = deadline;
	sift_up(h, to->to_index - 1);
	sift_down(h, to->to_index - 1);
	if (to->to_index == 1)
		clock_reprogram();
}

bool
timeout_del(struct timeout *to)
{
	struct heap *h = heap_of(to);
	uint32_t i;
	struct timeout *last;

	if (to->to_index == 0)
		return false;
	i = to->to_index - 1;
	to->to_index = 0;
	last = h->h_slot[--h->h_count];
	if (last != to) {
		heap_place(h, i, last);
		sift_up(h, i);
		sift_down(h, last->to_index - 1);
	}
	return true;
}

nsec_t
timeout_now(const struct timeout *to)
{
	return to->to_wall ? nanotime() : nanouptime();
}

/* A callback may arm any timeout, its own too; one that is due again at once waits for the next
 * interrupt, so that it cannot keep us here. */
static void
heap_run(struct heap *h, nsec_t now)
{
	uint32_t most = h->h_count;

	while (most-- > 0 && h->h_count > 0 && h->h_slot[0]->to_deadline <= now) {
		struct timeout *to = h->h_slot[0];

		timeout_del(to);
		to->to_fn(to->to_arg);
	}
}

void
timeout_run(nsec_t uptime)
{
	heap_run(&heaps[false], uptime);
	heap_run(&heaps[true], uptime + wall_offset());
}

static nsec_t
heap_first(const struct heap *h)
{
	return h->h_count > 0 ? h->h_slot[0]->to_deadline : NEVER;
}

nsec_t
timeout_next(void)
{
	nsec_t wall = heap_first(&heaps[true]), offset = wall_offset();

	if (wall != NEVER)
		wall -= MIN(wall, offset);
	return MIN(heap_first(&heaps[false]), wall);
}
