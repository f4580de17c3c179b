/* SPDX-License-Identifier: ISC */
/* test_same.c: random calls on names, made both of the host's kernel and of ours, must end alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>
#include "hosted.h"

#define ROUNDS 200000

static uint64_t seed = 0x2545f4914f6cdd1dULL;

static unsigned
rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* A path of up to four components from a small set, so that calls meet what others have made. */
static void
random_path(char *path)
{
	static const char *names[] = {"a", "b", "c", "d", "a", "b", ".", ".."};
	unsigned n = 1 + rnd(3);

	*path = '\0';
	for (unsigned i = 0; i < n; i++) {
		/* Never above the directory that the test owns. */
		unsigned pick = rnd(i > 0 && strcmp(path, "..") != 0 ? 8 : 7);

		strcat(path, i > 0 ? "/" : "");
		strcat(path, names[pick]);
	}
	if (rnd(8) == 0)
		strcat(path, "/");
	if (rnd(100) == 0)
		*path = '\0';
}

/* Stay inside: count how far ".." climbs in the worst case (links lead down only). */
static int
climbs(const char *path)
{
	int depth = 0;

	for (const char *p = path; *p != '\0'; p++) {
		if (p != path && p[-1] != '/')
			continue;
		if (strncmp(p, "..", 2) == 0 && --depth < 0)
			return 1;
		if (*p != '.' && *p != '/')
			depth++;
	}
	return 0;
}

struct pair {
	long host, ours;
};

static long
host_result(long value)
{
	return value >= 0 ? value : -errno;
}

#define BOTH(name, ...)                                                                            \
	((struct pair){host_result(syscall(SYS_##name, __VA_ARGS__)), CALL(name, __VA_ARGS__)})

static struct pair
both_open(const char *path)
{
	static const int flags[] = {O_RDONLY,
				    O_WRONLY | O_CREAT,
				    O_RDWR | O_CREAT | O_EXCL,
				    O_WRONLY | O_TRUNC,
				    O_RDONLY | O_DIRECTORY,
				    O_RDONLY | O_NOFOLLOW,
				    O_WRONLY | O_CREAT | O_APPEND,
				    O_RDONLY | O_CREAT | O_NOFOLLOW,
				    O_PATH | O_NOFOLLOW};
	int flag = flags[rnd(9)];
	struct pair fd = BOTH(open, path, flag, 0644), r = fd;

	if (fd.host < 0 || fd.ours < 0)
		return r;
	r = (struct pair){host_result(write((int)fd.host, "data", 4)),
			  CALL(write, fd.ours, "data", 4)};
	close((int)fd.host);
	CALL(close, fd.ours);
	return r;
}

static struct pair
both_stat(const char *path, int flags)
{
	struct stat host, ours;
	struct pair r;

	r.host = host_result(fstatat(AT_FDCWD, path, &host, flags));
	r.ours = CALL(newfstatat, AT_FDCWD, path, &ours, flags);
	if (r.host != 0 || r.ours != 0)
		return r;
	r.host = (long)host.st_mode;
	r.ours = (long)ours.st_mode;
	if (!S_ISDIR(host.st_mode)) {
		r.host = r.host << 32 | (long)(host.st_nlink << 16) | host.st_size;
		r.ours = r.ours << 32 | (long)(ours.st_nlink << 16) | ours.st_size;
	}
	return r;
}

static struct pair
both_readlink(const char *path)
{
	char host[64] = {0}, ours[64] = {0};
	struct pair r;

	r.host = host_result(readlink(path, host, sizeof(host)));
	r.ours = CALL(readlink, path, ours, sizeof(ours));
	if (r.host == r.ours)
		assert_string_equal(host, ours);
	return r;
}

static struct pair
one_call(const char *a, const char *b, const char **what)
{
	unsigned flags, size;

	switch (rnd(14)) {
	case 0:
	case 1:
		*what = "mkdir";
		return BOTH(mkdir, a, 0755);
	case 2:
		*what = "rmdir";
		return BOTH(rmdir, a);
	case 3:
		*what = "unlink";
		return BOTH(unlink, a);
	case 4:
		*what = "rename";
		return BOTH(rename, a, b);
	case 5:
		flags = 1 + rnd(2);
		*what = flags == 1 ? "rename, not over" : "exchange";
		return BOTH(renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
	case 6:
		*what = "link";
		return BOTH(link, a, b);
	case 7:
		*what = "symlink";
		return climbs(a) || strchr(a, '.') ? (struct pair){0, 0} : BOTH(symlink, a, b);
	case 8:
	case 9:
	case 10:
		*what = "open";
		return both_open(a);
	case 11:
		*what = "truncate";
		size = rnd(10000);
		return BOTH(truncate, a, size);
	case 12:
		*what = "readlink";
		return both_readlink(a);
	}
	*what = "stat";
	return both_stat(a, rnd(2) ? AT_SYMLINK_NOFOLLOW : 0);
}

static void
test_same(void **state)
{
	char dir[] = "/dev/shm/tine-same-XXXXXX", a[64], b[64], cmd[64];
	const char *what;

	(void)state;
	umask(022);
	assert_non_null(mkdtemp(dir));
	chmod(dir, 0755);
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(CALL(mkdir, "/tmp/same", 0755), 0);
	assert_int_equal(CALL(chdir, "/tmp/same"), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct pair r;

		random_path(a);
		random_path(b);
		if (climbs(a) || climbs(b))
			continue;
		r = one_call(a, b, &what);
		if (r.host != r.ours)
			fail_msg("call %d: %s '%s' '%s': host %ld (%#lx), ours %ld (%#lx)", i, what,
				 a, b, r.host, r.host, r.ours, r.ours);
	}
	assert_int_equal(chdir("/"), 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_same)};

	if (access("/dev/shm", W_OK) != 0 || geteuid() != 0) {
		fprintf(stderr, "needs a tmpfs and user 0: skipped\n");
		return 77;
	}
	hosted_boot(NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
