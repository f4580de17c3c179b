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

/* Where each kind is counted. */
static const struct {
	size_t cnt, siz;
} fork_fields[] = {
#define KIND(name)                                                                                 \
	{                                                                                          \
		offsetof(struct tine_stats, cnt##name), offsetof(struct tine_stats, siz##name)     \
	}
    [TINE_FORK_FORK] = KIND(fork),       [TINE_FORK_VFORK] = KIND(vfork),
    [TINE_FORK_RFORK] = KIND(rfork),     [TINE_FORK_TFORK] = KIND(tfork),
    [TINE_FORK_KTHREAD] = KIND(kthread),
#undef KIND
};

static void
add_at(size_t field, uint64_t n)
{
	*(uint64_t *)(void *)((char *)kstats + field) += n;
}

void
fork_count(const struct process *ps, uint32_t flags)
{
	uint64_t pages =
	    ps->ps_vmspace != NULL ? vm_dsize(ps->ps_vmspace) + vm_ssize(ps->ps_vmspace) : 0;
	int kind = fork_kind(flags);

	stats_begin();
	add_at(fork_fields[kind].cnt, 1);
	add_at(fork_fields[kind].siz, pages);
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
