/* SPDX-License-Identifier: ISC */
/*
 * tty_ldisc.c: the line discipline: what typed characters mean.
 *
 * The terminal keeps track of the cursor column, so that erasing works on columns: the characters
 * that go may be one, two (^X) or up to eight (tab) columns wide.
 */
#include <sys/ttyvar.h>
#include <sys/signal.h>
#include <sys/systm.h>

#define CTRL(c) ((c)&0x1f)
#define DEL 0x7f
#define BELL '\a'

/* A disabled special character is 0 and matches nothing. */
static bool
is_cc(const struct tty *tp, int which, uint8_t c)
{
	return c != 0 && tp->t_cc[which] == c;
}

static uint16_t *
inq_at(struct tty *tp, uint32_t pos)
{
	return &tp->t_inq[pos & (TTY_INQ - 1)];
}

static uint8_t
inq_char(struct tty *tp, uint32_t pos)
{
	return (uint8_t)*inq_at(tp, pos);
}

void
tty_setdefaults(struct tty *tp)
{
	tp->t_iflag = ICRNL | IXON | IUTF8;
	tp->t_oflag = OPOST | ONLCR;
	tp->t_cflag = B38400 | CS8 | CREAD;
	tp->t_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	tp->t_ispeed = tp->t_ospeed = 38400;
	tp->t_cc[VINTR] = CTRL('C');
	tp->t_cc[VQUIT] = CTRL('\\');
	tp->t_cc[VERASE] = DEL;
	tp->t_cc[VKILL] = CTRL('U');
	tp->t_cc[VEOF] = CTRL('D');
	tp->t_cc[VMIN] = 1;
	tp->t_cc[VSTART] = CTRL('Q');
	tp->t_cc[VSTOP] = CTRL('S');
	tp->t_cc[VSUSP] = CTRL('Z');
	tp->t_cc[VREPRINT] = CTRL('R');
	tp->t_cc[VDISCARD] = CTRL('O');
	tp->t_cc[VWERASE] = CTRL('W');
	tp->t_cc[VLNEXT] = CTRL('V');
}

/* ---- echo: what finds no room is lost, typing never waits for it ---- */

static void
echo_string(struct tty *tp, const char *s)
{
	while (*s != '\0')
		tty_output_char(tp, (uint8_t)*s++);
}

static bool
shown_as_control(const struct tty *tp, uint8_t c)
{
	return tty_is_control(c) && c != '\t' && c != '\n' && (tp->t_lflag & ECHOCTL) != 0;
}

static void
echo_always(struct tty *tp, uint8_t c)
{
	if (shown_as_control(tp, c)) {
		tty_output_char(tp, '^');
		c ^= 0x40;
	}
	tty_output_char(tp, c);
}

static void
echo(struct tty *tp, uint8_t c)
{
	if (tp->t_lflag & ECHO)
		echo_always(tp, c);
	else if (c == '\n' && tp->t_lflag & ECHONL && tp->t_lflag & ICANON)
		tty_output_char(tp, c);
}

/* Column of the cursor after the characters of the typed line up to position pos. */
static uint32_t
column_at(struct tty *tp, uint32_t pos)
{
	uint32_t col = tp->t_canoncol;

	for (uint32_t i = tp->t_canon; i != pos; i++) {
		uint8_t c = inq_char(tp, i);

		if (shown_as_control(tp, c))
			col += 2;
		else if (c == '\t')
			col = (col | 7) + 1;
		else if (!tty_is_control(c) && !tty_is_utf8_tail(tp, c))
			col++;
	}
	return col;
}

/* ---- canonical mode: editing the line ---- */

/* Drop everything typed from position pos on, also from the screen. */
static void
erase_to(struct tty *tp, uint32_t pos)
{
	uint32_t want = column_at(tp, pos), have = column_at(tp, tp->t_inhead);

	tp->t_inhead = pos;
	for (; have > want && tty_outroom(tp) >= 3; have--)
		echo_string(tp, "\b \b");
}

static uint32_t
char_start(struct tty *tp, uint32_t pos)
{
	do
		pos--;
	while (pos != tp->t_canon && tty_is_utf8_tail(tp, inq_char(tp, pos)));
	return pos;
}

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c >= 0x80;
}

