/* SPDX-License-Identifier: ISC */
/* row_leak.c: 10,000 processes come and go; nothing stays behind.  rows: C5 C8 E4 */
#include "native.h"

static pid_t
by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static void
round_of(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = i % 4 < 2 ? fork() : i % 4 == 2 ? by_vfork() : spawn(RFPROC);

		if (pid == 0)
			_exit(0);
		CHECK_EXIT(pid, 0);
	}
}

int
main(void)
{
	struct tine_stats before, after;
	long objects, frames;

	round_of(200); /* the list of pids that rest is full */
	before = stats();
	objects = var("kern.objects");
	frames = var("vm.frames_free");
	round_of(10000);
	after = stats();
	CHECK_EQ(var("kern.objects"), objects);
	CHECK_EQ(var("vm.frames_free"), frames);
	CHECK_EQ(after.nprocesses, before.nprocesses);
	CHECK_EQ(after.nthreads, before.nthreads);
	CHECK_EQ(after.forks, before.forks + 10000);
	CHECK_EQ(after.exits, before.exits + 10000);
	return ok();
}
