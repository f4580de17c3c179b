/* SPDX-License-Identifier: ISC */
/*
 * clock_set.c: who waits for a time of the wall clock follows it when it is set; nobody else does.
 *
 * On Linux it would set the clock of the host, as root: run it there only where that does no harm.
 */
#include "deadlines.h"

#define SECOND 1000L
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const struct timespec moment = {0, 100000000};

static void
forward(void)
{
	pid_t pid[NWAITS];

	start_waiting(wall_after(HOUR), pid);
	move_wall(HOUR / 2);
	CHECK_EQ(nanosleep(&moment, NULL), 0);
	all_waiting(pid);
	move_wall(HOUR);
	all_done(pid);
}

static void
back(void)
{
	pid_t pid[NWAITS];

	start_waiting(wall_after(HOUR), pid);
	move_wall(-HOUR);
	move_wall(HOUR + MINUTE);
	CHECK_EQ(nanosleep(&moment, NULL), 0);
	all_waiting(pid);
	move_wall(HOUR);
	all_done(pid);
}

static int64_t
uptime_ms(void)
{
	struct timespec t;

	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A deadline that was close goes far away: what had been set up for it must not come. */
static void
far_again(void)
{
	struct timespec longer = {.tv_nsec = 400000000};
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	int64_t start;
	uint64_t n;

	do {
		struct itimerspec its = {.it_value = wall_after(HOUR)};

		start = uptime_ms();
		CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
		move_wall(HOUR - 300);
		move_wall(-HOUR);
	} while (uptime_ms() - start >= 300); /* it may have come in between: once more */
	CHECK_EQ(nanosleep(&longer, NULL), 0);
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
	close(fd);
}

/* Without a jump they end, too. */
static void
undisturbed(void)
{
	for (size_t i = 0; i < NWAITS; i++) {
		struct timespec past = wall_after(0), soon;

		waits[i](&past);
		soon = wall_after(50);
		waits[i](&soon);
		CHECK(wall_reached(&soon));
	}
}

/* Relative times are on the monotonic clock, whatever clock they name. */
static void
relative(void)
{
	struct itimerspec its = {.it_value = {3600, 0}}, left;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	uint64_t n;
	pid_t pid;

	CHECK_EQ(timerfd_settime(fd, 0, &its, NULL), 0);
	if ((pid = fork()) == 0) {
		clock_nanosleep(CLOCK_REALTIME, 0, &its.it_value, NULL);
		_exit(1);
	}
	wait_state(pid, 'S');
	move_wall(2 * HOUR);
	CHECK_EQ(nanosleep(&moment, NULL), 0);
	CHECK_EQ(proc_state(pid), 'S');
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
	CHECK_EQ(timerfd_gettime(fd, &left), 0);
	CHECK(left.it_value.tv_sec > 1800 && left.it_value.tv_sec <= 3600);
	move_wall(-2 * HOUR);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
	close(fd);
}

/* Periods of an absolute timer that a jump leaps over count as expirations. */
static void
periodic(void)
{
	struct itimerspec its = {.it_interval = {60, 0}, .it_value = wall_after(MINUTE)}, left;
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	uint64_t n;

	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
	move_wall(10 * MINUTE + MINUTE / 2);
	CHECK_EQ(read(fd, &n, sizeof(n)), (long)sizeof(n));
	CHECK_EQ(n, 10);
	CHECK_EQ(timerfd_gettime(fd, &left), 0);
	CHECK(left.it_value.tv_sec < 60);
	move_wall(-(10 * MINUTE + MINUTE / 2));
	CHECK_EQ(timerfd_gettime(fd, &left), 0);
	CHECK(left.it_value.tv_sec >= 10 * 60);
	close(fd);
}

/* ---- TFD_TIMER_CANCEL_ON_SET ---- */

static int
cancelable(int clock, int flags)
{
	struct itimerspec its = {.it_value = wall_after(10 * HOUR)};
	int fd = timerfd_create(clock, TFD_NONBLOCK);

	CHECK_EQ(timerfd_settime(fd, flags, &its, NULL), 0);
	return fd;
}

static void
canceled(void)
{
	const int both = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	struct itimerspec its = {.it_value = wall_after(10 * HOUR)}, none = {0};
	int fd = cancelable(CLOCK_REALTIME, both),
	    others[] = {cancelable(CLOCK_REALTIME, TFD_TIMER_ABSTIME),
			cancelable(CLOCK_REALTIME, TFD_TIMER_CANCEL_ON_SET),
			cancelable(CLOCK_MONOTONIC, both)};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t n;

	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
	move_wall(SECOND);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_ERR(read(fd, &n, sizeof(n)), ECANCELED);
	CHECK_EQ(poll(&p, 1, 0), 0); /* told once */
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
	for (size_t i = 0; i < 3; i++) {
		CHECK_ERR(read(others[i], &n, sizeof(n)), EAGAIN);
		close(others[i]);
	}
	move_wall(-SECOND);
	CHECK_ERR(timerfd_settime(fd, both, &its, NULL), ECANCELED);
	CHECK_EQ(timerfd_settime(fd, both, &its, NULL), 0); /* it was set, and says so no more */
	move_wall(SECOND);
	CHECK_EQ(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL), 0);
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
	CHECK_EQ(timerfd_settime(fd, both, &none, NULL), 0);
	move_wall(-SECOND);
	CHECK_ERR(read(fd, &n, sizeof(n)), ECANCELED); /* also one that is not running */
	close(fd);
}

/* Who sleeps in read() or poll() is woken. */
static void
canceled_sleepers(void)
{
	const int both = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	pid_t pid[2];

	for (int i = 0; i < 2; i++) {
		if ((pid[i] = fork()) == 0) {
			int fd = cancelable(CLOCK_REALTIME, both);
			struct pollfd p = {.fd = fd, .events = POLLIN};
			uint64_t n;

			if (i == 0)
				CHECK_EQ(poll(&p, 1, -1), 1);
			CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
			CHECK_ERR(read(fd, &n, sizeof(n)), ECANCELED);
			_exit(0);
		}
		wait_state(pid[i], 'S');
	}
	move_wall(SECOND);
	CHECK_EXIT(pid[0], 0);
	CHECK_EXIT(pid[1], 0);
	move_wall(-SECOND);
}

/* ---- setting the clock ---- */

static void
refused(void)
{
	struct timespec t = {0, 0}, up;
	struct timeval tv = {0, 0};
	pid_t pid;

	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &up), 0);
	if (up.tv_sec > 0 || up.tv_nsec > 0) {
		CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL); /* before boot */
		CHECK_ERR(settimeofday(&tv, NULL), EINVAL);
	}
	t.tv_sec = INT64_MAX / 1000000000;
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL);
	t = wall_after(0);
	t.tv_nsec = 1000000000;
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EINVAL);
	t = wall_after(0);
	CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &t), EINVAL);
	if ((pid = fork()) == 0) {
		CHECK_EQ(setuid(1000), 0);
		CHECK_ERR(clock_settime(CLOCK_REALTIME, &t), EPERM);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

int
main(void)
{
	refused();
	forward();
	back();
	far_again();
	undisturbed();
	relative();
	periodic();
	canceled();
	canceled_sleepers();
	return ok();
}
