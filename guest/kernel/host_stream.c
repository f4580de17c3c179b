/* SPDX-License-Identifier: ISC */
/*
 * host_stream.c: standard input and output of launched programs, carried over the host channel.
 *
 * Bytes go out only against credit, so a reader that the host does not serve stops this program and
 * no other.  With a terminal the line discipline (tty.c) sits in between.
 */
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/launch.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vnode.h>

#define CHUNK 4096u
#define CREDIT_BATCH (TINE_STREAM_CREDIT / 4) /* give read bytes back in lumps of this size */
#define PTS_MAJOR 136
#define FIONREAD 0x541b

static void
launch_hold(struct host_launch *l)
{
	l->l_refs++;
}

/* Bytes that can be sent on the stream right now; if there is credit for some, but no room in the
 * ring, host_room() comes. */
static size_t
out_room(const struct host_out *ho)
{
	if (ho->ho_credit == 0 || !hostchan_reserve(1))
		return 0;
	return MIN((size_t)ho->ho_credit, hostchan_space());
}

/* Send at most len bytes; returns how many went. */
static size_t
out_send(struct host_out *ho, const void *buf, size_t len)
{
	len = MIN(len, out_room(ho));
	if (len == 0 ||
	    hostchan_send(TINE_MSG_OUT, ho->ho_launch->l_id, ho->ho_stream, buf, len) != 0)
		return 0;
	ho->ho_credit -= (uint32_t)len;
	return len;
}

/* The last writer has gone: an empty OUT. A full ring must not lose it, so this may wait. */
static void
out_eof(struct host_out *ho)
{
	host_send_wait(TINE_MSG_OUT, ho->ho_launch->l_id, ho->ho_stream, NULL, 0);
}

/* ---- stdout and stderr as files ---- */

static int
out_wait(struct host_out *ho)
{
	const void *chan = ho->ho_credit == 0 ? (const void *)&ho->ho_credit : &hostchan_room;

	return tsleep(chan, PCATCH, "hostout", 0) == EINTR ? ERESTART : 0;
}

static int
out_write(struct file *fp, struct uio *uio, struct thread *td)
{
	/* Nothing between filling and sending sleeps, so one buffer serves every writer. */
	static uint8_t bounce[CHUNK] __large_bss;
	struct host_out *ho = fp->f_data;
	size_t total = uio->uio_resid;
	int error = 0;

	(void)td;
	while (uio->uio_resid > 0 && error == 0) {
		size_t n = MIN(MIN(uio->uio_resid, out_room(ho)), sizeof(bounce));

		if (n == 0) {
			error = fp->f_flags & O_NONBLOCK ? EAGAIN : out_wait(ho);
			continue;
		}
		if ((error = uiomove(bounce, n, uio)) == 0 && out_send(ho, bounce, n) != n)
			panic("host channel refused %zu bytes it had room for", n);
	}
	return uio->uio_resid < total ? 0 : error;
}

static int
out_poll(struct file *fp, int events, struct pollctx *ctx)
{
	struct host_out *ho = fp->f_data;

	poll_record(ctx, &ho->ho_poll);
	return out_room(ho) > 0 ? events & (POLLOUT | POLLWRNORM) : 0;
}

static int
stream_stat(struct file *fp, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFIFO | 0600;
	st->st_nlink = 1;
	st->st_ino = fp->f_id;
	st->st_blksize = CHUNK;
	return 0;
}

static void
out_close(struct file *fp)
{
	struct host_out *ho = fp->f_data;

	pollhead_destroy(&ho->ho_poll);
	out_eof(ho);
	launch_release(ho->ho_launch);
}

static const struct fileops out_ops = {
    .fo_write = out_write,
    .fo_poll = out_poll,
    .fo_stat = stream_stat,
    .fo_close = out_close,
    .fo_name = "host",
};

/* ---- stdin as a file ---- */

