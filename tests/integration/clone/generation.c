/* SPDX-License-Identifier: ISC */
/* generation.c: programs notice that they are in a clone, and what they make of it. */
#include <stdio.h>
#include <string.h>

#include "tests.h"

#define ID_TEXT 33

/* The next thing that /inside watch says. */
static void
expect_record(struct box *b, const char *what, unsigned want, char id[ID_TEXT])
{
	char word[32];
	unsigned generation;

	serve_until(b, NULL, "\n");
	if (sscanf(b->out, "%31s %u %32s", word, &generation, id) != 3 || strcmp(word, what) != 0 ||
	    generation != want || strlen(id) != ID_TEXT - 1)
		fail("not \"%s %u ID\": %s", what, want, b->out);
	b->len = 0;
	b->out[0] = '\0';
}

/* Asked, it says what it has said before: nothing has changed since. */
static void
expect_same(struct box *b, unsigned generation, const char *id)
{
	char now[ID_TEXT];

	type(b, "?\n");
	expect_record(b, "mapped", generation, now);
	if (strcmp(id, now) != 0)
		fail("the id was %s, now it is %s", id, now);
}

static void
all_differ(char (*id)[ID_TEXT], int n)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(id[i], id[j]) == 0)
				fail("%d and %d have the same id: %s", i, j, id[i]);
}

static void
reset(struct box *b)
{
	b->reset = false;
	need(sandbox_reset(b->sb, 1, &error), "reset");
	serve_until(b, &b->reset, NULL);
	if (b->arg != 0)
		fail("reset: error %u", b->arg);
}

/* Clones, a clone of a clone, resets: the page has changed each time and whoever waits is woken. In
 * the original nothing changes. */
void
test_generation(void)
{
	struct tine_template *bt = base(), *t, *t2;
	struct box original, clone[3], nested;
	char id[7][ID_TEXT];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "watch");
	expect_record(&original, "changed", 1, id[0]);
	t = freeze(&original, false, 0);
	for (int i = 0; i < 3; i++) {
		spawn(&clone[i], t, NULL, NULL, NULL);
		expect_record(&clone[i], "changed", 2, id[1 + i]);
	}
	expect_same(&original, 1, id[0]);
	for (int i = 0; i < 2; i++) {
		reset(&clone[0]);
		expect_record(&clone[0], "changed", 2, id[4 + i]);
		expect_same(&clone[0], 2, id[4 + i]);
	}
	t2 = freeze(&clone[1], false, 0);
	spawn(&nested, t2, NULL, NULL, NULL);
	expect_record(&nested, "changed", 3, id[6]);
	expect_same(&clone[1], 2, id[2]);
	all_differ(id, 7);
	sandbox_destroy(nested.sb);
	for (int i = 0; i < 3; i++)
		sandbox_destroy(clone[i].sb);
	sandbox_destroy(original.sb);
	template_release(t2);
	template_release(t);
	template_release(bt);
}

/* ---- examples/reseed.c ---- */

#define CLONES 4
#define DRAWS 3

/* Numbers that a generator gives which had been running when it was cloned: clones' and original's,
 * one after the other. */
static void
draw_in_clones(const char *const *argv, char number[(CLONES + 1) * DRAWS][ID_TEXT])
{
	struct tine_template *bt = base(), *t;
	struct box b[CLONES + 1];
	int n = 0;

	spawn(&b[CLONES], bt, NULL, NULL, NULL);
	launch_argv(&b[CLONES], argv);
	serve_until(&b[CLONES], &b[CLONES].launched, NULL);
	type(&b[CLONES], "draw\n");
	serve_until(&b[CLONES], NULL, "\n");
	t = freeze(&b[CLONES], false, 0);
	for (int i = 0; i < CLONES; i++)
		spawn(&b[i], t, NULL, NULL, NULL);
	for (int i = 0; i <= CLONES; i++) {
		for (int draw = 0; draw < DRAWS; draw++) {
			type(&b[i], "draw\n");
			serve_until(&b[i], NULL, "\n");
			if (sscanf(b[i].out, "%32s", number[n++]) != 1)
				fail("answer: %s", b[i].out);
		}
		sandbox_destroy(b[i].sb);
	}
	template_release(t);
	template_release(bt);
}

void
test_reseed(void)
{
	char number[(CLONES + 1) * DRAWS][ID_TEXT];

	draw_in_clones((const char *const[]){"/reseed", NULL}, number);
	all_differ(number, (CLONES + 1) * DRAWS);
	/* That the page makes the difference: who does not look at it draws the same. */
	draw_in_clones((const char *const[]){"/reseed", "-n", NULL}, number);
	for (int i = 1; i <= CLONES; i++)
		for (int draw = 0; draw < DRAWS; draw++)
			if (strcmp(number[i * DRAWS + draw], number[draw]) != 0)
				fail("a generator that does not look drew %s and %s", number[draw],
				     number[i * DRAWS + draw]);
}
