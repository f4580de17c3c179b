/* SPDX-License-Identifier: ISC */
/* steps.c: the random steps of a process. */
#include "stress_fork.h"

static void
op_fork(struct self *me)
{
	lock(me->process);
	make_child(me, by_any, -1);
}

/* An allocation of this fork fails, or of whichever comes first (debug kernels; only root may). */
static void
op_fork_without_memory(struct self *me)
{
	char text[24];

	snprintf(text, sizeof(text), "%d", 1 + (int)below(me, 12));
	CALL(TINE_SYS_tine_sysctl, "kern.fork_fail_at", NULL, NULL, text);
	op_fork(me);
}

static void
op_kill(struct self *me)
{
	int victim = 1 + (int)below(me, NSLOTS - 1);

	if (victim == me->process)
		return;
	lock(me->process);
	kill_slot(victim, one_in(me, 2) ? SIGKILL : SIGTERM);
	unlock(me->process);
}

static void
op_signal(struct self *me)
{
	static const int signals[] = {SIGUSR1, SIGUSR1, SIGUSR2, SIGUSR2, SIGSTOP,
				      SIGCONT, SIGCONT, SIGCHLD, SIGURG,  0};
	int sig = signals[below(me, 10)], id = id_of(1 + (int)below(me, NSLOTS - 1));

	if (id > 1)
		CALL(one_in(me, 2) ? SYS_kill : SYS_tkill, id, sig);
}

static void
op_unshare(struct self *me)
{
	static const uint64_t bits[] = {RFFDG, RFCFDG, RFMEM};
	uint64_t rf = SOME_OF(me, bits, 2);
	long ret = CALL(TINE_SYS_rfork, rf);

	if (rf & RFFDG && rf & RFCFDG)
		EXPECT_EQ(ret, -EINVAL);
	else
		EXPECT(ret == 0 || ret == -ENOMEM);
}

static void
op_group(struct self *me)
{
	switch (below(me, 3)) {
	case 0:
		CALL(SYS_setsid);
		break;
	case 1:
		CALL(SYS_setpgid, 0, 0);
		break;
	default:
		CALL(SYS_setpgid, 0, id_of((int)below(me, NSLOTS)));
		break;
	}
}

static void
op_sigchld(struct self *me)
{
	static void (*const how[])(int) = {on_signal, SIG_DFL, SIG_IGN};

	set_action(SIGCHLD, how[below(me, 3)], one_in(me, 3) ? SA_NOCLDWAIT : SA_RESTART);
}

static void
op_limit(struct self *me)
{
	struct rlimit rl = {64 + below(me, 64), 1024};

	CALL(SYS_prlimit64, 0, RLIMIT_NOFILE, &rl, NULL);
}

/* Somebody's forks, execs and exits, until this process ends or closes its descriptors. */
static void
op_watch(struct self *me)
{
	struct forkwatch_event ev[4];
	long fd = CALL(TINE_SYS_forkwatch_open, id_of((int)below(me, NSLOTS)),
		       NOTE_FORK | NOTE_EXEC | NOTE_EXIT, O_NONBLOCK),
	     n;

	if (fd < 0)
		return;
	op_fork(me);
	n = CALL(SYS_read, fd, ev, sizeof(ev));
	EXPECT(n == -EAGAIN || n == -EBADF || (n >= 0 && n % (long)sizeof(ev[0]) == 0));
}

/* Children are profiled as well. */
static void
op_profile(struct self *me)
{
	CALL(TINE_SYS_profil, 0, one_in(me, 3) ? PROFIL_STOP : PROFIL_START, NULL, 0);
}

static void
op_yield(struct self *me)
{
	(void)me;
	CALL(SYS_sched_yield);
}

void
become_user(struct self *me)
{
	struct rlimit rl = {below(me, 8), 100};

	lock(me->process);
	CALL(SYS_prlimit64, 0, RLIMIT_NPROC, &rl, NULL);
	CALL(SYS_setresuid, 1000 + me->process % 3, 1000 + me->process % 3, 1000 + me->process % 3);
	unlock(me->process);
}

/* Some are taken more often. */
static void (*const ops[])(struct self *) = {
    op_fork,    op_fork,  op_fork,    op_fork,  op_fork,  op_fork,    op_fork_without_memory,
    op_wait,    op_wait,  op_wait,    op_wait,  op_kill,  op_signal,  op_signal,
    op_unshare, op_group, op_sigchld, op_limit, op_watch, op_profile, op_yield};

void
random_step(struct self *me)
{
	ops[below(me, sizeof(ops) / sizeof(ops[0]))](me);
}
