/* SPDX-License-Identifier: ISC */
/*
 * held.c: a guest program in which as much as possible is half done: it makes all of that, says
 * "held", and with the next line on standard input brings each to its end and says "all".  It is
 * frozen in between: what a clone has lost, or has twice, shows here.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const char *doing;

#define NEED(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("%s: line %d: %s (%s)\n", doing, __LINE__, #cond, strerror(errno)); \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static int
status_of(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	return status;
}

/* ---- a tracer and who it traces, between the entry of a system call and its exit ---- */

static pid_t traced;

static void
trace_hold(void)
{
	traced = fork();
	NEED(traced >= 0);
	if (traced == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit((int)syscall(SYS_getppid) == getppid() ? 7 : 8);
	}
	NEED(WIFSTOPPED(status_of(traced)));
	NEED(ptrace(PTRACE_SYSCALL, traced, NULL, NULL) == 0);
	NEED(WIFSTOPPED(status_of(traced)));
}

static void
trace_end(void)
{
	struct user_regs_struct regs;

	NEED(ptrace(PTRACE_GETREGS, traced, NULL, &regs) == 0);
	NEED(regs.orig_rax == SYS_getppid);
	NEED(ptrace(PTRACE_SYSCALL, traced, NULL, NULL) == 0);
	NEED(WIFSTOPPED(status_of(traced)));
	NEED(ptrace(PTRACE_GETREGS, traced, NULL, &regs) == 0 && regs.rax == (uint64_t)getpid());
	NEED(ptrace(PTRACE_CONT, traced, NULL, NULL) == 0);
	NEED(status_of(traced) == 7 << 8);
}

/* ---- a parent in vfork(), whose child waits for a byte ---- */

static int vfork_pipe[2];
static pid_t vforker;

static __attribute__((noinline)) int
vfork_and_read(void)
{
	pid_t pid = vfork();
	char c;

	if (pid == 0)
		_exit(read(vfork_pipe[0], &c, 1) == 1 ? c : 1);
	return status_of(pid) >> 8;
}

static void
vfork_hold(void)
{
	NEED(pipe(vfork_pipe) == 0);
	vforker = fork();
	NEED(vforker >= 0);
	if (vforker == 0)
		_exit(vfork_and_read() + 1);
}

static void
vfork_end(void)
{
	NEED(write(vfork_pipe[1], "\x20", 1) == 1);
	NEED(status_of(vforker) == 0x21 << 8);
}

/* ---- half a line typed at a terminal ---- */

static int terminal, line;

static void
pty_hold(void)
{
	struct termios t;

	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	NEED(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	NEED(line >= 0 && tcgetattr(line, &t) == 0);
	t.c_lflag &= ~(tcflag_t)ECHO;
	NEED(tcsetattr(line, TCSANOW, &t) == 0);
	NEED(write(terminal,
		   "helf\x7f\x7f\x7f"
		   "al",
		   9) == 9);
	NEED(write(line, "out", 3) == 3);
}

static void
pty_end(void)
{
	char text[16] = "";

	NEED(write(terminal, "f\n", 2) == 2);
	NEED(read(line, text, sizeof(text)) == 5 && memcmp(text, "half\n", 5) == 0);
	NEED(read(terminal, text, sizeof(text)) == 3 && memcmp(text, "out", 3) == 0);
}

/* ---- a pipe that is full in the middle of a write ---- */

#define FLOOD 50000u
static int full[2];
static pid_t flooder;

static void
pipe_hold(void)
{
	static uint32_t words[FLOOD];

	NEED(pipe(full) == 0);
	flooder = fork();
	NEED(flooder >= 0);
	for (uint32_t i = 0; i < FLOOD; i++)
		words[i] = i * 7;
	if (flooder == 0)
		_exit(write(full[1], words, sizeof(words)) != sizeof(words));
	close(full[1]);
	NEED(read(full[0], words, 10) == 10);
}

static void
pipe_end(void)
{
	static uint8_t text[4 * FLOOD];
	size_t have = 10;
	ssize_t n;

	while ((n = read(full[0], text + have, sizeof(text) - have)) > 0)
		have += (size_t)n;
	NEED(n == 0 && have == sizeof(text));
	for (uint32_t i = 3; i < FLOOD; i++)
		NEED(memcmp(text + 4 * i, &(uint32_t){i * 7}, 4) == 0);
	NEED(status_of(flooder) == 0);
}

/* ---- a descriptor under way in a socket; it is of a file without a name ---- */

static int pair[2];

static void
rights_hold(void)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(sizeof(int))];
	} u = {.hdr = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {(char[]){'x'}, 1};
	struct msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};
	int fd = open("/tmp/held-nameless", O_RDWR | O_CREAT | O_EXCL, 0600);

	NEED(fd >= 0 && unlink("/tmp/held-nameless") == 0 && write(fd, "content", 7) == 7);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	memcpy(CMSG_DATA(&u.hdr), &fd, sizeof(fd));
	NEED(sendmsg(pair[0], &msg, 0) == 1 && close(fd) == 0 && close(pair[0]) == 0);
}

