/* SPDX-License-Identifier: ISC */
/* sys_sockcontrol.c: control messages: file descriptors and credentials that go along with data. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#define CONTROL_MAX 8192U

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

int
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

int
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
