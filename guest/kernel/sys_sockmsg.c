/* SPDX-License-Identifier: ISC */
/* sys_sockmsg.c: sendto, recvfrom, sendmsg, recvmsg and the calls for several messages. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define CONTROL_MAX 8192U
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | MSG_OOB | 0x8000 /* MSG_MORE */ | 4)

/* How many bytes have moved, or why none. */
static int
result(int error, size_t want, const struct uio *uio, long *retval)
{
	if (error == 0)
		*retval = (long)(want - uio->uio_resid);
	return error;
}

/* ---- control messages ---- */

static int
control_credentials(struct thread *td, const struct ucred *uc, struct sockio *io)
{
	const struct process *ps = td->td_proc;
	const struct cred *cr = ps->ps_cred;

	if (!suser(td) &&
	    (uc->pid != ps->ps_pid ||
	     (uc->uid != cr->cr_uid && uc->uid != cr->cr_ruid && uc->uid != cr->cr_svuid) ||
	     (uc->gid != cr->cr_gid && uc->gid != cr->cr_rgid && uc->gid != cr->cr_svgid)))
		return EPERM;
	io->io_cred = *uc;
	return 0;
}

static int
control_one(struct thread *td, const struct cmsghdr *cm, struct socket *so, struct sockio *io)
{
	size_t len = cm->cmsg_len - sizeof(*cm);

	if (cm->cmsg_level != SOL_SOCKET || !so_unix(so))
		return cm->cmsg_level == SOL_SOCKET ? EINVAL : 0;
	switch (cm->cmsg_type) {
	case SCM_RIGHTS:
		if (io->io_rights != NULL || len / sizeof(int32_t) > SCM_MAX_FD)
			return EINVAL;
		if (len < sizeof(int32_t))
			return 0;
		return rights_copyin(td, (const int32_t *)(cm + 1),
				     (uint32_t)(len / sizeof(int32_t)), &io->io_rights);
	case SCM_CREDENTIALS:
		if (len != sizeof(struct ucred))
			return EINVAL;
		return control_credentials(td, (const struct ucred *)(cm + 1), io);
	default:
		return EINVAL;
	}
}

/* The program's control data is in our memory: buf, 8-byte aligned. */
static int
control_parse(struct thread *td, const char *buf, size_t size, struct socket *so, struct sockio *io)
{
	size_t pos = 0;
	int error = 0;

	while (error == 0 && size - pos >= sizeof(struct cmsghdr)) {
		const struct cmsghdr *cm = (const struct cmsghdr *)(buf + pos);

		if (cm->cmsg_len < sizeof(*cm) || cm->cmsg_len > size - pos)
			return EINVAL;
		error = control_one(td, cm, so, io);
		pos += MIN(CMSG_ALIGN(cm->cmsg_len), size - pos);
	}
	return error;
}

static int
control_copyin(struct thread *td, const struct msghdr *mh, struct socket *so, struct sockio *io)
{
	char *buf;
	int error;

	if (mh->msg_control == 0 || mh->msg_controllen == 0)
		return 0;
	if (mh->msg_controllen > CONTROL_MAX)
		return ENOBUFS;
	buf = kmalloc(mh->msg_controllen, 0);
	if (buf == NULL)
		return ENOBUFS;
	error = copyin((const void *)mh->msg_control, buf, mh->msg_controllen);
	if (error == 0)
		error = control_parse(td, buf, mh->msg_controllen, so, io);
	kfree(buf);
	return error;
}

/* Append one control message if there is room: else MSG_CTRUNC.  Returns bytes of data put. */
static int
control_put(struct msghdr *mh, uint64_t *used, int type, const void *data, size_t len,
	    struct sockio *io)
{
	struct cmsghdr cm = {.cmsg_level = SOL_SOCKET, .cmsg_type = type};
	vaddr_t at = mh->msg_control + *used;

	if (mh->msg_control == 0 || mh->msg_controllen - *used < sizeof(cm) + len) {
		io->io_outflags |= MSG_CTRUNC;
		return 0;
	}
	cm.cmsg_len = sizeof(cm) + len;
	if (copyout(&cm, (void *)at, sizeof(cm)) != 0 ||
	    copyout(data, (void *)(at + sizeof(cm)), len) != 0)
		return EFAULT;
	*used += MIN(CMSG_ALIGN(cm.cmsg_len), mh->msg_controllen - *used);
	return 0;
}

