/* SPDX-License-Identifier: ISC */
/*
 * kern_ptrace.c: who traces whom: attaching, fork following, letting go.
 *
 * ps_ptstat exists while any thread of the process is traced, and until the tracer has reaped the
 * zombie.  All traced threads of a process have the same tracer.
 */
#include <sys/exit.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ptrace.h>
#include <sys/systm.h>

struct ptrace_list ptraced = LIST_HEAD_INITIALIZER(ptraced);
static struct pool state_pool = POOL_INITIALIZER("ptstate", struct ptrace_state);
static struct pool thread_pool = POOL_INITIALIZER("ptthread", struct ptrace_thread);

/* ---- permission ---- */

static bool
same_ids(const struct cred *self, const struct cred *to)
{
	return self->cr_ruid == to->cr_ruid && self->cr_ruid == to->cr_uid &&
	       self->cr_ruid == to->cr_svuid && self->cr_rgid == to->cr_rgid &&
	       self->cr_rgid == to->cr_gid && self->cr_rgid == to->cr_svgid;
}

/* Neither oneself nor the kernel's processes; others' programs, and those that have had more rights
 * than their user, are root's. */
int
cantrace(struct process *target)
{
	struct process *self = curthread->td_proc;

	if (target == self || target == initproc ||
	    target->ps_flags & (PS_SYSTEM | PS_EMBRYO | PS_EXITING | PS_ZOMBIE))
		return EPERM;
	if (self->ps_cred->cr_uid == 0)
		return 0;
	if (!same_ids(self->ps_cred, target->ps_cred) || target->ps_flags & PS_SUGID ||
	    target->ps_dumpable_off)
		return EPERM;
	return 0;
}

/* ---- attaching ---- */

/* With a state for the process it belongs to, unless that has one. */
static struct ptrace_thread *
pt_new(bool state)
{
	struct ptrace_thread *pt = pool_get(&thread_pool, M_ZERO);

	if (pt == NULL)
		return NULL;
	if (state && (pt->pt_state = pool_get(&state_pool, M_ZERO)) == NULL) {
		pool_put(&thread_pool, pt);
		return NULL;
	}
	return pt;
}

/* The tracer adopts the process; the real parent is remembered. */
static void
process_traced(struct process *ps, struct ptrace_state *pe, struct process *tracer)
{
	ps->ps_ptstat = pe;
	pe->pe_process = ps;
	TAILQ_INIT(&pe->pe_threads);
	LIST_INSERT_HEAD(&ptraced, pe, pe_link);
	ps->ps_flags |= PS_TRACED;
	ps->ps_oppid = ps->ps_pptr->ps_pid;
	reparent(ps, tracer);
}

static void
thread_traced(struct thread *td, struct ptrace_thread *pt, struct process *tracer)
{
	if (pt->pt_state != NULL)
		process_traced(td->td_proc, pt->pt_state, tracer);
	else
		pt->pt_state = td->td_proc->ps_ptstat;
	pt->pt_thread = td;
	td->td_ptrace = pt;
	TAILQ_INSERT_TAIL(&pt->pt_state->pe_threads, pt, pt_link);
}

int
ptrace_attach(struct thread *td, struct process *tracer, uint32_t flags, uint32_t options)
{
	struct process *ps = td->td_proc;
	struct ptrace_thread *pt;

	if (td->td_ptrace != NULL || (ps->ps_ptstat != NULL && ps->ps_pptr != tracer))
		return EPERM;
	if ((pt = pt_new(ps->ps_ptstat == NULL)) == NULL)
		return ENOMEM;
	pt->pt_flags = flags;
	pt->pt_options = options;
	thread_traced(td, pt, tracer);
	if (td->td_state == TDS_STOPPED)
		setrunqueue(td); /* to report its group stop */
	return 0;
}

/* ---- letting go ---- */

static void
pt_free(struct ptrace_thread *pt)
{
	TAILQ_REMOVE(&pt->pt_state->pe_threads, pt, pt_link);
	pool_put(&thread_pool, pt);
}

/* The thread goes on as if nobody had ever looked. */
static void
thread_untraced(struct thread *td)
{
	struct ptrace_thread *pt = td->td_ptrace;
	bool stopped = (pt->pt_flags & PTF_STOPPED) != 0;

	td->td_ptrace = NULL;
	td->td_flags &= ~(TDF_SYSTRACE | TDF_TRACEDRET);
	cpu_singlestep(td, false);
	observe_update(td);
	pt_free(pt);
	if (stopped && td->td_state == TDS_STOPPED)
		setrunqueue(td);
}

