/* SPDX-License-Identifier: ISC */
/* procfs_link.c: /proc/PID/exe, cwd, root: links that lead to a vnode, whatever they say. */
#include <sys/file.h>
#include <sys/systm.h>
#include "procfs.h"

/* The vnode behind the link, held. */
static int
link_vnode(struct vnode *link, struct vnode **vpp)
{
	const char *name = PTONODE(link)->pn_ent->pe_name;
	const struct fsinfo *fs;
	struct vnode *vp = NULL;
	struct process *p;

	if (proc_find(link, &p, NULL) != 0)
		return ENOENT;
	if (!proc_mayaccess(curthread, p))
		return EACCES;
	fs = p->ps_fs;
	if (strcmp(name, "exe") == 0)
		vp = p->ps_textvp;
	else if (fs != NULL)
		vp = strcmp(name, "cwd") == 0 ? fs->fs_cwd : fs->fs_root;
	if (vp == NULL)
		return ENOENT;
	*vpp = vhold(vp);
	return 0;
}

static int
proc_follow(struct vnode *link, struct vnode **vpp)
{
	return link_vnode(link, vpp);
}

void
proc_pathname(struct vnode *vp, char *buf, size_t size)
{
	if (vnode_path(vp, buf, size) != 0)
		strlcpy(buf, "/ (deleted)", size);
}

static int
proc_readlink(struct vnode *link, char *buf, size_t size, size_t *len)
{
	const char *exe = PTONODE(link)->pn_proc->ps_exepath;
	struct vnode *vp;
	int error = link_vnode(link, &vp);

	if (error != 0)
		return error;
	/* A program that has lost its name is still known by the one it was started by. */
	if (vp != PTONODE(link)->pn_proc->ps_textvp || exe == NULL)
		proc_pathname(vp, buf, size);
	else if (vnode_path(vp, buf, size) != 0)
		ksnprintf(buf, size, "%s (deleted)", exe);
	vrele(vp);
	*len = strnlen(buf, size);
	return 0;
}

const struct vnodeops proc_linkops = {
    .vop_getattr = proc_getattr,
    .vop_readlink = proc_readlink,
    .vop_follow = proc_follow,
    .vop_parent = proc_parent,
    .vop_inactive = proc_inactive,
};
