/* SPDX-License-Identifier: ISC */
/*
 * stress_fork.c: random forks of every kind, and exec, exit, kill, stop, wait and trace among the
 * processes that come of them, which keep a count of what they do; after each round the statistics
 * must equal that count and nothing may be left behind.
 *
 * Every process takes random steps of its own; stress_fork.h says how none is ended between a fork
 * and its being counted.  Nothing is mapped or unmapped meanwhile, so that every address space has
 * the same number of pages.  The exit status of a process follows from its pid.
 *
 * usage: stress_fork SEED ROUNDS, or SEED SECONDS`s'
 */
#include "stress_fork.h"
#include <sys/ptrace.h>
#include <ucontext.h>

enum { ROUND_OPS = 3000, STEPS_A_TURN = 8, MAX_DEPTH = 5 };

/* Objects and frames that the kernel makes once, when it first needs them: in any round. */
enum { MADE_ONCE = 3 };

/* What a process is to do. */
enum role { LEAVE, DIE, LINGER, WORK, TRACED, EXEC_LEAVE, EXEC_WORK };

struct self {
	int slot, process; /* of the thread, of its process */
	int depth;
	uint64_t rnd;
};

/* How a fork is made, and what must come of it. */
struct how {
	long nr, args[5];
	uint64_t flags;
	enum kind kind;
	int wanted_id; /* clone3's set_tid */
	bool is_clone, shares, waits, thread, peer;
	bool holds;   /* signals are held until the child has its stack and its handlers */
	int error;    /* it must fail so */
	int may_fail; /* it may, for a reason that the caller cannot see */
};

/* What a child must know; at the end of its stack. */
struct birth {
	struct how how;
	struct self self;
	int parent; /* slot of the process that waits, to be unlocked */
	enum role role;
};

static volatile int tid_word[NSLOTS];
static int parent_tid[NSLOTS], pidfd_word[NSLOTS]; /* by the caller's slot */

static uint64_t
below(struct self *me, uint64_t n)
{
	me->rnd ^= me->rnd << 13;
	me->rnd ^= me->rnd >> 7;
	me->rnd ^= me->rnd << 17;
	return (me->rnd >> 11) % n;
}

static bool
one_in(struct self *me, uint64_t n)
{
	return below(me, n) == 0;
}

/* ---- ends of processes ---- */

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

/* A thread alone leaves its process; otherwise all threads and peers go as well. */
__attribute__((noreturn)) static void
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

__attribute__((noreturn)) static void
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

/* ---- forks ---- */

#define PIDFD 0x1000UL

static void
count(const struct how *how)
{
	atomic_fetch_add(&COMMON->forks[how->kind], 1);
	atomic_fetch_add(&COMMON->ppwait, how->waits);
	atomic_fetch_add(&COMMON->sharevm, how->shares);
}

static void
count_failure(const struct how *how, long error)
{
	if (how->error != 0)
		EXPECT_EQ(error, how->error);
	else if (error == ENOMEM)
		atomic_fetch_add(&COMMON->enomem, 1);
	else if (error == EAGAIN)
		atomic_fetch_add(&COMMON->eagain, 1);
	else if (error != how->may_fail && error != ENFILE && /* the file of a pidfd */
		 !(how->wanted_id != 0 && (error == EEXIST || error == EPERM)))
		FAIL("pid %ld: call %ld with flags %#lx failed with %ld", CALL(SYS_getpid), how->nr,
		     how->flags, error);
}

static void by_fork(struct self *me, struct how *how, int s);
static void by_vfork(struct self *me, struct how *how, int s);
static void by_rfork(struct self *me, struct how *how, int s);
static void by_tfork(struct self *me, struct how *how, int s);
static void by_clone(struct self *me, struct how *how, int s);

static void (*const ways[])(struct self *, struct how *, int) = {
    by_fork, by_vfork, by_rfork, by_rfork, by_rfork, by_tfork, by_clone, by_clone, by_clone};

