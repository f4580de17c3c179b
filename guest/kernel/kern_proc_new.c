/* SPDX-License-Identifier: ISC */
/* kern_proc_new.c: construction of processes: what each part of the parent becomes in the child. */
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/forkvar.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/pledge.h>
#include <sys/profil.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

static struct pool process_pool = POOL_INITIALIZER("process", struct process);

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
		return sigacts_fork(parent, true);
	return flags & FORK_CLEARSIG ? sigacts_clear_handlers(parent->ps_sigacts)
				     : sigacts_fork(parent, false);
}

/*
 * Row B5: shared copy-on-write.  Limits whose sharers see each other's changes (PL_SHAREMOD) are
 * copied, unless the child is to be one of the sharers.
 */
static struct plimit *
fork_limits(struct process *parent, uint32_t flags)
{
	bool sharemod = (parent->ps_limit->pl_flags & PL_SHAREMOD) != 0;

	if (sharemod != ((flags & FORK_SHARELIM) != 0))
		return lim_copy(parent->ps_limit);
	return lim_hold(parent->ps_limit);
}

/* The first to share limits on purpose moves over to the copy made for the child. */
static void
share_limits(struct process *parent, struct process *child)
{
	if (parent->ps_limit == child->ps_limit)
		return;
	lim_free(parent->ps_limit);
	parent->ps_limit = lim_hold(child->ps_limit);
	child->ps_limit->pl_flags |= PL_SHAREMOD;
}

static struct vmspace *
fork_vmspace(struct process *parent, uint32_t flags)
{
	return flags & FORK_SHAREVM ? vmspace_share(parent->ps_vmspace)
				    : vmspace_fork(parent->ps_vmspace, cpu_user_sp(curthread));
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
	ptrace_process_free(ps);
	pledge_free(ps);
	profil_free(ps);
	timeout_release(&ps->ps_alarm);
}

/* Last reference to a reaped process. */
void
process_free(struct process *ps)
{
	process_drop(ps);
	pool_put(&process_pool, ps);
}

/* In no list yet, so a failure leaves nothing behind and nobody sees it: rows C5 and C12. */
struct process *
process_new(struct process *parent, const struct fork_args *fa)
{
	uint32_t flags = fa->flags;
	struct process *ps = pool_get(&process_pool, 0);

	if (ps == NULL)
		return NULL;
	memset(ps, 0, offsetof(struct process, ps_endzero));
	memcpy(&ps->ps_startcopy, &parent->ps_startcopy,
	       offsetof(struct process, ps_endcopy) - offsetof(struct process, ps_startcopy));
	ps->ps_pgrp = NULL;
	pledge_fork(ps);
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
	if ((ps->ps_limit = fork_limits(parent, flags)) == NULL ||
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
	return flags & FORK_PARENT ? real_parent(ps) : ps;
}

void
process_link(struct process *ps, struct process *creator, uint32_t flags)
{
	if (flags & FORK_SHARELIM)
		share_limits(creator, ps);
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
