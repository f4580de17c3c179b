/* SPDX-License-Identifier: ISC */
/* pipe.c: pipes, FIFOs, poll and select: data, end of file, EPIPE, readiness, timeouts. */
#include "guest.h"
#include <sys/ioctl.h>
#include <sys/select.h>

static void
data(void)
{
	static char out[200000], in[200000];
	int p[2], n;
	size_t got = 0;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 >> 3);
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		CHECK_EQ(write(p[1], out, sizeof(out)), sizeof(out)); /* more than the pipe holds */
		_exit(0);
	}
	close(p[1]);
	while (got < sizeof(in)) {
		ssize_t r = read(p[0], in + got, sizeof(in) - got);

		CHECK(r > 0);
		got += (size_t)r;
	}
	CHECK(memcmp(in, out, sizeof(in)) == 0);
	CHECK_EQ(read(p[0], in, 1), 0);
	CHECK_EXIT(pid, 0);
	close(p[0]);

	CHECK_EQ(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_ERR(read(p[0], in, 1), EAGAIN);
	CHECK_EQ(write(p[1], out, sizeof(out)), 65536);
	CHECK_ERR(write(p[1], out, 1), EAGAIN);
	CHECK_EQ(ioctl(p[0], FIONREAD, &n), 0);
	CHECK_EQ(n, 65536);
	CHECK_EQ(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	CHECK_ERR(read(p[1], in, 1), EBADF);
	CHECK_ERR(write(p[0], in, 1), EBADF);
	CHECK_ERR(lseek(p[0], 0, SEEK_SET), ESPIPE);
	signal(SIGPIPE, SIG_IGN);
	close(p[0]);
	CHECK_ERR(write(p[1], "x", 1), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	pid = fork();
	if (pid == 0) {
		(void)!write(p[1], "x", 1);
		_exit(0);
	}
	CHECK_KILLED(pid, SIGPIPE);
	close(p[1]);
	CHECK_ERR(syscall(SYS_pipe, 8), EFAULT);
}

static void
polling(void)
{
	struct timeval tv = {0, 20000};
	struct timespec t0, t1;
	int p[2], q[2];
	struct pollfd pf[2];
	fd_set rd;
	pid_t pid;
	char c;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	pf[0] = (struct pollfd){.fd = p[0], .events = POLLIN};
	pf[1] = (struct pollfd){.fd = p[1], .events = POLLOUT};
	CHECK_EQ(poll(pf, 2, -1), 1);
	CHECK_EQ(pf[0].revents, 0);
	CHECK_EQ(pf[1].revents, POLLOUT);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	CHECK_EQ(poll(pf, 1, 20), 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK((t1.tv_sec - t0.tv_sec) * 1000000000 + t1.tv_nsec - t0.tv_nsec >= 20000000);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(read(q[0], &c, 1), 1);
		CHECK_EQ(write(p[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(write(q[1], "g", 1), 1);
	CHECK_EQ(poll(pf, 1, -1), 1);
	CHECK_EQ(pf[0].revents, POLLIN);
	FD_ZERO(&rd);
	FD_SET(p[0], &rd);
	FD_SET(q[0], &rd);
	CHECK_EQ(select(64, &rd, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(p[0], &rd) && !FD_ISSET(q[0], &rd));
	CHECK_EQ(read(p[0], &c, 1), 1);
	CHECK_EQ(select(64, &rd, NULL, NULL, &tv), 0);
	CHECK_EXIT(pid, 0);
	close(p[1]);
	CHECK_EQ(poll(pf, 1, -1), 1);
	CHECK(pf[0].revents & POLLHUP);
	pf[0].fd = 999;
	CHECK_EQ(poll(pf, 1, 0), 1);
	CHECK_EQ(pf[0].revents, POLLNVAL);
	pf[0].fd = -5;
	CHECK_EQ(poll(pf, 1, 0), 0);
	CHECK_ERR(syscall(SYS_poll, 8, 1, 0), EFAULT);
}

static void
fifo(void)
{
	pid_t pid;
	char buf[8];
	int fd;

	unlink("/tmp/fifo");
	CHECK_EQ(mkfifo("/tmp/fifo", 0600), 0);
	CHECK_ERR(open("/tmp/fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	pid = fork();
	if (pid == 0) {
		fd = open("/tmp/fifo", O_WRONLY); /* waits for the reader */
		CHECK(fd >= 0);
		CHECK_EQ(write(fd, "fifo", 4), 4);
		_exit(0);
	}
	fd = open("/tmp/fifo", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 4);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
}

static void
on_signal(int sig)
{
	(void)sig;
}

/*
 * A signal ends the wait for the other side, which comes and goes before the waiter runs again: the
 * open has succeeded, and is not started again to wait for another.
 */
static void
fifo_and_signal(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		char c;
		int fd;

		if (pid == 0) {
			CHECK((fd = open("/tmp/fifo", O_RDONLY)) >= 0);
			CHECK_EQ(read(fd, &c, 1), 1);
			_exit(0);
		}
		CHECK_EQ(setpriority(PRIO_PROCESS, (id_t)pid, 19), 0); /* it runs when we sleep */
		wait_state(pid, 'S');
		CHECK_EQ(kill(pid, SIGUSR1), 0);
		CHECK((fd = open("/tmp/fifo", O_WRONLY)) >= 0);
		CHECK_EQ(write(fd, "x", 1), 1);
		close(fd);
		CHECK_EXIT(pid, 0);
	}
}

int
main(void)
{
	data();
	polling();
	fifo();
	fifo_and_signal();
	return ok();
}
