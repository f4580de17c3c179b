/* SPDX-License-Identifier: ISC */
/* test_memfs.c: what programs may expect of files, checked call by call against the kernel's code.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <cmocka.h>
#include "hosted.h"

#define ok(e) assert_int_equal(e, 0)
#define is(e, v) assert_int_equal(e, v)
#define BUF                                                                                        \
	(char[4096])                                                                               \
	{                                                                                          \
		0                                                                                  \
	}

static long
open_(const char *path, int flags, int mode)
{
	return CALL(open, path, flags, mode);
}

static void
close_(long fd)
{
	ok(CALL(close, fd));
}

static void
put(const char *path, const char *text)
{
	ok(hosted_put(path, text, strlen(text)));
}

static void
expect(const char *path, const char *text)
{
	char buf[256] = {0};
	long fd = open_(path, O_RDONLY, 0);

	assert_true(fd >= 0);
	is(CALL(read, fd, buf, sizeof(buf)), (long)strlen(text));
	assert_string_equal(buf, text);
	close_(fd);
}

static struct stat
stat_(const char *path)
{
	struct stat st;

	ok(CALL(lstat, path, &st));
	return st;
}

/* Each test works in a directory of its own. */
static void
enter(const char *name)
{
	ok(CALL(chdir, "/tmp"));
	ok(CALL(mkdir, name, 0755));
	ok(CALL(chdir, name));
}

/* ---- tests ---- */

