/* SPDX-License-Identifier: ISC */
/* tty_ioctl.c: modes, window size, queues: what ioctl(2) does to a terminal. */
#include <sys/ttyvar.h>
#include <sys/proc.h>
#include <sys/systm.h>

struct termios2 {
	struct termios t;
	uint32_t c_ispeed, c_ospeed;
};
_Static_assert(sizeof(struct termios2) == 44, "struct termios2");

/* System V's: halves of the flags, eight special characters. */
struct termio {
	uint16_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[8];
};

#define CBAUD 0010017

/* ---- modes ---- */

static const uint32_t baud_table[] = {0,   50,   75,   110,  134,  150,  200,   300,
				      600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};

/* The speed that c_cflag names; those above 38400 are all the same to us. */
static uint32_t
cflag_speed(uint32_t cflag)
{
	uint32_t code = cflag & CBAUD;

	return code < nitems(baud_table) ? baud_table[code] : 115200;
}

static void
set_modes(struct tty *tp, const struct termios *t)
{
	uint32_t old_lflag = tp->t_lflag;
	bool was_flow = (tp->t_iflag & IXON) != 0;

	tp->t_termios = *t;
	tty_mode_changed(tp, old_lflag);
	if (was_flow && !(tp->t_iflag & IXON))
		tty_restart_output(tp);
	if (was_flow != ((tp->t_iflag & IXON) != 0))
		tty_event(tp, was_flow ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
	wakeup(&tp->t_inhead); /* readers wait by the rules of the old mode */
	tty_start(tp);
	/* There may be room for more typing: input was thrown away, or lines need less of it now.
	 * What comes is for the new mode. */
	tty_inready(tp);
}

/* The three ways to set: now, after output has drained (W), and with input thrown away (F). */
static int
prepare_set(struct tty *tp, struct thread *td, bool drain, bool flush)
{
	int error = tty_background(tp, td, SIGTTOU);

	if (error == 0 && drain)
		error = tty_drain(tp, PCATCH, 0);
	if (error == 0 && flush)
		tty_flush_input(tp);
	return error;
}

static int
set_termios(struct tty *tp, struct thread *td, vaddr_t arg, bool drain, bool flush)
{
	struct termios t;
	int error;

	if (copyin((void *)arg, &t, sizeof(t)) != 0)
		return EFAULT;
	if ((error = prepare_set(tp, td, drain, flush)) != 0)
		return error;
	set_modes(tp, &t);
	tp->t_ispeed = tp->t_ospeed = cflag_speed(t.c_cflag);
	return 0;
}

static int
set_termios2(struct tty *tp, struct thread *td, vaddr_t arg, bool drain, bool flush)
{
	struct termios2 t;
	int error;

	if (copyin((void *)arg, &t, sizeof(t)) != 0)
		return EFAULT;
	if ((error = prepare_set(tp, td, drain, flush)) != 0)
		return error;
	set_modes(tp, &t.t);
	tp->t_ispeed = t.c_ispeed;
	tp->t_ospeed = t.c_ospeed;
	return 0;
}

static int
set_termio(struct tty *tp, struct thread *td, vaddr_t arg, bool drain, bool flush)
{
	struct termios t = tp->t_termios;
	struct termio old;
	int error;

	if (copyin((void *)arg, &old, sizeof(old)) != 0)
		return EFAULT;
	if ((error = prepare_set(tp, td, drain, flush)) != 0)
		return error;
	t.c_iflag = (t.c_iflag & 0xffff0000) | old.c_iflag;
	t.c_oflag = (t.c_oflag & 0xffff0000) | old.c_oflag;
	t.c_cflag = (t.c_cflag & 0xffff0000) | old.c_cflag;
	t.c_lflag = (t.c_lflag & 0xffff0000) | old.c_lflag;
	t.c_line = old.c_line;
	memcpy(t.c_cc, old.c_cc, sizeof(old.c_cc));
	set_modes(tp, &t);
	return 0;
}

static int
get_termios2(const struct tty *tp, vaddr_t arg)
{
	struct termios2 t = {tp->t_termios, tp->t_ispeed, tp->t_ospeed};

	return copyout(&t, (void *)arg, sizeof(t));
}

static int
get_termio(const struct tty *tp, vaddr_t arg)
{
	const struct termios *t = &tp->t_termios;
	struct termio old;

	memset(&old, 0, sizeof(old));
	old.c_iflag = (uint16_t)t->c_iflag;
	old.c_oflag = (uint16_t)t->c_oflag;
	old.c_cflag = (uint16_t)t->c_cflag;
	old.c_lflag = (uint16_t)t->c_lflag;
	old.c_line = t->c_line;
	memcpy(old.c_cc, t->c_cc, sizeof(old.c_cc));
	return copyout(&old, (void *)arg, sizeof(old));
}

static int
mode_ioctl(struct tty *tp, unsigned long cmd, vaddr_t arg, struct thread *td)
{
	switch (cmd) {
	case TCGETS:
		return copyout(&tp->t_termios, (void *)arg, sizeof(tp->t_termios));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(tp, td, arg, cmd != TCSETS, cmd == TCSETSF);
	case TCGETS2:
		return get_termios2(tp, arg);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios2(tp, td, arg, cmd != TCSETS2, cmd == TCSETSF2);
	case TCGETA:
		return get_termio(tp, arg);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termio(tp, td, arg, cmd != TCSETA, cmd == TCSETAF);
	default:
		return ENOTTY;
	}
}

/* ---- window size ---- */

void
tty_setwinsize(struct tty *tp, const struct winsize *ws)
{
	if (memcmp(&tp->t_winsize, ws, sizeof(*ws)) == 0)
		return;
	tp->t_winsize = *ws;
	tty_signal(tp, SIGWINCH);
}

static int
set_winsize(struct tty *tp, vaddr_t arg)
{
	struct winsize ws;

	if (copyin((void *)arg, &ws, sizeof(ws)) != 0)
		return EFAULT;
	tty_setwinsize(tp, &ws);
	return 0;
}

/* ---- queues ---- */

static int
flow_control(struct tty *tp, struct thread *td, vaddr_t arg)
{
	int error = tty_background(tp, td, SIGTTOU);

	if (error != 0)
		return error;
	switch (arg) {
	case 0: /* TCOOFF */
		tty_stop_output(tp);
		return 0;
	case 1: /* TCOON */
		tty_restart_output(tp);
		tty_start(tp);
		return 0;
	case 2: /* TCIOFF, TCION: ask the other side to stop and go on */
	case 3:
		return 0;
	default:
		return EINVAL;
	}
}

static int
flush_queues(struct tty *tp, struct thread *td, vaddr_t arg)
{
	int error = tty_background(tp, td, SIGTTOU);

	if (error != 0)
		return error;
	if (arg > 2)
		return EINVAL;
	if (arg != 1) { /* TCIFLUSH, TCIOFLUSH */
		tty_flush_input(tp);
		tty_inready(tp);
	}
	if (arg != 0) /* TCOFLUSH, TCIOFLUSH */
		tty_flush_output(tp);
	return 0;
}

static int
put_int(vaddr_t arg, int32_t value)
{
	return copyout(&value, (void *)arg, sizeof(value));
}

static int
set_exclusive(struct tty *tp, bool on)
{
	tp->t_flags = on ? tp->t_flags | TF_EXCL : tp->t_flags & ~TF_EXCL;
	return 0;
}

/* Line disciplines other than the one there is. */
static int
set_discipline(vaddr_t arg)
{
	int32_t n;

	if (copyin((void *)arg, &n, sizeof(n)) != 0)
		return EFAULT;
	return n == 0 ? 0 : EINVAL;
}

static int
queue_ioctl(struct tty *tp, unsigned long cmd, vaddr_t arg, struct thread *td)
{
	switch (cmd) {
	case FIONREAD:
		return put_int(arg, (int32_t)tty_inavail(tp));
	case TIOCOUTQ:
		return put_int(arg,
			       tp->t_flags & TF_PTY ? 0 : (int32_t)(TTY_OUTQ - tty_outroom(tp)));
	case TCFLSH:
		return flush_queues(tp, td, arg);
	case TCXONC:
		return flow_control(tp, td, arg);
	case TCSBRK: /* there is no line to break: what remains is tcdrain */
	case TCSBRKP:
		return prepare_set(tp, td, true, false);
	case TIOCSTI: /* typing for others is a hole, not a service */
		return EPERM;
	default:
		return ENOTTY;
	}
}

int
tty_ioctl_common(struct tty *tp, unsigned long cmd, vaddr_t arg, struct thread *td, bool master)
{
	int error;

	switch (cmd) {
	case TIOCGWINSZ:
		return copyout(&tp->t_winsize, (void *)arg, sizeof(tp->t_winsize));
	case TIOCSWINSZ:
		return set_winsize(tp, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(tp, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_int(arg, (tp->t_flags & TF_EXCL) != 0);
	case TIOCGETD:
		return put_int(arg, 0);
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCGDEV:
		return put_int(arg, (int32_t)tp->t_rdev);
	default:
		error = mode_ioctl(tp, cmd, arg, td);
		if (error == ENOTTY)
			error = queue_ioctl(tp, cmd, arg, td);
		return error == ENOTTY ? tty_ctty_ioctl(tp, cmd, arg, td, master) : error;
	}
}
