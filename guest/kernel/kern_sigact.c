/* SPDX-License-Identifier: ISC */
/* kern_sigact.c: taking signals on the way to user mode; tables of signal actions. */
#include <sys/fork.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/ktrace.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <machine/stats.h>

static struct pool sigacts_pool = POOL_INITIALIZER("sigacts", struct sigacts);

/* ---- tables of actions ---- */

struct sigacts *
sigacts_new(void)
{
	struct sigacts *sa = pool_get(&sigacts_pool, M_ZERO);

	if (sa != NULL)
		sa->sa_refs = 1;
	return sa;
}

struct sigacts *
sigacts_copy(const struct sigacts *from)
{
	struct sigacts *sa = pool_get(&sigacts_pool, 0);

	if (sa != NULL) {
		memcpy(sa, from, sizeof(*sa));
		sa->sa_refs = 1;
		sa->sa_flags = 0;
	}
	return sa;
}

struct sigacts *
sigacts_own(struct process *ps)
{
	struct sigacts *sa = ps->ps_sigacts;

	if (sa->sa_refs == 1 || sa->sa_flags & SIGACTS_SHARED)
		return sa;
	if ((sa = sigacts_copy(sa)) == NULL)
		return NULL;
	sigacts_release(ps->ps_sigacts);
	return ps->ps_sigacts = sa;
}

struct sigacts *
sigacts_fork(struct process *ps, bool share)
{
	struct sigacts *sa = ps->ps_sigacts;

	if (share) {
		if ((sa = sigacts_own(ps)) == NULL)
			return NULL;
		sa->sa_flags |= SIGACTS_SHARED;
	} else if (sigacts_shared(sa)) {
		return sigacts_copy(sa);
	} else {
		sa->sa_flags &= ~SIGACTS_SHARED; /* those it was shared with are gone */
	}
	sa->sa_refs++;
	return sa;
}

void
sigacts_release(struct sigacts *sa)
{
	if (--sa->sa_refs == 0)
		pool_put(&sigacts_pool, sa);
}

/* Handlers go, as their code does; what is ignored stays ignored. */
static void
sigacts_reset(struct sigacts *sa)
{
	for (sigset_t set = sa->sa_set; set != 0; set &= set - 1) {
		int sig = __builtin_ctzll(set) + 1;
		bool ignored = sa->sa_act[sig - 1].sa_handler == SIG_IGN;

		sa->sa_act[sig - 1] = (struct sigaction){.sa_handler = ignored ? SIG_IGN : SIG_DFL};
		if (!ignored)
			sa->sa_set &= ~sigmask(sig);
	}
}

struct sigacts *
sigacts_clear_handlers(const struct sigacts *from)
{
	struct sigacts *sa = sigacts_copy(from);

	if (sa != NULL)
		sigacts_reset(sa);
	return sa;
}

void
sigacts_exec(struct process *ps)
{
	KASSERT(ps->ps_sigacts->sa_refs == 1);
	sigacts_reset(ps->ps_sigacts);
}

/* ---- faults and fatal signals ---- */

/* The handler goes; a process that gets no memory for that dies of the signal `otherwise'. */
static void
handler_reset(struct thread *td, int sig, int otherwise)
{
	struct sigacts *sa = sigacts_own(td->td_proc);

	if (sa == NULL)
		sigexit(td, otherwise);
	sa->sa_act[sig - 1].sa_handler = SIG_DFL;
}

/* If the program blocks or ignores what it has just done itself, it can only die. */
void
trapsignal(struct thread *td, int sig, int code, vaddr_t addr)
{
	const struct sigaction *sa = &td->td_proc->ps_sigacts->sa_act[sig - 1];
	struct siginfo si;

	siginfo_init(&si, sig, code);
	si.u.fault.addr = addr;
	if (sa->sa_handler == SIG_IGN || td->td_sigmask & sigmask(sig)) {
		handler_reset(td, sig, sig);
		sigmask_set(td, td->td_sigmask & ~sigmask(sig));
	}
	tsignal_info(td, sig, &si);
}

/* There are no core files: the status never says that one was written. */
void __noreturn
sigexit(struct thread *td, int sig)
{
	td->td_proc->ps_acflag |= AXSIG;
	exit1(td, W_EXITCODE(0, sig), true);
}

/* ---- delivery ---- */

/* How the interrupted call ends when a handler with these flags runs first. */
static void
settle_syscall(struct thread *td, uint64_t sa_flags, int *syserr)
{
	switch (*syserr) {
	case ERESTART:
		if (sa_flags & SA_RESTART)
			cpu_syscall_restart(td, false);
		else
			cpu_set_retval(td, -EINTR);
		break;
	case ERESTARTNOHAND:
	case ERESTART_BLOCK:
		td->td_restart = NULL;
		cpu_set_retval(td, -EINTR);
		break;
	default:
		break;
	}
	*syserr = 0;
}

