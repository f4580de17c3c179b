/* SPDX-License-Identifier: ISC */
/*
 * clonetest.c: templates, clones, live fork, reset and pool, through vmm.h as the daemon uses it.
 *
 * usage: clonetest TINE PROGRAM [TEST...|bench]; PROGRAM is tests/integration/clone/inside, static.
 * TEST may be NAME=COUNT: so many clones (crowd) or live forks (livefork).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "marks.h"
#include "tests.h"

/* ---- tests ---- */

/* "identity RANDOM BOOTID HOST SECONDS" of a process that was there before the clone. */
static void
ask_identity(struct box *b, char id[256])
{
	char host[65];
	double t, here = (double)now_ns(CLOCK_REALTIME) / 1e9;

	type(b, "identity\n");
	serve_until(b, NULL, "\n");
	if (sscanf(b->out, "identity %255s %64s %lf", id, host, &t) != 3)
		fail("answer: %s", b->out);
	if (t < here - 5 || t > here + 5)
		fail("time %f, should be %f", t, here);
}

static void
test_identity(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, clone[8];
	char id[9][256];

	spawn(&original, bt, NULL, "original", NULL);
	launch(&original, "loop");
	t = freeze(&original, false, 0);
	ask_identity(&original, id[8]);
	for (int i = 0; i < 8; i++) {
		char host[32];

		snprintf(host, sizeof(host), "clone%d", i);
		spawn(&clone[i], t, NULL, host, NULL);
		ask_identity(&clone[i], id[i]);
		if (strstr(clone[i].out, host) == NULL)
			fail("host name of %s: %s", host, clone[i].out);
	}
	for (int i = 0; i < 9; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(id[i], id[j]) == 0)
				fail("%d and %d are the same: %s", i, j, id[i]);
	for (int i = 0; i < 8; i++)
		sandbox_destroy(clone[i].sb);
	ask_identity(&original, id[0]);
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}

/* Each fills its page with a pattern of its own; nobody sees another's, also not a later clone. */
static void
test_isolation(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, clone[4];
	char line[32];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "fill 1\n");
	serve_until(&original, NULL, "filled 1\n");
	t = freeze(&original, false, 0);
	for (int i = 0; i < 4; i++) {
		spawn(&clone[i], t, NULL, NULL, NULL);
		type(&clone[i], "check 1\n");
		serve_until(&clone[i], NULL, "checked 1 0\n");
		snprintf(line, sizeof(line), "fill %d\n", i + 2);
		type(&clone[i], line);
		serve_until(&clone[i], NULL, "filled");
	}
	type(&original, "check 1\n");
	serve_until(&original, NULL, "checked 1 0\n");
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "check %d\n", i + 2);
		type(&clone[i], line);
		snprintf(line, sizeof(line), "checked %d 0\n", i + 2);
		serve_until(&clone[i], NULL, line);
		sandbox_destroy(clone[i].sb);
	}
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}

/* kill -9 of original and clones: the others go on. */
static void
test_kill(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, a, b;
	char id[256];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	t = freeze(&original, false, 0);
	spawn(&a, t, NULL, NULL, NULL);
	spawn(&b, t, NULL, NULL, NULL);
	sandbox_kill(original.sb);
	ask_identity(&a, id);
	sandbox_kill(a.sb);
	ask_identity(&b, id);
	sandbox_destroy(original.sb);
	sandbox_destroy(a.sb);
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(bt);
}

/* A clone of a clone of a clone; its generation says so. */
static void
test_nested(void)
{
	struct tine_template *t = base();
	struct box b;

	spawn(&b, t, NULL, NULL, NULL);
	launch(&b, "loop");
	for (int i = 0; i < 3; i++) {
		struct tine_template *next = freeze(&b, false, 0);

		sandbox_destroy(b.sb);
		template_release(t);
		t = next;
		spawn(&b, t, NULL, NULL, NULL);
		serve_until(&b, &b.ready, NULL);
	}
	type(&b, "generation\n");
	serve_until(&b, NULL, "generation 4\n");
	sandbox_destroy(b.sb);
	template_release(t);
}

/* A clone does something that a reset has to undo: memory that it has, and mib of new memory. */
static void
make_traces(struct box *b, unsigned mib)
{
	char line[32];

	type(b, "fill 2\n");
	serve_until(b, NULL, "filled 2\n");
	snprintf(line, sizeof(line), "touch %u\n", mib);
	type(b, line);
	snprintf(line, sizeof(line), "touched %u\n", mib);
	serve_until(b, NULL, line);
}

