/* SPDX-License-Identifier: ISC */
/* jail_narrower.c: a filter program of a process that has another one, of wider rules. */
#include <string.h>

#include "jail_filter.h"
#include "jail_gen.h"

/* Neighbours of those that the wider one lets pass, with the same answer. */
struct run {
	uint32_t first, last;
	bool allowed;
};

struct runs {
	struct run run[CALLS_MAX];
	size_t n;
};

/* In ascending order. */
static void
add_to_runs(struct runs *runs, uint32_t k, bool allowed)
{
	struct run *last = runs->n > 0 ? &runs->run[runs->n - 1] : NULL;

	if (last != NULL && last->allowed == allowed)
		last->last = k;
	else if (runs->n == COUNT(runs->run))
		fail("too many runs");
	else
		runs->run[runs->n++] = (struct run){k, k, allowed};
}

static enum label
answer(const struct run *run)
{
	return run->allowed ? ALLOW : KILL;
}

/* One comparison for each border. */
static void
emit_runs(struct program *p, struct runs *runs)
{
	struct run *run = runs->run;

	if (runs->n < 2)
		fail("nothing to refuse");
	/* One for a single value between two runs, which become one. */
	for (size_t i = 1; i + 1 < runs->n;) {
		if (run[i].first != run[i].last) {
			i++;
			continue;
		}
		if_equal(p, run[i].first, answer(&run[i]), NEXT);
		run[i - 1].last = run[i + 1].last;
		runs->n -= 2;
		memmove(&run[i], &run[i + 2], (runs->n - i) * sizeof(*run));
	}
	for (size_t i = runs->n - 1; i > 0; i--)
		emit(p, BPF_JMP | BPF_JGE | BPF_K, run[i].first, answer(&run[i]),
		     i > 1 ? NEXT : answer(&run[0]));
}

/* An ioctl's type and number are enough: no two of the wider filter differ in the rest alone and
 * have another answer, which prove() would find. */
#define IOCTL_MASK 0xffffu

static void
emit_ioctl_runs(struct program *p, const struct rules *wide, const struct rules *rules)
{
	static struct runs runs;

	runs.n = 0;
	for (uint32_t k = 0; k <= IOCTL_MASK; k++)
		for (size_t i = 0; i < wide->nioctls; i++)
			if ((wide->ioctl[i] & IOCTL_MASK) == k)
				add_to_runs(&runs, k, lists_ioctl(rules, (uint32_t)wide->ioctl[i]));
	load_data(p, offsetof(struct seccomp_data, args) + sizeof(uint64_t));
	emit(p, BPF_ALU | BPF_AND | BPF_K, IOCTL_MASK, NEXT, NEXT);
	emit_runs(p, &runs);
}

/* What the wider one refuses already never matters. */
void
build_narrower(struct program *p, const struct rules *wide, const struct rules *rules)
{
	static struct runs runs;

	memset(p, 0, sizeof(*p));
	runs.n = 0;
	emit_unforeseen(p);
	load_data(p, offsetof(struct seccomp_data, nr));
	for (uint32_t nr = 0; nr < CALLS_MAX; nr++) {
		const struct special *s = special_of(nr);

		/* The same arguments are allowed by both, except: */
		if (s != NULL && !rules->call[nr] && (s->what == IS_LISTED || wide->call[nr]))
			if_equal(p, nr, s->what == IS_LISTED ? IOCTL : SELF, NEXT);
		else if (s != NULL || wide->call[nr])
			add_to_runs(&runs, nr, s != NULL || rules->call[nr]);
	}
	emit_runs(p, &runs);
	p->at[IOCTL] = p->n;
	emit_ioctl_runs(p, wide, rules);
	p->at[SELF] = p->n;
	load_data(p, offsetof(struct seccomp_data, args));
	if_equal(p, FILTER_SELF, ALLOW, KILL);
	finish(p);
}
