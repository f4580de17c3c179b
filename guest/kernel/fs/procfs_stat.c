/* SPDX-License-Identifier: ISC */
/* procfs_stat.c: /proc/PID/stat and statm: a process in one line of numbers. */
#include <sys/pmap.h>
#include <sys/ptrace.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vm.h>
#include "procfs.h"

/* ---- helpers that other texts use as well ---- */

static char
thread_state(const struct thread *td)
{
	switch (td->td_state) {
	case TDS_RUN:
		return 'R';
	case TDS_SLEEP:
		return td->td_flags & TDF_SINTR ? 'S' : 'D';
	case TDS_STOPPED:
		return td->td_proc->ps_ptstat != NULL ? 't' : 'T';
	default:
		return 'X';
	}
}

char
proc_state(const struct process *p, const struct thread *td)
{
	if (p->ps_flags & PS_ZOMBIE || td == NULL)
		return 'Z';
	if (p->ps_flags & PS_STOPPED)
		return p->ps_ptstat != NULL ? 't' : 'T';
	return thread_state(td);
}

const char *
proc_comm(const struct process *p, const struct thread *td)
{
	return td != NULL && td != p->ps_mainthread ? td->td_name : p->ps_comm;
}

static void
add_thread(const struct thread *td, struct rusage_acc *ru)
{
	nsec_t utime, stime;

	thread_cputime(td, &utime, &stime);
	ru->utime += utime;
	ru->stime += stime;
	ru->minflt += td->td_ru.minflt;
	ru->majflt += td->td_ru.majflt;
	ru->nvcsw += td->td_ru.nvcsw;
	ru->nivcsw += td->td_ru.nivcsw;
}

void
proc_usage(const struct process *p, const struct thread *td, bool whole, struct rusage_acc *ru)
{
	struct thread *t;

	memset(ru, 0, sizeof(*ru));
	if (!whole) {
		if (td != NULL)
			add_thread(td, ru);
		return;
	}
	*ru = p->ps_ru;
	TAILQ_FOREACH (t, &p->ps_threads, td_link)
		add_thread(t, ru);
}

/* ---- stat ---- */

static pid_t
parent_pid(const struct process *p)
{
	return p->ps_pptr != NULL ? real_parent(p)->ps_pid : 0;
}

static void
show_identity(struct sbuf *sb, const struct process *p, const struct thread *td, pid_t id)
{
	const struct session *s = p->ps_pgrp->pg_session;
	const struct tty *tp = p->ps_flags & PS_CONTROLT ? s->s_tty : NULL;

	sbuf_printf(sb, "%d (%s) %c %d %d %d %lu %d %u", id, proc_comm(p, td), proc_state(p, td),
		    parent_pid(p), p->ps_pgrp->pg_id, s->s_sid, tp != NULL ? tty_rdev(tp) : 0UL,
		    tp != NULL ? tty_pgid(tp) : -1,
		    p->ps_flags & PS_SYSTEM ? 0x00200000u
		    : p->ps_acflag & AFORK  ? 0x40u
					    : 0u);
}

static void
show_usage(struct sbuf *sb, const struct process *p, const struct thread *td, bool whole)
{
	const struct rusage_acc *c = &p->ps_cru;
	struct rusage_acc ru;

	proc_usage(p, td, whole, &ru);
	sbuf_printf(sb, " %lu %lu %lu %lu %lu %lu %lu %lu", ru.minflt, c->minflt, ru.majflt,
		    c->majflt, ru.utime / PROC_TICK, ru.stime / PROC_TICK, c->utime / PROC_TICK,
		    c->stime / PROC_TICK);
	sbuf_printf(sb, " %d %d %d 0 %lu", 20 + p->ps_nice, p->ps_nice, p->ps_nthreads,
		    p->ps_start / PROC_TICK);
}

