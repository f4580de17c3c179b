/* SPDX-License-Identifier: ISC */
/*
 * ways.c: the ways to fork, with random flags, and the model of them: whether such a call must
 * fail, and as what it must be counted.
 */
#include "stress_fork.h"

volatile int tid_word[NSLOTS];
int parent_tid[NSLOTS], pidfd_word[NSLOTS]; /* by the caller's slot */

void
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

/* Some are taken more often. */

void
by_any(struct self *me, struct how *how, int s)
{
	static void (*const ways[])(struct self *, struct how *,
				    int) = {by_fork,  by_vfork, by_rfork, by_rfork, by_rfork,
					    by_tfork, by_clone, by_clone, by_clone};

	ways[below(me, sizeof(ways) / sizeof(ways[0]))](me, how, s);
}
