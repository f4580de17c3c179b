/* SPDX-License-Identifier: ISC */
/*
 * kern_exit.c: the end of threads and processes, and reaping.
 *
 * A thread that ends the process marks all others TDF_EXIT and leaves; whichever thread leaves last
 * ends the process.  A zombie keeps its structure, pid and usage until it is reaped.
 */
#include <sys/exit.h>
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/forkwatch.h>
#include <sys/futex.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/ktrace.h>
#include <sys/md.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/ptrace.h>
#include <sys/sched.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vm.h>
#include <machine/stats.h>
#include <machine/trace.h>

/* ---- threads ---- */

/* Make every other thread of the process exit at its next return to user mode. */
static void
kill_siblings(struct thread *td)
{
	struct process *ps = td->td_proc;
	struct thread *t;

	TAILQ_FOREACH (t, &ps->ps_threads, td_link) {
		if (t == td)
			continue;
		t->td_flags = (t->td_flags & ~TDF_SUSPSINGLE) | TDF_EXIT;
		if (t->td_state == TDS_SLEEP && t->td_flags & TDF_SINTR)
			thread_unsleep(t, EINTR);
		else if (t->td_state == TDS_STOPPED)
			setrunqueue(t);
	}
}

/* exec: become the only thread, with the process's id.  EINTR when this thread must exit itself. */
int
single_thread(struct thread *td)
{
	struct process *ps = td->td_proc;

	if (td->td_flags & TDF_EXIT)
		return EINTR;
	if (ps->ps_nthreads > 1) {
		ps->ps_single = td;
		ps->ps_singlecount = ps->ps_nthreads - 1;
		kill_siblings(td);
		while (ps->ps_singlecount > 0)
			if (tsleep(&ps->ps_singlecount, PKILL, "single", 0) != 0) {
				ps->ps_single = NULL; /* killed: trying again would not sleep */
				return EINTR;
			}
		KASSERT(ps->ps_nthreads == 1);
		ps->ps_single = NULL;
	}
	if (td->td_tid != ps->ps_pid) {
		pid_t tid = td->td_tid;

		LIST_REMOVE(td, td_hash);
		td->td_tid = ps->ps_pid;
		thread_hash(td);
		pid_release(tid);
		td->td_flags &= ~TDF_THREAD;
		ps->ps_mainthread = td;
	}
	return 0;
}

static void
rusage_add(struct rusage_acc *to, const struct rusage_acc *from)
{
	to->utime += from->utime;
	to->stime += from->stime;
	to->minflt += from->minflt;
	to->majflt += from->majflt;
	to->nvcsw += from->nvcsw;
	to->nivcsw += from->nivcsw;
	to->inblock += from->inblock;
	to->oublock += from->oublock;
	to->nsignals += from->nsignals;
	to->maxrss = MAX(to->maxrss, from->maxrss);
}

static void
thread_charge(struct thread *td)
{
	nsec_t utime, stime;

	sched_account(td, nanouptime());
	thread_cputime(td, &utime, &stime);
	td->td_ru.utime += utime;
	td->td_ru.stime += stime;
	rusage_add(&td->td_proc->ps_ru, &td->td_ru);
}

/* Leave the process's list of threads; its id stays taken while it is the process's. */
static void
thread_unlink(struct thread *td)
{
	struct process *ps = td->td_proc;

	TAILQ_REMOVE(&ps->ps_threads, td, td_link);
	LIST_REMOVE(td, td_hash);
	ps->ps_nthreads--;
	nthreads--;
	STAT_SET(nthreads, nthreads);
	if (ps->ps_mainthread == td)
		ps->ps_mainthread = TAILQ_FIRST(&ps->ps_threads);
	pid_release(td->td_tid);
}

static void __noreturn
thread_gone(struct thread *td)
{
	td->td_state = TDS_DEAD;
	mi_switch();
	panic("a dead thread runs");
}

static void __noreturn
thread_exit(struct thread *td)
{
	struct process *ps = td->td_proc;

	futex_thread_exit(td);
	signal_thread_exit(td);
	ptrace_thread_exit(td);
	thread_charge(td);
	thread_unlink(td);
	if (ps->ps_single != NULL && --ps->ps_singlecount == 0)
		wakeup(&ps->ps_singlecount);
	thread_gone(td);
}

/* ---- the family ---- */

/* By real parents: a tracer that has adopted its own ancestor makes a circle of the others. */
static struct process *
new_parent_for_orphans(struct process *ps)
{
	struct process *pp;

	for (pp = real_parent(ps); pp != NULL && pp != initproc; pp = real_parent(pp))
		if (pp->ps_subreaper && !(pp->ps_flags & (PS_EXITING | PS_ZOMBIE)))
			return pp;
	return initproc;
}

