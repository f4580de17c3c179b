/* SPDX-License-Identifier: ISC */
/* vfs_mount.c: the file tree at boot: root, /dev, /proc and what else is mounted. */
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>
#include "fs/memfs.h"

struct vnode *rootvnode;
struct mount *mountlist;

dev_t
vfs_newdev(void)
{
	static unsigned minor;

	return makedev(0, ++minor);
}

/* /proc/mounts lists file systems in the order they were mounted. */
static void
mount_register(struct mount *mp, const char *path, const char *type)
{
	struct mount **tail = &mountlist;

	while (*tail != NULL)
		tail = &(*tail)->mnt_next;
	*tail = mp;
	if (mp->mnt_type == NULL)
		mp->mnt_type = type;
	if (mp->mnt_from == NULL)
		mp->mnt_from = type;
	if (mp->mnt_dev == 0)
		mp->mnt_dev = vfs_newdev();
	strlcpy(mp->mnt_path, path, sizeof(mp->mnt_path));
}

/* The mount structure of a root; a file system that brings none gets one. */
static struct mount *
mount_of(struct vnode *root)
{
	if (root->v_mount == NULL)
		root->v_mount = kmalloc(sizeof(struct mount), M_ZERO);
	return root->v_mount;
}

int
vfs_mount(const char *path, struct vnode *root, const char *type)
{
	struct vnode *vp;
	struct mount *mp = mount_of(root);
	int error;

	if (mp == NULL)
		return ENOMEM;
	error = lookup_path(curthread, path, true, &vp);
	if (error != 0)
		return error;
	if (!S_ISDIR(vp->v_type))
		error = ENOTDIR;
	else if (vp->v_mount != NULL && vp->v_mount->mnt_root == vp)
		error = EBUSY;
	if (error != 0) {
		vrele(vp);
		return error;
	}
	mp->mnt_root = root;
	mp->mnt_covered = vp; /* keeps the reference */
	vp->v_covered_by = vhold(root);
	mount_register(mp, path, type);
	return 0;
}

/* ---- boot ---- */

static struct vnode *
make_root(void)
{
	static struct erofs image;
	uint64_t size;
	paddr_t pa = md_rootfs(&size);
	struct vnode *root = NULL;

	if (pa != 0 && erofs_mount(&image, PHYS_TO_DM(pa), size) == 0) {
		root = memfs_create(&image, pa, 0755);
		if (root == NULL)
			kprintf(LOG_ERR, "the image's root directory is damaged");
	}
	if (root == NULL) /* no image, or one that cannot be used: programs come from the host */
		root = memfs_create(NULL, 0, 0755);
	if (root == NULL)
		panic("no memory for the root file system");
	return root;
}

/* Directories that every program expects; what the image has stays as it is. */
static void
make_dirs(void)
{
	static const struct {
		char name[8];
		mode_t mode;
	} dirs[] = {{"bin", 0755},  {"dev", 0755}, {"etc", 0755},  {"proc", 0555}, {"run", 0755},
		    {"root", 0700}, {"sys", 0555}, {"tmp", 01777}, {"usr", 0755},  {"var", 0755}};

	for (size_t i = 0; i < nitems(dirs); i++) {
		struct vnode *vp;
		int error = rootvnode->v_ops->vop_create(
		    rootvnode, dirs[i].name, strlen(dirs[i].name), S_IFDIR | dirs[i].mode, 0,
		    curthread->td_proc->ps_cred, &vp);

		if (error == 0)
			vrele(vp);
		else if (error != EEXIST)
			kprintf(LOG_ERR, "/%s: cannot be made: error %d", dirs[i].name, error);
	}
}

static struct vnode *
shm_root(void)
{
	return memfs_create(NULL, 0, 01777);
}

/* The file systems whose content is the kernel's: the same in every sandbox. */
static struct kernfs {
	char path[12], type[12];
	struct vnode *(*make)(void);
	struct vnode *root; /* held; the mount takes the reference over */
} kernfs[] = {
    {"/dev", "devtmpfs", devfs_root, NULL},   {"/dev/shm", "tmpfs", shm_root, NULL},
    {"/dev/pts", "devpts", ptsfs_root, NULL}, {"/proc", "proc", procfs_root, NULL},
    {"/sys", "sysfs", sysfs_root, NULL},
};

void
vfs_prepare(void)
{
	for (size_t i = 0; i < nitems(kernfs); i++) {
		struct kernfs *k = &kernfs[i];

		if (k->make == NULL)
			continue;
		k->root = k->make();
		if (k->root == NULL)
			panic("no memory for %s", k->path);
	}
}

void
vfs_init(void)
{
	struct fsinfo *fs = curthread->td_proc->ps_fs;

	rootvnode = make_root();
	mount_register(rootvnode->v_mount, "/", "tmpfs");
	if (fs != NULL) {
		fs->fs_cwd = vhold(rootvnode);
		fs->fs_root = vhold(rootvnode);
	}
	make_dirs();
	for (size_t i = 0; i < nitems(kernfs); i++) {
		const struct kernfs *k = &kernfs[i];
		int error = k->root != NULL ? vfs_mount(k->path, k->root, k->type) : 0;

		if (error != 0)
			kprintf(LOG_ERR, "%s: cannot be mounted: error %d", k->path, error);
	}
}
