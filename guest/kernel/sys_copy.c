/* SPDX-License-Identifier: ISC */
/* sys_copy.c: data from file to file inside the kernel: sendfile, copy_file_range, splice. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define COPY_CHUNK (4 * PAGE_SIZE)

/* One side of a copy. */
struct end {
	struct file *fp;
	off_t off;
	vaddr_t uoff; /* where the program keeps the position; 0 = the file's own is used */
};

/* Get the file and the position; the caller ends with end_put(), also after an error. */
static int
end_get(struct thread *td, int fd, vaddr_t uoff, bool write, struct end *e)
{
	int error = getfile(td, fd, &e->fp);

	if (error != 0) {
		e->fp = NULL;
		return error;
	}
	e->uoff = uoff;
	e->off = e->fp->f_offset;
	if (write ? !f_writable(e->fp) : !f_readable(e->fp))
		return EBADF;
	if (uoff == 0)
		return 0;
	if (e->fp->f_ops->fo_seek == NULL)
		return ESPIPE;
	error = copyin((const void *)uoff, &e->off, sizeof(e->off));
	return error != 0 ? error : e->off < 0 ? EINVAL : 0;
}

/* Store the position where it came from. */
static int
end_store(struct end *e)
{
	if (e->uoff != 0)
		return copyout(&e->off, (void *)e->uoff, sizeof(e->off));
	if (e->fp->f_ops->fo_seek != NULL)
		e->fp->f_offset = e->off;
	return 0;
}

static void
end_put(struct end *e)
{
	if (e->fp != NULL)
		file_release(e->fp);
}

/* Read or write n bytes at the end's position, which moves; *moved may be less. */
static int
end_io(struct thread *td, struct end *e, void *buf, size_t n, bool write, size_t *moved)
{
	struct iovec iov = {.iov_base = buf, .iov_len = n};
	struct uio uio = {.uio_iov = &iov,
			  .uio_iovcnt = 1,
			  .uio_resid = n,
			  .uio_offset = e->off,
			  .uio_write = write,
			  .uio_kernel = true};
	int (*op)(struct file *, struct uio *, struct thread *);
	int error;

	op = write ? e->fp->f_ops->fo_write : e->fp->f_ops->fo_read;
	error = op != NULL ? op(e->fp, &uio, td) : EINVAL;
	*moved = n - uio.uio_resid;
	e->off += (off_t)*moved;
	return *moved > 0 ? 0 : error;
}

/*
 * Copy through buf until len, the end of the input, or a side that takes no more.  What was read
 * and not written is given back: the input must be seekable, or the output one that takes
 * everything.
 */
static int
copy_loop(struct thread *td, struct end *in, struct end *out, char *buf, size_t len, size_t *done)
{
	int error = 0;

	*done = 0;
	while (*done < len && error == 0) {
		size_t got, put = 0;

		error = end_io(td, in, buf, MIN(len - *done, COPY_CHUNK), false, &got);
		if (error != 0 || got == 0)
			break;
		error = end_io(td, out, buf, got, true, &put);
		*done += put;
		if (put < got) {
			in->off -= (off_t)(got - put);
			break;
		}
		if (signal_pending(td) || in->fp->f_ops->fo_seek == NULL)
			break; /* a pipe is not read again: that could wait for ever */
	}
	return *done > 0 ? 0 : error;
}

static int
copy_ends(struct thread *td, struct end *in, struct end *out, uint64_t len, long *retval)
{
	char *buf = kmalloc(COPY_CHUNK, 0);
	size_t done;
	int error;

	if (buf == NULL)
		return ENOMEM;
	error = copy_loop(td, in, out, buf, MIN(len, RW_MAX), &done);
	kfree(buf);
	if (error == 0)
		error = end_store(in);
	if (error == 0)
		error = end_store(out);
	if (error == 0)
		*retval = (long)done;
	return error;
}

SYSCALL(sendfile)
{
	struct end in = {0}, out = {0};
	int error = end_get(td, (int)a[1], a[2], false, &in);

	if (error == 0)
		error = end_get(td, (int)a[0], 0, true, &out);
	if (error == 0 && (in.fp->f_ops->fo_seek == NULL || out.fp->f_flags & O_APPEND))
		error = EINVAL;
	if (error == 0)
		error = copy_ends(td, &in, &out, a[3], retval);
	end_put(&in);
	end_put(&out);
	return error;
}

/* Both sides must be regular files, and not the same bytes of one file. */
static int
check_range_copy(const struct end *in, const struct end *out, uint64_t len)
{
	const struct vnode *ivp = in->fp->f_vnode, *ovp = out->fp->f_vnode;

	if (ivp == NULL || ovp == NULL)
		return EINVAL;
	if (S_ISDIR(ivp->v_type) || S_ISDIR(ovp->v_type))
		return EISDIR;
	if (in->fp->f_ops != &vnode_fileops || out->fp->f_ops != &vnode_fileops)
		return EINVAL;
	if (out->fp->f_flags & O_APPEND)
		return EBADF;
	if (len > INT64_MAX || in->off > INT64_MAX - (off_t)len ||
	    out->off > INT64_MAX - (off_t)len)
		return EOVERFLOW;
	if (ivp == ovp && in->off < out->off + (off_t)len && out->off < in->off + (off_t)len)
		return EINVAL;
	return 0;
}

SYSCALL(copy_file_range)
{
	struct end in = {0}, out = {0};
	int error;

	if ((uint32_t)a[5] != 0)
		return EINVAL;
	error = end_get(td, (int)a[0], a[1], false, &in);
	if (error == 0)
		error = end_get(td, (int)a[2], a[3], true, &out);
	if (error == 0)
		error = check_range_copy(&in, &out, a[4]);
	if (error == 0)
		error = copy_ends(td, &in, &out, a[4], retval);
	end_put(&in);
	end_put(&out);
	return error;
}

/*
 * Splice moves between a file and a pipe.  From a pipe only a regular file is fed, which takes
 * everything; other pairs are left to read() and write(), as the error tells programs.
 */
static int
check_splice(const struct end *in, const struct end *out)
{
	bool from_file = in->fp->f_ops == &vnode_fileops;
	bool to_file = out->fp->f_ops == &vnode_fileops;

	if (pipe_size == NULL || out->fp->f_flags & O_APPEND)
		return EINVAL;
	if (from_file)
		return pipe_size(out->fp, -1) >= 0 ? 0 : EINVAL;
	return to_file && pipe_size(in->fp, -1) >= 0 ? 0 : EINVAL;
}

SYSCALL(splice)
{
	struct end in = {0}, out = {0};
	int error;

	if (a[5] & ~0xfUL)
		return EINVAL;
	error = end_get(td, (int)a[0], a[1], false, &in);
	if (error == 0)
		error = end_get(td, (int)a[2], a[3], true, &out);
	if (error == 0)
		error = check_splice(&in, &out);
	if (error == 0)
		error = copy_ends(td, &in, &out, a[4], retval);
	end_put(&in);
	end_put(&out);
	return error;
}

/* Duplicating a pipe's contents is not offered; EINVAL is what pairs that cannot be teed get. */
SYSCALL(tee)
{
	return EINVAL;
}