static uint32_t
word_start(struct tty *tp)
{
	uint32_t pos = tp->t_inhead;

	while (pos != tp->t_canon && !is_word(inq_char(tp, pos - 1)))
		pos--;
	while (pos != tp->t_canon && is_word(inq_char(tp, pos - 1)))
		pos--;
	return pos;
}

static void
edit_erase(struct tty *tp, uint8_t c, uint32_t pos)
{
	if (tp->t_inhead == tp->t_canon)
		return;
	if (tp->t_lflag & ECHO && tp->t_lflag & ECHOE) {
		erase_to(tp, pos);
		return;
	}
	tp->t_inhead = pos;
	echo(tp, c);
}

static void
edit_kill(struct tty *tp, uint8_t c)
{
	if (tp->t_lflag & ECHO && tp->t_lflag & ECHOE && tp->t_lflag & ECHOKE) {
		erase_to(tp, tp->t_canon);
		return;
	}
	tp->t_inhead = tp->t_canon;
	echo(tp, c);
	if (tp->t_lflag & ECHOK && tp->t_lflag & ECHO)
		tty_output_char(tp, '\n');
}

static void
edit_reprint(struct tty *tp, uint8_t c)
{
	echo(tp, c);
	if (!(tp->t_lflag & ECHO))
		return;
	tty_output_char(tp, '\n');
	tp->t_canoncol = tp->t_column;
	for (uint32_t i = tp->t_canon; i != tp->t_inhead; i++)
		echo_always(tp, inq_char(tp, i));
}

/* Editing characters; true if c was one. */
static bool
edit(struct tty *tp, uint8_t c)
{
	bool ext = tp->t_lflag & IEXTEN;

	if (is_cc(tp, VERASE, c)) {
		if (tp->t_inhead != tp->t_canon)
			edit_erase(tp, c, char_start(tp, tp->t_inhead));
	} else if (is_cc(tp, VKILL, c)) {
		edit_kill(tp, c);
	} else if (ext && is_cc(tp, VWERASE, c)) {
		edit_erase(tp, c, word_start(tp));
	} else if (ext && is_cc(tp, VREPRINT, c)) {
		edit_reprint(tp, c);
	} else if (ext && is_cc(tp, VLNEXT, c)) {
		tp->t_flags |= TF_LNEXT;
		if (tp->t_lflag & ECHO && tp->t_lflag & ECHOCTL)
			echo_string(tp, "^\b");
	} else {
		return false;
	}
	return true;
}

/* ---- input ---- */

static uint32_t
inq_room(const struct tty *tp)
{
	return TTY_INQ - (tp->t_inhead - tp->t_intail);
}

static void
inq_put(struct tty *tp, uint8_t c, int flags)
{
	if (tp->t_inhead == tp->t_canon)
		tp->t_canoncol = tp->t_column;
	*inq_at(tp, tp->t_inhead++) = (uint16_t)(c | flags);
	if (flags & TQ_DELIM)
		tp->t_canon = tp->t_inhead;
}

/*
 * Into the line being typed.  One place is kept for the character that ends it; a line that is too
 * long loses the rest, with a bell, because nobody could read it to make room.
 */
static bool
canon_put(struct tty *tp, uint8_t c, int flags)
{
	if (inq_room(tp) > (flags & TQ_DELIM ? 0 : 1)) {
		inq_put(tp, c, flags);
		if (!(flags & TQ_EOF))
			echo(tp, c);
		return true;
	}
	if (tp->t_canon != tp->t_intail)
		return false;
	if (tp->t_iflag & IMAXBEL)
		tty_output_char(tp, BELL);
	return true;
}

static bool
canon_char(struct tty *tp, uint8_t c)
{
	if (is_cc(tp, VEOF, c))
		return canon_put(tp, c, TQ_DELIM | TQ_EOF);
	if (c == '\n' || is_cc(tp, VEOL, c) || (tp->t_lflag & IEXTEN && is_cc(tp, VEOL2, c)))
		return canon_put(tp, c, TQ_DELIM);
	return edit(tp, c) || canon_put(tp, c, 0);
}

