/* SPDX-License-Identifier: ISC */
/* time.h: clocks and timeouts (kern_clock.c, kern_timeout.c). */
#ifndef SYS_TIME_H
#define SYS_TIME_H

#include <sys/types.h>

#define NSEC_PER_SEC 1000000000ULL
#define HZ 100 /* scheduler quantum bookkeeping: 10 ms */
#define TICK_NS (NSEC_PER_SEC / HZ)

struct timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};
struct timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};
struct itimerval {
	struct timeval it_interval, it_value;
};
struct itimerspec {
	struct timespec it_interval, it_value;
};

nsec_t nanouptime(void);      /* since boot, monotonic; arch */
nsec_t nanotime(void);        /* wall clock since the epoch: nanouptime() + wall_offset() */
nsec_t wall_offset(void);     /* changes when the wall clock is set, and in a clone */
int settime(nsec_t realtime); /* set the wall clock; EINVAL: before boot, or past its end */

/*
 * One-shot callbacks; fn runs with the kernel "locked" (nothing preempts), not in a process context
 * it may sleep in.  Deadlines are absolute nanouptime(), or nanotime() if to_wall is set: such a
 * timeout follows the wall clock wherever that is set.
 */
struct timeout {
	nsec_t to_deadline;
	void (*to_fn)(void *);
	void *to_arg;
	uint32_t to_index; /* place in its heap + 1; 0 = not pending */
	bool to_reserved;  /* has heap room reserved: adding cannot fail */
	bool to_wall;      /* changed by the owner, only while not pending */
};
void timeout_set(struct timeout *to, void (*fn)(void *), void *arg);
int timeout_reserve(struct timeout *to);  /* make sure that add cannot fail: 0 or ENOMEM; called by
					     the creator of an object */
void timeout_release(struct timeout *to); /* give the reservation back, cancelling it if pending */
void timeout_add_abs(struct timeout *to, nsec_t deadline); /* re-arms if pending */
bool timeout_del(struct timeout *to);                      /* true if it was pending */
nsec_t timeout_now(const struct timeout *to);              /* what its clock says */
void timeout_run(nsec_t uptime);                           /* by the timer interrupt */
nsec_t timeout_next(void); /* when that must come next, as nanouptime(); ~0: not at all */

static inline nsec_t
ts_to_ns(const struct timespec *ts)
{
	return (nsec_t)ts->tv_sec * NSEC_PER_SEC + (nsec_t)ts->tv_nsec;
}
static inline bool
ts_valid(const struct timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000;
}
static inline void
ns_to_ts(nsec_t ns, struct timespec *ts)
{
	ts->tv_sec = (int64_t)(ns / NSEC_PER_SEC);
	ts->tv_nsec = (int64_t)(ns % NSEC_PER_SEC);
}
static inline void
ns_to_tv(nsec_t ns, struct timeval *tv)
{
	tv->tv_sec = (int64_t)(ns / NSEC_PER_SEC);
	tv->tv_usec = (int64_t)(ns % NSEC_PER_SEC / 1000);
}

/* Called by the arch on each timer interrupt; user = it came in user mode, held_up = at the first
 * instruction after the kernel was left, so that it had been waiting for that. */
void clock_intr(bool user, bool held_up);
/* Recomputes and programs the next timer event; called when timeouts or the run queue change. */
void clock_reprogram(void);
/* The timer hardware has lost its state (resumed clone): program it again. */
void clock_resume(void);

/* Longest time kept; later deadlines mean never for all that matters (292 years). */
#define NSEC_MAX ((nsec_t)INT64_MAX)
static inline nsec_t
ts_to_ns_sat(const struct timespec *ts) /* valid ts; saturates instead of wrapping */
{
	return (uint64_t)ts->tv_sec >= NSEC_MAX / NSEC_PER_SEC ? NSEC_MAX : ts_to_ns(ts);
}

/* ---- clocks and timers of programs (sys_clock.c, sys_itimer.c, sys_timer.c) ---- */
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1

struct thread;
struct process;
struct sigqueue;
int clock_read(struct thread *, int clock, nsec_t *); /* EINVAL: no such clock */
bool clock_is_realtime(int clock);
/* Can timers run on it (real time, monotonic, boot time)? */
bool clock_can_sleep(int clock);
/* The nanouptime() in so long. */
nsec_t uptime_after(nsec_t ns);
/* Deadline of a time on that clock, never 0; relative times start now.  It is as nanotime() counts
 * if *wall (see struct timeout), else as nanouptime() does. */
nsec_t clock_deadline(int clock, nsec_t t, bool absolute, bool *wall);
/* The wall clock has jumped: descriptors that are to tell are woken, and the timer is right. */
void clock_was_set(void);
/* struct timespec from a program: EFAULT, EINVAL. */
int copyin_timespec(vaddr_t uaddr, nsec_t *);
int copyout_timespec(nsec_t, vaddr_t uaddr);

void timerfd_clock_was_set(void);        /* of clock_was_set(): see TFD_TIMER_CANCEL_ON_SET */
void ptimer_dequeued(struct sigqueue *); /* a POSIX timer's signal has left its queue */

#endif