static enum role
pick_role(struct self *me, const struct how *how)
{
	static const enum role roles[] = {LEAVE, LEAVE, LEAVE, LEAVE,      DIE,       LINGER,
					  WORK,  WORK,  WORK,  EXEC_LEAVE, EXEC_WORK, TRACED};
	enum role role = roles[below(me, sizeof(roles) / sizeof(roles[0]))];

	if (how->waits && (role == TRACED || (role == LINGER && !one_in(me, 4))))
		role = EXEC_WORK;
	if ((how->peer || me->depth >= MAX_DEPTH) && role >= WORK)
		role =
		    role >= EXEC_LEAVE ? EXEC_LEAVE : LEAVE; /* peers do not fork: stress_fork.h */
	return role;
}

static void child_begins(void *);

static struct birth *
prepare_birth(struct self *me, const struct how *how, int s, enum role role)
{
	struct birth *b = (void *)((uintptr_t)(stacks[s] + STACK - sizeof(*b)) & ~15UL);

	*b = (struct birth){*how, *me, me->process, role};
	b->self.slot = s;
	b->self.process = how->thread ? me->process : s;
	b->self.depth++;
	b->self.rnd = below(me, ~0UL) | 1;
	atomic_store(&COMMON->slot[s].word,
		     WORD(how->peer ? me->process + 1 : 0, b->self.process, BUSY));
	return b;
}

/* The caller's process is locked, and is not any more. */
static long
make_child(struct self *me, void (*way)(struct self *, struct how *, int), int role)
{
	int s = slot_new();
	struct how how;
	struct birth *b;
	uint64_t mask;
	long id;

	if (s < 0) {
		unlock(me->process);
		return -1;
	}
	way(me, &how, s);
	b = prepare_birth(me, &how, s, role < 0 ? pick_role(me, &how) : (enum role)role);
	CALL(SYS_rt_sigprocmask, SIG_SETMASK, how.holds ? &(uint64_t){~0UL} : NULL, &mask, 8);
	id = fork_to(how.nr, how.args, b, child_begins, b);
	if (id < 0) {
		slot_free(s);
		count_failure(&how, -id);
		unlock(me->process);
	} else if (how.error != 0) {
		FAIL("call %ld with flags %#lx succeeded", how.nr, how.flags);
	} else if (!how.waits) {
		count(&how);
		slot_born(s, (int)id);
		unlock(s);
		unlock(me->process);
	}
	set_mask(mask);
	if (id > 0 && how.is_clone && how.flags & CLONE_PARENT_SETTID)
		EXPECT_EQ(parent_tid[me->slot], id);
	if (id > 0 && how.wanted_id != 0)
		EXPECT_EQ(id, how.wanted_id);
	if (id > 0 && how.is_clone && how.flags & PIDFD)
		CALL(SYS_close, pidfd_word[me->slot]);
	return id;
}

static void
by_fork(struct self *me, struct how *how, int s)
{
	(void)me, (void)s;
	*how = (struct how){.nr = SYS_fork, .kind = FORK};
}

static void
by_vfork(struct self *me, struct how *how, int s)
{
	(void)me, (void)s;
	*how = (struct how){.nr = SYS_vfork,
			    .kind = VFORK,
			    .shares = atomic_load(&COMMON->fast_vfork) != 0,
			    .waits = true};
}

static uint64_t
some_of(struct self *me, const uint64_t *bits, size_t n, uint64_t sparse)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < n; i++)
		if (one_in(me, sparse))
			flags |= bits[i];
	return flags;
}
#define SOME_OF(me, bits, sparse) some_of(me, bits, sizeof(bits) / sizeof(bits[0]), sparse)

#define RF_MASKED (RFHIGHPID | 1u << 3) /* not the user's */

