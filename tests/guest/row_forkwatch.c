/* SPDX-License-Identifier: ISC */
/* row_forkwatch.c: hooks of the kernel at fork; descriptors that report fork, exec and exit.
 * rows: D2 D3 */
#include "native.h"
#include <sys/epoll.h>

#define ALL (NOTE_FORK | NOTE_EXEC | NOTE_EXIT)

static struct forkwatch_event
next(int fd)
{
	struct forkwatch_event ev;

	CHECK_EQ(read(fd, &ev, sizeof(ev)), (long)sizeof(ev));
	return ev;
}

static void
expect(int fd, uint32_t kind, pid_t pid, pid_t other, int status)
{
	struct forkwatch_event ev = next(fd);

	CHECK_EQ(ev.kind, kind);
	CHECK_EQ(ev.pid, pid);
	CHECK_EQ(ev.other, other);
	CHECK_EQ(ev.status, status);
}

/* Waits for a byte, forks once each way, then execs a program that exits 3. */
static int
subject(const char *self, int go)
{
	pid_t pid;
	char c;

	CHECK_EQ(read(go, &c, 1), 1);
	if ((pid = fork()) == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	if ((pid = vfork()) == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	execl(self, self, "exit3", (char *)NULL);
	return 1;
}

static void
one_process(const char *self)
{
	struct forkwatch_event ev;
	struct timespec now;
	struct pollfd pfd;
	int p[2], fd;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	if ((pid = fork()) == 0)
		_exit(subject(self, p[0]));
	CHECK((fd = forkwatch_open(pid, ALL, O_CLOEXEC | O_NONBLOCK)) >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(read(fd, &ev, sizeof(ev)), EAGAIN);
	CHECK_ERR(read(fd, &ev, sizeof(ev) - 1), EINVAL);
	CHECK_ERR(write(fd, &ev, sizeof(ev)), EINVAL);
	pfd = (struct pollfd){fd, POLLIN, 0};
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(poll(&pfd, 1, 5000), 1);
	CHECK_EQ(pfd.revents, POLLIN);
	ev = next(fd);
	clock_gettime(CLOCK_MONOTONIC, &now);
	CHECK(ev.kind == FORKWATCH_FORK && ev.pid == pid && ev.other > 0 && ev.other != pid);
	CHECK_EQ(ev.status, 0);
	CHECK(ev.time_ns <= (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	ev = next(fd);
	CHECK(ev.kind == FORKWATCH_FORK && ev.pid == pid && ev.status == 1);
	expect(fd, FORKWATCH_EXEC, pid, 0, 0);
	expect(fd, FORKWATCH_EXIT, pid, 0, 3 << 8);
	CHECK_EQ(read(fd, &ev, sizeof(ev)), 0); /* there is no more to come */
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(pfd.revents, POLLIN | POLLHUP);
	CHECK_EQ(close(fd), 0);
	CHECK_EXIT(pid, 3);
}

/* Only what the mask names; through epoll. */
static void
masked(void)
{
	struct epoll_event want = {.events = EPOLLIN}, got;
	int fd = forkwatch_open(getpid(), NOTE_FORK, 0), ep = epoll_create1(0);
	pid_t pid;

	CHECK(fd >= 0 && ep >= 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	if ((pid = fork()) == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
	expect(fd, FORKWATCH_FORK, getpid(), pid, 0);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	if ((pid = rfork(RFPROC)) == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	expect(fd, FORKWATCH_FORK, getpid(), pid, 2);
	close(fd);
	close(ep);
}

/* More events than fit: what came first is kept, the loss is reported in its place. */
static void
overflow(void)
{
	enum { N = 200 };
	int fd = forkwatch_open(getpid(), NOTE_FORK, O_NONBLOCK), n = 0;
	struct forkwatch_event ev[N + 2];
	pid_t pids[N], pid;
	ssize_t len;

	CHECK(fd >= 0);
	for (int i = 0; i < N; i++) {
		if ((pids[i] = fork()) == 0)
			_exit(0);
		CHECK_EXIT(pids[i], 0);
	}
	CHECK((len = read(fd, ev, sizeof(ev))) > 0);
	n = (int)(len / (ssize_t)sizeof(ev[0]));
	CHECK(n > 16 && n < N);
	for (int i = 0; i < n - 1; i++)
		CHECK(ev[i].kind == FORKWATCH_FORK && ev[i].other == pids[i]);
	CHECK_EQ(ev[n - 1].kind, FORKWATCH_OVERFLOW);
	CHECK_EQ(ev[n - 1].lost, N - (n - 1));
	if ((pid = fork()) == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	expect(fd, FORKWATCH_FORK, getpid(), pid, 0);
	CHECK_ERR(read(fd, ev, sizeof(ev)), EAGAIN);
	close(fd);
}

static void
everybody(void)
{
	int fd = forkwatch_open(0, ALL, 0);
	pid_t pid, child;

	CHECK(fd >= 0);
	if ((pid = fork()) == 0) {
		if ((child = fork()) == 0)
			_exit(1);
		_exit(reap(child) == 1 << 8 ? 2 : 1);
	}
	expect(fd, FORKWATCH_FORK, getpid(), pid, 0);
	child = next(fd).other;
	expect(fd, FORKWATCH_EXIT, child, 0, 1 << 8);
	expect(fd, FORKWATCH_EXIT, pid, 0, 2 << 8);
	CHECK_EXIT(pid, 2);
	close(fd);
}

static void
permissions(void)
{
	pid_t other, pid;
	int fd;

	CHECK_ERR(forkwatch_open(getpid(), 0, 0), EINVAL);
	CHECK_ERR(forkwatch_open(getpid(), 1, 0), EINVAL);
	CHECK_ERR(forkwatch_open(getpid(), NOTE_FORK, O_APPEND), EINVAL);
	CHECK_ERR(forkwatch_open(-1, NOTE_FORK, 0), EINVAL);
	CHECK_ERR(forkwatch_open(31999, NOTE_FORK, 0), ESRCH);
	if ((other = fork()) == 0)
		for (;;)
			pause();
	if ((pid = fork()) == 0) {
		CHECK_EQ(setuid(1000), 0);
		CHECK_ERR(forkwatch_open(0, NOTE_FORK, 0), EPERM);
		CHECK_ERR(forkwatch_open(1, NOTE_FORK, 0), EPERM);
		CHECK_ERR(forkwatch_open(other, NOTE_FORK, 0), EPERM);
		CHECK_ERR(forkwatch_open(getpid(), NOTE_FORK, 0), EPERM); /* it was root */
		execl("/proc/self/exe", "row_forkwatch", "user", (char *)NULL);
		_exit(1);
	}
	CHECK_EXIT(pid, 0);
	CHECK((fd = forkwatch_open(other, NOTE_EXIT, 0)) >= 0);
	CHECK_EQ(kill(other, SIGKILL), 0);
	expect(fd, FORKWATCH_EXIT, other, 0, SIGKILL);
	CHECK_ERR(forkwatch_open(other, NOTE_FORK, 0), ESRCH); /* a zombie does nothing more */
	CHECK_KILLED(other, SIGKILL);
	close(fd);
}

/* Watches closed in any order, with and without a process; nothing stays behind. */
static void
lifetimes(void)
{
	long objects = 0;
	int fd[8];
	pid_t pid;

	for (int round = 0; round < 20; round++) {
		if (round == 1) /* the table of descriptors has grown by now */
			objects = var("kern.objects");
		if ((pid = fork()) == 0)
			for (;;)
				pause();
		for (int i = 0; i < 8; i++)
			CHECK((fd[i] = forkwatch_open(i % 3 ? pid : 0, ALL, 0)) >= 0);
		for (int i = 0; i < 4; i++)
			close(fd[(i + round) % 8]);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		CHECK_KILLED(pid, SIGKILL);
		for (int i = 4; i < 8; i++)
			close(fd[(i + round) % 8]);
	}
	CHECK_EQ(var("kern.objects"), objects);
}

/* Every hook of the kernel runs once for a process, never for a thread or a fork that failed. */
static void
hooks(void)
{
	long n = var("kern.atfork.hooks"), calls = var("kern.atfork.calls");
	pid_t pid;

	CHECK(n >= 4); /* statistics, random numbers, the host's events, watchers */
	for (int i = 1; i <= 5; i++) {
		if ((pid = i % 2 ? fork() : vfork()) == 0)
			_exit(0);
		CHECK_EXIT(pid, 0);
		CHECK_EQ(var("kern.atfork.calls"), calls + n * i);
	}
	CHECK_ERR(rfork(RFPROC | RFSIGSHARE), EINVAL);
	CHECK_EQ(var("kern.atfork.calls"), calls + n * 5);
	CHECK_EQ(var("kern.atfork.hooks"), n);
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc > 1 && strcmp(argv[1], "exit3") == 0)
		return 3;
	if (argc > 1) { /* an ordinary user watches itself */
		CHECK((fd = forkwatch_open(getpid(), ALL, 0)) >= 0);
		return 0;
	}
	hooks();
	one_process(argv[0]);
	masked();
	overflow();
	everybody();
	permissions();
	lifetimes();
	return ok();
}