static void
in_return_credit(struct host_launch *l, size_t n)
{
	struct host_in *hi = &l->l_in;
	uint32_t owed;

	hi->hi_owed += (uint32_t)n;
	if (hi->hi_owed < CREDIT_BATCH && hi->hi_len > 0)
		return;
	owed = hi->hi_owed;
	if (owed > 0 &&
	    hostchan_send(TINE_MSG_CREDIT, l->l_id, TINE_STREAM_STDIN, &owed, sizeof(owed)) == 0)
		hi->hi_owed = 0; /* else with the next read, or when there is room */
}

static size_t
in_contiguous(const struct host_in *hi)
{
	return MIN(hi->hi_len, TINE_STREAM_CREDIT - hi->hi_head);
}

static void
in_consume(struct host_in *hi, size_t n)
{
	hi->hi_head = (hi->hi_head + (uint32_t)n) % TINE_STREAM_CREDIT;
	hi->hi_len -= (uint32_t)n;
}

static int
in_read(struct file *fp, struct uio *uio, struct thread *td)
{
	struct host_launch *l = fp->f_data;
	struct host_in *hi = &l->l_in;
	size_t total = 0;
	int error = 0;

	(void)td;
	while (hi->hi_len == 0) {
		if (hi->hi_eof || uio->uio_resid == 0)
			return 0;
		if (fp->f_flags & O_NONBLOCK)
			return EAGAIN;
		if (tsleep(hi, PCATCH, "hostin", 0) == EINTR)
			return ERESTART;
	}
	while (uio->uio_resid > 0 && hi->hi_len > 0 && error == 0) {
		size_t n = MIN(uio->uio_resid, in_contiguous(hi));

		if ((error = uiomove(hi->hi_buf + hi->hi_head, n, uio)) == 0) {
			in_consume(hi, n);
			total += n;
		}
	}
	in_return_credit(l, total);
	return total > 0 ? 0 : error;
}

static int
in_ioctl(struct file *fp, unsigned long cmd, vaddr_t arg, struct thread *td __unused,
	 long *retval __unused)
{
	struct host_launch *l = fp->f_data;
	int n = (int)l->l_in.hi_len;

	return cmd == FIONREAD ? copyout(&n, (void *)arg, sizeof(n)) : ENOTTY;
}

static int
in_poll(struct file *fp, int events, struct pollctx *ctx)
{
	struct host_launch *l = fp->f_data;
	struct host_in *hi = &l->l_in;

	poll_record(ctx, &hi->hi_poll);
	if (hi->hi_len > 0)
		return events & (POLLIN | POLLRDNORM);
	return hi->hi_eof ? POLLHUP | (events & (POLLIN | POLLRDNORM)) : 0;
}

static void
in_close(struct file *fp)
{
	struct host_launch *l = fp->f_data;

	pollhead_destroy(&l->l_in.hi_poll);
	launch_release(l);
}

static const struct fileops in_ops = {
    .fo_read = in_read,
    .fo_ioctl = in_ioctl,
    .fo_poll = in_poll,
    .fo_stat = stream_stat,
    .fo_close = in_close,
    .fo_name = "host",
};

/* Append to the buffer; the host never sends beyond its credit, so there is room. */
static bool
in_append(struct host_in *hi, const uint8_t *p, size_t n)
{
	if (hi->hi_buf == NULL && (hi->hi_buf = kmalloc(TINE_STREAM_CREDIT, 0)) == NULL)
		return false;
	if (n > TINE_STREAM_CREDIT - hi->hi_len)
		return false;
	while (n > 0) {
		uint32_t tail = (hi->hi_head + hi->hi_len) % TINE_STREAM_CREDIT;
		size_t m = MIN(n, TINE_STREAM_CREDIT - tail);

		memcpy(hi->hi_buf + tail, p, m);
		hi->hi_len += (uint32_t)m;
		p += m;
		n -= m;
	}
	return true;
}

/* ---- the terminal ---- */

