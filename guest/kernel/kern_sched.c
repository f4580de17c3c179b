/* SPDX-License-Identifier: ISC */
/*
 * kern_sched.c: run queues, sleeping and waking, context switches.
 *
 * The run queue is a calendar (Brown 1988; FreeBSD's ULE schedules its time-sharing threads so): a
 * ring of slots in the order of a virtual time.  A thread is put td_priority slots ahead of the
 * present, more for a high nice and for recent CPU use (td_estcpu), and the present moves to the
 * slot that was served last: a good priority comes round more often, and nobody starves.
 * One vCPU and no preemption inside the kernel: nothing here needs a lock.
 */
#include <sys/host.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/sched.h>
#include <sys/systm.h>
#include <sys/vm.h>
#include <machine/stats.h>
#include <machine/trace.h>

#define NSLOTS 64
#define QUANTUM 2      /* ticks before another thread gets its turn */
#define ESTCPU_MAX 60  /* ticks of recent CPU use that are told apart */
#define ESTCPU_STEP 15 /* ... and that cost one slot */
#define NSLEEPQ 128

TAILQ_HEAD(threadq, thread);

static struct threadq runq[NSLOTS];
static uint64_t runq_bits __resume_data; /* bit n: slot n is not empty */
static unsigned runq_now __resume_data;  /* slot served last */
static int runq_count __resume_data;
static struct threadq sleepq[NSLEEPQ] __resume_data;
static struct thread *idlethread;
/* has switched away for the last time; its stack is still there */
static struct thread *deadthread __resume_data;

struct thread *curthread __resume_data;

static struct threadq *
sleepq_of(const void *chan)
{
	return &sleepq[((uintptr_t)chan >> 4 ^ (uintptr_t)chan >> 11) % NSLEEPQ];
}

void
sched_init(void)
{
	for (int i = 0; i < NSLOTS; i++)
		TAILQ_INIT(&runq[i]);
	for (int i = 0; i < NSLEEPQ; i++)
		TAILQ_INIT(&sleepq[i]);
}

void
sched_set_idle(struct thread *td)
{
	idlethread = td;
}

/*
 * Slots that a thread waits for its turn: 4 * 1.15^nice (nice 5 has half the share of nice 0), and
 * up to 4 for recent use.  The kernel's own threads do not wait.
 */
void
sched_setprio(struct thread *td)
{
	static const uint8_t slots[NICE_MAX - NICE_MIN + 1] = {
	    1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  2,  2,  2,  2,  3,  3,  3,
	    4, 5, 5, 6, 7, 8, 9, 11, 12, 14, 16, 19, 21, 25, 28, 33, 37, 43, 50, 57,
	};

	td->td_priority =
	    td->td_proc->ps_flags & PS_SYSTEM
		? 0
		: slots[td->td_proc->ps_nice - NICE_MIN] + td->td_estcpu / ESTCPU_STEP;
	KASSERT(td->td_priority < NSLOTS);
}

void
setrunqueue(struct thread *td)
{
	KASSERT(td != idlethread);
	td->td_state = TDS_RUN;
	td->td_slot = (runq_now + td->td_priority) % NSLOTS;
	TAILQ_INSERT_TAIL(&runq[td->td_slot], td, td_runq);
	runq_bits |= 1ull << td->td_slot;
	runq_count++;
	if (td->td_priority < curthread->td_priority)
		curthread->td_flags |= TDF_NEEDRESCHED;
	if (runq_count == 1 && curthread != idlethread)
		clock_reprogram(); /* the running thread's turn now ends */
}

void
remrunqueue(struct thread *td)
{
	struct threadq *q = &runq[td->td_slot];

	TAILQ_REMOVE(q, td, td_runq);
	if (TAILQ_EMPTY(q))
		runq_bits &= ~(1ull << td->td_slot);
	runq_count--;
}

static struct thread *
runq_choose(void)
{
	struct thread *td;
	uint64_t ahead;

	if (runq_bits == 0)
		return idlethread;
	ahead = runq_bits >> runq_now | runq_bits << (-runq_now % NSLOTS);
	runq_now = (runq_now + (unsigned)__builtin_ctzll(ahead)) % NSLOTS;
	td = TAILQ_FIRST(&runq[runq_now]);
	remrunqueue(td);
	return td;
}

bool
sched_need_tick(void)
{
	return runq_count > 0;
}

/*
 * The stack of a thread that has exited can be freed only by the thread that runs next; each way a
 * thread gets the CPU leads through here (mi_switch and the first entry of a new thread).
 */
void
sched_reap_dead(void)
{
	struct thread *td = deadthread;

	if (td == NULL)
		return;
	deadthread = NULL;
	thread_free(td);
}

void
mi_switch(void)
{
	struct thread *from = curthread, *to = runq_choose();

	if (to == from)
		return;
	/* First of all: a page that a clone writes to before it reads there takes one nested page
	 * fault, else three, and the idle thread's has not been touched. */
	to->td_quantum = QUANTUM;
	STAT_INC(ctxswitches);
	KTRACE(SWITCH, to->td_proc->ps_pid, to->td_tid);
	sched_account_switch(from, to);
	if (from->td_state == TDS_DEAD)
		deadthread = from;
	to->td_flags &= ~TDF_NEEDRESCHED;
	if (from->td_flags & TDF_TELLHOST) {
		from->td_flags &= ~TDF_TELLHOST;
		to->td_flags |= TDF_TELLHOST;
	}
	curthread = to;
	clock_reprogram(); /* `to' may want ticks that `from' did not */
	cpu_switch(from, to);
	sched_reap_dead();
}

