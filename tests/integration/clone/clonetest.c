/* SPDX-License-Identifier: ISC */
/*
 * clonetest.c: templates, clones, live fork, reset and pool, through vmm.h as the daemon uses it.
 *
 * usage: clonetest TINE PROGRAM [TEST...|bench]; PROGRAM is tests/integration/clone/inside, static.
 * TEST may be NAME=COUNT: so many clones (crowd), live forks (livefork) or resets (reset_storm).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests.h"

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
    {"reset_registers", test_reset_registers, NULL, 0},
    {"reset_storm", NULL, test_reset_storm, 30},
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
    {"full_ring", test_full_ring, NULL, 0},
    {"last_words", test_last_words, NULL, 0},
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
