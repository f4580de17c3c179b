/* SPDX-License-Identifier: ISC */
/* vfork.c: shared memory, parent sleeps until exec or exit, woken once; killed waiting parent.
 * rows: A2 D1 */
#include "guest.h"

static volatile int shared;
extern char **environ;

static void
until_exit(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		for (int i = 0; i < 100; i++)
			sched_yield(); /* the parent must not run meanwhile */
		shared = 7;
		_exit(9);
	}
	CHECK_EQ(shared, 7);
	CHECK_EXIT(pid, 9);
}

static void
until_exec(const char *self)
{
	char *argv[] = {(char *)"vfork", (char *)"child", NULL};
	pid_t pid;
	int p[2];
	char c;

	CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
	shared = 0;
	pid = vfork();
	if (pid == 0) {
		shared = 8;
		execve(self, argv, environ);
		_exit(1);
	}
	CHECK_EQ(shared, 8);
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 0); /* exec has closed the child's end */
	CHECK_EXIT(pid, 23);
}

static void
until_killed(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	CHECK_KILLED(pid, SIGKILL);
}

static volatile sig_atomic_t signals;

static void
on_signal(int sig)
{
	(void)sig;
	signals++;
}

/*
 * A signal to the waiting parent just before the child goes: it must neither end the wait nor make
 * the parent miss that it is over.
 */
static void
signalled_parent(void)
{
	pid_t parent = getpid(), pid;

	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	for (int i = 0; i < 100; i++) {
		shared = 0;
		pid = vfork();
		if (pid == 0) {
			kill(parent, SIGUSR1);
			for (int n = i % 3; n > 0; n--)
				sched_yield();
			shared = 1;
			_exit(0);
		}
		CHECK_EQ(shared, 1);
		CHECK_EXIT(pid, 0);
		CHECK_EQ(signals, i + 1);
	}
}

/* A parent that is killed while it waits dies; its child lives on. */
static void
killed_parent(void)
{
	int p[2], q[2];
	pid_t mid, grandchild;
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	mid = fork();
	if (mid == 0) {
		if (vfork() == 0) {
			pid_t me = getpid();

			if (write(p[1], &me, sizeof(me)) != sizeof(me) || read(q[0], &c, 1) != 1)
				_exit(1);
			if (write(p[1], "y", 1) != 1)
				_exit(1);
			_exit(0);
		}
		_exit(5);
	}
	CHECK_EQ(read(p[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	CHECK_EQ(kill(mid, SIGKILL), 0);
	CHECK_KILLED(mid, SIGKILL);
	CHECK_EQ(kill(grandchild, 0), 0);
	CHECK_EQ(write(q[1], "x", 1), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return 23;
	until_exit();
	until_exec("/proc/self/exe");
	until_killed();
	signalled_parent();
	killed_parent();
	(void)argv;
	return ok();
}
