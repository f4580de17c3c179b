/* SPDX-License-Identifier: ISC */
/* streams.c: programs say more than the ring to the host holds, while nobody reads. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "abi/ring.h"
#include "tests.h"
#include "vmm/sandbox.h"

#define PROGRAMS 8u
#define FIRST_ID 100u
#define TIMEOUT_S 150 /* each of two waits */

/* Each says what it has credit for, so that nothing but room in the ring lets it go on. */
static void
start(struct box *b, uint32_t id, const char *const *argv, uint32_t flags)
{
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
	struct tine_exited exited;
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
		if (m.type != TINE_MSG_EXITED)
			continue;
		memcpy(&exited, m.payload, sizeof(exited));
		if (exited.status != 0)
			fail("program %u: status %#x", m.id - FIRST_ID, exited.status);
		ended++;
	}
	for (unsigned i = 0; i < PROGRAMS; i++)
		if (said[i] != 65536)
			fail("program %u: %zu bytes", i, said[i]);
}

void
test_full_ring(void)
{
	static const char *const head[] = {"/bin/busybox", "head",      "-c",
					   "65536",        "/dev/zero", NULL};
	static const char *const polling[] = {"/inside", "polling", "65536", NULL};
	struct tine_template *bt = base();
	struct box b;

	spawn(&b, bt, NULL, NULL, NULL);
	serve_until(&b, &b.ready, NULL);
	for (uint32_t i = 0; i < PROGRAMS - 1; i++)
		start(&b, FIRST_ID + i, i % 2 == 0 ? head : polling, 0);
	start(&b, FIRST_ID + PROGRAMS - 1, head, TINE_LAUNCH_TTY);
	wait_full(b.sb);
	read_all(&b);
	sandbox_destroy(b.sb);
	template_release(bt);
}

/* What a terminal has not been able to hand over when the process ends comes when there is credit.
 */
void
test_last_words(void)
{
	static const char *const argv[] = {"/inside", "lastwords", "67000", NULL};
	uint64_t end = now_ns(CLOCK_MONOTONIC) + TIMEOUT_S * 1000000000ull;
	struct tine_template *bt = base();
	uint32_t credit = TINE_STREAM_CREDIT;
	struct sandbox_msg m = {0};
	size_t said = 0;
	struct box b;

	spawn(&b, bt, NULL, NULL, NULL);
	serve_until(&b, &b.ready, NULL);
	start(&b, FIRST_ID, argv, TINE_LAUNCH_TTY);
	while (m.type != TINE_MSG_EXITED) {
		int r = sandbox_recv(b.sb, &m, &error);

		need(r, "recv");
		if (now_ns(CLOCK_MONOTONIC) > end)
			fail("the program has not ended, %zu bytes", said);
		if (r == 0)
			sched_yield();
		else if (m.type == TINE_MSG_OUT)
			said += m.len;
		if (said != TINE_STREAM_CREDIT || credit == 0)
			continue;
		for (int i = 0; i < 50; i++)
			let_settle(&b); /* the program goes on as far as it can */
		if (b.exited)
			fail("the program has ended with %zu bytes", said);
		need(sandbox_send(b.sb, TINE_MSG_CREDIT, FIRST_ID, TINE_STREAM_STDOUT, &credit,
				  sizeof(credit), &error),
		     "credit");
		credit = 0;
	}
	if (said != 67000)
		fail("%zu bytes", said);
	sandbox_destroy(b.sb);
	template_release(bt);
}