static void
rights_end(void)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(sizeof(int))];
	} u;
	char text[8] = "";
	struct iovec iov = {text, 1};
	struct msghdr msg = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};
	int fd;

	NEED(recvmsg(pair[1], &msg, 0) == 1 && text[0] == 'x' && CMSG_FIRSTHDR(&msg) != NULL);
	memcpy(&fd, CMSG_DATA(&u.hdr), sizeof(fd));
	NEED(pread(fd, text, 8, 0) == 7 && memcmp(text, "content", 7) == 0);
	NEED(lseek(fd, 0, SEEK_CUR) == 7);
	NEED(recv(pair[1], text, 1, 0) == 0);
}

/* ---- TCP: bytes in the queue of one connection, another that nobody has accepted ---- */

static int listener, client[2], server;

static void
tcp_hold(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	NEED(bind(listener, (struct sockaddr *)&sin, len) == 0 && listen(listener, 4) == 0);
	NEED(getsockname(listener, (struct sockaddr *)&sin, &len) == 0);
	for (int i = 0; i < 2; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM, 0);
		NEED(connect(client[i], (struct sockaddr *)&sin, len) == 0);
		NEED(write(client[i], &"AB"[i], 1) == 1);
	}
	server = accept(listener, NULL, NULL);
	NEED(server >= 0 && shutdown(client[0], SHUT_WR) == 0);
}

static void
tcp_end(void)
{
	char c;
	int second = accept(listener, NULL, NULL);

	NEED(read(server, &c, 1) == 1 && c == 'A' && read(server, &c, 1) == 0);
	NEED(read(second, &c, 1) == 1 && c == 'B');
	NEED(write(server, "c", 1) == 1 && read(client[0], &c, 1) == 1 && c == 'c');
}

/* ---- epoll over an eventfd, a timer that has expired, a signal that is pending ---- */

static int ep, event, timer, sigfd;

static void
epoll_hold(void)
{
	struct itimerspec at = {.it_value = {.tv_nsec = 1}, .it_interval = {.tv_sec = 1000000}};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	ep = epoll_create1(0);
	event = eventfd(5, EFD_SEMAPHORE);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	sigfd = signalfd(-1, &set, 0);
	NEED(timerfd_settime(timer, 0, &at, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		const int fds[] = {event, timer, sigfd};
		struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = fds[i]};

		NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev) == 0);
	}
	for (int i = 1; i <= 3; i++)
		NEED(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = i}) == 0);
}

static void
epoll_end(void)
{
	struct signalfd_siginfo info;
	struct epoll_event ev[4];
	uint64_t n;
	int found = 0;

	while (found < 3) {
		int k = epoll_wait(ep, ev, 4, -1);

		NEED(k > 0);
		found += k;
	}
	NEED(found == 3 && epoll_wait(ep, ev, 4, 0) == 0);
	for (int i = 0; i < 5; i++)
		NEED(read(event, &n, sizeof(n)) == sizeof(n) && n == 1);
	NEED(read(timer, &n, sizeof(n)) == sizeof(n) && n == 1);
	for (uint32_t i = 1; i <= 3; i++)
		NEED(read(sigfd, &info, sizeof(info)) == sizeof(info) && info.ssi_int == (int)i);
}

/* ---- a thread that waits, and one whose vector registers have something in them ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int go, registers_pipe[2];
static pthread_t waiter, reader;

static void *
wait_for_go(void *arg)
{
	pthread_mutex_lock(&mutex);
	while (!go)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return arg;
}

/* Registers and control word that are not those of another thread, over a system call that waits.
 */
static void *
read_with_registers(void *arg)
{
	const uint64_t value = 0x0123456789abcdef;
	uint32_t csr = 0x1f80 | 0x6000, back;
	uint64_t low, high;
	long n = SYS_read;
	char c;

	__asm__ volatile("ldmxcsr %[csr]\n\t"
			 "movq %[value], %%xmm7\n\t"
			 "movq %[value], %%xmm15\n\t"
			 "syscall\n\t"
			 "stmxcsr %[back]\n\t"
			 "movq %%xmm7, %[low]\n\t"
			 "movq %%xmm15, %[high]"
			 : [low] "=&r"(low), [high] "=&r"(high), [back] "=m"(back), "+a"(n)
			 : [csr] "m"(csr), [value] "r"(value), "D"((long)registers_pipe[0]),
			   "S"(&c), "d"(1L)
			 : "rcx", "r11", "xmm7", "xmm15", "memory", "cc");
	return n == 1 && low == value && high == value && back == csr ? arg : NULL;
}

