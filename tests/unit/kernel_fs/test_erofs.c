/* SPDX-License-Identifier: ISC */
/* test_erofs.c: images made by mkfs.erofs, whole and damaged, through the reader and the tree. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "hosted.h"

#define is(e, v) assert_int_equal(e, v)
#define ok(e) assert_int_equal(e, 0)

/* Each boot forgets the tree of the one before: not a leak. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

struct image {
	unsigned char *data;
	size_t size;
};
static struct image plain, packed; /* without and with data packed behind inodes */
static char dir[] = "/tmp/tine-erofs-XXXXXX";

/* ---- the tree that images are made of ---- */

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void
shell(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd) != 0) {
		fprintf(stderr, "failed: %s\n", cmd);
		exit(1);
	}
}

static struct image
load(const char *name)
{
	struct image im = {0};
	char path[256];
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f == NULL || fstat(fileno(f), &st) != 0)
		exit(1);
	im.size = (size_t)st.st_size;
	im.data = malloc(im.size);
	if (fread(im.data, 1, im.size, f) != im.size)
		exit(1);
	fclose(f);
	return im;
}

static void
make_images(void)
{
	if (mkdtemp(dir) == NULL)
		exit(1);
	shell("cd %s && mkdir -p t/sub/deep t/big && printf hello > t/hello && ln t/hello "
	      "t/sub/hard && "
	      "ln -s ../hello t/sub/soft && mkfifo t/fifo && head -c 8192 /dev/zero | tr '\\0' A > "
	      "t/two && "
	      "head -c 10000 /dev/zero | tr '\\0' B > t/odd && : > t/empty && chmod 4755 t/two && "
	      "for i in $(seq 1 700); do : > t/big/name-of-some-length-$i; done",
	      dir);
	shell("cd %s && " MKFS_EROFS " -Enoinline_data plain t >/dev/null && " MKFS_EROFS
	      " packed t >/dev/null",
	      dir);
	plain = load("plain");
	packed = load("packed");
	shell("rm -rf %s", dir);
}

/* ---- the reader ---- */

static void
test_reader(void **state)
{
	uint64_t sum[2], nodes[2];

	(void)state;
	ok(hosted_erofs_walk(plain.data, plain.size, &sum[0], &nodes[0]));
	ok(hosted_erofs_walk(packed.data, packed.size, &sum[1], &nodes[1]));
	is(nodes[0], 711);
	is(nodes[0], nodes[1]);
	is(sum[0], sum[1]);
}

static void
test_truncated(void **state)
{
	uint64_t sum, nodes;

	(void)state;
	hosted_quiet = 1;
	for (size_t size = 0; size < packed.size; size += size < 2048 ? 1 : 509) {
		unsigned char *copy = malloc(size + (size == 0));

		memcpy(copy, packed.data, size);
		(void)hosted_erofs_walk(copy, size, &sum, &nodes);
		free(copy);
	}
	hosted_quiet = 0;
}

static uint64_t
rnd(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Bytes of the superblock, inodes and directories are overwritten; no access may leave the image.
 */
static void
test_damaged(void **state)
{
	unsigned char *copy = malloc(packed.size);
	uint64_t sum, nodes;
	int bad = 0;

	(void)state;
	hosted_quiet = 1;
	for (int round = 0; round < 3000; round++) {
		memcpy(copy, packed.data, packed.size);
		for (int n = 1 + (int)(rnd() % 20); n > 0; n--) {
			size_t at = rnd() % 4 == 0 ? 1024 + rnd() % 128 : rnd() % packed.size;

			copy[at] = rnd() % 3 == 0 ? 0xff : (unsigned char)rnd();
		}
		memcpy(copy + 1024, packed.data + 1024, 4);
		bad += hosted_erofs_walk(copy, packed.size, &sum, &nodes) != 0;
	}
	hosted_quiet = 0;
	assert_true(bad > 1000);
	free(copy);
}

/* ---- the tree over an image ---- */

static void
expect_bytes(const char *path, char byte, size_t size)
{
	char *buf = calloc(1, size + 1);
	long fd = CALL(open, path, O_RDONLY, 0);

	assert_true(fd >= 0);
	is(CALL(read, fd, buf, size + 1), (long)size);
	for (size_t i = 0; i < size; i++)
		is(buf[i], byte);
	ok(CALL(close, fd));
	free(buf);
}

static void
check_tree(const struct image *im)
{
	struct stat st, hard;
	char buf[64] = {0};
	uint64_t frames;
	long fd;

	hosted_boot(im->data, im->size);
	expect_bytes("/two", 'A', 8192);
	expect_bytes("/odd", 'B', 10000);
	expect_bytes("/empty", 0, 0);
	ok(CALL(stat, "/two", &st));
	is(st.st_mode, S_IFREG | 04755);
	ok(CALL(stat, "/sub/soft", &st));
	is(st.st_nlink, 2);
	is(st.st_size, 5);
	ok(CALL(lstat, "/sub/hard", &hard));
	is(hard.st_ino, st.st_ino);
	is(CALL(readlink, "/sub/soft", buf, sizeof(buf)), 8);
	assert_string_equal(buf, "../hello");
	ok(CALL(lstat, "/fifo", &st));
	assert_true(S_ISFIFO(st.st_mode));
	ok(CALL(stat, "/big/name-of-some-length-700", &st));
	is(CALL(stat, "/big/name-of-some-length-701", &st), -ENOENT);

	/* A write copies one page of an image file, and the change is seen by every name. */
	frames = hosted_frames();
	fd = CALL(open, "/two", O_RDWR, 0);
	is(CALL(pwrite64, fd, "zz", 2, 5000), 2);
	is(hosted_frames(), frames + 1);
	is(CALL(pread64, fd, buf, 4, 4999), 4);
	assert_memory_equal(buf, "AzzA", 4);
	ok(CALL(ftruncate, fd, 100));
	ok(CALL(ftruncate, fd, 200));
	is(CALL(pread64, fd, buf, 4, 98), 4);
	assert_memory_equal(buf, "AA\0\0", 4);
	ok(CALL(close, fd));
	ok(CALL(unlink, "/hello"));
	fd = CALL(open, "/sub/hard", O_RDWR | O_APPEND, 0);
	is(CALL(write, fd, "!", 1), 1);
	ok(CALL(close, fd));
	fd = CALL(open, "/sub/soft", O_RDONLY, 0);
	is(fd, -ENOENT);
	ok(CALL(rename, "/sub/hard", "/big/name-of-some-length-3"));
	ok(CALL(rename, "/big", "/sub/deep/large"));
	fd = CALL(open, "/sub/deep/large/name-of-some-length-3", O_RDONLY, 0);
	is(CALL(read, fd, buf, 10), 6);
	assert_memory_equal(buf, "hello!", 6);
	ok(CALL(close, fd));
	ok(CALL(rename, "/sub/deep", "/deep"));
	is(CALL(rmdir, "/deep"), -ENOTEMPTY);
	ok(CALL(rmdir, "/sub") == -ENOTEMPTY ? CALL(unlink, "/sub/soft") : -1);
	ok(CALL(rmdir, "/sub"));
}

static void
test_tree_plain(void **state)
{
	(void)state;
	check_tree(&plain);
}

static void
test_tree_packed(void **state)
{
	(void)state;
	check_tree(&packed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reader),      cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_damaged),     cmocka_unit_test(test_tree_plain),
	    cmocka_unit_test(test_tree_packed),
	};

	if (access(MKFS_EROFS, X_OK) != 0) {
		fprintf(stderr, "no mkfs.erofs: skipped\n");
		return 77;
	}
	make_images();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
