/* SPDX-License-Identifier: ISC */
/*
 * syscalls.c: a system call fuzzer: processes that make random calls with hostile arguments until
 * they die.  Whatever they do, the kernel must not panic, every process must be killable, and what
 * they used must come back.
 *
 * usage: syscalls [-psw] SEED ROUND[-LAST]	every call of a round follows from the seed and its
 *number -p	as root; without it what the processes used is checked to come back -s	show each
 *call before it is made -w	say which round it is
 *
 * Kills every process it can see: runs in a sandbox only.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "usage.h"
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 400   /* of one process */
#define CHILDREN 60 /* forks of one round */
#define STUCK_MS 400
#define UNKILLABLE_MS 5000
#define SHOW_FD 120

static int *forks; /* shared by the processes of a round */
static bool privileged, show, watch;
static int mainpid;

static void
die(const char *what, long round)
{
	printf("syscalls: round %ld: %s (errno %d)\n", round, what, errno);
	exit(1);
}

static void
show_call(const struct call *c)
{
	if (show)
		dprintf(SHOW_FD, "[%ld] call %d %lx %lx %lx %lx %lx %lx\n", syscall(SYS_gettid),
			c->nr, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
}

static void
keep_main_alive(struct call *c)
{
	for (int i = 0; i < 3; i++)
		if ((int)c->arg[i] == mainpid)
			c->arg[i] = 0;
	if (geteuid() == 0 && call_reaches_out(c))
		c->nr = SYS_getppid;
}

static void
one_call(void)
{
	struct call c;
	long ret;

	if (one_in(16))
		values_refresh();
	call_choose(&c);
	keep_main_alive(&c);
	if (call_forks(c.nr) && __atomic_add_fetch(forks, 1, __ATOMIC_RELAXED) > CHILDREN)
		return;
	show_call(&c);
	ret = call_make(&c);
	if (!call_forks(c.nr))
		return;
	if (ret == 0) /* a child goes its own way */
		rnd_seed(rnd() ^ 0x5555);
	else if (ret > 0)
		values_pid((int)ret);
}

static void __attribute__((noreturn)) make_calls(int n)
{
	while (n-- > 0)
		one_call();
	_exit(0);
}

void
thread_begin(void)
{
	__asm__ volatile("and $-16, %%rsp\n\tsub $8, %%rsp" ::: "memory");
	rnd_seed(rnd() ^ 0x7777);
	make_calls(CALLS / 4);
}

static void
interrupted(int sig)
{
	(void)sig;
}

/* Calls that wait are interrupted now and then. */
static void
tick_start(void)
{
	struct sigaction sa = {.sa_handler = interrupted};
	struct itimerval it = {{0, 10000}, {0, 10000}};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

static void
limit(int which, rlim_t n)
{
	struct rlimit rl = {n, n};

	setrlimit(which, &rl);
}

static void __attribute__((noreturn)) round_child(uint64_t seed, long round)
{
	sigset_t set;

	rnd_seed(seed * 1000003 + (uint64_t)round);
	setsid();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	dup2(1, SHOW_FD);
	limit(RLIMIT_FSIZE, 4 << 20);
	limit(RLIMIT_AS, 256 << 20);
	limit(RLIMIT_CORE, 0);
	values_setup();
	values_pid(getpid());
	if (!privileged) {
		limit(RLIMIT_NPROC, CHILDREN);
		setgid(1000);
		setuid(1000);
	}
	tick_start();
	make_calls(CALLS);
}

/* Reap children until none is left or the time is over. */
static bool
reap_all(long ms)
{
	struct timespec slice = {0, 5000000};
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);

		if (pid < 0)
			return true;
		if (pid > 0)
			continue;
		if (ms <= 0)
			return false;
		sigtimedwait(&chld, NULL, &slice);
		ms -= 5;
	}
}

/* Until no process but ours can be killed; those that others left behind belong to init. */
static void
kill_all(long round)
{
	for (int i = 0; kill(-1, SIGKILL) == 0; i++) {
		if (i > UNKILLABLE_MS)
			die("processes cannot be killed", round);
		usleep(1000);
	}
	if (!reap_all(UNKILLABLE_MS))
		die("a killed child does not end", round);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type;
	if (at->level > 0)
		remove(path);
	return 0;
}

static void
play_round(uint64_t seed, long round)
{
	pid_t pid;

	*forks = 0;
	mkdir("/tmp", 01777); /* root may have moved it */
	fflush(stdout);
	if ((pid = fork()) < 0)
		die("fork", round);
	if (pid == 0)
		round_child(seed, round);
	reap_all(STUCK_MS);
	kill_all(round);
	nftw("/tmp", remove_one, 16, FTW_DEPTH | FTW_PHYS);
	nftw("/dev/shm", remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/*
 * What unprivileged processes used comes back when they are gone and their files are removed.  A
 * table that has grown may stay so: what leaks does it again.
 */
static void
one_round(uint64_t seed, long round)
{
	struct usage before, after;

	for (int i = 0; i < 4; i++) {
		before = usage_now();
		if (show)
			usage_show();
		play_round(seed, round);
		if (usage_is_back(&before, &after) || privileged)
			return;
	}
	printf(
	    "round %ld leaks: objects %ld -> %ld, processes %ld -> %ld, free frames %ld -> %ld\n",
	    round, before.objects, after.objects, before.processes, after.processes, before.frames,
	    after.frames);
	usage_show();
	exit(1);
}

static void
only_in_a_sandbox(void)
{
	struct utsname u;

	if (uname(&u) == 0 && strstr(u.release, "tine") != NULL)
		return;
	fprintf(stderr, "syscalls: kills every process: runs in a sandbox only\n");
	exit(2);
}

static int
play(uint64_t seed, const char *rounds)
{
	char *end;
	long round = strtol(rounds, &end, 10), last = round;

	if (*end == '-')
		last = strtol(end + 1, &end, 10);
	if (*end != '\0')
		return 2;
	only_in_a_sandbox();
	usage_setup();
	for (; round <= last; round++) {
		if (watch)
			printf("round %ld\n", round);
		one_round(seed, round);
	}
	printf("ok\n");
	return 0;
}

int
main(int argc, char **argv)
{
	sigset_t set;
	int c;

	while ((c = getopt(argc, argv, "psw")) != -1) {
		privileged |= c == 'p';
		show |= c == 's';
		watch |= c == 'w';
	}
	if (argc != optind + 2) /* perhaps a process under test has executed us */
		return 2;
	mainpid = getpid();
	sigfillset(&set); /* root may hit us, too */
	sigprocmask(SIG_SETMASK, &set, NULL);
	forks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return play(strtoull(argv[optind], NULL, 0), argv[optind + 1]);
}
