/* SPDX-License-Identifier: ISC */
/* clock.c: clocks advance, sleeps last, timers fire, CPU time is counted. */
#include "guest.h"

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static int64_t
now(clockid_t id)
{
	struct timespec ts;

	CHECK_EQ(clock_gettime(id, &ts), 0);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void
clocks(void)
{
	clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
			   CLOCK_REALTIME_COARSE};
	struct timespec ts, rem;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		int64_t t = now(ids[i]), u = now(ids[i]);

		CHECK(t > 0 && u >= t && u - t < 60000000000LL);
	}
	CHECK(now(CLOCK_REALTIME) / 1000000000 > 1700000000);
	CHECK(labs(time(NULL) - now(CLOCK_REALTIME) / 1000000000) <= 1);
	CHECK_EQ(clock_getres(CLOCK_MONOTONIC, &ts), 0);
	CHECK_ERR(syscall(SYS_clock_gettime, 99, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8), EFAULT);
	ts = (struct timespec){0, 30000000};
	{
		int64_t t = now(CLOCK_MONOTONIC);

		CHECK_EQ(nanosleep(&ts, &rem), 0);
		CHECK(now(CLOCK_MONOTONIC) - t >= 30000000);
	}
	ts.tv_nsec = 1000000000;
	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
}

static void
timers(void)
{
	struct itimerval it = {{0, 5000}, {0, 5000}}, old;
	struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec its = {{0, 0}, {0, 5000000}};
	struct timespec ts = {100, 0};
	timer_t timer;

	signal(SIGALRM, on_alarm);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	while (alarms < 3)
		pause();
	it = (struct itimerval){{0, 0}, {0, 0}};
	CHECK_EQ(setitimer(ITIMER_REAL, &it, &old), 0);
	CHECK_EQ(old.it_interval.tv_usec, 5000);
	alarms = 0;
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &sev, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &its, NULL), 0);
	CHECK_ERR(nanosleep(&ts, &ts), EINTR);
	CHECK_EQ(alarms, 1);
	CHECK(ts.tv_sec >= 90); /* what remained */
	CHECK_EQ(timer_delete(timer), 0);
	CHECK_EQ(alarm(100), 0);
	CHECK(alarm(0) >= 99);
	it = (struct itimerval){{0, 0}, {0, 20000}};
	alarms = 0;
	signal(SIGVTALRM, on_alarm);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	while (alarms == 0)
		;
}

static void
cpu_time(void)
{
	int64_t t = now(CLOCK_PROCESS_CPUTIME_ID);
	struct timespec ts = {0, 50000000};
	int64_t slept;
	struct rusage ru;
	pid_t pid;
	int st;

	CHECK_EQ(nanosleep(&ts, NULL), 0);
	slept = now(CLOCK_PROCESS_CPUTIME_ID) - t;
	CHECK(slept < 45000000); /* sleeping costs nothing */
	while (now(CLOCK_PROCESS_CPUTIME_ID) - t < 50000000)
		;
	pid = fork();
	if (pid == 0) {
		CHECK(now(CLOCK_PROCESS_CPUTIME_ID) < 50000000); /* starts at zero */
		t = now(CLOCK_PROCESS_CPUTIME_ID);
		while (now(CLOCK_PROCESS_CPUTIME_ID) - t < 60000000)
			;
		_exit(0);
	}
	CHECK_EQ(wait4(pid, &st, 0, &ru), pid);
	CHECK(ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec * 1000000 +
		  ru.ru_stime.tv_usec >=
	      50000);
}

/* Two busy processes both get the CPU. */
static void
round_robin(void)
{
	volatile int *w =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			w[1]++;
	while (w[1] < 1000)
		w[0]++; /* ends only if the other one runs, without a system call of ours */
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
}

int
main(void)
{
	clocks();
	timers();
	cpu_time();
	round_robin();
	return ok();
}
