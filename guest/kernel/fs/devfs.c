/* SPDX-License-Identifier: ISC */
/* devfs.c: /dev: an in-memory tree with the usual nodes, and what character devices open as. */
#include <sys/devices.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/ttyvar.h>
#include <sys/vnode.h>
#include "memfs.h"

static int
ctty_open(struct vnode *vp __unused, struct file *fp, int flags, struct thread *td)
{
	struct tty *tp = tty_from_vnode_ctty(td);
	int error;

	if (tp == NULL)
		return ENXIO;
	error = tty_attach(tp, fp, flags | O_NOCTTY, td);
	tty_release(tp);
	return error;
}

static int
ptsdev_open(struct vnode *vp, struct file *fp, int flags, struct thread *td)
{
	struct tty *tp = pts_find(vp->v_rdev);
	int error;

	if (tp == NULL)
		return ENXIO;
	error = tty_attach(tp, fp, flags, td);
	tty_release(tp);
	return error;
}

/* ---- devices by number ---- */

static const struct {
	dev_t rdev;
	const struct fileops *ops;
	int (*open)(struct vnode *, struct file *, int, struct thread *);
} devices[] = {
    {makedev(1, 3), &null_fileops, NULL},   {makedev(1, 5), &zero_fileops, NULL},
    {makedev(1, 7), &full_fileops, NULL},   {makedev(1, 8), &random_fileops, NULL},
    {makedev(1, 9), &random_fileops, NULL}, {makedev(5, 0), NULL, ctty_open},
    {makedev(5, 1), NULL, ctty_open}, /* console: there is none but the caller's terminal */
    {makedev(5, 2), NULL, ptmx_open},       {makedev(10, 240), NULL, vmgenid_open},
};

int
dev_open(struct vnode *vp, struct file *fp, int flags, struct thread *td)
{
	uint64_t major = vp->v_rdev >> 8;

	for (size_t i = 0; i < nitems(devices); i++) {
		if (devices[i].rdev != vp->v_rdev)
			continue;
		if (devices[i].open != NULL)
			return devices[i].open(vp, fp, flags, td);
		fp->f_ops = devices[i].ops;
		return 0;
	}
	return major >= 136 && major <= 143 ? ptsdev_open(vp, fp, flags, td) : ENXIO;
}

/* ---- the tree ---- */

static const struct {
	const char *name;
	mode_t mode;
	dev_t rdev;
	const char *target; /* of a symbolic link */
} nodes[] = {
    {"null", S_IFCHR | 0666, makedev(1, 3), NULL},
    {"zero", S_IFCHR | 0666, makedev(1, 5), NULL},
    {"full", S_IFCHR | 0666, makedev(1, 7), NULL},
    {"random", S_IFCHR | 0666, makedev(1, 8), NULL},
    {"urandom", S_IFCHR | 0666, makedev(1, 9), NULL},
    {"tty", S_IFCHR | 0666, makedev(5, 0), NULL},
    {"console", S_IFCHR | 0620, makedev(5, 1), NULL},
    {"ptmx", S_IFCHR | 0666, makedev(5, 2), NULL},
    {"vmgenid", S_IFCHR | 0444, makedev(10, 240), NULL},
    {"pts", S_IFDIR | 0755, 0, NULL},
    {"shm", S_IFDIR | S_ISVTX | 0777, 0, NULL},
    {"fd", S_IFLNK | 0777, 0, "/proc/self/fd"},
    {"stdin", S_IFLNK | 0777, 0, "/proc/self/fd/0"},
    {"stdout", S_IFLNK | 0777, 0, "/proc/self/fd/1"},
    {"stderr", S_IFLNK | 0777, 0, "/proc/self/fd/2"},
};

static int
make_node(struct vnode *root, size_t i)
{
	const struct cred *cr = curthread->td_proc->ps_cred;
	const char *name = nodes[i].name;
	struct vnode *vp;
	int error;

	if (nodes[i].target != NULL)
		return root->v_ops->vop_symlink(root, name, strlen(name), nodes[i].target, cr);
	error = root->v_ops->vop_create(root, name, strlen(name), nodes[i].mode, nodes[i].rdev, cr,
					&vp);
	if (error == 0)
		vrele(vp);
	return error;
}

struct vnode *
devfs_root(void)
{
	struct vnode *root = memfs_create(NULL, 0, 0755);

	for (size_t i = 0; root != NULL && i < nitems(nodes); i++) {
		int error = make_node(root, i);

		if (error != 0)
			kprintf(LOG_ERR, "/dev/%s: error %d", nodes[i].name, error);
	}
	return root;
}