static void
by_rfork(struct self *me, struct how *how, int s)
{
	static const uint64_t bits[] = {RFFDG,      RFCFDG,     RFMEM,       RFNOWAIT,
					RFTHREAD,   RFSIGSHARE, RFSTOPPED,   RFPPWAIT,
					RFNOZOMBIE, RFSHARELIM, RFLINUXTHPN, RF_MASKED};
	static const uint64_t plain[] = {RFFDG, RFFDG | RFMEM | RFPPWAIT};
	uint64_t rf = RFPROC | (one_in(me, 3) ? plain[below(me, 2)] : SOME_OF(me, bits, 4));

	(void)s;
	*how = (struct how){.nr = TINE_SYS_rfork,
			    .args = {(long)rf},
			    .flags = rf,
			    .kind = RFORK,
			    .shares = (rf & RFMEM) != 0,
			    .waits = (rf & RFPPWAIT) != 0,
			    .peer = (rf & RFTHREAD) != 0};
	rf &= ~(uint64_t)RF_MASKED;
	if (rf == (RFPROC | RFFDG))
		how->kind = FORK;
	else if (rf == (RFPROC | RFFDG | RFMEM | RFPPWAIT))
		how->kind = VFORK;
	if ((rf & RFFDG && rf & RFCFDG) || (rf & RFSIGSHARE && !(rf & RFMEM)))
		how->error = EINVAL;
	/* Parent and child run on one stack until the child leaves it. */
	how->holds = how->shares && !how->waits;
}

static void
by_tfork(struct self *me, struct how *how, int s)
{
	static struct __tfork params[NSLOTS]; /* by the child's slot */

	params[s] = (struct __tfork){NULL, one_in(me, 2) ? &parent_tid[me->slot] : NULL,
				     stacks[s] + STACK / 2};
	*how = (struct how){.nr = TINE_SYS___tfork,
			    .args = {(long)&params[s], sizeof(params[s])},
			    .kind = TFORK,
			    .shares = true,
			    .thread = true};
	switch (below(me, 16)) {
	case 0:
		params[s].tf_stack = NULL;
		how->error = EINVAL;
		break;
	case 1:
		how->args[0] = 8;
		how->error = EFAULT;
		break;
	case 2:
		how->args[1] = sizeof(params[s]) + 1;
		how->error = EINVAL;
		break;
	}
}

#define CLEAR_SIGHAND 0x100000000UL
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

static uint64_t
clone_flags(struct self *me)
{
	static const uint64_t all[] = {
	    CLONE_VM,      CLONE_FS,       CLONE_FILES,        CLONE_SIGHAND,        PIDFD,
	    CLONE_PTRACE,  CLONE_VFORK,    CLONE_PARENT,       CLONE_SETTLS,         CLONE_DETACHED,
	    CLONE_THREAD,  CLONE_IO,       CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID, CLEAR_SIGHAND,
	    CLONE_SYSVSEM, CLONE_UNTRACED, CLONE_PARENT_SETTID};
	static const uint64_t harmless[] = {CLONE_SETTLS, CLONE_SYSVSEM, CLONE_PARENT_SETTID,
					    CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID};
	static const uint64_t bases[] = {
	    0, CLONE_VM, CLONE_VM | CLONE_VFORK, CLONE_VFORK, CLONE_PARENT, THREAD_FLAGS, PIDFD};

	if (one_in(me, 2))
		return SOME_OF(me, all, 4) & ~(uint64_t)(one_in(me, 4) ? 0 : CLONE_THREAD);
	return bases[below(me, sizeof(bases) / sizeof(bases[0]))] | SOME_OF(me, harmless, 2);
}

/* As which kind it must be counted. */
static enum kind
clone_kind(uint64_t flags)
{
	const uint64_t telling = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PTRACE |
				 CLONE_VFORK | CLONE_PARENT;

	if (flags & CLONE_THREAD)
		return TFORK;
	if ((flags & telling) == 0)
		return FORK;
	return (flags & telling) == (CLONE_VM | CLONE_VFORK) ? VFORK : RFORK;
}

