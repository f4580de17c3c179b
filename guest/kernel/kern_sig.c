/* SPDX-License-Identifier: ISC */
/*
 * kern_sig.c: sending signals: who takes a signal, stop and continue.
 *
 * A signal to a process is pending there until a thread that does not block it takes it on its way
 * to user mode (kern_sigact.c).  One such thread is chosen and told by TDF_SIGPENDING: the main one
 * if it can, as programs expect.  When the chosen thread blocks the signal or exits instead,
 * another one is told.
 */
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <machine/trace.h>

/* ---- properties ---- */

bool
signal_kills(int sig)
{
	return (sigmask(sig) & (SIG_IGNMASK | SIG_STOPMASK)) == 0;
}

/* A tracer sees every signal before it is ignored. */
static bool
sig_ignored(const struct process *ps, int sig)
{
	vaddr_t handler = ps->ps_sigacts->sa_act[sig - 1].sa_handler;

	if (ps->ps_flags & PS_TRACED)
		return false;
	return handler == SIG_IGN || (handler == SIG_DFL && (sigmask(sig) & SIG_IGNMASK) != 0);
}

sigset_t
sig_ignored_set(const struct process *ps)
{
	sigset_t set = 0;

	for (int sig = 1; sig <= NSIG; sig++)
		if (sig_ignored(ps, sig))
			set |= sigmask(sig);
	return set;
}

/* ---- whom to tell ---- */

bool
thread_killed(const struct thread *td)
{
	return td->td_flags & TDF_EXIT ||
	       ((td->td_sigpend.sp_set | td->td_proc->ps_sigpend.sp_set) & sigmask(SIGKILL)) != 0;
}

bool
signal_pending(struct thread *td)
{
	const struct process *ps = td->td_proc;
	sigset_t set;

	if (td->td_flags & (TDF_EXIT | TDF_SUSPSINGLE | TDF_TRACEDRET))
		return true;
	if (!(td->td_flags & TDF_SIGPENDING))
		return false;
	if (ps->ps_flags & PS_STOPPED)
		return true;
	set = (td->td_sigpend.sp_set | ps->ps_sigpend.sp_set) & ~td->td_sigmask;
	for (; set != 0; set &= set - 1)
		if (!sig_ignored(ps, __builtin_ctzll(set) + 1))
			return true;
	return false;
}

static void
signal_wake(struct thread *td)
{
	td->td_flags |= TDF_SIGPENDING;
	if (td->td_state == TDS_SLEEP && td->td_flags & TDF_SINTR)
		thread_unsleep(td, EINTR);
}

/* Would td take a signal of set, now or in sigtimedwait()? */
static bool
takes(const struct thread *td, sigset_t set)
{
	return !(td->td_flags & TDF_EXIT) && (set & (~td->td_sigmask | td->td_sigwait)) != 0;
}

static struct thread *
choose_thread(struct process *ps, sigset_t set, const struct thread *except)
{
	struct thread *t = ps->ps_mainthread;

	if (t != NULL && t != except && takes(t, set))
		return t;
	TAILQ_FOREACH (t, &ps->ps_threads, td_link)
		if (t != except && takes(t, set))
			return t;
	return NULL;
}

/* td will not take these signals of the process: let another thread do it. */
static void
retarget(struct thread *td, sigset_t set)
{
	struct thread *t;

	for (; set != 0; set &= set - 1)
		if ((t = choose_thread(td->td_proc, set & -set, td)) != NULL)
			signal_wake(t);
}

void
signotify(struct thread *td)
{
	const struct process *ps = td->td_proc;
	sigset_t set = td->td_sigpend.sp_set | ps->ps_sigpend.sp_set;

	if ((set & ~td->td_sigmask) != 0 || td->td_flags & TDF_OLDMASK || ps->ps_flags & PS_STOPPED)
		td->td_flags |= TDF_SIGPENDING;
	else
		td->td_flags &= ~TDF_SIGPENDING;
	if (unlikely((ps->ps_sigpend.sp_set & td->td_sigmask) != 0 && ps->ps_nthreads > 1))
		retarget(td, ps->ps_sigpend.sp_set & td->td_sigmask);
}

void
sigmask_set(struct thread *td, sigset_t mask)
{
	td->td_sigmask = mask & ~SIG_UNBLOCKABLE;
	signotify(td);
}

void
signal_thread_exit(struct thread *td)
{
	sigpend_flush(&td->td_sigpend);
	if (td->td_proc->ps_nthreads > 1)
		retarget(td, td->td_proc->ps_sigpend.sp_set);
}

/* ---- stop and continue ---- */

void
process_run_threads(struct process *ps)
{
	struct thread *t;

	ps->ps_flags &= ~PS_STOPPED;
	TAILQ_FOREACH (t, &ps->ps_threads, td_link)
		if (t->td_state == TDS_STOPPED)
			setrunqueue(t);
}

