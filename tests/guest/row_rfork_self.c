/* SPDX-License-Identifier: ISC */
/* row_rfork_self.c: rfork() without RFPROC: a process parts with what it shares.  rows: A4 A5 */
#include "native.h"

static volatile int before_split, after_split, step;
static int probe;

/* Shares memory, descriptors and directory with its parent, and gives them up one by one. */
static int
child(void *arg)
{
	int fd;

	(void)arg;
	before_split = 1;
	CHECK_EQ(rfork(RFFDG | RFMEM), 0); /* descriptors only */
	CHECK_EQ(close(probe), 0);
	CHECK_EQ(chdir("/tmp"), 0);
	step = 1; /* memory is still common */
	CHECK_EQ(rfork(0), 0);
	after_split = 1;
	step = 2;
	for (int i = 0; i < 1000; i++) /* nothing of it is ours alone by accident */
		CHECK((fd = dup(1)) >= 0 && close(fd) == 0);
	return after_split == 1 && before_split == 1 ? 21 : 1;
}

static int
closes_all(void *arg)
{
	(void)arg;
	if (rfork(RFCFDG | RFMEM) != 0)
		return 1;
	for (int i = 0; i < 50; i++)
		if (fcntl(i, F_GETFD) != -1)
			return 2;
	return 22;
}

int
main(void)
{
	char buf[64];
	long n = var("kern.nprocs");
	pid_t pid;

	CHECK((probe = open("/", O_RDONLY)) >= 0);
	CHECK((pid = rfork_thread(RFPROC | RFMEM, new_stack(), child, NULL)) > 0);
	CHECK_EXIT(pid, 21);
	CHECK_EQ(before_split, 1);
	CHECK_EQ(step, 1);
	CHECK_EQ(after_split, 0);
	CHECK_EQ(fcntl(probe, F_GETFD), 0);
	CHECK_EQ(strcmp(getcwd(buf, sizeof(buf)), "/"), 0);

	CHECK((pid = rfork_thread(RFPROC | RFMEM, new_stack(), closes_all, NULL)) > 0);
	CHECK_EXIT(pid, 22);
	CHECK_EQ(fcntl(probe, F_GETFD), 0); /* ours are open still */

	/* Nothing shared: nothing to do, and no new process. */
	CHECK_EQ(rfork(0), 0);
	CHECK_EQ(rfork(RFFDG), 0);
	CHECK_EQ(rfork(RFMEM), 0);
	CHECK_EQ(var("kern.nprocs"), n);
	CHECK_ERR(rfork(RFFDG | RFCFDG), EINVAL);
	CHECK_EQ(fcntl(probe, F_GETFD), 0);
	CHECK_EQ(rfork(RFCFDG), 0);
	CHECK_ERR(fcntl(probe, F_GETFD), EBADF);
	CHECK_ERR(fcntl(1, F_GETFD), EBADF);
	return 0; /* nowhere to say ok */
}
