/* SPDX-License-Identifier: ISC */
/* guard.c: restore the terminal and let go of the VM after `tine run` has ended. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
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

/*
 * What a guard does when the process has ended, taking the VM down, nobody waits for: it leaves the
 * processor to whoever does something with the result.  So that no memory piles up where processors
 * are never idle, a large sandbox is taken down before (run.c).
 */
static const struct sched_param no_priority; /* of SCHED_IDLE */

/* Descriptors that stay open here would keep pipes to other programs alive. */
static void
keep_only(int tty_fd, int sock)
{
	int tty = fcntl(tty_fd, F_DUPFD, 3), copy = fcntl(sock, F_DUPFD, 3);

	dup2(tty, KEPT_TTY);
	dup2(copy, KEPT_SOCKET);
	syscall(SYS_close_range, KEPT_SOCKET + 1, ~0u, 0);
}

static void __attribute__((noreturn)) guard_main(int tty_fd, int sock, const struct termios *saved)
{
	bool restore = true;
	sigset_t all;

	/* Neither the terminal's keys nor its job control may stop the guard. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "tine-guard");
	sched_setscheduler(0, SCHED_IDLE, &no_priority);
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
	guard->restores = true;
	return 0;
}

/*
 * Without a terminal the guard needs no memory of its own: a thread in all but its descriptors,
 * which costs a tenth of a fork.  It would be a hole in the jail, since whoever takes this process
 * over can write to the guard's stack; so it confines itself, to read, write and exit, before the
 * guest starts.
 *
 * It must not use what the C library keeps for a thread (errno), which the process is using.
 */
#define HOLDER_STACK 4096

struct holder {
	int sock, vm_fd, vcpu_fd;
};

static long
call(long number, long a, long b, long c)
{
	register long d __asm__("r10") = 0; /* prctl() and rt_sigprocmask() have more arguments */
	register long e __asm__("r8") = 0;
	long r;

	if (number == SYS_rt_sigprocmask)
		d = sizeof(uint64_t);
	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d), "r"(e)
			 : "rcx", "r11", "memory");
	return r;
}

__attribute__((no_sanitize("address", "undefined"))) static int
holder_main(void *arg)
{
	const struct holder *h = arg;
	const uint64_t all = ~0ull;
	char byte = 0;

	call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, 0);
	call(SYS_prctl, PR_SET_NAME, (long)"tine-guard", 0);
	call(SYS_sched_setscheduler, 0, SCHED_IDLE, (long)&no_priority);
	call(SYS_dup2, h->sock, 0, 0);
	call(SYS_dup2, h->vm_fd, 1, 0);
	call(SYS_dup2, h->vcpu_fd, 2, 0);
	call(SYS_close_range, 3, ~0u, 0);
	if (call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0) != 0)
		return 1;
	call(SYS_write, 0, (long)&byte, 1);
	while (call(SYS_read, 0, (long)&byte, 1) > 0)
		continue;
	return 0; /* by exit, not exit_group: the C library's clone() sees to that */
}

static void
start_holder(struct guard *guard, int vm_fd, int vcpu_fd)
{
	/* Where the process runs on while the guard reads them. */
	static char stack[HOLDER_STACK] __attribute__((aligned(16)));
	static struct holder holder;
	int pair[2], child = -1;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	holder = (struct holder){pair[1], vm_fd, vcpu_fd};
	/* 0 to 2 are open (stdio_fill_gaps), so none of the three is in another's way. */
	child = clone(holder_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, &holder);
	close(pair[1]);
	/* The end instead of a byte: it could not confine itself, and has gone. */
	if (child < 0 || read(pair[0], &byte, 1) != 1)
		close(pair[0]);
	else
		guard->fd = pair[0];
}

void
guard_hold(struct guard *guard, int vm_fd, int vcpu_fd)
{
	struct tine_msg m = {0};
	int fds[2] = {vm_fd, vcpu_fd};

	if (guard->fd >= 0)
		wire_send(guard->fd, (const uint8_t *)&m, sizeof(m), fds, 2);
	else
		start_holder(guard, vm_fd, vcpu_fd);
}

void
guard_dismiss(struct guard *guard)
{
	struct tine_msg m = {0};

	/* The socket stays open: its end is the end of this process. */
	if (guard->fd >= 0 && guard->restores)
		wire_send(guard->fd, (const uint8_t *)&m, sizeof(m), NULL, 0);
}
