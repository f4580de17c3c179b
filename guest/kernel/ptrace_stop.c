/* SPDX-License-Identifier: ISC */
/* ptrace_stop.c: stops of a traced thread: it tells its tracer and sleeps until it may go on. */
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ptrace.h>
#include <sys/systm.h>

#define EVENT_STATUS(sig, event) ((sig) | (event) << 8)

/* ---- the stop itself ---- */

static void
tell_tracer(struct process *ps, struct thread *td, int sig)
{
	struct process *tracer = ps->ps_pptr;
	struct siginfo si;

	siginfo_init(&si, SIGCHLD, CLD_TRAPPED);
	si.u.chld.pid = td->td_tid;
	si.u.chld.uid = ps->ps_cred->cr_ruid;
	si.u.chld.status = sig;
	if (!(tracer->ps_sigacts->sa_act[SIGCHLD - 1].sa_flags & SA_NOCLDSTOP))
		psignal_info(tracer, SIGCHLD, &si);
	wakeup(tracer);
}

/* A listening thread leaves its group stop when that has ended. */
static bool
stays(const struct thread *td)
{
	const struct ptrace_thread *pt = td->td_ptrace;

	if (pt == NULL || !(pt->pt_flags & PTF_STOPPED) || thread_killed(td))
		return false;
	return !(pt->pt_flags & PTF_LISTEN) || td->td_proc->ps_flags & PS_STOPPED;
}

static void
stop_begin(struct thread *td, uint32_t kind, int status, struct siginfo *si)
{
	struct ptrace_thread *pt = td->td_ptrace;

	pt->pt_flags &= PTF_SEIZED | PTF_SYSCALL;
	pt->pt_flags |= PTF_STOPPED | kind;
	pt->pt_status = status;
	pt->pt_info = si;
	pt->pt_state->pe_report.pe_tid = td->td_tid;
	td->td_ptsig = 0;
	tell_tracer(td->td_proc, td, status & 0x7f);
}

/* Still stopped: killed, or a group stop that a listener has seen end; it reports that next. */
static void
stop_end(struct thread *td)
{
	struct ptrace_thread *pt = td->td_ptrace;

	if (pt == NULL)
		return;
	if (pt->pt_flags & PTF_LISTEN)
		td->td_flags |= TDF_TRACEDRET;
	pt->pt_flags &= ~(PTF_STOPPED | PTF_LISTEN);
	pt->pt_info = NULL;
}

/* Returns the signal that the tracer has sent along. */
static int
ptrace_stop(struct thread *td, uint32_t kind, int status, struct siginfo *si)
{
	if (thread_killed(td))
		return 0;
	stop_begin(td, kind, status, si);
	while (stays(td)) {
		td->td_state = TDS_STOPPED;
		mi_switch();
	}
	stop_end(td);
	return thread_killed(td) ? 0 : td->td_ptsig;
}

/* A stop that is no signal's shows a SIGTRAP of its own making. */
static int
trap_stop(struct thread *td, uint32_t kind, int status)
{
	struct siginfo si;

	siginfo_init(&si, status & 0x7f, status);
	si.u.kill.pid = td->td_tid;
	si.u.kill.uid = td->td_proc->ps_cred->cr_ruid;
	return ptrace_stop(td, kind, status, &si);
}

/* ---- signals and job control ---- */

/* What the tracer sends instead comes from it. */
static void
siginfo_from_tracer(struct thread *td, int sig, struct siginfo *si)
{
	const struct process *tracer = td->td_proc->ps_pptr;

	siginfo_init(si, sig, SI_USER);
	si->u.kill.pid = tracer->ps_pid;
	si->u.kill.uid = tracer->ps_cred->cr_ruid;
}

int
ptrace_signal(struct thread *td, int sig, struct siginfo *si)
{
	if (td->td_ptrace == NULL || sig == SIGKILL)
		return sig;
	sig = ptrace_stop(td, PTF_SIGNAL, sig, si);
	if (sig != 0 && sig != si->si_signo)
		siginfo_from_tracer(td, sig, si);
	if (sig != 0 && td->td_sigmask & sigmask(sig)) {
		tsignal_info(td, sig, si);
		return 0;
	}
	return sig;
}

void
ptrace_group_stop(struct thread *td)
{
	int sig = td->td_proc->ps_xstat;
	bool seized = (td->td_ptrace->pt_flags & PTF_SEIZED) != 0;

	td->td_flags &= ~TDF_TRACEDRET;
	(void)trap_stop(td, PTF_GROUP, seized ? EVENT_STATUS(sig, PTRACE_EVENT_STOP) : sig);
	if (td->td_flags & TDF_TRACEDRET)
		ptrace_trap(td); /* a listener learns of the end before any signal */
}

/* PTRACE_INTERRUPT, the end of a group stop, the first instruction of a new thread.  While the
 * process is stopped the group stop says it all. */
