/* SPDX-License-Identifier: ISC */
/* procfs.c: the root of /proc: files about the system, and a directory for every process. */
#include <sys/systm.h>
#include "procfs.h"

/* ---- the fixed part ---- */

#define CONST(path, text)                                                                          \
	{                                                                                          \
		path, 0444, pfs_showarg, NULL, text                                                \
	}
#define SHOW(path, show)                                                                           \
	{                                                                                          \
		path, 0444, show, NULL, NULL                                                       \
	}
#define TUNABLE(path, mode, name)                                                                  \
	{                                                                                          \
		path, mode, sysctl_show, (mode)&0222 ? sysctl_store : NULL, name                   \
	}

static const struct pfsfile files[] = {
    CONST("cmdline", "tine"),
    SHOW("cpuinfo", sys_showcpuinfo),
    SHOW("filesystems", sys_showfilesystems),
    SHOW("loadavg", sys_showloadavg),
    SHOW("meminfo", sys_showmeminfo),
    {"mounts", S_IFLNK | 0777, NULL, NULL, "self/mounts"},
    {"slabinfo", 0400, sys_showslabinfo, NULL, NULL},
    SHOW("stat", sys_showstat),
    CONST("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"),
    SHOW("sys/fs/file-max", sys_showfilemax),
    SHOW("sys/fs/file-nr", sys_showfilenr),
    CONST("sys/fs/nr_open", "262144"),
    CONST("sys/fs/pipe-max-size", "1048576"),
    CONST("sys/kernel/cap_last_cap", "40"),
    CONST("sys/kernel/core_pattern", "core"),
    CONST("sys/kernel/domainname", "(none)"),
    TUNABLE("sys/kernel/hostname", 0644, "kern.hostname"),
    CONST("sys/kernel/ngroups_max", "32"),
    TUNABLE("sys/kernel/ns_last_pid", 0644, "kern.lastpid"),
    TUNABLE("sys/kernel/osrelease", 0444, "kern.osrelease"),
    TUNABLE("sys/kernel/ostype", 0444, "kern.ostype"),
    CONST("sys/kernel/overflowgid", "65534"),
    CONST("sys/kernel/overflowuid", "65534"),
    TUNABLE("sys/kernel/pid_max", 0644, "kern.pid_max"),
    SHOW("sys/kernel/random/boot_id", sys_showbootid),
    CONST("sys/kernel/random/entropy_avail", "256"),
    CONST("sys/kernel/random/poolsize", "256"),
    SHOW("sys/kernel/random/uuid", sys_showuuid),
    TUNABLE("sys/kernel/randomize_va_space", 0644, "kern.randomize_va_space"),
    CONST("sys/kernel/tainted", "0"),
    TUNABLE("sys/kernel/threads-max", 0644, "kern.maxthread"),
    TUNABLE("sys/kernel/version", 0444, "kern.version"),
    CONST("sys/vm/max_map_count", "65530"),
    CONST("sys/vm/mmap_min_addr", "4096"),
    CONST("sys/vm/overcommit_memory",
	  "1"), /* frames come with the first touch, whatever is mapped */
    SHOW("uptime", sys_showuptime),
    SHOW("version", sys_showversion),
};
_Static_assert(NGROUPS_MAX == 32, "sys/kernel/ngroups_max");
_Static_assert(NOFILE_MAX == 262144, "sys/fs/nr_open");

static struct pfstree tree = {files, nitems(files), NULL};
struct vnode *proc_root;

/* ---- /proc/self and /proc/thread-self ---- */

static int
self_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	const struct thread *td = curthread;

	if (vp->v_data == NULL)
		ksnprintf(buf, size, "%d", td->td_proc->ps_pid);
	else
		ksnprintf(buf, size, "%d/task/%d", td->td_proc->ps_pid, td->td_tid);
	*len = strnlen(buf, size);
	return 0;
}

static int
self_getattr(struct vnode *vp, struct stat *st)
{
	st->st_ino = vp->v_data == NULL ? 2 : 3;
	st->st_mode = S_IFLNK | 0777;
	st->st_nlink = 1;
	return 0;
}

static int
self_parent(struct vnode *vp __unused, struct vnode **vpp)
{
	*vpp = vhold(proc_root);
	return 0;
}

static const struct vnodeops self_ops = {
    .vop_readlink = self_readlink,
    .vop_getattr = self_getattr,
    .vop_parent = self_parent,
};

