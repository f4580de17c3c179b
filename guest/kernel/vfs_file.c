/* SPDX-License-Identifier: ISC */
/* vfs_file.c: operations of open regular files: the data is the pages of the vnode's object. */
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

static struct vm_object *
file_object(struct file *fp)
{
	const struct vnodeops *ops = fp->f_vnode->v_ops;

	return ops->vop_object != NULL ? ops->vop_object(fp->f_vnode) : NULL;
}

/* Where page idx lies, for a moment's reading or writing; pa_release() when done. */
static int
object_page(struct vm_object *obj, uint64_t idx, bool write, paddr_t *pa)
{
	if (write && vm_frames_for_files() == 0)
		return vm_object_resident(obj, idx, true, pa) ? 0 : ENOMEM;
	if (write)
		return vm_object_page(obj, idx, true, pa);
	if (!vm_object_resident(obj, idx, false, pa))
		*pa = vm_zero_pa; /* a hole; never freed, needs no reference */
	return 0;
}

/* Pages of the object to or from the uio, page by page: what has moved shows in the uio. */
static int
object_uiomove(struct vm_object *obj, struct uio *uio, size_t len)
{
	int error = 0;

	while (len > 0 && error == 0) {
		uint64_t off = (uint64_t)uio->uio_offset;
		size_t n = MIN(len, PAGE_SIZE - (off & PAGE_MASK));
		paddr_t pa;

		error = object_page(obj, atop(off), uio->uio_write, &pa);
		if (error != 0)
			return error == ENOMEM && uio->uio_write ? ENOSPC : error;
		error = uiomove((char *)PHYS_TO_DM(pa) + (off & PAGE_MASK), n, uio);
		pa_release(pa);
		len -= n;
	}
	return error;
}

static int
vnode_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct vm_object *obj = file_object(fp);
	uint64_t off = (uint64_t)uio->uio_offset;

	if (obj == NULL)
		return EIO;
	if (uio->uio_offset < 0)
		return EINVAL;
	if (off >= obj->ob_size)
		return 0;
	return object_uiomove(obj, uio, MIN(uio->uio_resid, obj->ob_size - off));
}

/* How many of len bytes may be written at off; EFBIG if none. */
static int
write_limit(struct thread *td, uint64_t off, size_t *len)
{
	uint64_t limit = lim_cur(td->td_proc, RLIMIT_FSIZE);

	if (off >= limit) {
		psignal(td->td_proc, SIGXFSZ);
		return EFBIG;
	}
	if (off >= FILE_MAXSIZE)
		return EFBIG;
	limit = MIN(limit, FILE_MAXSIZE);
	*len = MIN(*len, limit - off);
	return 0;
}

/* Write len bytes at uio_offset, growing the object first and cutting off what was not written. */
static int
object_write(struct vm_object *obj, struct uio *uio, size_t len)
{
	uint64_t old = obj->ob_size, end = (uint64_t)uio->uio_offset + len;
	int error;

	if (end > old) {
		error = vm_object_truncate(obj, end);
		if (error != 0)
			return error == ENOMEM ? ENOSPC : error;
	}
	error = object_uiomove(obj, uio, len);
	if (error != 0 && end > old)
		(void)vm_object_truncate(obj, MAX(old, (uint64_t)uio->uio_offset));
	return error;
}

static int
vnode_write(struct file *fp, struct uio *uio, struct thread *td)
{
	struct vnode *vp = fp->f_vnode;
	struct vm_object *obj = file_object(fp);
	size_t len = uio->uio_resid, before = len;
	int error;

	if (obj == NULL)
		return EIO;
	if (vp->v_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return EPERM;
	if (fp->f_flags & O_APPEND)
		uio->uio_offset = (off_t)obj->ob_size;
	if (uio->uio_offset < 0)
		return EINVAL;
	if (len == 0)
		return 0;
	error = write_limit(td, (uint64_t)uio->uio_offset, &len);
	if (error != 0)
		return error;
	if (vp->v_seals & F_SEAL_GROW && (uint64_t)uio->uio_offset + len > obj->ob_size)
		return EPERM;
	error = object_write(obj, uio, len);
	if (uio->uio_resid != before && vp->v_ops->vop_modified != NULL)
		vp->v_ops->vop_modified(vp, td->td_proc->ps_cred);
	return error;
}

static int
vnode_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td __unused,
	    long *retval __unused)
{
	struct vm_object *obj;
	int32_t left = 0;

	if (cmd != 0x541b) /* FIONREAD */
		return ENOTTY;
	obj = file_object(fp);
	if (obj != NULL && (uint64_t)fp->f_offset < obj->ob_size)
		left = (int32_t)MIN(obj->ob_size - (uint64_t)fp->f_offset, (uint64_t)INT32_MAX);
	return copyout(&left, (void *)arg, sizeof(left));
}

