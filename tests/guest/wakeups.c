/* SPDX-License-Identifier: ISC */
/*
 * wakeups.c: whoever sleeps is woken by each of the things that end its wait, also by the rare
 * ones. A wake-up that is missing shows as a program that hangs: the alarm says in which step.
 */
#include "guest.h"
#include <netinet/in.h>
#include <pty.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define GUARD 20 /* seconds for a step; none takes one */

static const char *step;
static pid_t sleeper; /* the process that a step waits for */

static void
hangs(int sig)
{
	(void)sig;
	dprintf(2, "wakeups: %s: somebody still sleeps\n", step);
	kill(sleeper, SIGKILL);
	_exit(1);
}

/* Write pieces of this size until no more go. */
static void
fill(int fd, size_t size)
{
	static char buf[4096];
	int flags = fcntl(fd, F_GETFL);

	CHECK_EQ(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	while (write(fd, buf, size) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(fcntl(fd, F_SETFL, flags), 0);
}

/* A child that runs fn(fd), once it sleeps. */
static void
start(void (*fn)(int), int fd)
{
	CHECK((sleeper = fork()) >= 0);
	if (sleeper == 0) {
		fn(fd);
		_exit(0);
	}
	wait_state(sleeper, 'S');
}

static void
write_one(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

static void
poll_output(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK(p.revents & POLLOUT);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled;

static void
count(int sig)
{
	(void)sig;
	handled++;
}

/* A handler runs while a signal of the descriptor comes: the record is not lost with the sleep. */
static void
signalfd_and_handler(void)
{
	struct sigaction sa = {.sa_handler = count, .sa_flags = SA_RESTART};
	struct signalfd_siginfo si;
	sigset_t set;
	int fd;

	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK((fd = signalfd(-1, &set, 0)) >= 0);
	for (int i = 0; i < 20; i++) {
		pid_t self = getpid();

		CHECK((sleeper = fork()) >= 0);
		if (sleeper == 0) {
			wait_state(self, 'S');
			kill(self, SIGUSR1);
			kill(self, SIGUSR2);
			_exit(0);
		}
		CHECK_EQ(read(fd, &si, sizeof(si)), sizeof(si));
		CHECK_EQ(si.ssi_signo, SIGUSR2);
		CHECK_EXIT(sleeper, 0);
		CHECK_EQ(handled, i + 1);
	}
	close(fd);
}

/* ---- processes ---- */

static pid_t stopped;

/* Stop the process while it is traced, and let go of it as it is. */
static void
trace_stopped(pid_t waiter)
{
	int status;

	CHECK_EQ(ptrace(PTRACE_SEIZE, stopped, NULL, NULL), 0);
	CHECK_EQ(kill(stopped, SIGSTOP), 0);
	CHECK_EQ(waitpid(stopped, &status, __WALL), stopped);
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK_EQ(ptrace(PTRACE_CONT, stopped, NULL, SIGSTOP), 0);
	CHECK_EQ(waitpid(stopped, &status, __WALL), stopped);
	CHECK_EQ(status >> 16, PTRACE_EVENT_STOP);
	wait_state(waiter, 'S');
	CHECK_EQ(ptrace(PTRACE_DETACH, stopped, NULL, NULL), 0);
	pause(); /* its end would wake the waiter as well */
	_exit(1);
}

/* A parent that waits for stops learns of one that was its tracer's, once that has let go. */
static void
stop_after_detach(void)
{
	pid_t self = getpid();
	int status;

	CHECK((stopped = fork()) >= 0);
	if (stopped == 0) {
		pause();
		_exit(0);
	}
	CHECK((sleeper = fork()) >= 0);
	if (sleeper == 0)
		trace_stopped(self);
	CHECK_EQ(waitpid(stopped, &status, WUNTRACED), stopped);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(kill(sleeper, SIGKILL), 0);
	CHECK_KILLED(sleeper, SIGKILL);
	CHECK_EQ(kill(stopped, SIGKILL), 0);
	CHECK_KILLED(stopped, SIGKILL);
}

/* ---- terminals ---- */

static void
raw_pty(int *master, int *slave)
{
	struct termios t;

	CHECK_EQ(openpty(master, slave, NULL, NULL, NULL), 0);
	CHECK_EQ(tcgetattr(*slave, &t), 0);
	cfmakeraw(&t);
	CHECK_EQ(tcsetattr(*slave, TCSANOW, &t), 0);
}

/* Input that is thrown away makes room for more. */
static void
terminal_flush(void)
{
	void (*waits[])(int) = {write_one, poll_output};
	int master, slave;

	raw_pty(&master, &slave);
	for (size_t i = 0; i < 2; i++) {
		fill(master, 1);
		start(waits[i], master);
		CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
		CHECK_EXIT(sleeper, 0);
	}
	close(master);
	close(slave);
}

static void
leader(int slave, pid_t reader)
{
	CHECK(setsid() >= 0);
	CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	CHECK_EQ(write(slave, "x", 1), 1);
	CHECK_EQ(tcflow(slave, TCOOFF), 0);
	signal(SIGHUP, SIG_IGN);
	if (fork() == 0) { /* keeps the terminal open */
		pause();
		_exit(0);
	}
	wait_state(reader, 'S');
	_exit(0);
}

/* Output that was stopped goes on when the session of the terminal ends. */
static void
terminal_session_end(void)
{
	pid_t self = getpid();
	int master, slave;
	char c;

	raw_pty(&master, &slave);
	CHECK((sleeper = fork()) >= 0);
	if (sleeper == 0)
		leader(slave, self);
	CHECK_EQ(read(master, &c, 1), 1);
	CHECK_EQ(c, 'x');
	CHECK_EXIT(sleeper, 0);
	close(master);
	close(slave);
}

/* ---- record locks ---- */

static int
lock(int fd, int cmd, short type, off_t at)
{
	struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

	return fcntl(fd, cmd, &fl);
}

static void
swap_locks(int fd)
{
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 1), 0);
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, 0), 0);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 1), 0);
}