static const char *const self_names[] = {"self", "thread-self"};

static int
self_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	for (size_t i = 0; i < nitems(self_names); i++) {
		if (strlen(self_names[i]) != len || memcmp(self_names[i], name, len) != 0)
			continue;
		/* v_data tells which; nothing is stored there. */
		*vpp = vnode_new(&self_ops, dir->v_mount, S_IFLNK, i == 0 ? NULL : &tree);
		return *vpp != NULL ? 0 : ENOMEM;
	}
	return ENOENT;
}

/* ---- processes ---- */

/* A thread's id also works as a name, although no listing shows it. */
static int
pid_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	struct process *p;
	struct thread *td;
	int64_t id;

	if (!proc_number(name, len, &id) || id == 0)
		return ENOENT;
	if ((p = zprfind((pid_t)id)) != NULL)
		return proc_newnode(dir, &proc_pident, p, 0, -1, vpp);
	if ((td = tfind((pid_t)id)) != NULL)
		return proc_newnode(dir, &proc_tident, td->td_proc, td->td_tid, -1, vpp);
	return ENOENT;
}

static int
root_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	int error = pfs_lookup(dir, name, len, vpp);

	if (error == ENOENT)
		error = self_lookup(dir, name, len, vpp);
	return error == ENOENT ? pid_lookup(dir, name, len, vpp) : error;
}

/* Positions: the table, then the self links, then PIDOFF + pid. */
#define SELFOFF (PFS_FIRSTOFF + (off_t)nitems(files))
#define PIDOFF (SELFOFF + (off_t)nitems(self_names))

static int
pid_readdir(off_t *off, dirfill_t fill, void *ctx)
{
	pid_t pid = (pid_t)(*off - PIDOFF);

	while ((pid = pid_next(pid)) != 0) {
		char name[12];

		if (zprfind(pid) == NULL)
			continue;
		ksnprintf(name, sizeof(name), "%d", pid);
		if (fill(ctx, name, strlen(name), PIDOFF + pid, (ino_t)pid << 32, S_IFDIR >> 12) !=
		    0)
			return 0;
		*off = PIDOFF + pid;
	}
	return 0;
}

struct stopper {
	dirfill_t fill;
	void *ctx;
	bool stopped;
};

/* Remembers that the buffer is full, which pfs_readdir keeps to itself. */
static int
stopper_fill(void *ctx, const char *name, size_t len, off_t off, ino_t ino, unsigned type)
{
	struct stopper *s = ctx;

	s->stopped = s->fill(s->ctx, name, len, off, ino, type) != 0;
	return s->stopped;
}

static int
root_readdir(struct vnode *dir, off_t *off, dirfill_t fill, void *ctx)
{
	struct stopper s = {fill, ctx, false};
	int error = 0;

	if (*off < SELFOFF && (error = pfs_readdir(dir, off, stopper_fill, &s)) != 0)
		return error;
	if (s.stopped)
		return 0;
	for (off_t i = MAX(*off, SELFOFF) - SELFOFF; i < (off_t)nitems(self_names); i++) {
		if (fill(ctx, self_names[i], strlen(self_names[i]), SELFOFF + i + 1, 2 + (ino_t)i,
			 S_IFLNK >> 12) != 0)
			return 0;
		*off = SELFOFF + i + 1;
	}
	*off = MAX(*off, PIDOFF);
	return pid_readdir(off, fill, ctx);
}

static int
root_name(struct vnode *dir, struct vnode *child, char *buf, size_t size)
{
	if (pfs_isnode(child))
		return pfs_name(dir, child, buf, size);
	if (child->v_ops == &self_ops)
		strlcpy(buf, self_names[child->v_data != NULL], size);
	else
		ksnprintf(buf, size, "%d", PTONODE(child)->pn_proc->ps_pid);
	return 0;
}

static const struct vnodeops root_ops = {
    .vop_lookup = root_lookup,
    .vop_readdir = root_readdir,
    .vop_getattr = pfs_getattr,
    .vop_name = root_name,
    .vop_inactive = pfs_inactive,
};

struct vnode *
procfs_root(void)
{
	if (proc_root == NULL)
		proc_root = pfs_root(&tree, &root_ops);
	return proc_root != NULL ? vhold(proc_root) : NULL;
}
