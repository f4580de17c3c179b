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

/* ---- kernel stacks ---- */

#ifdef TINE_DEBUG
#define STACK_FILL 0xdb

static size_t kstack_most; /* bytes used by a thread that has gone */

static void
kstack_fill(vaddr_t stack)
{
	memset((void *)stack, STACK_FILL, KSTACK_TOP(stack) - stack);
}

static size_t
kstack_depth(vaddr_t stack)
{
	const uint8_t *p = (const uint8_t *)stack;
	size_t left = 0, size = KSTACK_TOP(stack) - stack;

	while (left < size && p[left] == STACK_FILL)
		left++;
	return size - left;
}

/* One used to its end has overflowed for all we know. */
static void
kstack_check(vaddr_t stack)
{
	kstack_most = MAX(kstack_most, kstack_depth(stack));
	KASSERT(kstack_most < KSTACK_TOP(stack) - stack);
}

/* Whoever still uses a thread that has gone is not to find it as it was. */
static void
thread_poison(struct thread *td)
{
	memset(td, STACK_FILL, sizeof(*td));
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
#define thread_poison(td) ((void)0)
#endif

/* ---- construction ---- */

/* The structure lies on top of the stack: both are on the one page that a thread that sleeps, and
 * comes to run for a moment, writes to. */
static struct thread *
thread_alloc(void)
{
	struct page *pg = vm_pages_alloc(KSTACK_ORDER, PGA_KERNEL);
	struct thread *td;
	vaddr_t stack;

	if (pg == NULL)
		return NULL;
	stack = (vaddr_t)page_to_dm(pg);
	kstack_fill(stack);
	td = (struct thread *)KSTACK_TOP(stack);
	td->td_kstack = stack;
	return td;
}

static void
thread_dealloc(struct thread *td)
{
	struct page *pg = pa_to_page(DM_TO_PHYS(td->td_kstack));

	kstack_check(td->td_kstack);
	thread_poison(td);
	vm_pages_free(pg, KSTACK_ORDER);
}

struct thread *
thread_new(struct thread *parent)
{
	struct thread *td = thread_alloc();

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
	if (timeout_reserve(&td->td_sleep_to) != 0)
		goto fail;
	if (cpu_fork_prepare(parent, td) == 0)
		return td;
	timeout_release(&td->td_sleep_to);
fail:
	thread_dealloc(td);
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
	thread_dealloc(td);
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
