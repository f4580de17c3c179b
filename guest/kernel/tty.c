/* SPDX-License-Identifier: ISC */
/* tty.c: terminals as open files: reading, writing, waiting, hanging up. */
#include <sys/ttyvar.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define CHUNK 256 /* bytes moved at a time, on the stack */
#define VTIME_UNIT (NSEC_PER_SEC / 10)
#define CLOSE_PATIENCE (30 * NSEC_PER_SEC) /* for a backend that takes nothing */

struct tty *
tty_create(const struct ttybackend *tb, void *arg, dev_t rdev)
{
	struct tty *tp = kmalloc(sizeof(*tp), 0);

	if (tp == NULL)
		return NULL;
	memset(tp, 0, offsetof(struct tty, t_inq));
	tp->t_refs = 1;
	tp->t_backend = tb;
	tp->t_arg = arg;
	tp->t_rdev = rdev;
	pollhead_init(&tp->t_poll);
	tty_setdefaults(tp);
	return tp;
}

void
tty_hold(struct tty *tp)
{
	tp->t_refs++;
}

void
tty_release(struct tty *tp)
{
	KASSERT(tp->t_refs > 0);
	if (--tp->t_refs > 0)
		return;
	pollhead_destroy(&tp->t_poll);
	kfree(tp);
}

void *
tty_arg(struct tty *tp)
{
	return tp->t_arg;
}

dev_t
tty_rdev(const struct tty *tp)
{
	return tp->t_rdev;
}

pid_t
tty_pgid(const struct tty *tp)
{
	return tp->t_pgid;
}

void
tty_wake_readers(struct tty *tp)
{
	wakeup(&tp->t_inhead);
	pollwakeup(&tp->t_poll, POLLIN | POLLRDNORM);
}

void
tty_inready(struct tty *tp)
{
	if (tp->t_backend->tb_inready != NULL)
		tp->t_backend->tb_inready(tp);
}

void
tty_gone(struct tty *tp)
{
	tp->t_flags |= TF_DEAD;
	tp->t_arg = NULL;
}

void
tty_event(struct tty *tp, int what)
{
	if (tp->t_flags & TF_PTY)
		pty_event(tp, what);
}

bool
tty_hung(const struct file *fp)
{
	const struct tty *tp = fp->f_data;

	return fp->f_gen != tp->t_gen;
}

/* ---- reading ---- */

/* A sleep of a reader or writer: EAGAIN, ERESTART, ETIMEDOUT. */
static int
tty_sleep(struct file *fp, const void *chan, const char *wmesg, nsec_t deadline)
{
	int error;

	if (fp->f_flags & O_NONBLOCK)
		return EAGAIN;
	error = tsleep(chan, PCATCH, wmesg, deadline);
	return error == EINTR ? ERESTART : error;
}

/*
 * Move up to max characters to the reader; in canonical mode not past the end of a line.  An
 * end-of-file character ends the line and is swallowed, also when the reader's buffer is full just
 * before it: it has done its work.
 */
static int
tty_move_input(struct tty *tp, struct uio *uio)
{
	bool canon = tp->t_lflag & ICANON, eol = false;
	uint8_t buf[CHUNK];
	size_t moved = 0;
	int error = 0;

	while (!eol && error == 0 && tty_inavail(tp) > 0) {
		size_t max = MIN(sizeof(buf), uio->uio_resid), n = 0;
		uint32_t before = tp->t_intail;

		while (!eol && tty_inavail(tp) > 0) {
			uint16_t c = tp->t_inq[tp->t_intail & (TTY_INQ - 1)];

			if (n == max && !(canon && c & TQ_EOF))
				break;
			tp->t_intail++;
			eol = canon && c & TQ_DELIM;
			if (!(canon && c & TQ_EOF))
				buf[n++] = (uint8_t)c;
		}
		moved += tp->t_intail - before;
		if (tp->t_intail == before)
			break;
		error = uiomove(buf, n, uio);
	}
	if (moved > 0)
		tty_inready(tp);
	return error;
}