/* Give the files descriptors, as many as there is room for. */
static int
control_put_rights(struct thread *td, struct msghdr *mh, uint64_t *used, struct sockio *io)
{
	struct sockrights *sr = io->io_rights;
	uint64_t room = mh->msg_control != 0 ? mh->msg_controllen - *used : 0;
	uint32_t most = room < sizeof(struct cmsghdr)
			    ? 0
			    : (uint32_t)MIN((room - sizeof(struct cmsghdr)) / sizeof(int32_t),
					    (uint64_t)sr->sr_count);
	int fdflags = io->io_flags & MSG_CMSG_CLOEXEC ? FD_CLOEXEC : 0, error = 0;
	int32_t fds[SCM_MAX_FD];
	uint32_t n = 0;

	for (; n < most; n++) {
		if (fd_install(td->td_proc, file_hold(sr->sr_files[n]), 0, fdflags, &fds[n]) != 0) {
			file_release(sr->sr_files[n]);
			break;
		}
	}
	if (n < sr->sr_count)
		io->io_outflags |= MSG_CTRUNC;
	if (n > 0)
		error = control_put(mh, used, SCM_RIGHTS, fds, n * sizeof(fds[0]), io);
	for (uint32_t i = 0; error != 0 && i < n; i++)
		fd_close(td->td_proc, fds[i]);
	return error;
}

static int
control_copyout(struct thread *td, const struct socket *so, struct msghdr *mh, struct sockio *io)
{
	uint64_t used = 0;
	int error = 0;

	if (so->so_flags & SS_PASSCRED && so_unix(so))
		error =
		    control_put(mh, &used, SCM_CREDENTIALS, &io->io_cred, sizeof(io->io_cred), io);
	if (error == 0 && io->io_rights != NULL)
		error = control_put_rights(td, mh, &used, io);
	mh->msg_controllen = used;
	return error;
}

/* ---- sending ---- */

/* With the name and the control data of mh, whose structure is in our memory. */
static int
send_one(struct thread *td, struct file *fp, struct socket *so, const struct msghdr *mh, int flags,
	 struct uio *uio, long *retval)
{
	struct sockio io = {.io_flags = flags};
	size_t want = uio->uio_resid;
	struct sockname to;
	int error = 0;

	if (flags & ~SEND_FLAGS)
		return EINVAL;
	io.io_nonblock = fp->f_flags & O_NONBLOCK || flags & MSG_DONTWAIT;
	if (mh->msg_name != 0 && mh->msg_namelen != 0) {
		if ((error = sockname_copyin(mh->msg_name, mh->msg_namelen, &to)) != 0)
			return error;
		io.io_to = &to;
	}
	error = control_copyin(td, mh, so, &io);
	if (error == 0)
		error = so_send(so, uio, &io);
	if (io.io_rights != NULL)
		rights_free(io.io_rights);
	return result(error, want, uio, retval);
}

SYSCALL(sendto)
{
	struct msghdr mh = {.msg_name = a[4], .msg_namelen = (uint32_t)a[5]};
	struct iovec iov;
	struct socket *so;
	struct file *fp;
	struct uio uio;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	uio_user(&uio, &iov, a[1], a[2], true);
	error = send_one(td, fp, so, &mh, (int)a[3], &uio, retval);
	file_release(fp);
	return error;
}

static int
send_msghdr(struct thread *td, struct file *fp, struct socket *so, const struct msghdr *mh,
	    int flags, long *retval)
{
	struct iovec fast[UIO_FASTIOV], *base;
	struct uio uio;
	int error = mh->msg_iovlen > UIO_MAXIOV ? EMSGSIZE : 0;

	if (error != 0)
		return error;
	error = uio_iov_copyin(mh->msg_iov, mh->msg_iovlen, true, fast, &base, &uio);
	if (error == 0)
		error = send_one(td, fp, so, mh, flags, &uio, retval);
	uio_iov_free(base, fast);
	return error;
}

SYSCALL(sendmsg)
{
	struct msghdr mh;
	struct socket *so;
	struct file *fp;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	error = copyin((const void *)a[1], &mh, sizeof(mh));
	if (error == 0)
		error = send_msghdr(td, fp, so, &mh, (int)a[2], retval);
	file_release(fp);
	return error;
}

/* What has been sent counts; an error after that comes again with the next call. */
static int
send_several(struct thread *td, struct file *fp, struct socket *so, vaddr_t vec, uint32_t n,
	     int flags, long *retval)
{
	struct mmsghdr *uvec = (struct mmsghdr *)vec;
	struct msghdr mh;
	uint32_t i;
	int error = 0;

	for (i = 0; i < n; i++) {
		uint32_t len;
		long sent;

		if ((error = copyin(&uvec[i].msg_hdr, &mh, sizeof(mh))) != 0 ||
		    (error = send_msghdr(td, fp, so, &mh, flags, &sent)) != 0)
			break;
		len = (uint32_t)sent;
		if ((error = copyout(&len, &uvec[i].msg_len, sizeof(len))) != 0)
			break;
	}
	*retval = i;
	return i > 0 ? 0 : error;
}