struct process *
real_parent(const struct process *ps)
{
	struct process *pp;

	if (ps->ps_oppid == 0)
		return ps->ps_pptr;
	pp = prfind(ps->ps_oppid);
	return pp != NULL ? pp : initproc;
}

void
ptrace_detach(struct process *ps)
{
	struct ptrace_state *pe = ps->ps_ptstat;
	struct ptrace_thread *pt;

	while ((pt = TAILQ_FIRST(&pe->pe_threads)) != NULL) {
		if (pt->pt_thread != NULL)
			thread_untraced(pt->pt_thread);
		else
			pt_free(pt);
	}
	reparent(ps, real_parent(ps));
	ps->ps_oppid = 0;
	ptrace_process_free(ps);
	if ((ps->ps_flags & (PS_STOPPED | PS_ZOMBIE)) == PS_STOPPED)
		wakeup(ps->ps_pptr); /* now it may learn of the stop */
}

void
ptrace_process_free(struct process *ps)
{
	struct ptrace_state *pe = ps->ps_ptstat;
	struct ptrace_thread *pt;

	if (pe == NULL)
		return;
	while ((pt = TAILQ_FIRST(&pe->pe_threads)) != NULL)
		pt_free(pt);
	LIST_REMOVE(pe, pe_link);
	ps->ps_ptstat = NULL;
	ps->ps_flags &= ~PS_TRACED;
	pool_put(&state_pool, pe);
}

void
ptrace_detach_thread(struct thread *td)
{
	struct process *ps = td->td_proc;
	struct ptrace_thread *pt;

	thread_untraced(td);
	TAILQ_FOREACH (pt, &ps->ps_ptstat->pe_threads, pt_link)
		if (pt->pt_thread != NULL)
			return;
	ptrace_detach(ps);
}

/* ---- fork following (row D4) ---- */

/* OpenBSD follows what fork() makes, if the tracer has set the event; Linux by options. */
static bool
follows(const struct thread *td, const struct fork_args *fa)
{
	if (fa->flags & FORK_UNTRACED)
		return false;
	return fa->flags & FORK_PTRACE || ptrace_wants(td, fork_event_kind(fa)) ||
	       (fa->flags & FORK_FORK && td->td_proc->ps_ptstat->pe_event_mask & PTRACE_FORK);
}

int
ptrace_fork_prepare(struct thread *td, struct thread *child, const struct fork_args *fa)
{
	struct ptrace_thread *pt;

	if (td->td_ptrace == NULL || !follows(td, fa))
		return 0;
	if ((pt = pt_new((fa->flags & FORK_THREAD) == 0)) == NULL)
		return ENOMEM;
	pt->pt_flags = td->td_ptrace->pt_flags & PTF_SEIZED;
	pt->pt_options = td->td_ptrace->pt_options;
	child->td_ptrace = pt;
	return 0;
}

void
ptrace_fork_abort(struct thread *child)
{
	struct ptrace_thread *pt = child->td_ptrace;

	if (pt == NULL)
		return;
	if (pt->pt_state != NULL)
		pool_put(&state_pool, pt->pt_state);
	pool_put(&thread_pool, pt);
	child->td_ptrace = NULL;
}

static void
report_fork(struct process *ps, pid_t other)
{
	ps->ps_ptstat->pe_report.pe_report_event = PTRACE_FORK;
	ps->ps_ptstat->pe_report.pe_other_pid = other;
}

/* A traced child traps before its first instruction (row D9). */
void
ptrace_fork(struct thread *td, struct thread *child)
{
	struct ptrace_thread *pt = child->td_ptrace;
	struct process *parent = td->td_proc, *ps = child->td_proc;

	if (pt == NULL)
		return;
	if (td->td_ptrace == NULL) { /* no longer traced */
		ptrace_fork_abort(child);
		return;
	}
	thread_traced(child, pt, parent->ps_pptr);
	if (ps != parent) {
		pt->pt_state->pe_event_mask = parent->ps_ptstat->pe_event_mask;
		report_fork(parent, ps->ps_pid);
		report_fork(ps, parent->ps_pid);
	}
	if (pt->pt_flags & PTF_SEIZED)
		child->td_flags |= TDF_TRACEDRET;
	else
		tsignal_info(child, pt->pt_state->pe_event_mask & PTRACE_FORK ? SIGTRAP : SIGSTOP,
			     NULL);
}

