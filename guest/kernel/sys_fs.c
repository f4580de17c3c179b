/* SPDX-License-Identifier: ISC */
/* sys_fs.c: file systems as a whole, mounting, extended attributes, file handles. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

/* ---- statfs ---- */

static const struct {
	const char *name;
	uint64_t magic;
} fs_magic[] = {{"tmpfs", 0x01021994}, {"devtmpfs", 0x01021994}, {"proc", 0x9fa0},
		{"devpts", 0x1cd1},    {"sysfs", 0x62656572},    {"pipefs", 0x50495045}};

static uint64_t
magic_of(const char *type)
{
	for (size_t i = 0; type != NULL && i < nitems(fs_magic); i++)
		if (strcmp(type, fs_magic[i].name) == 0)
			return fs_magic[i].magic;
	return fs_magic[0].magic;
}

static int
vn_statfs(struct vnode *vp, struct statfs *sf)
{
	const struct mount *mp = vp->v_mount;

	*sf = (struct statfs){.f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE, .f_namelen = NAME_MAX};
	sf->f_type = magic_of(mp != NULL ? mp->mnt_type : NULL);
	sf->f_flags = 0x20; /* ST_VALID */
	if (mp != NULL)
		sf->f_fsid[0] = (int32_t)mp->mnt_dev;
	return vp->v_ops->vop_statfs != NULL ? vp->v_ops->vop_statfs(vp, sf) : 0;
}

SYSCALL(statfs)
{
	struct nameidata ni;
	struct statfs sf;
	int error = namei(td, AT_FDCWD, (const char *)a[0], NI_FOLLOW, &ni);

	if (error != 0)
		return error;
	error = vn_statfs(ni.ni_vp, &sf);
	namei_done(&ni);
	return error != 0 ? error : copyout(&sf, (void *)a[1], sizeof(sf));
}

SYSCALL(fstatfs)
{
	struct statfs sf;
	struct file *fp;
	int error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	error = fp->f_vnode != NULL ? vn_statfs(fp->f_vnode, &sf) : ENOSYS;
	file_release(fp);
	return error != 0 ? error : copyout(&sf, (void *)a[1], sizeof(sf));
}

/* ---- mounting: the tree is made at boot and stays ---- */

SYSCALL(mount)
{
	return EPERM;
}

SYSCALL(umount2)
{
	return EPERM;
}

SYSCALL(pivot_root)
{
	return EPERM;
}

/* ---- handles: no file system here can find a file by number ---- */

SYSCALL(name_to_handle_at)
{
	return EOPNOTSUPP;
}

/* ---- extended attributes: there are none ---- */

/* The attribute's name (when there is one) must be readable and well formed before the answer. */
static int
xattr_answer(vaddr_t name, int answer)
{
	char buf[NAME_MAX + 1];
	size_t len;
	int error;

	if (name == 0)
		return answer;
	error = copyinstr((const void *)name, buf, sizeof(buf), &len);
	if (error != 0)
		return error == ENAMETOOLONG ? ERANGE : error;
	return len == 1 ? ERANGE : answer;
}

static int
xattr_path(struct thread *td, vaddr_t path, unsigned nflags, vaddr_t name, int answer)
{
	struct nameidata ni;
	int error = namei(td, AT_FDCWD, (const char *)path, nflags, &ni);

	if (error != 0)
		return error;
	namei_done(&ni);
	return xattr_answer(name, answer);
}

static int
xattr_fd(struct thread *td, int fd, vaddr_t name, int answer)
{
	struct file *fp;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	error = fp->f_flags & O_PATH ? EBADF : xattr_answer(name, answer);
	file_release(fp);
	return error;
}

SYSCALL(getxattr)
{
	return xattr_path(td, a[0], NI_FOLLOW, a[1], EOPNOTSUPP);
}

SYSCALL(lgetxattr)
{
	return xattr_path(td, a[0], 0, a[1], EOPNOTSUPP);
}

SYSCALL(fgetxattr)
{
	return xattr_fd(td, (int)a[0], a[1], EOPNOTSUPP);
}

SYSCALL(setxattr)
{
	return xattr_path(td, a[0], NI_FOLLOW, a[1], EOPNOTSUPP);
}

SYSCALL(lsetxattr)
{
	return xattr_path(td, a[0], 0, a[1], EOPNOTSUPP);
}

SYSCALL(fsetxattr)
{
	return xattr_fd(td, (int)a[0], a[1], EOPNOTSUPP);
}

SYSCALL(removexattr)
{
	return xattr_path(td, a[0], NI_FOLLOW, a[1], EOPNOTSUPP);
}

SYSCALL(lremovexattr)
{
	return xattr_path(td, a[0], 0, a[1], EOPNOTSUPP);
}

SYSCALL(fremovexattr)
{
	return xattr_fd(td, (int)a[0], a[1], EOPNOTSUPP);
}

/* An empty list: 0 bytes. */
SYSCALL(listxattr)
{
	return xattr_path(td, a[0], NI_FOLLOW, 0, 0);
}

SYSCALL(llistxattr)
{
	return xattr_path(td, a[0], 0, 0, 0);
}

SYSCALL(flistxattr)
{
	return xattr_fd(td, (int)a[0], 0, 0);
}
