/* SPDX-License-Identifier: ISC */
/* ttyvar.h: the inside of a terminal, shared by tty*.c; everybody else uses sys/tty.h. */
#ifndef SYS_TTYVAR_H
#define SYS_TTYVAR_H

#include <sys/tty.h>
#include <sys/stat.h>

/* c_iflag */
#define IGNBRK 0000001
#define BRKINT 0000002
#define ISTRIP 0000040
#define INLCR 0000100
#define IGNCR 0000200
#define ICRNL 0000400
#define IUCLC 0001000
#define IXON 0002000
#define IXANY 0004000
#define IMAXBEL 0020000
#define IUTF8 0040000
/* c_oflag */
#define OPOST 0000001
#define OLCUC 0000002
#define ONLCR 0000004
#define OCRNL 0000010
#define ONOCR 0000020
#define ONLRET 0000040
#define TABDLY 0014000
#define XTABS 0014000
/* c_cflag */
#define CS8 0000060
#define CREAD 0000200
#define B38400 0000017
/* c_lflag */
#define ISIG 0000001
#define ICANON 0000002
#define ECHO 0000010
#define ECHOE 0000020
#define ECHOK 0000040
#define ECHONL 0000100
#define NOFLSH 0000200
#define TOSTOP 0000400
#define ECHOCTL 0001000
#define ECHOKE 0004000
#define IEXTEN 0100000

enum {
	VINTR,
	VQUIT,
	VERASE,
	VKILL,
	VEOF,
	VTIME,
	VMIN,
	VSWTC,
	VSTART,
	VSTOP,
	VSUSP,
	VEOL,
	VREPRINT,
	VDISCARD,
	VWERASE,
	VLNEXT,
	VEOL2
};

#define TTY_INQ 4096U  /* characters of input, a power of two */
#define TTY_OUTQ 4096U /* bytes of output, a power of two */

/* An input character: low byte the character, and what became of it. */
#define TQ_DELIM 0x100 /* ends a line */
#define TQ_EOF 0x200   /* the end-of-file character itself: ends a line, is not read */

struct tty {
	uint32_t t_refs;
	uint32_t t_flags; /* TF_* */
	const struct ttybackend *t_backend;
	void *t_arg;
	dev_t t_rdev;
	struct termios t_termios;
	uint32_t t_ispeed, t_ospeed;
	struct winsize t_winsize;
	struct session *t_session; /* that it controls; session_exit() forgets it */
	pid_t t_pgid;              /* foreground group, 0 = none */
	uint32_t t_opens;          /* slave files */
	uint32_t t_gen;            /* hang-ups: files of an older generation are dead */
	struct pollhead t_poll;

	/* Input: free-running positions; canonical mode reads [t_intail, t_canon). */
	uint32_t t_inhead, t_intail, t_canon;
	/* Output not taken by the backend yet. */
	uint32_t t_outhead, t_outtail;
	uint32_t t_column, t_canoncol; /* cursor column; where the line being typed begins */
	uint16_t t_inq[TTY_INQ];
	uint8_t t_outq[TTY_OUTQ];
};
#define TF_DEAD 0x01u    /* carrier lost for good */
#define TF_STOPPED 0x02u /* output stopped by ^S or TCXONC */
#define TF_LNEXT 0x04u   /* next character is literal */
#define TF_EXCL 0x08u    /* TIOCEXCL */
#define TF_LOCKED 0x10u  /* pty not unlocked yet: the slave cannot be opened */
#define TF_PTY 0x20u     /* a master reads the output: nothing to drain to */
#define TF_WASOPEN 0x40u /* a slave file exists or has existed */
#define TF_CLOSING 0x80u /* tb_close is due once the output has gone */

#define t_iflag t_termios.c_iflag
#define t_oflag t_termios.c_oflag
#define t_cflag t_termios.c_cflag
#define t_lflag t_termios.c_lflag
#define t_cc t_termios.c_cc

extern const struct fileops tty_fileops;

