/* SPDX-License-Identifier: ISC */
/* subr_uio.c: moving data between kernel memory and lists of user (or kernel) ranges. */
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>

static int
uio_copy(void *kbuf, struct iovec *iov, size_t n, const struct uio *uio)
{
	if (uio->uio_kernel) {
		if (uio->uio_write)
			memcpy(kbuf, iov->iov_base, n);
		else
			memcpy(iov->iov_base, kbuf, n);
		return 0;
	}
	if (uio->uio_write)
		return copyin(iov->iov_base, kbuf, n);
	return copyout(kbuf, iov->iov_base, n);
}

/* The piece that faults is not counted: what the caller sees in uio_resid has really moved. */
int
uiomove(void *kbuf, size_t n, struct uio *uio)
{
	char *buf = kbuf;
	int error;

	n = MIN(n, uio->uio_resid);
	while (n > 0) {
		struct iovec *iov = uio->uio_iov;
		size_t piece = MIN(n, iov->iov_len);

		if (piece == 0) { /* resid > 0: there is a further range */
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		error = uio_copy(buf, iov, piece, uio);
		if (error != 0)
			return error;
		iov->iov_base = (char *)iov->iov_base + piece;
		iov->iov_len -= piece;
		uio->uio_resid -= piece;
		uio->uio_offset += (off_t)piece;
		buf += piece;
		n -= piece;
	}
	return 0;
}

/* Sum of the lengths, cut to what one call may move; EINVAL if one is negative. */
static int
uio_iov_sum(struct uio *uio)
{
	size_t total = 0;

	for (int i = 0; i < uio->uio_iovcnt; i++) {
		struct iovec *iov = &uio->uio_iov[i];

		if (iov->iov_len > INT64_MAX)
			return EINVAL;
		iov->iov_len = MIN(iov->iov_len, RW_MAX - total);
		total += iov->iov_len;
	}
	uio->uio_resid = total;
	return 0;
}

int
uio_iov_copyin(vaddr_t uiov, uint64_t cnt, bool write, struct iovec *fast, struct iovec **base,
	       struct uio *uio)
{
	int error;

	*base = fast;
	if (cnt > UIO_MAXIOV)
		return EINVAL;
	if (cnt > UIO_FASTIOV) {
		*base = kmalloc(cnt * sizeof(struct iovec), 0);
		if (*base == NULL) {
			*base = fast;
			return ENOMEM;
		}
	}
	*uio = (struct uio){.uio_iov = *base, .uio_iovcnt = (int)cnt, .uio_write = write};
	error = copyin((const void *)uiov, *base, cnt * sizeof(struct iovec));
	return error != 0 ? error : uio_iov_sum(uio);
}
