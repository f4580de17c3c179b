/* SPDX-License-Identifier: ISC */
/*
 * hazards.c: what two machines with a past in common must not share, or must: the rows of
 * docs/fork-correctness.md that have no file of their own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/sandbox.h"
#include "vmm/template.h"
#include "tests.h"

#define CLONES 3

/* ---- addresses and guards of programs ---- */

#define LAYOUT_TEXT 128

static void
ask_layout(struct box *b, char running[LAYOUT_TEXT], char started[LAYOUT_TEXT])
{
	type(b, "layout\n");
	serve_until(b, NULL, "started");
	serve_until(b, NULL, "\n");
	if (sscanf(b->out, "running %127s started %127s", running, started) != 2)
		fail("answer: %s", b->out);
}

/* A program that runs is the same everywhere; one that is started in a clone is not. */
void
test_layout(void)
{
	char running[CLONES + 1][LAYOUT_TEXT], started[CLONES + 1][LAYOUT_TEXT];
	struct tine_template *bt = base(), *t;
	struct box b[CLONES + 1];

	spawn(&b[0], bt, NULL, NULL, NULL);
	launch(&b[0], "loop");
	t = freeze(&b[0], false, 0);
	for (int i = 1; i <= CLONES; i++)
		spawn(&b[i], t, NULL, NULL, NULL);
	for (int i = 0; i <= CLONES; i++) {
		ask_layout(&b[i], running[i], started[i]);
		if (strcmp(running[i], running[0]) != 0)
			fail("clone %d: %s is not the original's %s", i, running[i], running[0]);
		for (int j = 0; j < i; j++)
			if (strcmp(started[i], started[j]) == 0)
				fail("programs of %d and %d are alike: %s", i, j, started[i]);
	}
	for (int i = 0; i <= CLONES; i++)
		sandbox_destroy(b[i].sb);
	template_release(t);
	template_release(bt);
}

/* ---- requests just before the freeze ---- */

#define FILE_PATH "/put"
#define FILE_BYTES (5u * TINE_MSG_FRAG + 77)
#define PUT_ID 8u

static void
send_file(struct box *b)
{
	struct tine_put put = {.mode = 0644, .path_len = sizeof(FILE_PATH)};
	static uint8_t payload[sizeof(put) + sizeof(FILE_PATH) + FILE_BYTES];
	uint8_t *data = payload + sizeof(put) + sizeof(FILE_PATH);

	memcpy(payload, &put, sizeof(put));
	memcpy(payload + sizeof(put), FILE_PATH, sizeof(FILE_PATH));
	for (size_t i = 0; i < FILE_BYTES; i++)
		data[i] = (uint8_t)i;
	need(sandbox_send(b->sb, TINE_MSG_PUT, PUT_ID, 0, payload, sizeof(payload), &error), "put");
}

/* A file in many pieces, the start of a program that looks at it, and the freeze, without waiting
 * for any: the freeze comes last, so the file is whole in the clone and the program runs in both,
 * unless it had ended before. */
void
test_requests(void)
{
	static char size[16];
	const char *const argv[] = {"/inside", "file", FILE_PATH, size, NULL};
	struct tine_template *bt = base(), *t;
	unsigned under_way = 0;
	struct box b, clone;

	snprintf(size, sizeof(size), "%u", FILE_BYTES);
	for (int i = 0; i < 5; i++) {
		spawn(&b, bt, NULL, NULL, NULL);
		serve_until(&b, &b.ready, NULL);
		send_file(&b);
		launch_argv(&b, argv);
		t = freeze(&b, false, 0);
		serve_until(&b, &b.exited, NULL);
		if (b.status != 0)
			fail("original: status %#x", b.status);
		sandbox_destroy(b.sb);
		spawn(&clone, t, NULL, NULL, NULL);
		if (template_launches(t, NULL, 0) != 0) {
			under_way++;
			serve_until(&clone, &clone.exited, NULL);
		} else {
			launch_argv(&clone, argv);
			serve_until(&clone, &clone.exited, NULL);
		}
		if (clone.status != 0)
			fail("clone: status %#x", clone.status);
		sandbox_destroy(clone.sb);
		template_release(t);
	}
	printf("%u of 5 times the launch was under way\n", under_way);
	template_release(bt);
}

/* ---- events ---- */

/* Whether a clone reports is its own affair; what it reports goes on counting. */
void
test_events(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, with, without;

	events = true;
	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "layout\n"); /* fork, exec, exit */
	serve_until(&original, NULL, "started");
	type(&original, "generation\n");
	serve_until(&original, NULL, "generation 1\n");
	t = freeze(&original, false, 0);
	if (original.last_event < 5)
		fail("%llu events of the original", (unsigned long long)original.last_event);
	spawn(&with, t, NULL, NULL, NULL);
	events = false;
	spawn(&without, t, NULL, NULL, NULL);
	type(&without, "layout\n");
	serve_until(&without, NULL, "started");
	type(&without, "generation\n");
	serve_until(&without, NULL, "generation 2\n");
	if (without.first_event != 0)
		fail("a clone without events reports %llu",
		     (unsigned long long)without.first_event);
	type(&with, "layout\n");
	serve_until(&with, NULL, "started");
	type(&with, "generation\n");
	serve_until(&with, NULL, "generation 2\n");
	if (with.first_event != original.last_event + 1)
		fail("events of the clone begin with %llu, those of the original ended with %llu",
		     (unsigned long long)with.first_event, (unsigned long long)original.last_event);
	sandbox_destroy(with.sb);
	sandbox_destroy(without.sb);
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}

