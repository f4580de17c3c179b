/* SPDX-License-Identifier: ISC */
/*
 * pages.c: isolation, page by page.  Sandboxes write pages that say who wrote them; then every page
 * that any of the VMM processes has mapped for its guest is looked at, with what the host's page
 * tables say of it: a clone's writes lie in pages of its own and nowhere else.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "marks.h"
#include "tests.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PM_PRESENT (1ull << 63)
#define PM_FILE (1ull << 61)
#define PM_EXCLUSIVE (1ull << 56)
#define WRITERS 16u
#define TRIES 20

struct found {
	unsigned own[WRITERS];    /* marked pages in anonymous memory, by writer */
	unsigned shared[WRITERS]; /* in pages of a file, which other processes see too */
	uint64_t anonymous;       /* pages in all */
};

static bool
is_zero(const uint64_t page[PAGE_BYTES / 8])
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - sizeof(page[0])) == 0;
}

static void
look_at(const uint64_t page[PAGE_BYTES / 8], bool shared, struct found *f)
{
	unsigned who = (unsigned)(page[0] >> 16 & 0xffff), index = (unsigned)(page[0] & 0xffff);

	f->anonymous += !shared;
	if (who >= WRITERS || index >= MARK_PAGES || page[0] != MARK(who, index))
		return;
	for (size_t w = 1; w < PAGE_BYTES / 8; w++)
		if (page[w] != page[0])
			fail("a page of writer %u is torn", who);
	if (shared)
		f->shared[who]++;
	else
		f->own[who]++;
}

static int
open_proc(const struct box *b, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)sandbox_pid(b->sb), file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %m", path);
	return fd;
}

/* RAM only: area[2] is the root image. */
static void
look(const struct box *b, struct found *f)
{
	int pagemap = open_proc(b, "pagemap"), mem = open_proc(b, "mem");
	uint64_t page[PAGE_BYTES / 8], pm;

	memset(f, 0, sizeof(*f));
	for (int a = 0; a < 2; a++)
		for (uint64_t at = b->started.area[a].addr;
		     at < b->started.area[a].addr + b->started.area[a].size; at += PAGE_BYTES) {
			if (pread(pagemap, &pm, sizeof(pm), (off_t)(at / PAGE_BYTES * 8)) !=
			    sizeof(pm))
				fail("pagemap: %m");
			if ((pm & PM_PRESENT) == 0)
				continue;
			if (pread(mem, page, sizeof(page), (off_t)at) != sizeof(page))
				fail("memory of the VMM process: %m");
			if ((pm & (PM_FILE | PM_EXCLUSIVE)) == 0 && is_zero(page))
				continue; /* the page that a read of nothing maps: nobody's */
			look_at(page, (pm & PM_FILE) != 0, f);
		}
	close(pagemap);
	close(mem);
}

unsigned
pages_filled_with(const struct box *b, uint8_t byte)
{
	int pagemap = open_proc(b, "pagemap"), mem = open_proc(b, "mem");
	uint8_t page[PAGE_BYTES];
	unsigned n = 0;
	uint64_t pm;

	for (int a = 0; a < 2; a++)
		for (uint64_t at = b->started.area[a].addr;
		     at < b->started.area[a].addr + b->started.area[a].size; at += PAGE_BYTES) {
			if (pread(pagemap, &pm, sizeof(pm), (off_t)(at / PAGE_BYTES * 8)) !=
			    sizeof(pm))
				fail("pagemap: %m");
			if ((pm & PM_PRESENT) == 0)
				continue;
			if (pread(mem, page, sizeof(page), (off_t)at) != sizeof(page))
				fail("memory of the VMM process: %m");
			n += page[0] == byte && memcmp(page, page + 1, sizeof(page) - 1) == 0;
		}
	close(pagemap);
	close(mem);
	return n;
}

static void
expect(unsigned found, unsigned wanted, const char *where, unsigned writer, unsigned box)
{
	if (found != wanted)
		fail("sandbox %u has %u %s pages of writer %u, not %u", box, found, where, writer,
		     wanted);
}

static uint64_t
private_bytes(struct box *b)
{
	struct sandbox_hoststats hs;

	need(sandbox_hoststats(b->sb, &hs, &error), "hoststats");
	return hs.private_bytes;
}

/* Look at a guest that nobody asks anything, and compare with the statistics.  It may give memory
 * back by itself: what is compared must not have changed in between. */
