/* SPDX-License-Identifier: ISC */
/*
 * deadlines.h: processes that wait for a time of the wall clock, each by another call.  A test sets
 * the clock, or is cloned, and looks whether they have noticed.
 */
#ifndef DEADLINES_H
#define DEADLINES_H

#include "guest.h"
#include <sys/timerfd.h>

#define FUTEX_WAIT_BITSET 9
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_BITSET_MATCH_ANY (~0u)

static struct timespec
wall_after(long ms)
{
	struct timespec t;
	long ns;

	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &t), 0);
	ns = t.tv_nsec + ms % 1000 * 1000000 + 1000000000; /* not below 0 */
	t.tv_sec += ms / 1000 + ns / 1000000000 - 1;
	t.tv_nsec = ns % 1000000000;
	return t;
}

static bool
wall_reached(const struct timespec *until)
{
	struct timespec t = wall_after(0);

	return t.tv_sec > until->tv_sec ||
	       (t.tv_sec == until->tv_sec && t.tv_nsec >= until->tv_nsec);
}

static void
wait_nanosleep(const struct timespec *until)
{
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, until, NULL), 0);
}

static void
wait_futex(const struct timespec *until)
{
	static uint32_t word;

	CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, until,
			  NULL, FUTEX_BITSET_MATCH_ANY),
		  ETIMEDOUT);
}

static void
wait_timer(const struct timespec *until)
{
	struct sigevent sev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec its = {.it_value = *until}, left;
	siginfo_t info;
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(timer_create(CLOCK_REALTIME, &sev, &timer), 0);
	CHECK_EQ(timer_settime(timer, TIMER_ABSTIME, &its, NULL), 0);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGUSR1);
	CHECK_EQ(timer_gettime(timer, &left), 0);
	CHECK_EQ(left.it_value.tv_sec | left.it_value.tv_nsec, 0);
}

static void
wait_timerfd(const struct timespec *until)
{
	struct itimerspec its = {.it_value = *until};
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	uint64_t n;

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
	CHECK_EQ(read(fd, &n, sizeof(n)), (long)sizeof(n));
	CHECK_EQ(n, 1);
}

static void
wait_timerfd_poll(const struct timespec *until)
{
	struct itimerspec its = {.it_value = *until};
	struct pollfd p = {.fd = timerfd_create(CLOCK_REALTIME, 0), .events = POLLIN};

	CHECK_EQ(timerfd_settime(p.fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
	CHECK_EQ(poll(&p, 1, -1), 1);
}

static void (*const waits[])(const struct timespec *) = {wait_nanosleep, wait_futex, wait_timer,
							 wait_timerfd, wait_timerfd_poll};
#define NWAITS (sizeof(waits) / sizeof(waits[0]))

/* One process for each call; all sleep. */
static void
start_waiting(struct timespec until, pid_t pid[NWAITS])
{
	for (size_t i = 0; i < NWAITS; i++) {
		if ((pid[i] = fork()) == 0) {
			waits[i](&until);
			CHECK(wall_reached(&until));
			_exit(0);
		}
		wait_state(pid[i], 'S');
	}
}

/* None has gone on, right or wrong. */
static void
all_waiting(const pid_t pid[NWAITS])
{
	for (size_t i = 0; i < NWAITS; i++)
		CHECK_EQ(proc_state(pid[i]), 'S');
}

/* All have seen the time come. */
static void
all_done(const pid_t pid[NWAITS])
{
	for (size_t i = 0; i < NWAITS; i++)
		CHECK_EXIT(pid[i], 0);
}

/* Sets CLOCK_REALTIME so many milliseconds forward or back. */
static void
move_wall(long ms)
{
	struct timespec t = wall_after(ms);

	CHECK_EQ(clock_settime(CLOCK_REALTIME, &t), 0);
}

#endif
