/* SPDX-License-Identifier: ISC */
/*
 * sys_timer.c: POSIX timers: timer_create and its kin.
 *
 * A timer owns the one queue entry its signal uses; while that is queued, further expirations only
 * count as overruns.  Timers end with the process or at exec.
 */
#include <sys/exit.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define PTIMER_MAX 256 /* per process */
#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2 /* the C library's affair: a signal to the kernel */
#define SIGEV_THREAD_ID 4
#define REARM_MIN 20000ULL /* ns, as for interval timers */

struct ptimer {
	struct ptimer *pt_next;
	struct process *pt_proc;
	int32_t pt_id;
	int pt_clock, pt_notify;
	pid_t pt_tid; /* SIGEV_THREAD_ID */
	nsec_t pt_interval;
	struct timeout pt_to;
	struct sigqueue pt_sq;  /* queued when the timer fires */
	uint64_t pt_overrun;    /* expirations since it was queued */
	int32_t pt_lastoverrun; /* of the signal delivered last */
	bool pt_queued;
};

/* struct sigevent as a program passes it. */
struct sigevent {
	uint64_t sigev_value;
	int32_t sigev_signo, sigev_notify, sigev_tid;
	int32_t pad[11];
};
_Static_assert(sizeof(struct sigevent) == 64, "struct sigevent");

static struct pool ptimer_pool = POOL_INITIALIZER("ptimer", struct ptimer);

static struct ptimer *
ptimer_find(struct process *ps, int id)
{
	struct ptimer *pt;

	for (pt = ps->ps_posix_timers; pt != NULL; pt = pt->pt_next)
		if (pt->pt_id == id)
			return pt;
	return NULL;
}

/* Lowest free id; the list is kept in order of ids.  *link = where to insert. */
static int
ptimer_newid(struct process *ps, struct ptimer ***link)
{
	struct ptimer *pt = ps->ps_posix_timers;
	int id = 0;

	*link = (struct ptimer **)&ps->ps_posix_timers;
	while (pt != NULL && pt->pt_id == id) {
		*link = &pt->pt_next;
		pt = pt->pt_next;
		id++;
	}
	return id;
}

void
ptimer_dequeued(struct sigqueue *sq)
{
	struct ptimer *pt = sq->sq_timer;

	pt->pt_queued = false;
	pt->pt_lastoverrun = (int32_t)MIN(pt->pt_overrun, (uint64_t)INT32_MAX);
	sq->sq_info.u.timer.overrun = pt->pt_lastoverrun;
	pt->pt_overrun = 0;
}

static void
ptimer_signal(struct ptimer *pt)
{
	struct thread *t = NULL;

	if (pt->pt_notify == SIGEV_NONE)
		return;
	if (pt->pt_queued) {
		pt->pt_overrun++;
		return;
	}
	if (pt->pt_notify == SIGEV_THREAD_ID) {
		t = tfind(pt->pt_tid);
		if (t == NULL || t->td_proc != pt->pt_proc)
			return;
	}
	pt->pt_queued = sigqueue_timer(pt->pt_proc, t, &pt->pt_sq);
}

static void
ptimer_expire(void *arg)
{
	struct ptimer *pt = arg;
	nsec_t now = timeout_now(&pt->pt_to), due = pt->pt_to.to_deadline, missed;

	ptimer_signal(pt);
	if (pt->pt_interval == 0)
		return;
	missed = (now - MIN(due, now)) / pt->pt_interval;
	if (pt->pt_queued)
		pt->pt_overrun += missed;
	due += (missed + 1) * pt->pt_interval;
	timeout_add_abs(&pt->pt_to, MAX(due, now + REARM_MIN));
}

static void
ptimer_free(struct ptimer *pt)
{
	if (pt->pt_queued)
		sigqueue_cancel(pt->pt_proc, &pt->pt_sq);
	timeout_release(&pt->pt_to);
	pool_put(&ptimer_pool, pt);
}

void
itimers_exit(struct process *ps)
{
	struct ptimer *pt;

	while ((pt = ps->ps_posix_timers) != NULL) {
		ps->ps_posix_timers = pt->pt_next;
		ptimer_free(pt);
	}
}

static int
sigevent_copyin(struct thread *td, vaddr_t uaddr, struct sigevent *ev)
{
	struct thread *t;
	int error;

	*ev = (struct sigevent){.sigev_signo = SIGALRM, .sigev_notify = SIGEV_SIGNAL};
	if (uaddr == 0)
		return 0;
	if ((error = copyin((const void *)uaddr, ev, sizeof(*ev))) != 0)
		return error;
	switch (ev->sigev_notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_THREAD_ID:
		t = tfind(ev->sigev_tid);
		if (t == NULL || t->td_proc != td->td_proc)
			return EINVAL;
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		break;
	default:
		return EINVAL;
	}
	return ev->sigev_signo >= 1 && ev->sigev_signo <= NSIG ? 0 : EINVAL;
}

