/* SPDX-License-Identifier: ISC */
/* dev_mem.c: /dev/null, zero, full, random, urandom. */
#include <sys/devices.h>
#include <sys/proc.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <sys/vnode.h>

#define RNDGETENTCNT 0x80045200UL
#define ENTROPY_BITS 256

/* ---- shared by all ---- */

static int
dev_stat(struct file *fp, struct stat *st)
{
	return vn_stat(fp->f_vnode, st);
}

/* There is no position to speak of. */
static int
dev_seek(struct file *fp __unused, off_t off __unused, int whence __unused, off_t *newoff)
{
	*newoff = 0;
	return 0;
}

static int
discard(struct file *fp __unused, struct uio *uio, struct thread *td __unused)
{
	uio->uio_resid = 0;
	return 0;
}

static int
read_zeroes(struct file *fp __unused, struct uio *uio, struct thread *td __unused)
{
	int error = 0;

	while (uio->uio_resid > 0 && error == 0)
		error = uiomove(PHYS_TO_DM(vm_zero_pa), PAGE_SIZE, uio);
	return error;
}

/* ---- null, zero, full ---- */

static int
null_read(struct file *fp __unused, struct uio *uio __unused, struct thread *td __unused)
{
	return 0;
}

const struct fileops null_fileops = {
    .fo_read = null_read,
    .fo_write = discard,
    .fo_stat = dev_stat,
    .fo_seek = dev_seek,
    .fo_name = "null",
};

/* Mapping /dev/zero is the old way to ask for anonymous memory: no object stands behind it. */
static int
zero_mmap(struct file *fp __unused, int prot __unused, int flags __unused, uint64_t off __unused,
	  int *maxprot __unused, struct vm_object **objp, struct vnode **vpp)
{
	*objp = NULL;
	*vpp = NULL;
	return 0;
}

const struct fileops zero_fileops = {
    .fo_read = read_zeroes,
    .fo_write = discard,
    .fo_stat = dev_stat,
    .fo_seek = dev_seek,
    .fo_mmap = zero_mmap,
    .fo_name = "zero",
};

static int
full_write(struct file *fp __unused, struct uio *uio __unused, struct thread *td __unused)
{
	return ENOSPC;
}

const struct fileops full_fileops = {
    .fo_read = read_zeroes,
    .fo_write = full_write,
    .fo_stat = dev_stat,
    .fo_seek = dev_seek,
    .fo_name = "full",
};

/* ---- random: seeded before any program runs, so it never blocks ---- */

static int
random_read(struct file *fp __unused, struct uio *uio, struct thread *td __unused)
{
	uint8_t buf[256];
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		size_t n = MIN(uio->uio_resid, sizeof(buf));

		arc4random_buf(buf, n);
		error = uiomove(buf, n, uio);
	}
	memset(buf, 0, sizeof(buf));
	return error;
}

/* What is written is mixed in; it can only add to what the generator knows. */
static int
random_write(struct file *fp __unused, struct uio *uio, struct thread *td __unused)
{
	uint8_t buf[64];
	int error = 0;

	while (uio->uio_resid > 0 && error == 0) {
		size_t n = MIN(uio->uio_resid, sizeof(buf));

		error = uiomove(buf, n, uio);
		if (error == 0)
			random_seed(buf, n);
	}
	return error;
}

static int
random_poll(struct file *fp __unused, int events __unused, struct pollctx *ctx __unused)
{
	return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
}

static int
random_ioctl(struct file *fp __unused, unsigned long cmd, vaddr_t arg, struct thread *td __unused,
	     long *retval __unused)
{
	int32_t bits = ENTROPY_BITS;

	return cmd == RNDGETENTCNT ? copyout(&bits, (void *)arg, sizeof(bits)) : EINVAL;
}

const struct fileops random_fileops = {
    .fo_read = random_read,
    .fo_write = random_write,
    .fo_ioctl = random_ioctl,
    .fo_poll = random_poll,
    .fo_stat = dev_stat,
    .fo_seek = dev_seek,
    .fo_name = "random",
};
