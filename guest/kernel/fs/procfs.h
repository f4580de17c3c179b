/* SPDX-License-Identifier: ISC */
/*
 * procfs.h: the inside of /proc.
 *
 * A node names a process (its structure held, so it may die any time), perhaps one of its threads,
 * and a row of a table that says what the node shows of it.
 */
#ifndef FS_PROCFS_H
#define FS_PROCFS_H

#include <sys/proc.h>
#include "pseudofs.h"

struct procent {
	const char *pe_name;
	mode_t pe_mode; /* with type */
	const struct vnodeops *pe_ops;
	textshow_t pe_show;
	textstore_t pe_store;
	bool pe_private; /* open only to who may trace the process */
};

struct procnode {
	const struct procent *pn_ent;
	struct process *pn_proc;
	pid_t pn_tid; /* a thread's node; 0: the process as a whole */
	int pn_fd;    /* node in fd/ or fdinfo/ */
};
#define PTONODE(vp) ((struct procnode *)(vp)->v_data)

/* ---- procfs_node.c: what nodes of all kinds share ---- */
int proc_newnode(struct vnode *dir, const struct procent *, struct process *, pid_t tid, int fd,
		 struct vnode **);
/* The process, unless it has been reaped (ESRCH); the thread: of the node or the main one, may be
 * NULL (zombie). */
int proc_find(struct vnode *, struct process **, struct thread **);
bool proc_mayaccess(const struct thread *, const struct process *); /* as for tracing it */
int proc_getattr(struct vnode *, struct stat *);
int proc_setattr(struct vnode *, const struct vattr *);
int proc_parent(struct vnode *, struct vnode **);
int proc_dirname(struct vnode *dir, struct vnode *child, char *buf, size_t size);
void proc_inactive(struct vnode *);
bool proc_number(const char *name, size_t len, int64_t *n); /* decimal without leading zeroes */

/* ---- procfs_pid.c: directories of processes and threads ---- */
extern const struct procent proc_pident;  /* /proc/PID */
extern const struct procent proc_taskent; /* /proc/PID/task */
extern const struct procent proc_tident;  /* /proc/PID/task/TID */

const struct procent *proc_entry(const char *name); /* of /proc/PID, or NULL */

/* ---- procfs.c ---- */
extern struct vnode *proc_root;

/* ---- procfs_link.c, procfs_fd.c ---- */
extern const struct vnodeops proc_linkops;     /* exe, cwd, root */
extern const struct vnodeops proc_fddirops;    /* fd/ */
extern const struct vnodeops proc_fdinfdirops; /* fdinfo/ */
extern const struct procent proc_fdent, proc_fdinfoent;
extern const struct vnodeops proc_memops;                   /* mem */
void proc_pathname(struct vnode *, char *buf, size_t size); /* path, or that it has none */

/* ---- fwdfile.c ---- */
bool file_islikepipe(struct file *);
int fwdfile_vnode(struct file *, struct mount *, struct vnode **); /* opens as another fp: ENOMEM */

/* ---- texts ---- */
int proc_showstat(struct sbuf *, struct vnode *);
int proc_showstatm(struct sbuf *, struct vnode *);
int proc_showstatus(struct sbuf *, struct vnode *);
int proc_showmaps(struct sbuf *, struct vnode *);
int proc_showsmaps(struct sbuf *, struct vnode *);
int proc_showcmdline(struct sbuf *, struct vnode *);
int proc_showcomm(struct sbuf *, struct vnode *);
int proc_storecomm(struct thread *, struct vnode *, char *);
int proc_showenviron(struct sbuf *, struct vnode *);
int proc_showauxv(struct sbuf *, struct vnode *);
int proc_showlimits(struct sbuf *, struct vnode *);
int proc_showmounts(struct sbuf *, struct vnode *);
int proc_showmountinfo(struct sbuf *, struct vnode *);
int proc_showoomadj(struct sbuf *, struct vnode *);
int proc_showoomscore(struct sbuf *, struct vnode *);
int proc_showoomscoreadj(struct sbuf *, struct vnode *);
int proc_storeoomscoreadj(struct thread *, struct vnode *, char *);
int proc_showwchan(struct sbuf *, struct vnode *);
int proc_showpersonality(struct sbuf *, struct vnode *);
int proc_showcgroup(struct sbuf *, struct vnode *);
int proc_showloginuid(struct sbuf *, struct vnode *);
int proc_showchildren(struct sbuf *, struct vnode *);

/* ---- helpers of the texts (procfs_usage.c) ---- */
char proc_state(const struct process *, const struct thread *);
const char *proc_comm(const struct process *, const struct thread *);
/* Of a thread (whole false) or of a process with all its threads. */
void proc_usage(const struct process *, const struct thread *, bool whole, struct rusage_acc *);
#define PROC_TICK 10000000UL /* nanoseconds: times are in 1/100 s */

/* Rows of /proc that do not belong to a process (procfs_system.c, procfs_sysctl.c). */
int sys_showmeminfo(struct sbuf *, struct vnode *);
int sys_showuptime(struct sbuf *, struct vnode *);
int sys_showloadavg(struct sbuf *, struct vnode *);
int sys_showcpuinfo(struct sbuf *, struct vnode *);
int sys_showstat(struct sbuf *, struct vnode *);
int sys_showversion(struct sbuf *, struct vnode *);
int sys_showslabinfo(struct sbuf *, struct vnode *);
int sys_showfilesystems(struct sbuf *, struct vnode *);
int sysctl_show(struct sbuf *, struct vnode *);
int sysctl_store(struct thread *, struct vnode *, char *);
int sys_showuuid(struct sbuf *, struct vnode *);
int sys_showbootid(struct sbuf *, struct vnode *);
int sys_showfilemax(struct sbuf *, struct vnode *);
int sys_showfilenr(struct sbuf *, struct vnode *);

#endif
