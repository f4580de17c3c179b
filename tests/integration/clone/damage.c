/* SPDX-License-Identifier: ISC */
/* damage.c: what is refused: damaged template files, and clones and freezes that cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/template.h"
#include "tests.h"

#define PATH "/tmp/clonetest.damaged"
#define DATA_STEP 65536u /* so far apart are the damaged bytes of the data; prime to no page */

static void
ask_original(struct box *b)
{
	type(b, "check 1\n");
	serve_until(b, NULL, "checked 1 0\n");
}

/* The failure must be this one, and be told in words. */
static void
expect_error(int r, const char *type, const char *what)
{
	if (r == 0)
		fail("%s: not refused", what);
	if (strcmp(error.type, type) != 0 || error.detail[0] == '\0' || -r != error.code)
		fail("%s: %d, %s: \"%s\", not %s", what, r, error.type, error.detail, type);
}

/* ---- files ---- */

static int
try_load(void)
{
	struct tine_template *t;
	int r;

	memset(&error, 0, sizeof(error));
	r = template_load(PATH, &t, &error);
	if (r == 0)
		template_release(t);
	return r;
}

/* One byte changed, then put back. */
static void
flip(int fd, off_t at)
{
	uint8_t good, bad;
	char what[64];
	int r;

	if (pread(fd, &good, 1, at) != 1)
		fail("read at %lld: %m", (long long)at);
	bad = good ^ 0x10;
	if (pwrite(fd, &bad, 1, at) != 1)
		fail("write: %m");
	snprintf(what, sizeof(what), "byte %lld changed", (long long)at);
	r = try_load();
	if (r == 0 || strncmp(error.type, "template-", 9) != 0 || error.detail[0] == '\0')
		fail("%s: %d %s", what, r, error.type);
	if (pwrite(fd, &good, 1, at) != 1)
		fail("write: %m");
}

static void
flip_regions(int fd, const struct template_head *head)
{
	for (size_t at = 0; at < offsetof(struct template_head, cpu); at++)
		flip(fd, (off_t)at);
	for (size_t at = offsetof(struct template_head, cpu); at < sizeof(*head); at += 61)
		flip(fd, (off_t)at);
	for (uint32_t i = 0; i < head->nextents; i++) {
		const struct template_extent *e = &head->extent[i];

		for (uint64_t at = 0; at < e->len; at += DATA_STEP)
			flip(fd, (off_t)(e->offset + at + at / DATA_STEP % TINE_PAGE_SIZE));
		flip(fd, (off_t)(e->offset + e->len - 1));
	}
	for (uint64_t at = 0; at < head->rootfs_size; at += DATA_STEP)
		flip(fd, (off_t)(head->rootfs_offset + at));
	flip(fd, (off_t)(head->rootfs_offset + head->rootfs_size - 1));
	/* Nothing is of use there. */
	flip(fd, (off_t)sizeof(*head));
	flip(fd, TEMPLATE_DATA - 1);
	if (head->rootfs_size % TINE_PAGE_SIZE != 0)
		flip(fd, (off_t)(head->rootfs_offset + head->rootfs_size));
}

static void
change_version(int fd, size_t field)
{
	uint32_t version, other;

	if (pread(fd, &version, sizeof(version), (off_t)field) != sizeof(version))
		fail("read: %m");
	other = version + 1;
	if (pwrite(fd, &other, sizeof(other), (off_t)field) != sizeof(other))
		fail("write: %m");
	expect_error(try_load(), "template-version", "another version");
	if (pwrite(fd, &version, sizeof(version), (off_t)field) != sizeof(version))
		fail("write: %m");
}

/* Lengths from the whole down to nothing; the file is destroyed. */
static void
truncate_all(int fd, off_t size)
{
	static const off_t small[] = {sizeof(struct template_head), TEMPLATE_DATA, 4096, 8, 1, 0};

	for (off_t len = size - 4096; len > TEMPLATE_DATA; len -= size / 16) {
		if (ftruncate(fd, len) < 0)
			fail("truncate: %m");
		expect_error(try_load(), "template-truncated", "a shorter file");
	}
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		if (ftruncate(fd, small[i]) < 0)
			fail("truncate: %m");
		expect_error(try_load(), "template-truncated", "a much shorter file");
	}
}

/* The same sandbox, another kernel: its image with a byte more. */
static void
use_other_kernel(void)
{
	const char *kernel = getenv("TINE_KERNEL"), *other = "/tmp/clonetest.kernel";
	char command[2 * PATH_MAX + 64], saved[PATH_MAX];

	if (kernel == NULL || snprintf(saved, sizeof(saved), "%s", kernel) >= (int)sizeof(saved))
		fail("no kernel");
	snprintf(command, sizeof(command), "cp '%s' %s && echo >>%s", saved, other, other);
	if (system(command) != 0)
		fail("%s", command);
	setenv("TINE_KERNEL", other, 1);
	expect_error(try_load(), "template-kernel", "another kernel");
	setenv("TINE_KERNEL", saved, 1);
	unlink(other);
}

