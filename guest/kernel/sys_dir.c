/* SPDX-License-Identifier: ISC */
/* sys_dir.c: reading directories, and the working and root directory of a process. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

/* ---- getdents ---- */

/* Records on their way to a program's buffer. */
struct dents {
	vaddr_t d_buf;
	size_t d_left, d_done;
	off_t d_off; /* position after the last record that fit */
	bool d_64;   /* getdents64: the type comes before the name, not in the last byte */
	int d_error;
};
#define DENT_HEADER 18 /* ino, off, reclen of the old form */
#define DENT_MAX (24 + NAME_MAX + 1)

/* One record in rec (zeroed: its padding goes to the program); its length. */
static size_t
dent_make(char *rec, bool is64, const char *name, size_t len, off_t off, ino_t ino, unsigned type)
{
	size_t header = is64 ? DENT_HEADER + 1 : DENT_HEADER;
	/* The name's NUL, and the old form's type in the last byte. */
	size_t reclen = roundup(header + len + (is64 ? 1 : 2), 8);
	uint16_t reclen16 = (uint16_t)reclen;

	memcpy(rec, &ino, 8);
	memcpy(rec + 8, &off, 8);
	memcpy(rec + 16, &reclen16, 2);
	memcpy(rec + header, name, len);
	rec[is64 ? DENT_HEADER : reclen - 1] = (char)type;
	return reclen;
}

static int
dent_fill(void *ctx, const char *name, size_t len, off_t off, ino_t ino, unsigned type)
{
	char rec[DENT_MAX] = {0};
	struct dents *d = ctx;
	size_t reclen;

	if (len > NAME_MAX)
		return 0;
	reclen = dent_make(rec, d->d_64, name, len, off, ino, type);
	if (reclen > d->d_left) {
		if (d->d_done == 0)
			d->d_error = EINVAL;
		return 1;
	}
	d->d_error = copyout(rec, (void *)(d->d_buf + d->d_done), reclen);
	if (d->d_error != 0)
		return 1;
	d->d_done += reclen;
	d->d_left -= reclen;
	d->d_off = off;
	return 0;
}

static ino_t
vnode_ino(struct vnode *vp)
{
	struct stat st;

	return vn_stat(vp, &st) == 0 ? st.st_ino : 1;
}

/* Inode number of ".."; from a mount's root it is that of the directory above the mount point. */
static ino_t
dotdot_ino(struct vnode *vp)
{
	struct vnode *parent;
	ino_t ino;

	while (vp->v_mount != NULL && vp == vp->v_mount->mnt_root &&
	       vp->v_mount->mnt_covered != NULL)
		vp = vp->v_mount->mnt_covered;
	if (vp == rootvnode || vp->v_ops->vop_parent == NULL ||
	    vp->v_ops->vop_parent(vp, &parent) != 0)
		return vnode_ino(vp);
	ino = vnode_ino(parent);
	vrele(parent);
	return ino;
}

/* "." and ".." are made here, at positions 0 and 1; the file system's own start at 2. */
static int
dents_walk(struct vnode *vp, struct dents *d)
{
	off_t off;

	if (d->d_off == 0 && dent_fill(d, ".", 1, 1, vnode_ino(vp), S_IFDIR >> 12) != 0)
		return d->d_error;
	if (d->d_off == 1 && dent_fill(d, "..", 2, 2, dotdot_ino(vp), S_IFDIR >> 12) != 0)
		return d->d_error;
	off = d->d_off;
	return vp->v_ops->vop_readdir(vp, &off, dent_fill, d);
}

static int
do_getdents(struct thread *td, const uint64_t *a, bool is64, long *retval)
{
	struct dents d = {.d_buf = a[1], .d_left = (uint32_t)a[2], .d_64 = is64};
	struct file *fp;
	int error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (fp->f_ops != &vnode_dirops || fp->f_vnode->v_ops->vop_readdir == NULL)
		error = ENOTDIR;
	if (error == 0) {
		d.d_off = fp->f_offset;
		error = dents_walk(fp->f_vnode, &d);
		if (error == 0)
			error = d.d_error;
		if (d.d_done > 0) {
			fp->f_offset = d.d_off;
			*retval = (long)d.d_done;
			error = 0;
		}
	}
	file_release(fp);
	return error;
}

SYSCALL(getdents)
{
	return do_getdents(td, a, false, retval);
}

SYSCALL(getdents64)
{
	return do_getdents(td, a, true, retval);
}

/* ---- working directory and root ---- */

SYSCALL(getcwd)
{
	char *buf = kmalloc(PATH_MAX, 0);
	size_t len;
	int error;

	if (buf == NULL)
		return ENOMEM;
	error = vnode_path(td->td_proc->ps_fs->fs_cwd, buf, PATH_MAX);
	len = error == 0 ? strlen(buf) + 1 : 0;
	if (error == 0 && len > a[1])
		error = ERANGE;
	if (error == 0)
		error = copyout(buf, (void *)a[0], len);
	kfree(buf);
	if (error == 0)
		*retval = (long)len;
	return error;
}

/* Make vp (held; consumed) what *slot names, if it is a directory that td may search. */
static int
set_directory(struct thread *td, struct vnode **slot, struct vnode *vp)
{
	struct vnode *old = *slot;
	int error = S_ISDIR(vp->v_type) ? vaccess(vp, X_OK, td->td_proc->ps_cred) : ENOTDIR;

	if (error != 0) {
		vrele(vp);
		return error;
	}
	*slot = vp;
	vrele(old);
	return 0;
}

static int
set_directory_path(struct thread *td, struct vnode **slot, vaddr_t path)
{
	struct nameidata ni;
	struct vnode *vp;
	int error = namei(td, AT_FDCWD, (const char *)path, NI_FOLLOW, &ni);

	if (error != 0)
		return error;
	vp = vhold(ni.ni_vp);
	namei_done(&ni);
	return set_directory(td, slot, vp);
}

SYSCALL(chdir)
{
	return set_directory_path(td, &td->td_proc->ps_fs->fs_cwd, a[0]);
}

SYSCALL(chroot)
{
	if (!suser(td))
		return EPERM;
	return set_directory_path(td, &td->td_proc->ps_fs->fs_root, a[0]);
}

SYSCALL(fchdir)
{
	struct vnode *vp = NULL;
	struct file *fp;
	int error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	if (fp->f_vnode != NULL)
		vp = vhold(fp->f_vnode);
	file_release(fp);
	return vp != NULL ? set_directory(td, &td->td_proc->ps_fs->fs_cwd, vp) : ENOTDIR;
}
