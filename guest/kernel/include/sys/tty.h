/* SPDX-License-Identifier: ISC */
/* tty.h: terminals: line discipline over a backend (pty master or the host's terminal); tty.c,
 * tty_pty.c. */
#ifndef SYS_TTY_H
#define SYS_TTY_H

#include <sys/types.h>
#include <sys/poll.h>
#include <sys/file.h>

struct pgrp;
struct session;
#define NCCS 19
struct termios { /* the kernel's layout (TCGETS) */
	uint32_t c_iflag, c_oflag, c_cflag, c_lflag;
	uint8_t c_line;
	uint8_t c_cc[NCCS];
};
struct winsize {
	uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel;
};

struct tty;
struct ttybackend {
	/* Output bytes; returns how many were taken (fewer: no room now; backend calls
	 * tty_outready() later). */
	size_t (*tb_output)(struct tty *, const void *buf, size_t len);
	void (*tb_inready)(struct tty *); /* the input queue has room: more may be sent */
	void (*tb_close)(struct tty *);   /* last slave descriptor closed */
};
struct tty *tty_create(const struct ttybackend *, void *arg, dev_t rdev); /* refs 1 */
void tty_hold(struct tty *);
void tty_release(struct tty *);
void *tty_arg(struct tty *);
/* Input from the backend through the line discipline; returns bytes taken. */
size_t tty_input(struct tty *, const uint8_t *buf, size_t len);
void tty_outready(struct tty *);
void tty_gone(struct tty *);   /* the backend ends: the terminal cannot be opened any more */
void tty_hangup(struct tty *); /* carrier lost: SIGHUP to the session, reads give EOF */
void tty_setwinsize(struct tty *,
		    const struct winsize *); /* SIGWINCH to the foreground group if changed */
/* A file for the slave side. */
int tty_open(struct tty *, int flags, struct thread *, struct file **);
/* Make it the controlling terminal of td's session (which td's process must lead). */
int tty_set_ctty(struct tty *, struct thread *);
struct tty *tty_from_vnode_ctty(struct thread *); /* /dev/tty: controlling tty, held, or NULL */
dev_t tty_rdev(const struct tty *);
pid_t tty_pgid(const struct tty *);
/* Name a terminal /dev/pts/N and give it the number makedev(136, N): ENOSPC, ENOMEM (fs/ptsfs.c).
 */
int pts_register(struct tty *);
void pts_unregister(struct tty *);
void pts_setowner(struct tty *, uid_t, gid_t);
/* Session leader exits: hang up and forget. */
void session_exit(struct session *);

#endif
