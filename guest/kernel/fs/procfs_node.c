/* SPDX-License-Identifier: ISC */
/* procfs_node.c: what the nodes of a process in /proc have in common. */
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>
#include "procfs.h"

static struct pool procnode_pool = POOL_INITIALIZER("procnode", struct procnode);

int
proc_newnode(struct vnode *dir, const struct procent *pe, struct process *p, pid_t tid, int fd,
	     struct vnode **vpp)
{
	struct procnode *pn = pool_get(&procnode_pool, 0);

	if (pn == NULL)
		return ENOMEM;
	*vpp = vnode_new(pe->pe_ops, dir->v_mount, pe->pe_mode & S_IFMT, pn);
	if (*vpp == NULL) {
		pool_put(&procnode_pool, pn);
		return ENOMEM;
	}
	process_hold(p);
	*pn = (struct procnode){pe, p, tid, fd};
	return 0;
}

void
proc_inactive(struct vnode *vp)
{
	process_release(PTONODE(vp)->pn_proc);
	pool_put(&procnode_pool, vp->v_data);
}

int
proc_find(struct vnode *vp, struct process **pp, struct thread **tdp)
{
	const struct procnode *pn = PTONODE(vp);
	struct process *p = pn->pn_proc;
	struct thread *td = p->ps_mainthread;

	if (zprfind(p->ps_pid) != p)
		return ESRCH;
	if (pn->pn_tid != 0 && pn->pn_tid != p->ps_pid) {
		td = tfind(pn->pn_tid);
		if (td == NULL || td->td_proc != p)
			return ESRCH;
	}
	*pp = p;
	if (tdp != NULL)
		*tdp = td;
	return 0;
}

/* Same user in every respect and nothing secret gained by a set-id program, or the superuser. */
bool
proc_mayaccess(const struct thread *td, const struct process *p)
{
	const struct cred *a = td->td_proc->ps_cred, *b = p->ps_cred;

	if (td->td_proc == p || a->cr_fsuid == 0)
		return true;
	return a->cr_fsuid == b->cr_uid && a->cr_fsuid == b->cr_ruid &&
	       a->cr_fsuid == b->cr_svuid && a->cr_fsgid == b->cr_gid &&
	       a->cr_fsgid == b->cr_rgid && a->cr_fsgid == b->cr_svgid &&
	       !(p->ps_flags & PS_SUGID) && !p->ps_dumpable_off;
}

static ino_t
node_ino(const struct procnode *pn)
{
	uint64_t h = 0xcbf29ce484222325UL;

	for (const char *s = pn->pn_ent->pe_name; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3UL;
	h = (h ^ (uint32_t)pn->pn_fd) * 0x100000001b3UL;
	return (uint64_t)(pn->pn_tid != 0 ? pn->pn_tid : pn->pn_proc->ps_pid) << 32 |
	       ((h >> 32 ^ h) & 0x7fffffff) | (pn->pn_tid != 0 ? 1UL << 31 : 0);
}

/* Files belong to the process's user, unless its secrets are to be kept from that user as well. */
int
proc_getattr(struct vnode *vp, struct stat *st)
{
	const struct procnode *pn = PTONODE(vp);
	const struct process *p = pn->pn_proc;
	bool own = S_ISDIR(vp->v_type) ? (pn->pn_ent->pe_mode & 0077) != 0
				       : !(p->ps_flags & PS_SUGID) && !p->ps_dumpable_off;

	st->st_ino = node_ino(pn);
	st->st_mode = pn->pn_ent->pe_mode;
	st->st_nlink = S_ISDIR(vp->v_type) ? 2 : 1;
	st->st_uid = own ? p->ps_cred->cr_uid : 0;
	st->st_gid = own ? p->ps_cred->cr_gid : 0;
	st->st_blksize = 1024;
	st->st_size = S_ISLNK(vp->v_type) ? 64 : 0;
	st->st_atime_sec = st->st_mtime_sec = st->st_ctime_sec =
	    (nanotime() - nanouptime() + p->ps_start) / NSEC_PER_SEC;
	return 0;
}

int
proc_setattr(struct vnode *vp __unused, const struct vattr *va)
{
	return va->va_valid & ~(uint32_t)VA_SIZE ? EPERM : 0;
}

/* ---- names, for getcwd and links to open files ---- */

int
proc_parent(struct vnode *vp, struct vnode **vpp)
{
	const struct procnode *pn = PTONODE(vp);
	const struct procent *pe = pn->pn_ent;
	struct process *p = pn->pn_proc;

	if (pe == &proc_pident) {
		*vpp = vhold(proc_root);
		return 0;
	}
	if (pe == &proc_tident)
		return proc_newnode(vp, &proc_taskent, p, 0, -1, vpp);
	if (pn->pn_fd >= 0) /* its row is called like the directory it is in */
		return proc_newnode(vp, proc_entry(pe->pe_name), p, pn->pn_tid, -1, vpp);
	if (pn->pn_tid != 0)
		return proc_newnode(vp, &proc_tident, p, pn->pn_tid, -1, vpp);
	return proc_newnode(vp, &proc_pident, p, 0, -1, vpp);
}

int
proc_dirname(struct vnode *dir __unused, struct vnode *child, char *buf, size_t size)
{
	const struct procnode *pn = PTONODE(child);

	if (pn->pn_fd >= 0)
		ksnprintf(buf, size, "%d", pn->pn_fd);
	else if (pn->pn_ent == &proc_tident)
		ksnprintf(buf, size, "%d", pn->pn_tid);
	else
		strlcpy(buf, pn->pn_ent->pe_name, size);
	return 0;
}

bool
proc_number(const char *name, size_t len, int64_t *n)
{
	char buf[12];

	if (len == 0 || len >= sizeof(buf) || name[0] < '0' || name[0] > '9' ||
	    (name[0] == '0' && len > 1))
		return false;
	memcpy(buf, name, len);
	buf[len] = '\0';
	return strtoi64(buf, 10, n) && *n <= INT32_MAX;
}
