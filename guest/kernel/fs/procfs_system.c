/* SPDX-License-Identifier: ISC */
/* procfs_system.c: the files of /proc about the system as a whole. */
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/sysctl.h>
#include <sys/vm.h>
#include <machine/stats.h>
#include "procfs.h"

#define CPUINFO_MAX 4096
#define PROC_SEC (100 * PROC_TICK)

/* ---- memory ---- */

static void
show_kb(struct sbuf *sb, const char *name, uint64_t pages)
{
	sbuf_printf(sb, "%-15s %8lu kB\n", name, pages * (PAGE_SIZE / 1024));
}

/* Every file is in memory and nothing is swapped: what is free is what can be had. */
int
sys_showmeminfo(struct sbuf *sb, struct vnode *vp __unused)
{
	uint64_t total = vm_frames_total(), free = vm_frames_free(), tables = kstats->frames_pt;
	uint64_t stacks = (uint64_t)nthreads << KSTACK_ORDER;
	uint64_t used = total - free - MIN(total - free, tables + stacks);

	show_kb(sb, "MemTotal:", total);
	show_kb(sb, "MemFree:", free);
	show_kb(sb, "MemAvailable:", free);
	show_kb(sb, "Buffers:", 0);
	show_kb(sb, "Cached:", 0);
	show_kb(sb, "SwapCached:", 0);
	show_kb(sb, "Active:", used);
	show_kb(sb, "Inactive:", 0);
	show_kb(sb, "SwapTotal:", 0);
	show_kb(sb, "SwapFree:", 0);
	show_kb(sb, "Dirty:", 0);
	show_kb(sb, "Writeback:", 0);
	show_kb(sb, "AnonPages:", used);
	show_kb(sb, "Mapped:", 0);
	show_kb(sb, "Shmem:", 0);
	show_kb(sb, "Slab:", 0);
	show_kb(sb, "KernelStack:", stacks);
	show_kb(sb, "PageTables:", tables);
	show_kb(sb, "CommitLimit:", total);
	show_kb(sb, "Committed_AS:", used);
	sbuf_puts(sb, "HugePages_Total:       0\nHugePages_Free:        0\n");
	show_kb(sb, "Hugepagesize:", 512);
	return 0;
}

/* ---- time and load ---- */

/* CPU time of everything that runs or has run; what was reaped is counted with its reaper. */
static void
total_cputime(nsec_t *utime, nsec_t *stime)
{
	const struct process_list *lists[] = {&allprocess, &zombprocess};
	const struct process *p;

	*utime = *stime = 0;
	for (size_t i = 0; i < nitems(lists); i++)
		LIST_FOREACH (p, lists[i], ps_list) {
			struct rusage_acc ru;

			proc_usage(p, NULL, true, &ru);
			*utime += ru.utime + p->ps_cru.utime;
			*stime += ru.stime + p->ps_cru.stime;
		}
}

static nsec_t
idle_time(nsec_t *utime, nsec_t *stime)
{
	nsec_t now = nanouptime();

	total_cputime(utime, stime);
	return now > *utime + *stime ? now - *utime - *stime : 0;
}

static void
count_threads(int *running, int *blocked)
{
	const struct process *p;
	const struct thread *td;

	*running = *blocked = 0;
	LIST_FOREACH (p, &allprocess, ps_list)
		TAILQ_FOREACH (td, &p->ps_threads, td_link) {
			*running += td->td_state == TDS_RUN && p->ps_pid != 0;
			*blocked += td->td_state == TDS_SLEEP && !(td->td_flags & TDF_SINTR) &&
				    !(p->ps_flags & PS_SYSTEM);
		}
}

int
sys_showuptime(struct sbuf *sb, struct vnode *vp __unused)
{
	nsec_t now = nanouptime(), utime, stime, idle = idle_time(&utime, &stime);

	sbuf_printf(sb, "%lu.%02lu %lu.%02lu\n", now / PROC_SEC, now / PROC_TICK % 100,
		    idle / PROC_SEC, idle / PROC_TICK % 100);
	return 0;
}

/* A kernel that ticks only when it must keeps no averages: the load is that of this moment, not
 * counting the reader. */
int
sys_showloadavg(struct sbuf *sb, struct vnode *vp __unused)
{
	int running, blocked;

	count_threads(&running, &blocked);
	sbuf_printf(sb, "%d.00 %d.00 %d.00 %d/%d %lu\n", MAX(running - 1, 0), MAX(running - 1, 0),
		    MAX(running - 1, 0), running, nthreads, (uint64_t)kstats->lastpid);
	return 0;
}

int
sys_showstat(struct sbuf *sb, struct vnode *vp __unused)
{
	nsec_t utime, stime, idle = idle_time(&utime, &stime);
	int running, blocked;

	for (int i = 0; i < 2; i++)
		sbuf_printf(sb, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", i == 0 ? "cpu " : "cpu0",
			    utime / PROC_TICK, stime / PROC_TICK, idle / PROC_TICK);
	count_threads(&running, &blocked);
	sbuf_printf(sb, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\n", kstats->interrupts,
		    kstats->ctxswitches, (uint64_t)((nanotime() - nanouptime()) / NSEC_PER_SEC),
		    kstats->forks);
	sbuf_printf(sb, "procs_running %d\nprocs_blocked %d\nsoftirq 0\n", running, blocked);
	return 0;
}

/*
 * Kernel objects in use, in the columns of Linux; a pool's empty slabs are not kept.  What lies in
 * a class's slabs is counted by the class without the pool's own name: slabs and room are the
 * class's.
 */
int
sys_showslabinfo(struct sbuf *sb, struct vnode *vp __unused)
{
	sbuf_printf(sb, "slabinfo - version: 2.1\n# name <active_objs> <num_objs> <objsize> "
			"<objperslab> <pagesperslab>\n");
	for (const struct pool *pl = allpools; pl != NULL; pl = pl->pl_next) {
		const struct pool *in = pl->pl_slabs;
		uint64_t slabs = in->pl_npages >> in->pl_order;

		sbuf_printf(sb, "%s %lu %lu %zu %u %u\n", pl->pl_name, pl->pl_nout,
			    in == pl ? slabs * pl->pl_perslab : pl->pl_nout, in->pl_size,
			    in->pl_perslab, 1U << in->pl_order);
	}
	return 0;
}

/* ---- what this is ---- */

int
sys_showcpuinfo(struct sbuf *sb, struct vnode *vp __unused)
{
	char *to = sbuf_reserve(sb, CPUINFO_MAX);

	if (to == NULL)
		return ENOMEM;
	sb->sb_len += MIN(cpu_cpuinfo(to, CPUINFO_MAX), (size_t)CPUINFO_MAX);
	return 0;
}

int
sys_showversion(struct sbuf *sb, struct vnode *vp __unused)
{
	sbuf_printf(sb, "%s version %s (tine) %s\n", ostype, osrelease, osversion);
	return 0;
}

/* Every type is listed once, at its first mount. */
int
sys_showfilesystems(struct sbuf *sb, struct vnode *vp __unused)
{
	for (const struct mount *m = mountlist; m != NULL; m = m->mnt_next) {
		const struct mount *first = mountlist;

		while (strcmp(first->mnt_type, m->mnt_type) != 0)
			first = first->mnt_next;
		if (first == m)
			sbuf_printf(sb, "nodev\t%s\n", m->mnt_type);
	}
	return 0;
}