static void
notify_parent_of_stop(struct process *ps, int code, int status)
{
	struct process *parent = ps->ps_pptr;
	struct siginfo si;

	if (parent == NULL)
		return;
	siginfo_init(&si, SIGCHLD, code);
	si.u.chld.pid = ps->ps_pid;
	si.u.chld.uid = ps->ps_cred->cr_ruid;
	si.u.chld.status = status;
	if (!(parent->ps_sigacts->sa_act[SIGCHLD - 1].sa_flags & SA_NOCLDSTOP))
		psignal_info(parent, SIGCHLD, &si);
	wakeup(parent);
}

/* Threads stop when they are about to go to user mode; sleeping ones are sent there. */
void
process_stop(struct process *ps, int sig)
{
	struct thread *t;

	ps->ps_flags = (ps->ps_flags & ~(PS_CONTINUED | PS_WAITED)) | PS_STOPPED;
	ps->ps_xstat = sig;
	TAILQ_FOREACH (t, &ps->ps_threads, td_link)
		signal_wake(t);
	if (!(ps->ps_flags & PS_TRACED)) /* else each thread tells the tracer */
		notify_parent_of_stop(ps, CLD_STOPPED, sig);
}

void
process_continue(struct process *ps)
{
	if (!(ps->ps_flags & PS_STOPPED))
		return;
	ps->ps_flags = (ps->ps_flags & ~PS_WAITED) | PS_CONTINUED;
	process_run_threads(ps);
	notify_parent_of_stop(ps, CLD_CONTINUED, SIGCONT);
}

/* ---- sending ---- */

/* An ignored signal is kept only if it is blocked: the action may change before it is unblocked. */
static bool
worth_queueing(const struct process *ps, const struct thread *td, int sig)
{
	if (!sig_ignored(ps, sig))
		return true;
	if (td == NULL)
		td = ps->ps_mainthread;
	return td != NULL && ((td->td_sigmask | td->td_sigwait) & sigmask(sig)) != 0;
}

static bool
takes_signals(const struct process *ps)
{
	return ps != initproc && !(ps->ps_flags & (PS_EMBRYO | PS_ZOMBIE | PS_SYSTEM | PS_EXITING));
}

/* What a signal does whether or not it is blocked or ignored. */
static void
stop_continue_effects(struct process *ps, int sig)
{
	if (sig == SIGCONT) {
		signal_discard(ps, SIG_STOPMASK);
		process_continue(ps);
	} else if (sigmask(sig) & SIG_STOPMASK) {
		signal_discard(ps, sigmask(SIGCONT));
	}
}

static void
signal_post(struct process *ps, struct thread *td, int sig)
{
	KTRACE(SIGNAL, sig, ps->ps_pid);
	if (sig == SIGKILL)
		process_run_threads(ps);
	if (td == NULL)
		td = choose_thread(ps, sigmask(sig), NULL);
	if (td != NULL && takes(td, sigmask(sig)))
		signal_wake(td);
	signalfd_posted();
}

int
signal_send(struct process *ps, struct thread *td, int sig, const struct siginfo *info)
{
	int error;

	if (!takes_signals(ps))
		return 0;
	stop_continue_effects(ps, sig);
	if (!worth_queueing(ps, td, sig))
		return 0;
	error = sigpend_add(ps, td != NULL ? &td->td_sigpend : &ps->ps_sigpend, sig, info);
	if (error == 0)
		signal_post(ps, td, sig);
	return error;
}

bool
sigqueue_timer(struct process *ps, struct thread *td, struct sigqueue *sq)
{
	struct sigpend *sp = td != NULL ? &td->td_sigpend : &ps->ps_sigpend;
	int sig = sq->sq_info.si_signo;

	if (!takes_signals(ps))
		return false;
	stop_continue_effects(ps, sig);
	if (!worth_queueing(ps, td, sig))
		return false;
	TAILQ_INSERT_TAIL(&sp->sp_queue, sq, sq_link);
	sp->sp_set |= sigmask(sig);
	signal_post(ps, td, sig);
	return true;
}

void
psignal(struct process *ps, int sig)
{
	(void)signal_send(ps, NULL, sig, NULL);
}

void
psignal_info(struct process *ps, int sig, const struct siginfo *info)
{
	(void)signal_send(ps, NULL, sig, info);
}

void
tsignal_info(struct thread *td, int sig, const struct siginfo *info)
{
	(void)signal_send(td->td_proc, td, sig, info);
}

void
pgsignal(struct pgrp *pg, int sig, bool checkctty)
{
	struct process *ps;

	if (pg == NULL)
		return;
	LIST_FOREACH (ps, &pg->pg_members, ps_pglist)
		if (!checkctty || ps->ps_flags & PS_CONTROLT)
			psignal(ps, sig);
}

/* SIGCONT may go to any process of the sender's session. */
int
cansignal(struct process *target, int sig)
{
	const struct process *self = curthread->td_proc;
	const struct cred *from = self->ps_cred, *to = target->ps_cred;

	if (from->cr_uid == 0 || target == self || from->cr_uid == to->cr_ruid ||
	    from->cr_uid == to->cr_svuid || from->cr_ruid == to->cr_ruid ||
	    from->cr_ruid == to->cr_svuid)
		return 0;
	if (sig == SIGCONT && session_of(self) == session_of(target))
		return 0;
	return EPERM;
}
