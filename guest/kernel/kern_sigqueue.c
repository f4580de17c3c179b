/* SPDX-License-Identifier: ISC */
/* kern_sigqueue.c: pending signals: a set of bits, and a queue for those that carry details. */
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <sys/time.h>

static struct pool sigqueue_pool = POOL_INITIALIZER("sigqueue", struct sigqueue);

/* All 128 bytes reach the program: none may be left as it was. */
void
siginfo_init(struct siginfo *si, int sig, int code)
{
	memset(si, 0, sizeof(*si));
	si->si_signo = sig;
	si->si_code = code;
}

void
sigpend_init(struct sigpend *sp)
{
	sp->sp_set = 0;
	sp->sp_count = 0;
	TAILQ_INIT(&sp->sp_queue);
}

static void
sigqueue_remove(struct sigpend *sp, struct sigqueue *sq)
{
	TAILQ_REMOVE(&sp->sp_queue, sq, sq_link);
	if (sq->sq_timer != NULL) {
		ptimer_dequeued(sq);
		return;
	}
	sp->sp_count--;
	pool_put(&sigqueue_pool, sq);
}

static void
sigpend_discard(struct sigpend *sp, sigset_t set)
{
	struct sigqueue *sq, *next;

	if ((sp->sp_set & set) == 0)
		return;
	sp->sp_set &= ~set;
	TAILQ_FOREACH_SAFE (sq, &sp->sp_queue, sq_link, next)
		if (set & sigmask(sq->sq_info.si_signo))
			sigqueue_remove(sp, sq);
}

void
sigpend_flush(struct sigpend *sp)
{
	sigpend_discard(sp, ~0UL);
}

void
signal_discard(struct process *ps, sigset_t set)
{
	struct thread *t;

	sigpend_discard(&ps->ps_sigpend, set);
	TAILQ_FOREACH (t, &ps->ps_threads, td_link)
		sigpend_discard(&t->td_sigpend, set);
}

/* Make sig pending.  A standard signal is kept once, and without its details if there is no memory
 * for them; a real-time one that a program queues must not get lost: EAGAIN. */
int
sigpend_add(struct process *ps, struct sigpend *sp, int sig, const struct siginfo *info)
{
	bool realtime = sig >= SIGRTMIN;
	struct sigqueue *sq = NULL;

	if (!realtime && sp->sp_set & sigmask(sig))
		return 0;
	if (info != NULL && sig != SIGKILL &&
	    (!realtime || sp->sp_count < lim_cur(ps, RLIMIT_SIGPENDING)))
		sq = pool_get(&sigqueue_pool, 0);
	if (sq != NULL) {
		sq->sq_info = *info;
		sq->sq_info.si_signo = sig;
		sq->sq_timer = NULL;
		TAILQ_INSERT_TAIL(&sp->sp_queue, sq, sq_link);
		sp->sp_count++;
	} else if (realtime && info != NULL && info->si_code == SI_QUEUE) {
		return EAGAIN;
	}
	sp->sp_set |= sigmask(sig);
	return 0;
}

/* Take sig out of sp, oldest entry first; it stays pending while more entries of it wait. */
static void
sigpend_take(struct sigpend *sp, int sig, struct siginfo *info)
{
	struct sigqueue *sq, *next, *found = NULL;

	TAILQ_FOREACH (sq, &sp->sp_queue, sq_link)
		if (sq->sq_info.si_signo == sig) {
			found = sq;
			break;
		}
	sp->sp_set &= ~sigmask(sig);
	if (found == NULL) {
		siginfo_init(info, sig, SI_KERNEL);
		return;
	}
	for (next = TAILQ_NEXT(found, sq_link); next != NULL; next = TAILQ_NEXT(next, sq_link))
		if (next->sq_info.si_signo == sig) {
			sp->sp_set |= sigmask(sig);
			break;
		}
	if (found->sq_timer != NULL) { /* counts the overruns into the entry */
		TAILQ_REMOVE(&sp->sp_queue, found, sq_link);
		ptimer_dequeued(found);
		*info = found->sq_info;
		return;
	}
	*info = found->sq_info;
	sigqueue_remove(sp, found);
}

/* What a fault or an abort of this thread raised comes before what others sent. */
#define SIG_SYNCMASK                                                                               \
	(sigmask(SIGSEGV) | sigmask(SIGBUS) | sigmask(SIGILL) | sigmask(SIGTRAP) |                 \
	 sigmask(SIGFPE) | sigmask(SIGSYS))

static int
pick_signal(sigset_t set)
{
	if (set & sigmask(SIGKILL))
		return SIGKILL;
	if (set & SIG_SYNCMASK)
		set &= SIG_SYNCMASK;
	return __builtin_ctzll(set) + 1;
}

int
signal_take(struct thread *td, sigset_t set, struct siginfo *info)
{
	struct sigpend *tsp = &td->td_sigpend, *psp = &td->td_proc->ps_sigpend, *sp;
	int sig;

	if (((tsp->sp_set | psp->sp_set) & set) == 0)
		return 0;
	sp = (tsp->sp_set & set) != 0 && (psp->sp_set & set & sigmask(SIGKILL)) == 0 ? tsp : psp;
	sig = pick_signal(sp->sp_set & set);
	sigpend_take(sp, sig, info);
	return sig;
}

static bool
sigqueue_cancel_from(struct sigpend *sp, struct sigqueue *sq)
{
	struct sigqueue *q;
	bool found = false, more = false;

	TAILQ_FOREACH (q, &sp->sp_queue, sq_link) {
		found |= q == sq;
		more |= q != sq && q->sq_info.si_signo == sq->sq_info.si_signo;
	}
	if (!found)
		return false;
	if (!more)
		sp->sp_set &= ~sigmask(sq->sq_info.si_signo);
	sigqueue_remove(sp, sq);
	return true;
}

void
sigqueue_cancel(struct process *ps, struct sigqueue *sq)
{
	struct thread *t;

	if (sigqueue_cancel_from(&ps->ps_sigpend, sq))
		return;
	TAILQ_FOREACH (t, &ps->ps_threads, td_link)
		if (sigqueue_cancel_from(&t->td_sigpend, sq))
			return;
}
