/* SPDX-License-Identifier: ISC */
/* sys_sockmsg.c: sendto, recvfrom, sendmsg, recvmsg and the calls for several messages. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | MSG_OOB | 0x8000 /* MSG_MORE */ | 4)

/* A call under way, on a socket that it holds. */
struct sockcall {
	struct thread *td;
	struct file *fp;
	struct socket *so;
	bool sends;
	int flags;
};

static int
sockcall_begin(struct sockcall *sc, struct thread *td, uint64_t fd, bool sends, uint64_t flags)
{
	*sc = (struct sockcall){.td = td, .sends = sends, .flags = (int)flags};
	return getsock(td, (int)fd, &sc->fp, &sc->so);
}

static int
sockcall_end(struct sockcall *sc, int error)
{
	file_release(sc->fp);
	return error;
}

static void
sockio_init(struct sockio *io, const struct sockcall *sc)
{
	*io = (struct sockio){.io_flags = sc->flags};
	io->io_nonblock = sc->fp->f_flags & O_NONBLOCK || sc->flags & MSG_DONTWAIT;
}

static void
sockio_fini(struct sockio *io)
{
	if (io->io_rights != NULL)
		rights_free(io->io_rights);
}

/* How many bytes have moved, or why none. */
static int
result(int error, size_t want, const struct uio *uio, long *retval)
{
	if (error == 0)
		*retval = (long)(want - uio->uio_resid);
	return error;
}

/* ---- one message, whose msghdr is in our memory ---- */

static int
send_one(const struct sockcall *sc, const struct msghdr *mh, struct uio *uio, long *retval)
{
	size_t want = uio->uio_resid;
	struct sockname to;
	struct sockio io;
	int error = 0;

	if (sc->flags & ~SEND_FLAGS)
		return EINVAL;
	sockio_init(&io, sc);
	if (mh->msg_name != 0 && mh->msg_namelen != 0) {
		if ((error = sockname_copyin(mh->msg_name, mh->msg_namelen, &to)) != 0)
			return error;
		io.io_to = &to;
	}
	error = control_copyin(sc->td, mh, sc->so, &io);
	if (error == 0)
		error = so_send(sc->so, uio, &io);
	sockio_fini(&io);
	return result(error, want, uio, retval);
}

static int
receive_data(const struct sockcall *sc, struct uio *uio, struct sockio *io, long *retval)
{
	size_t want = uio->uio_resid;
	int error;

	sockio_init(io, sc);
	error = result(so_receive(sc->so, uio, io), want, uio, retval);
	if (error == 0 && sc->flags & MSG_TRUNC && io->io_outflags & MSG_TRUNC)
		*retval = (long)io->io_fulllen;
	return error;
}

/* mh is in and out. */
static int
receive_one(const struct sockcall *sc, struct msghdr *mh, struct uio *uio, long *retval)
{
	struct sockio io;
	int error = receive_data(sc, uio, &io, retval);

	if (error == 0 && mh->msg_name != 0) {
		uint32_t n = MIN(mh->msg_namelen, io.io_from.sn_len);

		error = copyout(&io.io_from.sn_un, (void *)mh->msg_name, n);
		mh->msg_namelen = io.io_from.sn_len;
	}
	if (error == 0)
		error = control_copyout(sc->td, sc->so, mh, &io);
	sockio_fini(&io);
	mh->msg_flags = (uint32_t)(io.io_outflags | (sc->flags & MSG_CMSG_CLOEXEC));
	return error;
}

/* ---- calls with an address and a length ---- */

SYSCALL(sendto)
{
	struct msghdr mh = {.msg_name = a[4], .msg_namelen = (uint32_t)a[5]};
	struct sockcall sc;
	struct iovec iov;
	struct uio uio;
	int error = sockcall_begin(&sc, td, a[0], true, a[3]);

	if (error != 0)
		return error;
	uio_user(&uio, &iov, a[1], a[2], true);
	return sockcall_end(&sc, send_one(&sc, &mh, &uio, retval));
}

