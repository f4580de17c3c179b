/* SPDX-License-Identifier: ISC */
/* row_rfork.c: rfork() with RFPROC: every flag, what it shares and what it refuses.
 * rows: A3 A5 B1 B2 B3 D6 */
#include "native.h"

static volatile int value;

static void
on_usr2(int sig)
{
	value = sig;
}

/* Descriptors: a copy, the same table, or an empty one. */
static void
files(void)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC), other = open("/", O_RDONLY);
	pid_t pid;

	CHECK(fd >= 3 && other > fd);
	if ((pid = rfork(RFPROC | RFFDG)) == 0) {
		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_EQ(fcntl(other, F_GETFD), 0);
		CHECK_EQ(chdir("/tmp"), 0);
		_exit(close(fd) == 0 ? 10 : 1);
	}
	CHECK_EXIT(pid, 10);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC); /* the child closed its own */

	if ((pid = rfork(RFPROC)) == 0) {
		CHECK_EQ(dup2(other, other + 10), other + 10);
		_exit(close(fd) == 0 ? 11 : 1);
	}
	CHECK_EXIT(pid, 11);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	CHECK_EQ(close(other + 10), 0);

	if ((pid = rfork(RFPROC | RFCFDG)) == 0) {
		for (int i = 0; i < 100; i++)
			if (fcntl(i, F_GETFD) != -1 || errno != EBADF)
				_exit(1);
		_exit(open("/", O_RDONLY) == 0 ? 12 : 2);
	}
	CHECK_EXIT(pid, 12);
	CHECK_EQ(close(other), 0);
}

/* The working directory goes with the descriptors. */
static void
directory(void)
{
	char buf[64];
	pid_t pid;

	CHECK_EQ(chdir("/"), 0);
	if ((pid = rfork(RFPROC | RFFDG)) == 0)
		_exit(chdir("/tmp"));
	CHECK_EXIT(pid, 0);
	CHECK_EQ(strcmp(getcwd(buf, sizeof(buf)), "/"), 0);
	if ((pid = rfork(RFPROC)) == 0)
		_exit(chdir("/tmp"));
	CHECK_EXIT(pid, 0);
	CHECK_EQ(strcmp(getcwd(buf, sizeof(buf)), "/tmp"), 0);
}

static int
set_value(void *arg)
{
	value = (int)(long)arg;
	return 13;
}

static int
set_handler(void *arg)
{
	(void)arg;
	signal(SIGUSR2, on_usr2);
	return 14;
}

static void
memory_and_handlers(void)
{
	pid_t pid;

	value = 1;
	CHECK((pid = rfork_thread(RFPROC | RFFDG | RFMEM, new_stack(), set_value, (void *)2)) > 0);
	CHECK_EXIT(pid, 13);
	CHECK_EQ(value, 2);
	if ((pid = rfork(RFPROC | RFFDG)) == 0) {
		value = 3;
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(value, 2);

	pid = rfork_thread(RFPROC | RFFDG | RFMEM, new_stack(), set_handler, NULL);
	CHECK_EXIT(pid, 14);
	CHECK(signal(SIGUSR2, SIG_IGN) == SIG_DFL); /* a copy was changed */
	pid = rfork_thread(RFPROC | RFFDG | RFMEM | RFSIGSHARE, new_stack(), set_handler, NULL);
	CHECK_EXIT(pid, 14);
	CHECK(signal(SIGUSR2, SIG_DFL) == on_usr2);
}

static void
refused(void)
{
	struct tine_stats before = stats();

	CHECK_ERR(rfork(RFPROC | RFFDG | RFCFDG), EINVAL);
	CHECK_ERR(rfork(RFFDG | RFCFDG), EINVAL);
	CHECK_ERR(rfork(RFPROC | RFFDG | RFSIGSHARE), EINVAL);
	CHECK_EQ(stats().forks, before.forks);
}

/* Bits of the kernel are not for us, and not an error. */
static void
kernel_only(void)
{
	pid_t pid;

	set_text("kern.pidpolicy", "sequential");
	if ((pid = rfork((int)(RFPROC | RFFDG | RFHIGHPID | 1u << 27))) == 0)
		_exit(0);
	CHECK(pid > 0);
	CHECK_EQ(var("kern.lastpid"), pid); /* RFHIGHPID would have left it */
	CHECK_EXIT(pid, 0);
	set_text("kern.pidpolicy", "random");
}

static void
exit_signal(void)
{
	int status;
	sigset_t set;
	siginfo_t si;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((pid = rfork(RFPROC | RFFDG | RFLINUXTHPN)) == 0)
		_exit(15);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(WEXITSTATUS(status), 15);
	if ((pid = rfork(RFPROC | RFFDG)) == 0)
		_exit(0);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGCHLD);
	CHECK_EXIT(pid, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void
not_ours(void)
{
	volatile pid_t *ppid = shared_page();
	pid_t pid;

	*ppid = -1;
	if ((pid = rfork(RFPROC | RFFDG | RFNOWAIT)) == 0) {
		*ppid = getppid();
		_exit(0);
	}
	CHECK(pid > 0);
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD);
	while (*ppid == -1)
		sched_yield();
	CHECK_EQ(*ppid, 1);
	while (kill(pid, 0) == 0) /* process 1 reaps it */
		sched_yield();
	CHECK_EQ(errno, ESRCH);

	if ((pid = rfork((int)(RFPROC | RFFDG | RFNOZOMBIE))) == 0) {
		CHECK(getppid() != 1);
		_exit(0);
	}
	CHECK_ERR(waitpid(pid, NULL, 0), ECHILD); /* waits until all are gone */
	CHECK_ERR(kill(pid, 0), ESRCH);
}

static void
parent_waits(void)
{
	volatile int *done = shared_page();
	pid_t pid;

	if ((pid = rfork((int)(RFPROC | RFFDG | RFPPWAIT))) == 0) {
		sleep_ms(20);
		*done = 1;
		_exit(0);
	}
	CHECK_EQ(*done, 1);
	CHECK_EXIT(pid, 0);
	value = 1;
	if ((pid = rfork((int)(RFPROC | RFFDG | RFPPWAIT | RFMEM))) == 0) {
		value = 7;
		_exit(0);
	}
	CHECK_EQ(value, 7);
	CHECK_EXIT(pid, 0);
}

int
main(void)
{
	files();
	directory();
	memory_and_handlers();
	refused();
	kernel_only();
	exit_signal();
	not_ours();
	parent_waits();
	return ok();
}
