/* SPDX-License-Identifier: ISC */
/* sys_fork.c: the entry points of fork: each decodes its arguments into fork_args and calls
 * fork1(). */
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/systm.h>

SYSCALL(fork)
{
	struct fork_args fa = {.flags = FORK_FORK, .exitsig = SIGCHLD};
	pid_t pid;
	int error = fork1(td, &fa, NULL, &pid);

	(void)a;
	*retval = pid;
	return error;
}

SYSCALL(vfork)
{
	struct fork_args fa = {.flags = FORK_VFORK | FORK_PPWAIT | (fast_vfork ? FORK_SHAREVM : 0),
			       .exitsig = SIGCHLD};
	pid_t pid;
	int error = fork1(td, &fa, NULL, &pid);

	(void)a;
	*retval = pid;
	return error;
}

/* ---- Linux clone and clone3 ---- */

#define CLONE_VM 0x100UL
#define CLONE_FS 0x200UL
#define CLONE_FILES 0x400UL
#define CLONE_SIGHAND 0x800UL
#define CLONE_PIDFD 0x1000UL
#define CLONE_PTRACE 0x2000UL
#define CLONE_VFORK 0x4000UL
#define CLONE_PARENT 0x8000UL
#define CLONE_THREAD 0x10000UL
#define CLONE_NEWNS 0x20000UL
#define CLONE_SYSVSEM 0x40000UL
#define CLONE_SETTLS 0x80000UL
#define CLONE_PARENT_SETTID 0x100000UL
#define CLONE_CHILD_CLEARTID 0x200000UL
#define CLONE_DETACHED 0x400000UL /* ignored since Linux 2.6.2; musl sets it */
#define CLONE_UNTRACED 0x800000UL
#define CLONE_CHILD_SETTID 0x1000000UL
#define CLONE_NAMESPACES 0x7e020080UL
#define CLONE_IO 0x80000000UL
#define CLONE_CLEAR_SIGHAND 0x100000000UL
#define CLONE_INTO_CGROUP 0x200000000UL
#define CSIGNAL 0xffUL

struct clone_args { /* clone3(2) */
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
	    set_tid_size, cgroup;
};
#define CLONE_ARGS_SIZE_VER0 64

/* Combinations that Linux refuses, with its errno. */
static int
clone_check(struct thread *td, const struct clone_args *ca)
{
	uint64_t flags = ca->flags;

	if (flags & CLONE_NAMESPACES)
		return suser(td) ? EINVAL : EPERM; /* no namespaces: docs/limits.md */
	if (flags & CLONE_INTO_CGROUP)
		return EINVAL;
	if (flags & CLONE_SIGHAND && !(flags & CLONE_VM))
		return EINVAL;
	if (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND))
		return EINVAL;
	if (flags & CLONE_SIGHAND && flags & CLONE_CLEAR_SIGHAND)
		return EINVAL;
	if (flags & CLONE_PIDFD && flags & CLONE_THREAD)
		return EINVAL;
	/* Only a process can be waited for so: ps_vforkparent. */
	if (flags & CLONE_THREAD && flags & CLONE_VFORK)
		return EINVAL;
	/* Threads share the process's tables here; Linux lets them differ, programs do not use it.
	 */
	if (flags & CLONE_THREAD && (flags & (CLONE_FILES | CLONE_FS)) != (CLONE_FILES | CLONE_FS))
		return EINVAL;
	if (flags & CLONE_PARENT && real_parent(td->td_proc) == initproc)
		return EINVAL;
	if (ca->exit_signal > NSIG)
		return EINVAL;
	return 0;
}

static const struct {
	uint64_t clone;
	uint32_t fork;
} clone_map[] = {
    {CLONE_VM, FORK_SHAREVM},        {CLONE_FS, FORK_SHAREFS},
    {CLONE_FILES, FORK_SHAREFILES},  {CLONE_SIGHAND, FORK_SIGHAND},
    {CLONE_VFORK, FORK_PPWAIT},      {CLONE_PARENT, FORK_PARENT},
    {CLONE_THREAD, FORK_THREAD},     {CLONE_PTRACE, FORK_PTRACE},
    {CLONE_UNTRACED, FORK_UNTRACED}, {CLONE_CLEAR_SIGHAND, FORK_CLEARSIG},
};

/* Which statistics a clone counts under: plain ones as fork or vfork, whatever call made them. */
static uint32_t
clone_kind(uint64_t flags)
{
	const uint64_t neutral = CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
				 CLONE_CHILD_SETTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_IO |
				 CLONE_SYSVSEM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;

	flags &= ~neutral;
	if (flags == 0)
		return FORK_FORK;
	return flags == (CLONE_VM | CLONE_VFORK) ? FORK_VFORK
	       : flags & CLONE_THREAD            ? 0
						 : FORK_RFORK;
}

