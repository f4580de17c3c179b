/* SPDX-License-Identifier: ISC */
/* signal.c: handlers, masks, frames, restart, alternate stacks, queueing, faults.  rows: B2 */
#include "guest.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t count, last, on_stack;
static volatile int value;
static sigjmp_buf env;
static char altstack[65536];

static void
handler(int sig)
{
	count++;
	last = sig;
}

static void
info_handler(int sig, siginfo_t *si, void *ctx)
{
	char here;

	(void)ctx;
	last = sig;
	value = si->si_value.sival_int;
	on_stack = &here >= altstack && &here < altstack + sizeof(altstack);
	count++;
}

static void
fault_handler(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	CHECK_EQ(sig, SIGSEGV);
	CHECK(si->si_addr == (void *)0x1234);
	CHECK_EQ(si->si_code, SEGV_MAPERR);
	CHECK(uc->uc_mcontext.gregs[REG_RSP] != 0);
	siglongjmp(env, 1);
}

static void
set(int sig, void (*h)(int), int flags)
{
	struct sigaction sa = {.sa_handler = h, .sa_flags = flags};

	CHECK_EQ(sigaction(sig, &sa, NULL), 0);
}

static void
basics(void)
{
	sigset_t set1, old;
	double x = 1.5;

	set(SIGUSR1, handler, 0);
	count = 0;
	raise(SIGUSR1);
	CHECK_EQ(count, 1);
	x *= 2.0;
	CHECK(x == 3.0); /* floating point state survives the handler */
	sigemptyset(&set1);
	sigaddset(&set1, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set1, &old), 0);
	raise(SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQ(count, 1);
	CHECK_EQ(sigpending(&set1), 0);
	CHECK(sigismember(&set1, SIGUSR1));
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
	CHECK_EQ(count, 2); /* a standard signal is queued once */
	CHECK_ERR(sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), EINVAL);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(999999, 0), ESRCH);
	set(SIGUSR1, handler, SA_RESETHAND);
	raise(SIGUSR1);
	{
		struct sigaction sa;

		CHECK_EQ(sigaction(SIGUSR1, NULL, &sa), 0);
		CHECK(sa.sa_handler == SIG_DFL);
	}
}

static void
realtime(void)
{
	struct sigaction sa = {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO};
	sigset_t block, old;
	siginfo_t si;
	struct timespec zero = {0, 0};

	CHECK_EQ(sigaction(SIGRTMIN, &sa, NULL), 0);
	sigemptyset(&block);
	sigaddset(&block, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &block, &old);
	for (int i = 1; i <= 3; i++)
		CHECK_EQ(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
	CHECK_EQ(sigtimedwait(&block, &si, &zero), SIGRTMIN);
	CHECK_EQ(si.si_value.sival_int, 1); /* in order */
	CHECK_EQ(si.si_code, SI_QUEUE);
	count = 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(count, 2);
	CHECK_EQ(value, 3);
	sigprocmask(SIG_BLOCK, &block, NULL);
	CHECK_ERR(sigtimedwait(&block, &si, &zero), EAGAIN);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
restart(void)
{
	int p[2];
	pid_t pid;
	char c;

	CHECK_EQ(pipe(p), 0);
	for (int again = 0; again < 2; again++) {
		pid_t me = getpid();

		set(SIGUSR2, handler, again ? SA_RESTART : 0);
		count = 0;
		pid = fork();
		if (pid == 0) {
			wait_state(me, 'S');
			kill(me, SIGUSR2);
			if (again) {
				wait_state(me, 'S');
				CHECK_EQ(write(p[1], "x", 1), 1);
			}
			_exit(0);
		}
		if (again)
			CHECK_EQ(read(p[0], &c, 1), 1);
		else
			CHECK_ERR(read(p[0], &c, 1), EINTR);
		CHECK_EQ(count, 1);
		CHECK_EXIT(pid, 0);
	}
}

static void
stacks_and_faults(void)
{
	stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)};
	struct sigaction sa = {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	pid_t pid;

	CHECK_EQ(sigaltstack(&ss, NULL), 0);
	CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	on_stack = 0;
	raise(SIGUSR1);
	CHECK_EQ(on_stack, 1);
	sa = (struct sigaction){.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO};
	CHECK_EQ(sigaction(SIGSEGV, &sa, NULL), 0);
	if (sigsetjmp(env, 1) == 0) {
		*(volatile int *)0x1234 = 1;
		CHECK(0);
	}
	signal(SIGSEGV, SIG_DFL);
	pid = fork();
	if (pid == 0)
		*(volatile int *)0x1234 = 1;
	CHECK_KILLED(pid, SIGSEGV);
	pid = fork();
	if (pid == 0) {
		volatile int num = 77, zero = 0;

		_exit(num / zero);
	}
	CHECK_KILLED(pid, SIGFPE);
	pid = fork();
	if (pid == 0)
		__asm__ volatile("ud2");
	CHECK_KILLED(pid, SIGILL);
	pid = fork();
	if (pid == 0)
		__asm__ volatile("hlt"); /* privileged */
	CHECK_KILLED(pid, SIGSEGV);
	pid = fork();
	if (pid == 0)
		*(volatile char *)0xffffff8000000000UL = 1; /* kernel memory */
	CHECK_KILLED(pid, SIGSEGV);
}

/* The child has the handlers and the mask, but not what is pending. */
static void
inheritance(void)
{
	sigset_t block, pending, mask;
	pid_t pid;

	set(SIGUSR1, handler, 0);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	pid = fork();
	if (pid == 0) {
		struct sigaction sa;

		sigpending(&pending);
		CHECK(!sigismember(&pending, SIGUSR1));
		sigprocmask(SIG_BLOCK, NULL, &mask);
		CHECK(sigismember(&mask, SIGUSR1));
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == handler);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &block, NULL);
}

static void
suspend(void)
{
	sigset_t block, empty;
	pid_t me = getpid(), pid;

	set(SIGUSR1, handler, 0);
	sigemptyset(&empty);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	count = 0;
	pid = fork();
	if (pid == 0) {
		kill(me, SIGUSR1);
		_exit(0);
	}
	CHECK_ERR(sigsuspend(&empty), EINTR);
	CHECK_EQ(count, 1);
	CHECK_EXIT(pid, 0);
}

int
main(void)
{
	basics();
	realtime();
	restart();
	stacks_and_faults();
	inheritance();
	suspend();
	return ok();
}