static void
test_open_errors(void **state)
{
	char name[300], *path = malloc(5000);
	long fd;

	(void)state;
	enter("open");
	put("/tmp/open/f", "x");
	ok(CALL(mkdir, "d", 0755));
	ok(CALL(symlink, "nowhere", "dangling"));
	ok(CALL(symlink, "loop", "loop"));
	is(open_("none", O_RDONLY, 0), -ENOENT);
	is(open_("", O_RDONLY, 0), -ENOENT);
	is(open_("none/x", O_RDONLY, 0), -ENOENT);
	is(open_("f/x", O_RDONLY, 0), -ENOTDIR);
	is(open_("f/", O_RDONLY, 0), -ENOTDIR);
	is(open_("f", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	is(open_("d", O_WRONLY, 0), -EISDIR);
	is(open_("d", O_RDONLY | O_CREAT, 0644), -EISDIR);
	is(open_("new/", O_WRONLY | O_CREAT, 0644), -EISDIR);
	is(open_("f", O_CREAT | O_EXCL | O_WRONLY, 0644), -EEXIST);
	is(open_("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644), -EEXIST);
	is(open_("dangling", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	is(open_("loop", O_RDONLY, 0), -ELOOP);
	is(open_("loop/x", O_RDONLY, 0), -ELOOP);
	is(CALL(open, 1, O_RDONLY, 0), -EFAULT);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	is(open_(name, O_RDONLY, 0), -ENAMETOOLONG);
	name[255] = '\0';
	is(open_(name, O_RDONLY, 0), -ENOENT);
	memset(path, '/', 4999);
	path[4999] = '\0';
	is(open_(path, O_RDONLY, 0), -ENAMETOOLONG);
	free(path);
	fd = open_("dangling", O_CREAT | O_WRONLY, 0644); /* makes what the link names */
	assert_true(fd >= 0);
	close_(fd);
	assert_true(S_ISREG(stat_("nowhere").st_mode));
	is(open_(".//././../open/f", O_RDONLY, 0), fd);
	close_(fd);
	is(CALL(openat, fd, "x", O_RDONLY, 0), -EBADF);
}

static void
test_links_and_counts(void **state)
{
	struct stat st;

	(void)state;
	enter("links");
	put("/tmp/links/a", "one");
	ok(CALL(link, "a", "b"));
	is(stat_("b").st_nlink, 2);
	is(stat_("b").st_ino, stat_("a").st_ino);
	is(CALL(link, "a", "b"), -EEXIST);
	is(CALL(link, ".", "c"), -EPERM);
	is(CALL(link, "a", "/dev/shm/a"), -EXDEV);
	ok(CALL(unlink, "a"));
	expect("b", "one");
	ok(CALL(symlink, "b", "s"));
	is(CALL(readlink, "s", BUF, 10), 1);
	is(CALL(readlink, "b", BUF, 10), -EINVAL);
	is(CALL(readlink, "s", BUF, 0), -EINVAL);
	ok(CALL(mkdir, "d", 0755));
	ok(CALL(mkdir, "d/e", 0755));
	is(stat_("d").st_nlink, 3);
	is(CALL(rmdir, "d"), -ENOTEMPTY);
	is(CALL(rmdir, "b"), -ENOTDIR);
	is(CALL(unlink, "d"), -EISDIR);
	is(CALL(rmdir, "d/."), -EINVAL);
	is(CALL(rmdir, "d/.."), -ENOTEMPTY);
	is(CALL(rmdir, "/"), -EBUSY);
	is(CALL(mkdir, "d", 0755), -EEXIST);
	is(CALL(mkdir, "/", 0755), -EEXIST);
	ok(CALL(mkdir, "t/", 0755));
	is(CALL(unlink, "s/"), -ENOTDIR);
	ok(CALL(rmdir, "d/e"));
	is(stat_("d").st_nlink, 2);
	ok(CALL(stat, "s", &st));
	assert_true(S_ISREG(st.st_mode));
}

static void
test_rename(void **state)
{
	(void)state;
	enter("rename");
	ok(CALL(mkdir, "a", 0755));
	ok(CALL(mkdir, "a/b", 0755));
	ok(CALL(mkdir, "c", 0755));
	put("/tmp/rename/f", "f");
	put("/tmp/rename/g", "g");
	is(CALL(rename, "a", "a/b/x"), -EINVAL);
	is(CALL(rename, "a", "a/b"), -EINVAL);
	is(CALL(rename, "a/b", "a"), -ENOTEMPTY);
	is(CALL(rename, "f", "a"), -EISDIR);
	is(CALL(rename, "a", "f"), -ENOTDIR);
	is(CALL(rename, "f/", "h"), -ENOTDIR);
	is(CALL(rename, "none", "h"), -ENOENT);
	is(CALL(rename, "a/.", "h"), -EBUSY);
	is(CALL(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 1), -EEXIST);
	ok(CALL(renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 2));
	expect("f", "g");
	expect("g", "f");
	ok(CALL(rename, "f", "g"));
	expect("g", "g");
	is(CALL(rename, "f", "x"), -ENOENT);
	is(stat_(".").st_nlink, 4);
	ok(CALL(rename, "a/b", "c")); /* over an empty directory, to another parent */
	is(stat_(".").st_nlink, 4);
	is(stat_("a").st_nlink, 2);
	is(stat_("c/..").st_ino, stat_(".").st_ino);
	ok(CALL(rename, "a", "c/a"));
	is(stat_("c/a/..").st_ino, stat_("c").st_ino);
	ok(CALL(renameat2, AT_FDCWD, "c/a", AT_FDCWD, "g", 2));
	is(stat_("g/..").st_ino, stat_(".").st_ino);
	expect("c/a", "g");
	is(stat_("c").st_nlink, 2);
	is(CALL(renameat2, AT_FDCWD, "g", AT_FDCWD, "c", 3), -EINVAL);
	ok(CALL(rename, "c/a", "c/a"));
	expect("c/a", "g");
}

static void
test_removed_directories(void **state)
{
	enum { DEPTH = 1500 };
	static char path[2 * DEPTH + 32];
	char buf[64];
	uint64_t objects;

	(void)state;
	enter("gone");
	ok(CALL(mkdir, "a", 0755));
	ok(CALL(chdir, "a"));
	is(CALL(getcwd, buf, sizeof(buf)), (long)sizeof("/tmp/gone/a"));
	assert_string_equal(buf, "/tmp/gone/a");
	is(CALL(getcwd, buf, 5), -ERANGE);
	/* A chain of removed directories, each kept by the one below, goes away all at once. */
	objects = hosted_objects();
	strcpy(path, "/tmp/gone/a");
	for (int i = 0; i < DEPTH; i++) {
		ok(CALL(mkdir, "d", 0755));
		ok(CALL(chdir, "d"));
		strcat(path, "/d");
	}
	is(CALL(rmdir, ".."), -ENOTEMPTY);
	for (int i = 0; i < DEPTH; i++) {
		ok(CALL(rmdir, path));
		path[strlen(path) - 2] = '\0';
	}
	ok(CALL(chdir, "/tmp/gone"));
	is(hosted_objects(), objects);
	ok(CALL(mkdir, "r", 0755));
	ok(CALL(chdir, "r"));
	ok(CALL(rmdir, "../r"));
	is(CALL(getcwd, buf, sizeof(buf)), -ENOENT);
	is(CALL(mkdir, "x", 0755), -ENOENT);
	is(open_("x", O_CREAT | O_WRONLY, 0644), -ENOENT);
	is(stat_(".").st_nlink, 0);
	ok(CALL(chdir, "/"));
}

static void
test_mounts(void **state)
{
	char buf[64];
	struct stat root, dev, shm, dot;

	(void)state;
	ok(CALL(stat, "/", &root));
	ok(CALL(stat, "/dev", &dev));
	ok(CALL(stat, "/dev/shm", &shm));
	assert_int_not_equal(root.st_dev, dev.st_dev);
	assert_int_not_equal(shm.st_dev, dev.st_dev);
	ok(CALL(stat, "/dev/shm/..", &dot));
	is(dot.st_ino, dev.st_ino);
	is(dot.st_dev, dev.st_dev);
	ok(CALL(stat, "/dev/shm/../..", &dot));
	is(dot.st_ino, root.st_ino);
	is(CALL(rmdir, "/dev/shm"), -EBUSY);
	is(CALL(rename, "/dev/shm", "/dev/x"), -EBUSY);
	put("/dev/shm/f", "x");
	is(CALL(rename, "/dev/shm/f", "/tmp/f"), -EXDEV);
	ok(CALL(mkdir, "/dev/shm/sub", 0755));
	ok(CALL(chdir, "/dev/shm/sub"));
	assert_true(CALL(getcwd, buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "/dev/shm/sub");
	ok(CALL(chroot, "/dev/shm"));
	ok(CALL(stat, "/..", &dot));
	is(dot.st_dev, shm.st_dev);
	assert_true(CALL(getcwd, buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "/sub");
	ok(CALL(chdir, "/../../.."));
	assert_true(CALL(getcwd, buf, sizeof(buf)) > 0);
	assert_string_equal(buf, "/");
	hosted_leave_chroot();
}

static void
test_read_write(void **state)
{
	char page[5000], back[5000];
	struct iovec iov[3] = {{page, 3}, {NULL, 0}, {page + 3, 4997}};
	long fd, fd2;

	(void)state;
	enter("rw");
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (char)(i * 7);
	fd = open_("f", O_RDWR | O_CREAT, 0644);
	is(CALL(writev, fd, iov, 3), 5000);
	is(CALL(lseek, fd, 0, SEEK_CUR), 5000);
	is(CALL(pread64, fd, back, 5000, 0), 5000);
	assert_memory_equal(page, back, 5000);
	is(CALL(pread64, fd, back, 5000, 4999), 1);
	is(CALL(pread64, fd, back, 5000, 5000), 0);
	is(CALL(pread64, fd, back, 5000, -1), -EINVAL);
	is(CALL(read, fd, back, 1), 0);
	is(CALL(write, fd, 8, 10), -EFAULT);
	is(stat_("f").st_size, 5000); /* the write that faulted has not grown it */
	is(CALL(pwrite64, fd, "z", 1, 100000), 1);
	is(CALL(pread64, fd, back, 10, 50000), 10);
	is(back[0], 0);
	is(CALL(lseek, fd, 0, SEEK_HOLE), 8192);
	is(CALL(lseek, fd, 8192, SEEK_DATA), 98304);
	is(CALL(lseek, fd, 0, SEEK_END), 100001);
	is(CALL(lseek, fd, 100001, SEEK_DATA), -ENXIO);
	is(CALL(lseek, fd, -1, SEEK_SET), -EINVAL);
	is(CALL(lseek, fd, 0, 9), -EINVAL);
	is(CALL(writev, fd, iov, 1025), -EINVAL);
	is(CALL(readv, fd, iov, -1), -EINVAL);
	ok(CALL(ftruncate, fd, 10));
	ok(CALL(ftruncate, fd, 20));
	is(CALL(pread64, fd, back, 100, 0), 20);
	assert_memory_equal(back, page, 10);
	is(back[15], 0);
	fd2 = open_("f", O_WRONLY | O_APPEND, 0);
	is(CALL(pwrite64, fd2, "ab", 2, 0), 2);
	is(stat_("f").st_size, 22);
	is(CALL(read, fd2, back, 1), -EBADF);
	is(CALL(ftruncate, fd, -1), -EINVAL);
	ok(CALL(fallocate, fd, 3, 0, 5));
	is(CALL(pread64, fd, back, 6, 0), 6);
	is(back[4], 0);
	is(back[5], page[5]);
	ok(CALL(fallocate, fd, 0, 0, 1 << 20));
	is(stat_("f").st_size, 1 << 20);
	close_(fd2);
	close_(fd);
}

static void
test_copies(void **state)
{
	char buf[64] = {0};
	uint64_t off = 2;
	long in, out;

	(void)state;
	enter("copies");
	put("/tmp/copies/in", "0123456789");
	in = open_("in", O_RDWR, 0);
	out = open_("out", O_RDWR | O_CREAT, 0644);
	is(CALL(sendfile, out, in, &off, 100), 8);
	is(off, 10);
	is(CALL(sendfile, out, in, 0, 3), 3);
	is(CALL(lseek, in, 0, SEEK_CUR), 3);
	expect("out", "23456789012");
	is(CALL(copy_file_range, in, 0, in, 0, 2, 0), -EINVAL);
	off = 0;
	is(CALL(copy_file_range, in, 0, out, &off, 2, 0), 2);
	is(CALL(pread64, out, buf, 4, 0), 4);
	assert_string_equal(buf, "3445");
	close_(in);
	close_(out);
}

static void
test_descriptors(void **state)
{
	long fd, base;

	(void)state;
	enter("fds");
	put("/tmp/fds/f", "0123");
	base = open_("f", O_RDONLY, 0);
	fd = CALL(dup, base);
	is(fd, base + 1);
	is(CALL(read, base, BUF, 2), 2);
	is(CALL(lseek, fd, 0, SEEK_CUR), 2);
	is(CALL(dup2, base, 100), 100);
	is(CALL(dup2, base, 1024), -EBADF);
	is(CALL(dup2, 55, 55), -EBADF);
	is(CALL(dup3, base, base, 0), -EINVAL);
	is(CALL(fcntl, base, F_DUPFD, 50), 50);
	is(CALL(fcntl, base, F_DUPFD, 100), 101);
	is(CALL(fcntl, base, F_DUPFD, 1024), -EINVAL);
	is(CALL(fcntl, base, F_DUPFD_CLOEXEC, 60), 60);
	is(CALL(fcntl, 60, F_GETFD, 0), FD_CLOEXEC);
	is(CALL(fcntl, 50, F_GETFD, 0), 0);
	ok(CALL(ioctl, 50, 0x5451, 0));
	is(CALL(fcntl, 50, F_GETFD, 0), FD_CLOEXEC);
	is(CALL(ioctl, base, 0x1234, 0), -ENOTTY);
	is(CALL(fcntl, base, F_GETFL, 0), 0100000 | O_RDONLY);
	ok(CALL(fcntl, base, F_SETFL, O_NONBLOCK | O_WRONLY));
	is(CALL(fcntl, fd, F_GETFL, 0), 0100000 | O_NONBLOCK);
	close_(base);
	is(CALL(dup, 100), base);
	ok(CALL(close_range, 50, 1000, 0));
	is(CALL(close, 50), -EBADF);
	is(CALL(close, 100), -EBADF);
	is(CALL(fcntl, base, F_DUPFD, 1023), 1023);
	close_(1023);
	for (int i = 0; i < 1024 - 2; i++)
		is(CALL(dup, base), fd + 1 + i < 1024 ? fd + 1 + i : -EMFILE);
	ok(CALL(close_range, fd + 1, 5000, 0));
	close_(fd);
	close_(base);
}

static void
test_permissions(void **state)
{
	long fd;

	(void)state;
	enter("perm");
	put("/tmp/perm/mine", "x");
	ok(CALL(chmod, "mine", 0640));
	ok(CALL(mkdir, "shut", 0700));
	ok(CALL(mkdir, "open", 0777));
	ok(CALL(chmod, "open", 01777));
	put("/tmp/perm/open/rootfile", "x");
	hosted_set_ids(1000, 1000);
	is(open_("mine", O_RDONLY, 0), -EACCES);
	is(open_("shut/x", O_RDONLY, 0), -EACCES);
	is(CALL(access, "shut/x", 0), -EACCES);
	is(open_("new", O_CREAT | O_WRONLY, 0644), -EACCES);
	is(CALL(unlink, "open/rootfile"), -EPERM);
	is(CALL(rename, "open/rootfile", "open/x"), -EPERM);
	is(CALL(chmod, "mine", 0777), -EPERM);
	is(CALL(chown, "mine", 1000, 1000), -EPERM);
	is(CALL(mknod, "open/dev", S_IFCHR | 0666, 259), -EPERM);
	fd = open_("open/own", O_CREAT | O_RDWR, 0400); /* the creator may write all the same */
	assert_true(fd >= 0);
	is(CALL(write, fd, "x", 1), 1);
	close_(fd);
	is(open_("open/own", O_WRONLY, 0), -EACCES);
	is(CALL(utimensat, AT_FDCWD, "open/rootfile", 0, 0), -EACCES);
	is(CALL(access, "mine", R_OK), -EACCES);
	is(CALL(access, "mine", F_OK), 0);
	hosted_set_ids(0, 0);
	is(CALL(access, "mine", X_OK), -EACCES);
	is(CALL(access, "mine", R_OK | W_OK), 0);
	is(stat_("open/own").st_uid, 1000);
}

static int
collect(long fd, char *seen, size_t n, bool remove)
{
	char buf[512];
	int count = 0;
	long got;

	while ((got = CALL(getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < got;) {
			uint16_t reclen;
			unsigned i;

			memcpy(&reclen, buf + at + 16, 2);
			if (sscanf(buf + at + 19, "f%u", &i) == 1 && i < n) {
				seen[i]++;
				count++;
				if (remove)
					ok(CALL(unlink, buf + at + 19));
			}
			at += reclen;
		}
	}
	is(got, 0);
	return count;
}

static void
test_readdir(void **state)
{
	enum { N = 3000 };
	static char seen[N];
	char name[16];
	long fd;

	(void)state;
	enter("readdir");
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		close_(open_(name, O_CREAT | O_WRONLY, 0644));
	}
	fd = open_(".", O_RDONLY | O_DIRECTORY, 0);
	is(CALL(getdents64, fd, BUF, 10), -EINVAL);
	is(collect(fd, seen, N, false), N);
	for (int i = 0; i < N; i++)
		is(seen[i], 1);
	is(CALL(lseek, fd, 0, SEEK_SET), 0);
	is(collect(fd, seen, N, true), N); /* removing while reading misses nothing */
	is(CALL(lseek, fd, 0, SEEK_SET), 0);
	is(collect(fd, seen, N, false), 0);
	is(CALL(read, fd, BUF, 10), -EISDIR);
	close_(fd);
	ok(CALL(chdir, ".."));
	ok(CALL(rmdir, "readdir"));
}

static int
lock(long fd, int cmd, int type, long start, long len)
{
	struct flock fl = {
	    .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	int error = (int)CALL(fcntl, fd, cmd, &fl);

	return error != 0 ? error : cmd == F_GETLK ? fl.l_type : 0;
}

static void
test_locks(void **state)
{
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	long fd, other, extra;

	(void)state;
	enter("locks");
	put("/tmp/locks/f", "0123456789");
	fd = open_("f", O_RDWR, 0);
	ok(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	ok(lock(fd, F_SETLK, F_UNLCK, 4, 2)); /* leaves 0-3 and 6-9 */
	hosted_switch_process(1);
	other = open_("/tmp/locks/f", O_RDWR, 0);
	is(lock(other, F_SETLK, F_RDLCK, 3, 1), -EAGAIN);
	ok(lock(other, F_SETLK, F_WRLCK, 4, 2));
	is(lock(other, F_GETLK, F_WRLCK, 5, 100), F_WRLCK);
	ok(CALL(fcntl, other, F_GETLK, &fl));
	is(fl.l_start, 6);
	is(fl.l_len, 4);
	is(fl.l_pid, 1);
	is(lock(other, F_SETLKW, F_WRLCK, 0, 1), -512); /* sleeps; the fake one is interrupted */
	ok(CALL(flock, other, LOCK_SH));
	hosted_switch_process(0);
	is(CALL(flock, fd, LOCK_EX | LOCK_NB), -EAGAIN);
	ok(CALL(flock, fd, LOCK_SH | LOCK_NB));
	extra = open_("f", O_RDONLY, 0);
	close_(extra); /* any close gives up the process's record locks */
	hosted_switch_process(1);
	ok(lock(other, F_SETLK, F_WRLCK, 0, 0));
	close_(other);
	hosted_switch_process(0);
	is(lock(fd, F_GETLK, F_WRLCK, 0, 0), F_UNLCK);
	ok(CALL(flock, fd, LOCK_EX | LOCK_NB));
	ok(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 5));
	extra = open_("f", O_RDWR, 0);
	is(lock(extra, F_OFD_SETLK, F_RDLCK, 4, 1), -EAGAIN);
	close_(fd);
	ok(lock(extra, F_OFD_SETLK, F_RDLCK, 4, 1));
	is(lock(extra, F_SETLK, F_RDLCK, -5, 3), -EINVAL);
	close_(extra);
}

static void
test_nameless(void **state)
{
	char path[64];
	long fd = CALL(memfd_create, "x", 2);

	(void)state;
	enter("nameless");
	is(CALL(write, fd, "abc", 3), 3);
	ok(CALL(fcntl, fd, 1033, 2 | 4));
	is(CALL(fcntl, fd, 1034, 0), 6);
	is(CALL(ftruncate, fd, 1), -EPERM);
	is(CALL(write, fd, "d", 1), -EPERM);
	is(CALL(pwrite64, fd, "d", 1, 0), 1);
	ok(CALL(fcntl, fd, 1033, 8 | 1));
	is(CALL(pwrite64, fd, "d", 1, 0), -EPERM);
	is(CALL(fcntl, fd, 1033, 1), -EPERM);
	close_(fd);
	fd = open_(".", O_TMPFILE | O_RDWR, 0644);
	is(CALL(write, fd, "abc", 3), 3);
	snprintf(path, sizeof(path), "named");
	ok(CALL(linkat, fd, "", AT_FDCWD, path, AT_EMPTY_PATH));
	expect(path, "abc");
	close_(fd);
	is(open_(".", O_TMPFILE | O_RDONLY, 0644), -EINVAL);
	fd = open_("named", O_RDWR, 0);
	ok(CALL(unlink, "named"));
	is(CALL(linkat, fd, "", AT_FDCWD, "again", AT_EMPTY_PATH), -ENOENT);
	is(CALL(write, fd, "live", 4), 4);
	close_(fd);
}

/* Every allocation on the way of a call fails once; nothing may leak or be left half done. */
static void
test_no_memory(void **state)
{
	uint64_t objects, frames;
	long result = -1;

	(void)state;
	enter("nomem");
	for (int64_t k = 1; result < 0 || hosted_fail_at == 0; k++) {
		objects = hosted_objects();
		frames = hosted_frames();
		hosted_fail_at = k;
		result = hosted_put("/tmp/nomem/a/b/c", "0123456789", 10) == 0 ? 0 : -1;
		if (result == 0)
			result = CALL(symlink, "c", "/tmp/nomem/a/b/s");
		if (result == 0)
			result = CALL(rename, "/tmp/nomem/a/b/s", "/tmp/nomem/a/s");
		if (result == 0)
			result = CALL(link, "/tmp/nomem/a/b/c", "/tmp/nomem/a/l");
		if (hosted_fail_at > 0) {
			hosted_fail_at = 0;
			break;
		}
		(void)CALL(unlink, "/tmp/nomem/a/b/s");
		(void)CALL(unlink, "/tmp/nomem/a/b/c");
		(void)CALL(unlink, "/tmp/nomem/a/s");
		(void)CALL(unlink, "/tmp/nomem/a/l");
		(void)CALL(rmdir, "/tmp/nomem/a/b");
		(void)CALL(rmdir, "/tmp/nomem/a");
		is(hosted_objects(), objects);
		is(hosted_frames(), frames);
		assert_true(k < 200);
	}
	expect("/tmp/nomem/a/l", "0123456789");
}

static int
boot(void **state)
{
	(void)state;
	hosted_boot(NULL, 0);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open_errors),
	    cmocka_unit_test(test_links_and_counts),
	    cmocka_unit_test(test_mounts),
	    cmocka_unit_test(test_rename),
	    cmocka_unit_test(test_removed_directories),
	    cmocka_unit_test(test_read_write),
	    cmocka_unit_test(test_copies),
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_permissions),
	    cmocka_unit_test(test_readdir),
	    cmocka_unit_test(test_locks),
	    cmocka_unit_test(test_nameless),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
