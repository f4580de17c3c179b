/* SPDX-License-Identifier: ISC */
/*
 * kern_fork.c: fork.
 *
 * One fork1() serves every entry point (sys_fork.c and sys_native.c decode them).  Everything that
 * can fail is acquired before the commit point; past it fork cannot fail, the at_fork() hooks run
 * and the statistics are updated.  Behaviour after OpenBSD's and FreeBSD's kern_fork.c;
 * docs/fork.md has the table of rows.  Parts: kern_thread.c and kern_proc_new.c build threads and
 * processes.
 */
#include <sys/atfork.h>
#include <sys/fork.h>
#include <sys/forkvar.h>
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ptrace.h>
#include <sys/sched.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/stats.h>
#include <machine/trace.h>

int nprocesses, nthreads;
int maxprocess = 1310, maxthread = 2620;
int fork_reserve = 5; /* last slots of both tables are root's */
int fast_vfork = 1;   /* 0: vfork copies the address space, as fork does, but still waits */

/* ---- limits (rows C1-C4) ---- */

static struct ratecheck tablefull_rate;

static void
tablefull(const char *table)
{
	uint64_t suppressed;

	if (ratecheck(&tablefull_rate, 10 * NSEC_PER_SEC, &suppressed))
		kprintf(LOG_WARNING, "%s: table is full (%lu messages suppressed)", table,
			suppressed);
	else
		STAT_INC(tablefull_suppressed);
}

static bool
table_has_room(int count, int max, const struct thread *td)
{
	return count < max && (count < max - fork_reserve || td->td_proc->ps_cred->cr_ruid == 0);
}

int
thread_slot_take(struct thread *td)
{
	if (!table_has_room(nthreads, maxthread, td)) {
		tablefull("thread");
		STAT_INC(eagain_maxthread);
		return EAGAIN;
	}
	nthreads++;
	return 0;
}

void
thread_slot_give(void)
{
	nthreads--;
}

static int
process_slot_take(struct thread *td)
{
	struct process *ps = td->td_proc;
	/* A limit of 0 is as hard as one of 1: the caller is one. */
	uint64_t max = ps->ps_cred->cr_ruid != 0 ? MAX(lim_cur(ps, RLIMIT_NPROC), 1UL) : 0;

	if (!table_has_room(nprocesses, maxprocess, td)) {
		tablefull("process");
		STAT_INC(eagain_maxproc);
		return EAGAIN;
	}
	if (!chgproccnt(ps->ps_cred->cr_uidinfo, 1, max)) {
		STAT_INC(eagain_rlimit);
		return EAGAIN;
	}
	nprocesses++;
	return 0;
}

static void
process_slot_give(struct cred *cr)
{
	chgproccnt(cr->cr_uidinfo, -1, 0);
	nprocesses--;
}

/* ---- common to processes and threads ---- */

void
fork_start(struct thread *td, uint32_t flags)
{
	if (flags & FORK_IDLE) {
		td->td_state = TDS_RUN; /* never on the run queue */
		return;
	}
	if (flags & FORK_STOPPED) {
		td->td_proc->ps_flags |= PS_STOPPED | PS_WAITED;
		td->td_proc->ps_xstat = SIGSTOP;
		td->td_state = TDS_STOPPED;
		return;
	}
	setrunqueue(td);
}

/* Tids that CLONE_PARENT_SETTID asks for; a bad address loses the write, as on Linux. */
void
fork_report_tid(const struct fork_args *fa, pid_t tid)
{
	if (fa->parent_tid != 0)
		(void)copyout(&tid, (void *)fa->parent_tid, sizeof(tid));
}

void
fork_user(struct thread *td, struct thread *child, const struct fork_args *fa)
{
	child->td_set_tid = fa->child_tid;
	child->td_clear_tid = fa->clear_tid;
	if (fa->flags & (FORK_SHAREVM | FORK_THREAD) && !(fa->flags & FORK_VFORK))
		child->td_sigstk = (struct sigaltstack){.ss_flags = SS_DISABLE};
	cpu_fork(td, child, fa->stack, fa->set_tcb, fa->tcb, fa->func, fa->arg);
}

int
fork_failed(int error)
{
	forktest_end();
	if (error == ENOMEM)
		STAT_INC(enomem);
	return error;
}

/* ---- vfork ---- */

/* vfork: sleep until the child execs or exits (row D1); only what kills us ends the sleep early. */
static void
vfork_wait(struct process *parent, struct process *child)
{
	while (child->ps_vforkparent == parent)
		if (tsleep(&child->ps_vforkparent, PKILL, "ppwait", 0) == EINTR)
			break;
	child->ps_vforkparent = NULL;
	child->ps_flags &= ~PS_PPWAIT;
	parent->ps_flags &= ~PS_ISPWAIT;
}

