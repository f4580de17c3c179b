/* SPDX-License-Identifier: ISC */
/* values.c: random and hostile arguments of system calls. */
#define _GNU_SOURCE
#include "values.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096UL
#define ARENA_PAGES 32
#define STACKS 4
#define WINDOW 0x200000000000UL /* where mappings are made and destroyed */
#define WINDOW_PAGES 1024

static uint64_t state;
static char *arena; /* readable and writable, between two pages that are neither */
static char *readonly;
static uint64_t times[16][4];
static int pids[8];

static const uint64_t extremes[] = {0,
				    1,
				    2,
				    3,
				    7,
				    8,
				    15,
				    16,
				    63,
				    64,
				    127,
				    128,
				    255,
				    256,
				    4095,
				    4096,
				    4097,
				    65535,
				    65536,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x100000000,
				    0x7fffffffffff,
				    0x7fffffffe000,
				    0x7fffffffefff,
				    0x7ffffffff000,
				    0x800000000000,
				    0xffff7fffffffffff,
				    0xffff800000000000,
				    0xffffffff80000000,
				    0xffffffff80100000,
				    0xfffffffffffff000,
				    0x7fffffffffffffff,
				    0x8000000000000000,
				    0xfffffffffffffffe,
				    0xffffffffffffffff,
				    (uint64_t)-100,
				    (uint64_t)-4096,
				    0x4141414141414141};

static const char *const paths[] = {"/",
				    ".",
				    "..",
				    "",
				    "/tmp",
				    "/dev",
				    "/dev/null",
				    "/dev/zero",
				    "/dev/full",
				    "/dev/urandom",
				    "/dev/tty",
				    "/dev/ptmx",
				    "/dev/pts",
				    "/dev/pts/0",
				    "/dev/shm",
				    "/proc",
				    "/proc/self",
				    "/proc/self/fd",
				    "/proc/self/fd/3",
				    "/proc/self/fd/7",
				    "/proc/self/exe",
				    "/proc/self/maps",
				    "/proc/self/smaps",
				    "/proc/self/mem",
				    "/proc/self/stat",
				    "/proc/self/task",
				    "/proc/thread-self",
				    "/proc/self/root/tmp",
				    "/proc/self/cwd",
				    "/proc/meminfo",
				    "/proc/1/status",
				    "/proc/sys/kernel/pid_max",
				    "/etc/passwd",
				    "/bin",
				    "/tmp/a",
				    "/tmp/b",
				    "/tmp/c",
				    "/tmp/dir",
				    "/tmp/dir/a",
				    "/tmp/dir/../a",
				    "/tmp/dir/b",
				    "/tmp/dir2",
				    "/tmp/dir2/sub",
				    "/tmp/link",
				    "/tmp/loop",
				    "/tmp/fifo",
				    "/tmp/a/",
				    "/tmp/a/b",
				    "a",
				    "b",
				    "dir/a",
				    "//tmp//./a",
				    "/tmp/"
				    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
				    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
				    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
				    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
				    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
				    "\377\376\001"};

static const uint32_t commands[] = {
    TCGETS,    TCSETS,     TCSETSW,     TCSETSF,  TCSBRK,   TCXONC,     TCFLSH,
    TIOCSCTTY, TIOCGPGRP,  TIOCSPGRP,   TIOCOUTQ, TIOCSTI,  TIOCGWINSZ, TIOCSWINSZ,
    FIONREAD,  FIONBIO,    FIOASYNC,    FIOCLEX,  FIONCLEX, TIOCNOTTY,  TIOCGSID,
    TIOCGPTN,  TIOCSPTLCK, TIOCGPTPEER, TIOCPKT,  TIOCEXCL, TIOCSETD,   TIOCGETD};

static const uint64_t clone_flags[] = {CLONE_VM,
				       CLONE_FS,
				       CLONE_FILES,
				       CLONE_SIGHAND,
				       CLONE_PTRACE,
				       CLONE_VFORK,
				       CLONE_PARENT,
				       CLONE_THREAD,
				       CLONE_NEWNS,
				       CLONE_SYSVSEM,
				       CLONE_SETTLS,
				       CLONE_PARENT_SETTID,
				       CLONE_CHILD_CLEARTID,
				       CLONE_DETACHED,
				       CLONE_UNTRACED,
				       CLONE_CHILD_SETTID,
				       CLONE_PIDFD,
				       CLONE_IO,
				       0x100000000,
				       0x200000000};