static bool
clone_is_bad(uint64_t flags, int signal, bool clone3)
{
	if ((flags & CLONE_SIGHAND && (!(flags & CLONE_VM) || flags & CLEAR_SIGHAND)) ||
	    (flags & CLONE_THREAD && (flags & THREAD_FLAGS) != THREAD_FLAGS) ||
	    (flags & CLONE_THREAD && flags & (PIDFD | CLONE_VFORK)))
		return true;
	if (clone3)
		return flags & CLONE_DETACHED ||
		       (flags & (CLONE_THREAD | CLONE_PARENT) && signal != 0);
	return flags & PIDFD && flags & (CLONE_DETACHED | CLONE_PARENT_SETTID);
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
	    set_tid_size, cgroup;
};

/* An id to ask for; none whose slot is waiting to be freed, which would be taken for the new one.
 */
static int
pick_id(struct self *me)
{
	int id = 300 + (int)below(me, 30000);

	for (int s = 0; s < NSLOTS; s++)
		if (id_of(s) == id)
			return pick_id(me);
	return id;
}

static void
by_clone(struct self *me, struct how *how, int s)
{
	static const int signals[] = {SIGCHLD, SIGCHLD, SIGCHLD, SIGCHLD, 0, SIGUSR1, SIGURG};
	static struct clone3_args args[NSLOTS]; /* by the child's slot */
	static int wanted[NSLOTS];
	bool clone3 = one_in(me, 2);
	uint64_t flags = clone_flags(me) & ~(clone3 ? 0 : CLEAR_SIGHAND); /* no room there */
	int signal = signals[below(me, 7)];
	struct clone3_args *ca = &args[s];

	if (clone3 && flags & (CLONE_THREAD | CLONE_PARENT) && !one_in(me, 8))
		signal = 0;
	*ca = (struct clone3_args){.flags = flags,
				   .pidfd = (uintptr_t)&pidfd_word[me->slot],
				   .child_tid = (uintptr_t)&tid_word[s],
				   .parent_tid = (uintptr_t)&parent_tid[me->slot],
				   .exit_signal = (uint64_t)signal,
				   .stack = (uintptr_t)stacks[s],
				   .stack_size = STACK / 2,
				   .tls = (uintptr_t)__builtin_thread_pointer()};
	*how = (struct how){.nr = clone3 ? SYS_clone3 : SYS_clone,
			    .args = {(long)ca, sizeof(*ca)},
			    .flags = flags,
			    .is_clone = true,
			    .kind = clone_kind(flags),
			    .shares = (flags & CLONE_VM) != 0,
			    .waits = (flags & CLONE_VFORK) != 0,
			    .thread = (flags & CLONE_THREAD) != 0,
			    .holds = (flags & CLEAR_SIGHAND) != 0,
			    .may_fail = flags & CLONE_PARENT ? EINVAL : 0,
			    .error = clone_is_bad(flags, signal, clone3) ? EINVAL : 0};
	if (clone3 && !(flags & CLONE_THREAD) && one_in(me, 8)) {
		wanted[s] = how->wanted_id = pick_id(me);
		ca->set_tid = (uintptr_t)&wanted[s];
		ca->set_tid_size = 1;
	}
	if (!clone3) {
		long a[5] = {(long)flags | signal, (long)(ca->stack + ca->stack_size),
			     (long)(flags & PIDFD ? ca->pidfd : ca->parent_tid),
			     (long)ca->child_tid, (long)ca->tls};

		memcpy(how->args, a, sizeof(a));
	}
}

/* ---- waits ---- */

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

static long
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

static void
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

static void
wait_for_all(struct self *me)
{
	long got;

	do
		got = wait_by_pid(me, -1, __WALL);
	while (got > 0 || got == -EINTR);
	EXPECT_EQ(got, -ECHILD);
}

/* ---- other steps ---- */

