/* SPDX-License-Identifier: ISC */
/* tty.h: the host's terminal while a guest program owns it. */
#ifndef TINE_VMM_TTY_H
#define TINE_VMM_TTY_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct tine_error;

struct tty {
	int fd; /* -1 = no terminal */
	bool raw;
	struct termios saved;
};

/* fd is a terminal, or -1.  Remembers its mode. */
int tty_init(struct tty *tty, int fd, struct tine_error *error);
int tty_set_raw(struct tty *tty);
void tty_restore(struct tty *tty);
void tty_winsize(const struct tty *tty, uint16_t *rows, uint16_t *cols);

#endif
