/* SPDX-License-Identifier: ISC */
/* wait.c: wait4, waitid, groups, WNOHANG, stop and continue, no-zombie, re-parenting.  rows: D6 B8
 * D5 */
#include "guest.h"

static pid_t
child_exit(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	CHECK(pid > 0);
	return pid;
}

static void
plain(void)
{
	pid_t a = child_exit(1), b = child_exit(2);
	struct rusage ru;
	siginfo_t si;
	int st;

	CHECK_EQ(waitpid(b, &st, 0), b);
	CHECK_EQ(WEXITSTATUS(st), 2);
	CHECK_EQ(waitid(P_PID, (id_t)a, &si, WEXITED | WNOWAIT), 0);
	CHECK_EQ(si.si_pid, a);
	CHECK_EQ(si.si_code, CLD_EXITED);
	CHECK_EQ(si.si_status, 1);
	CHECK_EQ(wait4(-1, &st, 0, &ru), a);
	CHECK_ERR(wait(NULL), ECHILD);
	CHECK_ERR(waitpid(a, NULL, 0), ECHILD);
	CHECK_ERR(waitpid(-1, NULL, 0x40), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &si, 0), EINVAL);
}

static void
nohang_and_groups(void)
{
	int p[2];
	pid_t pid;
	char c;

	CHECK_EQ(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		_exit(read(p[0], &c, 1) == 1 ? 3 : 4);
	}
	setpgid(pid, pid);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK_ERR(waitpid(0, NULL, WNOHANG), ECHILD); /* it is in another group */
	CHECK_EQ(waitpid(-pid, NULL, WNOHANG), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EXIT(-pid == 0 ? pid : pid, 3);
	close(p[0]);
	close(p[1]);
}

static void
stops(void)
{
	pid_t pid = fork();
	siginfo_t si;
	int st;

	if (pid == 0)
		for (;;)
			pause();
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	CHECK_EQ(waitpid(pid, &st, WUNTRACED | WNOHANG), 0); /* reported once */
	CHECK_EQ(proc_state(pid), 'T');
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_EQ(waitpid(pid, &st, WCONTINUED), pid);
	CHECK(WIFCONTINUED(st));
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &si, WSTOPPED), 0);
	CHECK_EQ(si.si_code, CLD_STOPPED);
	CHECK_EQ(kill(pid, SIGKILL), 0); /* also of a stopped process */
	CHECK_KILLED(pid, SIGKILL);
}

static void
no_zombies(void)
{
	struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

	CHECK_EQ(sigaction(SIGCHLD, &sa, NULL), 0);
	child_exit(0);
	child_exit(0);
	CHECK_ERR(wait(NULL), ECHILD); /* returns when all are gone */
	signal(SIGCHLD, SIG_IGN);
	child_exit(0);
	CHECK_ERR(wait(NULL), ECHILD);
	signal(SIGCHLD, SIG_DFL);
}

/* A dead parent's child goes to init, and is reaped there. */
static void
orphans(void)
{
	int p[2], q[2];
	pid_t mid, orphan;
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	mid = fork();
	if (mid == 0) {
		if (fork() == 0) {
			pid_t pair[2];

			CHECK_EQ(read(q[0], &c, 1), 1); /* our parent is dead and reaped */
			pair[0] = getpid();
			pair[1] = getppid();
			CHECK_EQ(write(p[1], pair, sizeof(pair)), sizeof(pair));
			_exit(0);
		}
		_exit(0);
	}
	CHECK_EXIT(mid, 0);
	CHECK_EQ(write(q[1], "x", 1), 1);
	{
		pid_t pair[2];

		CHECK_EQ(read(p[0], pair, sizeof(pair)), sizeof(pair));
		orphan = pair[0];
		CHECK(pair[1] != mid && pair[1] != getpid());
	}
	while (kill(orphan, 0) == 0)
		sched_yield();
	CHECK_EQ(errno, ESRCH);
}

int
main(void)
{
	plain();
	nohang_and_groups();
	stops();
	no_zombies();
	orphans();
	return ok();
}
