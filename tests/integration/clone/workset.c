/* SPDX-License-Identifier: ISC */
/* workset.c: what the first clone of a template writes, later ones of the pool have of their own
 * before they run; and with the template's content. */
#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "tests.h"

/* "fill" and "check" of inside.c */
#define FILL_BYTES (256u << 10)

static uint64_t
private_bytes(struct box *b)
{
	struct sandbox_hoststats hs;

	need(sandbox_hoststats(b->sb, &hs, &error), "hoststats");
	return hs.private_bytes;
}

/* A clone from the pool, and what it has of its own when it has done nothing yet. */
static uint64_t
clone_prepared(struct box *b, struct tine_template *t, struct sandbox_pool *pool)
{
	int r;

	while ((r = sandbox_pool_refill(pool, &error)) == 1)
		continue;
	need(r, "refill");
	spawn(b, t, pool, NULL, NULL);
	serve_until(b, &b->ready, NULL);
	return private_bytes(b);
}

static void
fill(struct box *b, const char *line, const char *answer)
{
	type(b, line);
	serve_until(b, NULL, answer);
}

void
test_workset(void)
{
	struct tine_template *t;
	struct sandbox_pool *pool;
	struct box original, idle, mute, first, b;
	uint64_t none, has;

	spawn(&original, NULL, NULL, NULL, NULL);
	launch(&original, "loop");
	fill(&original, "fill 1\n", "filled 1\n");
	t = freeze(&original, false, 0);
	need(sandbox_pool_create(1, JAIL_DEFAULT, true, &pool, &error), "pool");
	sandbox_pool_prefer(pool, t);
	/* Clones that have done nothing leave no record. */
	none = clone_prepared(&idle, t, pool);
	if (clone_prepared(&mute, t, pool) >= none + FILL_BYTES)
		fail("populated without a record");
	sandbox_destroy(mute.sb);
	clone_prepared(&first, t, pool);
	fill(&first, "fill 2\n", "filled 2\n");
	let_settle(&first);
	/* Only the first answer counts: this is not in the record. */
	fill(&first, "touch 16\n", "touched 16\n");
	for (int i = 0; i < 3; i++) {
		has = clone_prepared(&b, t, pool);
		if (has < none + FILL_BYTES)
			fail("clone %d has %llu bytes of its own, without a record it had %llu", i,
			     (unsigned long long)has, (unsigned long long)none);
		if (has >= none + 2 * FILL_BYTES)
			fail("clone %d has %llu bytes of its own, more than was written", i,
			     (unsigned long long)has);
		if (pages_filled_with(&b, TOUCHED) != 0)
			fail("clone %d has pages of another clone", i);
		fill(&b, "check 1\n", "checked 1 0\n");
		fill(&b, "fill 3\n", "filled 3\n");
		fill(&b, "check 3\n", "checked 3 0\n");
		sandbox_destroy(b.sb);
	}
	/* One that was not prepared has nothing that it has not written. */
	spawn(&b, t, NULL, NULL, NULL);
	serve_until(&b, &b.ready, NULL);
	if (private_bytes(&b) >= none + FILL_BYTES)
		fail("populated without having been prepared");
	fill(&b, "check 1\n", "checked 1 0\n");
	fill(&first, "check 2\n", "checked 2 0\n");
	fill(&original, "check 1\n", "checked 1 0\n");
	sandbox_destroy(b.sb);
	sandbox_destroy(first.sb);
	sandbox_destroy(idle.sb);
	sandbox_destroy(original.sb);
	sandbox_pool_destroy(pool);
	template_release(t);
}
