/* SPDX-License-Identifier: ISC */
/* sys_clock.c: reading and setting clocks, sleeping on them. */
#include <sys/proc.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

/* A negative clock id names the CPU clock of a process or thread: ~pid << 3 | per-thread | kind. */
#define CPUCLOCK_PID(clock) ((pid_t) ~((clock) >> 3))
#define CPUCLOCK_PERTHREAD(clock) (((clock)&4) != 0)
#define CPUCLOCK_KIND(clock) ((clock)&3)
#define CPUCLOCK_PROF 0
#define CPUCLOCK_VIRT 1
#define CPUCLOCK_SCHED 2

#define TIMEX_SIZE 208 /* struct timex */
#define TIMEX_STATUS 40
#define TIMEX_TICK 88
#define TIMEX_TIME 72
#define STA_UNSYNC 0x40
#define TIME_ERROR 5

int
copyin_timespec(vaddr_t uaddr, nsec_t *ns)
{
	struct timespec ts;
	int error = copyin((const void *)uaddr, &ts, sizeof(ts));

	if (error != 0)
		return error;
	if (!ts_valid(&ts))
		return EINVAL;
	*ns = ts_to_ns_sat(&ts);
	return 0;
}

int
copyout_timespec(nsec_t ns, vaddr_t uaddr)
{
	struct timespec ts;

	ns_to_ts(ns, &ts);
	return copyout(&ts, (void *)uaddr, sizeof(ts));
}

static nsec_t
cpuclock_pick(int kind, nsec_t utime, nsec_t stime)
{
	return kind == CPUCLOCK_VIRT ? utime : utime + stime;
}

static int
cpuclock_read(struct thread *td, int clock, nsec_t *ns)
{
	pid_t pid = CPUCLOCK_PID(clock);
	nsec_t utime, stime;
	struct thread *t;
	struct process *ps;

	if (CPUCLOCK_KIND(clock) > CPUCLOCK_SCHED)
		return EINVAL;
	if (CPUCLOCK_PERTHREAD(clock)) {
		t = pid == 0 ? td : tfind(pid);
		if (t == NULL || t->td_proc != td->td_proc)
			return EINVAL;
		thread_cputime(t, &utime, &stime);
	} else {
		ps = pid == 0 ? td->td_proc : prfind(pid);
		if (ps == NULL)
			return EINVAL;
		process_cputime(ps, &utime, &stime);
	}
	*ns = cpuclock_pick(CPUCLOCK_KIND(clock), utime, stime);
	return 0;
}

bool
clock_is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI ||
	       clock == CLOCK_REALTIME_ALARM;
}

bool
clock_can_sleep(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_TAI;
}

int
clock_read(struct thread *td, int clock, nsec_t *ns)
{
	nsec_t utime, stime;

	if (clock < 0)
		return cpuclock_read(td, clock, ns);
	if (clock_is_realtime(clock)) {
		*ns = nanotime();
		return 0;
	}
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = nanouptime();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_cputime(td->td_proc, NULL, NULL);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		thread_cputime(td, &utime, &stime);
		*ns = utime + stime;
		return 0;
	default:
		return EINVAL;
	}
}

nsec_t
uptime_after(nsec_t ns)
{
	nsec_t up = nanouptime();

	return ns > NSEC_MAX - up ? NSEC_MAX : up + ns;
}

nsec_t
clock_deadline(int clock, nsec_t t, bool absolute, bool *wall)
{
	*wall = absolute && clock_is_realtime(clock);
	if (!absolute)
		return uptime_after(t);
	return MAX(t, 1UL);
}

SYSCALL(clock_gettime)
{
	nsec_t ns;
	int error = clock_read(td, (int)a[0], &ns);

	return error != 0 ? error : copyout_timespec(ns, a[1]);
}

SYSCALL(clock_getres)
{
	int clock = (int)a[0];
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	nsec_t ns;
	int error = clock_read(td, clock, &ns);

	if (error != 0 || a[1] == 0)
		return error;
	return copyout_timespec(coarse ? TICK_NS : 1, a[1]);
}

static int
set_wall_clock(struct thread *td, nsec_t ns)
{
	int error = suser(td) ? settime(ns) : EPERM;

	if (error == 0)
		clock_was_set();
	return error;
}

SYSCALL(clock_settime)
{
	nsec_t ns;
	int error = copyin_timespec(a[1], &ns);

	if ((int)a[0] != CLOCK_REALTIME)
		return EINVAL;
	return error != 0 ? error : set_wall_clock(td, ns);
}

SYSCALL(gettimeofday)
{
	uint32_t zone[2] = {0, 0};
	struct timeval tv;
	int error = 0;

	if (a[0] != 0) {
		ns_to_tv(nanotime(), &tv);
		error = copyout(&tv, (void *)a[0], sizeof(tv));
	}
	if (error == 0 && a[1] != 0)
		error = copyout(zone, (void *)a[1], sizeof(zone));
	return error;
}