static void
op_fork(struct self *me)
{
	lock(me->process);
	make_child(me, ways[below(me, sizeof(ways) / sizeof(ways[0]))], -1);
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

static void set_action(int sig, void (*)(int), unsigned long flags);
static void on_signal(int);

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

/* Becomes a user who may have few processes. */
static void
become_user(struct self *me)
{
	struct rlimit rl = {below(me, 8), 100};

	lock(me->process);
	CALL(SYS_prlimit64, 0, RLIMIT_NPROC, &rl, NULL);
	CALL(SYS_setresuid, 1000 + me->process % 3, 1000 + me->process % 3, 1000 + me->process % 3);
	unlock(me->process);
}

static void (*const ops[])(struct self *) = {
    op_fork,    op_fork,  op_fork,    op_fork,  op_fork,  op_fork,    op_fork_without_memory,
    op_wait,    op_wait,  op_wait,    op_wait,  op_kill,  op_signal,  op_signal,
    op_unshare, op_group, op_sigchld, op_limit, op_watch, op_profile, op_yield};

/* ---- processes ---- */

__attribute__((noreturn)) static void
work(struct self *me)
{
	int n = 2 + (int)below(me, 10);

	if (me->slot == me->process && one_in(me, 12))
		become_user(me);
	while (n-- > 0 && !atomic_load(&COMMON->stop)) {
		ops[below(me, sizeof(ops) / sizeof(ops[0]))](me);
		if (atomic_fetch_add(&COMMON->ops, 1) % STEPS_A_TURN == 0) {
			atomic_fetch_add(&COMMON->turns, 1);
			CALL(SYS_futex, &COMMON->turns, 1 /* wake */, 1);
		}
	}
	if (one_in(me, 2))
		wait_for_all(me);
	if (me->slot != me->process && !one_in(me, 8))
		leave_thread(me);
	leave(me, one_in(me, 8));
}

/* The program again, in the same slot.  Its other threads end. */
__attribute__((noreturn)) static void
exec_self(struct self *me, enum role role)
{
	char arg[4][24];
	char *argv[] = {"stress_fork", arg[0], arg[1], arg[2], arg[3], NULL}, *envp[] = {NULL};
	const char *path = "/proc/self/exe";

	EXPECT_EQ(CALL(SYS_execve, "/nonexistent", argv, envp), -ENOENT);
	lock(me->process);
	set_mask(~0UL);
	doom_threads(me->process, -1);
	snprintf(arg[0], sizeof(arg[0]), "%d", me->process);
	snprintf(arg[1], sizeof(arg[1]), "%d", (int)role);
	snprintf(arg[2], sizeof(arg[2]), "%d", me->depth);
	snprintf(arg[3], sizeof(arg[3]), "%lu", me->rnd);
	EXPECT_EQ(CALL(SYS_execve, path, argv, envp), 0);
	__builtin_unreachable();
}

__attribute__((noreturn)) static void
play(struct self *me, enum role role)
{
	long tid = CALL(SYS_gettid);

	switch (role) {
	case LEAVE:
	case DIE:
		if (me->slot != me->process && one_in(me, 2))
			leave_thread(me);
		leave(me, role == DIE);
	case LINGER:
		for (;;)
			CALL(SYS_pause);
	case EXEC_LEAVE:
		exec_self(me, one_in(me, 2) ? LEAVE : LINGER);
	case EXEC_WORK:
		exec_self(me, WORK);
	case TRACED:
		if (CALL(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) == 0)
			CALL(SYS_tkill, tid, SIGSTOP);
		break;
	case WORK:
		break;
	}
	work(me);
}

static void
on_signal(int sig)
{
	(void)sig;
}

/* Forks from a handler, unless a fork of the process is under way. */
static void
on_fork_signal(int sig)
{
	int s = my_slot();
	long tid = CALL(SYS_gettid);
	struct self me = {s, W_OWNER(word_of(s)), MAX_DEPTH, (uint64_t)tid << 8 | 1};

	(void)sig;
	if (id_of(s) == tid && try_lock(me.process))
		make_child(&me, by_fork, LEAVE);
}

/* Not the C library's, which changes its own memory. */
extern void return_from_handler(void);
__asm__("	.text\n"
	"return_from_handler:\n"
	"	mov	$15, %eax\n"
	"	syscall\n");

static void
set_action(int sig, void (*handler)(int), unsigned long flags)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} sa = {handler, flags | 0x04000000, return_from_handler, ~0UL};

	EXPECT_EQ(CALL(SYS_rt_sigaction, sig, &sa, NULL, 8), 0);
}

