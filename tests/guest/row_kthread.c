/* SPDX-License-Identifier: ISC */
/* row_kthread.c: kernel processes: their pids, the idle thread, one that returns from its function.
 * rows: A8 A9 C10 */
#include "native.h"
#include <sys/klog.h>

static void
name_of(pid_t pid, char name[32])
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if ((fd = open(path, O_RDONLY)) >= 0) {
		n = read(fd, name, 31);
		close(fd);
	}
	name[n > 0 ? n - 1 : 0] = '\0';
}

static int
logged(const char *text)
{
	static char log[262144];
	int n = klogctl(3, log, sizeof(log) - 1);

	CHECK(n >= 0);
	log[n] = '\0';
	return strstr(log, text) != NULL;
}

/* Made at boot: ids from 1 on, none of them within the space of users. */
static void
at_boot(void)
{
	char name[32];

	name_of(1, name);
	CHECK_EQ(strcmp(name, "init"), 0);
	CHECK_EQ(stat_field(1, 4), 0); /* child of process 0 */
	name_of(2, name);
	CHECK_EQ(strcmp(name, "idle"), 0);
	CHECK_EQ(stat_field(2, 4), 0);
	CHECK(getpid() > 2);
	CHECK(stats().cntkthread >= 2);
	CHECK_EQ(kill(2, SIGKILL), 0); /* it takes no signals */
	CHECK_EQ(kill(2, 0), 0);
}

/* The idle thread runs when nobody else does, without ever having been woken. */
static void
idle(void)
{
	struct tine_stats st = stats();

	sleep_ms(20);
	CHECK(stats().ctxswitches > st.ctxswitches);
}

static void
returns(void)
{
	char text[128], name[32];
	struct tine_stats st = stats();
	long nprocs = var("kern.nprocs"), pid;

	set_text("kern.kthread_test", "low");
	pid = var("kern.kthread_test");
	CHECK_EQ(stats().cntkthread, st.cntkthread + 1);
	CHECK(stats().sizkthread == st.sizkthread); /* it has no memory of its own */
	CHECK_EQ(stat_field((pid_t)pid, 4), 0);
	name_of((pid_t)pid, name);
	CHECK_EQ(strcmp(name, "ktest"), 0);
	snprintf(text, sizeof(text), "kernel thread \"ktest\" (pid %ld) exited prematurely", pid);
	CHECK(!logged(text));
	while (kill((pid_t)pid, 0) == 0)
		sleep_ms(20);
	CHECK(logged(text));
	CHECK_EQ(var("kern.nprocs"), nprocs); /* and it left no zombie */
}

/* RFHIGHPID: not a low pid, and no trace in kern.lastpid. */
static void
high_pid(void)
{
	long last, pid;

	set_text("kern.pidpolicy", "sequential");
	set_var("kern.lastpid", 3);
	set_text("kern.kthread_test", "high");
	pid = var("kern.kthread_test");
	CHECK(pid >= 10);
	CHECK_EQ(var("kern.lastpid"), 3);
	set_var("kern.lastpid", 20000);
	set_text("kern.kthread_test", "high");
	CHECK_EQ(var("kern.kthread_test"), 20001);
	CHECK_EQ(var("kern.lastpid"), 20000);
	last = fork();
	if (last == 0)
		_exit(0);
	CHECK_EQ(last, 20002);
	CHECK_EXIT((pid_t)last, 0);
	set_text("kern.pidpolicy", "random");
}

int
main(void)
{
	at_boot();
	idle();
	if (debug_kernel()) {
		returns();
		high_pid();
	}
	return ok();
}
