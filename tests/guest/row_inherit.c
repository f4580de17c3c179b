/* SPDX-License-Identifier: ISC */
/* row_inherit.c: what else a child inherits, and what it starts without; on Linux too, as root.
 * rows: B2 B4 B6 B7 B11 B12 B13 */
#include "guest.h"
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static void
credentials(void)
{
	gid_t groups[3] = {7, 8, 9}, got[8];
	pid_t pid;

	CHECK_EQ(setgroups(3, groups), 0);
	CHECK_EQ(setegid(77), 0);
	if ((pid = fork()) == 0) {
		CHECK(getuid() == 0 && geteuid() == 0 && getegid() == 77);
		CHECK_EQ(getgroups(8, got), 3);
		CHECK_EQ(memcmp(got, groups, sizeof(groups)), 0);
		CHECK_EQ(setegid(0), 0);
		CHECK_EQ(setgroups(1, &got[2]), 0);
		CHECK_EQ(setuid(1000), 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK(getuid() == 0 && getegid() == 77 && getgroups(8, got) == 3);
	CHECK_EQ(setegid(0), 0);
}

/* A process that has changed its user keeps its secrets from that user, and so do its children. */
static void
set_id_history(void)
{
	struct stat st;
	pid_t pid, child;

	if ((pid = fork()) == 0) {
		CHECK_EQ(setgid(1000), 0);
		CHECK_EQ(setuid(1000), 0);
		CHECK_EQ(stat("/proc/self/status", &st), 0);
		CHECK_EQ(st.st_uid, 0);
		if ((child = fork()) == 0) {
			CHECK_EQ(stat("/proc/self/status", &st), 0);
			_exit(st.st_uid == 0 ? 1 : 2);
		}
		CHECK_EXIT(child, 1);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static void
signals(void)
{
	static char stack[32768];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)}, got;
	sigset_t set, old;
	pid_t pid;

	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR1);
	if ((pid = fork()) == 0) {
		CHECK_EQ(sigaltstack(NULL, &got), 0);
		CHECK(got.ss_sp == ss.ss_sp && got.ss_size == ss.ss_size && got.ss_flags == 0);
		CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &old), 0);
		CHECK(sigismember(&old, SIGUSR1) && !sigismember(&old, SIGHUP));
		CHECK_EQ(sigpending(&old), 0);
		CHECK(!sigismember(&old, SIGUSR1)); /* the parent's */
		CHECK(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(sigpending(&old), 0);
	CHECK(sigismember(&old, SIGUSR1));
	CHECK(signal(SIGUSR2, SIG_DFL) == SIG_IGN);
	sigwait(&set, &(int){0});
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	ss.ss_flags = SS_DISABLE;
	CHECK_EQ(sigaltstack(&ss, NULL), 0);
}

static void
group_and_session(void)
{
	pid_t pid;

	if ((pid = fork()) == 0) {
		CHECK_EQ(getpgrp(), getpgid(getppid()));
		CHECK_EQ(getsid(0), getsid(getppid()));
		pause();
	}
	CHECK_EQ(getpgid(pid), getpgrp());
	CHECK_EQ(setpgid(pid, pid), 0);
	CHECK_EQ(getpgid(pid), pid);
	CHECK_EQ(kill(-pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
	if ((pid = fork()) == 0) {
		CHECK_EQ(setsid(), getpid());
		_exit(getpgrp() == getpid() ? 0 : 1);
	}
	CHECK_EXIT(pid, 0);
}

/* The terminal goes with the session. */
static void
terminal(void)
{
	int master, slave, fd, unlock = 0, n;
	char name[32];
	pid_t pid, child;

	if ((pid = fork()) == 0) {
		CHECK_EQ(setsid(), getpid());
		CHECK((master = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0);
		CHECK_EQ(ioctl(master, TIOCSPTLCK, &unlock), 0);
		CHECK_EQ(ioctl(master, TIOCGPTN, &n), 0);
		snprintf(name, sizeof(name), "/dev/pts/%d", n);
		CHECK((slave = open(name, O_RDWR | O_NOCTTY)) >= 0);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		CHECK_EQ(ioctl(slave, TIOCSCTTY, 0), 0);
		if ((child = fork()) == 0) {
			CHECK((fd = open("/dev/tty", O_RDWR)) >= 0);
			CHECK(stat_field(getpid(), 7) != 0);
			CHECK_EQ(setsid(), getpid());
			CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
			_exit(0);
		}
		CHECK_EXIT(child, 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static void
burn(long ms)
{
	struct timespec ts;
	long start;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	start = ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	while (ts.tv_sec * 1000 + ts.tv_nsec / 1000000 < start + ms)
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
}

static long
clock_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long
cpu_us(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000 + ru->ru_utime.tv_usec +
	       ru->ru_stime.tv_usec;
}

static void
accounting(void)
{
	struct rusage ru;
	long before, start;
	pid_t pid;

	burn(150);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
	before = clock_us(CLOCK_BOOTTIME);
	if ((pid = fork()) == 0) {
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
		CHECK_EQ(getrusage(RUSAGE_SELF, &ru), 0);
		/* The parent's 150 ms are not in it, however long ago the fork was. */
		CHECK(cpu_us(&ru) <= clock_us(CLOCK_BOOTTIME) - before);
		CHECK_EQ(getrusage(RUSAGE_CHILDREN, &ru), 0);
		CHECK_EQ(cpu_us(&ru), 0);
		CHECK(stat_field(getpid(), 9) & 0x40); /* forked, has not called exec */
		start = stat_field(getpid(), 22);
		CHECK(start >= before / 10000 && start <= clock_us(CLOCK_BOOTTIME) / 10000);
		CHECK(start >= stat_field(getppid(), 22));
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, 0), 0);
}

/* One field of each kind of the process structure. */
static void
structure(void)
{
	struct itimerval it = {{100, 0}, {100, 0}}, got;
	char name[16] = "";
	pid_t pid;
	int v = -1;

	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	CHECK_EQ(prctl(PR_SET_NAME, "inheritor"), 0);
	CHECK_EQ(prctl(PR_SET_PDEATHSIG, SIGUSR1), 0);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK(personality(ADDR_NO_RANDOMIZE) != -1);
	umask(027);
	if ((pid = fork()) == 0) {
		/* zeroed */
		CHECK_EQ(getitimer(ITIMER_REAL, &got), 0);
		CHECK(got.it_value.tv_sec == 0 && got.it_interval.tv_sec == 0);
		CHECK_EQ(getitimer(ITIMER_VIRTUAL, &got), 0);
		CHECK(got.it_value.tv_sec == 0 && got.it_interval.tv_sec == 0);
		CHECK_EQ(prctl(PR_GET_PDEATHSIG, &v), 0);
		CHECK_EQ(v, 0);
		CHECK_EQ(prctl(PR_GET_CHILD_SUBREAPER, &v), 0);
		CHECK_EQ(v, 0);
		/* copied */
		CHECK_EQ(prctl(PR_GET_NAME, name), 0);
		CHECK_EQ(strcmp(name, "inheritor"), 0);
		CHECK_EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
		CHECK_EQ(umask(0), 027);
		/* rebuilt */
		CHECK(getpid() != getppid());
		CHECK_EQ(stat_field(getpid(), 20), 1); /* threads */
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(umask(022), 027);
	it = (struct itimerval){0};
	setitimer(ITIMER_REAL, &it, NULL);
	setitimer(ITIMER_VIRTUAL, &it, NULL);
}

int
main(void)
{
	credentials();
	set_id_history();
	signals();
	group_and_session();
	terminal();
	accounting();
	structure();
	return ok();
}