static void
on_fault(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	FAIL("pid %d, slot %d: signal %d, code %d, address %p, at %#llx", getpid(), my_slot(), sig,
	     si->si_code, si->si_addr, uc->uc_mcontext.gregs[REG_RIP]);
}

static void
set_actions(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		set_action(faults[i], (void (*)(int))(void *)on_fault, SA_SIGINFO);
	set_action(SIGUSR1, on_signal, SA_RESTART);
	set_action(SIGUSR2, on_fork_signal, SA_RESTART);
	set_action(SIGCHLD, on_signal, 0);
	set_action(SIGHUP, SIG_IGN, 0); /* sent to stopped groups that are orphaned */
}

/* A child's first steps, on its own stack. */
static void
child_begins(void *arg)
{
	struct birth b = *(struct birth *)arg;
	long tid = CALL(SYS_gettid);

	if (b.how.is_clone && b.how.flags & CLONE_CHILD_SETTID)
		EXPECT_EQ(tid_word[b.self.slot], tid);
	if (b.how.holds)
		set_actions();
	if (b.how.waits) { /* the parent cannot */
		count(&b.how);
		slot_born(b.self.slot, (int)tid);
		unlock(b.self.slot);
		unlock(b.parent);
	}
	CALL(SYS_setpriority, PRIO_PROCESS, 0, 0); /* the driver's is better */
	set_mask(0);
	play(&b.self, b.role);
}

static void
map_common(int flags)
{
	int fd = open(COMMON_PATH, O_RDWR | flags, 0666);

	CHECK(fd >= 0);
	CHECK(!(flags & O_CREAT) || ftruncate(fd, sizeof(struct common)) == 0);
	CHECK(mmap(COMMON, sizeof(struct common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   fd, 0) == COMMON);
	close(fd);
}

/* main() of a program that exec_self() has started: all signals are blocked. */
__attribute__((noreturn)) static void
after_exec(char **argv)
{
	struct self me = {.slot = atoi(argv[1]), .depth = atoi(argv[3])};

	me.process = main_slot = me.slot;
	me.rnd = strtoul(argv[4], NULL, 10);
	map_common(0);
	EXPECT_EQ(id_of(me.slot), CALL(SYS_gettid));
	atomic_fetch_add(&COMMON->execs, 1);
	set_actions();
	unlock(me.process);
	set_mask(0);
	play(&me, (enum role)atoi(argv[2]));
}

/* ---- the driver ---- */

struct snapshot {
	struct tine_stats st;
	long objects, frames;
};

static void
look(struct snapshot *sn)
{
	sn->st = stats();
	sn->objects = var("kern.objects");
	sn->frames = var("vm.frames_free");
}

/* Slots of what is gone are free again; returns how many are in use. */
static int
collect(void)
{
	int used = 0;

	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		if (W_CODE(w) == FREE)
			continue;
		used++;
		if (id_of(s) == 0 || !gone(s))
			continue;
		if (W_CODE(word_of(s)) != DEAD)
			FAIL("id %d (slot %d, word %#x) is gone, and nobody ended it", id_of(s), s,
			     word_of(s));
		slot_free(s);
	}
	return used;
}

static void
reap_some(struct self *me)
{
	while (wait_by_pid(me, -1, __WALL | WNOHANG | WUNTRACED) > 0)
		;
}

static void
driver_fork(struct self *me)
{
	lock(0);
	make_child(me, by_fork, WORK);
}

static void
check_failed(void)
{
	if (atomic_load(&COMMON->failed) == 0)
		return;
	while (atomic_load(&COMMON->failed) != 2)
		sched_yield();
	dprintf(2, "%s\n", COMMON->message);
	_exit(1);
}

/* For a while the table of processes is full. */
static void
scarcity(struct self *me, bool on)
{
	const char *name = one_in(me, 2) ? "kern.maxproc" : "kern.maxthread";

	set_var("kern.maxproc", 1000);
	set_var("kern.maxthread", 1000);
	if (on)
		set_var(name, var("kern.nthreads") + (long)below(me, 8));
}