/* Who has been woken, but has not run yet, does not wait: no deadlock. */
static void
locks(void)
{
	char name[] = "/tmp/wakeups.XXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	CHECK_EQ(lock(fd, F_SETLK, F_WRLCK, 0), 0);
	start(swap_locks, fd);
	CHECK_EQ(lock(fd, F_SETLK, F_UNLCK, 0), 0);
	CHECK_EQ(lock(fd, F_SETLKW, F_WRLCK, 1), 0);
	CHECK_EXIT(sleeper, 0);
	close(fd);
	unlink(name);
}

/* ---- sockets ---- */

static struct sockaddr_un un_name = {.sun_family = AF_UNIX, .sun_path = "\0wakeups"};
#define UN_LEN ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + 8))

static void
connect_one(int fd)
{
	CHECK_EQ(connect(fd, (struct sockaddr *)&un_name, UN_LEN), 0);
}

/* A longer backlog lets those in that wait for a place. */
static void
longer_backlog(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd, waiter;

	CHECK(listener >= 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&un_name, UN_LEN), 0);
	CHECK_EQ(listen(listener, 0), 0);
	do
		CHECK((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
	while (connect(fd, (struct sockaddr *)&un_name, UN_LEN) == 0);
	CHECK_EQ(errno, EAGAIN);
	CHECK((waiter = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	start(connect_one, waiter);
	CHECK_EQ(listen(listener, 5), 0);
	CHECK_EXIT(sleeper, 0);
	close(waiter);
	close(fd);
	close(listener);
}

/* A connection that finds no descriptor stays for the next accept(). */
static void
accept_without_descriptor(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd = socket(AF_UNIX, SOCK_STREAM, 0), in;
	struct rlimit old, few;

	CHECK(fd >= 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&un_name, UN_LEN), 0);
	CHECK_EQ(listen(listener, 1), 0);
	connect_one(fd);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = old.rlim_max};
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_ERR(accept(listener, NULL, NULL), EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK((in = accept(listener, NULL, NULL)) >= 0);
	write_one(in);
	close(in);
	close(fd);
	close(listener);
}

/* A larger buffer is room for who waits for some. */
static void
larger_buffer(void)
{
	void (*waits[])(int) = {write_one, poll_output};
	int size = 4096, fds[2];

	for (size_t i = 0; i < 2; i++) {
		CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		CHECK_EQ(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
		fill(fds[0], 4096);
		start(waits[i], fds[0]);
		size = 100000;
		CHECK_EQ(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
		CHECK_EXIT(sleeper, 0);
		size = 4096;
		close(fds[0]);
		close(fds[1]);
	}
}

/* A datagram socket that is connected to another one can send again. */
static void
another_peer(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), full = socket(AF_UNIX, SOCK_DGRAM, 0);
	int empty = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un other = un_name;

	other.sun_path[1] = 'W';
	CHECK(fd >= 0 && full >= 0 && empty >= 0);
	CHECK_EQ(bind(full, (struct sockaddr *)&other, UN_LEN), 0);
	CHECK_EQ(bind(empty, (struct sockaddr *)&un_name, UN_LEN), 0);
	CHECK_EQ(connect(fd, (struct sockaddr *)&other, UN_LEN), 0);
	fill(fd, 1);
	start(poll_output, fd);
	CHECK_EQ(connect(fd, (struct sockaddr *)&un_name, UN_LEN), 0);
	CHECK_EXIT(sleeper, 0);
	close(fd);
	close(full);
	close(empty);
}

static struct sockaddr_in
loopback(int fd)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	CHECK_EQ(bind(fd, (struct sockaddr *)&sin, len), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return sin;
}

static void
receive_refused(int fd)
{
	char c;

	CHECK_ERR(read(fd, &c, 1), ECONNREFUSED);
}

static void
poll_refused(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK(p.revents & POLLERR);
}

/* A datagram that nobody takes is an error for who waits for an answer. */
static void
refused_datagram(void)
{
	void (*waits[])(int) = {receive_refused, poll_refused};

	for (size_t i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0), gone = socket(AF_INET, SOCK_DGRAM, 0);
		struct sockaddr_in sin = loopback(gone);

		close(gone);
		CHECK_EQ(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
		start(waits[i], fd);
		write_one(fd);
		CHECK_EXIT(sleeper, 0);
		close(fd);
	}
}

/* That it is connected now is news, also for who has been told that an end can be written to. */
static void
connect_edge(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	struct sockaddr_in sin = loopback(listener);
	int ep = epoll_create1(0);

	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 1);
	CHECK_EQ(epoll_wait(ep, &ev, 1, 0), 0);
	CHECK_EQ(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	CHECK_EQ(epoll_wait(ep, &ev, 1, -1), 1);
	CHECK_EQ(ev.events, EPOLLOUT);
	close(ep);
	close(fd);
	close(listener);
}

/* ---- futexes ---- */

static int *word;

static void
wait_word(int fd)
{
	(void)fd;
	CHECK_EQ(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
}

/* Linux wakes one however few are asked for; programs pass -1 for "all". */
static void
futex_wake_few(void)
{
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	for (int n = -1; n <= 0; n++) {
		start(wait_word, -1);
		CHECK_EQ(syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0), 1);
		CHECK_EXIT(sleeper, 0);
	}
}

static const struct {
	const char *name;
	void (*fn)(void);
} steps[] = {
    {"signalfd and handler", signalfd_and_handler},
    {"stop after detach", stop_after_detach},
    {"terminal input is flushed", terminal_flush},
    {"session of a terminal ends", terminal_session_end},
    {"record locks", locks},
    {"longer backlog", longer_backlog},
    {"accept without a descriptor", accept_without_descriptor},
    {"larger buffer", larger_buffer},
    {"another peer", another_peer},
    {"refused datagram", refused_datagram},
    {"edge of connect", connect_edge},
    {"futex", futex_wake_few},
};

int
main(int argc, char **argv)
{
	signal(SIGALRM, hangs);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (argc > 1 && strcmp(argv[1], steps[i].name) != 0)
			continue;
		step = steps[i].name;
		alarm(GUARD);
		steps[i].fn();
	}
	return ok();
}
