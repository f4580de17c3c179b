/* SPDX-License-Identifier: ISC */
/* expect.c: the terminal's side of expect.h. */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

void
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("\nFAIL: ");
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

void
term_start(struct term *t, char *const argv[])
{
	struct winsize size = {.ws_row = TERM_ROWS, .ws_col = TERM_COLS};

	memset(t, 0, sizeof(*t));
	/* Whoever outlives the command becomes our child, so that term_end() can wait for it. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
	    openpty(&t->master, &t->slave, NULL, NULL, &size) != 0 ||
	    fcntl(t->master, F_SETFD, FD_CLOEXEC) != 0 || tcgetattr(t->slave, &t->before) != 0)
		fail("no terminal: %s", strerror(errno));
	fflush(stdout);
	t->pid = fork();
	if (t->pid == 0) {
		if (login_tty(t->slave) == 0)
			execv(argv[0], argv);
		_exit(127);
	}
	t->pidfd = t->pid > 0 ? pidfd_open(t->pid, 0) : -1;
	if (t->pidfd < 0)
		fail("fork: %s", strerror(errno));
}

/* False when nothing more can come: our own slave keeps the terminal from ending by itself. */
static bool
read_more(struct term *t)
{
	struct pollfd p[] = {{t->master, POLLIN, 0}, {t->pidfd, POLLIN, 0}};
	ssize_t n;

	if (poll(p, 2, -1) < 0)
		fail("poll: %s", strerror(errno));
	if ((p[0].revents & POLLIN) == 0)
		return false;
	if (t->used == sizeof(t->out) - 1)
		fail("more output than this test knows of");
	n = read(t->master, t->out + t->used, sizeof(t->out) - 1 - t->used);
	if (n <= 0)
		return false;
	fwrite(t->out + t->used, 1, (size_t)n, stdout);
	fflush(stdout);
	t->used += (size_t)n;
	t->out[t->used] = '\0';
	return true;
}

void
term_expect(struct term *t, const char *text)
{
	const char *at;

	printf("{%s}", text);
	fflush(stdout);
	while ((at = strstr(t->out + t->seen, text)) == NULL)
		if (!read_more(t))
			fail("the command ended before it wrote \"%s\"", text);
	t->seen = (size_t)(at - t->out) + strlen(text);
}

void
term_type(struct term *t, const char *keys)
{
	size_t len = strlen(keys);

	if (write(t->master, keys, len) != (ssize_t)len)
		fail("typing: %s", strerror(errno));
}

void
term_resize(struct term *t, unsigned short rows, unsigned short cols)
{
	struct winsize size = {.ws_row = rows, .ws_col = cols};

	if (ioctl(t->master, TIOCSWINSZ, &size) != 0)
		fail("TIOCSWINSZ: %s", strerror(errno));
}

void
term_hangup(struct term *t)
{
	close(t->master);
	t->master = -1;
}

void
term_wait_stopped(struct term *t)
{
	int status;

	if (waitpid(t->pid, &status, WUNTRACED) != t->pid || !WIFSTOPPED(status))
		fail("the command did not stop: %x", (unsigned)status);
}

int
term_end(struct term *t)
{
	int status, left;

	while (t->master >= 0 && read_more(t))
		continue;
	if (waitpid(t->pid, &status, 0) != t->pid)
		fail("waitpid: %s", strerror(errno));
	while (wait(&left) > 0)
		continue;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool
term_is_restored(const struct term *t)
{
	struct termios now;

	return tcgetattr(t->slave, &now) == 0 && now.c_iflag == t->before.c_iflag &&
	       now.c_oflag == t->before.c_oflag && now.c_cflag == t->before.c_cflag &&
	       now.c_lflag == t->before.c_lflag &&
	       memcmp(now.c_cc, t->before.c_cc, sizeof(now.c_cc)) == 0;
}

bool
term_is_raw(const struct term *t)
{
	struct termios now;

	return tcgetattr(t->slave, &now) == 0 && (now.c_lflag & (ECHO | ICANON | ISIG)) == 0 &&
	       (now.c_iflag & (IXON | ICRNL)) == 0 && (now.c_oflag & OPOST) == 0;
}
