/* SPDX-License-Identifier: ISC */
/* sys_open.c: open and its relatives, memfd_create, umask. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>
#include "fs/memfs.h"

/* Bits that open() knows; it ignores others, openat2() refuses them. */
#define O_KNOWN                                                                                    \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |     \
	 O_PATH | O_TMPFILE)

/* A new file gets the lowest free descriptor; takes the reference over, also on error. */
static int
install(struct thread *td, struct file *fp, int fdflags, long *retval)
{
	int fd, error = fd_install(td->td_proc, fp, 0, fdflags, &fd);

	if (error != 0)
		file_release(fp);
	else
		*retval = fd;
	return error;
}

static int
do_open(struct thread *td, int dirfd, vaddr_t path, int flags, mode_t mode, long *retval)
{
	struct file *fp;
	int error;

	flags &= O_KNOWN;
	error = vfs_openat(td, dirfd, (const char *)path, flags, mode, 0, &fp);
	if (error != 0)
		return error;
	return install(td, fp, flags & O_CLOEXEC ? FD_CLOEXEC : 0, retval);
}

SYSCALL(open)
{
	return do_open(td, AT_FDCWD, a[0], (int)a[1], (mode_t)a[2], retval);
}

SYSCALL(openat)
{
	return do_open(td, (int)a[0], a[1], (int)a[2], (mode_t)a[3], retval);
}

SYSCALL(creat)
{
	return do_open(td, AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1], retval);
}

/* No restricted lookups: a caller who asks for one must not get an ordinary one instead. */
SYSCALL(openat2)
{
	struct {
		uint64_t flags, mode, resolve;
	} how;
	int error;

	if (a[3] < sizeof(how))
		return EINVAL;
	if (a[3] > sizeof(how))
		return E2BIG;
	error = copyin((const void *)a[2], &how, sizeof(how));
	if (error != 0)
		return error;
	if (how.flags & ~(uint64_t)O_KNOWN || how.mode & ~07777UL)
		return EINVAL;
	if (how.mode != 0 && !(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return EINVAL;
	if (how.resolve != 0)
		return how.resolve & ~0x3fUL ? EINVAL : EOPNOTSUPP;
	return do_open(td, (int)a[0], a[1], (int)how.flags, (mode_t)how.mode, retval);
}

SYSCALL(umask)
{
	struct fsinfo *fs = td->td_proc->ps_fs;

	*retval = (long)fs->fs_umask;
	fs->fs_umask = (mode_t)a[0] & 0777;
	return 0;
}

/* ---- memfd_create ---- */

#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 0x10u
#define MFD_NAME_MAX 249

static int
memfd_file(struct thread *td, uint32_t flags, struct file **fpp)
{
	struct vnode *vp;
	struct file *fp;
	int error =
	    memfs_anonymous(flags & MFD_NOEXEC_SEAL ? 0666 : 0777, td->td_proc->ps_cred, &vp);

	if (error != 0)
		return error;
	vp->v_flags |= V_MEMFD;
	vp->v_seals = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL) ? 0 : F_SEAL_SEAL;
	if (flags & MFD_NOEXEC_SEAL)
		vp->v_seals |= F_SEAL_EXEC;
	fp = file_alloc(&vnode_fileops, O_RDWR | O_LARGEFILE, NULL);
	if (fp == NULL) {
		vrele(vp);
		return ENFILE;
	}
	fp->f_vnode = vp;
	vp->v_writecount++;
	*fpp = fp;
	return 0;
}

SYSCALL(memfd_create)
{
	char name[MFD_NAME_MAX + 1];
	uint32_t flags = (uint32_t)a[1];
	struct file *fp;
	size_t len;
	int error;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return EINVAL; /* huge pages included */
	error = copyinstr((const void *)a[0], name, sizeof(name), &len);
	if (error != 0)
		return error == ENAMETOOLONG ? EINVAL : error;
	error = memfd_file(td, flags, &fp);
	if (error != 0)
		return error;
	return install(td, fp, flags & MFD_CLOEXEC ? FD_CLOEXEC : 0, retval);
}
