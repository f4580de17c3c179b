/* SPDX-License-Identifier: ISC */
/* tty.c: raw mode, and its end on every way out of the program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tty.h"
#include "vmm.h"

/* In the guard: wait until the other end of the pipe is closed, without a word or with one. */
static void __attribute__((noreturn))
guard_main(int pipe_fd, int tty_fd, const struct termios *saved)
{
	sigset_t all;
	char c;
	ssize_t n;

	/* Neither the keys of the terminal nor its job control may stop the guard. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "tine-tty-guard");
	/* Descriptors kept open here would keep pipes to other programs alive. */
	syscall(SYS_close_range, 0, (unsigned)(pipe_fd < tty_fd ? pipe_fd : tty_fd) - 1, 0);
	do
		n = read(pipe_fd, &c, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		tcsetattr(tty_fd, TCSADRAIN, saved);
	_exit(0);
}

int
tty_init(struct tty *tty, int fd, struct tine_error *error)
{
	int p[2], copy;
	pid_t pid;

	memset(tty, 0, sizeof(*tty));
	tty->fd = fd;
	tty->guard_fd = -1;
	if (fd < 0)
		return 0;
	if (tcgetattr(fd, &tty->saved) < 0 || pipe2(p, O_CLOEXEC) < 0)
		return tine_error_set(error, errno, "terminal", "terminal: %s", strerror(errno));
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	pid = fork();
	if (pid == 0) {
		close(p[1]);
		guard_main(p[0], copy, &tty->saved);
	}
	close(copy);
	close(p[0]);
	if (pid < 0) {
		close(p[1]);
		return tine_error_set(error, errno, "terminal", "fork: %s", strerror(errno));
	}
	tty->guard_fd = p[1];
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
tty_free(struct tty *tty)
{
	tty_restore(tty);
	if (tty->guard_fd >= 0) {
		/* A guard that is gone already is as good. */
		if (write(tty->guard_fd, "q", 1) < 0)
			errno = 0;
		close(tty->guard_fd);
	}
	tty->guard_fd = -1;
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
