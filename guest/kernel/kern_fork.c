/* SPDX-License-Identifier: ISC */
/*
 * kern_fork.c: creation of processes and threads.
 *
 * One fork1() serves every entry point (sys_fork.c decodes them).  Everything that can fail is
 * acquired before the commit point; past it fork cannot fail and the statistics are updated.
 * Behaviour after OpenBSD's and FreeBSD's kern_fork.c; docs/fork.md has the table of rows.
 */
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>
#include <machine/stats.h>
#include <machine/trace.h>

int nprocesses, nthreads;
int maxprocess = 1310, maxthread = 2620;
int fork_reserve = 5; /* last slots of both tables are root's */
int fast_vfork = 1;   /* 0: vfork copies the address space, as fork does, but still waits */

static struct pool process_pool = POOL_INITIALIZER("process", struct process);
static struct pool thread_pool = POOL_INITIALIZER("thread", struct thread);

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

static int
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

static int
process_slot_take(struct thread *td)
{
	struct process *ps = td->td_proc;

	if (!table_has_room(nprocesses, maxprocess, td)) {
		tablefull("process");
		STAT_INC(eagain_maxproc);
		return EAGAIN;
	}
	if (!chgproccnt(ps->ps_cred->cr_uidinfo, 1,
			ps->ps_cred->cr_ruid != 0 ? lim_cur(ps, RLIMIT_NPROC) : 0)) {
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

/* ---- threads ---- */

/* Structure, kernel stack and machine state of a new thread; in no list yet. NULL = no memory. */
static struct thread *
thread_new(struct thread *parent)
{
	struct thread *td = pool_get(&thread_pool, 0);
	struct page *stack;

	if (td == NULL)
		return NULL;
	memset(&td->td_startzero, 0,
	       offsetof(struct thread, td_endzero) - offsetof(struct thread, td_startzero));
	memcpy(&td->td_startcopy, &parent->td_startcopy,
	       offsetof(struct thread, td_endcopy) - offsetof(struct thread, td_startcopy));
	td->td_state = TDS_EMBRYO;
	td->td_flags = 0;
	td->td_tid = 0;
	td->td_proc = NULL;
	memset(&td->td_md, 0, sizeof(td->td_md));
	sigpend_init(&td->td_sigpend);
	sched_thread_init(td);
	sched_fork(parent, td);
	if ((stack = vm_pages_alloc(KSTACK_ORDER, PGA_KERNEL)) == NULL)
		goto fail;
	td->td_kstack = (vaddr_t)page_to_dm(stack);
	if (timeout_reserve(&td->td_sleep_to) != 0)
		goto fail_stack;
	if (cpu_fork_prepare(parent, td) == 0)
		return td;
	timeout_release(&td->td_sleep_to);
fail_stack:
	vm_pages_free(stack, KSTACK_ORDER);
fail:
	pool_put(&thread_pool, td);
	return NULL;
}

/* Free a thread that is in no list and runs no more. */
void
thread_free(struct thread *td)
{
	cpu_thread_free(td);
	timeout_release(&td->td_sleep_to);
	sigpend_flush(&td->td_sigpend);
	vm_pages_free(pa_to_page(DM_TO_PHYS(td->td_kstack)), KSTACK_ORDER);
	pool_put(&thread_pool, td);
}

/* The thread becomes visible: by id and as a member of its process. */
static void
thread_link(struct process *ps, struct thread *td)
{
	thread_hash(td);
	TAILQ_INSERT_TAIL(&ps->ps_threads, td, td_link);
	ps->ps_nthreads++;
}

/* ---- processes ---- */

static struct filedesc *
fork_files(struct process *parent, uint32_t flags)
{
	if (flags & FORK_FRESHFILES)
		return fd_new();
	return flags & FORK_SHAREFILES ? fd_share(parent->ps_fd) : fd_copy(parent->ps_fd);
}

static struct sigacts *
fork_sigacts(struct process *parent, uint32_t flags)
{
	if (flags & FORK_SIGHAND)
		return sigacts_hold(parent->ps_sigacts);
	return flags & FORK_CLEARSIG ? sigacts_clear_handlers(parent->ps_sigacts)
				     : sigacts_copy(parent->ps_sigacts);
}

/* Row B5: shared copy-on-write, unless the sharers see each other's changes: then a copy of
 * today's. */
static struct plimit *
fork_limits(struct process *parent)
{
	if (parent->ps_limit->pl_flags & PL_SHAREMOD)
		return lim_copy(parent->ps_limit);
	return lim_hold(parent->ps_limit);
}

static struct vmspace *
fork_vmspace(struct process *parent, uint32_t flags)
{
	return flags & FORK_SHAREVM ? vmspace_share(parent->ps_vmspace)
				    : vmspace_fork(parent->ps_vmspace);
}

static bool
has_vmspace(struct process *parent, uint32_t flags)
{
	return parent->ps_vmspace != NULL && !(flags & (FORK_SYSTEM | FORK_LAUNCH));
}

/* Drop everything a process holds but its structure; parts that were never acquired are NULL. */
static void
process_drop(struct process *ps)
{
	if (ps->ps_vmspace != NULL)
		vmspace_release(ps->ps_vmspace);
	if (ps->ps_fd != NULL)
		fd_release(ps->ps_fd);
	if (ps->ps_fs != NULL)
		fsinfo_release(ps->ps_fs);
	if (ps->ps_sigacts != NULL)
		sigacts_release(ps->ps_sigacts);
	if (ps->ps_limit != NULL)
		lim_free(ps->ps_limit);
	if (ps->ps_cred != NULL)
		crfree(ps->ps_cred);
	if (ps->ps_args != NULL)
		pargs_free(ps->ps_args);
	if (ps->ps_textvp != NULL)
		vrele_text(ps->ps_textvp);
	exepath_free(ps->ps_exepath);
	kfree(ps->ps_pollers);
	timeout_release(&ps->ps_alarm);
}

/* Last reference to a reaped process. */
void
process_free(struct process *ps)
{
	process_drop(ps);
	pool_put(&process_pool, ps);
}

/*
 * Structure of a new process with everything it inherits.  It is in no list: rows C5 and C12.
 * NULL = no memory, nothing left behind.
 */
static struct process *
process_new(struct process *parent, const struct fork_args *fa)
{
	uint32_t flags = fa->flags;
	struct process *ps = pool_get(&process_pool, 0);

	if (ps == NULL)
		return NULL;
	memset(ps, 0, offsetof(struct process, ps_startzero));
	memset(&ps->ps_startzero, 0,
	       offsetof(struct process, ps_endzero) - offsetof(struct process, ps_startzero));
	memcpy(&ps->ps_startcopy, &parent->ps_startcopy,
	       offsetof(struct process, ps_endcopy) - offsetof(struct process, ps_startcopy));
	ps->ps_pgrp = NULL;
	LIST_INIT(&ps->ps_children);
	TAILQ_INIT(&ps->ps_threads);
	sigpend_init(&ps->ps_sigpend);
	timeout_set(&ps->ps_alarm, realitimer_expire, ps);
	ps->ps_refs = 1;
	ps->ps_flags = PS_EMBRYO | (parent->ps_flags & PS_INHERIT);
	ps->ps_exitsig = fa->exitsig;
	ps->ps_leader = ps;

	ps->ps_cred = crhold(parent->ps_cred);
	ps->ps_args = pargs_hold(parent->ps_args);
	ps->ps_textvp = parent->ps_textvp != NULL ? vhold_text(parent->ps_textvp) : NULL;
	ps->ps_exepath = exepath_hold(parent->ps_exepath);
	if ((ps->ps_limit = fork_limits(parent)) == NULL ||
	    (ps->ps_sigacts = fork_sigacts(parent, flags)) == NULL ||
	    (ps->ps_fd = fork_files(parent, flags)) == NULL ||
	    (ps->ps_fs = flags & FORK_SHAREFS ? fsinfo_share(parent->ps_fs)
					      : fsinfo_copy(parent->ps_fs)) == NULL ||
	    timeout_reserve(&ps->ps_alarm) != 0 ||
	    (has_vmspace(parent, flags) &&
	     (ps->ps_vmspace = fork_vmspace(parent, flags)) == NULL)) {
		process_free(ps);
		return NULL;
	}

	if (session_of(parent)->s_tty != NULL)
		ps->ps_flags |= parent->ps_flags & PS_CONTROLT;
	ps->ps_flags |= parent->ps_flags & PS_PROFIL;
	if (flags & FORK_NOZOMBIE)
		ps->ps_flags |= PS_NOZOMBIE;
	if (flags & FORK_SYSTEM)
		ps->ps_flags |= PS_SYSTEM;
	return ps;
}

/* Who is the new process's parent: rows B8 and CLONE_PARENT. */
static struct process *
fork_parent(struct process *ps, uint32_t flags)
{
	if (flags & (FORK_NOWAIT | FORK_LAUNCH))
		return initproc != NULL ? initproc : ps;
	return flags & FORK_PARENT ? ps->ps_pptr : ps;
}

/* Enter the new process into every list it belongs to.  Cannot fail. */
static void
process_link(struct process *ps, struct process *creator, uint32_t flags)
{
	process_hash(ps);
	ps->ps_pgrp = creator->ps_pgrp;
	LIST_INSERT_AFTER(creator, ps, ps_pglist);
	ps->ps_pptr = fork_parent(creator, flags);
	LIST_INSERT_HEAD(&ps->ps_pptr->ps_children, ps, ps_sibling);
	if (flags & FORK_PEER) {
		ps->ps_peers = creator->ps_leader->ps_peers;
		creator->ps_leader->ps_peers = ps;
		ps->ps_leader = creator->ps_leader;
	}
}

/* ---- statistics (group E): only forks that have happened ---- */

static int
fork_kind(uint32_t flags)
{
	if (flags & FORK_THREAD)
		return TINE_FORK_TFORK;
	if (flags & (FORK_SYSTEM | FORK_LAUNCH))
		return TINE_FORK_KTHREAD;
	if (flags & FORK_FORK)
		return TINE_FORK_FORK;
	return flags & FORK_VFORK ? TINE_FORK_VFORK : TINE_FORK_RFORK;
}

static void
fork_count(const struct process *ps, uint32_t flags)
{
	uint64_t pages =
	    ps->ps_vmspace != NULL ? vm_dsize(ps->ps_vmspace) + vm_ssize(ps->ps_vmspace) : 0;
	uint64_t *cnt[] = {[TINE_FORK_FORK] = &kstats->cntfork,
			   [TINE_FORK_VFORK] = &kstats->cntvfork,
			   [TINE_FORK_RFORK] = &kstats->cntrfork,
			   [TINE_FORK_TFORK] = &kstats->cnttfork,
			   [TINE_FORK_KTHREAD] = &kstats->cntkthread};
	uint64_t *siz[] = {[TINE_FORK_FORK] = &kstats->sizfork,
			   [TINE_FORK_VFORK] = &kstats->sizvfork,
			   [TINE_FORK_RFORK] = &kstats->sizrfork,
			   [TINE_FORK_TFORK] = &kstats->siztfork,
			   [TINE_FORK_KTHREAD] = &kstats->sizkthread};
	int kind = fork_kind(flags);

	stats_begin();
	++*cnt[kind];
	*siz[kind] += pages;
	kstats->forks++;
	kstats->forks_ppwait += (flags & FORK_PPWAIT) != 0;
	kstats->forks_sharevm += (flags & (FORK_SHAREVM | FORK_THREAD)) != 0;
	kstats->nprocesses = (uint64_t)nprocesses;
	kstats->nthreads = (uint64_t)nthreads;
	stats_end();
}

/* ---- fork ---- */

static void
fork_thread_start(struct thread *td, uint32_t flags)
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
static void
fork_report_tid(const struct fork_args *fa, pid_t tid)
{
	if (fa->parent_tid != 0)
		(void)copyout(&tid, (void *)fa->parent_tid, sizeof(tid));
}

static void
fork_set_user(struct thread *td, struct thread *child, const struct fork_args *fa)
{
	child->td_set_tid = fa->child_tid;
	child->td_clear_tid = fa->clear_tid;
	if (fa->flags & (FORK_SHAREVM | FORK_THREAD) && !(fa->flags & FORK_VFORK))
		child->td_sigstk = (struct sigaltstack){.ss_flags = SS_DISABLE};
	cpu_fork(td, child, fa->stack, fa->set_tcb, fa->tcb, fa->func != NULL ? fa->func : NULL,
		 fa->arg);
}

static int
fork_failed(int error)
{
	if (error == ENOMEM)
		STAT_INC(enomem);
	return error;
}

/* A new thread in the process of td (OpenBSD's thread_fork). */
static int
thread_fork(struct thread *td, const struct fork_args *fa, struct thread **childp, pid_t *tidp)
{
	struct process *ps = td->td_proc;
	struct thread *child;
	int error;

	if ((error = thread_slot_take(td)) != 0)
		return error;
	if ((child = thread_new(td)) == NULL) {
		error = ENOMEM;
		goto fail_slot;
	}
	if ((error = pid_alloc(false, &child->td_tid)) != 0)
		goto fail_thread;

	/* Commit point: from here on the thread exists and nothing fails. */
	child->td_proc = ps;
	child->td_flags |= TDF_THREAD;
	fork_set_user(td, child, fa);
	thread_link(ps, child);
	if (ps->ps_flags & PS_GROUPEXIT) {
		child->td_flags |= TDF_EXIT;
	} else if (ps->ps_single != NULL) { /* row D7: counted in, and suspends itself */
		ps->ps_singlecount++;
		child->td_flags |= TDF_SUSPSINGLE;
	}
	fork_report_tid(fa, child->td_tid);
	fork_count(ps, fa->flags);
	fork_thread_start(child, fa->flags & ~FORK_STOPPED);
	if (childp != NULL)
		*childp = child;
	*tidp = child->td_tid;
	return 0;

fail_thread:
	thread_free(child);
fail_slot:
	nthreads--;
	return fork_failed(error);
}

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
	if (fa->flags & FORK_THREAD)
		return thread_fork(td, fa, childp, pidp);

	if ((error = thread_slot_take(td)) != 0)
		return error;
	if ((error = process_slot_take(td)) != 0)
		goto fail_thread_slot;
	if ((child = thread_new(td)) == NULL) {
		error = ENOMEM;
		goto fail_process_slot;
	}
	if ((ps = process_new(parent, fa)) == NULL) {
		error = ENOMEM;
		goto fail_thread;
	}
	if (fa->set_tid != 0)
		error = pid_alloc_wanted(ps->ps_pid = fa->set_tid);
	else
		error = pid_alloc((fa->flags & FORK_SYSTEM) != 0, &ps->ps_pid);
	if (error != 0)
		goto fail_process;
	pid = ps->ps_pid;
	if (fa->pidfd != 0 && (error = fork_pidfd(td, ps, fa->pidfd)) != 0)
		goto fail_pid;

	/*
	 * Commit point: from here on the process exists and nothing fails.
	 */
	child->td_proc = ps;
	child->td_tid = pid;
	ps->ps_mainthread = child;
	if (fa->name != NULL) {
		strlcpy(ps->ps_comm, fa->name, sizeof(ps->ps_comm));
		strlcpy(child->td_name, fa->name, sizeof(child->td_name));
	}
	fork_set_user(td, child, fa);
	thread_link(ps, child);
	process_link(ps, parent, fa->flags);
	fork_report_tid(fa, pid);
	if (fa->flags & FORK_PPWAIT) {
		ps->ps_flags |= PS_PPWAIT;
		parent->ps_flags |= PS_ISPWAIT;
		ps->ps_vforkparent = parent;
		process_hold(ps); /* it can die and be reaped while we sleep */
	}
	ps->ps_start = nanouptime();
	ps->ps_acflag = AFORK;
	ps->ps_flags &= ~PS_EMBRYO;
	fork_count(ps, fa->flags);
	KTRACE(FORK, pid, fa->flags);
	host_event_fork(parent, ps, fork_kind(fa->flags));
	fork_thread_start(child, fa->flags);
	hist_add(fa->flags & FORK_VFORK ? &kstats->vfork : &kstats->fork, cpu_cycles() - start);

	if (childp != NULL)
		*childp = child;
	*pidp = pid;
	if (fa->flags & FORK_PPWAIT) {
		vfork_wait(parent, ps);
		process_release(ps);
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
	nthreads--;
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

/* ---- kernel processes (row A8) ---- */

int
kthread_create(void (*func)(void *), void *arg, const char *name, struct process **pp)
{
	struct fork_args fa = {.flags = FORK_SYSTEM | FORK_SHAREFILES | FORK_SHAREFS | FORK_SIGHAND,
			       .func = func,
			       .arg = arg,
			       .name = name};
	struct thread *child;
	pid_t pid;
	int error = fork1(curthread, &fa, &child, &pid);

	if (error == 0 && pp != NULL)
		*pp = child->td_proc;
	return error;
}

void
kthread_returned(struct thread *td)
{
	kprintf(LOG_ERR, "kernel thread \"%s\" (pid %d) exited prematurely", td->td_proc->ps_comm,
		td->td_proc->ps_pid);
	exit1(td, 0, true);
}

/* ---- the boot thread becomes process 0's only thread; everything descends from it ---- */

struct thread *
process0_init(struct thread *td, struct process *ps)
{
	memset(ps, 0, sizeof(*ps));
	ps->ps_flags = PS_SYSTEM;
	ps->ps_refs = 1;
	ps->ps_leader = ps;
	LIST_INIT(&ps->ps_children);
	TAILQ_INIT(&ps->ps_threads);
	sigpend_init(&ps->ps_sigpend);
	sigpend_init(&td->td_sigpend);
	strlcpy(ps->ps_comm, "swapper", sizeof(ps->ps_comm));
	timeout_set(&ps->ps_alarm, realitimer_expire, ps);
	sched_thread_init(td);
	td->td_proc = ps;
	td->td_state = TDS_RUN;
	td->td_sigstk.ss_flags = SS_DISABLE;
	ps->ps_mainthread = td;
	TAILQ_INSERT_TAIL(&ps->ps_threads, td, td_link);
	ps->ps_nthreads = 1;
	sched_setprio(td);
	curthread = td;
	return td;
}

/* The rest, once memory can be allocated. */
void
process0_finish(struct process *ps)
{
	ps->ps_cred = cr_boot();
	ps->ps_limit = lim_boot();
	ps->ps_sigacts = sigacts_new();
	ps->ps_fd = fd_new();
	if (ps->ps_sigacts == NULL || ps->ps_fd == NULL ||
	    timeout_reserve(&ps->ps_mainthread->td_sleep_to) != 0 || enterpgrp(ps, 0, true) != 0)
		panic("no memory for process 0");
	LIST_INSERT_HEAD(&allprocess, ps, ps_list);
	nprocesses = nthreads = 1;
}