void
vfork_done(struct process *child)
{
	if (child->ps_vforkparent == NULL)
		return;
	child->ps_vforkparent = NULL;
	child->ps_flags &= ~PS_PPWAIT;
	wakeup(&child->ps_vforkparent);
}

/* ---- processes ---- */

static int
fork_pid(const struct fork_args *fa, pid_t *pid)
{
	if (fa->set_tid != 0)
		return pid_alloc_wanted(*pid = fa->set_tid);
	if (fa->flags & FORK_HIGHPID)
		return pid_alloc_high(pid);
	return pid_alloc((fa->flags & FORK_SYSTEM) != 0, pid);
}

/* The parent will sleep in vfork_wait(); the child can die and be reaped meanwhile. */
static void
vfork_begin(struct process *parent, struct process *child)
{
	child->ps_flags |= PS_PPWAIT;
	parent->ps_flags |= PS_ISPWAIT;
	child->ps_vforkparent = parent;
	process_hold(child);
}

static void
fork_name(struct process *ps, struct thread *td, const char *name)
{
	strlcpy(ps->ps_comm, name, sizeof(ps->ps_comm));
	strlcpy(td->td_name, name, sizeof(td->td_name));
}

int
fork1(struct thread *td, const struct fork_args *fa, struct thread **childp, pid_t *pidp)
{
	struct process *parent = td->td_proc, *ps;
	struct thread *child;
	uint64_t start = cpu_cycles();
	pid_t pid;
	int error;

	KASSERT(!(fa->flags & FORK_SIGHAND) ||
		fa->flags & (FORK_SHAREVM | FORK_THREAD | FORK_SYSTEM));
	if (fa->set_tcb && fa->tcb >= VM_USER_MAX)
		return EPERM; /* as Linux answers; cpu_fork() cannot fail */
	if (fa->flags & FORK_THREAD)
		return thread_fork(td, fa, childp, pidp);

	if ((error = thread_slot_take(td)) != 0)
		return error;
	if ((error = process_slot_take(td)) != 0)
		goto fail_thread_slot;
	forktest_begin();
	if ((child = thread_new(td)) == NULL) {
		error = ENOMEM;
		goto fail_process_slot;
	}
	if ((error = ptrace_fork_prepare(td, child, fa)) != 0)
		goto fail_thread;
	if ((ps = process_new(parent, fa)) == NULL) {
		error = ENOMEM;
		goto fail_thread;
	}
	if ((error = fork_pid(fa, &ps->ps_pid)) != 0)
		goto fail_process;
	pid = ps->ps_pid;
	if (fa->pidfd != 0 && (error = fork_pidfd(td, ps, fa->pidfd)) != 0)
		goto fail_pid;
	forktest_commit();

	/*
	 * Commit point: from here on the process exists and nothing fails.
	 */
	child->td_proc = ps;
	child->td_tid = pid;
	ps->ps_mainthread = child;
	if (fa->name != NULL)
		fork_name(ps, child, fa->name);
	fork_user(td, child, fa);
	thread_link(ps, child);
	process_link(ps, parent, fa->flags);
	fork_report_tid(fa, pid);
	if (fa->flags & FORK_PPWAIT)
		vfork_begin(parent, ps);
	ps->ps_start = nanouptime();
	ps->ps_acflag = AFORK;
	ps->ps_flags &= ~PS_EMBRYO;
	KTRACE(FORK, pid, fa->flags);
	atfork_run(parent, ps, fa->flags);
	ptrace_fork(td, child);
	observe_update(child);
	fork_start(child, fa->flags);
	vm_check();
	hist_add(fa->flags & FORK_VFORK ? &kstats->vfork : &kstats->fork, cpu_cycles() - start);

	if (childp != NULL)
		*childp = child;
	*pidp = pid;
	ptrace_fork_event(td, fa, pid);
	if (fa->flags & FORK_PPWAIT) {
		vfork_wait(parent, ps);
		process_release(ps);
		ptrace_event(td, PTRACE_EVENT_VFORK_DONE, (uint64_t)pid);
	}
	return 0;

fail_pid:
	pid_unalloc(pid);
fail_process:
	process_free(ps);
fail_thread:
	thread_free(child);
fail_process_slot:
	process_slot_give(parent->ps_cred);
fail_thread_slot:
	thread_slot_give();
	return fork_failed(error);
}

/* ---- the child's first steps ---- */

/* Runs on the child's own stack before it goes to user mode for the first time. */
void
child_return(struct thread *td)
{
	pid_t tid = td->td_tid;

	sched_reap_dead();
	if (td->td_set_tid != 0)
		(void)copyout(&tid, (void *)td->td_set_tid, sizeof(tid));
}