void
sched_account_switch(struct thread *from, struct thread *to)
{
	nsec_t now = nanouptime();

	if (from != idlethread)
		sched_account(from, now);
	if (to->td_estcpu != 0) { /* forget as much as it has waited */
		to->td_estcpu -= MIN(to->td_estcpu, (now - to->td_lastswitch) / TICK_NS);
		sched_setprio(to);
	}
	to->td_lastswitch = now;
}

/* Charge the time since the thread last got the CPU (or was charged last). */
void
sched_account(struct thread *td, nsec_t now)
{
	if (now > td->td_lastswitch)
		td->td_runtime += now - td->td_lastswitch;
	td->td_lastswitch = now;
}

void
sched_yield_thread(struct thread *td)
{
	td->td_flags &= ~TDF_NEEDRESCHED;
	if (runq_bits == 0)
		return;
	td->td_ru.nivcsw++;
	setrunqueue(td);
	mi_switch();
}

/* A tick of the clock in td: age it, and end its turn when others wait. */
void
sched_tick(struct thread *td)
{
	if (td == idlethread)
		return;
	if (td->td_estcpu < ESTCPU_MAX)
		td->td_estcpu++;
	sched_setprio(td);
	if (td->td_quantum > 0)
		td->td_quantum--;
	if (td->td_quantum == 0 && runq_bits != 0)
		td->td_flags |= TDF_NEEDRESCHED;
}

/* Row B11: forking gives no advantage, the child starts from the parent's estimate. */
void
sched_fork(struct thread *parent, struct thread *child)
{
	child->td_estcpu = parent->td_estcpu;
	child->td_priority = parent->td_priority;
	child->td_lastswitch = parent->td_lastswitch;
	child->td_quantum = QUANTUM;
}

/* A parent is charged for the CPU use of children that have gone. */
void
sched_exit(struct thread *parent, struct thread *child)
{
	parent->td_estcpu = MIN(MAX(parent->td_estcpu, child->td_estcpu), ESTCPU_MAX);
}

/* ---- sleeping ---- */

/* Is something pending that ends the process, whatever it is doing? */
static bool
fatal_pending(struct thread *td)
{
	struct process *ps = td->td_proc;
	sigset_t set;

	if (td->td_flags & TDF_EXIT)
		return true;
	set = (td->td_sigpend.sp_set | ps->ps_sigpend.sp_set) & ~td->td_sigmask;
	while (set != 0) {
		int sig = __builtin_ctzll(set) + 1;

		set &= set - 1;
		if (ps->ps_sigacts->sa_act[sig - 1].sa_handler == SIG_DFL && signal_kills(sig))
			return true;
	}
	return false;
}

static bool
interrupted(struct thread *td, int flags)
{
	if (flags & PCATCH)
		return (td->td_flags & TDF_EXIT) != 0 || signal_pending(td);
	return (flags & PKILL) != 0 && fatal_pending(td);
}

static void
sleep_timeout(void *arg)
{
	struct thread *td = arg;

	if (td->td_state == TDS_SLEEP)
		thread_unsleep(td, ETIMEDOUT);
}

void
sched_thread_init(struct thread *td)
{
	timeout_set(&td->td_sleep_to, sleep_timeout, td);
}

static int
sleep_once(const void *chan, int flags, const char *wmesg, nsec_t deadline)
{
	struct thread *td = curthread;

	td->td_wchan = chan;
	td->td_wmesg = wmesg;
	td->td_werror = 0;
	td->td_state = TDS_SLEEP;
	if (flags & (PCATCH | PKILL))
		td->td_flags |= TDF_SINTR;
	TAILQ_INSERT_TAIL(sleepq_of(chan), td, td_runq);
	if (deadline != 0) {
		td->td_sleep_to.to_wall = (flags & PWALL) != 0;
		timeout_add_abs(&td->td_sleep_to, deadline);
	}
	KTRACE(SLEEP, (uintptr_t)chan, deadline);
	td->td_ru.nvcsw++;
	mi_switch();
	if (deadline != 0)
		timeout_del(&td->td_sleep_to);
	td->td_flags &= ~TDF_SINTR;
	return td->td_werror;
}

int
tsleep(const void *chan, int flags, const char *wmesg, nsec_t deadline)
{
	int error;

	if (interrupted(curthread, flags))
		return EINTR;
	error = sleep_once(chan, flags, wmesg, deadline);
	/*
	 * A signal that does not kill must not end a PKILL wait.  But what is waited for may have
	 * come after the signal, when nobody slept here any more: the caller has to look.
	 */
	if (error == EINTR && flags & PKILL && !interrupted(curthread, flags))
		return 0;
	return error;
}

void
thread_unsleep(struct thread *td, int error)
{
	KASSERT(td->td_state == TDS_SLEEP);
	TAILQ_REMOVE(sleepq_of(td->td_wchan), td, td_runq);
	td->td_wchan = NULL;
	td->td_werror = error;
	setrunqueue(td);
}

static void
wakeup_n(const void *chan, int n)
{
	struct threadq *q = sleepq_of(chan);
	struct thread *td, *next;

	TAILQ_FOREACH_SAFE (td, q, td_runq, next) {
		if (td->td_wchan != chan)
			continue;
		thread_unsleep(td, 0);
		if (--n == 0)
			break;
	}
}

void
wakeup(const void *chan)
{
	wakeup_n(chan, -1);
}

void
wakeup_one(const void *chan)
{
	wakeup_n(chan, 1);
}

void __noreturn
idle_loop(void)
{
	for (;;) {
		clock_reprogram();
		hostchan_tell();
		cpu_idle();
		if (runq_bits != 0)
			mi_switch();
	}
}