/* Groups that lose their last outside parent while stopped are hung up and continued
 * (POSIX 3.2.2.2). */
static void
orphan_pgrp(struct pgrp *pg)
{
	struct process *ps;

	LIST_FOREACH (ps, &pg->pg_members, ps_pglist)
		if (ps->ps_flags & PS_STOPPED) {
			pgsignal(pg, SIGHUP, false);
			pgsignal(pg, SIGCONT, false);
			return;
		}
}

static bool
links_pgrp(const struct process *parent, const struct process *child)
{
	return parent->ps_pgrp != child->ps_pgrp && session_of(parent) == session_of(child);
}

static void
give_away_children(struct process *ps)
{
	struct process *heir = new_parent_for_orphans(ps), *c, *next;
	bool zombies = false;

	ptrace_tracer_exit(ps);
	ptrace_parent_exit(ps, heir);
	LIST_FOREACH_SAFE (c, &ps->ps_children, ps_sibling, next) {
		bool linked = links_pgrp(ps, c);

		reparent(c, heir);
		if (c->ps_pdeathsig != 0)
			psignal(c, (int)c->ps_pdeathsig);
		if (c->ps_flags & PS_ZOMBIE)
			zombies = true;
		else if (linked && isorphaned(c->ps_pgrp))
			orphan_pgrp(c->ps_pgrp);
	}
	if (zombies) {
		psignal(heir, SIGCHLD);
		wakeup(heir);
	}
}

/* Row D8: the leader's exit ends its peers; a peer just leaves the list. */
static void
leave_peers(struct process *ps)
{
	struct process **pp;

	if (ps->ps_leader == ps) {
		while (ps->ps_peers != NULL) {
			struct process *peer = ps->ps_peers;

			ps->ps_peers = peer->ps_peers;
			peer->ps_peers = NULL;
			peer->ps_leader = peer;
			if (cansignal(peer, SIGKILL) == 0) /* a set-id program is its own master */
				psignal(peer, SIGKILL);
		}
		return;
	}
	for (pp = &ps->ps_leader->ps_peers; *pp != NULL; pp = &(*pp)->ps_peers)
		if (*pp == ps) {
			*pp = ps->ps_peers;
			break;
		}
	ps->ps_leader = ps;
	ps->ps_peers = NULL;
}

static void
exit_info(const struct process *ps, struct siginfo *si)
{
	int sig = ps->ps_xstat & 0x7f;

	memset(si, 0, sizeof(*si));
	si->si_signo = ps->ps_ptstat != NULL ? SIGCHLD : ps->ps_exitsig;
	si->si_code = sig == 0 ? CLD_EXITED : ps->ps_xstat & 0x80 ? CLD_DUMPED : CLD_KILLED;
	si->u.chld.pid = ps->ps_pid;
	si->u.chld.uid = ps->ps_cred->cr_ruid;
	si->u.chld.status = sig == 0 ? ps->ps_xstat >> 8 & 0xff : sig;
	si->u.chld.utime = (int64_t)(ps->ps_ru.utime / (NSEC_PER_SEC / 100));
	si->u.chld.stime = (int64_t)(ps->ps_ru.stime / (NSEC_PER_SEC / 100));
}

/* Rows D6: the parent does not want zombies. */
static bool
leaves_no_zombie(const struct process *ps)
{
	const struct sigaction *sa = &ps->ps_pptr->ps_sigacts->sa_act[SIGCHLD - 1];

	if (ps->ps_pptr == initproc || ps->ps_ptstat != NULL)
		return false;
	return ps->ps_flags & PS_NOZOMBIE ||
	       (ps->ps_exitsig == SIGCHLD &&
		(sa->sa_handler == SIG_IGN || sa->sa_flags & SA_NOCLDWAIT));
}

/* Tell the parent; true if nobody will wait: the caller reaps. */
static bool
notify_parent(struct process *ps)
{
	struct process *parent = ps->ps_pptr;
	bool nozombie = leaves_no_zombie(ps);
	struct siginfo si;

	exit_info(ps, &si);
	if (si.si_signo != 0 && parent != initproc && !(ps->ps_flags & PS_NOZOMBIE))
		psignal_info(parent, si.si_signo, &si);
	if (ps->ps_pollers != NULL)
		pollwakeup(ps->ps_pollers, POLLIN | POLLHUP);
	return nozombie;
}

/* ---- reaping ---- */

