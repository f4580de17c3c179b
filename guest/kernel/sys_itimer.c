/* SPDX-License-Identifier: ISC */
/* sys_itimer.c: the three interval timers of a process: getitimer, setitimer, alarm. */
#include <sys/fork.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2
#define REARM_MIN 20000ULL /* ns: shortest interval that is really kept, so that work gets done */

/* Deadlines follow each other exactly, whatever the delivery took; missed ones are skipped. */
void
realitimer_expire(void *arg)
{
	struct process *ps = arg;
	nsec_t now = nanouptime(), interval = ps->ps_alarm_interval;
	nsec_t next = ps->ps_alarm.to_deadline;

	if (interval != 0) {
		next += (now - MIN(next, now)) / interval * interval + interval;
		timeout_add_abs(&ps->ps_alarm, MAX(next, now + REARM_MIN));
	}
	psignal(ps, SIGALRM);
}

static void
real_get(const struct process *ps, struct itimerval_ns *it)
{
	nsec_t now = nanouptime(), due = ps->ps_alarm.to_deadline;

	it->interval = ps->ps_alarm_interval;
	it->value = 0;
	if (ps->ps_alarm.to_index != 0)
		it->value = due > now + 1000 ? due - now : 1000; /* pending is never shown as 0 */
}

static void
real_set(struct process *ps, const struct itimerval_ns *it)
{
	timeout_del(&ps->ps_alarm);
	ps->ps_alarm_interval = it->interval;
	if (it->value != 0)
		timeout_add_abs(&ps->ps_alarm, uptime_after(it->value));
}

static int
itimer_get(struct process *ps, int which, struct itimerval_ns *it)
{
	switch (which) {
	case ITIMER_REAL:
		real_get(ps, it);
		return 0;
	case ITIMER_VIRTUAL:
		*it = ps->ps_vtimer;
		return 0;
	case ITIMER_PROF:
		*it = ps->ps_ptimer;
		return 0;
	default:
		return EINVAL;
	}
}

/* An interval without a value stops the timer. */
static void
itimer_set(struct process *ps, int which, const struct itimerval_ns *it)
{
	if (which == ITIMER_REAL) {
		real_set(ps, it);
		return;
	}
	*(which == ITIMER_VIRTUAL ? &ps->ps_vtimer : &ps->ps_ptimer) = *it;
	clock_reprogram();
}

static int
tv_to_ns(const struct timeval *tv, nsec_t *ns)
{
	struct timespec ts = {tv->tv_sec, tv->tv_usec * 1000};

	if (tv->tv_sec < 0 || tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return EINVAL;
	*ns = ts_to_ns_sat(&ts);
	return 0;
}

static int
itimer_copyin(vaddr_t uaddr, struct itimerval_ns *it)
{
	struct itimerval itv;
	int error;

	*it = (struct itimerval_ns){0};
	if (uaddr == 0)
		return 0;
	if ((error = copyin((const void *)uaddr, &itv, sizeof(itv))) != 0 ||
	    (error = tv_to_ns(&itv.it_interval, &it->interval)) != 0)
		return error;
	return tv_to_ns(&itv.it_value, &it->value);
}

static int
itimer_copyout(const struct itimerval_ns *it, vaddr_t uaddr)
{
	struct itimerval itv;

	ns_to_tv(it->interval, &itv.it_interval);
	ns_to_tv(it->value, &itv.it_value);
	return copyout(&itv, (void *)uaddr, sizeof(itv));
}

SYSCALL(getitimer)
{
	struct itimerval_ns it;
	int error = itimer_get(td->td_proc, (int)a[0], &it);

	return error != 0 ? error : itimer_copyout(&it, a[1]);
}

SYSCALL(setitimer)
{
	struct itimerval_ns it, old;
	int error = itimer_get(td->td_proc, (int)a[0], &old);

	if (error != 0 || (error = itimer_copyin(a[1], &it)) != 0)
		return error;
	itimer_set(td->td_proc, (int)a[0], &it);
	return a[2] != 0 ? itimer_copyout(&old, a[2]) : 0;
}

/* Returns the seconds that were left, at least 1 if an alarm was pending. */
SYSCALL(alarm)
{
	struct itimerval_ns it = {.value = (nsec_t)(uint32_t)a[0] * NSEC_PER_SEC}, old;

	real_get(td->td_proc, &old);
	real_set(td->td_proc, &it);
	*retval = (long)((old.value + NSEC_PER_SEC / 2) / NSEC_PER_SEC);
	if (*retval == 0 && old.value != 0)
		*retval = 1;
	return 0;
}
