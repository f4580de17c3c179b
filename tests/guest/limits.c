/* SPDX-License-Identifier: ISC */
/* limits.c: RLIMIT_NPROC, NOFILE, AS, FSIZE, inheritance of limits; running out of memory.  rows:
 * B5 C3 */
#include "guest.h"
#include <sys/resource.h>

static void
nproc(void)
{
	struct rlimit rl = {8, 8};
	pid_t top = fork(), pid;
	int n = 0;

	if (top == 0) {
		CHECK_EQ(setgid(4321), 0);
		CHECK_EQ(setrlimit(RLIMIT_NPROC, &rl), 0);
		CHECK_EQ(setuid(4321), 0);
		while ((pid = fork()) > 0)
			n++;
		if (pid == 0)
			for (;;)
				pause();
		CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(n, 7); /* with ourselves 8 */
		CHECK_ERR(fork(), EAGAIN);
		CHECK_EQ(kill(-1, SIGKILL), 0); /* all of this user's but us */
		while (wait(NULL) > 0)
			;
		pid = fork(); /* every count was backed out */
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(0);
		CHECK_EXIT(pid, 0);
		_exit(0);
	}
	CHECK_EXIT(top, 0);
}

static void
inherited(void)
{
	struct rlimit rl = {100, 200}, got;
	pid_t pid;

	for (int i = 3; i < 200; i++)
		close(i); /* whatever we were started with */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(getrlimit(RLIMIT_NOFILE, &got), 0);
		CHECK_EQ(got.rlim_cur, 100);
		rl.rlim_cur = 50;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
		for (int i = 3; i < 50; i++)
			CHECK_EQ(dup(0), i);
		CHECK_ERR(dup(0), EMFILE);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &got), 0);
	CHECK_EQ(got.rlim_cur, 100); /* the child's change is its own */
	CHECK_EQ(got.rlim_max, 200);
	rl = (struct rlimit){300, 200};
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &rl), EINVAL);
}

static void
sizes(void)
{
	struct rlimit rl = {4096, 4096};
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &rl), 0);
		fd = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
		CHECK(fd >= 0);
		CHECK_EQ(ftruncate(fd, 4096), 0);
		CHECK_ERR(ftruncate(fd, 4097), EFBIG);
		CHECK_ERR(pwrite(fd, "x", 1, 4096), EFBIG);
		rl = (struct rlimit){256UL << 20, 256UL << 20};
		CHECK_EQ(setrlimit(RLIMIT_AS, &rl), 0);
		CHECK_ERR(mmap(NULL, 512UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			  ENOMEM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

int
main(void)
{
	nproc();
	inherited();
	sizes();
	return ok();
}
