/* SPDX-License-Identifier: ISC */
/* kern_forktest.c: debug kernels: what the tests of fork need to provoke. */
#include <sys/forkvar.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/time.h>

#ifdef TINE_DEBUG

int fork_fail_at;  /* kern.fork_fail_at: the n-th allocation of the next fork fails */
int fork_pause_ms; /* kern.fork_pause: time that a fork takes before its commit point */
static bool injecting;

void
forktest_begin(void)
{
	if (fork_fail_at == 0 || curthread->td_proc->ps_flags & PS_SYSTEM)
		return;
	kmem_fail_at = (uint64_t)fork_fail_at;
	fork_fail_at = 0;
	injecting = true;
}

/* Allocations for page faults, which follow at once, are not meant. */
void
forktest_end(void)
{
	if (injecting)
		kmem_fail_at = 0;
	injecting = false;
}

/* Tests look at the world while a fork is under way, which otherwise never gives the CPU away. */
void
forktest_commit(void)
{
	forktest_end();
	if (fork_pause_ms > 0 && !(curthread->td_proc->ps_flags & PS_SYSTEM))
		tsleep(&fork_pause_ms, 0, "embryo",
		       nanouptime() + (nsec_t)fork_pause_ms * (NSEC_PER_SEC / 1000));
}

/* ---- kern.kthread_test: a kernel thread that returns from its function, which none should ---- */

static pid_t kthread_test_pid;

static void
kthread_test(void *arg)
{
	(void)arg;
	tsleep(&kthread_test_pid, 0, "ktest", nanouptime() + NSEC_PER_SEC / 10);
}

int
forktest_kthread(bool highpid)
{
	struct process *ps;
	int error = kthread_create1(kthread_test, NULL, "ktest", highpid ? FORK_HIGHPID : 0, &ps);

	if (error == 0)
		kthread_test_pid = ps->ps_pid;
	return error;
}

pid_t
forktest_kthread_pid(void)
{
	return kthread_test_pid;
}

#endif