uint64_t
rnd(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void
rnd_seed(uint64_t seed)
{
	state = seed;
}

static uint64_t
extreme(void)
{
	uint64_t v = PICK(extremes);

	return one_in(4) ? v + below(16) - 8 : v;
}

static uint64_t
flag_bits(void)
{
	uint64_t v = 0;

	switch (below(4)) {
	case 0:
		return 0;
	case 1:
		return 1UL << below(32);
	case 2:
		for (uint64_t n = below(5); n > 0; n--)
			v |= 1UL << below(24);
		return v;
	default:
		return rnd() >> below(64);
	}
}

static uint64_t
length(void)
{
	switch (below(8)) {
	case 0:
		return extreme();
	case 1:
		return below(64 * PAGE);
	case 2:
		return below(8) * PAGE;
	case 3:
		return 8UL << below(8);
	default:
		return below(256);
	}
}

static uint64_t
buffer(void)
{
	uint64_t end = (uint64_t)arena + ARENA_PAGES * PAGE;

	switch (below(12)) {
	case 0:
		return extreme();
	case 1:
		return 0;
	case 2:
		return end - below(256); /* runs into what cannot be accessed */
	case 3:
		return (uint64_t)readonly + below(PAGE);
	case 4:
		return WINDOW + below(WINDOW_PAGES * PAGE);
	default:
		return (uint64_t)arena + below(ARENA_PAGES * PAGE / 16) * 16;
	}
}

static uint64_t
address(void)
{
	if (one_in(16))
		return extreme();
	if (one_in(16))
		return 0;
	return WINDOW + below(WINDOW_PAGES) * PAGE + (one_in(16) ? below(PAGE) : 0);
}

static uint64_t
descriptor(void)
{
	if (one_in(16))
		return (uint64_t)AT_FDCWD;
	return one_in(16) ? extreme() : below(28);
}

static uint64_t
process(void)
{
	switch (below(8)) {
	case 0:
		return extreme();
	case 1:
		return 0;
	case 2:
		return (uint64_t)getpid();
	case 3:
		return below(40);
	default:
		return (uint64_t)(int64_t)pids[below(8)];
	}
}

void
values_pid(int pid)
{
	pids[below(8)] = pid;
}

/* The word at the top is where the system call "returns" to in a thread that starts on this stack.
 */
static uint64_t
stack(void)
{
	uint64_t *top = (uint64_t *)(void *)(arena + (1 + below(STACKS)) * 4 * PAGE) - 8;

	if (one_in(4))
		return one_in(2) ? 0 : buffer();
	*top = (uint64_t)thread_begin;
	return (uint64_t)top;
}

static uint64_t
clone_bits(void)
{
	uint64_t v = one_in(2) ? SIGCHLD : one_in(4) ? below(128) : 0;

	if (one_in(3))
		return CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		       (one_in(2) ? CLONE_SYSVSEM : 0);
	for (uint64_t n = below(4); n > 0; n--)
		v |= PICK(clone_flags);
	return v;
}

static uint64_t
vector(void)
{
	uint64_t *v = (uint64_t *)(void *)(arena + (16 + below(16)) * PAGE);

	if (one_in(4))
		return buffer();
	for (int i = 0; i < 4; i++)
		v[i] = one_in(3) ? 0 : (uint64_t)PICK(paths);
	v[4] = 0;
	return (uint64_t)v;
}

static uint64_t
path(void)
{
	return one_in(12) ? buffer() : (uint64_t)PICK(paths);
}

uint64_t
value(char kind)
{
	static const char kinds[] = "fbnpigoaPstmuvSFc";

	switch (kind) {
	case 'f':
		return descriptor();
	case 'b':
		return buffer();
	case 'n':
		return length();
	case 'p':
		return path();
	case 'i':
		return below(70) - 2;
	case 'g':
		return flag_bits();
	case 'o':
		return one_in(3) ? extreme() : below(16 * PAGE);
	case 'a':
		return address();
	case 'P':
		return process();
	case 's':
		return one_in(8) ? extreme() : below(66);
	case 't':
		return one_in(8) ? buffer() : (uint64_t)PICK(times);
	case 'm':
		return one_in(8) ? extreme() : below(010000);
	case 'u':
		return one_in(3) ? extreme() : below(4) * 1000;
	case 'v':
		return vector();
	case 'S':
		return stack();
	case 'F':
		return clone_bits();
	case 'c':
		return one_in(8) ? rnd() >> 32 : PICK(commands);
	case 'D':
	case 'T':
	case 'N':
	case 'L':
	case 'M':
	case 'l':
		return socket_value(kind);
	default:
		return one_in(4) ? extreme() : value(PICK(kinds));
	}
}

void
values_refresh(void)
{
	static const char kinds[] = "fbnigoaPsuux";
	uint64_t *p = (uint64_t *)(void *)(arena + below(ARENA_PAGES) * PAGE);

	for (size_t i = 0; i < PAGE / 8; i++)
		p[i] = one_in(3) ? 0 : value(PICK(kinds));
	for (int i = 0; i < 16; i++) {
		uint64_t *t = times[i];

		for (int j = 0; j < 4; j++)
			t[j] = one_in(6) ? extreme() : (j & 1) != 0 ? below(2000000) : 0;
	}
}

static void
open_files(void)
{
	int p[2], fd;

	for (fd = 0; fd < 64; fd++)
		close(fd);
	fd = open("/dev/null", O_RDWR); /* what is written to 0, 1 and 2 is nobody's business */
	dup(fd), dup(fd);
	pipe(p);
	pipe2(p, O_NONBLOCK);
	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ioctl(fd, TIOCSPTLCK, &(int){0});
	ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	open("/tmp/a", O_RDWR | O_CREAT, 0666);
	open("/tmp", O_RDONLY | O_DIRECTORY);
	open("/proc/self", O_RDONLY | O_DIRECTORY);
	open("/dev/zero", O_RDWR);
	eventfd(0, EFD_NONBLOCK);
	epoll_create1(0);
	timerfd_create(CLOCK_MONOTONIC, 0);
	memfd_create("m", MFD_ALLOW_SEALING);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	socket(AF_UNIX, SOCK_STREAM, 0);
	open("/proc/self/exe", O_RDONLY);
	open("/tmp/b", O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0666);
}

static char *
map(uint64_t at, size_t pages, int prot)
{
	return mmap((void *)at, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void
values_setup(void)
{
	map(WINDOW - 3 * PAGE - ARENA_PAGES * PAGE, ARENA_PAGES + 3, PROT_NONE);
	arena = map(WINDOW - 2 * PAGE - ARENA_PAGES * PAGE, ARENA_PAGES, PROT_READ | PROT_WRITE);
	readonly = map(WINDOW - PAGE, 1, PROT_READ);
	map(WINDOW, WINDOW_PAGES / 4, PROT_READ | PROT_WRITE);
	open_files();
	for (int i = 0; i < ARENA_PAGES; i++)
		values_refresh();
}