SYSCALL(sendmmsg)
{
	struct socket *so;
	struct file *fp;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	error = send_several(td, fp, so, a[1], (uint32_t)MIN(a[2], (uint64_t)UIO_MAXIOV), (int)a[3],
			     retval);
	file_release(fp);
	return error;
}

/* ---- receiving ---- */

static int
receive_one(struct file *fp, struct socket *so, int flags, struct uio *uio, struct sockio *io,
	    long *retval)
{
	size_t want = uio->uio_resid;
	int error;

	io->io_flags = flags;
	io->io_nonblock = fp->f_flags & O_NONBLOCK || flags & MSG_DONTWAIT;
	error = result(so_receive(so, uio, io), want, uio, retval);
	if (error == 0 && flags & MSG_TRUNC && io->io_outflags & MSG_TRUNC)
		*retval = (long)io->io_fulllen;
	return error;
}

SYSCALL(recvfrom)
{
	struct sockio io = {.io_flags = 0};
	struct iovec iov;
	struct socket *so;
	struct file *fp;
	struct uio uio;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	uio_user(&uio, &iov, a[1], a[2], false);
	error = receive_one(fp, so, (int)a[3], &uio, &io, retval);
	if (error == 0 && a[4] != 0)
		error = sockname_copyout(&io.io_from, a[4], a[5]);
	if (io.io_rights != NULL)
		rights_free(io.io_rights);
	file_release(fp);
	return error;
}

/* mh is in and out; its iovec and buffers are the program's. */
static int
receive_msghdr(struct thread *td, struct file *fp, struct socket *so, struct msghdr *mh, int flags,
	       long *retval)
{
	struct iovec fast[UIO_FASTIOV], *base;
	struct sockio io = {.io_flags = 0};
	struct uio uio;
	int error = mh->msg_iovlen > UIO_MAXIOV ? EMSGSIZE : 0;

	if (error != 0)
		return error;
	error = uio_iov_copyin(mh->msg_iov, mh->msg_iovlen, false, fast, &base, &uio);
	if (error == 0)
		error = receive_one(fp, so, flags, &uio, &io, retval);
	uio_iov_free(base, fast);
	if (error == 0 && mh->msg_name != 0) {
		uint32_t n = MIN(mh->msg_namelen, io.io_from.sn_len);

		error = copyout(&io.io_from.sn_un, (void *)mh->msg_name, n);
		mh->msg_namelen = io.io_from.sn_len;
	}
	if (error == 0)
		error = control_copyout(td, so, mh, &io);
	if (io.io_rights != NULL)
		rights_free(io.io_rights);
	mh->msg_flags = (uint32_t)(io.io_outflags | (flags & MSG_CMSG_CLOEXEC));
	return error;
}

static int
receive_usermsg(struct thread *td, struct file *fp, struct socket *so, vaddr_t umh, int flags,
		long *retval)
{
	struct msghdr mh;
	int error = copyin((const void *)umh, &mh, sizeof(mh));

	if (error == 0)
		error = receive_msghdr(td, fp, so, &mh, flags, retval);
	if (error == 0)
		error = copyout(&mh, (void *)umh, sizeof(mh));
	return error;
}

SYSCALL(recvmsg)
{
	struct socket *so;
	struct file *fp;
	int error = getsock(td, (int)a[0], &fp, &so);

	if (error != 0)
		return error;
	error = receive_usermsg(td, fp, so, a[1], (int)a[2], retval);
	file_release(fp);
	return error;
}

/* As on Linux, the time limit is looked at after each message only. */
static int
receive_several(struct thread *td, struct file *fp, struct socket *so, vaddr_t vec, uint32_t n,
		int flags, nsec_t deadline, long *retval)
{
	struct mmsghdr *uvec = (struct mmsghdr *)vec;
	uint32_t i;
	int error = 0;

	for (i = 0; i < n && (deadline == 0 || i == 0 || nanouptime() < deadline); i++) {
		uint32_t len;
		long got;

		if ((error = receive_usermsg(td, fp, so, (vaddr_t)&uvec[i].msg_hdr,
					     flags & ~MSG_WAITFORONE, &got)) != 0)
			break;
		len = (uint32_t)got;
		if ((error = copyout(&len, &uvec[i].msg_len, sizeof(len))) != 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
	}
	*retval = i;
	return i > 0 ? 0 : error;
}

SYSCALL(recvmmsg)
{
	struct socket *so;
	struct file *fp;
	nsec_t limit = 0;
	int error = a[4] != 0 ? copyin_timespec(a[4], &limit) : 0;

	if (error != 0 || (error = getsock(td, (int)a[0], &fp, &so)) != 0)
		return error;
	error = receive_several(td, fp, so, a[1], (uint32_t)MIN(a[2], (uint64_t)UIO_MAXIOV),
				(int)a[3], a[4] != 0 ? nanouptime() + limit : 0, retval);
	file_release(fp);
	return error;
}
