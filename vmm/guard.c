/* SPDX-License-Identifier: ISC */
/* guard.c: restore the terminal and let go of the VM after `tine run` has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"
#include "vmm.h"
#include "wire.h"

#define KEPT_TTY 0 /* where the guard keeps its two descriptors */
#define KEPT_SOCKET 1

/* Descriptors that stay open here would keep pipes to other programs alive. */
static void
keep_only(int tty_fd, int sock)
{
	int tty = tty_fd >= 0 ? fcntl(tty_fd, F_DUPFD, 3) : -1;
	int copy = fcntl(sock, F_DUPFD, 3);

	if (tty >= 0)
		dup2(tty, KEPT_TTY);
	else
		close(KEPT_TTY);
	dup2(copy, KEPT_SOCKET);
	syscall(SYS_close_range, KEPT_SOCKET + 1, ~0u, 0);
}

static void __attribute__((noreturn)) guard_main(int tty_fd, int sock, const struct termios *saved)
{
	bool restore = tty_fd >= 0;
	sigset_t all;

	/* Neither the terminal's keys nor its job control may stop the guard. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "tine-guard");
	keep_only(tty_fd, sock);
	for (;;) {
		struct record rec; /* descriptors that come along stay open until the exit */
		int fds[WIRE_FDS], nfds = 0;

		if (wire_recv_wait(KEPT_SOCKET, &rec, fds, &nfds) != 1)
			break;
		if (nfds == 0)
			restore = false;
	}
	if (restore)
		tcsetattr(KEPT_TTY, TCSADRAIN, saved);
	_exit(0);
}

int
guard_start(struct guard *guard, int tty_fd, const struct termios *saved, struct tine_error *error)
{
	int pair[2];
	pid_t pid;

	guard->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return tine_error_set(error, errno, "no-files", "socketpair: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		guard_main(tty_fd, pair[1], saved);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return tine_error_set(error, errno, "no-process", "fork: %s", strerror(errno));
	}
	guard->fd = pair[0];
	return 0;
}

void
guard_hold(const struct guard *guard, int vm_fd, int vcpu_fd)
{
	struct tine_msg m = {0};
	int fds[2] = {vm_fd, vcpu_fd};

	if (guard->fd >= 0)
		wire_send(guard->fd, (const uint8_t *)&m, sizeof(m), fds, 2);
}

void
guard_dismiss(struct guard *guard)
{
	struct tine_msg m = {0};

	/* The socket stays open: its end is the end of this process. */
	if (guard->fd >= 0)
		wire_send(guard->fd, (const uint8_t *)&m, sizeof(m), NULL, 0);
}
