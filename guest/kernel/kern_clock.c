/* SPDX-License-Identifier: ISC */
/*
 * kern_clock.c: the timer interrupt, and CPU time.
 *
 * There is no periodic tick.  The next interrupt comes at the earliest timeout, or one tick from
 * now if somebody needs ticks: another thread waits for the CPU, or the running process has a CPU
 * timer or limit or is profiled.  Programming the timer costs a VM exit, so an interrupt that has
 * become too early is left to come; it finds nothing to do and the right one is programmed then.
 *
 * CPU time is exact (td_runtime, charged at each switch).  How it splits into user and system time
 * is sampled: interrupts are off in the kernel, so a tick that arrives at the first instruction
 * after it was held up by the kernel and counts as system time.
 */
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/profil.h>
#include <sys/sched.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <sys/time.h>

#define NEVER (~(nsec_t)0)

static nsec_t clock_armed __resume_data = NEVER; /* what the timer is programmed to */
static nsec_t tick_due __resume_data = NEVER;    /* the next tick, if ticks are wanted */
static bool clock_running
    __resume_data; /* inside clock_intr: it programs the timer itself at the end */

/* ---- programming the timer ---- */

static bool
needs_ticks(const struct process *ps)
{
	if (ps->ps_flags & PS_SYSTEM)
		return false;
	return ps->ps_flags & PS_PROFIL || ps->ps_vtimer.value != 0 || ps->ps_ptimer.value != 0 ||
	       (ps->ps_limit != NULL && lim_cur(ps, RLIMIT_CPU) != RLIM_INFINITY);
}

static bool
tick_wanted(void)
{
	return sched_need_tick() || needs_ticks(curthread->td_proc);
}

static void
clock_arm(nsec_t deadline)
{
	if (deadline >= clock_armed)
		return;
	clock_armed = deadline;
	cpu_set_timer(deadline);
}

void
clock_reprogram(void)
{
	if (clock_running || curthread == NULL)
		return;
	if (tick_due == NEVER && tick_wanted())
		tick_due = nanouptime() + TICK_NS;
	clock_arm(MIN(timeout_next(), tick_due));
}

/* The timer has lost its programming (a clone has been resumed). */
void
clock_resume(void)
{
	clock_armed = NEVER;
	clock_reprogram();
}

void
clock_was_set(void)
{
	timerfd_clock_was_set();
	clock_reprogram();
}

/* ---- CPU timers and limits, to the resolution of a tick ---- */

static void
cpu_timer_run(struct process *ps, struct itimerval_ns *it, nsec_t used, int sig)
{
	if (it->value == 0)
		return;
	if (it->value > used) {
		it->value -= used;
		return;
	}
	it->value = it->interval;
	psignal(ps, sig);
}

/* Past the soft limit SIGXCPU once a second, past the hard one SIGKILL. */
static void
cpu_limit_run(struct process *ps, nsec_t used)
{
	const struct rlimit *rl = &ps->ps_limit->pl_rlimit[RLIMIT_CPU];
	uint64_t before, now;

	if (rl->rlim_cur == RLIM_INFINITY)
		return;
	now = process_cputime(ps, NULL, NULL);
	before = (now - MIN(used, now)) / NSEC_PER_SEC;
	now /= NSEC_PER_SEC;
	if (now >= rl->rlim_max)
		psignal(ps, SIGKILL);
	else if (now >= rl->rlim_cur && now != before)
		psignal(ps, SIGXCPU);
}

static void
tick(struct thread *td, nsec_t now, bool system)
{
	struct process *ps = td->td_proc;
	nsec_t used = now - MIN(td->td_lastswitch, now);

	/* A tick says what the time since the one before was; it cannot speak for more than that.
	 */
	used = MIN(used, TICK_NS);
	sched_account(td, now);
	if (system)
		td->td_stime += used;
	else
		td->td_utime += used;
	if (!system)
		cpu_timer_run(ps, &ps->ps_vtimer, used, SIGVTALRM);
	cpu_timer_run(ps, &ps->ps_ptimer, used, SIGPROF);
	cpu_limit_run(ps, used);
	if (ps->ps_flags & PS_PROFIL)
		profil_tick(td, cpu_user_pc(td));
	sched_tick(td);
}

/* user is false only in the idle loop: the kernel proper runs with interrupts off. */
void
clock_intr(bool user, bool held_up)
{
	nsec_t now = nanouptime();

	clock_running = true;
	clock_armed = NEVER;
	timeout_run(now);
	if (now >= tick_due) {
		if (user)
			tick(curthread, now, held_up);
		tick_due = NEVER;
	}
	clock_running = false;
	clock_reprogram();
}

/* ---- reading CPU time ---- */

static nsec_t
thread_runtime(const struct thread *td)
{
	nsec_t run = td->td_runtime, now;

	if (td == curthread && (now = nanouptime()) > td->td_lastswitch)
		run += now - td->td_lastswitch;
	return run;
}

/* With no sample in the kernel all of it is user time. */
void
thread_cputime(const struct thread *td, nsec_t *utime, nsec_t *stime)
{
	nsec_t run = thread_runtime(td), sys = MIN(td->td_stime, run);

	*utime = run - sys;
	*stime = sys;
}