static int
clone_common(struct thread *td, const struct clone_args *ca, pid_t set_tid, long *retval)
{
	struct fork_args fa = {0};
	pid_t pid;
	int error;

	if ((error = clone_check(td, ca)) != 0)
		return error;
	if (set_tid != 0 && !suser(td))
		return EPERM;
	for (size_t i = 0; i < nitems(clone_map); i++)
		if (ca->flags & clone_map[i].clone)
			fa.flags |= clone_map[i].fork;
	fa.flags |= clone_kind(ca->flags);
	/* Whoever gets a sibling's signal has agreed to ours, not to one that we choose. */
	fa.exitsig = ca->flags & CLONE_PARENT ? td->td_proc->ps_exitsig : (int)ca->exit_signal;
	fa.stack = ca->stack;
	fa.set_tcb = (ca->flags & CLONE_SETTLS) != 0;
	fa.tcb = ca->tls;
	fa.parent_tid = ca->flags & CLONE_PARENT_SETTID ? ca->parent_tid : 0;
	fa.child_tid = ca->flags & CLONE_CHILD_SETTID ? ca->child_tid : 0;
	fa.clear_tid = ca->flags & CLONE_CHILD_CLEARTID ? ca->child_tid : 0;
	fa.pidfd = ca->flags & CLONE_PIDFD ? ca->pidfd : 0;
	fa.set_tid = set_tid;
	if ((error = fork1(td, &fa, NULL, &pid)) == 0)
		*retval = pid;
	return error;
}

/* clone(flags, stack, parent_tid, child_tid, tls): CLONE_PIDFD uses parent_tid. */
SYSCALL(clone)
{
	struct clone_args ca = {.flags = (uint32_t)a[0] & ~CSIGNAL,
				.exit_signal = a[0] & CSIGNAL,
				.stack = a[1],
				.parent_tid = a[2],
				.pidfd = a[2],
				.child_tid = a[3],
				.tls = a[4]};

	if ((ca.flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) ==
		(CLONE_PIDFD | CLONE_PARENT_SETTID) ||
	    (ca.flags & (CLONE_PIDFD | CLONE_DETACHED)) == (CLONE_PIDFD | CLONE_DETACHED))
		return EINVAL;
	return clone_common(td, &ca, 0, retval);
}

/* Bytes past what we know must be zero (E2BIG), as every extensible structure of Linux has it. */
static int
check_zero_tail(uint64_t uaddr, size_t from, size_t size)
{
	uint8_t buf[64];

	while (from < size) {
		size_t n = MIN(size - from, sizeof(buf));
		int error = copyin((const void *)(uaddr + from), buf, n);

		if (error != 0)
			return error;
		for (size_t i = 0; i < n; i++)
			if (buf[i] != 0)
				return E2BIG;
		from += n;
	}
	return 0;
}

static int
clone3_args(uint64_t uaddr, size_t size, struct clone_args *ca)
{
	int error;

	memset(ca, 0, sizeof(*ca));
	if (size > PAGE_SIZE)
		return E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return EINVAL;
	if ((error = copyin((const void *)uaddr, ca, MIN(size, sizeof(*ca)))) != 0)
		return error;
	if ((error = check_zero_tail(uaddr, sizeof(*ca), size)) != 0)
		return error;
	if (ca->flags & (CSIGNAL & ~0x80UL) || ca->flags & CLONE_DETACHED ||
	    ca->exit_signal & ~CSIGNAL)
		return EINVAL;
	if ((ca->stack == 0) != (ca->stack_size == 0) || ca->stack + ca->stack_size < ca->stack)
		return EINVAL;
	if (ca->flags & (CLONE_THREAD | CLONE_PARENT) && ca->exit_signal != 0)
		return EINVAL;
	ca->stack += ca->stack_size; /* clone3 gives the lowest byte */
	return 0;
}

/* set_tid: the wanted pid; one pid namespace, so at most one. */
static int
clone3_set_tid(const struct clone_args *ca, pid_t *tid)
{
	int error;

	*tid = 0;
	if ((ca->set_tid == 0) != (ca->set_tid_size == 0) || ca->set_tid_size > 1)
		return EINVAL;
	if (ca->set_tid_size == 0)
		return 0;
	if ((error = copyin((const void *)ca->set_tid, tid, sizeof(*tid))) != 0)
		return error;
	return *tid < 1 || ca->flags & CLONE_THREAD ? EINVAL : 0;
}

SYSCALL(clone3)
{
	struct clone_args ca;
	pid_t set_tid;
	int error;

	if ((error = clone3_args(a[0], a[1], &ca)) != 0 ||
	    (error = clone3_set_tid(&ca, &set_tid)) != 0)
		return error;
	return clone_common(td, &ca, set_tid, retval);
}
