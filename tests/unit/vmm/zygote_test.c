/* SPDX-License-Identifier: ISC */
/*
 * zygote_test.c: the zygote's socket: what it answers, what it refuses, and that nothing stays.
 *
 * usage: zygote_test TINE.  Needs nested paging; exit status 77 without.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "template.h"
#include "wire.h"
#include "zygote.h"

#define LIMIT_MS 20000

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct record rec;

/* A zygote, and this end of its socket. */
static pid_t
start(int *fd)
{
	const struct sandbox_config config = {.jail = JAIL_DEFAULT};
	struct vmm_args args;
	int pair[2];
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	sandbox_args(&args, &config);
	args.zygote = args.clone = args.idle = true;
	CHECK(vmm_exec(&args, pair[1], &pid) == 0);
	close(pair[1]);
	*fd = pair[0];
	return pid;
}

static void
send_record(int fd, uint16_t type, uint32_t len, const int *fds, int nfds)
{
	struct record r = {.hdr = {.type = type, .len = len}};

	CHECK(wire_send(fd, (const uint8_t *)&r, sizeof(r.hdr) + len, fds, nfds) == 0);
}

/* 1 and the answer in rec, or -EPIPE: the zygote has gone. */
static int
answer(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	CHECK(poll(&p, 1, LIMIT_MS) == 1);
	return wire_recv(fd, &rec, NULL, NULL, NULL);
}

static int
end_of(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What it does not understand ends it: nobody but its parent speaks to it. */
static void
test_nonsense(uint16_t type, uint32_t len, int nfds)
{
	int fds[3] = {0, 0, 0}, fd;
	pid_t pid = start(&fd);

	send_record(fd, type, len, fds, nfds);
	CHECK(answer(fd) == -EPIPE);
	CHECK(end_of(pid) == 1);
	close(fd);
}

static void
test_no_record(void)
{
	int fd;
	pid_t pid = start(&fd);

	CHECK(send(fd, "x", 1, MSG_NOSIGNAL) == 1);
	CHECK(answer(fd) == -EPIPE);
	CHECK(end_of(pid) == 1);
	close(fd);
}

static void
test_end(void)
{
	int fd;
	pid_t pid = start(&fd);

	close(fd);
	CHECK(end_of(pid) == 0);
}

/* A file that is no template is not held; the zygote goes on. */
static void
test_fork(void)
{
	int file = memfd_create("nothing", MFD_CLOEXEC), control[2], fd, status;
	pid_t zygote = start(&fd), pid;

	send_record(fd, ZYGOTE_HOLD, 0, &file, 1);
	CHECK(answer(fd) == 1 && rec.hdr.type == ZYGOTE_HELD && rec.hdr.arg == EBADMSG);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0);
	send_record(fd, ZYGOTE_FORK, 0, &control[1], 1);
	CHECK(answer(fd) == 1 && rec.hdr.type == ZYGOTE_FORKED && rec.hdr.arg == 0);
	pid = (pid_t)rec.hdr.id;
	/* A child of this process, which has it in the zygote's group until it takes it out. */
	CHECK(getpgid(pid) == zygote);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(setpgid(pid, pid) == 0);
	/* It holds no template, so there is none to become a clone of. */
	close(control[1]);
	send_record(control[0], 96, 0, NULL, 0); /* CONTROL_CLONE */
	CHECK(answer(control[0]) == 1 && rec.hdr.type == VMM_MSG_FAILED);
	CHECK(strcmp(((struct tine_error *)(void *)rec.payload)->type, "control-protocol") == 0);
	CHECK(end_of(pid) == 1);
	close(control[0]);
	/* Another one is not asked anything at all: the socket it had is closed, nobody else has
	 * it. */
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0);
	send_record(fd, ZYGOTE_FORK, 0, &control[1], 1);
	close(control[1]);
	CHECK(answer(fd) == 1 && rec.hdr.id > 0);
	pid = (pid_t)rec.hdr.id;
	close(control[0]);
	CHECK(end_of(pid) == 0);
	/* And one that nobody has heard of goes with the group. */
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0);
	send_record(fd, ZYGOTE_FORK, 0, &control[1], 1);
	CHECK(answer(fd) == 1 && rec.hdr.id > 0);
	CHECK(kill(-zygote, SIGKILL) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(waitpid(-zygote, &status, 0) > 0 && WIFSIGNALED(status));
	CHECK(waitpid(-1, &status, 0) < 0 && errno == ECHILD);
	close(control[0]);
	close(control[1]);
	close(fd);
	close(file);
}

int
main(int argc, char **argv)
{
	struct host_info info;

	CHECK(argc == 2);
	host_probe(&info);
	if (!info.capable) {
		fprintf(stderr, "skipped: %s\n", info.detail);
		return 77;
	}
	sandbox_set_program(argv[1]);
	test_nonsense(ZYGOTE_FORK, 0, 0);
	test_nonsense(ZYGOTE_FORK, 0, 2);
	test_nonsense(ZYGOTE_FORK, 8, 1);
	test_nonsense(ZYGOTE_HOLD, 0, 0);
	test_nonsense(ZYGOTE_HOLD, 0, 3);
	test_nonsense(ZYGOTE_HOLD, 8, 1);
	test_nonsense(ZYGOTE_FORKED, 0, 1);
	test_no_record();
	test_end();
	test_fork();
	puts("ok");
	return 0;
}
