/* SPDX-License-Identifier: ISC */
/* sys_kill.c: sending signals: kill, tkill, tgkill, sigqueue. */
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/systm.h>

static bool
signal_valid(int sig)
{
	return sig >= 0 && sig <= NSIG;
}

static void
sender_info(struct thread *td, int sig, int code, struct siginfo *si)
{
	siginfo_init(si, sig, code);
	si->u.kill.pid = td->td_proc->ps_pid;
	si->u.kill.uid = td->td_proc->ps_cred->cr_ruid;
}

/* Check, and send unless sig is 0. */
static int
kill_one(struct process *ps, struct thread *t, int sig, const struct siginfo *si)
{
	int error = cansignal(ps, sig);

	if (error != 0 || sig == 0)
		return error;
	return signal_send(ps, t, sig, si);
}

/* Each member that may be signalled is; an error only if that is none. */
struct kill_result {
	bool sent, denied;
};

static void
kill_many(struct process *ps, int sig, const struct siginfo *si, struct kill_result *r)
{
	if (kill_one(ps, NULL, sig, si) == EPERM)
		r->denied = true;
	else
		r->sent = true;
}

static int
kill_error(const struct kill_result *r)
{
	if (r->sent)
		return 0;
	return r->denied ? EPERM : ESRCH;
}

static int
kill_pgrp(struct pgrp *pg, int sig, const struct siginfo *si)
{
	struct kill_result r = {false, false};
	struct process *ps;

	if (pg == NULL)
		return ESRCH;
	LIST_FOREACH (ps, &pg->pg_members, ps_pglist)
		if (!(ps->ps_flags & (PS_EMBRYO | PS_SYSTEM)))
			kill_many(ps, sig, si, &r);
	return kill_error(&r);
}

static int
kill_all(struct thread *td, int sig, const struct siginfo *si)
{
	struct kill_result r = {false, false};
	struct process *ps;

	LIST_FOREACH (ps, &allprocess, ps_list)
		if (ps != td->td_proc && ps != initproc &&
		    !(ps->ps_flags & (PS_EMBRYO | PS_SYSTEM)))
			kill_many(ps, sig, si, &r);
	return kill_error(&r);
}

/* A thread's id names its process here, as on Linux. */
static struct process *
kill_target(pid_t pid)
{
	struct process *ps = zprfind(pid);
	struct thread *t;

	if (ps == NULL && (t = tfind(pid)) != NULL)
		ps = t->td_proc;
	return ps;
}

SYSCALL(kill)
{
	pid_t pid = (pid_t)a[0];
	int sig = (int)a[1];
	struct process *ps;
	struct siginfo si;

	if (!signal_valid(sig))
		return EINVAL;
	sender_info(td, sig, SI_USER, &si);
	if (pid == 0)
		return kill_pgrp(td->td_proc->ps_pgrp, sig, &si);
	if (pid == -1)
		return kill_all(td, sig, &si);
	if (pid < 0)
		return pid == INT32_MIN ? ESRCH : kill_pgrp(pgfind(-pid), sig, &si);
	ps = kill_target(pid);
	return ps == NULL ? ESRCH : kill_one(ps, NULL, sig, &si);
}

/* Thread tid of process tgid (0 = any process). */
static int
thread_target(pid_t tgid, pid_t tid, struct thread **tp)
{
	struct thread *t = tfind(tid);

	if (t == NULL || (tgid != 0 && t->td_proc->ps_pid != tgid))
		return ESRCH;
	*tp = t;
	return 0;
}

static int
kern_tkill(struct thread *td, pid_t tgid, pid_t tid, int sig)
{
	struct siginfo si;
	struct thread *t;
	int error;

	if (tid <= 0 || !signal_valid(sig))
		return EINVAL;
	if ((error = thread_target(tgid, tid, &t)) != 0)
		return error;
	sender_info(td, sig, SI_TKILL, &si);
	return kill_one(t->td_proc, t, sig, &si);
}

SYSCALL(tkill)
{
	return kern_tkill(td, 0, (pid_t)a[0], (int)a[1]);
}

SYSCALL(tgkill)
{
	return (pid_t)a[0] <= 0 ? EINVAL : kern_tkill(td, (pid_t)a[0], (pid_t)a[1], (int)a[2]);
}

/* A program may claim anything about a signal it sends itself, but to others it may not pass for
 * the kernel or for kill(). */
static int
copyin_siginfo(struct thread *td, pid_t pid, int sig, vaddr_t uaddr, struct siginfo *si)
{
	int error = copyin((const void *)uaddr, si, sizeof(*si));

	if (error != 0)
		return error;
	if ((si->si_code >= 0 || si->si_code == SI_TKILL) && pid != td->td_proc->ps_pid)
		return EPERM;
	si->si_signo = sig;
	return 0;
}

SYSCALL(rt_sigqueueinfo)
{
	pid_t pid = (pid_t)a[0];
	int sig = (int)a[1], error;
	struct process *ps;
	struct siginfo si;

	if ((error = copyin_siginfo(td, pid, sig, a[2], &si)) != 0)
		return error;
	if (!signal_valid(sig))
		return EINVAL;
	if (pid <= 0 || (ps = kill_target(pid)) == NULL)
		return ESRCH;
	return kill_one(ps, NULL, sig, &si);
}

SYSCALL(rt_tgsigqueueinfo)
{
	pid_t tgid = (pid_t)a[0], tid = (pid_t)a[1];
	int sig = (int)a[2], error;
	struct siginfo si;
	struct thread *t;

	if (tgid <= 0 || tid <= 0)
		return EINVAL;
	if ((error = copyin_siginfo(td, tgid, sig, a[3], &si)) != 0)
		return error;
	if (!signal_valid(sig))
		return EINVAL;
	if ((error = thread_target(tgid, tid, &t)) != 0)
		return error;
	return kill_one(t->td_proc, t, sig, &si);
}
