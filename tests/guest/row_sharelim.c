/* SPDX-License-Identifier: ISC */
/* row_sharelim.c: limits are copied on write, or shared when both sides want it.  rows: B5 */
#include "native.h"

static void
set(rlim_t cur)
{
	struct rlimit rl = {cur, 200};

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

static rlim_t
get(void)
{
	struct rlimit rl;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rl), 0);
	return rl.rlim_cur;
}

/* A child by rfork(flags) that sees limit before and sets after. */
static void
child(int flags, rlim_t before, rlim_t after)
{
	pid_t pid = rfork(flags);

	if (pid == 0) {
		CHECK_EQ(get(), before);
		set(after);
		CHECK_EQ(get(), after);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

int
main(void)
{
	pid_t pid, sharer;
	int p[2];
	char c;

	set(100);
	child((int)(RFPROC | RFFDG), 100, 50);
	CHECK_EQ(get(), 100);
	child((int)(RFPROC | RFFDG | RFSHARELIM), 100, 60);
	CHECK_EQ(get(), 60);
	/* Who does not ask gets a copy of what the sharers have now. */
	CHECK_EQ(pipe(p), 0);
	if ((sharer = rfork((int)(RFPROC | RFFDG | RFSHARELIM))) == 0) {
		CHECK_EQ(read(p[0], &c, 1), 1);
		_exit(get() == 61 ? 0 : 1);
	}
	if ((pid = fork()) == 0) {
		set(40);
		_exit(get() == 40 ? 0 : 1);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(get(), 60);
	set(61);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EXIT(sharer, 0);
	child((int)(RFPROC | RFFDG), 61, 30);
	CHECK_EQ(get(), 61);
	return ok();
}
