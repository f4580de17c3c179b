/* SPDX-License-Identifier: ISC */
/* sys_proc.c: ids of processes, groups and sessions; yielding. */
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/systm.h>

SYSCALL(getpid)
{
	(void)a;
	*retval = td->td_proc->ps_pid;
	return 0;
}

SYSCALL(gettid)
{
	(void)a;
	*retval = td->td_tid;
	return 0;
}

/* While a tracer has adopted the process, its real parent is ps_oppid. */
SYSCALL(getppid)
{
	struct process *ps = td->td_proc;

	(void)a;
	*retval = ps->ps_oppid != 0 ? ps->ps_oppid : ps->ps_pptr->ps_pid;
	return 0;
}

SYSCALL(getpgrp)
{
	(void)a;
	*retval = td->td_proc->ps_pgrp->pg_id;
	return 0;
}

/* Process pid, the caller's for 0; zombies count. */
static struct process *
process_arg(struct thread *td, uint64_t arg)
{
	return (pid_t)arg == 0 ? td->td_proc : zprfind((pid_t)arg);
}

SYSCALL(getpgid)
{
	struct process *ps = process_arg(td, a[0]);

	if (ps == NULL)
		return ESRCH;
	*retval = ps->ps_pgrp->pg_id;
	return 0;
}

SYSCALL(getsid)
{
	struct process *ps = process_arg(td, a[0]);

	if (ps == NULL)
		return ESRCH;
	*retval = session_of(ps)->s_sid;
	return 0;
}

SYSCALL(setsid)
{
	pid_t sid;
	int error;

	(void)a;
	if ((error = setsid_process(td->td_proc, &sid)) == 0)
		*retval = sid;
	return error;
}

/* May the caller move target: itself, or a child of its session that has not called exec. */
static int
setpgid_allowed(struct process *cur, struct process *target)
{
	if (target != cur) {
		if (real_parent(target) != cur)
			return ESRCH;
		if (session_of(target) != session_of(cur))
			return EPERM;
		if (target->ps_flags & PS_EXEC)
			return EACCES;
	}
	return session_of(target)->s_leader == target ? EPERM : 0;
}

SYSCALL(setpgid)
{
	struct process *cur = td->td_proc, *target = process_arg(td, a[0]);
	pid_t pgid = (pid_t)a[1];
	struct pgrp *pg;
	int error;

	(void)retval;
	if (pgid < 0)
		return EINVAL;
	if (target == NULL)
		return ESRCH;
	if ((error = setpgid_allowed(cur, target)) != 0)
		return error;
	if (pgid == 0)
		pgid = target->ps_pid;
	pg = pgfind(pgid);
	if (pgid != target->ps_pid && (pg == NULL || pg->pg_session != session_of(cur)))
		return EPERM;
	return enterpgrp(target, pgid, false);
}

SYSCALL(sched_yield)
{
	(void)a;
	(void)retval;
	sched_yield_thread(td);
	return 0;
}