static bool
raw_char(struct tty *tp, uint8_t c)
{
	if (inq_room(tp) == 0)
		return false;
	inq_put(tp, c, 0);
	echo(tp, c);
	return true;
}

/* ^S and ^Q; with IXANY anything goes on. True if c is used up by that. */
static bool
flow_char(struct tty *tp, uint8_t c)
{
	if (!(tp->t_iflag & IXON))
		return false;
	if (is_cc(tp, VSTART, c)) {
		tty_restart_output(tp);
		return true;
	}
	if (is_cc(tp, VSTOP, c)) {
		tty_stop_output(tp);
		return true;
	}
	if (tp->t_iflag & IXANY)
		tty_restart_output(tp);
	return false;
}

static bool
signal_char(struct tty *tp, uint8_t c)
{
	int sig = is_cc(tp, VINTR, c)   ? SIGINT
		  : is_cc(tp, VQUIT, c) ? SIGQUIT
		  : is_cc(tp, VSUSP, c) ? SIGTSTP
					: 0;

	if (sig == 0 || !(tp->t_lflag & ISIG))
		return false;
	if (!(tp->t_lflag & NOFLSH)) {
		tty_flush_input(tp);
		tty_flush_output(tp);
	}
	tty_restart_output(tp);
	echo(tp, c);
	tty_signal(tp, sig);
	return true;
}

static bool
input_char(struct tty *tp, uint8_t c)
{
	bool canon = tp->t_lflag & ICANON;

	if (tp->t_iflag & ISTRIP)
		c &= 0x7f;
	if (tp->t_flags & TF_LNEXT) {
		bool taken = canon ? canon_put(tp, c, 0) : raw_char(tp, c);

		if (taken)
			tp->t_flags &= ~TF_LNEXT;
		return taken;
	}
	if (flow_char(tp, c) || signal_char(tp, c))
		return true;
	if (c == '\r') {
		if (tp->t_iflag & IGNCR)
			return true;
		if (tp->t_iflag & ICRNL)
			c = '\n';
	} else if (c == '\n' && tp->t_iflag & INLCR) {
		c = '\r';
	}
	if (tp->t_iflag & IUCLC && tp->t_lflag & IEXTEN && c >= 'A' && c <= 'Z')
		c = (uint8_t)(c - 'A' + 'a');
	return canon ? canon_char(tp, c) : raw_char(tp, c);
}

size_t
tty_input(struct tty *tp, const uint8_t *buf, size_t len)
{
	size_t n = 0;

	if (tp->t_flags & TF_DEAD)
		return len;
	while (n < len && input_char(tp, buf[n]))
		n++;
	tty_start(tp);
	if (tty_inavail(tp) > 0)
		tty_wake_readers(tp);
	return n;
}

uint32_t
tty_inavail(const struct tty *tp)
{
	return (tp->t_lflag & ICANON ? tp->t_canon : tp->t_inhead) - tp->t_intail;
}

bool
tty_readable(const struct tty *tp)
{
	uint32_t min = 1;

	if (!(tp->t_lflag & ICANON) && tp->t_cc[VTIME] == 0 && tp->t_cc[VMIN] > 0)
		min = tp->t_cc[VMIN];
	return tty_inavail(tp) >= min;
}

void
tty_flush_input(struct tty *tp)
{
	tp->t_intail = tp->t_canon = tp->t_inhead;
	tp->t_flags &= ~TF_LNEXT;
	tty_event(tp, TIOCPKT_FLUSHREAD);
}

/* What was typed in one mode can be read in the other: unread input becomes a line, or loses its
 * line ends. */
void
tty_mode_changed(struct tty *tp, uint32_t old_lflag)
{
	if (((tp->t_lflag ^ old_lflag) & ICANON) == 0)
		return;
	for (uint32_t i = tp->t_intail; i != tp->t_inhead; i++)
		*inq_at(tp, i) &= 0xff;
	tp->t_canon = tp->t_intail;
	tp->t_canoncol = tp->t_column;
	if (tp->t_lflag & ICANON && tp->t_inhead != tp->t_intail) {
		*inq_at(tp, tp->t_inhead - 1) |= TQ_DELIM;
		tp->t_canon = tp->t_inhead;
	}
	if (tty_inavail(tp) > 0)
		tty_wake_readers(tp);
}
