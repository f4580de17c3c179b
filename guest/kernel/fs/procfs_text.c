/* SPDX-License-Identifier: ISC */
/* procfs_text.c: the small texts of /proc/PID: arguments, environment, limits, scores. */
#include <sys/exec.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include "procfs.h"

/* ---- memory of the process as text; who has an address space has an arguments block ---- */

/* Append [start, end) of the process's memory. */
static int
show_memory(struct sbuf *sb, struct process *p, vaddr_t start, vaddr_t end)
{
	size_t n = end - start;
	char *to;

	if (p->ps_vmspace == NULL || end <= start || n > ARG_MAX)
		return 0;
	if ((to = sbuf_reserve(sb, n)) == NULL)
		return ENOMEM;
	if (vmspace_rw(p->ps_vmspace, start, to, n, false, true) != 0)
		return EIO;
	sb->sb_len += n;
	return 0;
}

/* Programs may rewrite their arguments to tell what they do; what exec was given is the fallback.
 */
int
proc_showcmdline(struct sbuf *sb, struct vnode *vp)
{
	const struct pargs *pa;
	struct process *p;
	int error = proc_find(vp, &p, NULL);

	if (error != 0 || p->ps_vmspace == NULL)
		return error;
	pa = p->ps_args;
	if (pa->ar_argv_end <= pa->ar_argv || show_memory(sb, p, pa->ar_argv, pa->ar_argv_end) != 0)
		sbuf_write(sb, pa->ar_args, pa->ar_len);
	return 0;
}

int
proc_showenviron(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	int error = proc_find(vp, &p, NULL);

	if (error != 0 || p->ps_vmspace == NULL)
		return error;
	return show_memory(sb, p, p->ps_args->ar_env, p->ps_args->ar_env_end);
}

/* Up to and with the AT_NULL pair. */
int
proc_showauxv(struct sbuf *sb, struct vnode *vp)
{
	const uint64_t *auxv;
	struct process *p;
	size_t n = 0;
	int error = proc_find(vp, &p, NULL);

	if (error != 0 || p->ps_vmspace == NULL)
		return error;
	auxv = p->ps_args->ar_auxv;
	while (n + 2 < 2 * NAUXV && auxv[n] != 0)
		n += 2;
	sbuf_write(sb, auxv, (n + 2) * sizeof(auxv[0]));
	return 0;
}

/* ---- name ---- */

int
proc_showcomm(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	struct thread *td;
	int error = proc_find(vp, &p, &td);

	if (error == 0)
		sbuf_printf(sb, "%s\n", proc_comm(p, td));
	return error;
}

int
proc_storecomm(struct thread *td, struct vnode *vp, char *text)
{
	struct process *p;
	struct thread *target;
	int error = proc_find(vp, &p, &target);

	if (error != 0)
		return error;
	if (p != td->td_proc || target == NULL)
		return EINVAL;
	strlcpy(target->td_name, text, sizeof(target->td_name));
	if (target == p->ps_mainthread)
		strlcpy(p->ps_comm, text, sizeof(p->ps_comm));
	return 0;
}

/* ---- limits ---- */

static const struct {
	const char *name, *unit;
} limit_names[RLIM_NLIMITS] = {
    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
    {"Max data size", "bytes"},      {"Max stack size", "bytes"},
    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
    {"Max processes", "processes"},  {"Max open files", "files"},
    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
};

static void
show_limit(struct sbuf *sb, uint64_t value)
{
	if (value == RLIM_INFINITY)
		sbuf_printf(sb, " %-20s", "unlimited");
	else
		sbuf_printf(sb, " %-20lu", value);
}

int
proc_showlimits(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	int error = proc_find(vp, &p, NULL);

	if (error != 0)
		return error;
	sbuf_printf(sb, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		sbuf_printf(sb, "%-25s", limit_names[i].name);
		show_limit(sb, p->ps_limit->pl_rlimit[i].rlim_cur);
		show_limit(sb, p->ps_limit->pl_rlimit[i].rlim_max);
		sbuf_printf(sb, " %-10s\n", limit_names[i].unit);
	}
	return 0;
}

/* ---- how ready the process is to be killed for want of memory ---- */

#define OOM_ADJ_MAX 1000

