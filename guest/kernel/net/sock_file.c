/* SPDX-License-Identifier: ISC */
/* sock_file.c: sockets as files. */
#include <sys/proc.h>
#include <sys/socketvar.h>
#include <sys/stat.h>
#include <sys/systm.h>

#define FIONREAD 0x541b
#define TIOCOUTQ 0x5411

struct socket *
file_socket(const struct file *fp)
{
	return fp->f_ops == &socket_fileops ? fp->f_data : NULL;
}

static int
socket_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct sockio io = {.io_nonblock = fp->f_flags & O_NONBLOCK};
	int error = so_receive(fp->f_data, uio, &io);

	if (io.io_rights != NULL) /* nobody asked for them */
		rights_free(io.io_rights);
	return error;
}

static int
socket_write(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct sockio io = {.io_nonblock = fp->f_flags & O_NONBLOCK};

	return so_send(fp->f_data, uio, &io);
}

static int
poll_connected(const struct socket *so)
{
	int ready = 0;

	if (!TAILQ_EMPTY(&so->so_queue))
		ready |= POLLIN | POLLRDNORM;
	if (so->so_flags & SS_RCVEOF)
		ready |= POLLIN | POLLRDNORM | POLLRDHUP;
	if ((so->so_flags & (SS_RCVEOF | SS_SNDEOF)) == (SS_RCVEOF | SS_SNDEOF))
		ready |= POLLHUP;
	if (so_connects(so) && !(so->so_flags & (SS_CONNECTED | SS_SNDEOF)))
		ready |= POLLOUT | POLLWRNORM | POLLHUP;
	if (so_sendable(so))
		ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return ready;
}

static int
socket_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct socket *so = fp->f_data;
	int ready = so->so_error != 0 ? POLLERR : 0;

	poll_record(ctx, &so->so_poll);
	if (so->so_flags & SS_LISTENING)
		return ready | (TAILQ_EMPTY(&so->so_incoming) ? 0 : POLLIN | POLLRDNORM);
	return ready | poll_connected(so);
}

/* A stream's bytes, or those of the next datagram. */
static int32_t
bytes_to_read(const struct socket *so)
{
	const struct sockmsg *sm;
	uint32_t n = 0;

	TAILQ_FOREACH (sm, &so->so_queue, sm_link) {
		n += sm->sm_len - sm->sm_off;
		if (so->so_type != SOCK_STREAM)
			break;
	}
	return (int32_t)n;
}

static int
socket_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td __unused,
	     long *retval __unused)
{
	const struct socket *so = fp->f_data;
	int32_t n;

	switch (cmd) {
	case FIONREAD:
		if (so->so_flags & SS_LISTENING)
			return EINVAL;
		n = bytes_to_read(so);
		break;
	case TIOCOUTQ:
		n = so->so_peer != NULL ? bytes_to_read(so->so_peer) : 0;
		break;
	default:
		return ENOTTY;
	}
	return copyout(&n, (void *)arg, sizeof(n));
}

static int
socket_stat(struct file *fp, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFSOCK | 0777;
	st->st_ino = fp->f_id;
	st->st_nlink = 1;
	st->st_blksize = (int64_t)PAGE_SIZE;
	return 0;
}

static void
socket_close(struct file *fp)
{
	so_close(fp->f_data);
}

const struct fileops socket_fileops = {
    .fo_read = socket_read,
    .fo_write = socket_write,
    .fo_ioctl = socket_ioctl,
    .fo_poll = socket_poll,
    .fo_stat = socket_stat,
    .fo_close = socket_close,
    .fo_name = "socket",
};