/* ---- tty_ldisc.c: typed characters ---- */
static inline bool
tty_is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static inline bool
tty_is_utf8_tail(const struct tty *tp, uint8_t c)
{
	return (tp->t_iflag & IUTF8) != 0 && (c & 0xc0) == 0x80;
}
void tty_setdefaults(struct tty *);
uint32_t tty_inavail(const struct tty *); /* characters a read could take now */
bool tty_readable(const struct tty *);    /* by VMIN and canonical rules */
void tty_flush_input(struct tty *);       /* then tty_inready() */
void tty_inready(struct tty *);           /* tell the backend that there is room for typing */
void tty_mode_changed(struct tty *, uint32_t old_lflag);

/* ---- tty_output.c: written characters ---- */
uint32_t tty_outroom(const struct tty *);
bool tty_output_char(struct tty *, uint8_t c); /* with OPOST; false: no room */
void tty_start(struct tty *);                  /* give the backend what it takes */
void tty_flush_output(struct tty *);
void tty_stop_output(struct tty *);
void tty_restart_output(struct tty *);
size_t tty_take_output(struct tty *, uint8_t *buf, size_t len); /* by a pty master */
int tty_drain(struct tty *, int flags, nsec_t patience);        /* wait until all has been taken */

/* ---- tty.c: open files ---- */
void tty_wake_readers(struct tty *);
int tty_attach(struct tty *, struct file *, int flags, struct thread *); /* as vop_open */
bool tty_hung(const struct file *); /* opened before a hang-up */
int tty_background(struct tty *, struct thread *, int sig);
void tty_event(struct tty *, int what); /* TIOCPKT_* for a master in packet mode */

/* ---- tty_ctty.c: sessions ---- */
void tty_signal(struct tty *, int sig);
bool tty_is_ctty(const struct tty *, const struct thread *);
int tty_ctty_ioctl(struct tty *, unsigned long cmd, vaddr_t arg, struct thread *, bool master);

/* ---- tty_ioctl.c ---- */
int tty_ioctl_common(struct tty *, unsigned long cmd, vaddr_t arg, struct thread *, bool master);

/* ---- fs/ptsfs.c ---- */
uint32_t pts_index(const struct tty *); /* N of /dev/pts/N */
struct vnode *pts_vnode(struct tty *);  /* held, or NULL */
struct tty *pts_find(dev_t rdev);       /* held, or NULL */

/* ---- tty_pty.c ---- */
int ptmx_open(struct vnode *, struct file *, int flags, struct thread *);
#define TIOCPKT_DATA 0
#define TIOCPKT_FLUSHREAD 1
#define TIOCPKT_FLUSHWRITE 2
#define TIOCPKT_STOP 4
#define TIOCPKT_START 8
#define TIOCPKT_NOSTOP 16
#define TIOCPKT_DOSTOP 32
void pty_event(struct tty *, int what);

#define TCGETS 0x5401
#define TCSETS 0x5402
#define TCSETSW 0x5403
#define TCSETSF 0x5404
#define TCGETA 0x5405
#define TCSETA 0x5406
#define TCSETAW 0x5407
#define TCSETAF 0x5408
#define TCSBRK 0x5409
#define TCXONC 0x540a
#define TCFLSH 0x540b
#define TIOCEXCL 0x540c
#define TIOCNXCL 0x540d
#define TIOCSCTTY 0x540e
#define TIOCGPGRP 0x540f
#define TIOCSPGRP 0x5410
#define TIOCOUTQ 0x5411
#define TIOCSTI 0x5412
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD 0x541b
#define TIOCPKT 0x5420
#define TIOCNOTTY 0x5422
#define TIOCSETD 0x5423
#define TIOCGETD 0x5424
#define TCSBRKP 0x5425
#define TIOCGSID 0x5429
#define TCGETS2 0x802c542aUL
#define TCSETS2 0x402c542bUL
#define TCSETSW2 0x402c542cUL
#define TCSETSF2 0x402c542dUL
#define TIOCGPTN 0x80045430UL
#define TIOCSPTLCK 0x40045431UL
#define TIOCGDEV 0x80045432UL
#define TIOCSIG 0x40045436UL
#define TIOCGPKT 0x80045438UL
#define TIOCGPTLCK 0x80045439UL
#define TIOCGEXCL 0x80045440UL
#define TIOCGPTPEER 0x5441

#endif
