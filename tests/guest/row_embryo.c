/* SPDX-License-Identifier: ISC */
/* row_embryo.c: a process being built is invisible; a thread being built while another one calls
 * exec goes as well.  rows: C12 D7 */
#include "native.h"
#include <dirent.h>
#include <pthread.h>

static int
listed(pid_t pid)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	int found = 0;

	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL)
		found |= atoi(de->d_name) == pid;
	closedir(d);
	return found;
}

static pid_t forked;

static void *
slow_fork(void *arg)
{
	pid_t pid = (pid_t)syscall(SYS_fork); /* the C library's would hold its locks meanwhile */

	(void)arg;
	if (pid == 0)
		_exit(5);
	forked = pid;
	return NULL;
}

static void
embryo(void)
{
	pthread_t t;
	pid_t next;
	long nprocs = var("kern.nprocs");

	set_text("kern.pidpolicy", "sequential");
	set_var("kern.lastpid", 7000);
	set_var("kern.fork_pause", 1000);
	next = 7001; /* the thread's id is random */
	CHECK_EQ(pthread_create(&t, NULL, slow_fork, NULL), 0);
	while (var("kern.lastpid") != next)
		sched_yield();
	/* It has its pid and everything else by now. */
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(forked, 0);
		CHECK_EQ(var("kern.nprocs"), nprocs + 1); /* its place is taken */
		CHECK_ERR(kill(next, 0), ESRCH);
		CHECK_ERR(getpgid(next), ESRCH);
		CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
		CHECK_ERR(waitpid(next, NULL, WNOHANG), ECHILD);
		CHECK_ERR(syscall(SYS_pidfd_open, next, 0), ESRCH);
		CHECK_ERR(forkwatch_open(next, NOTE_FORK, 0), ESRCH);
		CHECK(!listed(next));
		CHECK_EQ(proc_state(next), 0);
	}
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(forked, next);
	CHECK_EXIT(next, 5);
	set_var("kern.fork_pause", 0);
	set_text("kern.pidpolicy", "random");
}

static volatile int *page;

static void
late_thread(void *arg)
{
	(void)arg;
	*page = 1;
}

static void *
slow_tfork(void *arg)
{
	struct __tfork param = {NULL, NULL, arg};

	set_var("kern.fork_pause", 200);
	page[1] = 1;
	__tfork_thread(&param, sizeof(param), late_thread, NULL);
	*page = 2;
	return NULL;
}

/* A process that calls exec while another of its threads makes a thread. */
static pid_t
exec_beside_fork(const char *self)
{
	pthread_t t;
	pid_t pid;

	page = shared_page();
	if ((pid = fork()) != 0)
		return pid;
	CHECK_EQ(pthread_create(&t, NULL, slow_tfork, new_stack()), 0);
	while (page[1] == 0)
		sched_yield();
	page[2] = 1;
	execl(self, self, "alone", (char *)NULL);
	_exit(1);
}

/* exec waits for the thread that forks and for the one it makes; neither returns to user mode. */
static void
single(const char *self)
{
	CHECK_EXIT(exec_beside_fork(self), 6);
	CHECK_EQ(*page, 0);
	set_var("kern.fork_pause", 0);
}

/* The wait ends for who is killed. */
static void
killed_while_single(const char *self)
{
	pid_t pid = exec_beside_fork(self);

	while (page[2] == 0)
		sched_yield();
	wait_state(pid, 'S');
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
	CHECK_EQ(*page, 0);
	set_var("kern.fork_pause", 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		CHECK_EQ(stat_field(getpid(), 20), 1);
		return 6;
	}
	if (!debug_kernel())
		return ok();
	embryo();
	single(argv[0]);
	killed_while_single(argv[0]);
	CHECK_EQ(var("kern.nthreads"), var("kern.nprocs"));
	return ok();
}
