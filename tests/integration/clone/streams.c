/* SPDX-License-Identifier: ISC */
/* streams.c: programs say more than the ring to the host holds, while nobody reads. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "abi/ring.h"
#include "tests.h"
#include "vmm/sandbox.h"

#define PROGRAMS 8u /* the last has a terminal */
#define FIRST_ID 100u
#define TIMEOUT_S 150 /* each of two waits */

/* Each says what it has credit for, so that nothing but room in the ring lets it go on. */
static void
start(struct box *b, uint32_t id, uint32_t flags)
{
	const char *const argv[] = {"/bin/busybox", "head", "-c", "65536", "/dev/zero", NULL};
	const char *const env[] = {NULL};
	struct launch_spec spec = {.path = argv[0], .argv = argv, .env = env, .flags = flags};
	uint8_t *payload;
	size_t len;

	need(launch_encode(&spec, &payload, &len, &error), "encode");
	need(sandbox_send(b->sb, TINE_MSG_LAUNCH, id, 0, payload, len, &error), "launch");
	free(payload);
}

/* Not a record more: the socket is full, the VMM process waits, and so does the guest. */
static void
wait_full(struct sandbox *sb)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + TIMEOUT_S * 1000000000ull;
	const volatile struct tine_rings *rings;
	struct tine_stats stats;
	bool torn;

	sandbox_stats(sb, &stats, &torn); /* maps the region */
	rings = (const volatile void *)(sb->shared + TINE_SHARED_RINGS);
	while (TINE_SHARED_G2H_SIZE - (rings->g2h_tail.pos - rings->g2h_head.pos) >= 32) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			fail("the ring does not fill: %u to %u", rings->g2h_head.pos,
			     rings->g2h_tail.pos);
		sched_yield();
	}
}

/* All that they have to say, and their ends. */
static void
read_all(struct box *b)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + TIMEOUT_S * 1000000000ull;
	size_t said[PROGRAMS] = {0};
	unsigned ended = 0;

	while (ended < PROGRAMS) {
		struct sandbox_msg m;
		int r = sandbox_recv(b->sb, &m, &error);

		need(r, "recv");
		if (now_ns(CLOCK_MONOTONIC) > end)
			fail("%u programs have ended, %zu bytes of the first", ended, said[0]);
		if (r == 0) {
			sched_yield();
			continue;
		}
		if (m.type == TINE_MSG_OUT && m.id >= FIRST_ID && m.id < FIRST_ID + PROGRAMS)
			said[m.id - FIRST_ID] += m.len;
		ended += m.type == TINE_MSG_EXITED;
	}
	for (unsigned i = 0; i < PROGRAMS; i++)
		if (said[i] != 65536)
			fail("program %u: %zu bytes", i, said[i]);
}

void
test_full_ring(void)
{
	struct tine_template *bt = base();
	struct box b;

	spawn(&b, bt, NULL, NULL, NULL);
	serve_until(&b, &b.ready, NULL);
	for (uint32_t i = 0; i < PROGRAMS; i++)
		start(&b, FIRST_ID + i, i + 1 < PROGRAMS ? 0 : TINE_LAUNCH_TTY);
	wait_full(b.sb);
	read_all(&b);
	sandbox_destroy(b.sb);
	template_release(bt);
}
