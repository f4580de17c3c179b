/* SPDX-License-Identifier: ISC */
/* sched.c: who gets the CPU: nice shares it out and starves nobody, a yield lets others run. */
#include "guest.h"

#define ENOUGH_NS                                                                                  \
	300000000LL /* of CPU time: more ticks than the scheduler remembers of a newcomer */

static struct {
	volatile int64_t used[2]; /* CPU time of the niced children */
	volatile int turns[2];
} * shared;

static int64_t
cpu_time(void)
{
	struct timespec ts;

	CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static pid_t
hog(int n, int nice)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid != 0)
		return pid;
	CHECK_EQ(setpriority(PRIO_PROCESS, 0, nice), 0);
	for (;;)
		shared->used[n] = cpu_time();
}

static void
end(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* We never sleep, and still both get on: the loop ends only then. */
static void
nobody_starves(void)
{
	pid_t five = hog(0, 5), last = hog(1, 19);
	int64_t start = cpu_time(), used;

	while (shared->used[1] < ENOUGH_NS)
		;
	used = cpu_time() - start;
	CHECK(shared->used[0] > shared->used[1]);
	CHECK(used > shared->used[0]);
	end(five);
	/* A process that waits for its turn can be given another nice. */
	CHECK_EQ(setpriority(PRIO_PROCESS, (id_t)last, 0), 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)last), 0);
	used = shared->used[1];
	while (shared->used[1] < used + ENOUGH_NS)
		;
	end(last);
}

static void
yields(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	while (pid == 0) {
		shared->turns[1]++;
		sched_yield();
	}
	while (shared->turns[1] < 1000) {
		shared->turns[0]++;
		CHECK_EQ(sched_yield(), 0);
	}
	end(pid);
	CHECK(shared->turns[0] >=
	      100); /* the other one has not had a whole quantum for each of ours */
}

int
main(void)
{
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	nobody_starves();
	yields();
	puts("ok");
	return 0;
}
