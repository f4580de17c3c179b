/* SPDX-License-Identifier: ISC */
/* procfs_pid.c: the directories /proc/PID, /proc/PID/task and /proc/PID/task/TID. */
#include <sys/systm.h>
#include "procfs.h"

#define FIRSTOFF 2

static const struct vnodeops proc_dirops, proc_textops, proc_taskops;

#define DIR(name, mode, ops)                                                                       \
	{                                                                                          \
		name, S_IFDIR | (mode), ops, NULL, NULL, false                                     \
	}
#define LINK(name)                                                                                 \
	{                                                                                          \
		name, S_IFLNK | 0777, &proc_linkops, NULL, NULL, true                              \
	}
#define TEXT(name, show)                                                                           \
	{                                                                                          \
		name, S_IFREG | 0444, &proc_textops, show, NULL, false                             \
	}
#define SECRET(name, show)                                                                         \
	{                                                                                          \
		name, S_IFREG | 0400, &proc_textops, show, NULL, true                              \
	}
#define RW(name, show, store)                                                                      \
	{                                                                                          \
		name, S_IFREG | 0644, &proc_textops, show, store, false                            \
	}

/* What a process and each of its threads have; then what only the process has. */
static const struct procent entries[] = {
    SECRET("auxv", proc_showauxv),
    TEXT("cgroup", proc_showcgroup),
    TEXT("children", proc_showchildren),
    TEXT("cmdline", proc_showcmdline),
    RW("comm", proc_showcomm, proc_storecomm),
    LINK("cwd"),
    SECRET("environ", proc_showenviron),
    LINK("exe"),
    DIR("fd", 0500, &proc_fddirops),
    DIR("fdinfo", 0555, &proc_fdinfdirops),
    TEXT("limits", proc_showlimits),
    TEXT("loginuid", proc_showloginuid),
    TEXT("maps", proc_showmaps),
    {"mem", S_IFREG | 0600, &proc_memops, NULL, NULL, true},
    TEXT("mountinfo", proc_showmountinfo),
    TEXT("mounts", proc_showmounts),
    TEXT("oom_adj", proc_showoomadj),
    TEXT("oom_score", proc_showoomscore),
    RW("oom_score_adj", proc_showoomscoreadj, proc_storeoomscoreadj),
    SECRET("personality", proc_showpersonality),
    LINK("root"),
    TEXT("smaps", proc_showsmaps),
    TEXT("stat", proc_showstat),
    TEXT("statm", proc_showstatm),
    TEXT("status", proc_showstatus),
    TEXT("wchan", proc_showwchan),
};
const struct procent proc_pident = DIR("", 0555, &proc_dirops);
const struct procent proc_tident = DIR("", 0555, &proc_dirops);
const struct procent proc_taskent = DIR("task", 0555, &proc_taskops);

/* ---- text files ---- */

/* Private files and what shows addresses is for those who may trace the process. */
static int
proc_textopen(struct vnode *vp, struct file *fp, int flags __unused, struct thread *td)
{
	const struct procent *pe = PTONODE(vp)->pn_ent;
	bool addresses = pe->pe_show == proc_showmaps || pe->pe_show == proc_showsmaps;

	if ((pe->pe_private || addresses) && !proc_mayaccess(td, PTONODE(vp)->pn_proc))
		return EACCES;
	return textfile_open(fp, pe->pe_show, pe->pe_store);
}

static const struct vnodeops proc_textops = {
    .vop_getattr = proc_getattr,
    .vop_setattr = proc_setattr,
    .vop_open = proc_textopen,
    .vop_parent = proc_parent,
    .vop_inactive = proc_inactive,
};

/* ---- /proc/PID and /proc/PID/task/TID ---- */

static const struct procent *
find_entry(const char *name, size_t len)
{
	for (size_t i = 0; i < nitems(entries); i++)
		if (strlen(entries[i].pe_name) == len && memcmp(entries[i].pe_name, name, len) == 0)
			return &entries[i];
	return NULL;
}

const struct procent *
proc_entry(const char *name)
{
	return find_entry(name, strlen(name));
}

static int
proc_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	const struct procnode *pn = PTONODE(dir);
	const struct procent *pe;
	struct process *p;

	if (proc_find(dir, &p, NULL) != 0)
		return ENOENT;
	if (pn->pn_tid == 0 && len == 4 && memcmp(name, "task", 4) == 0)
		return proc_newnode(dir, &proc_taskent, p, 0, -1, vpp);
	pe = find_entry(name, len);
	return pe != NULL ? proc_newnode(dir, pe, p, pn->pn_tid, -1, vpp) : ENOENT;
}

static ino_t
entry_ino(const struct procnode *dir, off_t i)
{
	return ((uint64_t)dir->pn_proc->ps_pid << 32 | (uint64_t)dir->pn_tid << 8) + (uint64_t)i +
	       1;
}

static int
proc_readdir(struct vnode *dir, off_t *off, dirfill_t fill, void *ctx)
{
	const struct procnode *pn = PTONODE(dir);
	off_t n = (off_t)nitems(entries), i = MAX(*off, FIRSTOFF) - FIRSTOFF;
	struct process *p;

	if (proc_find(dir, &p, NULL) != 0)
		return ENOENT;
	for (; i < n + (pn->pn_tid == 0); i++) {
		const struct procent *pe = i < n ? &entries[i] : &proc_taskent;

		if (fill(ctx, pe->pe_name, strlen(pe->pe_name), i + 1 + FIRSTOFF, entry_ino(pn, i),
			 pe->pe_mode >> 12) != 0)
			return 0;
		*off = i + 1 + FIRSTOFF;
	}
	return 0;
}

static const struct vnodeops proc_dirops = {
    .vop_lookup = proc_lookup,
    .vop_readdir = proc_readdir,
    .vop_getattr = proc_getattr,
    .vop_parent = proc_parent,
    .vop_name = proc_dirname,
    .vop_inactive = proc_inactive,
};

/* ---- /proc/PID/task ---- */

static int
task_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	struct process *p;
	struct thread *td;
	int64_t tid;

	if (proc_find(dir, &p, NULL) != 0 || !proc_number(name, len, &tid) || tid == 0)
		return ENOENT;
	td = tfind((pid_t)tid);
	if (tid != p->ps_pid && (td == NULL || td->td_proc != p))
		return ENOENT;
	return proc_newnode(dir, &proc_tident, p, (pid_t)tid, -1, vpp);
}

/* Positions are thread ids, so that threads that come and go do not disturb a listing. */
static int
task_readdir(struct vnode *dir, off_t *off, dirfill_t fill, void *ctx)
{
	pid_t tid = (pid_t)(MAX(*off, FIRSTOFF) - FIRSTOFF);
	struct process *p;

	if (proc_find(dir, &p, NULL) != 0)
		return ENOENT;
	while ((tid = pid_next(tid)) != 0) {
		struct thread *td = tfind(tid);
		char name[12];

		if (tid != p->ps_pid && (td == NULL || td->td_proc != p))
			continue;
		ksnprintf(name, sizeof(name), "%d", tid);
		if (fill(ctx, name, strlen(name), tid + FIRSTOFF, (ino_t)tid << 32 | 1UL << 31,
			 S_IFDIR >> 12) != 0)
			return 0;
		*off = tid + FIRSTOFF;
	}
	return 0;
}

static const struct vnodeops proc_taskops = {
    .vop_lookup = task_lookup,
    .vop_readdir = task_readdir,
    .vop_getattr = proc_getattr,
    .vop_parent = proc_parent,
    .vop_name = proc_dirname,
    .vop_inactive = proc_inactive,
};