/* Free what is left of a zombie. */
static void
process_reap(struct process *ps)
{
	struct process *parent = ps->ps_pptr;

	rusage_add(&parent->ps_cru, &ps->ps_ru);
	rusage_add(&parent->ps_cru, &ps->ps_cru);
	chgproccnt(ps->ps_cred->cr_uidinfo, -1, 0);
	nprocesses--;
	STAT_SET(nprocesses, nprocesses);
	process_unhash(ps);
	ps->ps_pptr = NULL;
	process_release(ps);
}

void
zombie_announce(struct process *ps)
{
	struct process *parent = ps->ps_pptr;

	if (notify_parent(ps))
		process_reap(ps);
	wakeup(parent); /* even if it is gone: there may be no child left to wait for */
}

/* A tracer has seen the end of a child it had adopted: now it is its real parent's turn. */
static bool
give_back(struct process *ps)
{
	struct process *tracer = ps->ps_pptr;

	if (ps->ps_ptstat == NULL)
		return false;
	ptrace_detach(ps);
	if (ps->ps_pptr == tracer)
		return false;
	zombie_announce(ps);
	return true;
}

bool
reap_one(struct process *parent, pid_t *pid, int *status, struct rusage_acc *ru)
{
	struct process *ps;

	LIST_FOREACH (ps, &parent->ps_children, ps_sibling) {
		if (!(ps->ps_flags & PS_ZOMBIE))
			continue;
		*pid = ps->ps_pid;
		*status = ps->ps_xstat;
		if (ru != NULL) {
			*ru = ps->ps_ru;
			rusage_add(ru, &ps->ps_cru);
		}
		if (ps->ps_launch != NULL)
			host_launch_exited(ps, ps->ps_xstat);
		process_reap(ps);
		return true;
	}
	return false;
}

/* ---- exit ---- */

/* Let go of the memory, files and terminal: what may call into other parts of the kernel. */
static void
release_resources(struct thread *td, struct process *ps)
{
	struct session *s = session_of(ps);
	struct filedesc *fd = ps->ps_fd;
	struct fsinfo *fs = ps->ps_fs;
	struct vmspace *vm = ps->ps_vmspace;

	itimers_exit(ps);
	ktrace_exit(ps);
	ps->ps_fd = NULL;
	fd_release(fd);
	if (s->s_leader == ps)
		session_exit(s);
	ps->ps_fs = NULL;
	if (fs != NULL)
		fsinfo_release(fs);
	if (ps->ps_textvp != NULL) {
		vrele_text(ps->ps_textvp);
		ps->ps_textvp = NULL;
	}
	if (vm != NULL) {
		ps->ps_ru.maxrss = MAX(ps->ps_ru.maxrss, vm->vm_maxrss);
		ps->ps_vmspace = NULL;
		cpu_kernel_pmap();
		vmspace_release(vm);
	}
	vm_check();
	sigpend_flush(&ps->ps_sigpend);
	(void)td;
}

static void __noreturn
process_exit(struct thread *td)
{
	struct process *ps = td->td_proc;

	if (ps == initproc)
		panic("init has exited");
	ps->ps_flags |= PS_EXITING;
	/* It has done what another thread told it to.  The mark would keep it from waiting for a
	 * terminal to take what the process has written. */
	td->td_flags &= ~TDF_EXIT;
	timeout_del(&ps->ps_alarm);
	futex_thread_exit(td);
	vfork_done(ps);
	release_resources(td, ps);
	leave_peers(ps);
	give_away_children(ps);
	if (links_pgrp(ps->ps_pptr, ps) && isorphaned(ps->ps_pgrp))
		orphan_pgrp(ps->ps_pgrp);
	thread_charge(td);
	KTRACE(EXIT, ps->ps_pid, ps->ps_xstat);

	/* From here on it is a zombie: nothing below sleeps. */
	ptrace_thread_exit(td);
	thread_unlink(td);
	LIST_REMOVE(ps, ps_list);
	LIST_INSERT_HEAD(&zombprocess, ps, ps_list);
	ps->ps_flags |= PS_ZOMBIE;
	STAT_INC(exits);
	host_event_exit(ps);
	forkwatch_exit(ps);
	sched_exit(ps->ps_pptr->ps_mainthread != NULL ? ps->ps_pptr->ps_mainthread : td, td);
	zombie_announce(ps);
	thread_gone(td);
}