/* ---- ends ---- */

/* The first thread's end is reported with the process's, another's by itself. */
void
ptrace_thread_exit(struct thread *td)
{
	const struct process *ps = td->td_proc;
	struct ptrace_thread *pt = td->td_ptrace;

	if (pt == NULL)
		return;
	td->td_ptrace = NULL;
	if (td->td_tid == ps->ps_pid) {
		pt_free(pt);
		return;
	}
	pt->pt_tid = td->td_tid;
	pt->pt_thread = NULL;
	pt->pt_flags = PTF_EXITED;
	pt->pt_status = ps->ps_flags & PS_GROUPEXIT ? ps->ps_xstat : td->td_exitcode;
	wakeup(ps->ps_pptr);
}

static bool
dies_with_tracer(const struct ptrace_state *pe)
{
	const struct ptrace_thread *pt;

	TAILQ_FOREACH (pt, &pe->pe_threads, pt_link)
		if (pt->pt_options & PTRACE_O_EXITKILL)
			return true;
	return false;
}

void
ptrace_tracer_exit(struct process *tracer)
{
	struct ptrace_state *pe, *next;

	LIST_FOREACH_SAFE (pe, &ptraced, pe_link, next) {
		struct process *ps = pe->pe_process;

		if (ps->ps_pptr != tracer)
			continue;
		if (dies_with_tracer(pe))
			psignal(ps, SIGKILL);
		ptrace_detach(ps);
		if (ps->ps_flags & PS_ZOMBIE && ps->ps_pptr != tracer)
			zombie_announce(ps);
	}
}

void
ptrace_parent_exit(struct process *ps, struct process *heir)
{
	struct ptrace_state *pe;

	LIST_FOREACH (pe, &ptraced, pe_link) {
		struct process *c = pe->pe_process;

		if (c->ps_oppid != ps->ps_pid)
			continue;
		c->ps_oppid = heir->ps_pid;
		if (c->ps_pptr != ps && c->ps_pdeathsig != 0)
			psignal(c, (int)c->ps_pdeathsig);
	}
}

/* ---- wait ---- */

static bool
thread_matches(const struct process *c, const struct ptrace_thread *pt, const struct wait_args *wa)
{
	switch (wa->idtype) {
	case P_PID:
		return ptrace_tid(pt) == wa->id;
	case P_PGID:
		return c->ps_pgrp->pg_id == wa->id;
	default:
		return true;
	}
}

static bool
thread_reportable(const struct ptrace_thread *pt, const struct wait_args *wa)
{
	if (pt->pt_flags & PTF_EXITED)
		return (wa->options & WEXITED) != 0;
	return (pt->pt_flags & (PTF_STOPPED | PTF_REPORTED)) == PTF_STOPPED;
}

static void
thread_report(const struct process *c, const struct ptrace_thread *pt, struct wait_args *wa)
{
	bool exited = (pt->pt_flags & PTF_EXITED) != 0;
	int sig = pt->pt_status & 0x7f;

	memset(&wa->ru, 0, sizeof(wa->ru));
	wa->pid = ptrace_tid(pt);
	wa->status = exited ? pt->pt_status : pt->pt_status << 8 | 0x7f;
	siginfo_init(&wa->info, SIGCHLD,
		     !exited    ? CLD_TRAPPED
		     : sig == 0 ? CLD_EXITED
				: CLD_KILLED);
	wa->info.u.chld.pid = wa->pid;
	wa->info.u.chld.uid = c->ps_cred->cr_ruid;
	wa->info.u.chld.status = exited && sig == 0 ? pt->pt_status >> 8 & 0xff : pt->pt_status;
}

bool
ptrace_wait(struct process *c, struct wait_args *wa, bool *found)
{
	struct ptrace_thread *pt;

	TAILQ_FOREACH (pt, &c->ps_ptstat->pe_threads, pt_link) {
		if (!thread_matches(c, pt, wa))
			continue;
		*found = true;
		if (!thread_reportable(pt, wa))
			continue;
		thread_report(c, pt, wa);
		if (!(wa->options & WNOWAIT)) {
			if (pt->pt_flags & PTF_EXITED)
				pt_free(pt);
			else
				pt->pt_flags |= PTF_REPORTED;
		}
		return true;
	}
	return false;
}