/* Hand buffered typing to the line discipline, as far as it takes it. */
static void
tty_feed(struct host_launch *l)
{
	struct host_in *hi = &l->l_in;
	size_t done = 0;

	while (hi->hi_len > 0 && l->l_tty != NULL) {
		size_t n = tty_input(l->l_tty, hi->hi_buf + hi->hi_head, in_contiguous(hi));

		if (n == 0)
			break;
		in_consume(hi, n);
		done += n;
	}
	if (done > 0)
		in_return_credit(l, done);
}

static size_t
term_output(struct tty *tp, const void *buf, size_t len)
{
	struct host_launch *l = tty_arg(tp);
	size_t done = 0;

	if (l == NULL)
		return len; /* a session may keep the terminal after its end */
	while (done < len) {
		size_t n = out_send(&l->l_out[0], (const char *)buf + done,
				    MIN(len - done, (size_t)CHUNK));

		if (n == 0)
			break;
		done += n;
	}
	return done;
}

static void
term_inready(struct tty *tp)
{
	if (tty_arg(tp) != NULL)
		tty_feed(tty_arg(tp));
}

static void
term_close(struct tty *tp)
{
	struct host_launch *l = tty_arg(tp);

	if (l == NULL || l->l_tty == NULL)
		return;
	l->l_tty = NULL;
	tty_gone(tp);
	pts_unregister(tp);
	out_eof(&l->l_out[0]);
	tty_release(tp);
	launch_release(l);
}

static const struct ttybackend term_backend = {
    .tb_output = term_output,
    .tb_inready = term_inready,
    .tb_close = term_close,
};

static int
term_create(struct host_launch *l)
{
	struct winsize ws = {.ws_row = l->l_msg.rows, .ws_col = l->l_msg.cols};
	int error;

	if ((l->l_tty = tty_create(&term_backend, l, makedev(PTS_MAJOR, 0))) == NULL)
		return ENOMEM;
	if ((error = pts_register(l->l_tty)) != 0) {
		struct tty *tp = l->l_tty;

		l->l_tty = NULL;
		tty_release(tp);
		return error;
	}
	tty_setwinsize(l->l_tty, &ws);
	launch_hold(l); /* dropped by term_close */
	return 0;
}

static int
term_install(struct host_launch *l, struct thread *td)
{
	struct file *fp;
	int error = tty_open(l->l_tty, O_RDWR, td, &fp);

	if (error != 0)
		return error;
	l->l_installed = true; /* closing the file ends the terminal */
	if ((error = tty_set_ctty(l->l_tty, td)) == 0)
		for (int fd = 0; fd <= 2 && error == 0; fd++) {
			file_hold(fp);
			if ((error = fd_install_at(td->td_proc, fp, fd, 0)) != 0)
				file_release(fp);
		}
	file_release(fp);
	return error;
}

/* ---- creating and installing ---- */

static struct file *
out_file(struct host_launch *l, uint32_t stream)
{
	struct host_out *ho = &l->l_out[stream - 1];
	struct file *fp = file_alloc(&out_ops, O_WRONLY, ho);

	if (fp != NULL)
		launch_hold(l);
	return fp;
}

static struct file *
in_file(struct host_launch *l)
{
	struct file *fp = file_alloc(&in_ops, O_RDONLY, l);

	if (fp != NULL)
		launch_hold(l);
	return fp;
}

int
streams_create(struct host_launch *l)
{
	for (uint32_t i = 0; i < 2; i++) {
		l->l_out[i] = (struct host_out){
		    .ho_launch = l, .ho_stream = i + 1, .ho_credit = TINE_STREAM_CREDIT};
		pollhead_init(&l->l_out[i].ho_poll);
	}
	pollhead_init(&l->l_in.hi_poll);
	if (l->l_msg.flags & TINE_LAUNCH_TTY)
		return term_create(l);
	if (l->l_msg.flags & TINE_LAUNCH_STDIN && (l->l_files[0] = in_file(l)) == NULL)
		return ENOMEM;
	if ((l->l_files[1] = out_file(l, TINE_STREAM_STDOUT)) == NULL)
		return ENOMEM;
	if (l->l_msg.flags & TINE_LAUNCH_MERGE)
		l->l_files[2] = file_hold(l->l_files[1]);
	else if ((l->l_files[2] = out_file(l, TINE_STREAM_STDERR)) == NULL)
		return ENOMEM;
	return 0;
}