void
ptrace_trap(struct thread *td)
{
	td->td_flags &= ~TDF_TRACEDRET;
	if (td->td_ptrace == NULL)
		return;
	if (td->td_proc->ps_flags & PS_STOPPED)
		td->td_flags |= TDF_SIGPENDING;
	else
		(void)trap_stop(td, 0, EVENT_STATUS(SIGTRAP, PTRACE_EVENT_STOP));
}

/* ---- events inside system calls ---- */

bool
ptrace_wants(const struct thread *td, int event)
{
	return td->td_ptrace != NULL && td->td_ptrace->pt_options & 1u << event;
}

void
ptrace_event(struct thread *td, int event, uint64_t message)
{
	if (!ptrace_wants(td, event))
		return;
	td->td_ptrace->pt_message = message;
	(void)trap_stop(td, PTF_INCALL, EVENT_STATUS(SIGTRAP, event));
}

int
fork_event_kind(const struct fork_args *fa)
{
	if (fa->flags & FORK_PPWAIT)
		return PTRACE_EVENT_VFORK;
	return fa->flags & FORK_THREAD || fa->exitsig != SIGCHLD ? PTRACE_EVENT_CLONE
								 : PTRACE_EVENT_FORK;
}

/* The parent's side.  OpenBSD's parent gets a plain SIGTRAP, and so only if the child is traced. */
void
ptrace_fork_event(struct thread *td, const struct fork_args *fa, pid_t child)
{
	if (td->td_ptrace == NULL || fa->flags & FORK_UNTRACED)
		return;
	if (fa->flags & FORK_FORK && td->td_ptrace->pt_state->pe_event_mask & PTRACE_FORK)
		tsignal_info(td, SIGTRAP, NULL);
	else
		ptrace_event(td, fork_event_kind(fa), (uint64_t)child);
}

/* Without the option an ordinary SIGTRAP is sent, as it always was; not to who has been seized. */
void
ptrace_exec_event(struct thread *td, pid_t former_tid)
{
	struct ptrace_thread *pt = td->td_ptrace;

	if (pt == NULL)
		return;
	if (ptrace_wants(td, PTRACE_EVENT_EXEC))
		ptrace_event(td, PTRACE_EVENT_EXEC, (uint64_t)former_tid);
	else if (!(pt->pt_flags & PTF_SEIZED))
		tsignal_info(td, SIGTRAP, NULL);
}

/* ---- system calls ---- */

static int
syscall_stop(struct thread *td, uint32_t kind)
{
	uint32_t good = td->td_ptrace->pt_options & PTRACE_O_TRACESYSGOOD;

	return trap_stop(td, kind, SIGTRAP | (good ? 0x80 : 0));
}

static void
send_along(struct thread *td, int sig)
{
	struct siginfo si;

	if (sig == 0)
		return;
	siginfo_from_tracer(td, sig, &si);
	tsignal_info(td, sig, &si);
}

/* The result until the call has one is ENOSYS: who skips the call sees that. */
bool
ptrace_syscall_enter(struct thread *td)
{
	if (td->td_ptrace == NULL || !(td->td_ptrace->pt_flags & PTF_SYSCALL))
		return true;
	cpu_set_retval(td, -ENOSYS);
	send_along(td, syscall_stop(td, PTF_ENTER));
	return !thread_killed(td);
}

/* The tracer sees how an interrupted call will go on, and may decide otherwise by changing it. */
int
ptrace_syscall_leave(struct thread *td, int syserr)
{
	td->td_flags &= ~TDF_SYSTRACE;
	if (td->td_ptrace == NULL)
		return syserr;
	if (syserr != 0)
		cpu_set_retval(td, -(long)syserr);
	send_along(td, syscall_stop(td, PTF_LEAVE));
	if (syserr == 0)
		return 0;
	if (cpu_retval(td) != -(long)syserr)
		return 0;
	cpu_set_retval(td, -EINTR);
	return syserr;
}

/* ---- going on ---- */

void
ptrace_resume(struct ptrace_thread *pt, int sig)
{
	struct thread *td = pt->pt_thread;
	struct process *ps = td->td_proc;
	bool incall = (pt->pt_flags & (PTF_ENTER | PTF_INCALL)) != 0;

	if (incall && pt->pt_flags & PTF_SYSCALL)
		td->td_flags |= TDF_SYSTRACE;
	if (pt->pt_flags & PTF_GROUP && ps->ps_flags & PS_STOPPED)
		process_run_threads(ps);
	pt->pt_state->pe_report = (struct ptrace_report){0};
	pt->pt_flags &= ~(PTF_STOPPED | PTF_KIND);
	td->td_ptsig = sig;
	observe_update(td);
	if (td->td_state == TDS_STOPPED)
		setrunqueue(td);
}
