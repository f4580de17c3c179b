/* SPDX-License-Identifier: ISC */
/* procfs_status.c: /proc/PID/status: a process for human readers (and C libraries). */
#include <sys/file.h>
#include <sys/pmap.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "procfs.h"

#define CAP_FULL 0x1ffffffffffUL /* what uid 0 has */
#define KB(pages) ((pages) * (PAGE_SIZE / 1024))

static const char *
state_name(char c)
{
	switch (c) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	case 'Z':
		return "zombie";
	default:
		return "dead";
	}
}

static void
show_ids(struct sbuf *sb, const struct process *p, const struct thread *td, pid_t tid)
{
	const struct cred *cr = p->ps_cred;
	char state = proc_state(p, td);

	sbuf_printf(sb, "Name:\t%s\n", proc_comm(p, td));
	if (p->ps_fs != NULL)
		sbuf_printf(sb, "Umask:\t%04o\n", p->ps_fs->fs_umask);
	sbuf_printf(sb, "State:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n", state,
		    state_name(state), p->ps_pid, tid);
	sbuf_printf(sb, "PPid:\t%d\nTracerPid:\t%d\n",
		    p->ps_pptr != NULL ? real_parent(p)->ps_pid : 0,
		    p->ps_ptstat != NULL && p->ps_pptr != NULL ? p->ps_pptr->ps_pid : 0);
	sbuf_printf(sb, "Uid:\t%u\t%u\t%u\t%u\n", cr->cr_ruid, cr->cr_uid, cr->cr_svuid,
		    cr->cr_fsuid);
	sbuf_printf(sb, "Gid:\t%u\t%u\t%u\t%u\n", cr->cr_rgid, cr->cr_gid, cr->cr_svgid,
		    cr->cr_fsgid);
	sbuf_printf(sb, "FDSize:\t%d\nGroups:\t", p->ps_fd != NULL ? p->ps_fd->fd_nfiles : 0);
	for (uint32_t i = 0; i < cr->cr_ngroups; i++)
		sbuf_printf(sb, "%u ", cr->cr_groups[i]);
	sbuf_printf(sb, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", p->ps_pid, tid,
		    p->ps_pgrp->pg_id, p->ps_pgrp->pg_session->s_sid);
}

static void
show_kb(struct sbuf *sb, const char *name, uint64_t pages)
{
	sbuf_printf(sb, "%s:\t%8lu kB\n", name, KB(pages));
}

struct resident {
	uint64_t anon, file, shmem;
};

/* Private copies of file pages are counted as file pages: the tree does not tell them apart. */
static void
count_resident(struct vmspace *vm, struct resident *rs)
{
	const struct vm_map *map = vm->vm_map;

	memset(rs, 0, sizeof(*rs));
	for (uint32_t i = 0; i < map->m_count; i++) {
		const struct region *r = &map->m_region[i];
		uint64_t n = pmap_resident(&vm->vm_pmap, r->r_start, r->r_end);

		if (r->r_object == NULL)
			rs->anon += n;
		else if (r->r_vnode != NULL)
			rs->file += n;
		else
			rs->shmem += n;
	}
}

static void
show_memory(struct sbuf *sb, struct vmspace *vm)
{
	const struct vm_map *map = vm->vm_map;
	struct resident rs;
	uint64_t rss;

	count_resident(vm, &rs);
	rss = rs.anon + rs.file + rs.shmem;
	show_kb(sb, "VmPeak", map->m_total);
	show_kb(sb, "VmSize", map->m_total);
	show_kb(sb, "VmLck", vm->vm_locked);
	show_kb(sb, "VmPin", 0);
	show_kb(sb, "VmHWM", MAX(rss, vm->vm_maxrss));
	show_kb(sb, "VmRSS", rss);
	show_kb(sb, "RssAnon", rs.anon);
	show_kb(sb, "RssFile", rs.file);
	show_kb(sb, "RssShmem", rs.shmem);
	show_kb(sb, "VmData", map->m_dsize);
	show_kb(sb, "VmStk", map->m_ssize);
	show_kb(sb, "VmExe", atop(round_page(vm->vm_text_end) - trunc_page(vm->vm_text_start)));
	show_kb(sb, "VmLib", map->m_tsize);
	show_kb(sb, "VmPTE", 0);
	show_kb(sb, "VmSwap", 0);
}

static void
show_signals(struct sbuf *sb, const struct process *p, const struct thread *td)
{
	sigset_t ignored = 0, caught = 0;

	for (int sig = 1; sig <= NSIG; sig++) {
		vaddr_t handler = p->ps_sigacts->sa_act[sig - 1].sa_handler;

		if (handler == SIG_IGN)
			ignored |= sigmask(sig);
		else if (handler != SIG_DFL)
			caught |= sigmask(sig);
	}
	sbuf_printf(sb, "Threads:\t%d\nSigQ:\t0/%lu\n", MAX(p->ps_nthreads, 1),
		    lim_cur(p, 11)); /* RLIMIT_SIGPENDING */
	sbuf_printf(sb, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n",
		    td != NULL ? td->td_sigpend.sp_set : 0, p->ps_sigpend.sp_set);
	sbuf_printf(sb, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		    td != NULL ? td->td_sigmask : 0, ignored, caught);
}

static void
show_privileges(struct sbuf *sb, const struct process *p)
{
	uint64_t permitted = p->ps_cred->cr_uid == 0 || p->ps_cred->cr_ruid == 0 ? CAP_FULL : 0;
	uint64_t effective = p->ps_cred->cr_uid == 0 ? CAP_FULL : 0;

	sbuf_printf(sb, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n", 0UL, permitted,
		    effective);
	sbuf_printf(sb, "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", CAP_FULL, 0UL);
	sbuf_printf(sb, "NoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\n", p->ps_nonewprivs);
}

int
proc_showstatus(struct sbuf *sb, struct vnode *vp)
{
	pid_t tid = PTONODE(vp)->pn_tid;
	struct rusage_acc ru;
	struct process *p;
	struct thread *td;
	int error = proc_find(vp, &p, &td);

	if (error != 0)
		return error;
	show_ids(sb, p, td, tid != 0 ? tid : p->ps_pid);
	if (p->ps_vmspace != NULL)
		show_memory(sb, p->ps_vmspace);
	show_signals(sb, p, td);
	show_privileges(sb, p);
	sbuf_puts(sb, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n"
		      "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	proc_usage(p, td, false, &ru);
	sbuf_printf(sb, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    ru.nvcsw, ru.nivcsw);
	return 0;
}
