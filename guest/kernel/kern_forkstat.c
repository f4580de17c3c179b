/* SPDX-License-Identifier: ISC */
/* kern_forkstat.c: fork statistics (group E): only forks that have happened are counted. */
#include <sys/forkvar.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/hostmsg.h>
#include <machine/stats.h>

int
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

void
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

void
forkstat_fork(struct process *parent, struct process *child, uint32_t flags)
{
	(void)parent;
	fork_count(child, flags);
}
