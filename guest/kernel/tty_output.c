/* SPDX-License-Identifier: ISC */
/* tty_output.c: written characters: what OPOST makes of them, and their way to the backend. */
#include <sys/ttyvar.h>
#include <sys/errno.h>
#include <sys/proc.h>

uint32_t
tty_outroom(const struct tty *tp)
{
	return TTY_OUTQ - (tp->t_outhead - tp->t_outtail);
}

static void
outq_put(struct tty *tp, uint8_t c)
{
	tp->t_outq[tp->t_outhead++ & (TTY_OUTQ - 1)] = c;
}

static void
track_column(struct tty *tp, uint8_t c)
{
	if (c == '\r')
		tp->t_column = 0;
	else if (c == '\n')
		tp->t_column = tp->t_oflag & ONLRET ? 0 : tp->t_column;
	else if (c == '\b')
		tp->t_column -= tp->t_column > 0;
	else if (c == '\t')
		tp->t_column = (tp->t_column | 7) + 1;
	else if (!tty_is_control(c) && !tty_is_utf8_tail(tp, c))
		tp->t_column++;
}

/* The character as the terminal gets it: c itself, or up to 8 others. */
static uint32_t
output_width(const struct tty *tp, uint8_t c)
{
	if (c == '\n' && tp->t_oflag & ONLCR)
		return 2;
	if (c == '\t' && (tp->t_oflag & TABDLY) == XTABS)
		return 8 - (tp->t_column & 7);
	return 1;
}

bool
tty_output_char(struct tty *tp, uint8_t c)
{
	uint32_t width;

	if (!(tp->t_oflag & OPOST)) {
		if (tty_outroom(tp) == 0)
			return false;
		outq_put(tp, c);
		return true;
	}
	width = output_width(tp, c);
	if (tty_outroom(tp) < width)
		return false;
	if (c == '\r' && tp->t_oflag & ONOCR && tp->t_column == 0)
		return true;
	if (c == '\r' && tp->t_oflag & OCRNL)
		c = '\n';
	if (tp->t_oflag & OLCUC && c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	if (c == '\n' && width == 2) {
		outq_put(tp, '\r');
		tp->t_column = 0;
	}
	track_column(tp, c);
	if (c == '\t' && (tp->t_oflag & TABDLY) == XTABS)
		while (width-- > 0)
			outq_put(tp, ' ');
	else
		outq_put(tp, c);
	return true;
}

/* ---- on to the backend ---- */

/* Writers sleep until half of the queue is free, so that they are not woken for each byte. */
static void
output_taken(struct tty *tp)
{
	if (tty_outroom(tp) < TTY_OUTQ / 2)
		return;
	wakeup(&tp->t_outtail);
	pollwakeup(&tp->t_poll, POLLOUT | POLLWRNORM);
}

void
tty_start(struct tty *tp)
{
	bool taken = false;

	while (tp->t_outtail != tp->t_outhead && !(tp->t_flags & TF_STOPPED)) {
		uint32_t off = tp->t_outtail & (TTY_OUTQ - 1);
		uint32_t n = MIN(tp->t_outhead - tp->t_outtail, TTY_OUTQ - off);
		size_t took = tp->t_backend->tb_output(tp, tp->t_outq + off, n);

		tp->t_outtail += (uint32_t)took;
		taken |= took > 0;
		if (took < n)
			break;
	}
	if (taken)
		output_taken(tp);
}

void
tty_outready(struct tty *tp)
{
	tty_start(tp);
}

size_t
tty_take_output(struct tty *tp, uint8_t *buf, size_t len)
{
	size_t n = 0;

	if (tp->t_flags & TF_STOPPED)
		return 0;
	while (n < len && tp->t_outtail != tp->t_outhead)
		buf[n++] = tp->t_outq[tp->t_outtail++ & (TTY_OUTQ - 1)];
	if (n > 0)
		output_taken(tp);
	return n;
}

void
tty_flush_output(struct tty *tp)
{
	tp->t_outtail = tp->t_outhead;
	tty_event(tp, TIOCPKT_FLUSHWRITE);
	output_taken(tp);
}

void
tty_stop_output(struct tty *tp)
{
	if (!(tp->t_flags & TF_STOPPED))
		tty_event(tp, TIOCPKT_STOP);
	tp->t_flags |= TF_STOPPED;
}

void
tty_restart_output(struct tty *tp)
{
	if (tp->t_flags & TF_STOPPED)
		tty_event(tp, TIOCPKT_START);
	tp->t_flags &= ~TF_STOPPED;
}

/*
 * Wait until the backend has everything; with patience, at most that long without any progress.
 * What a pty's master has not read counts as delivered.
 */
int
tty_drain(struct tty *tp, int flags, nsec_t patience)
{
	uint32_t seen = tp->t_outtail;
	int error;

	while (tp->t_outtail != tp->t_outhead && !(tp->t_flags & TF_PTY)) {
		error = tsleep(&tp->t_outtail, flags, "ttydrain",
			       patience != 0 ? nanouptime() + patience : 0);
		if (error == EINTR)
			return ERESTART;
		if (error == ETIMEDOUT && tp->t_outtail == seen)
			return EIO;
		seen = tp->t_outtail;
	}
	return 0;
}
