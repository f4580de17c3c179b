/* SPDX-License-Identifier: ISC */
/* tty.c: raw mode and back; guard.c sees to it that the way back is taken. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tty.h"
#include "vmm.h"

int
tty_init(struct tty *tty, int fd, struct tine_error *error)
{
	memset(tty, 0, sizeof(*tty));
	tty->fd = fd;
	if (fd >= 0 && tcgetattr(fd, &tty->saved) < 0)
		return tine_error_set(error, errno, "terminal", "terminal: %s", strerror(errno));
	return 0;
}

int
tty_set_raw(struct tty *tty)
{
	struct termios raw = tty->saved;

	if (tty->fd < 0 || tty->raw)
		return 0;
	cfmakeraw(&raw);
	if (tcsetattr(tty->fd, TCSADRAIN, &raw) < 0)
		return -errno;
	tty->raw = true;
	return 0;
}

void
tty_restore(struct tty *tty)
{
	if (tty->fd >= 0 && tty->raw)
		tcsetattr(tty->fd, TCSADRAIN, &tty->saved);
	tty->raw = false;
}

void
tty_winsize(const struct tty *tty, uint16_t *rows, uint16_t *cols)
{
	struct winsize ws = {.ws_row = 24, .ws_col = 80};

	if (tty->fd >= 0)
		ioctl(tty->fd, TIOCGWINSZ, &ws);
	*rows = ws.ws_row;
	*cols = ws.ws_col;
}
