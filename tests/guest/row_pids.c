/* SPDX-License-Identifier: ISC */
/* row_pids.c: how pids are chosen, and when one may be used again.  rows: C6 C7 C8 */
#include "native.h"

static pid_t
one(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(var("kern.lastpid"), pid);
	CHECK_EQ(stats().lastpid, pid);
	return pid;
}

static void
sequential(void)
{
	long max = var("kern.pid_max");

	set_text("kern.pidpolicy", "sequential");
	set_var("kern.lastpid", 5000);
	for (int i = 1; i <= 10; i++)
		CHECK_EQ(one(), 5000 + i);
	set_var("kern.lastpid", 5000); /* those ten have just been used */
	CHECK_EQ(one(), 5011);
	set_var("kern.lastpid", max - 1);
	CHECK_EQ(one(), max);
	CHECK_EQ(one(), 100); /* wraps above the daemons */
	CHECK_EQ(one(), 101);
}

static void
modulus(void)
{
	static const struct {
		long set, get;
	} clamp[] = {{-1, 32666},      {-1000000, 32666}, {32667, 32666},
		     {2000000, 32666}, {32666, 32666},    {0, 0},
		     {1, 0},           {2, 100},          {99, 100},
		     {100, 100},       {101, 101}};
	pid_t last, pid;
	int exact = 0;

	CHECK_EQ(var("kern.pid_max"), 32766);
	for (size_t i = 0; i < sizeof(clamp) / sizeof(clamp[0]); i++) {
		set_var("kern.randompid", clamp[i].set);
		CHECK_EQ(var("kern.randompid"), clamp[i].get);
	}
	CHECK_ERR(tine_sysctl("kern.randompid", NULL, NULL, "x"), EINVAL);
	set_text("kern.pidpolicy", "modulus");
	set_var("kern.randompid", 100);
	set_var("kern.lastpid", 8000);
	last = 8000;
	for (int i = 0; i < 50; i++, last = pid) {
		pid = one();
		CHECK(pid > last && pid <= last + 100);
		exact += pid == last + 1;
	}
	CHECK(exact < 10);
	set_var("kern.randompid", 0); /* no modulus: one after the other */
	set_var("kern.lastpid", 15000);
	CHECK_EQ(one(), 15001);
}

static void
random_policy(void)
{
	enum { N = 200 };
	int low = 0, rising = 0;
	pid_t last = 0, pid;

	set_text("kern.pidpolicy", "random");
	for (int i = 0; i < N; i++, last = pid) {
		pid = one();
		CHECK(pid > 2 && pid <= 32766);
		low += pid < 16384;
		rising += pid > last;
	}
	CHECK(low > N / 4 && low < N * 3 / 4);
	CHECK(rising > N / 4 && rising < N * 3 / 4);
}

/* A freed pid rests while 128 others are freed. */
static void
rests(void)
{
	enum { START = 300, END = 600 };
	pid_t first, pid;
	int n = 0;

	set_var("kern.pid_max", END);
	set_text("kern.pidpolicy", "sequential");
	set_var("kern.lastpid", START);
	first = one();
	do { /* whatever is asked for, it is not this one */
		set_var("kern.lastpid", first - 1);
		pid = one();
		n++;
	} while (pid != first);
	CHECK(n > 128);
	set_var("kern.pid_max", 32766);
}

/* A pid that names a group or a session is in use. */
static void
names(void)
{
	pid_t leader, member;
	int p[2];

	set_text("kern.pidpolicy", "sequential");
	set_var("kern.lastpid", 25000);
	CHECK_EQ(pipe(p), 0);
	if ((leader = fork()) == 0) {
		CHECK_EQ(setsid(), getpid());
		if ((member = fork()) == 0)
			for (;;)
				pause();
		CHECK_EQ(write(p[1], &member, sizeof(member)), (long)sizeof(member));
		_exit(0);
	}
	CHECK_EQ(read(p[0], &member, sizeof(member)), (long)sizeof(member));
	CHECK_EXIT(leader, 0);
	for (int i = 0; i < 140; i++) {
		set_var("kern.lastpid", leader - 1);
		CHECK(one() != leader);
	}
	CHECK_EQ(getpgid(member), leader);
	CHECK_EQ(kill(member, SIGKILL), 0);
	/* A zombie's is as well. */
	if ((member = fork()) == 0)
		_exit(0);
	wait_state(member, 'Z');
	for (int i = 0; i < 140; i++) {
		set_var("kern.lastpid", member - 1);
		CHECK(one() != member);
	}
	CHECK_EXIT(member, 0);
}

int
main(void)
{
	CHECK_EQ(setpgid(0, 0) == 0 || errno == EPERM, 1);
	random_policy(); /* the default */
	sequential();
	modulus();
	names();
	rests();
	CHECK_ERR(tine_sysctl("kern.pidpolicy", NULL, NULL, "other"), EINVAL);
	return ok();
}
