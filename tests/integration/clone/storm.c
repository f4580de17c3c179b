/* SPDX-License-Identifier: ISC */
/* storm.c: live forks and resets in the middle of forks, pipe traffic, sleeps, signals; all end as
 * they should. */
#include <stdio.h>
#include <stdlib.h>

#include "tests.h"

#define NESTED 10 /* each so-manieth fork is one of a clone */
#define ALIVE 6u  /* so many clones storm beside the original */

/* Each has to make progress in all that it does before it ends, and checks itself. */
static void
finish(struct box *b, const char *what, unsigned number)
{
	serve_until(b, &b->ready, NULL); /* a clone goes on */
	type(b, "stop\n");
	serve_until(b, &b->exited, NULL);
	if (b->status != 0)
		fail("%s %u: status %#x: %s", what, number, b->status, b->out);
	sandbox_destroy(b->sb);
}

void
test_livefork(unsigned forks)
{
	struct box original, *clone = calloc(forks, sizeof(*clone));
	uint64_t longest = 0;
	struct tine_template *bt = base(), *t;

	if (clone == NULL)
		fail("no memory");
	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "storm");
	serve_until(&original, NULL, "storm\n");
	for (unsigned i = 0; i < forks; i++) {
		bool nested = i % NESTED == NESTED - 1;
		struct box *source = nested ? &clone[i - 1] : &original;

		if (nested)
			serve_until(source, &source->ready, NULL);
		t = freeze(source, false, 0);
		if (source->report.pause_ns > longest)
			longest = source->report.pause_ns;
		spawn(&clone[i], t, NULL, NULL, NULL);
		template_release(t);
		if (i >= ALIVE)
			finish(&clone[i - ALIVE], "clone", i - ALIVE);
	}
	finish(&original, "original", 0);
	for (unsigned i = forks < ALIVE ? 0 : forks - ALIVE; i < forks; i++)
		finish(&clone[i], "clone", i);
	printf("%u live forks, longest pause %llu ns\n", forks, (unsigned long long)longest);
	template_release(bt);
	free(clone);
}

/* So many more forks; the other processes of the storm get as far as they get. */
static void
rage(struct box *b, uint64_t forks)
{
	struct tine_stats stats;
	uint64_t goal = 0;
	bool torn;

	do {
		let_settle(b);
		need(sandbox_stats(b->sb, &stats, &torn), "stats");
		if (goal == 0)
			goal = stats.cntfork + forks;
	} while (torn || stats.cntfork < goal);
}

/* One clone is reset over and over: at once, after so many forks, and while its storm ends. */
void
test_reset_storm(unsigned resets)
{
	struct tine_template *bt = base(), *t, *later;
	struct box original, b, clone;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "storm");
	serve_until(&original, NULL, "storm\n");
	t = freeze(&original, false, 0);
	spawn(&b, t, NULL, NULL, NULL);
	serve_until(&b, &b.ready, NULL);
	for (unsigned i = 0; i < resets; i++) {
		if (i % 3 != 0)
			rage(&b, i % 7);
		if (i % 3 == 2)
			type(&b, "stop\n");
		reset_clone(&b, 5000 + i);
	}
	later = freeze(&b, false, 0);
	finish(&b, "after resets", resets);
	spawn(&clone, later, NULL, NULL, NULL);
	finish(&clone, "clone after resets", resets);
	spawn(&clone, t, NULL, NULL, NULL);
	finish(&clone, "clone of the template", 0);
	finish(&original, "original", 0);
	template_release(later);
	template_release(t);
	template_release(bt);
}
