/* SPDX-License-Identifier: ISC */
/* sys_rw.c: read, write and their vectored and positioned forms; lseek. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>

/* preadv2, pwritev2 */
#define RWF_HIPRI 0x1u
#define RWF_DSYNC 0x2u
#define RWF_SYNC 0x4u
#define RWF_NOWAIT 0x8u
#define RWF_APPEND 0x10u

/* The file behind fd, open for this direction; held. */
static int
getfile_rw(struct thread *td, int fd, bool write, struct file **fpp)
{
	int error = getfile(td, fd, fpp);

	if (error != 0)
		return error;
	if (write ? f_writable(*fpp) : f_readable(*fpp))
		return 0;
	file_release(*fpp);
	return EBADF;
}

static int
fo_rw(struct file *fp, struct uio *uio, struct thread *td)
{
	int (*op)(struct file *, struct uio *, struct thread *);

	op = uio->uio_write ? fp->f_ops->fo_write : fp->f_ops->fo_read;
	return op != NULL ? op(fp, uio, td) : EINVAL;
}

/* What has moved before an error counts: the error will come again, or is gone by then. */
static int
rw_result(const struct uio *uio, size_t want, int error, long *retval)
{
	size_t moved = want - uio->uio_resid;

	if (error != 0 && moved == 0)
		return error;
	*retval = (long)moved;
	return 0;
}

/* At the file's own position, which moves along. */
static int
rw_current(struct thread *td, struct file *fp, struct uio *uio, long *retval)
{
	size_t want = uio->uio_resid;
	int error;

	uio->uio_offset = fp->f_offset;
	error = fo_rw(fp, uio, td);
	if (fp->f_ops->fo_seek != NULL)
		fp->f_offset = uio->uio_offset;
	return rw_result(uio, want, error, retval);
}

/* At a given position; the file's own does not matter. */
static int
rw_at(struct thread *td, struct file *fp, struct uio *uio, off_t off, long *retval)
{
	size_t want = uio->uio_resid;

	if (fp->f_ops->fo_seek == NULL)
		return ESPIPE;
	uio->uio_offset = off;
	return rw_result(uio, want, fo_rw(fp, uio, td), retval);
}

static int
rw_plain(struct thread *td, const uint64_t *a, bool write, long *retval)
{
	struct iovec iov;
	struct uio uio;
	struct file *fp;
	int error = getfile_rw(td, (int)a[0], write, &fp);

	if (error != 0)
		return error;
	if (a[2] > INT64_MAX)
		error = EINVAL;
	else {
		uio_user(&uio, &iov, a[1], a[2], write);
		error = rw_current(td, fp, &uio, retval);
	}
	file_release(fp);
	return error;
}

SYSCALL(read)
{
	return rw_plain(td, a, false, retval);
}

SYSCALL(write)
{
	return rw_plain(td, a, true, retval);
}

static int
rw_positioned(struct thread *td, const uint64_t *a, bool write, long *retval)
{
	struct iovec iov;
	struct uio uio;
	struct file *fp;
	int error;

	if ((off_t)a[3] < 0 || a[2] > INT64_MAX)
		return EINVAL;
	error = getfile_rw(td, (int)a[0], write, &fp);
	if (error != 0)
		return error;
	uio_user(&uio, &iov, a[1], a[2], write);
	error = rw_at(td, fp, &uio, (off_t)a[3], retval);
	file_release(fp);
	return error;
}

SYSCALL(pread64)
{
	return rw_positioned(td, a, false, retval);
}

SYSCALL(pwrite64)
{
	return rw_positioned(td, a, true, retval);
}

/* ---- vectored ---- */

/* at: at position off, else at the file's own. */
static int
rw_vector(struct thread *td, const uint64_t *a, bool write, bool at, off_t off, long *retval)
{
	struct iovec fast[UIO_FASTIOV], *iov;
	struct uio uio;
	struct file *fp;
	int error = getfile_rw(td, (int)a[0], write, &fp);

	if (error != 0)
		return error;
	error = uio_iov_copyin(a[1], a[2], write, fast, &iov, &uio);
	if (error == 0)
		error = at ? rw_at(td, fp, &uio, off, retval) : rw_current(td, fp, &uio, retval);
	uio_iov_free(iov, fast);
	file_release(fp);
	return error;
}

SYSCALL(readv)
{
	return rw_vector(td, a, false, false, 0, retval);
}

SYSCALL(writev)
{
	return rw_vector(td, a, true, false, 0, retval);
}

/* The position comes in two halves for the sake of 32-bit kernels; here the first is all of it. */
SYSCALL(preadv)
{
	return (off_t)a[3] < 0 ? EINVAL : rw_vector(td, a, false, true, (off_t)a[3], retval);
}

SYSCALL(pwritev)
{
	return (off_t)a[3] < 0 ? EINVAL : rw_vector(td, a, true, true, (off_t)a[3], retval);
}

/* Position for one write that appends. */
static int
append_offset(struct thread *td, int fd, off_t *off)
{
	struct file *fp;
	struct stat st;
	int error = getfile(td, fd, &fp);

	if (error != 0)
		return error;
	error = fp->f_ops->fo_stat != NULL ? fp->f_ops->fo_stat(fp, &st) : ESPIPE;
	if (error == 0)
		*off = st.st_size;
	file_release(fp);
	return error;
}

/* Data never waits for a device here, so most flags ask for what is always so. */
static int
rw_vector2(struct thread *td, const uint64_t *a, bool write, long *retval)
{
	uint64_t flags = a[5] & UINT32_MAX;
	off_t off = (off_t)a[3];
	int error;

	if (flags & ~(uint64_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND))
		return EOPNOTSUPP; /* RWF_NOWAIT included */
	if (off < -1)
		return EINVAL;
	if (flags & RWF_APPEND && write) {
		error = append_offset(td, (int)a[0], &off);
		if (error != 0)
			return error;
	}
	return rw_vector(td, a, write, off != -1, off, retval);
}

SYSCALL(preadv2)
{
	return rw_vector2(td, a, false, retval);
}

SYSCALL(pwritev2)
{
	return rw_vector2(td, a, true, retval);
}

SYSCALL(lseek)
{
	struct file *fp;
	off_t off;
	int error = getfile(td, (int)a[0], &fp);

	if (error != 0)
		return error;
	if (fp->f_flags & O_PATH)
		error = EBADF;
	else if (fp->f_ops->fo_seek == NULL)
		error = ESPIPE;
	else
		error = fp->f_ops->fo_seek(fp, (off_t)a[1], (int)a[2], &off);
	if (error == 0) {
		fp->f_offset = off;
		*retval = off;
	}
	file_release(fp);
	return error;
}
