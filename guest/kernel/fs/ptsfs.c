/* SPDX-License-Identifier: ISC */
/* ptsfs.c: /dev/pts: a device node for every pseudo terminal and every terminal of the host. */
#include <sys/ttyvar.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/time.h>
#include <sys/vnode.h>

#define PTS_MAJOR 136 /* .. 143, 256 minors each */
#define PTS_MAX 1024
#define PTS_FIRSTOFF 2 /* readdir position of terminal 0 */
#define PTS_FIRSTINO 3
#define TTY_GID 5

/* A node lives as long as its vnode, which the table holds while the terminal exists. */
struct ptsnode {
	struct tty *pn_tty; /* NULL: the terminal has gone */
	uint32_t pn_index;
	uid_t pn_uid;
	gid_t pn_gid;
	mode_t pn_mode;
	nsec_t pn_time;
};

static struct vnode *pts_table[PTS_MAX] __large_bss;
static struct vnode *pts_root;
static const struct vnodeops pts_dirops, pts_nodeops;

static struct ptsnode *
node_of(struct vnode *vp)
{
	return vp->v_data;
}

uint32_t
pts_index(const struct tty *tp)
{
	return (uint32_t)((tp->t_rdev >> 8) - PTS_MAJOR) * 256 + (uint32_t)(tp->t_rdev & 0xff);
}

/* The vnode of a terminal's node, or NULL. */
static struct vnode *
table_find(const struct tty *tp)
{
	uint32_t i = pts_index(tp);
	struct vnode *vp = i < PTS_MAX ? pts_table[i] : NULL;

	return vp != NULL && node_of(vp)->pn_tty == tp ? vp : NULL;
}

int
pts_register(struct tty *tp)
{
	const struct cred *cr = curthread->td_proc->ps_cred;
	struct ptsnode *pn;
	struct vnode *vp;
	uint32_t i = 0;

	while (i < PTS_MAX && pts_table[i] != NULL)
		i++;
	if (i == PTS_MAX)
		return ENOSPC;
	if ((pn = kmalloc(sizeof(*pn), 0)) == NULL)
		return ENOMEM;
	vp = vnode_new(&pts_nodeops, pts_root != NULL ? pts_root->v_mount : NULL, S_IFCHR, pn);
	if (vp == NULL) {
		kfree(pn);
		return ENOMEM;
	}
	*pn = (struct ptsnode){.pn_tty = tp,
			       .pn_index = i,
			       .pn_uid = cr->cr_fsuid,
			       .pn_gid = TTY_GID,
			       .pn_mode = 0620,
			       .pn_time = nanotime()};
	tp->t_rdev = vp->v_rdev = makedev(PTS_MAJOR + i / 256, i % 256);
	pts_table[i] = vp;
	return 0;
}

void
pts_unregister(struct tty *tp)
{
	struct vnode *vp = table_find(tp);

	if (vp == NULL)
		return;
	pts_table[node_of(vp)->pn_index] = NULL;
	node_of(vp)->pn_tty = NULL;
	vrele(vp);
}

void
pts_setowner(struct tty *tp, uid_t uid, gid_t gid)
{
	struct vnode *vp = table_find(tp);

	if (vp == NULL)
		return;
	node_of(vp)->pn_uid = uid;
	node_of(vp)->pn_gid = gid;
}

struct vnode *
pts_vnode(struct tty *tp)
{
	struct vnode *vp = table_find(tp);

	return vp != NULL ? vhold(vp) : NULL;
}

struct tty *
pts_find(dev_t rdev)
{
	uint64_t i = ((rdev >> 8) - PTS_MAJOR) * 256 + (rdev & 0xff);
	struct tty *tp;

	if (i >= PTS_MAX || pts_table[i] == NULL)
		return NULL;
	tp = node_of(pts_table[i])->pn_tty;
	tty_hold(tp);
	return tp;
}

/* ---- nodes ---- */

static int
pts_getattr(struct vnode *vp, struct stat *st)
{
	const struct ptsnode *pn = node_of(vp);

	st->st_ino = PTS_FIRSTINO + pn->pn_index;
	st->st_mode = S_IFCHR | pn->pn_mode;
	st->st_uid = pn->pn_uid;
	st->st_gid = pn->pn_gid;
	st->st_blksize = 1024;
	st->st_atime_sec = st->st_mtime_sec = st->st_ctime_sec = pn->pn_time / NSEC_PER_SEC;
	return 0;
}

static int
pts_setattr(struct vnode *vp, const struct vattr *va)
{
	struct ptsnode *pn = node_of(vp);

	if (va->va_valid & VA_MODE)
		pn->pn_mode = va->va_mode & 07777;
	if (va->va_valid & VA_UID)
		pn->pn_uid = va->va_uid;
	if (va->va_valid & VA_GID)
		pn->pn_gid = va->va_gid;
	return 0;
}

static int
pts_open(struct vnode *vp, struct file *fp, int flags, struct thread *td)
{
	struct tty *tp = node_of(vp)->pn_tty;

	return tp != NULL ? tty_attach(tp, fp, flags, td) : EIO;
}

static int
pts_parent(struct vnode *vp __unused, struct vnode **vpp)
{
	*vpp = vhold(pts_root);
	return 0;
}

static void
pts_inactive(struct vnode *vp)
{
	kfree(vp->v_data);
}

static const struct vnodeops pts_nodeops = {
    .vop_getattr = pts_getattr,
    .vop_setattr = pts_setattr,
    .vop_open = pts_open,
    .vop_parent = pts_parent,
    .vop_inactive = pts_inactive,
};

/* ---- the directory ---- */

static int
pts_lookup(struct vnode *dir __unused, const char *name, size_t len, struct vnode **vpp)
{
	char buf[8];
	int64_t i;

	if (len >= sizeof(buf) || (name[0] == '0' && len > 1))
		return ENOENT;
	memcpy(buf, name, len);
	buf[len] = '\0';
	if (!strtoi64(buf, 10, &i) || name[0] < '0' || name[0] > '9' || i >= PTS_MAX ||
	    pts_table[i] == NULL)
		return ENOENT;
	*vpp = vhold(pts_table[i]);
	return 0;
}

static int
pts_readdir(struct vnode *dir __unused, off_t *off, dirfill_t fill, void *ctx)
{
	for (off_t i = MAX(*off, PTS_FIRSTOFF) - PTS_FIRSTOFF; i < PTS_MAX; i++) {
		char name[8];

		if (pts_table[i] == NULL)
			continue;
		ksnprintf(name, sizeof(name), "%ld", i);
		if (fill(ctx, name, strlen(name), i + PTS_FIRSTOFF + 1, PTS_FIRSTINO + (ino_t)i,
			 S_IFCHR >> 12) != 0)
			break;
		*off = i + PTS_FIRSTOFF + 1;
	}
	return 0;
}

static int
pts_dirattr(struct vnode *vp __unused, struct stat *st)
{
	st->st_ino = 1;
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 2;
	return 0;
}

static int
pts_name(struct vnode *dir __unused, struct vnode *child, char *buf, size_t size)
{
	ksnprintf(buf, size, "%u", node_of(child)->pn_index);
	return 0;
}

static const struct vnodeops pts_dirops = {
    .vop_lookup = pts_lookup,
    .vop_readdir = pts_readdir,
    .vop_getattr = pts_dirattr,
    .vop_name = pts_name,
};

struct vnode *
ptsfs_root(void)
{
	if (pts_root == NULL)
		pts_root = vnode_new(&pts_dirops, NULL, S_IFDIR, NULL);
	return pts_root != NULL ? vhold(pts_root) : NULL;
}