/* The time zone is accepted and forgotten: UTC is what the kernel keeps. */
SYSCALL(settimeofday)
{
	struct timeval tv;
	struct timespec ts;
	int error;

	if (!suser(td))
		return EPERM;
	if (a[0] == 0)
		return 0;
	if ((error = copyin((const void *)a[0], &tv, sizeof(tv))) != 0)
		return error;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return EINVAL;
	ts = (struct timespec){tv.tv_sec, tv.tv_usec * 1000};
	return ts_valid(&ts) ? set_wall_clock(td, ts_to_ns_sat(&ts)) : EINVAL;
}

SYSCALL(time)
{
	int64_t now = (int64_t)(nanotime() / NSEC_PER_SEC);
	int error = a[0] != 0 ? copyout(&now, (void *)a[0], sizeof(now)) : 0;

	*retval = (long)now;
	return error;
}

SYSCALL(times)
{
	struct process *ps = td->td_proc;
	nsec_t utime, stime;
	int64_t tms[4];

	process_cputime(ps, &utime, &stime);
	tms[0] = (int64_t)(utime / TICK_NS);
	tms[1] = (int64_t)(stime / TICK_NS);
	tms[2] = (int64_t)(ps->ps_cru.utime / TICK_NS);
	tms[3] = (int64_t)(ps->ps_cru.stime / TICK_NS);
	*retval = (long)(nanouptime() / TICK_NS);
	return a[0] != 0 ? copyout(tms, (void *)a[0], sizeof(tms)) : 0;
}

/* ---- sleeping ---- */

static int
sleep_until(struct thread *td, nsec_t deadline, bool wall)
{
	int error;

	while ((wall ? nanotime() : nanouptime()) < deadline) {
		error = tsleep(&td->td_sleep_to, PCATCH | (wall ? PWALL : 0), "nanoslp", deadline);
		if (error == ETIMEDOUT)
			break;
		if (error != 0)
			return error;
	}
	return 0;
}

/* td_restart_arg: deadline, user address for the time left. */
static int
sleep_relative(struct thread *td, long *retval)
{
	nsec_t deadline = td->td_restart_arg[0], now;
	vaddr_t left = td->td_restart_arg[1];
	int error = sleep_until(td, deadline, false);

	(void)retval;
	if (error != EINTR)
		return error;
	now = nanouptime();
	if (left != 0) {
		error = copyout_timespec(deadline > now ? deadline - now : 0, left);
		if (error != 0)
			return error;
	}
	td->td_restart = sleep_relative;
	return ERESTART_BLOCK;
}

static int
kern_nanosleep(struct thread *td, int clock, bool absolute, vaddr_t req, vaddr_t left, long *retval)
{
	nsec_t t, deadline;
	int error = copyin_timespec(req, &t);
	bool wall;

	if (error != 0)
		return error;
	deadline = clock_deadline(clock, t, absolute, &wall);
	if (absolute)
		return sleep_until(td, deadline, wall) == EINTR ? ERESTARTNOHAND : 0;
	td->td_restart_arg[0] = deadline;
	td->td_restart_arg[1] = left;
	return sleep_relative(td, retval);
}

SYSCALL(nanosleep)
{
	return kern_nanosleep(td, CLOCK_MONOTONIC, false, a[0], a[1], retval);
}

SYSCALL(clock_nanosleep)
{
	int clock = (int)a[0];
	nsec_t ns;

	if (!clock_can_sleep(clock))
		return clock == CLOCK_THREAD_CPUTIME_ID || clock_read(td, clock, &ns) != 0
			   ? EINVAL
			   : EOPNOTSUPP;
	return kern_nanosleep(td, clock, (a[1] & TIMER_ABSTIME) != 0, a[2], a[3], retval);
}

/* Go on with a call that a stop and continue, or an ignored signal, interrupted. */
SYSCALL(restart_syscall)
{
	int (*fn)(struct thread *, long *) = td->td_restart;

	if (fn == NULL)
		return EINTR;
	td->td_restart = NULL;
	return fn(td, retval);
}

/* ---- clock discipline: the host's business, so it can only be read ---- */

static int
read_timex(struct thread *td, vaddr_t uaddr, long *retval)
{
	uint8_t timex[TIMEX_SIZE] = {0};
	uint32_t modes, status = STA_UNSYNC;
	struct timeval tv;
	int64_t tick = 10000;
	int error = copyin((const void *)uaddr, &modes, sizeof(modes));

	(void)td;
	if (error != 0)
		return error;
	if (modes != 0)
		return EPERM;
	ns_to_tv(nanotime(), &tv);
	memcpy(timex + TIMEX_STATUS, &status, sizeof(status));
	memcpy(timex + TIMEX_TIME, &tv, sizeof(tv));
	memcpy(timex + TIMEX_TICK, &tick, sizeof(tick));
	*retval = TIME_ERROR;
	return copyout(timex, (void *)uaddr, sizeof(timex));
}

SYSCALL(adjtimex)
{
	return read_timex(td, a[0], retval);
}

SYSCALL(clock_adjtime)
{
	nsec_t ns;
	int error = clock_read(td, (int)a[0], &ns);

	if (error != 0)
		return error;
	return (int)a[0] == CLOCK_REALTIME ? read_timex(td, a[1], retval) : EOPNOTSUPP;
}