static void
reset(struct box *b, uint32_t id)
{
	b->reset = false;
	need(sandbox_reset(b->sb, id, &error), "reset");
	serve_until(b, &b->reset, NULL);
	if (b->arg != 0)
		fail("reset: error %u", b->arg);
	serve_until(b, &b->ready, NULL);
}

/* As vmm/reset.c keeps, and what the clone writes by itself. */
#define KEPT_BYTES ((1024u + 256u) * 4096u)

static void
test_reset(void)
{
	struct tine_template *bt = base(), *t;
	struct sandbox_hoststats hs;
	struct box original, b;
	char first[256], second[256];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "fill 1\n");
	serve_until(&original, NULL, "filled 1\n");
	t = freeze(&original, false, 0);
	sandbox_destroy(original.sb);
	spawn(&b, t, NULL, NULL, NULL);
	for (int i = 0; i < 20; i++) {
		ask_identity(&b, i % 2 == 0 ? first : second);
		if (i > 0 && strcmp(first, second) == 0)
			fail("reset %d: the same random numbers", i);
		/* little is copied back, much is given back */
		make_traces(&b, i % 5 == 3 ? 16 : 1);
		if (pages_filled_with(&b, TOUCHED) < 256)
			fail("reset %d: there was nothing to undo", i);
		if (i == 11) /* a freeze needs the log of written pages for itself */
			template_release(freeze(&b, false, 0));
		reset(&b, 5000 + (uint32_t)i);
		if (pages_filled_with(&b, TOUCHED) != 0)
			fail("reset %d: pages are left as they were", i);
		need(sandbox_hoststats(b.sb, &hs, &error), "hoststats");
		if (hs.private_bytes > KEPT_BYTES)
			fail("reset %d: the clone still has %llu bytes of its own", i,
			     (unsigned long long)hs.private_bytes);
		type(&b, "check 1\n");
		serve_until(&b, NULL, "checked 1 0\n");
	}
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(bt);
}

/* Two requests at once: both are answered, and the clone then works. */
static void
test_reset_twice(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, b;
	char id[256];

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	/* Of the base template, whose memory it has copied: it was booted, and has no way back. */
	if (sandbox_reset(original.sb, 1, &error) != -EINVAL ||
	    strcmp(error.type, "not-a-clone") != 0)
		fail("a booted sandbox was reset");
	t = freeze(&original, false, 0);
	spawn(&b, t, NULL, NULL, NULL);
	for (int i = 0; i < 20; i++) {
		ask_identity(&b, id);
		need(sandbox_reset(b.sb, 1, &error), "reset");
		need(sandbox_reset(b.sb, 2, &error), "reset");
		for (b.resets = 0; b.resets < 2; b.reset = false)
			serve_until(&b, &b.reset, NULL);
		serve_until(&b, &b.ready, NULL);
	}
	ask_identity(&b, id);
	sandbox_destroy(b.sb);
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}

static void
fill_pool(struct sandbox_pool *pool)
{
	int r;

	while ((r = sandbox_pool_refill(pool, &error)) == 1)
		continue;
	need(r, "refill");
}

/* Clones of t by way of the pool, more than it has: all with an identity of their own. */
static void
clones_of_pool(struct sandbox_pool *pool, struct tine_template *t)
{
	char id[5][256], host[16];
	struct box b[5];

	for (int i = 0; i < 5; i++) {
		snprintf(host, sizeof(host), "host%d", i);
		spawn(&b[i], t, pool, host, NULL);
	}
	for (int i = 0; i < 5; i++) {
		snprintf(host, sizeof(host), " host%d ", i);
		ask_identity(&b[i], id[i]);
		if (strstr(b[i].out, host) == NULL)
			fail("host name: %s", b[i].out);
		for (int j = 0; j < i; j++)
			if (strcmp(id[i], id[j]) == 0)
				fail("clones %d and %d have the same random numbers", j, i);
	}
	for (int i = 0; i < 5; i++)
		sandbox_destroy(b[i].sb);
}