static void
ptimer_init(struct ptimer *pt, struct process *ps, int clock, const struct sigevent *ev)
{
	pt->pt_proc = ps;
	pt->pt_clock = clock;
	pt->pt_notify = ev->sigev_notify;
	pt->pt_tid = ev->sigev_tid;
	pt->pt_sq.sq_timer = pt;
	pt->pt_sq.sq_info.si_signo = ev->sigev_signo;
	pt->pt_sq.sq_info.si_code = SI_TIMER;
	pt->pt_sq.sq_info.u.timer.timerid = pt->pt_id;
	pt->pt_sq.sq_info.u.timer.value = ev->sigev_value;
	timeout_set(&pt->pt_to, ptimer_expire, pt);
}

SYSCALL(timer_create)
{
	struct process *ps = td->td_proc;
	struct ptimer *pt, **link;
	struct sigevent ev;
	nsec_t now;
	int error, id;

	if ((error = clock_read(td, (int)a[0], &now)) != 0)
		return error;
	if (!clock_can_sleep((int)a[0]))
		return EOPNOTSUPP;
	if ((error = sigevent_copyin(td, a[1], &ev)) != 0)
		return error;
	if ((id = ptimer_newid(ps, &link)) >= PTIMER_MAX)
		return EAGAIN;
	if ((pt = pool_get(&ptimer_pool, M_ZERO)) == NULL)
		return EAGAIN;
	pt->pt_id = id;
	if (a[1] == 0)
		ev.sigev_value = (uint64_t)id;
	ptimer_init(pt, ps, (int)a[0], &ev);
	if (timeout_reserve(&pt->pt_to) != 0)
		error = EAGAIN;
	else
		error = copyout(&pt->pt_id, (void *)a[2], sizeof(pt->pt_id));
	if (error != 0) {
		ptimer_free(pt);
		return error;
	}
	pt->pt_next = *link;
	*link = pt;
	return 0;
}

static int
ptimer_copyout(const struct ptimer *pt, vaddr_t uaddr)
{
	struct itimerspec its = {0};
	nsec_t now = timeout_now(&pt->pt_to), due = pt->pt_to.to_deadline;

	ns_to_ts(pt->pt_interval, &its.it_interval);
	if (pt->pt_to.to_index != 0)
		ns_to_ts(due > now ? due - now : 1, &its.it_value);
	return copyout(&its, (void *)uaddr, sizeof(its));
}

SYSCALL(timer_settime)
{
	struct ptimer *pt = ptimer_find(td->td_proc, (int)a[0]);
	struct itimerspec its;
	nsec_t value;
	int error;

	if (pt == NULL || a[2] == 0)
		return EINVAL;
	if ((error = copyin((const void *)a[2], &its, sizeof(its))) != 0)
		return error;
	if (!ts_valid(&its.it_interval) || !ts_valid(&its.it_value))
		return EINVAL;
	if (a[3] != 0 && (error = ptimer_copyout(pt, a[3])) != 0)
		return error;
	timeout_del(&pt->pt_to);
	pt->pt_overrun = 0;
	pt->pt_interval = ts_to_ns_sat(&its.it_interval);
	value = ts_to_ns_sat(&its.it_value);
	if (value != 0) {
		value = clock_deadline(pt->pt_clock, value, ((int)a[1] & TIMER_ABSTIME) != 0,
				       &pt->pt_to.to_wall);
		timeout_add_abs(&pt->pt_to, value);
	}
	return 0;
}

SYSCALL(timer_gettime)
{
	struct ptimer *pt = ptimer_find(td->td_proc, (int)a[0]);

	return pt == NULL ? EINVAL : ptimer_copyout(pt, a[1]);
}

SYSCALL(timer_getoverrun)
{
	struct ptimer *pt = ptimer_find(td->td_proc, (int)a[0]);

	if (pt == NULL)
		return EINVAL;
	*retval = pt->pt_lastoverrun;
	return 0;
}

SYSCALL(timer_delete)
{
	struct process *ps = td->td_proc;
	struct ptimer *pt = ptimer_find(ps, (int)a[0]), **link;

	if (pt == NULL)
		return EINVAL;
	for (link = (struct ptimer **)&ps->ps_posix_timers; *link != pt; link = &(*link)->pt_next)
		;
	*link = pt->pt_next;
	ptimer_free(pt);
	return 0;
}