static void
look_and_compare(struct box *b, struct found *f, unsigned number)
{
	uint64_t before, after;
	int tries = 0;

	do {
		if (tries++ == TRIES)
			fail("sandbox %u never stands still", number);
		before = private_bytes(b);
		look(b, f);
		after = private_bytes(b);
	} while (before != after);
	if (before != f->anonymous * PAGE_BYTES)
		fail("sandbox %u: %" PRIu64 " private bytes by the statistics, %" PRIu64
		     " pages by the page tables",
		     number, before, f->anonymous);
}

/* Its own marks in pages of its own, and no one else's anywhere but the template's. */
static void
check_clone(struct box *b, unsigned who, unsigned of)
{
	unsigned pages = MARK_PAGES / of;
	struct found f;

	look_and_compare(b, &f, who);
	for (unsigned w = 1; w < WRITERS; w++) {
		expect(f.own[w], w == who ? pages : 0, "private", w, who);
		expect(f.shared[w], 0, "shared", w, who);
	}
	expect(f.own[0], 0, "private", 0, who);
}

static void
tell(struct box *b, const char *word, unsigned who, unsigned of, const char *answer)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %u %u\n", word, who, of);
	type(b, line);
	snprintf(line, sizeof(line), answer, who);
	serve_until(b, NULL, line);
}

/* The template, byte for byte. */
static char *
contents(const struct tine_template *t, size_t *size)
{
	const char *path = "/tmp/clonetest.pages";
	struct stat st;
	char *bytes;
	int fd;

	need(template_save(t, path, &error), "save");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || (bytes = malloc((size_t)st.st_size)) == NULL ||
	    read(fd, bytes, (size_t)st.st_size) != st.st_size)
		fail("%s: %m", path);
	close(fd);
	unlink(path);
	*size = (size_t)st.st_size;
	return bytes;
}

/* All there have ever been: of a sandbox that is dead, and makes no more. */
static uint64_t
faults(struct box *b)
{
	struct pollfd p = {.fd = sandbox_fd(b->sb), .events = POLLIN};
	struct sandbox_hoststats hs;
	struct sandbox_msg m;

	sandbox_kill(b->sb);
	while (sandbox_recv(b->sb, &m, &error) >= 0)
		poll(&p, 1, -1);
	need(sandbox_hoststats(b->sb, &hs, &error), "hoststats");
	return hs.nested_faults;
}

/* The sum is compared with the emulator's log by pages_ept; so there is no VM but these. */
void
test_pages(unsigned clones)
{
	struct box original, clone[WRITERS];
	struct tine_template *t;
	char *before, *after;
	size_t size, size_after;
	uint64_t sum;
	struct found f;

	if (clones == 0 || clones >= WRITERS || MARK_PAGES % clones != 0)
		fail("%u clones cannot share %u pages", clones, MARK_PAGES);
	spawn(&original, NULL, NULL, NULL, NULL);
	launch(&original, "loop");
	tell(&original, "mark", 0, 1, "marked %u\n");
	t = freeze(&original, false, 0);
	before = contents(t, &size);
	for (unsigned i = 0; i < clones; i++) {
		spawn(&clone[i], t, NULL, NULL, NULL);
		tell(&clone[i], "mark", i + 1, clones, "marked %u\n");
	}
	for (unsigned i = 0; i < clones; i++) {
		tell(&clone[i], "marks", i + 1, clones, "marks %u wrong 0\n");
		check_clone(&clone[i], i + 1, clones);
	}
	tell(&original, "marks", 0, 1, "marks %u wrong 0\n");
	look_and_compare(&original, &f, 0);
	expect(f.own[0], MARK_PAGES, "private", 0, 0);
	for (unsigned w = 1; w < WRITERS; w++)
		expect(f.own[w] + f.shared[w], 0, "any", w, 0);
	/* One that comes later sees the template as it was. */
	spawn(&clone[clones], t, NULL, NULL, NULL);
	tell(&clone[clones], "marks", 0, 1, "marks %u wrong 0\n");
	look(&clone[clones], &f);
	expect(f.shared[0], MARK_PAGES, "shared", 0, clones + 1);
	after = contents(t, &size_after);
	if (size_after != size || memcmp(before, after, size) != 0)
		fail("the template has changed");
	sum = faults(&original);
	for (unsigned i = 0; i <= clones; i++)
		sum += faults(&clone[i]);
	printf("%" PRIu64 " nested faults\n", sum);
	for (unsigned i = 0; i <= clones; i++)
		sandbox_destroy(clone[i].sb);
	sandbox_destroy(original.sb);
	template_release(t);
	free(before);
	free(after);
}
