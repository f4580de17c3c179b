/* SPDX-License-Identifier: ISC */
/* row_stopped.c: children that start stopped; peers that end with their leader; no zombies.
 * rows: D5 D6 D8 */
#include "native.h"

static void
stopped(void)
{
	volatile int *ran = shared_page();
	int status;
	pid_t pid;

	if ((pid = rfork(RFPROC | RFFDG | RFSTOPPED)) == 0) {
		*ran = 1;
		_exit(4);
	}
	CHECK(pid > 0);
	sleep_ms(30);
	CHECK_EQ(*ran, 0);
	CHECK_EQ(proc_state(pid), 'T'); /* listed */
	CHECK_EQ(getpgid(pid), getpgrp());
	CHECK_EQ(kill(pid, SIGUSR1), 0);
	sleep_ms(10);
	CHECK_EQ(proc_state(pid), 'T'); /* that does not start it */
	CHECK_EQ(waitpid(pid, &status, WNOHANG | WUNTRACED), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_KILLED(pid, SIGUSR1);

	if ((pid = rfork(RFPROC | RFFDG | RFSTOPPED)) == 0) {
		*ran = 1;
		_exit(4);
	}
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	if (WIFCONTINUED(status))
		CHECK_EXIT(pid, 4);
	else
		CHECK_EQ(WEXITSTATUS(status), 4);
	CHECK_EQ(*ran, 1);

	*ran = 0;
	if ((pid = rfork(RFPROC | RFFDG | RFSTOPPED)) == 0) {
		*ran = 1;
		_exit(4);
	}
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
	CHECK_EQ(*ran, 0);
}

static void
idle_peer(pid_t volatile *slot)
{
	*slot = getpid();
	for (;;)
		pause();
}

/* A leader with two peers, one of them made by the other, and an ordinary child. */
static void
peers(void)
{
	pid_t volatile *id = shared_page();
	pid_t leader;

	if ((leader = fork()) == 0) {
		if (rfork(RFPROC | RFFDG | RFTHREAD) == 0) {
			if (rfork(RFPROC | RFFDG | RFTHREAD) == 0)
				idle_peer(&id[1]);
			idle_peer(&id[0]);
		}
		if (fork() == 0)
			idle_peer(&id[2]);
		if (rfork(RFPROC | RFFDG | RFTHREAD) == 0)
			_exit(0); /* leaves before its leader */
		while (id[0] == 0 || id[1] == 0 || id[2] == 0)
			sched_yield();
		_exit(5);
	}
	CHECK_EXIT(leader, 5);
	for (int i = 0; i < 2; i++) {
		while (kill(id[i], 0) == 0)
			sched_yield();
		CHECK_EQ(errno, ESRCH);
	}
	CHECK_EQ(kill(id[2], 0), 0); /* not a peer */
	CHECK_EQ(kill(id[2], SIGKILL), 0);
}

/* The end of a peer is its own affair, and so is a leader's that is itself no peer any more. */
static void
peer_exits(void)
{
	pid_t a, b;

	CHECK((a = rfork(RFPROC | RFFDG | RFTHREAD)) >= 0);
	if (a == 0)
		for (;;)
			pause();
	CHECK((b = rfork(RFPROC | RFFDG | RFTHREAD)) >= 0);
	if (b == 0)
		_exit(6);
	CHECK_EXIT(b, 6);
	CHECK_EQ(kill(a, 0), 0);
	CHECK_EQ(kill(a, SIGKILL), 0);
	CHECK_KILLED(a, SIGKILL);
}

static void
no_zombie(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	long n = var("kern.nprocs");
	pid_t pid;

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	for (int i = 0; i < 10; i++)
		if ((pid = fork()) == 0)
			_exit(7);
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_EQ(var("kern.nprocs"), n);
	signal(SIGCHLD, SIG_IGN);
	if ((pid = fork()) == 0)
		_exit(7);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	if ((pid = rfork((int)(RFPROC | RFFDG | RFNOZOMBIE))) == 0)
		_exit(7);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	CHECK_EQ(var("kern.nprocs"), n);
}

int
main(void)
{
	stopped();
	peers();
	peer_exits();
	no_zombie();
	return ok();
}