/* ---- memory of the template ---- */

static long long
blocks(const struct tine_template *t)
{
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		fail("template: %m");
	return (long long)st.st_blocks;
}

/* The boot block came with the seed: it has been wiped.  (Its place is not part of templates.) */
static void
no_seed(const struct box *b)
{
	const uint8_t *block;
	struct tine_stats stats;
	bool torn;

	need(sandbox_stats(b->sb, &stats, &torn), "stats"); /* maps the shared region */
	block = b->sb->shared + TINE_SHARED_BOOT;
	for (size_t i = 0; i < TINE_SHARED_BOOT_SIZE; i++)
		if (block[i] != 0)
			fail("byte %zu of the boot block is %#x", i, block[i]);
}

/* Clones use memory where the template has none: its file gets no page for that. */
void
test_memory(void)
{
	struct tine_template *bt = base(), *t, *t2;
	struct box original, clone;
	long long before;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	t = freeze(&original, false, 0);
	no_seed(&original);
	sandbox_destroy(original.sb);
	before = blocks(t);
	if (before * 512 > (long long)MEMORY_MIB << 19)
		fail("%lld blocks: the template of a small program is half the memory", before);
	for (int i = 0; i < 2; i++) {
		spawn(&clone, t, NULL, NULL, NULL);
		type(&clone, "touch 24\n");
		serve_until(&clone, NULL, "touched 24\n");
		no_seed(&clone);
		t2 = freeze(&clone, false, 0);
		if (blocks(t) != before)
			fail("the template had %lld blocks, now it has %lld", before, blocks(t));
		if ((blocks(t2) - before) * 512 < 24 << 20)
			fail("the template has %lld blocks, that of a clone that touched 24 MiB "
			     "%lld",
			     before, blocks(t2));
		template_release(t2);
		sandbox_destroy(clone.sb);
	}
	template_release(t);
	template_release(bt);
}

/* ---- the base template in the cache ---- */

#define CACHE "/tmp/clonetest.cache"
#define CACHED CACHE "/tine/base-64"

static ino_t
cached(void)
{
	struct stat st;

	if (lstat(CACHED, &st) < 0)
		fail("%s: %m", CACHED);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0777) != 0400)
		fail("%s: mode %o", CACHED, st.st_mode);
	return st.st_ino;
}

static void
run(const char *command)
{
	if (system(command) != 0)
		fail("%s", command);
}

/* After what was done to the file it is made again, without a word, and good. */
static void
made_again(const char *what, const char *command)
{
	struct tine_template *t;
	ino_t before;
	struct box b;

	template_release(base());
	before = cached();
	run("ln -f " CACHED " " CACHE "/keep"); /* so that its inode is not used again */
	run(command);
	memset(&error, 0, sizeof(error));
	t = base();
	if (error.type[0] != '\0')
		fail("%s: %s: %s", what, error.type, error.detail);
	if (cached() == before)
		fail("%s: the file is still used", what);
	spawn(&b, t, NULL, NULL, NULL);
	launch(&b, "loop");
	sandbox_destroy(b.sb);
	template_release(t);
}

void
test_cache(void)
{
	const char *home = getenv("XDG_CACHE_HOME"), *kernel = getenv("TINE_KERNEL");
	char command[4096];
	struct stat st;
	ino_t first;

	if (kernel == NULL || (kernel = strdup(kernel)) == NULL)
		fail("no kernel");
	snprintf(command, sizeof(command), "rm -rf %s && mkdir %s && cp '%s' %s/kernel", CACHE,
		 CACHE, kernel, CACHE);
	run(command);
	setenv("TINE_KERNEL", CACHE "/kernel", 1);
	setenv("XDG_CACHE_HOME", CACHE, 1);
	template_release(base());
	first = cached();
	if (stat(CACHE "/tine", &st) < 0 || (st.st_mode & 0777) != 0700)
		fail("the folder has mode %o", st.st_mode);
	template_release(base());
	if (cached() != first)
		fail("a good file was made again");
	made_again("gone", "rm " CACHED);
	made_again("empty", "chmod 600 " CACHED " && : >" CACHED);
	made_again("truncated", "chmod 600 " CACHED " && truncate -s -4096 " CACHED);
	made_again("damaged head",
		   "printf X | dd of=" CACHED " bs=1 seek=100 conv=notrunc 2>/dev/null");
	made_again("damaged data",
		   "printf X | dd of=" CACHED " bs=1 seek=200000 conv=notrunc 2>/dev/null");
	made_again("others may write", "chmod 622 " CACHED);
	made_again("another owner", "chown 1000 " CACHED);
	made_again("a link", "mv " CACHED " " CACHE "/other && ln -s ../other " CACHED);
	made_again("a FIFO", "rm " CACHED " && mkfifo " CACHED);
	made_again("another kernel", "echo >>" CACHE "/kernel");
	run("rm -rf " CACHE);
	setenv("TINE_KERNEL", kernel, 1);
	if (home != NULL)
		setenv("XDG_CACHE_HOME", home, 1);
	else
		unsetenv("XDG_CACHE_HOME");
}
