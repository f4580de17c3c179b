/* SPDX-License-Identifier: ISC */
/* signals.c: the handlers of all processes. */
#include "stress_fork.h"
#include <ucontext.h>

void
on_signal(int sig)
{
	(void)sig;
}

/* Forks from a handler, unless a fork of the process is under way. */
static void
on_fork_signal(int sig)
{
	int s = my_slot();
	long tid = CALL(SYS_gettid);
	struct self me = {s, W_OWNER(word_of(s)), MAX_DEPTH, (uint64_t)tid << 8 | 1};

	(void)sig;
	if (id_of(s) == tid && try_lock(me.process))
		make_child(&me, by_fork, LEAVE);
}

static void
on_fault(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	FAIL("pid %d, slot %d: signal %d, code %d, address %p, at %#llx", getpid(), my_slot(), sig,
	     si->si_code, si->si_addr, uc->uc_mcontext.gregs[REG_RIP]);
}

void
set_actions(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		set_action(faults[i], (void (*)(int))(void *)on_fault, SA_SIGINFO);
	set_action(SIGUSR1, on_signal, SA_RESTART);
	set_action(SIGUSR2, on_fork_signal, SA_RESTART);
	set_action(SIGCHLD, on_signal, 0);
	set_action(SIGHUP, SIG_IGN, 0); /* sent to stopped groups that are orphaned */
}
