/* SPDX-License-Identifier: ISC */
/*
 * guest.h: what every guest test uses.  A test is a static program that checks one behaviour and
 * exits 0 after printing "ok"; a failed CHECK says where and what, and exits 1.  The tests of
 * Linux behaviour run unchanged on Linux itself, which keeps them honest.
 */
#ifndef GUEST_H
#define GUEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096UL

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			dprintf(2, "%s:%d: failed: %s (errno %d: %s)\n", __FILE__, __LINE__,       \
				#cond, errno, strerror(errno));                                    \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
/* Both must be integers; prints them. */
#define CHECK_EQ(got, want)                                                                        \
	do {                                                                                       \
		long got_ = (long)(got), want_ = (long)(want);                                     \
		if (got_ != want_) {                                                               \
			dprintf(2, "%s:%d: failed: %s is %ld, not %ld (errno %d: %s)\n", __FILE__, \
				__LINE__, #got, got_, want_, errno, strerror(errno));              \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
/* The call fails with exactly this errno. */
#define CHECK_ERR(call, err)                                                                       \
	do {                                                                                       \
		errno = 0;                                                                         \
		long ret_ = (long)(call);                                                          \
		if (ret_ != -1 || errno != (err)) {                                                \
			dprintf(2, "%s:%d: %s gave %ld, errno %d (%s), not errno %d\n", __FILE__,  \
				__LINE__, #call, ret_, errno, strerror(errno), (err));             \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

__attribute__((unused)) static int
ok(void)
{
	printf("ok\n");
	return 0;
}

/* Wait for pid and return its wait status. */
__attribute__((unused)) static int
reap(pid_t pid)
{
	int status = -1;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

/* Wait for pid, which must exit with code. */
#define CHECK_EXIT(pid, code)                                                                      \
	do {                                                                                       \
		int st_ = reap(pid);                                                               \
		CHECK(WIFEXITED(st_));                                                             \
		CHECK_EQ(WEXITSTATUS(st_), code);                                                  \
	} while (0)
#define CHECK_KILLED(pid, sig)                                                                     \
	do {                                                                                       \
		int st_ = reap(pid);                                                               \
		CHECK(WIFSIGNALED(st_));                                                           \
		CHECK_EQ(WTERMSIG(st_), sig);                                                      \
	} while (0)

/* State letter of a process, from /proc/PID/stat; 0 if it is gone. */
__attribute__((unused)) static char
proc_state(pid_t pid)
{
	char path[64], buf[512], *p;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((fd = open(path, O_RDONLY)) < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	p = strrchr(buf, ')');
	return p != NULL && p[1] == ' ' ? p[2] : 0;
}

/* Field n (from 3 on) of /proc/PID/stat. */
__attribute__((unused)) static long
stat_field(pid_t pid, int n)
{
	char path[64], buf[1024], *p;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	CHECK((fd = open(path, O_RDONLY)) >= 0);
	CHECK((len = read(fd, buf, sizeof(buf) - 1)) > 0);
	close(fd);
	buf[len] = '\0';
	CHECK((p = strrchr(buf, ')')) != NULL);
	for (int i = 2; i < n; i++)
		CHECK((p = strchr(p + 1, ' ')) != NULL);
	return strtol(p + 1, NULL, 10);
}

/* Give the CPU away until the process is in the state. */
__attribute__((unused)) static void
wait_state(pid_t pid, char state)
{
	while (proc_state(pid) != state)
		sched_yield();
}

#endif