/*
 * VMIN characters are wanted, or as many as fit.  VTIME limits the time between two characters, or,
 * when VMIN is 0, the whole read.
 */
static int
tty_read_raw(struct tty *tp, struct file *fp, struct uio *uio)
{
	size_t want = MIN((size_t)tp->t_cc[VMIN], uio->uio_resid), total = uio->uio_resid;
	nsec_t vtime = tp->t_cc[VTIME] * VTIME_UNIT;
	nsec_t deadline = want == 0 && vtime != 0 ? nanouptime() + vtime : 0;
	int error = 0;

	for (;;) {
		size_t got;

		if (tty_inavail(tp) > 0) {
			error = tty_move_input(tp, uio);
			if (want > 0 && vtime != 0)
				deadline = nanouptime() + vtime;
		}
		got = total - uio->uio_resid;
		if (error != 0 || (got >= want && (got > 0 || deadline == 0)) || tty_hung(fp))
			return got > 0 ? 0 : error;
		error = tty_sleep(fp, &tp->t_inhead, "ttyin", deadline);
		if (error != 0)
			return got > 0 || error == ETIMEDOUT ? 0 : error;
	}
}

static int
tty_read_canon(struct tty *tp, struct file *fp, struct uio *uio)
{
	int error;

	while (tty_inavail(tp) == 0) {
		if (tty_hung(fp))
			return 0;
		if (!(tp->t_lflag & ICANON)) /* the mode has changed while we slept */
			return tty_read_raw(tp, fp, uio);
		if ((error = tty_sleep(fp, &tp->t_inhead, "ttyin", 0)) != 0)
			return error;
	}
	return tty_move_input(tp, uio);
}

static int
tty_read(struct file *fp, struct uio *uio, struct thread *td)
{
	struct tty *tp = fp->f_data;
	int error;

	if (tty_hung(fp) || uio->uio_resid == 0)
		return 0;
	if ((error = tty_background(tp, td, SIGTTIN)) != 0)
		return error;
	if (tp->t_lflag & ICANON)
		return tty_read_canon(tp, fp, uio);
	return tty_read_raw(tp, fp, uio);
}

/* ---- writing ---- */

/* Put what there is room for into the output queue; how many characters went. */
static size_t
tty_put_output(struct tty *tp, const uint8_t *buf, size_t len)
{
	size_t n = 0;

	while (n < len && tty_output_char(tp, buf[n]))
		n++;
	tty_start(tp);
	return n;
}

static int
tty_write(struct file *fp, struct uio *uio, struct thread *td)
{
	struct tty *tp = fp->f_data;
	size_t n = 0, done = 0, total = uio->uio_resid;
	uint8_t buf[CHUNK];
	int error = 0;

	if (!tty_hung(fp) && tp->t_lflag & TOSTOP)
		error = tty_background(tp, td, SIGTTOU);
	while (error == 0 && (done < n || uio->uio_resid > 0)) {
		if (tty_hung(fp)) {
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
		done += tty_put_output(tp, buf + done, n - done);
		if (done < n && tty_outroom(tp) < 8) /* no character needs more */
			error = tty_sleep(fp, &tp->t_outtail, "ttyout", 0);
	}
	uio->uio_resid += n - done;
	return uio->uio_resid != total ? 0 : error;
}

static int
tty_poll(struct file *fp, int events __unused, struct pollctx *ctx)
{
	struct tty *tp = fp->f_data;
	int ready = 0;

	poll_record(ctx, &tp->t_poll);
	if (tty_hung(fp))
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
	if (tty_readable(tp))
		ready |= POLLIN | POLLRDNORM;
	if (tty_outroom(tp) >= TTY_OUTQ / 2)
		ready |= POLLOUT | POLLWRNORM;
	return ready;
}

static int
tty_stat(struct file *fp, struct stat *st)
{
	const struct tty *tp = fp->f_data;

	if (fp->f_vnode != NULL)
		return vn_stat(fp->f_vnode, st);
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR | 0620;
	st->st_nlink = 1;
	st->st_rdev = tp->t_rdev;
	st->st_blksize = 1024;
	return 0;
}

static int
tty_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td, long *retval __unused)
{
	if (tty_hung(fp))
		return cmd == TIOCSPGRP ? ENOTTY : EIO;
	return tty_ioctl_common(fp->f_data, cmd, arg, td, false);
}