static void
test_pool(void)
{
	struct tine_template *bt = base(), *t, *other;
	struct sandbox_pool *pool;
	struct box original;

	need(sandbox_pool_create(3, JAIL_DEFAULT, true, &pool, &error), "pool");
	fill_pool(pool);
	if (sandbox_pool_idle(pool) != 3)
		fail("%u idle processes", sandbox_pool_idle(pool));
	spawn(&original, bt, pool, "frompool", NULL);
	launch(&original, "loop");
	t = freeze(&original, false, 0);
	other = freeze(&original, false, 0);
	sandbox_destroy(original.sb);
	clones_of_pool(pool, t);
	/* Processes that have rehearsed, and a template that they have not rehearsed for. */
	sandbox_pool_prefer(pool, t);
	template_release(t); /* the pool has its own reference */
	for (int i = 0; i < 3; i++) {
		fill_pool(pool);
		clones_of_pool(pool, i == 1 ? other : t);
	}
	fill_pool(pool);
	sandbox_pool_prefer(pool, other);
	if (sandbox_pool_idle(pool) != 0)
		fail("%u processes still hold the first template", sandbox_pool_idle(pool));
	fill_pool(pool);
	clones_of_pool(pool, other);
	fill_pool(pool);
	sandbox_pool_destroy(pool);
	template_release(other);
	template_release(bt);
}

/* The original's clock is two hours slow; a clone has the host's, and deadlines in between are due.
 */
static void
test_deadlines(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, clone;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "deadlines");
	serve_until(&original, NULL, "waiting\n");
	t = freeze(&original, false, 0);
	spawn(&clone, t, NULL, NULL, NULL);
	serve_until(&clone, NULL, "woken\n");
	serve_until(&clone, &clone.exited, NULL);
	if (clone.status != 0)
		fail("clone: status %#x: %s", clone.status, clone.out);
	clone.reset = clone.exited = false; /* and once more */
	clone.len = 0;
	clone.out[0] = '\0';
	need(sandbox_reset(clone.sb, 1, &error), "reset");
	serve_until(&clone, &clone.reset, NULL);
	serve_until(&clone, NULL, "woken\n");
	if (original.exited || strstr(original.out, "woken") != NULL)
		fail("original: %s", original.out);
	sandbox_destroy(clone.sb);
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}

/* A program asks for clones of its sandbox. */
static void
test_vmfork(void)
{
	static const char *const two[] = {"kern.vmfork=2", NULL};
	struct tine_template *bt = base(), *t;
	struct box b, clone;

	spawn(&b, bt, NULL, NULL, NULL);
	launch(&b, "vmfork");
	serve_until(&b, &b.exited, NULL);
	if (strcmp(b.out, "vmfork -1 1 generation 1\n") != 0) /* EPERM */
		fail("without permission: %s", b.out);
	sandbox_destroy(b.sb);

	spawn(&b, bt, NULL, NULL, two);
	launch(&b, "vmfork");
	serve_until(&b, &b.asked, NULL);
	t = freeze(&b, true, 4711);
	serve_until(&b, &b.exited, NULL);
	if (strcmp(b.out, "vmfork 4711 0 generation 1\n") != 0)
		fail("original: %s", b.out);
	spawn(&clone, t, NULL, NULL, NULL);
	serve_until(&clone, &clone.exited, NULL);
	if (strcmp(clone.out, "vmfork 0 0 generation 2\n") != 0)
		fail("clone: %s", clone.out);
	sandbox_destroy(clone.sb);
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(bt);
}

static void
expect_said(const struct box *b, const char *what)
{
	if (strstr(b->out, what) == NULL)
		fail("no \"%s\": %s", what, b->out);
}

/* Two programs ask; a clone is made for the first, and in it nobody would answer the second. */
static void
test_vmfork_two(void)
{
	static const char *const two[] = {"kern.vmfork=2", NULL};
	struct tine_template *bt = base(), *t;
	struct box b, clone;

	spawn(&b, bt, NULL, NULL, two);
	launch(&b, "vmforks");
	serve_until(&b, &b.asked_again, NULL);
	t = freeze(&b, true, 4711);
	need(sandbox_refuse_vmfork(b.sb, 4712, EPERM, &error), "refuse");
	serve_until(&b, &b.exited, NULL);
	expect_said(&b, "vmfork 4711 0 generation 1\n");
	expect_said(&b, "vmfork -1 1 generation 1\n"); /* EPERM */
	spawn(&clone, t, NULL, NULL, NULL);
	serve_until(&clone, &clone.exited, NULL);
	expect_said(&clone, "vmfork 0 0 generation 2\n");
	expect_said(&clone, "vmfork -1 11 generation 2\n"); /* EAGAIN */
	sandbox_destroy(clone.sb);
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(bt);
}