/* The driver comes before all others: it sleeps until they have taken some steps.  The time is for
 * when none of them can. */
static void
let_run(void)
{
	const struct timespec timeout = {0, 2000000};

	CALL(SYS_futex, &COMMON->turns, 0 /* wait */, atomic_load(&COMMON->turns), &timeout);
}

static void
busy_time(struct self *me)
{
	uint64_t end = atomic_load(&COMMON->ops) + ROUND_OPS;

	for (uint64_t i = 1; atomic_load(&COMMON->ops) < end; i++) {
		check_failed();
		driver_fork(me);
		kill_slot(1 + (int)below(me, NSLOTS - 1), SIGKILL);
		reap_some(me);
		collect();
		if (i % 4 == 0)
			kill(-1, SIGCONT);
		if (i % 64 == 0)
			scarcity(me, i % 256 == 0);
		let_run();
	}
}

/* What a thread sleeps for. */
static void
show_file(const char *fmt, int a, int b)
{
	char path[64], text[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), fmt, a, b);
	if ((fd = open(path, O_RDONLY)) < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	dprintf(2, "  %s: %.*s\n", path, (int)n, text);
}

static void
show_slots(void)
{
	for (int s = 1; s < NSLOTS; s++) {
		unsigned w = word_of(s);

		if (W_CODE(w) != FREE) {
			dprintf(2, "slot %d: id %d, process %d, leader %d, %d, state %c\n", s,
				id_of(s), W_OWNER(w), W_LEADER(w) - 1, W_CODE(w),
				id_of(s) > 0 ? proc_state(id_of(s)) : ' ');
			show_file("/proc/%d/task/%d/wchan", id_of(W_OWNER(w)), id_of(s));
			show_file("/proc/%d/task/%d/status", id_of(W_OWNER(w)), id_of(s));
		}
	}
}

/* All end; nothing but the driver is left. */
static void
come_to_rest(struct self *me, long nprocs)
{
	time_t start = time(NULL);

	atomic_store(&COMMON->stop, 1);
	scarcity(me, false);
	while (collect() > 0 || var("kern.nprocs") != nprocs) {
		check_failed();
		kill(-1, SIGCONT);
		for (int s = 1; s < NSLOTS; s++) {
			kill_slot(s, SIGKILL);
			if (W_CODE(word_of(s)) == DEAD && W_OWNER(word_of(s)) == s)
				kill(id_of(s), SIGKILL); /* its tracer may have stopped it */
		}
		reap_some(me);
		let_run();
		if (start != 0 && time(NULL) - start > 60) {
			show_slots(); /* for whoever finds it hanging */
			start = 0;
		}
	}
	if (debug_kernel())
		set_var("kern.fork_fail_at", 0);
	atomic_store(&COMMON->stop, 0);
}

static uint64_t pages; /* of every address space here */

static void
measure_pages(void)
{
	uint64_t before = stats().sizfork;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	pages = stats().sizfork - before;
	CHECK(pages > NSLOTS * STACK / PAGE);
}