void
test_damage(void)
{
	static struct template_head head;
	struct tine_template *bt = base(), *t;
	struct box original;
	struct stat st;
	int fd;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "fill 1\n");
	serve_until(&original, NULL, "filled 1\n");
	t = freeze(&original, false, 0);
	need(template_save(t, PATH, &error), "save");
	template_release(t);
	if (chmod(PATH, 0600) < 0 || (fd = open(PATH, O_RDWR | O_CLOEXEC)) < 0 ||
	    fstat(fd, &st) < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head))
		fail("%s: %m", PATH);
	need(try_load(), "load");
	flip_regions(fd, &head);
	change_version(fd, offsetof(struct template_head, version));
	change_version(fd, offsetof(struct template_head, abi_version));
	use_other_kernel();
	need(try_load(), "load after all");
	if (ftruncate(fd, st.st_size + 1) < 0)
		fail("truncate: %m");
	expect_error(try_load(), "template-damaged", "a longer file");
	if (ftruncate(fd, st.st_size - 1) < 0)
		fail("truncate: %m");
	expect_error(try_load(), "template-truncated", "a file without its last byte");
	truncate_all(fd, st.st_size);
	close(fd);
	unlink(PATH);
	expect_error(try_load(), "template-not-found", "no file");
	ask_original(&original);
	sandbox_destroy(original.sb);
	template_release(bt);
}

/* ---- requests ---- */

/* What the VMM process says of its start. */
static void
expect_failed_start(struct box *b, const char *type, const char *what)
{
	struct sandbox_msg m;
	int r;

	while ((r = sandbox_recv(b->sb, &m, &error)) >= 0)
		if (r == 1 && m.type == VMM_MSG_FAILED) {
			memcpy(&error, m.payload, sizeof(error));
			expect_error(-error.code, type, what);
			sandbox_destroy(b->sb);
			return;
		}
	fail("%s: %s: %s", what, error.type, error.detail);
}

/* A process that may have less memory than the template has. */
static void
clone_without_memory(struct tine_template *t)
{
	struct rlimit old, small;
	struct box b;

	getrlimit(RLIMIT_AS, &old);
	small = (struct rlimit){(uint64_t)MEMORY_MIB << 19, old.rlim_max};
	setrlimit(RLIMIT_AS, &small);
	if (try_spawn(&b, t, NULL, NULL, NULL) == 0)
		expect_failed_start(&b, "no-memory", "a clone without memory");
	else
		expect_error(-error.code, "no-memory", "a clone without memory");
	setrlimit(RLIMIT_AS, &old);
}

static void
freeze_refused(struct box *b, const char *type, const char *what)
{
	b->frozen = false;
	need(sandbox_freeze(b->sb, 77, false, 0, &error), what);
	serve_until(b, &b->frozen, NULL);
	expect_error(-(int)b->arg, type, what);
	if (sandbox_take_template(b->sb, &error) != NULL)
		fail("%s: there is a template", what);
}

/* No room for the template, as when the host's memory for files is full. */
static void
freeze_without_room(struct box *b)
{
	struct rlimit old, small = {1u << 20, RLIM_INFINITY};

	if (prlimit(sandbox_pid(b->sb), RLIMIT_FSIZE, NULL, &old) < 0)
		fail("prlimit: %m");
	small.rlim_max = old.rlim_max;
	if (prlimit(sandbox_pid(b->sb), RLIMIT_FSIZE, &small, NULL) < 0)
		fail("prlimit: %m");
	freeze_refused(b, "template-write", "a freeze without room");
	if (prlimit(sandbox_pid(b->sb), RLIMIT_FSIZE, &old, NULL) < 0)
		fail("prlimit: %m");
}

/* A sandbox that is killed while it is being frozen: the reason comes, a template does not. */
static void
freeze_the_dying(struct box *b)
{
	struct sandbox_msg m;
	int r;

	need(sandbox_freeze(b->sb, 78, false, 0, &error), "freeze");
	expect_error(sandbox_freeze(b->sb, 79, false, 0, &error), "freeze-busy", "a second freeze");
	sandbox_kill(b->sb);
	while ((r = sandbox_recv(b->sb, &m, &error)) >= 0)
		if (r == 1 && m.type == VMM_MSG_FROZEN && m.arg == 0)
			return; /* the kill came too late, which is as good */
	expect_error(r, "vmm-killed", "a freeze of the dying");
	if (sandbox_take_template(b->sb, &error) != NULL)
		fail("there is a template of the dying");
	expect_error(sandbox_freeze(b->sb, 80, false, 0, &error), "vmm-gone",
		     "a freeze of the dead");
	expect_error(sandbox_reset(b->sb, 81, &error), "vmm-gone", "a reset of the dead");
}

void
test_refused(void)
{
	struct tine_template *bt = base(), *t;
	struct box original, clone;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "fill 1\n");
	serve_until(&original, NULL, "filled 1\n");
	t = freeze(&original, false, 0);
	clone_without_memory(t);
	freeze_without_room(&original);
	ask_original(&original);
	spawn(&clone, t, NULL, NULL, NULL);
	ask_original(&clone);
	freeze_the_dying(&clone);
	sandbox_destroy(clone.sb);
	ask_original(&original);
	template_release(freeze(&original, false, 0));
	sandbox_destroy(original.sb);
	template_release(t);
	template_release(bt);
}
