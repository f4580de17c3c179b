/* SPDX-License-Identifier: ISC */
/* kern_proc0.c: process 0, from which everything descends, and kernel processes (row A8). */
#include <sys/file.h>
#include <sys/fork.h>
#include <sys/forkvar.h>
#include <sys/kmem.h>
#include <sys/sched.h>
#include <sys/systm.h>

static struct thread *thread0; /* parent of all kernel processes, whoever asks for them */

/* ---- the boot thread becomes process 0's only thread ---- */

struct thread *
process0_init(struct thread *td, struct process *ps)
{
	memset(ps, 0, sizeof(*ps));
	ps->ps_flags = PS_SYSTEM;
	ps->ps_refs = 1;
	ps->ps_leader = ps;
	LIST_INIT(&ps->ps_children);
	TAILQ_INIT(&ps->ps_threads);
	sigpend_init(&ps->ps_sigpend);
	sigpend_init(&td->td_sigpend);
	strlcpy(ps->ps_comm, "swapper", sizeof(ps->ps_comm));
	timeout_set(&ps->ps_alarm, realitimer_expire, ps);
	sched_thread_init(td);
	td->td_proc = ps;
	td->td_state = TDS_RUN;
	td->td_sigstk.ss_flags = SS_DISABLE;
	ps->ps_mainthread = td;
	TAILQ_INSERT_TAIL(&ps->ps_threads, td, td_link);
	ps->ps_nthreads = 1;
	sched_setprio(td);
	curthread = thread0 = td;
	return td;
}

/* The rest, once memory can be allocated. */
void
process0_finish(struct process *ps)
{
	ps->ps_cred = cr_boot();
	ps->ps_limit = lim_boot();
	ps->ps_sigacts = sigacts_new();
	ps->ps_fd = fd_new();
	if (ps->ps_sigacts == NULL || ps->ps_fd == NULL ||
	    timeout_reserve(&ps->ps_mainthread->td_sleep_to) != 0 || enterpgrp(ps, 0, true) != 0)
		panic("no memory for process 0");
	LIST_INSERT_HEAD(&allprocess, ps, ps_list);
	nprocesses = nthreads = 1;
}

/* ---- kernel processes (row A8) ---- */

int
kthread_create1(void (*func)(void *), void *arg, const char *name, uint32_t flags,
		struct process **pp)
{
	struct fork_args fa = {.flags = flags | FORK_SYSTEM | FORK_NOZOMBIE | FORK_SHAREFILES |
					FORK_SHAREFS | FORK_SIGHAND,
			       .func = func,
			       .arg = arg,
			       .name = name};
	struct thread *child;
	pid_t pid;
	int error = fork1(thread0, &fa, &child, &pid);

	if (error == 0 && pp != NULL)
		*pp = child->td_proc;
	return error;
}

int
kthread_create(void (*func)(void *), void *arg, const char *name, struct process **pp)
{
	return kthread_create1(func, arg, name, 0, pp);
}

/* Kernel threads are made to stay. */
void
kthread_returned(struct thread *td)
{
	kprintf(LOG_ERR, "kernel thread \"%s\" (pid %d) exited prematurely", td->td_proc->ps_comm,
		td->td_proc->ps_pid);
	exit1(td, 0, true);
}
