/* terminal.c: the terminal of the launcher: raw while a command uses it, restored in every case. */
/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "launcher.h"

static struct termios saved;
static bool raw;

void
terminal_raw(void)
{
	struct termios t;

	if (raw || tcgetattr(STDIN_FILENO, &saved) != 0)
		return;
	t = saved;
	cfmakeraw(&t);
	raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

void
terminal_restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	raw = false;
}

bool
terminal_size(void *winsize)
{
	for (int fd = 0; fd < 3; fd++)
		if (ioctl(fd, TIOCGWINSZ, winsize) == 0)
			return true;
	return false;
}

/* Adds to the job which of stdin, stdout and stderr are terminals, and how large they are. */
void
terminal_fields(struct stream *job)
{
	struct winsize size;
	char text[64] = "t";
	size_t used = 1;

	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd))
			text[used++] = (char)('0' + fd);
	stream_append(job, text, used);
	stream_append(job, "", 1);
	if (!terminal_size(&size))
		return;
	int length = snprintf(text, sizeof(text), "z%u %u", size.ws_row, size.ws_col);
	stream_append(job, text, (size_t)length + 1);
}
