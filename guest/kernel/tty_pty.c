/* SPDX-License-Identifier: ISC */
/*
 * tty_pty.c: pseudo terminals: the master side.
 *
 * What the slave's programs write stays in the terminal's output queue until the master reads it;
 * what the master writes is typed.  The slave outlives the master as a dead terminal.
 */
#include <sys/ttyvar.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define CHUNK 256

struct pty {
	struct tty *pt_tty; /* referenced */
	bool pt_packet;     /* TIOCPKT */
	uint8_t pt_ctl;     /* TIOCPKT_* to report */
	struct pollhead pt_poll;
};

/* ---- what the terminal tells its master ---- */

static void
pty_wake(struct pty *pt, int events)
{
	wakeup(pt);
	pollwakeup(&pt->pt_poll, events);
}

static size_t
pty_output(struct tty *tp, const void *buf __unused, size_t len __unused)
{
	if (tp->t_arg != NULL)
		pty_wake(tp->t_arg, POLLIN | POLLRDNORM);
	return 0; /* the master fetches it */
}

static void
pty_inready(struct tty *tp)
{
	if (tp->t_arg != NULL)
		pty_wake(tp->t_arg, POLLOUT | POLLWRNORM);
}

static void
pty_slaveclosed(struct tty *tp)
{
	if (tp->t_arg != NULL)
		pty_wake(tp->t_arg, POLLIN | POLLHUP);
}

static const struct ttybackend pty_backend = {
    .tb_output = pty_output,
    .tb_inready = pty_inready,
    .tb_close = pty_slaveclosed,
};

void
pty_event(struct tty *tp, int what)
{
	struct pty *pt = tp->t_arg;

	if (pt == NULL || !pt->pt_packet)
		return;
	if (what & (TIOCPKT_STOP | TIOCPKT_START))
		pt->pt_ctl &= (uint8_t) ~(TIOCPKT_STOP | TIOCPKT_START);
	if (what & (TIOCPKT_NOSTOP | TIOCPKT_DOSTOP))
		pt->pt_ctl &= (uint8_t) ~(TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
	pt->pt_ctl |= (uint8_t)what;
	pty_wake(pt, POLLIN | POLLPRI | POLLRDNORM);
}

/* ---- the master as a file ---- */

static bool
pty_slavegone(const struct pty *pt)
{
	return (pt->pt_tty->t_flags & TF_WASOPEN) != 0 && pt->pt_tty->t_opens == 0;
}

static bool
pty_outputready(const struct pty *pt)
{
	const struct tty *tp = pt->pt_tty;

	return tp->t_outhead != tp->t_outtail && !(tp->t_flags & TF_STOPPED);
}

/* Wait until there is something to read: EIO when the slave has been closed. */
static int
pty_waitoutput(struct file *fp)
{
	struct pty *pt = fp->f_data;
	int error;

	while (!pty_outputready(pt) && !(pt->pt_packet && pt->pt_ctl != 0)) {
		if (pty_slavegone(pt))
			return EIO;
		if (fp->f_flags & O_NONBLOCK)
			return EAGAIN;
		error = tsleep(pt, PCATCH, "ptmin", 0);
		if (error != 0)
			return error == EINTR ? ERESTART : error;
	}
	return 0;
}

static int
pty_read(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct pty *pt = fp->f_data;
	uint8_t buf[CHUNK], ctl;
	size_t n;
	int error;

	if (uio->uio_resid == 0)
		return 0;
	if ((error = pty_waitoutput(fp)) != 0)
		return error;
	if (pt->pt_packet) {
		ctl = pt->pt_ctl;
		pt->pt_ctl = 0;
		error = uiomove(&ctl, 1, uio);
		if (error != 0 || ctl != 0)
			return error;
	}
	while (error == 0 && uio->uio_resid > 0 &&
	       (n = tty_take_output(pt->pt_tty, buf, MIN(sizeof(buf), uio->uio_resid))) > 0)
		error = uiomove(buf, n, uio);
	return error;
}

/* Type the bytes; sleeps while the terminal's input queue is full. */
static int
pty_write(struct file *fp, struct uio *uio, struct thread *td __unused)
{
	struct pty *pt = fp->f_data;
	size_t n = 0, done = 0, total = uio->uio_resid;
	uint8_t buf[CHUNK];
	int error = 0;

	while (done < n || uio->uio_resid > 0) {
		if (pty_slavegone(pt)) {
			error = EIO;
			break;
		}
		if (done == n) {
			n = MIN(uio->uio_resid, sizeof(buf));
			done = 0;
			if ((error = uiomove(buf, n, uio)) != 0) {
				n = 0;
				break;
			}
		}
		done += tty_input(pt->pt_tty, buf + done, n - done);
		if (done == n)
			continue;
		error = fp->f_flags & O_NONBLOCK ? EAGAIN : tsleep(pt, PCATCH, "ptmout", 0);
		if (error != 0)
			break;
	}
	uio->uio_resid += n - done;
	if (uio->uio_resid != total)
		return 0;
	return error == EINTR ? ERESTART : error;
}

static int
pty_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct pty *pt = fp->f_data;
	const struct tty *tp = pt->pt_tty;
	int ready = 0;

	poll_record(ctx, &pt->pt_poll);
	if (pty_outputready(pt))
		ready |= POLLIN | POLLRDNORM;
	if (pt->pt_packet && pt->pt_ctl != 0)
		ready |= POLLIN | POLLRDNORM | POLLPRI;
	if (tp->t_inhead - tp->t_intail < TTY_INQ)
		ready |= POLLOUT | POLLWRNORM;
	if (pty_slavegone(pt))
		ready |= POLLHUP;
	return ready;
}

