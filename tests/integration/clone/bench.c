/* SPDX-License-Identifier: ISC */
/* bench.c: figures of clones and resets, as tests/bench/run reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests.h"

#define BENCH_ROUNDS 9

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
print_median(const char *name, uint64_t v[BENCH_ROUNDS])
{
	qsort(v, BENCH_ROUNDS, sizeof(v[0]), compare);
	printf("{\"name\": \"%s\", \"median\": %llu}\n", name,
	       (unsigned long long)v[BENCH_ROUNDS / 2]);
}

/* From the request to the word of the clone that it goes on. */
static uint64_t
time_clone(struct tine_template *t, struct sandbox_pool *pool)
{
	uint64_t start = now_ns(CLOCK_MONOTONIC), end;
	struct box b;

	spawn(&b, t, pool, NULL, NULL);
	serve_until(&b, &b.ready, NULL);
	end = now_ns(CLOCK_MONOTONIC);
	sandbox_destroy(b.sb);
	return end - start;
}

/* Of a clone that has run a command and has nothing left to do: the request to the word of the
 * clone that it goes on. */
static uint64_t
time_reset(struct box *b)
{
	uint64_t start;
	char id[256];

	ask_identity(b, id);
	let_settle(b);
	start = now_ns(CLOCK_MONOTONIC);
	b->reset = b->ready = false;
	need(sandbox_reset(b->sb, 1, &error), "reset");
	serve_until(b, &b->reset, NULL);
	serve_until(b, &b->ready, NULL);
	return now_ns(CLOCK_MONOTONIC) - start;
}

/* Nothing says when a process has done all it can do without being asked. */
static void
settle(void)
{
	struct timespec moment = {.tv_nsec = 200000000};

	nanosleep(&moment, NULL);
}

static void
print_bytes(const char *name, uint64_t bytes)
{
	printf("{\"name\": \"%s\", \"median\": %llu}\n", name, (unsigned long long)bytes);
}

/* A sandbox of that size that has run a program, frozen. */
static struct tine_template *
template_of(struct box *original, uint64_t mib)
{
	struct tine_template *bt;

	need(template_base(mib, NULL, &bt, &error), "base");
	spawn(original, bt, NULL, NULL, NULL);
	launch(original, "loop");
	template_release(bt);
	return freeze(original, false, 0);
}

static void
bench_clones(uint64_t mib, const char *suffix)
{
	uint64_t executed[BENCH_ROUNDS], cold[BENCH_ROUNDS], pooled[BENCH_ROUNDS];
	struct sandbox_pool *empty, *pool;
	struct box original;
	struct tine_template *t = template_of(&original, mib);
	char name[32];

	need(sandbox_pool_create(0, JAIL_DEFAULT, true, &empty, &error), "pool");
	need(sandbox_pool_create(1, JAIL_DEFAULT, true, &pool, &error), "pool");
	sandbox_pool_prefer(empty, t);
	sandbox_pool_prefer(pool, t);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		executed[i] = time_clone(t, NULL);
		cold[i] = time_clone(t, empty);
		fill_pool(pool);
		settle();
		pooled[i] = time_clone(t, pool);
	}
	snprintf(name, sizeof(name), "clone_exec%s", suffix);
	print_median(name, executed);
	snprintf(name, sizeof(name), "clone_cold%s", suffix);
	print_median(name, cold);
	snprintf(name, sizeof(name), "clone_pool%s", suffix);
	print_median(name, pooled);
	sandbox_pool_destroy(pool);
	sandbox_pool_destroy(empty);
	sandbox_destroy(original.sb);
	template_release(t);
}

/* From the request for a prepared clone to the answer to its first request. */
static uint64_t
time_answer(struct box *b, struct tine_template *t, struct sandbox_pool *pool)
{
	uint64_t start;

	fill_pool(pool);
	settle();
	start = now_ns(CLOCK_MONOTONIC);
	spawn(b, t, pool, NULL, NULL);
	type(b, "identity\n");
	serve_until(b, NULL, "\n");
	return now_ns(CLOCK_MONOTONIC) - start;
}

/* The first clone of a template, and one that is prepared with what the first has written. */
static void
bench_answer(void)
{
	uint64_t first[BENCH_ROUNDS], later[BENCH_ROUNDS];
	struct box original, b;

	template_release(template_of(&original, 64));
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		struct tine_template *t = freeze(&original, false, 0);
		struct sandbox_pool *pool;

		need(sandbox_pool_create(1, JAIL_DEFAULT, true, &pool, &error), "pool");
		sandbox_pool_prefer(pool, t);
		first[i] = time_answer(&b, t, pool);
		let_settle(&b); /* its working set has come */
		sandbox_destroy(b.sb);
		later[i] = time_answer(&b, t, pool);
		sandbox_destroy(b.sb);
		sandbox_pool_destroy(pool);
		template_release(t);
	}
	print_median("clone_pool_answer_first", first);
	print_median("clone_pool_answer", later);
	sandbox_destroy(original.sb);
}

/* Memory of an idle clone, with two more processes alive that have the same files mapped. */
static void
bench_reset_and_memory(void)
{
	uint64_t reset[BENCH_ROUNDS];
	struct sandbox_hoststats hs;
	struct sandbox_pool *pool;
	struct box original, b, other;
	struct tine_template *t = template_of(&original, 64);

	need(sandbox_pool_create(0, JAIL_DEFAULT, true, &pool, &error), "pool");
	sandbox_pool_prefer(pool, t);
	spawn(&other, t, pool, NULL, NULL);
	spawn(&b, t, pool, NULL, NULL);
	serve_until(&other, &other.ready, NULL);
	serve_until(&b, &b.ready, NULL);
	settle();
	need(sandbox_hoststats(b.sb, &hs, &error), "hoststats");
	for (int i = 0; i < BENCH_ROUNDS; i++)
		reset[i] = time_reset(&b);
	print_median("reset", reset);
	print_bytes("clone_private", hs.vmm_private_bytes);
	print_bytes("clone_private_guest", hs.private_bytes);
	sandbox_destroy(b.sb);
	sandbox_destroy(other.sb);
	sandbox_destroy(original.sb);
	sandbox_pool_destroy(pool);
	template_release(t);
}

/* The time for which a sandbox stands still that has so much memory of its own. */
static void
bench_pause(uint64_t sandbox_mib, unsigned touched_mib)
{
	uint64_t pause[BENCH_ROUNDS];
	struct box original;
	char text[32], name[32];

	template_release(template_of(&original, sandbox_mib));
	snprintf(text, sizeof(text), "touch %u\n", touched_mib);
	type(&original, text);
	snprintf(text, sizeof(text), "touched %u\n", touched_mib);
	serve_until(&original, NULL, text);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		template_release(freeze(&original, false, 0));
		pause[i] = original.report.pause_ns;
	}
	snprintf(name, sizeof(name), "fork_pause_%um", touched_mib);
	print_median(name, pause);
	sandbox_destroy(original.sb);
}

void
bench(void)
{
	bench_clones(64, "");
	bench_clones(4096, "_4g");
	bench_answer();
	bench_reset_and_memory();
	bench_pause(64, 4);
	bench_pause(512, 256);
}