int
proc_showoomscoreadj(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	int error = proc_find(vp, &p, NULL);

	if (error == 0)
		sbuf_printf(sb, "%d\n", p->ps_oom_adj);
	return error;
}

int
proc_storeoomscoreadj(struct thread *td, struct vnode *vp, char *text)
{
	struct process *p;
	int64_t adj;
	int error = proc_find(vp, &p, NULL);

	if (error != 0)
		return error;
	if (!strtoi64(text, 10, &adj) || adj < -OOM_ADJ_MAX || adj > OOM_ADJ_MAX)
		return EINVAL;
	if (adj < p->ps_oom_adj && !suser(td))
		return EACCES;
	p->ps_oom_adj = (int32_t)adj;
	return 0;
}

/* The same in the old scale of -17 .. 15. */
int
proc_showoomadj(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	int error = proc_find(vp, &p, NULL);

	if (error == 0)
		sbuf_printf(sb, "%d\n",
			    p->ps_oom_adj == OOM_ADJ_MAX ? 15 : p->ps_oom_adj * 17 / OOM_ADJ_MAX);
	return error;
}

/* Share of the memory in thousandths, corrected by the adjustment. */
int
proc_showoomscore(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	int64_t score = 0;
	int error = proc_find(vp, &p, NULL);

	if (error != 0)
		return error;
	if (p->ps_vmspace != NULL)
		score = (int64_t)(vmspace_rss(p->ps_vmspace) * 1000 / vm_frames_total());
	sbuf_printf(sb, "%ld\n", MAX(score + p->ps_oom_adj, 0L));
	return 0;
}

/* ---- the rest ---- */

int
proc_showwchan(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	struct thread *td;
	int error = proc_find(vp, &p, &td);

	if (error != 0)
		return error;
	sbuf_puts(sb,
		  td != NULL && td->td_wchan != NULL && td->td_wmesg != NULL ? td->td_wmesg : "0");
	return 0;
}

int
proc_showpersonality(struct sbuf *sb, struct vnode *vp)
{
	struct process *p;
	int error = proc_find(vp, &p, NULL);

	if (error == 0)
		sbuf_printf(sb, "%08x\n", p->ps_personality);
	return error;
}

int
proc_showchildren(struct sbuf *sb, struct vnode *vp)
{
	struct process *p, *c;
	int error = proc_find(vp, &p, NULL);

	if (error != 0)
		return error;
	LIST_FOREACH (c, &p->ps_children, ps_sibling)
		if (!(c->ps_flags & PS_EMBRYO))
			sbuf_printf(sb, "%d ", c->ps_pid);
	return 0;
}

int
proc_showcgroup(struct sbuf *sb, struct vnode *vp __unused)
{
	sbuf_puts(sb, "0::/\n");
	return 0;
}

int
proc_showloginuid(struct sbuf *sb, struct vnode *vp __unused)
{
	sbuf_puts(sb, "4294967295"); /* nobody has logged in */
	return 0;
}

/* ---- mounts: the same for everybody ---- */

int
proc_showmounts(struct sbuf *sb, struct vnode *vp __unused)
{
	for (const struct mount *m = mountlist; m != NULL; m = m->mnt_next)
		sbuf_printf(sb, "%s %s %s rw 0 0\n", m->mnt_from, m->mnt_path, m->mnt_type);
	return 0;
}

/* Mounts are numbered in their order; all but the root hang on the root or on /dev. */
static int
mount_id(const struct mount *which)
{
	int id = 1;

	for (const struct mount *m = mountlist; m != NULL && m != which; m = m->mnt_next)
		id++;
	return id;
}

int
proc_showmountinfo(struct sbuf *sb, struct vnode *vp __unused)
{
	for (const struct mount *m = mountlist; m != NULL; m = m->mnt_next) {
		int parent = m->mnt_covered != NULL ? mount_id(m->mnt_covered->v_mount) : 0;

		sbuf_printf(sb, "%d %d %lu:%lu / %s rw,relatime - %s %s rw\n", mount_id(m), parent,
			    m->mnt_dev >> 8, m->mnt_dev & 0xff, m->mnt_path, m->mnt_type,
			    m->mnt_from);
	}
	return 0;
}