/* The same when no handler ran: make the call again. */
static void
resume_syscall(struct thread *td, int *syserr)
{
	if (*syserr == ERESTART || *syserr == ERESTARTNOHAND || *syserr == ERESTART_BLOCK)
		cpu_syscall_restart(td, *syserr == ERESTART_BLOCK);
	*syserr = 0;
}

/* No room for the frame: SIGSEGV instead, fatal if that was the signal. */
static void
frame_failed(struct thread *td, int sig)
{
	if (sig == SIGSEGV)
		handler_reset(td, SIGSEGV, SIGSEGV);
	trapsignal(td, SIGSEGV, SI_KERNEL, 0);
}

static void
call_handler(struct thread *td, int sig, const struct siginfo *si, int *syserr)
{
	struct sigaction sa = td->td_proc->ps_sigacts->sa_act[sig - 1];
	sigset_t oldmask = td->td_flags & TDF_OLDMASK ? td->td_oldmask : td->td_sigmask;

	settle_syscall(td, sa.sa_flags, syserr);
	if (sa.sa_flags & SA_RESETHAND)
		handler_reset(td, sig, SIGKILL);
	td->td_flags &= ~TDF_OLDMASK;
	if (cpu_sendsig(td, &sa, sig, si, oldmask) != 0) {
		sigmask_set(td, oldmask);
		frame_failed(td, sig);
		return;
	}
	if ((uint32_t)td->td_sigstk.ss_flags & SS_AUTODISARM)
		td->td_sigstk = (struct sigaltstack){.ss_flags = SS_DISABLE};
	sigmask_set(td,
		    td->td_sigmask | sa.sa_mask | (sa.sa_flags & SA_NODEFER ? 0 : sigmask(sig)));
	td->td_ru.nsignals++;
	STAT_INC(signals);
}

/* Nobody outside could continue an orphaned group: the terminal's stops do not stop it. */
static void
default_action(struct thread *td, int sig)
{
	struct process *ps = td->td_proc;

	if (sigmask(sig) & SIG_IGNMASK)
		return;
	if (!(sigmask(sig) & SIG_STOPMASK))
		sigexit(td, sig);
	if (sig == SIGSTOP || !isorphaned(ps->ps_pgrp))
		process_stop(ps, sig);
}

static void
stay_stopped(struct thread *td)
{
	while (td->td_proc->ps_flags & PS_STOPPED && !thread_killed(td)) {
		if (td->td_ptrace != NULL) {
			ptrace_group_stop(td);
			continue;
		}
		td->td_state = TDS_STOPPED;
		mi_switch();
	}
}

/* Deal with one pending signal; false if there is none. */
static bool
deliver_one(struct thread *td, int *syserr)
{
	struct siginfo si;
	vaddr_t handler;
	int sig;

	stay_stopped(td);
	if (td->td_flags & TDF_EXIT || (sig = signal_take(td, ~td->td_sigmask, &si)) == 0)
		return false;
	if ((sig = ptrace_signal(td, sig, &si)) == 0)
		return true;
	handler = td->td_proc->ps_sigacts->sa_act[sig - 1].sa_handler;
	if (KTRPOINT(td->td_proc, KTR_PSIG))
		ktrace_psig(td, &si, handler);
	if (handler == SIG_DFL)
		default_action(td, sig);
	else if (handler != SIG_IGN)
		call_handler(td, sig, &si, syserr);
	return true;
}

/* After sigsuspend and its kin when no handler ran; the old mask may let more signals through. */
static bool
restore_mask(struct thread *td)
{
	if (!(td->td_flags & TDF_OLDMASK))
		return false;
	td->td_flags &= ~TDF_OLDMASK;
	sigmask_set(td, td->td_oldmask);
	return true;
}

void
userret_signals(struct thread *td, struct trapframe *tf, int syserr)
{
	(void)tf;
	do {
		while (deliver_one(td, &syserr))
			;
		resume_syscall(td, &syserr);
	} while (restore_mask(td) && !(td->td_flags & TDF_EXIT));
	signotify(td);
}

/* exec single-threads its process by making the others exit; a thread made meanwhile follows. */
static void
leave_for_single_thread(struct thread *td)
{
	td->td_flags &= ~TDF_SUSPSINGLE;
	if (td->td_proc->ps_single != NULL && td->td_proc->ps_single != td)
		exit1(td, 0, false);
}

void
userret(struct thread *td, struct trapframe *tf, int syserr)
{
	for (;;) {
		if (td->td_flags & TDF_EXIT)
			exit1(td, 0, false);
		if (td->td_flags & TDF_SYSTRACE)
			syserr = ptrace_syscall_leave(td, syserr);
		if (td->td_flags & TDF_TRACEDRET)
			ptrace_trap(td);
		if (td->td_flags & TDF_SUSPSINGLE)
			leave_for_single_thread(td);
		if (syserr != 0 || td->td_flags & TDF_SIGPENDING) {
			userret_signals(td, tf, syserr);
			syserr = 0;
		} else if (td->td_flags & TDF_NEEDRESCHED) {
			sched_yield_thread(td);
		} else if (td->td_flags & TDF_TELLHOST) {
			hostchan_tell();
		} else {
			return;
		}
	}
}