/* Saved, loaded, cloned; then a template of a clone of the file. */
static void
test_file(void)
{
	const char *path = "/tmp/clonetest.template";
	struct tine_template *bt = base(), *t, *loaded;
	struct stat st;
	struct box b;
	char id[256];

	spawn(&b, bt, NULL, NULL, NULL);
	launch(&b, "loop");
	t = freeze(&b, false, 0);
	sandbox_destroy(b.sb);
	need(template_save(t, path, &error), "save");
	template_release(t);
	if (stat(path, &st) < 0 || (st.st_mode & 0777) != 0400)
		fail("%s: mode %o", path, st.st_mode);
	need(template_load(path, &loaded, &error), "load");
	spawn(&b, loaded, NULL, NULL, NULL);
	ask_identity(&b, id);
	/* a template of a clone of a file */
	t = freeze(&b, false, 0);
	sandbox_destroy(b.sb);
	spawn(&b, t, NULL, NULL, NULL);
	ask_identity(&b, id);
	sandbox_destroy(b.sb);
	template_release(t);
	template_release(loaded);
	unlink(path);
	template_release(bt);
}

/* ---- figures, as tests/bench/run reads them ---- */

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

static void
bench(void)
{
	bench_clones(64, "");
	bench_clones(4096, "_4g");
	bench_answer();
	bench_reset_and_memory();
	bench_pause(64, 4);
	bench_pause(512, 256);
}

/* Those with a count take it from NAME=COUNT. */
static const struct {
	const char *name;
	void (*run)(void);
	void (*run_count)(unsigned count);
	unsigned count;
} tests[] = {
    {"identity", test_identity, NULL, 0},
    {"generation", test_generation, NULL, 0},
    {"reseed", test_reseed, NULL, 0},
    {"deadlines", test_deadlines, NULL, 0},
    {"isolation", test_isolation, NULL, 0},
    {"kill", test_kill, NULL, 0},
    {"nested", test_nested, NULL, 0},
    {"reset", test_reset, NULL, 0},
    {"reset_twice", test_reset_twice, NULL, 0},
    {"pool", test_pool, NULL, 0},
    {"vmfork", test_vmfork, NULL, 0},
    {"vmfork_two", test_vmfork_two, NULL, 0},
    {"file", test_file, NULL, 0},
    {"layout", test_layout, NULL, 0},
    {"requests", test_requests, NULL, 0},
    {"events", test_events, NULL, 0},
    {"memory", test_memory, NULL, 0},
    {"cache", test_cache, NULL, 0},
    {"damage", test_damage, NULL, 0},
    {"refused", test_refused, NULL, 0},
    {"panic", test_panic, NULL, 0},
    {"workset", test_workset, NULL, 0},
    {"zygote", test_zygote, NULL, 0},
    {"livefork", NULL, test_livefork, 20},
    {"crowd", NULL, test_crowd, 100},
    {"pages", NULL, test_pages, 4},
};

static void
use_kernel_beside(const char *tine)
{
	const char *slash = strrchr(tine, '/');
	char path[4096];

	snprintf(path, sizeof(path), "%.*s/tine-kernel", slash != NULL ? (int)(slash - tine) : 1,
		 slash != NULL ? tine : ".");
	setenv("TINE_KERNEL", path, 0);
}

/* NAME, NAME=COUNT; NULL: all.  How many there were. */
static unsigned
run_named(const char *wanted)
{
	size_t len = wanted != NULL ? strcspn(wanted, "=") : 0;
	unsigned ran = 0;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (wanted != NULL &&
		    (strncmp(tests[i].name, wanted, len) != 0 || tests[i].name[len] != '\0'))
			continue;
		if (tests[i].run != NULL)
			tests[i].run();
		else
			tests[i].run_count(wanted != NULL && wanted[len] == '='
					       ? (unsigned)atoi(wanted + len + 1)
					       : tests[i].count);
		printf("%s: ok\n", tests[i].name);
		ran++;
	}
	return ran;
}

int
main(int argc, char **argv)
{
	unsigned ran = 0;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	use_kernel_beside(argv[1]);
	sandbox_set_program(argv[1]);
	program = argv[2];
	if (argc == 4 && strcmp(argv[3], "bench") == 0) {
		bench();
		return 0;
	}
	for (int a = 3; a < argc || a == 3; a++)
		ran += run_named(a < argc ? argv[a] : NULL);
	if (ran == 0) {
		fprintf(stderr, "clonetest: no such test\n");
		return 2;
	}
	printf("PASS\n");
	return 0;
}
