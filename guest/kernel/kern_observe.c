/* SPDX-License-Identifier: ISC */
/* kern_observe.c: system calls of threads that somebody watches. */
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ktrace.h>
#include <sys/pledge.h>
#include <sys/profil.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/systm.h>

static bool
observed(const struct thread *td)
{
	const struct ptrace_thread *pt = td->td_ptrace;

	const struct process *ps = td->td_proc;

	return (pt != NULL && pt->pt_flags & PTF_SYSCALL) || ps->ps_flags & PS_PLEDGE ||
	       KTRPOINT(ps, KTR_SYSCALL) || KTRPOINT(ps, KTR_SYSRET);
}

void
observe_update(struct thread *td)
{
	td->td_sysmax = observed(td) ? 0 : SYS_MAX;
}

void
observe_update_process(struct process *ps)
{
	struct thread *td;

	TAILQ_FOREACH (td, &ps->ps_threads, td_link)
		observe_update(td);
}

/* The tracer may have put another number, or one that skips the call, into the registers; the
 * arguments are read where they are, in the trap frame. */
static int
syscall_observed(struct thread *td, uint64_t nr, const uint64_t *a, long *retval)
{
	int error;
	bool stops = td->td_ptrace != NULL && td->td_ptrace->pt_flags & PTF_SYSCALL;

	if (!ptrace_syscall_enter(td))
		return ERESTART;
	if (stops)
		nr = cpu_syscall_number(td);
	if (nr >= SYS_MAX)
		return stops ? EJUSTRETURN : syscall_missing(nr);
	td->td_syscall = (uint32_t)nr;
	if (td->td_proc->ps_flags & PS_PLEDGE && (error = pledge_syscall(td, nr, a)) != 0)
		return error;
	ktrace_syscall(td, nr, a);
	error =
	    sysent[nr].sy_call != NULL ? sysent[nr].sy_call(td, a, retval) : syscall_missing(nr);
	ktrace_sysret(td, nr, error, *retval);
	return error;
}

int
syscall_uncommon(struct thread *td, uint64_t nr, const uint64_t *a, long *retval)
{
	return td->td_sysmax == 0 ? syscall_observed(td, nr, a, retval) : syscall_missing(nr);
}

/* The program is another one now; td_tid may be, too. */
void
observe_exec(struct thread *td, pid_t former_tid)
{
	struct process *ps = td->td_proc;

	if (ps->ps_flags & PS_PLEDGE)
		pledge_exec(ps);
	profil_stop(ps);
	profil_free(ps);
	ktrace_exec(ps);
	ptrace_exec_event(td, former_tid);
}