static void
threads_hold(void)
{
	NEED(pthread_create(&waiter, NULL, wait_for_go, &go) == 0);
	NEED(pipe(registers_pipe) == 0);
	NEED(pthread_create(&reader, NULL, read_with_registers, &go) == 0);
}

static void
threads_end(void)
{
	void *result;

	pthread_mutex_lock(&mutex);
	go = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	NEED(pthread_join(waiter, &result) == 0 && result == &go);
	NEED(write(registers_pipe[1], "", 1) == 1);
	NEED(pthread_join(reader, &result) == 0 && result == &go);
}

/* ---- processes that stand: for a lock, for the other end of a FIFO, stopped, in a handler, dead
 * ---- */

static int lock, handler_pipe[2];
static pid_t locker, opener, stopped, handling, dead;

static void
on_usr1(int sig)
{
	char c;

	(void)sig;
	_exit(read(handler_pipe[0], &c, 1) == 1 ? 5 : 6);
}

static void
on_alternate_stack(void)
{
	static char stack[1 << 16];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};

	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}

static void
stand_hold(void)
{
	struct flock fl = {.l_type = F_WRLCK};

	lock = open("/tmp/held-lock", O_RDWR | O_CREAT, 0600);
	NEED(lock >= 0 && fcntl(lock, F_SETLK, &fl) == 0);
	NEED(mkfifo("/tmp/held-fifo", 0600) == 0 && pipe(handler_pipe) == 0);
	if ((locker = fork()) == 0)
		_exit(fcntl(lock, F_SETLKW, &fl) == 0 ? 0 : 1);
	if ((opener = fork()) == 0)
		_exit(write(open("/tmp/held-fifo", O_WRONLY), "f", 1) == 1 ? 0 : 1);
	if ((stopped = fork()) == 0) {
		raise(SIGSTOP);
		_exit(4);
	}
	if ((handling = fork()) == 0)
		on_alternate_stack();
	if ((dead = fork()) == 0)
		_exit(3);
	NEED(locker > 0 && opener > 0 && stopped > 0 && handling > 0 && dead > 0);
	NEED(waitid(P_PID, (id_t)dead, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
	NEED(waitid(P_PID, (id_t)stopped, &(siginfo_t){0}, WSTOPPED | WNOWAIT) == 0);
}

static void
stand_end(void)
{
	struct flock fl = {.l_type = F_UNLCK};
	int fd = open("/tmp/held-fifo", O_RDONLY), status;
	char c;

	NEED(fd >= 0 && read(fd, &c, 1) == 1 && c == 'f');
	NEED(status_of(opener) == 0);
	NEED(fcntl(lock, F_SETLK, &fl) == 0 && status_of(locker) == 0);
	NEED(waitpid(stopped, &status, WUNTRACED) == stopped && WIFSTOPPED(status));
	NEED(kill(stopped, SIGCONT) == 0 && status_of(stopped) == 4 << 8);
	NEED(write(handler_pipe[1], "", 1) == 1 && status_of(handling) == 5 << 8);
	NEED(status_of(dead) == 3 << 8);
	NEED(unlink("/tmp/held-fifo") == 0 && unlink("/tmp/held-lock") == 0);
}

/* ---- memory that two processes share ---- */

static struct shared {
	_Atomic uint32_t turn;
} * shared;
static pid_t partner;

static long
futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void
shared_hold(void)
{
	int fd = memfd_create("shared", 0);

	NEED(fd >= 0 && ftruncate(fd, 4096) == 0);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(shared != MAP_FAILED && close(fd) == 0);
	partner = fork();
	NEED(partner >= 0);
	if (partner == 0) {
		while (shared->turn != 1)
			futex(&shared->turn, 0, 0); /* FUTEX_WAIT */
		shared->turn = 2;
		_exit(0);
	}
}

static void
shared_end(void)
{
	NEED(shared->turn == 0);
	shared->turn = 1;
	futex(&shared->turn, 1, 1); /* FUTEX_WAKE */
	NEED(status_of(partner) == 0 && shared->turn == 2);
}

static const struct {
	const char *name;
	void (*hold)(void), (*end)(void);
} rows[] = {
    {"trace", trace_hold, trace_end},    {"vfork", vfork_hold, vfork_end},
    {"pty", pty_hold, pty_end},          {"pipe", pipe_hold, pipe_end},
    {"rights", rights_hold, rights_end}, {"tcp", tcp_hold, tcp_end},
    {"epoll", epoll_hold, epoll_end},    {"threads", threads_hold, threads_end},
    {"stand", stand_hold, stand_end},    {"shared", shared_hold, shared_end},
};

int
main(void)
{
	char text[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/tmp", 01777);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		doing = rows[i].name;
		rows[i].hold();
	}
	puts("held");
	doing = "stdin";
	NEED(fgets(text, sizeof(text), stdin) != NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		doing = rows[i].name;
		rows[i].end();
	}
	doing = "children";
	NEED(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
	printf("all %s", text);
	return 0;
}
