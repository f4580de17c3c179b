/* SPDX-License-Identifier: ISC */
/* sys_sig.c: actions, masks, waiting for signals, the signal stack. */
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

static int
copyin_sigset(vaddr_t uaddr, uint64_t size, sigset_t *set)
{
	if (size != sizeof(*set))
		return EINVAL;
	return user_load64((const uint64_t *)uaddr, set);
}

/* ---- actions ---- */

static int
set_action(struct process *ps, int sig, const struct sigaction *sa)
{
	struct sigacts *acts = sigacts_own(ps);

	if (acts == NULL)
		return ENOMEM;
	acts->sa_act[sig - 1] = *sa;
	acts->sa_act[sig - 1].sa_mask &= ~SIG_UNBLOCKABLE;
	acts->sa_set |= sigmask(sig);
	/* POSIX: a pending signal that becomes ignored is forgotten, blocked or not. */
	if (sa->sa_handler == SIG_IGN || (sa->sa_handler == SIG_DFL && sigmask(sig) & SIG_IGNMASK))
		signal_discard(ps, sigmask(sig));
	return 0;
}

SYSCALL(rt_sigaction)
{
	struct process *ps = td->td_proc;
	struct sigaction sa, old;
	int sig = (int)a[0], error;

	if (a[3] != sizeof(sigset_t) || sig < 1 || sig > NSIG)
		return EINVAL;
	if (a[1] != 0) {
		if (sigmask(sig) & SIG_UNBLOCKABLE)
			return EINVAL;
		if ((error = copyin((const void *)a[1], &sa, sizeof(sa))) != 0)
			return error;
	}
	old = ps->ps_sigacts->sa_act[sig - 1];
	if (a[1] != 0 && (error = set_action(ps, sig, &sa)) != 0)
		return error;
	return a[2] != 0 ? copyout(&old, (void *)a[2], sizeof(old)) : 0;
}

/* ---- masks ---- */

static int
apply_mask(struct thread *td, int how, sigset_t set)
{
	switch (how) {
	case SIG_BLOCK:
		sigmask_set(td, td->td_sigmask | set);
		return 0;
	case SIG_UNBLOCK:
		sigmask_set(td, td->td_sigmask & ~set);
		return 0;
	case SIG_SETMASK:
		sigmask_set(td, set);
		return 0;
	default:
		return EINVAL;
	}
}

SYSCALL(rt_sigprocmask)
{
	sigset_t set, old = td->td_sigmask;
	int error;

	if (a[3] != sizeof(sigset_t))
		return EINVAL;
	if (a[1] != 0 && ((error = copyin_sigset(a[1], a[3], &set)) != 0 ||
			  (error = apply_mask(td, (int)a[0], set)) != 0))
		return error;
	return a[2] != 0 ? copyout(&old, (void *)a[2], sizeof(old)) : 0;
}

SYSCALL(rt_sigpending)
{
	sigset_t set = td->td_sigpend.sp_set | td->td_proc->ps_sigpend.sp_set;

	if (a[1] > sizeof(set))
		return EINVAL;
	set &= td->td_sigmask;
	return copyout(&set, (void *)a[0], a[1]);
}

SYSCALL(rt_sigreturn)
{
	sigset_t mask;

	td->td_restart = NULL;
	if (cpu_sigreturn(td, &mask) != 0)
		trapsignal(td, SIGSEGV, SI_KERNEL, 0);
	else
		sigmask_set(td, mask);
	return EJUSTRETURN;
}

/* ---- waiting ---- */

static int
wait_for_handler(struct thread *td)
{
	int error;

	do
		error = tsleep(&td->td_sigmask, PCATCH, "sigwait", 0);
	while (error == 0);
	return ERESTARTNOHAND;
}

SYSCALL(pause)
{
	return wait_for_handler(td);
}

/* The old mask comes back on the way to user mode, in the handler's frame if one runs. */
SYSCALL(rt_sigsuspend)
{
	sigset_t set;
	int error = copyin_sigset(a[0], a[1], &set);

	if (error != 0)
		return error;
	td->td_oldmask = td->td_sigmask;
	td->td_flags |= TDF_OLDMASK;
	sigmask_set(td, set);
	return wait_for_handler(td);
}

/* The signals waited for stay blocked: senders find the thread by td_sigwait. */
static int
sigwait(struct thread *td, sigset_t set, nsec_t deadline, struct siginfo *si, int *sigp)
{
	int error = 0;

	for (;;) {
		if ((*sigp = signal_take(td, set, si)) != 0)
			break;
		if (error == 0 && deadline != 0 && nanouptime() >= deadline)
			error = ETIMEDOUT;
		if (error == ETIMEDOUT || (error == EINTR && signal_pending(td)))
			break;
		td->td_sigwait = set;
		error = tsleep(&td->td_sigwait, PCATCH, "sigwait", deadline);
		td->td_sigwait = 0;
	}
	signotify(td);
	if (*sigp != 0)
		return 0;
	return error == ETIMEDOUT ? EAGAIN : EINTR;
}

SYSCALL(rt_sigtimedwait)
{
	nsec_t timeout, deadline = 0;
	struct siginfo si;
	sigset_t set;
	int error, sig;

	if ((error = copyin_sigset(a[0], a[3], &set)) != 0)
		return error;
	if (a[2] != 0) {
		if ((error = copyin_timespec(a[2], &timeout)) != 0)
			return error;
		deadline = uptime_after(timeout);
	}
	error = sigwait(td, set & ~SIG_UNBLOCKABLE, deadline, &si, &sig);
	if (error != 0)
		return error;
	*retval = sig;
	return a[1] != 0 ? copyout(&si, (void *)a[1], sizeof(si)) : 0;
}

/* ---- the signal stack ---- */

static bool
on_sigstack(struct thread *td)
{
	const struct sigaltstack *ss = &td->td_sigstk;
	vaddr_t sp = cpu_user_sp(td);

	/* One that disarms itself may be replaced from within. */
	return ((uint32_t)ss->ss_flags & (SS_DISABLE | SS_AUTODISARM)) == 0 && sp > ss->ss_sp &&
	       sp - ss->ss_sp <= ss->ss_size;
}

static int
set_sigstack(struct thread *td, const struct sigaltstack *new)
{
	uint32_t flags = (uint32_t) new->ss_flags, mode = flags & ~SS_AUTODISARM;

	if (on_sigstack(td))
		return EPERM;
	if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
		return EINVAL;
	if (mode == SS_DISABLE) {
		td->td_sigstk = (struct sigaltstack){.ss_flags = SS_DISABLE};
		return 0;
	}
	if (new->ss_size < MINSIGSTKSZ)
		return ENOMEM;
	if (new->ss_sp + new->ss_size < new->ss_sp)
		return EINVAL;
	td->td_sigstk = (struct sigaltstack){.ss_sp = new->ss_sp,
					     .ss_size = new->ss_size,
					     .ss_flags = (int32_t)(flags & SS_AUTODISARM)};
	return 0;
}

SYSCALL(sigaltstack)
{
	struct sigaltstack new, old = td->td_sigstk;
	int error;

	if (old.ss_size == 0)
		old.ss_flags = SS_DISABLE;
	else if (on_sigstack(td))
		old.ss_flags |= SS_ONSTACK;
	old.ss_pad = 0;
	if (a[0] != 0) {
		if ((error = copyin((const void *)a[0], &new, sizeof(new))) != 0 ||
		    (error = set_sigstack(td, &new)) != 0)
			return error;
	}
	return a[1] != 0 ? copyout(&old, (void *)a[1], sizeof(old)) : 0;
}
