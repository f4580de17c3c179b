/* SPDX-License-Identifier: ISC */
/* sys_sched.c: priorities, scheduling policies, processor sets: one CPU, time sharing only. */
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/syscall.h>
#include <sys/systm.h>
#include <sys/time.h>

#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5
#define SCHED_RESET_ON_FORK 0x40000000
#define PRIO_PROCESS 0
#define PRIO_PGRP 1
#define PRIO_USER 2
#define QUANTUM_NS (2 * TICK_NS)

/* ---- nice ---- */

static bool
prio_matches(const struct process *ps, const struct process *self, int which, uint32_t who)
{
	switch (which) {
	case PRIO_PROCESS:
		return who == 0 ? ps == self : ps->ps_pid == (pid_t)who;
	case PRIO_PGRP:
		return ps->ps_pgrp != NULL &&
		       (who == 0 ? ps->ps_pgrp == self->ps_pgrp : ps->ps_pgrp->pg_id == (pid_t)who);
	default:
		return ps->ps_cred->cr_ruid == (who == 0 ? self->ps_cred->cr_ruid : who);
	}
}

/* The call's value is 20 - nice, so that it is never negative: of several, the best. */
SYSCALL(getpriority)
{
	struct process *ps;
	int which = (int)a[0];
	long best = 0;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return EINVAL;
	LIST_FOREACH (ps, &allprocess, ps_list)
		if (!(ps->ps_flags & PS_EMBRYO) &&
		    prio_matches(ps, td->td_proc, which, (uint32_t)a[1]))
			best = MAX(best, (long)(20 - ps->ps_nice));
	*retval = best;
	return best > 0 ? 0 : ESRCH;
}

static int
renice(struct thread *td, struct process *ps, int nice)
{
	const struct cred *me = td->td_proc->ps_cred, *cr = ps->ps_cred;
	struct thread *t;

	if (me->cr_uid != 0 && me->cr_uid != cr->cr_uid && me->cr_uid != cr->cr_ruid)
		return EPERM;
	if (nice < ps->ps_nice && me->cr_uid != 0 &&
	    (uint64_t)(20 - nice) > lim_cur(ps, RLIMIT_NICE))
		return EACCES;
	ps->ps_nice = nice;
	TAILQ_FOREACH (t, &ps->ps_threads, td_link) {
		bool queued = t->td_state == TDS_RUN && t != curthread;

		if (queued)
			remrunqueue(t); /* its turn follows from the priority */
		sched_setprio(t);
		if (queued)
			setrunqueue(t);
	}
	return 0;
}

SYSCALL(setpriority)
{
	int which = (int)a[0], nice = MIN(MAX((int)a[2], NICE_MIN), NICE_MAX), error = ESRCH;
	struct process *ps;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return EINVAL;
	LIST_FOREACH (ps, &allprocess, ps_list) {
		int e;

		if (ps->ps_flags & (PS_EMBRYO | PS_SYSTEM) ||
		    !prio_matches(ps, td->td_proc, which, (uint32_t)a[1]))
			continue;
		e = renice(td, ps, nice);
		if (error == 0 || error == ESRCH)
			error = e;
	}
	return error;
}

/* ---- policies ---- */

static int
sched_target(struct thread *td, uint64_t arg, struct thread **tp)
{
	pid_t tid = (pid_t)arg;

	if (tid < 0)
		return EINVAL;
	*tp = tid == 0 ? td : tfind(tid);
	return *tp != NULL ? 0 : ESRCH;
}

static bool
policy_valid(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_FIFO || policy == SCHED_RR ||
	       policy == SCHED_BATCH || policy == SCHED_IDLE;
}

/* Real-time policies do not exist: nobody may have them. */
static int
policy_set(struct thread *td, uint64_t tid, int policy, vaddr_t param)
{
	bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	struct thread *t;
	int32_t prio;
	int error;

	if (param == 0 || !policy_valid(policy))
		return EINVAL;
	if ((error = sched_target(td, tid, &t)) != 0 ||
	    (error = copyin((const void *)param, &prio, sizeof(prio))) != 0)
		return error;
	if (realtime ? prio < 1 || prio > 99 : prio != 0)
		return EINVAL;
	return realtime ? EPERM : 0;
}

SYSCALL(sched_setscheduler)
{
	return policy_set(td, a[0], (int)a[1] & ~SCHED_RESET_ON_FORK, a[2]);
}

SYSCALL(sched_setparam)
{
	return policy_set(td, a[0], SCHED_OTHER, a[1]);
}

SYSCALL(sched_getscheduler)
{
	struct thread *t;

	*retval = SCHED_OTHER;
	return sched_target(td, a[0], &t);
}

SYSCALL(sched_getparam)
{
	struct thread *t;
	int32_t prio = 0;
	int error = sched_target(td, a[0], &t);

	if (error != 0 || a[1] == 0)
		return error != 0 ? error : EINVAL;
	return copyout(&prio, (void *)a[1], sizeof(prio));
}

static int
priority_bound(int policy, long realtime, long *retval)
{
	if (!policy_valid(policy))
		return EINVAL;
	*retval = policy == SCHED_FIFO || policy == SCHED_RR ? realtime : 0;
	return 0;
}

SYSCALL(sched_get_priority_max)
{
	return priority_bound((int)a[0], 99, retval);
}

SYSCALL(sched_get_priority_min)
{
	return priority_bound((int)a[0], 1, retval);
}

SYSCALL(sched_rr_get_interval)
{
	struct thread *t;
	int error = sched_target(td, a[0], &t);

	return error != 0 ? error : copyout_timespec(QUANTUM_NS, a[1]);
}

/* ---- processors ---- */

SYSCALL(sched_getaffinity)
{
	uint64_t set = 1;
	struct thread *t;
	int error;

	if (a[1] < sizeof(set) || a[1] % sizeof(set) != 0)
		return EINVAL;
	if ((error = sched_target(td, a[0], &t)) != 0)
		return error;
	*retval = sizeof(set);
	return copyout(&set, (void *)a[2], sizeof(set));
}

SYSCALL(sched_setaffinity)
{
	struct thread *t;
	uint8_t set = 0;
	int error;

	if ((error = sched_target(td, a[0], &t)) != 0)
		return error;
	if (a[1] > 0 && (error = copyin((const void *)a[2], &set, sizeof(set))) != 0)
		return error;
	return set & 1 ? 0 : EINVAL;
}

SYSCALL(getcpu)
{
	uint32_t zero = 0;
	int error = 0;

	if (a[0] != 0)
		error = copyout(&zero, (void *)a[0], sizeof(zero));
	if (error == 0 && a[1] != 0)
		error = copyout(&zero, (void *)a[1], sizeof(zero));
	return error;
}