static int
pty_stat(struct file *fp, struct stat *st)
{
	return vn_stat(fp->f_vnode, st);
}

static void
pty_close(struct file *fp)
{
	struct pty *pt = fp->f_data;
	struct tty *tp = pt->pt_tty;

	tp->t_arg = NULL;
	pts_unregister(tp);
	tty_hangup(tp);
	tty_release(tp);
	pollhead_destroy(&pt->pt_poll);
	kfree(pt);
}

/* ---- ioctl ---- */

static int
get_flag(vaddr_t arg, vaddr_t *value)
{
	int32_t n;

	if (copyin((void *)arg, &n, sizeof(n)) != 0)
		return EFAULT;
	*value = n != 0;
	return 0;
}

static int
set_packet(struct pty *pt, vaddr_t arg)
{
	vaddr_t on;
	int error = get_flag(arg, &on);

	if (error == 0 && (on != 0) != pt->pt_packet) {
		pt->pt_packet = on != 0;
		pt->pt_ctl = 0;
	}
	return error;
}

static int
set_lock(struct tty *tp, vaddr_t arg)
{
	vaddr_t on;
	int error = get_flag(arg, &on);

	if (error == 0)
		tp->t_flags = on != 0 ? tp->t_flags | TF_LOCKED : tp->t_flags & ~TF_LOCKED;
	return error;
}

/* TIOCGPTPEER: open the slave without its name; a descriptor is the result. */
static int
open_peer(struct tty *tp, vaddr_t arg, struct thread *td, long *retval)
{
	int flags = (int)arg, error, fd;
	struct file *fp;

	if (flags & ~(O_ACCMODE | O_NOCTTY | O_CLOEXEC | O_NONBLOCK))
		return EINVAL;
	if ((error = tty_open(tp, flags, td, &fp)) != 0)
		return error;
	error = fd_install(td->td_proc, fp, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0, &fd);
	if (error != 0) {
		file_release(fp);
		return error;
	}
	*retval = fd;
	return 0;
}

static int
signal_slave(struct tty *tp, vaddr_t sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return EINVAL;
	tty_signal(tp, (int)sig);
	return 0;
}

static int
put_int(vaddr_t arg, uint32_t value)
{
	return copyout(&value, (void *)arg, sizeof(value));
}

static int
pty_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td, long *retval)
{
	struct pty *pt = fp->f_data;
	struct tty *tp = pt->pt_tty;

	switch (cmd) {
	case TIOCGPTN:
		return put_int(arg, pts_index(tp));
	case TIOCSPTLCK:
		return set_lock(tp, arg);
	case TIOCGPTLCK:
		return put_int(arg, (tp->t_flags & TF_LOCKED) != 0);
	case TIOCPKT:
		return set_packet(pt, arg);
	case TIOCGPKT:
		return put_int(arg, pt->pt_packet);
	case TIOCGPTPEER:
		return open_peer(tp, arg, td, retval);
	case TIOCSIG:
		return signal_slave(tp, arg);
	case FIONREAD:
		return put_int(arg, tp->t_outhead - tp->t_outtail);
	case TIOCSCTTY: /* a master is nobody's terminal */
	case TIOCNOTTY:
		return ENOTTY;
	default:
		return tty_ioctl_common(tp, cmd, arg, td, true);
	}
}

static const struct fileops pty_fileops = {
    .fo_read = pty_read,
    .fo_write = pty_write,
    .fo_ioctl = pty_ioctl,
    .fo_poll = pty_poll,
    .fo_stat = pty_stat,
    .fo_close = pty_close,
    .fo_name = "ptmx",
};

/* Opening /dev/ptmx makes a new pair. */
int
ptmx_open(struct vnode *vp __unused, struct file *fp, int flags __unused,
	  struct thread *td __unused)
{
	struct pty *pt = kmalloc(sizeof(*pt), M_ZERO);
	struct tty *tp;
	int error;

	if (pt == NULL)
		return ENOMEM;
	if ((tp = tty_create(&pty_backend, pt, 0)) == NULL) {
		kfree(pt);
		return ENOMEM;
	}
	tp->t_flags |= TF_PTY | TF_LOCKED;
	tp->t_iflag &= ~(uint32_t)IUTF8; /* whoever holds the master says so if it is */
	if ((error = pts_register(tp)) != 0) {
		tp->t_arg = NULL;
		tty_release(tp);
		kfree(pt);
		return error;
	}
	pt->pt_tty = tp;
	pollhead_init(&pt->pt_poll);
	fp->f_data = pt;
	fp->f_ops = &pty_fileops;
	return 0;
}