/* Addresses are for those who may look at the memory itself. */
static void
show_memory(struct sbuf *sb, const struct process *p, struct vmspace *vm)
{
	bool visible = vm != NULL && proc_mayaccess(curthread, p);

	sbuf_printf(sb, " %lu %lu %lu", vm != NULL ? vm->vm_map->m_total * PAGE_SIZE : 0,
		    vm != NULL ? vmspace_rss(vm) : 0, lim_cur(p, RLIMIT_RSS));
	sbuf_printf(sb, " %lu %lu %lu 0 0", visible ? vm->vm_text_start : 0,
		    visible ? vm->vm_text_end : 0, visible ? vm->vm_stack_top : 0);
}

static void
handler_sets(const struct process *p, sigset_t *ignored, sigset_t *caught)
{
	*ignored = *caught = 0;
	for (int sig = 1; sig <= NSIG; sig++) {
		vaddr_t handler = p->ps_sigacts->sa_act[sig - 1].sa_handler;

		if (handler == SIG_IGN)
			*ignored |= sigmask(sig);
		else if (handler != SIG_DFL)
			*caught |= sigmask(sig);
	}
}

/* The classic signals only, as this file has always had them. */
static void
show_signals(struct sbuf *sb, const struct process *p, const struct thread *td)
{
	sigset_t ignored, caught, pending = td != NULL ? td->td_sigpend.sp_set : 0;

	handler_sets(p, &ignored, &caught);
	sbuf_printf(sb, " %lu %lu %lu %lu", pending & 0x7fffffff,
		    (td != NULL ? td->td_sigmask : 0) & 0x7fffffff, ignored & 0x7fffffff,
		    caught & 0x7fffffff);
}

static void
show_layout(struct sbuf *sb, const struct process *p, const struct vmspace *vm)
{
	const struct pargs *pa = p->ps_args;

	if (vm == NULL || !proc_mayaccess(curthread, p)) {
		sbuf_puts(sb, " 0 0 0 0 0 0 0");
		return;
	}
	sbuf_printf(sb, " %lu %lu %lu %lu %lu %lu %lu", vm->vm_data_start, vm->vm_data_end,
		    vm->vm_brk_start, pa->ar_argv, pa->ar_argv_end, pa->ar_env, pa->ar_env_end);
}

int
proc_showstat(struct sbuf *sb, struct vnode *vp)
{
	bool whole = PTONODE(vp)->pn_tid == 0;
	struct process *p;
	struct thread *td;
	int error = proc_find(vp, &p, &td);

	if (error != 0)
		return error;
	show_identity(sb, p, td, whole ? p->ps_pid : PTONODE(vp)->pn_tid);
	show_usage(sb, p, td, whole);
	show_memory(sb, p, p->ps_vmspace);
	show_signals(sb, p, td);
	/* wchan, nswap, cnswap, exit signal, processor, RT priority, policy, delays, guest times */
	sbuf_printf(sb, " %d 0 0 %d 0 0 0 0 0 0", td != NULL && td->td_wchan != NULL,
		    p->ps_exitsig);
	show_layout(sb, p, p->ps_vmspace);
	sbuf_printf(sb, " %d\n",
		    p->ps_flags & PS_ZOMBIE && proc_mayaccess(curthread, p) ? p->ps_xstat : 0);
	return 0;
}

/* ---- statm: total, resident, shared, text, 0, data + stack, 0; in pages ---- */

static uint64_t
resident_file_pages(struct vmspace *vm)
{
	const struct vm_map *map = vm->vm_map;
	uint64_t n = 0;

	for (uint32_t i = 0; i < map->m_count; i++)
		if (map->m_region[i].r_object != NULL)
			n += pmap_resident(&vm->vm_pmap, map->m_region[i].r_start,
					   map->m_region[i].r_end);
	return n;
}

int
proc_showstatm(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	struct vmspace *vm;
	int error = proc_find(vp, &p, NULL);

	if (error != 0)
		return error;
	if ((vm = p->ps_vmspace) == NULL)
		sbuf_puts(sb, "0 0 0 0 0 0 0\n");
	else
		sbuf_printf(sb, "%lu %lu %lu %lu 0 %lu 0\n", vm->vm_map->m_total, vmspace_rss(vm),
			    resident_file_pages(vm), vm->vm_map->m_tsize,
			    vm_dsize(vm) + vm_ssize(vm));
	return 0;
}