void __noreturn
exit1(struct thread *td, int status, bool group)
{
	struct process *ps = td->td_proc;

	ptrace_event(td, PTRACE_EVENT_EXIT, (uint64_t)status);
	td->td_exitcode = status;
	if (group && !(ps->ps_flags & PS_GROUPEXIT)) {
		ps->ps_flags |= PS_GROUPEXIT;
		ps->ps_xstat = status;
		kill_siblings(td);
	}
	if (ps->ps_nthreads > 1)
		thread_exit(td);
	if (!(ps->ps_flags & PS_GROUPEXIT))
		ps->ps_xstat = status;
	process_exit(td);
}

/* ---- wait ---- */

static bool
wait_matches(const struct process *c, const struct process *waiter, const struct wait_args *wa)
{
	bool clone_child = c->ps_exitsig != SIGCHLD;

	if (c->ps_flags & PS_EMBRYO)
		return false;
	if (c->ps_ptstat == NULL && !(wa->options & WALL) &&
	    clone_child != ((wa->options & WCLONE) != 0))
		return false;
	switch (wa->idtype) {
	case P_PID:
		return c->ps_pid == wa->id;
	case P_PGID:
		return c->ps_pgrp != NULL && c->ps_pgrp->pg_id == wa->id;
	default:
		(void)waiter;
		return true;
	}
}

static bool
wait_zombie(struct process *c, struct wait_args *wa)
{
	if (!(c->ps_flags & PS_ZOMBIE) || !(wa->options & WEXITED))
		return false;
	wa->pid = c->ps_pid;
	wa->status = c->ps_xstat;
	wa->ru = c->ps_ru;
	rusage_add(&wa->ru, &c->ps_cru);
	exit_info(c, &wa->info);
	wa->info.si_signo = SIGCHLD;
	if (!(wa->options & WNOWAIT) && !give_back(c))
		process_reap(c);
	return true;
}

static void
wait_stopinfo(const struct process *c, struct wait_args *wa, int code, int status)
{
	memset(&wa->info, 0, sizeof(wa->info));
	wa->info.si_signo = SIGCHLD;
	wa->info.si_code = code;
	wa->info.u.chld.pid = c->ps_pid;
	wa->info.u.chld.uid = c->ps_cred->cr_ruid;
	wa->info.u.chld.status = status;
	wa->pid = c->ps_pid;
	memset(&wa->ru, 0, sizeof(wa->ru));
}

/* A traced process's threads report their stops themselves: ptrace_wait(). */
static bool
wait_stopped(struct process *c, struct wait_args *wa)
{
	if (!(c->ps_flags & PS_STOPPED) || c->ps_flags & PS_WAITED || c->ps_ptstat != NULL ||
	    !(wa->options & WSTOPPED))
		return false;
	wait_stopinfo(c, wa, CLD_STOPPED, c->ps_xstat);
	wa->status = W_STOPCODE(c->ps_xstat);
	if (!(wa->options & WNOWAIT))
		c->ps_flags |= PS_WAITED;
	return true;
}

static bool
wait_continued(struct process *c, struct wait_args *wa)
{
	if (!(c->ps_flags & PS_CONTINUED) || !(wa->options & WCONTINUED))
		return false;
	wait_stopinfo(c, wa, CLD_CONTINUED, SIGCONT);
	wa->status = W_CONTINUED;
	if (!(wa->options & WNOWAIT))
		c->ps_flags &= ~PS_CONTINUED;
	return true;
}

/* A child that a tracer has adopted will come back. */
static bool
has_adopted_child(const struct process *ps, const struct wait_args *wa)
{
	const struct ptrace_state *pe;

	LIST_FOREACH (pe, &ptraced, pe_link)
		if (pe->pe_process->ps_oppid == ps->ps_pid && wait_matches(pe->pe_process, ps, wa))
			return true;
	return false;
}

/* Wait for a child as wa says; on success wa->pid (0 with WNOHANG: none yet), status, ru and info
 * are set. ECHILD, EINTR. */
int
kern_wait(struct thread *td, struct wait_args *wa)
{
	struct process *ps = td->td_proc, *c;

	for (;;) {
		bool found = false;

		LIST_FOREACH (c, &ps->ps_children, ps_sibling) {
			if (c->ps_ptstat != NULL && ptrace_wait(c, wa, &found))
				return 0;
			if (!wait_matches(c, ps, wa))
				continue;
			found = true;
			if (wait_zombie(c, wa) || wait_stopped(c, wa) || wait_continued(c, wa))
				return 0;
		}
		if (!found && !has_adopted_child(ps, wa))
			return ECHILD;
		if (wa->options & WNOHANG) {
			wa->pid = 0;
			return 0;
		}
		if (tsleep(ps, PCATCH, "wait", 0) == EINTR)
			return ERESTART;
	}
}
