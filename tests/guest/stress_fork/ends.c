/* SPDX-License-Identifier: ISC */
/* ends.c: how processes end, and what whoever waits for them must learn of it. */
#include "stress_fork.h"
#include <sys/ptrace.h>

static int
exit_code(long pid)
{
	return (int)(pid * 37 % 127);
}

static int
death_signal(long pid)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGABRT, SIGQUIT, SIGPROF};

	return signals[pid % 5];
}

static bool
status_is_right(long pid, int status)
{
	if (atomic_load(&COMMON->is_thread[pid]))
		return true; /* its tracer is told the status of its process */
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == exit_code(pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == death_signal(pid) || WTERMSIG(status) == SIGKILL ||
		       WTERMSIG(status) == SIGTERM;
	return WIFSTOPPED(status) || WIFCONTINUED(status);
}

__attribute__((noreturn)) void
leave(struct self *me, bool die)
{
	bool peers[NSLOTS];
	long pid = CALL(SYS_getpid);

	lock(me->process);
	while (!lock_peers(me->process, peers))
		CALL(SYS_sched_yield);
	doom(me->process, peers);
	if (die) {
		set_mask(0);
		for (;;)
			CALL(SYS_kill, pid, death_signal(pid));
	}
	for (;;)
		CALL(SYS_exit_group, exit_code(pid));
}

__attribute__((noreturn)) void
leave_thread(struct self *me)
{
	while (W_CODE(word_of(me->slot)) != DEAD) { /* it may have been doomed with the process */
		if (try_lock(me->slot))
			EXPECT(change(me->slot, WORD(0, me->process, BUSY), DEAD));
		CALL(SYS_sched_yield);
	}
	for (;;)
		CALL(SYS_exit, 0);
}

void
kill_slot(int victim, int sig)
{
	unsigned w = word_of(victim);
	bool peers[NSLOTS];

	if (W_CODE(w) != OPEN || W_OWNER(w) != victim || !change(victim, w, BUSY))
		return;
	if (!lock_peers(victim, peers)) {
		unlock(victim);
	} else if (CALL(SYS_kill, id_of(victim), 0) == 0) {
		doom(victim, peers);
		EXPECT_EQ(CALL(SYS_kill, id_of(victim), sig), 0);
	} else { /* not ours to kill */
		for (int s = 1; s < NSLOTS; s++)
			if (peers[s])
				unlock(s);
		unlock(victim);
	}
}

/* What wait has told of a child, or of one that we trace: that one goes on. */
static void
learn(struct self *me, long pid, int status)
{
	int sig = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEVFORKDONE;

	if (!status_is_right(pid, status))
		FAIL("pid %ld: child %ld ended with status %#x, exit code %d or signal %d expected",
		     CALL(SYS_getpid), pid, status, exit_code(pid), death_signal(pid));
	if (sig == 0)
		return;
	if (one_in(me, 2))
		CALL(SYS_ptrace, PTRACE_SETOPTIONS, pid, 0,
		     options & (long)below(me, (uint64_t)options + 1));
	CALL(SYS_ptrace, one_in(me, 8) ? PTRACE_DETACH : PTRACE_CONT, pid, 0,
	     sig == SIGTRAP || sig == SIGSTOP ? 0 : sig);
}

long
wait_by_pid(struct self *me, long pid, int options)
{
	struct rusage ru;
	int status = 0;
	long got = CALL(SYS_wait4, pid, &status, options, one_in(me, 2) ? &ru : NULL);

	if (got > 0)
		learn(me, got, status);
	return got;
}

static long
wait_by_id(struct self *me, int type, long id, int options)
{
	siginfo_t si = {.si_pid = 0};
	long got = CALL(SYS_waitid, type, id, &si, options, NULL);

	if (got < 0 || si.si_pid == 0)
		return got;
	if (si.si_code == CLD_EXITED)
		learn(me, si.si_pid, si.si_status << 8);
	else if (si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED)
		learn(me, si.si_pid, si.si_status);
	else if (si.si_code == CLD_STOPPED || si.si_code == CLD_TRAPPED)
		learn(me, si.si_pid, (si.si_status & 0xff) << 8 | 0x7f);
	return si.si_pid;
}

static long
wait_by_pidfd(struct self *me, int pid, int options)
{
	long fd = CALL(SYS_pidfd_open, pid, 0), got = 0;

	if (fd >= 0) {
		got = wait_by_id(me, P_PIDFD, fd, options);
		CALL(SYS_close, fd);
	}
	return got;
}

void
op_wait(struct self *me)
{
	static const uint64_t bits[] = {WUNTRACED, WCONTINUED, (uint64_t)__WALL, __WCLONE};
	int options = (int)SOME_OF(me, bits, 3) | (one_in(me, 4) ? 0 : WNOHANG);
	long got;

	switch (below(me, 5)) {
	case 0:
		got = wait_by_pid(me, -1, options);
		break;
	case 1:
		got = wait_by_pid(me, 0, options);
		break;
	case 2:
		got = wait_by_pid(me, id_of((int)below(me, NSLOTS)), options);
		break;
	case 3:
		got = wait_by_id(me, P_ALL, 0,
				 options | WEXITED | (one_in(me, 3) ? WNOWAIT | WNOHANG : 0));
		break;
	default:
		got = wait_by_pidfd(me, id_of((int)below(me, NSLOTS)), options | WEXITED);
		break;
	}
	if (got < 0 && got != -ECHILD && got != -EINTR)
		FAIL("pid %ld: wait failed with %ld", CALL(SYS_getpid), got);
}

void
wait_for_all(struct self *me)
{
	long got;

	do
		got = wait_by_pid(me, -1, __WALL);
	while (got > 0 || got == -EINTR);
	EXPECT_EQ(got, -ECHILD);
}