static int
vnode_poll(struct file *fp __unused, int events, struct pollctx *ctx __unused)
{
	return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

static int
vnode_filestat(struct file *fp, struct stat *st)
{
	return vn_stat(fp->f_vnode, st);
}

static int
vnode_mmap(struct file *fp, int prot, int flags, uint64_t off __unused, int *maxprot __unused,
	   struct vm_object **objp, struct vnode **vpp)
{
	struct vm_object *obj = file_object(fp);

	if (obj == NULL)
		return S_ISREG(fp->f_vnode->v_type) ? ENOMEM : ENODEV;
	if (flags & 1 /* MAP_SHARED */ && prot & PROT_WRITE &&
	    fp->f_vnode->v_seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return EPERM;
	vm_object_hold(obj);
	*objp = obj;
	*vpp = vhold(fp->f_vnode);
	return 0;
}

/* ---- size ---- */

int
vn_truncate(struct vnode *vp, uint64_t len, struct thread *td)
{
	struct vattr va = {.va_valid = VA_SIZE, .va_size = len};
	uint64_t old;
	int error = vn_size(vp, &old);

	if (error != 0)
		return error;
	if ((len < old && vp->v_seals & F_SEAL_SHRINK) || (len > old && vp->v_seals & F_SEAL_GROW))
		return EPERM;
	if (len > old && len > lim_cur(td->td_proc, RLIMIT_FSIZE)) {
		psignal(td->td_proc, SIGXFSZ);
		return EFBIG;
	}
	if (vp->v_ops->vop_setattr == NULL)
		return EINVAL;
	error = vp->v_ops->vop_setattr(vp, &va);
	if (error == 0 && vp->v_ops->vop_modified != NULL)
		vp->v_ops->vop_modified(vp, td->td_proc->ps_cred);
	return error;
}

static int
vnode_truncate(struct file *fp, off_t len)
{
	return vn_truncate(fp->f_vnode, (uint64_t)len, curthread);
}

/* ---- position ---- */

#define SEEK_SCAN_MAX (1u << 18) /* pages looked at before a hole is called data */

/* Position of the next data (or hole) at or after off.  The end of the file is a hole, too. */
static int
seek_content(struct vm_object *obj, uint64_t off, bool hole, off_t *newoff)
{
	if (off >= obj->ob_size)
		return ENXIO;
	for (uint64_t n = 0; off < obj->ob_size && n < SEEK_SCAN_MAX; n++) {
		paddr_t pa;
		bool data = vm_object_resident(obj, atop(off), false, &pa);

		if (data)
			pa_release(pa);
		if (data != hole)
			break;
		off = trunc_page(off) + PAGE_SIZE;
	}
	if (off >= obj->ob_size && !hole)
		return ENXIO;
	*newoff = (off_t)MIN(off, obj->ob_size);
	return 0;
}

static int
seek_base(struct file *fp, int whence, off_t *base)
{
	uint64_t size;
	int error = 0;

	switch (whence) {
	case SEEK_SET:
		*base = 0;
		return 0;
	case SEEK_CUR:
		*base = fp->f_offset;
		return 0;
	case SEEK_END:
		error = vn_size(fp->f_vnode, &size);
		*base = (off_t)size;
		return error;
	}
	return EINVAL;
}

int
vnode_seek(struct file *fp, off_t off, int whence, off_t *newoff)
{
	off_t base;
	int error;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		struct vm_object *obj = file_object(fp);

		if (obj == NULL)
			return EINVAL;
		return off < 0 ? ENXIO
			       : seek_content(obj, (uint64_t)off, whence == SEEK_HOLE, newoff);
	}
	error = seek_base(fp, whence, &base);
	if (error != 0)
		return error;
	if (__builtin_add_overflow(base, off, newoff))
		return EOVERFLOW;
	return *newoff < 0 ? EINVAL : 0;
}

const struct fileops vnode_fileops = {
    .fo_read = vnode_read,
    .fo_write = vnode_write,
    .fo_ioctl = vnode_ioctl,
    .fo_poll = vnode_poll,
    .fo_stat = vnode_filestat,
    .fo_seek = vnode_seek,
    .fo_mmap = vnode_mmap,
    .fo_truncate = vnode_truncate,
    .fo_name = "vnode",
};

/* ---- open directories, and files opened with O_PATH ---- */

static int
dir_read(struct file *fp __unused, struct uio *uio __unused, struct thread *td __unused)
{
	return EISDIR;
}

const struct fileops vnode_dirops = {
    .fo_read = dir_read,
    .fo_poll = vnode_poll,
    .fo_stat = vnode_filestat,
    .fo_seek = vnode_seek,
    .fo_name = "directory",
};

const struct fileops vnode_pathops = {
    .fo_stat = vnode_filestat,
    .fo_name = "path",
};
