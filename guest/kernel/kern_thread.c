/* SPDX-License-Identifier: ISC */
/* kern_thread.c: construction of threads, and new threads of a process that exists. */
#include <sys/fork.h>
#include <sys/forkvar.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/observe.h>
#include <sys/ptrace.h>
#include <sys/sched.h>
#include <sys/systm.h>
#include <sys/vm.h>

static struct pool thread_pool = POOL_INITIALIZER("thread", struct thread);

/* ---- kernel stacks ---- */

#ifdef TINE_DEBUG
#define STACK_FILL 0xdb

static size_t kstack_most; /* bytes used by a thread that has gone */

static void
kstack_fill(vaddr_t stack)
{
	memset((void *)stack, STACK_FILL, KSTACK_SIZE);
}

static size_t
kstack_depth(vaddr_t stack)
{
	const uint8_t *p = (const uint8_t *)stack;
	size_t left = 0;

	while (left < KSTACK_SIZE && p[left] == STACK_FILL)
		left++;
	return KSTACK_SIZE - left;
}

/* One used to its end has overflowed for all we know. */
static void
kstack_check(vaddr_t stack)
{
	kstack_most = MAX(kstack_most, kstack_depth(stack));
	KASSERT(kstack_most < KSTACK_SIZE);
}

size_t
kstack_used(void)
{
	const struct process *ps;
	const struct thread *td;

	LIST_FOREACH (ps, &allprocess, ps_list)
		TAILQ_FOREACH (td, &ps->ps_threads, td_link)
			if (td->td_kstack != 0) /* not the boot stack */
				kstack_check(td->td_kstack);
	return kstack_most;
}
#else
#define kstack_fill(stack) ((void)0)
#define kstack_check(stack) ((void)0)
#endif

/* ---- construction ---- */

struct thread *
thread_new(struct thread *parent)
{
	struct thread *td = pool_get(&thread_pool, 0);
	struct page *stack;

	if (td == NULL)
		return NULL;
	memset(&td->td_startzero, 0,
	       offsetof(struct thread, td_endzero) - offsetof(struct thread, td_startzero));
	memcpy(&td->td_startcopy, &parent->td_startcopy,
	       offsetof(struct thread, td_endcopy) - offsetof(struct thread, td_startcopy));
	td->td_state = TDS_EMBRYO;
	td->td_flags = 0;
	td->td_tid = 0;
	td->td_proc = NULL;
	memset(&td->td_md, 0, sizeof(td->td_md));
	sigpend_init(&td->td_sigpend);
	sched_thread_init(td);
	sched_fork(parent, td);
	if ((stack = vm_pages_alloc(KSTACK_ORDER, PGA_KERNEL)) == NULL)
		goto fail;
	td->td_kstack = (vaddr_t)page_to_dm(stack);
	kstack_fill(td->td_kstack);
	if (timeout_reserve(&td->td_sleep_to) != 0)
		goto fail_stack;
	if (cpu_fork_prepare(parent, td) == 0)
		return td;
	timeout_release(&td->td_sleep_to);
fail_stack:
	vm_pages_free(stack, KSTACK_ORDER);
fail:
	pool_put(&thread_pool, td);
	return NULL;
}

/* Free a thread that is in no list and runs no more. */
void
thread_free(struct thread *td)
{
	cpu_thread_free(td);
	ptrace_fork_abort(td);
	timeout_release(&td->td_sleep_to);
	sigpend_flush(&td->td_sigpend);
	kstack_check(td->td_kstack);
	vm_pages_free(pa_to_page(DM_TO_PHYS(td->td_kstack)), KSTACK_ORDER);
	pool_put(&thread_pool, td);
}

void
thread_link(struct process *ps, struct thread *td)
{
	thread_hash(td);
	TAILQ_INSERT_TAIL(&ps->ps_threads, td, td_link);
	ps->ps_nthreads++;
}

/* ---- new threads of a process ---- */

/* A thread born while all others must go goes as well (row D7: it is counted in). */
static void
join_exit(struct process *ps, struct thread *td)
{
	if (ps->ps_flags & PS_GROUPEXIT) {
		td->td_flags |= TDF_EXIT;
	} else if (ps->ps_single != NULL) {
		ps->ps_singlecount++;
		td->td_flags |= TDF_SUSPSINGLE;
	}
}

int
thread_fork(struct thread *td, const struct fork_args *fa, struct thread **childp, pid_t *tidp)
{
	struct process *ps = td->td_proc;
	struct thread *child;
	int error;

	if ((error = thread_slot_take(td)) != 0)
		return error;
	forktest_begin();
	if ((child = thread_new(td)) == NULL) {
		error = ENOMEM;
		goto fail_slot;
	}
	if ((error = ptrace_fork_prepare(td, child, fa)) != 0)
		goto fail_thread;
	if ((error = tid_alloc(&child->td_tid)) != 0)
		goto fail_thread;
	forktest_commit();

	/* Commit point: from here on the thread exists and nothing fails. */
	child->td_proc = ps;
	child->td_flags |= TDF_THREAD;
	fork_user(td, child, fa);
	thread_link(ps, child);
	join_exit(ps, child);
	fork_report_tid(fa, child->td_tid);
	fork_count(ps, fa->flags);
	ptrace_fork(td, child);
	observe_update(child);
	fork_start(child, fa->flags & ~FORK_STOPPED);
	if (childp != NULL)
		*childp = child;
	*tidp = child->td_tid;
	ptrace_fork_event(td, fa, *tidp);
	return 0;

fail_thread:
	thread_free(child);
fail_slot:
	thread_slot_give();
	return fork_failed(error);
}