SYSCALL(recvfrom)
{
	struct sockcall sc;
	struct sockio io;
	struct iovec iov;
	struct uio uio;
	int error = sockcall_begin(&sc, td, a[0], false, a[3]);

	if (error != 0)
		return error;
	uio_user(&uio, &iov, a[1], a[2], false);
	error = receive_data(&sc, &uio, &io, retval);
	if (error == 0 && a[4] != 0)
		error = sockname_copyout(&io.io_from, a[4], a[5]);
	sockio_fini(&io);
	return sockcall_end(&sc, error);
}

/* ---- calls with msghdrs of the program's ---- */

static int
one_message(const struct sockcall *sc, struct msghdr *umh, long *retval)
{
	struct iovec fast[UIO_FASTIOV], *base;
	struct msghdr mh;
	struct uio uio;
	int error = copyin(umh, &mh, sizeof(mh));

	if (error != 0)
		return error;
	if (mh.msg_iovlen > UIO_MAXIOV)
		return EMSGSIZE;
	error = uio_iov_copyin(mh.msg_iov, mh.msg_iovlen, sc->sends, fast, &base, &uio);
	if (error == 0)
		error = sc->sends ? send_one(sc, &mh, &uio, retval)
				  : receive_one(sc, &mh, &uio, retval);
	uio_iov_free(base, fast);
	if (error == 0 && !sc->sends)
		error = copyout(&mh, umh, sizeof(mh));
	return error;
}

static int
call_message(struct thread *td, const uint64_t *a, bool sends, long *retval)
{
	struct sockcall sc;
	int error = sockcall_begin(&sc, td, a[0], sends, a[2]);

	if (error != 0)
		return error;
	return sockcall_end(&sc, one_message(&sc, (struct msghdr *)a[1], retval));
}

SYSCALL(sendmsg)
{
	return call_message(td, a, true, retval);
}

SYSCALL(recvmsg)
{
	return call_message(td, a, false, retval);
}

/*
 * What has been moved counts; an error after that comes again with the next call.  As on Linux, the
 * time limit (0: none) is looked at after each message only.
 */
static int
several_messages(struct sockcall *sc, struct mmsghdr *uvec, uint32_t n, nsec_t deadline,
		 long *retval)
{
	bool wait_for_one = !sc->sends && sc->flags & MSG_WAITFORONE;
	uint32_t i;
	int error = 0;

	if (wait_for_one)
		sc->flags &= ~MSG_WAITFORONE;
	for (i = 0; i < n && (deadline == 0 || i == 0 || nanouptime() < deadline); i++) {
		uint32_t len;
		long moved;

		if ((error = one_message(sc, &uvec[i].msg_hdr, &moved)) != 0)
			break;
		len = (uint32_t)moved;
		if ((error = copyout(&len, &uvec[i].msg_len, sizeof(len))) != 0)
			break;
		if (wait_for_one)
			sc->flags |= MSG_DONTWAIT;
	}
	*retval = i;
	return i > 0 ? 0 : error;
}

static int
call_messages(struct thread *td, const uint64_t *a, bool sends, nsec_t deadline, long *retval)
{
	struct sockcall sc;
	int error = sockcall_begin(&sc, td, a[0], sends, a[3]);

	if (error != 0)
		return error;
	return sockcall_end(&sc, several_messages(&sc, (struct mmsghdr *)a[1],
						  (uint32_t)MIN(a[2], (uint64_t)UIO_MAXIOV),
						  deadline, retval));
}

SYSCALL(sendmmsg)
{
	return call_messages(td, a, true, 0, retval);
}

SYSCALL(recvmmsg)
{
	nsec_t limit = 0;
	int error = a[4] != 0 ? copyin_timespec(a[4], &limit) : 0;

	if (error != 0)
		return error;
	return call_messages(td, a, false, a[4] != 0 ? nanouptime() + limit : 0, retval);
}
