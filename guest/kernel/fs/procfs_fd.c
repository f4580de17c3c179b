/* SPDX-License-Identifier: ISC */
/* procfs_fd.c: /proc/PID/fd and fdinfo: the open files of a process. */
#include <sys/file.h>
#include <sys/pipe.h>
#include <sys/systm.h>
#include "procfs.h"

#define FIRSTOFF 2

/* ---- open files ---- */

static struct file *
file_at(const struct process *p, int64_t fd)
{
	const struct filedesc *fdp = p->ps_fd;

	return fdp != NULL && fd < fdp->fd_nfiles ? fdp->fd_ents[fd].fde_file : NULL;
}

/* The file of a node, not held: valid until the caller sleeps. */
static int
node_file(struct vnode *vp, struct file **fpp)
{
	struct process *p;

	if (proc_find(vp, &p, NULL) != 0 || (*fpp = file_at(p, PTONODE(vp)->pn_fd)) == NULL)
		return ENOENT;
	return proc_mayaccess(curthread, p) ? 0 : EACCES;
}

/* What the link says of a file without a name. */
static void
describe(struct file *fp, char *buf, size_t size)
{
	const char *name = fp->f_ops->fo_name;

	if (file_islikepipe(fp))
		name = "pipe";
	if (strcmp(name, "pipe") == 0 || strcmp(name, "socket") == 0)
		ksnprintf(buf, size, "%s:[%lu]", name, fp->f_id);
	else
		ksnprintf(buf, size, name[0] == '[' ? "anon_inode:%s" : "anon_inode:[%s]", name);
}

static int
fd_readlink(struct vnode *vp, char *buf, size_t size, size_t *len)
{
	struct file *fp;
	int error = node_file(vp, &fp);

	if (error != 0)
		return error;
	if (fp->f_vnode == NULL)
		describe(fp, buf, size);
	else
		proc_pathname(fp->f_vnode, buf, size);
	*len = strnlen(buf, size);
	return 0;
}

static int
fd_follow(struct vnode *vp, struct vnode **vpp)
{
	struct file *fp;
	int error = node_file(vp, &fp);

	if (error != 0)
		return error;
	if (fp->f_vnode != NULL) {
		*vpp = vhold(fp->f_vnode);
		return 0;
	}
	if (fp->f_ops == &pipe_fileops)
		return pipe_vnode(fp, vp->v_mount, vpp);
	return file_islikepipe(fp) ? fwdfile_vnode(fp, vp->v_mount, vpp) : ENXIO;
}

/* The permission bits of the link tell how the file is open. */
static int
fd_getattr(struct vnode *vp, struct stat *st)
{
	struct file *fp;
	int error = proc_getattr(vp, st);

	if (error != 0 || node_file(vp, &fp) != 0)
		return error;
	st->st_mode = S_IFLNK | 0100 | (f_readable(fp) ? 0400 : 0) | (f_writable(fp) ? 0200 : 0);
	return 0;
}

static const struct vnodeops fd_linkops = {
    .vop_getattr = fd_getattr,
    .vop_readlink = fd_readlink,
    .vop_follow = fd_follow,
    .vop_parent = proc_parent,
    .vop_inactive = proc_inactive,
};
const struct procent proc_fdent = {"fd", S_IFLNK | 0700, &fd_linkops, NULL, NULL, true};

/* ---- fdinfo ---- */

static int
fdinfo_show(struct sbuf *sb, struct vnode *vp)
{
	struct file *fp;
	struct stat st;
	int error = node_file(vp, &fp);

	if (error != 0)
		return error;
	sbuf_printf(sb, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\n", fp->f_offset, fp->f_flags, 1);
	if (fp->f_ops->fo_stat != NULL && fp->f_ops->fo_stat(fp, &st) == 0)
		sbuf_printf(sb, "ino:\t%lu\n", st.st_ino);
	return 0;
}

static int
fdinfo_open(struct vnode *vp, struct file *fp, int flags __unused, struct thread *td)
{
	if (!proc_mayaccess(td, PTONODE(vp)->pn_proc))
		return EACCES;
	return textfile_open(fp, fdinfo_show, NULL);
}

static const struct vnodeops fdinfo_ops = {
    .vop_getattr = proc_getattr,
    .vop_open = fdinfo_open,
    .vop_parent = proc_parent,
    .vop_inactive = proc_inactive,
};
const struct procent proc_fdinfoent = {"fdinfo", S_IFREG | 0400, &fdinfo_ops, NULL, NULL, true};

/* ---- the directories ---- */

static int
lookup(struct vnode *dir, const struct procent *pe, const char *name, size_t len,
       struct vnode **vpp)
{
	struct process *p;
	int64_t fd;

	if (proc_find(dir, &p, NULL) != 0 || !proc_number(name, len, &fd) || file_at(p, fd) == NULL)
		return ENOENT;
	return proc_newnode(dir, pe, p, PTONODE(dir)->pn_tid, (int)fd, vpp);
}

static int
fd_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	return lookup(dir, &proc_fdent, name, len, vpp);
}

static int
fdinfo_lookup(struct vnode *dir, const char *name, size_t len, struct vnode **vpp)
{
	return lookup(dir, &proc_fdinfoent, name, len, vpp);
}

static int
readdir(struct vnode *dir, off_t *off, dirfill_t fill, void *ctx)
{
	int64_t fd = MAX(*off, FIRSTOFF) - FIRSTOFF;
	unsigned type = PTONODE(dir)->pn_ent->pe_ops == &proc_fddirops ? S_IFLNK : S_IFREG;
	struct process *p;

	if (proc_find(dir, &p, NULL) != 0)
		return ENOENT;
	if (!proc_mayaccess(curthread, p))
		return EACCES;
	for (; p->ps_fd != NULL && fd < p->ps_fd->fd_nfiles; fd++) {
		char name[12];

		if (file_at(p, fd) == NULL)
			continue;
		ksnprintf(name, sizeof(name), "%ld", fd);
		if (fill(ctx, name, strlen(name), fd + 1 + FIRSTOFF,
			 (ino_t)p->ps_pid << 32 | 1UL << 30 | (uint64_t)fd, type >> 12) != 0)
			return 0;
		*off = fd + 1 + FIRSTOFF;
	}
	return 0;
}

const struct vnodeops proc_fddirops = {
    .vop_lookup = fd_lookup,
    .vop_readdir = readdir,
    .vop_getattr = proc_getattr,
    .vop_parent = proc_parent,
    .vop_name = proc_dirname,
    .vop_inactive = proc_inactive,
};

const struct vnodeops proc_fdinfdirops = {
    .vop_lookup = fdinfo_lookup,
    .vop_readdir = readdir,
    .vop_getattr = proc_getattr,
    .vop_parent = proc_parent,
    .vop_name = proc_dirname,
    .vop_inactive = proc_inactive,
};