/* fds 0-2 of the new process, which is the caller. */
int
streams_install(struct host_launch *l, struct thread *td)
{
	int error = 0;

	if (l->l_msg.flags & TINE_LAUNCH_TTY)
		return term_install(l, td);
	if (l->l_files[0] == NULL &&
	    (error = kern_open(td, AT_FDCWD, "/dev/null", O_RDONLY, 0, &l->l_files[0])) != 0)
		return error;
	for (int fd = 0; fd <= 2; fd++) {
		if ((error = fd_install_at(td->td_proc, l->l_files[fd], fd, 0)) != 0)
			return error;
		l->l_files[fd] = NULL;
	}
	return 0;
}

void
streams_close(struct host_launch *l)
{
	struct tty *tp = l->l_tty;

	for (int fd = 0; fd <= 2; fd++) {
		struct file *fp = l->l_files[fd];

		l->l_files[fd] = NULL;
		if (fp != NULL)
			file_release(fp);
	}
	if (tp != NULL && !l->l_installed)
		term_close(tp);
}

void
streams_free(struct host_launch *l)
{
	kfree(l->l_in.hi_buf);
}

/* ---- messages ---- */

static void
receive_stdin(struct host_launch *l, const void *payload, size_t len)
{
	struct host_in *hi = &l->l_in;

	if (len == 0)
		hi->hi_eof = true;
	else if (!in_append(hi, payload, len))
		kprintf(LOG_ERR,
			"host: %zu bytes of stdin of launch %u lost: no memory or beyond credit",
			len, l->l_id);
	if (l->l_msg.flags & TINE_LAUNCH_TTY) {
		if (len == 0 && l->l_tty != NULL)
			tty_hangup(l->l_tty);
		else
			tty_feed(l);
		return;
	}
	wakeup(hi);
	pollwakeup(&hi->hi_poll, POLLIN);
}

static void
receive_credit(struct host_launch *l, uint32_t stream, const void *payload, size_t len)
{
	struct host_out *ho;
	uint32_t n;

	if (len != sizeof(n) || stream < TINE_STREAM_STDOUT || stream > TINE_STREAM_STDERR)
		return;
	memcpy(&n, payload, sizeof(n));
	ho = &l->l_out[stream - 1];
	ho->ho_credit = n > UINT32_MAX - ho->ho_credit ? UINT32_MAX : ho->ho_credit + n;
	wakeup(&ho->ho_credit);
	pollwakeup(&ho->ho_poll, POLLOUT);
	if (l->l_tty != NULL)
		tty_outready(l->l_tty);
}

void
stream_room(struct host_launch *l)
{
	in_return_credit(l, 0);
	for (int i = 0; i < 2; i++)
		pollwakeup(&l->l_out[i].ho_poll, POLLOUT);
	if (l->l_tty != NULL)
		tty_outready(l->l_tty);
}

bool
stream_receive(uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len)
{
	struct host_launch *l;

	if (type != TINE_MSG_STDIN && type != TINE_MSG_CREDIT && type != TINE_MSG_WINSIZE)
		return false;
	if ((l = launch_find(id)) == NULL)
		return true; /* it has just ended */
	if (type == TINE_MSG_STDIN) {
		receive_stdin(l, payload, len);
	} else if (type == TINE_MSG_CREDIT) {
		receive_credit(l, arg, payload, len);
	} else if (l->l_tty != NULL) {
		struct winsize ws = {.ws_row = (uint16_t)(arg >> 16), .ws_col = (uint16_t)arg};

		tty_setwinsize(l->l_tty, &ws);
	}
	return true;
}