/* Each counter has grown by what its name says, since a. */
static void
compare(const struct snapshot *a, const struct snapshot *b, const struct common *had)
{
	const struct tine_stats *x = &a->st, *y = &b->st;
	uint64_t n[NKINDS], processes;

	for (int k = 0; k < NKINDS; k++)
		n[k] = COMMON->forks[k] - had->forks[k];
	processes = n[FORK] + n[VFORK] + n[RFORK];
	CHECK_EQ(y->cntfork - x->cntfork, n[FORK]);
	CHECK_EQ(y->cntvfork - x->cntvfork, n[VFORK]);
	CHECK_EQ(y->cntrfork - x->cntrfork, n[RFORK]);
	CHECK_EQ(y->cnttfork - x->cnttfork, n[TFORK]);
	CHECK_EQ(y->cntkthread, x->cntkthread);
	CHECK_EQ(y->sizfork - x->sizfork, n[FORK] * pages);
	CHECK_EQ(y->sizvfork - x->sizvfork, n[VFORK] * pages);
	CHECK_EQ(y->sizrfork - x->sizrfork, n[RFORK] * pages);
	CHECK_EQ(y->siztfork - x->siztfork, n[TFORK] * pages);
	CHECK_EQ(y->forks - x->forks, processes + n[TFORK]);
	CHECK_EQ(y->forks_ppwait - x->forks_ppwait, COMMON->ppwait - had->ppwait);
	CHECK_EQ(y->forks_sharevm - x->forks_sharevm, COMMON->sharevm - had->sharevm);
	CHECK_EQ(y->exits - x->exits, processes);
	CHECK_EQ(y->execs - x->execs, COMMON->execs - had->execs);
	CHECK_EQ(y->enomem - x->enomem, COMMON->enomem - had->enomem);
	CHECK_EQ(y->eagain_maxproc + y->eagain_maxthread + y->eagain_rlimit - x->eagain_maxproc -
		     x->eagain_maxthread - x->eagain_rlimit,
		 COMMON->eagain - had->eagain);
	CHECK_EQ(y->fork.count + y->vfork.count - x->fork.count - x->vfork.count, processes);
	CHECK_EQ(y->vfork.count - x->vfork.count, n[VFORK]);
	CHECK_EQ(y->exec.count - x->exec.count, COMMON->execs - had->execs);
	CHECK_EQ(y->oom_kills, x->oom_kills);
	CHECK_EQ(y->nprocesses, x->nprocesses);
	CHECK_EQ(y->nthreads, x->nthreads);
}

static void
round_of(struct self *me, int n)
{
	static const char *const policies[] = {"random", "sequential", "modulus"};
	static struct snapshot before, after, first;
	static struct common had;

	set_text("kern.pidpolicy", policies[n % 3]);
	set_var("kern.fast_vfork", n % 4 != 3);
	atomic_store(&COMMON->fast_vfork, n % 4 != 3);
	memcpy(&had, COMMON, sizeof(had));
	look(&before);
	busy_time(me);
	come_to_rest(me, (long)before.st.nprocesses);
	look(&after);
	compare(&before, &after, &had);
	printf("round %d: %ld frames, %ld objects\n", n, after.frames, after.objects);
	if (n == 0)
		first = after;
	CHECK(after.objects <= first.objects + MADE_ONCE);
	CHECK(after.frames >= first.frames - MADE_ONCE);
}

static void
setup(struct self *me, uint64_t seed)
{
	umask(0);
	map_common(O_CREAT | O_TRUNC);
	memset(stacks, 1, sizeof(stacks)); /* pages that would come one by one */
	atomic_store(&COMMON->slot[0].id, getpid());
	atomic_store(&COMMON->slot[0].word, WORD(0, 0, OPEN));
	*me = (struct self){.rnd = seed * 0x9e3779b97f4a7c15UL | 1};
	measure_pages();
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, -20), 0); /* it looks after all others */
	set_actions();
	set_var("kern.randompid", 1000);
	scarcity(me, false);
}

int
main(int argc, char **argv)
{
	time_t start = time(NULL);
	struct self me;
	uint64_t limit;
	bool seconds;

	if (argc == 5)
		after_exec(argv);
	CHECK(argc == 3);
	limit = strtoul(argv[2], NULL, 10);
	seconds = strchr(argv[2], 's') != NULL;
	setup(&me, strtoul(argv[1], NULL, 0));
	for (int n = 0; seconds ? (uint64_t)(time(NULL) - start) < limit : (uint64_t)n < limit; n++)
		round_of(&me, n);
	printf("%lu steps, %lu forks, %lu vforks, %lu rforks, %lu threads, %lu execs, "
	       "%lu EAGAIN, %lu ENOMEM\n",
	       COMMON->ops, COMMON->forks[FORK], COMMON->forks[VFORK], COMMON->forks[RFORK],
	       COMMON->forks[TFORK], COMMON->execs, COMMON->eagain, COMMON->enomem);
	return ok();
}