/* ---- opening and closing ---- */

/* A job may have been left with output stopped and nobody to start it. */
static void
tty_lastclose(struct tty *tp)
{
	tp->t_flags &= ~TF_EXCL;
	if (!(tp->t_flags & TF_PTY)) {
		tty_restart_output(tp);
		tty_start(tp);
		(void)tty_drain(tp, PKILL, CLOSE_PATIENCE);
	}
	if (tp->t_opens == 0 && tp->t_backend->tb_close != NULL)
		tp->t_backend->tb_close(tp);
}

static void
tty_close(struct file *fp)
{
	struct tty *tp = fp->f_data;

	if (--tp->t_opens == 0)
		tty_lastclose(tp);
	tty_release(tp);
}

const struct fileops tty_fileops = {
    .fo_read = tty_read,
    .fo_write = tty_write,
    .fo_ioctl = tty_ioctl,
    .fo_poll = tty_poll,
    .fo_stat = tty_stat,
    .fo_close = tty_close,
    .fo_name = "tty",
};

/* Of a terminal's file before it is attached. */
static const struct fileops tty_newops = {.fo_name = "tty"};

int
tty_attach(struct tty *tp, struct file *fp, int flags, struct thread *td)
{
	if (tp->t_flags & (TF_DEAD | TF_LOCKED))
		return EIO;
	if (tp->t_flags & TF_EXCL && tp->t_opens > 0 && !suser(td))
		return EBUSY;
	tty_hold(tp);
	tp->t_opens++;
	tp->t_flags |= TF_WASOPEN;
	fp->f_data = tp;
	fp->f_gen = tp->t_gen;
	fp->f_ops = &tty_fileops;
	/* A session leader without a terminal gets the first one it opens; failing is fine. */
	if (!(flags & O_NOCTTY) && (flags & O_ACCMODE) != O_WRONLY && tp->t_session == NULL)
		(void)tty_set_ctty(tp, td);
	return 0;
}

int
tty_open(struct tty *tp, int flags, struct thread *td, struct file **fpp)
{
	struct file *fp = file_alloc(&tty_newops, flags & ~(O_NOCTTY | O_CLOEXEC), NULL);
	int error;

	if (fp == NULL)
		return ENFILE;
	if ((error = tty_attach(tp, fp, flags, td)) != 0) {
		file_release(fp);
		return error;
	}
	fp->f_vnode = pts_vnode(tp); /* so that the file has a name; NULL will do */
	*fpp = fp;
	return 0;
}

/* ---- hanging up ---- */

/* Files of before are dead from now on: their readers see the end, their writers EIO. */
static void
tty_newgen(struct tty *tp)
{
	tp->t_gen++;
	tty_flush_input(tp);
	tty_inready(tp);
	tty_restart_output(tp);
	tty_start(tp);
	wakeup(&tp->t_inhead);
	wakeup(&tp->t_outtail);
	pollwakeup(&tp->t_poll, POLLIN | POLLOUT | POLLERR | POLLHUP);
}

void
tty_hangup(struct tty *tp)
{
	struct session *s = tp->t_session;

	if (tp->t_flags & TF_DEAD)
		return;
	tp->t_flags |= TF_DEAD;
	if (s != NULL && s->s_leader != NULL) {
		psignal(s->s_leader, SIGHUP);
		psignal(s->s_leader, SIGCONT);
	}
	tty_signal(tp, SIGHUP);
	tty_signal(tp, SIGCONT);
	tty_newgen(tp);
}

void
session_exit(struct session *s)
{
	struct tty *tp = s->s_tty;

	if (tp == NULL)
		return;
	tty_signal(tp, SIGHUP);
	tty_signal(tp, SIGCONT);
	tty_newgen(tp);
	s->s_tty = NULL;
	tp->t_session = NULL;
	tp->t_pgid = 0;
	tty_release(tp);
}
