/* SPDX-License-Identifier: ISC */
/* row_tables.c: limits on processes and threads, their reserve for root, what is logged.
 * rows: C1 C2 C3 C4 E5 */
#include "native.h"
#include <sys/klog.h>

/* Children that wait until they are killed; how many could be made. */
static int
fill(pid_t *list, int max)
{
	int n = 0;

	while (n < max && (list[n] = spawn(RFPROC | RFFDG | RFSTOPPED)) > 0)
		n++;
	return n;
}

static void
empty(const pid_t *list, int n)
{
	for (int i = 0; i < n; i++) {
		CHECK_EQ(kill(list[i], SIGKILL), 0);
		CHECK_KILLED(list[i], SIGKILL);
	}
}

static void
as_user(uid_t uid, void (*test)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_EQ(setuid(uid), 0);
		test();
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static pid_t pids[64];

/* kern.maxproc is 20 above what there was; we ourselves are one. */
static void
user_processes(void)
{
	int n = fill(pids, 64);

	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 20 - 1 - 5);
	CHECK_ERR(fork(), EAGAIN);
	empty(pids, n);
}

static void
user_threads(void)
{
	int n = fill(pids, 64);
	struct __tfork param = {NULL, NULL, new_stack()};

	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 20 - 1 - 5);
	CHECK_ERR(__tfork_thread(&param, sizeof(param), NULL, NULL), EAGAIN);
	empty(pids, n);
}

static int
messages(void)
{
	static char log[262144];
	int n = klogctl(3, log, sizeof(log) - 1), count = 0;
	char *p = log;

	CHECK(n >= 0);
	log[n] = '\0';
	while ((p = strstr(p, "table is full")) != NULL)
		p++, count++;
	return count;
}

static void
per_user(void)
{
	struct rlimit rl = {0, 10};
	long procs = var("kern.nprocs"), threads = var("kern.nthreads");
	struct tine_stats st = stats();

	CHECK_EQ(setrlimit(RLIMIT_NPROC, &rl), 0);
	CHECK_ERR(fork(), EAGAIN); /* none is none */
	CHECK_ERR(vfork(), EAGAIN);
	CHECK_ERR(rfork(RFPROC), EAGAIN);
	CHECK_EQ(stats().eagain_rlimit, st.eagain_rlimit + 3);
	CHECK_EQ(stats().forks, st.forks);
	CHECK_EQ(var("kern.nprocs"), procs);
	CHECK_EQ(var("kern.nthreads"), threads);
	rl.rlim_cur = 4;
	CHECK_EQ(setrlimit(RLIMIT_NPROC, &rl), 0);
	CHECK_EQ(fill(pids, 64), 3);
	empty(pids, 3);
}

int
main(void)
{
	long maxproc = var("kern.maxproc"), maxthread = var("kern.maxthread");
	time_t began = time(NULL);
	struct tine_stats st;
	int n;

	CHECK_EQ(var("kern.maxproc_reserve"), 5);
	st = stats();
	CHECK_EQ(st.maxproc, maxproc);
	CHECK_EQ(st.maxthread, maxthread);

	set_var("kern.maxproc", var("kern.nprocs") + 20);
	as_user(1001, user_processes);
	n = fill(pids, 64);
	CHECK_EQ(n, 20); /* root has the reserve, and not more */
	CHECK_ERR(fork(), EAGAIN);
	CHECK_EQ(stats().nprocesses, var("kern.maxproc"));
	empty(pids, n);
	CHECK_EQ(stats().eagain_maxproc, st.eagain_maxproc + 4);
	set_var("kern.maxproc_reserve", 1);
	as_user(1002, per_user);
	set_var("kern.maxproc_reserve", 5);
	set_var("kern.maxproc", maxproc);

	set_var("kern.maxthread", var("kern.nthreads") + 20);
	as_user(1003, user_threads);
	CHECK_EQ(fill(pids, 64), 20);
	empty(pids, 20);
	CHECK(stats().eagain_maxthread >= st.eagain_maxthread + 3);
	set_var("kern.maxthread", maxthread);

	/* One message in ten seconds; the others are counted. */
	CHECK(messages() >= 1 && messages() <= 1 + (time(NULL) - began) / 10);
	CHECK_EQ(stats().tablefull_suppressed - st.tablefull_suppressed,
		 stats().eagain_maxproc + stats().eagain_maxthread - st.eagain_maxproc -
		     st.eagain_maxthread - (uint64_t)messages());
	return ok();
}
