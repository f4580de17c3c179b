/* SPDX-License-Identifier: ISC */
/*
 * ptrace.c: stops, registers and memory, system calls, following forks, threads and exec, adoption
 * and return of processes, the tracer's death, permission.  rows: D4 D9
 */
#include "guest.h"
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#define EVENT(status) ((status) >> 16 & 0xffff)
#define OPT(e) (1L << (e))
#define EV_FORK 1
#define EV_VFORK 2
#define EV_CLONE 3
#define EV_EXEC 4
#define EV_VFORK_DONE 5
#define EV_EXIT 6
#define EV_STOP 128
#ifndef __WALL
#define __WALL 0x40000000
#endif
#define SYSGOOD 1L
#define EXITKILL 0x100000L
#define SYS_ptrace_event_mask 540
#define SYS_ptrace_process_state 541
#define NT_PRSTATUS 1

/* Through syscall(): the libraries disagree about the types of ptrace(). */
static long
pt(long req, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, req, pid, addr, data);
}

static int
wait_for(pid_t pid)
{
	int status = -1;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	return status;
}

#define CHECK_STOP(pid, sig, event)                                                                \
	do {                                                                                       \
		int st_ = wait_for(pid);                                                           \
		CHECK(WIFSTOPPED(st_));                                                            \
		CHECK_EQ(WSTOPSIG(st_), sig);                                                      \
		CHECK_EQ(EVENT(st_), event);                                                       \
	} while (0)

static unsigned long
message(pid_t pid)
{
	unsigned long msg = 0;

	CHECK_EQ(pt(PTRACE_GETEVENTMSG, pid, 0, (unsigned long)&msg), 0);
	return msg;
}

static void
go(pid_t pid, int sig)
{
	CHECK_EQ(pt(PTRACE_CONT, pid, 0, (unsigned long)sig), 0);
}

/* A child that is traced, has the options and is stopped by SIGSTOP before fn. */
static pid_t
traced_child(void (*fn)(void), long options)
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_EQ(pt(PTRACE_TRACEME, 0, 0, 0), 0);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	CHECK_STOP(pid, SIGSTOP, 0);
	CHECK_EQ(pt(PTRACE_SETOPTIONS, pid, 0, (unsigned long)options), 0);
	return pid;
}

/* ---- signals ---- */

static volatile int got_sig;

static void
on_signal(int sig)
{
	got_sig = sig;
}

static void
signals_child(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	raise(SIGUSR1); /* the tracer drops it */
	CHECK_EQ(got_sig, 0);
	raise(SIGUSR1); /* becomes SIGUSR2 */
	CHECK_EQ(got_sig, SIGUSR2);
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1); /* is seen even so */
	raise(SIGCHLD);
	raise(SIGTERM);
}

static void
signals(void)
{
	pid_t pid = traced_child(signals_child, 0);
	siginfo_t si;

	go(pid, 0);
	CHECK_STOP(pid, SIGUSR1, 0);
	CHECK_EQ(proc_state(pid), 't');
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK_EQ(si.si_signo, SIGUSR1);
	CHECK_EQ(si.si_pid, pid);
	CHECK_EQ(waitpid(pid, NULL, __WALL | WNOHANG), 0); /* reported once */
	go(pid, 0);
	CHECK_STOP(pid, SIGUSR1, 0);
	go(pid, SIGUSR2);
	CHECK_STOP(pid, SIGUSR1, 0);
	go(pid, SIGUSR1);
	CHECK_STOP(pid, SIGCHLD, 0);
	go(pid, SIGCHLD);
	CHECK_STOP(pid, SIGTERM, 0);
	go(pid, SIGTERM);
	CHECK_KILLED(pid, SIGTERM);
}

/* ---- memory and registers ---- */

static volatile long word = 0x1122334455667788;
static const long constant = 0x0102030405060708;

static void
memory_child(void)
{
	CHECK_EQ(word, 42);
	CHECK_EQ(*(volatile const long *)&constant, 43);
	if (syscall(SYS_getppid) != 77)
		_exit(1);
	__asm__ volatile("int3");
	_exit(5);
}

static void
memory_registers(void)
{
	pid_t pid = traced_child(memory_child, SYSGOOD);
	struct user_regs_struct r;
	struct iovec iov = {&r, sizeof(r)};
	unsigned long val = 0;

	CHECK_EQ(pt(PTRACE_PEEKDATA, pid, (unsigned long)&word, (unsigned long)&val), 0);
	CHECK_EQ(val, word);
	CHECK_EQ(pt(PTRACE_POKEDATA, pid, (unsigned long)&word, 42), 0);
	CHECK_EQ(pt(PTRACE_POKEDATA, pid, (unsigned long)&constant, 43), 0); /* read-only page */
	CHECK_EQ(*(volatile const long *)&constant, 0x0102030405060708);     /* ours is our own */
	CHECK_ERR(pt(PTRACE_PEEKDATA, pid, 8, (unsigned long)&val), EIO);
	CHECK_ERR(pt(PTRACE_PEEKUSER, pid, 3, (unsigned long)&val), EIO);
	CHECK_ERR(pt(PTRACE_SETOPTIONS, pid, 0, 1UL << 30), EINVAL);
	CHECK_ERR(pt(9999, pid, 0, 0), EIO);
	do {
		CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
		CHECK_STOP(pid, SIGTRAP | 0x80, 0);
		CHECK_EQ(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r), 0);
	} while (r.orig_rax != SYS_getppid);
	CHECK_EQ(r.rax, -ENOSYS);
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	CHECK_STOP(pid, SIGTRAP | 0x80, 0);
	CHECK_EQ(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (unsigned long)&iov), 0);
	CHECK_EQ(iov.iov_len, sizeof(r));
	CHECK_EQ(r.rax, getpid());
	r.rax = 77;
	{
		struct user_regs_struct bad = r;

		bad.rip = ~0UL << 60; /* whatever the answer is, the kernel survives */
		(void)pt(PTRACE_SETREGS, pid, 0, (unsigned long)&bad);
	}
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	CHECK_EQ(
	    pt(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rax), (unsigned long)&val),
	    0);
	CHECK_EQ(val, 77);
	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, 0); /* int3 */
	go(pid, 0);
	CHECK_EXIT(pid, 5);
}

/* ---- system calls ---- */

static void
calls_child(void)
{
	char c;
	int p[2];

	CHECK_EQ(syscall(SYS_getuid), 4711);    /* skipped */
	CHECK_EQ(syscall(SYS_getpid, 1, 2), 6); /* becomes dup(6) */
	CHECK_EQ(pipe(p), 0);
	close(p[1]);
	CHECK_EQ(read(p[0], &c, 1), 0);
}

static long
next_call(pid_t pid, struct user_regs_struct *r)
{
	CHECK_EQ(pt(PTRACE_SYSCALL, pid, 0, 0), 0);
	CHECK_STOP(pid, SIGTRAP | 0x80, 0);
	CHECK_EQ(pt(PTRACE_GETREGS, pid, 0, (unsigned long)r), 0);
	return (long)r->orig_rax;
}

static void
calls(void)
{
	pid_t pid = traced_child(calls_child, SYSGOOD);
	struct user_regs_struct r;

	while (next_call(pid, &r) != SYS_getuid)
		;
	r.orig_rax = ~0UL;
	r.rax = 4711;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	next_call(pid, &r);
	CHECK_EQ(r.rax, 4711);
	CHECK_EQ(next_call(pid, &r), SYS_getpid);
	r.orig_rax = SYS_fcntl;
	r.rdi = 2;
	r.rsi = F_DUPFD;
	r.rdx = 6;
	CHECK_EQ(pt(PTRACE_SETREGS, pid, 0, (unsigned long)&r), 0);
	go(pid, 0);
	CHECK_EXIT(pid, 0);
}

/* ---- steps ---- */

static void
step_child(void)
{
	volatile int i = 0;

	for (;;)
		i++;
}

static void
steps(void)
{
	pid_t pid = traced_child(step_child, 0);
	struct user_regs_struct r;
	unsigned long last = 0;
	siginfo_t si;

	for (int i = 0; i < 50; i++) {
		CHECK_EQ(pt(PTRACE_SINGLESTEP, pid, 0, 0), 0);
		CHECK_STOP(pid, SIGTRAP, 0);
		CHECK_EQ(pt(PTRACE_GETREGS, pid, 0, (unsigned long)&r), 0);
		CHECK(r.rip != last);
		CHECK_EQ(r.eflags & 0x100, 0);
		last = r.rip;
	}
	CHECK_EQ(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), 0);
	CHECK_EQ(si.si_code, TRAP_TRACE);
	CHECK_EQ(kill(pid, SIGKILL), 0); /* while it is stopped */
	CHECK_KILLED(pid, SIGKILL);
}

static void
call_child(void)
{
	for (;;)
		__asm__ volatile("syscall" : : "a"(SYS_getpid) : "rcx", "r11", "memory");
}

/* Through the kernel's entry, too. */
static void
step_calls(void)
{
	pid_t pid = traced_child(call_child, 0);

	for (int i = 0; i < 50; i++) {
		CHECK_EQ(pt(PTRACE_SINGLESTEP, pid, 0, 0), 0);
		CHECK_STOP(pid, SIGTRAP, 0);
	}
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
}

static volatile int traps;

static void
on_trap(int sig)
{
	(void)sig;
	traps++;
}

/* A program can step itself. */
static void
own_trap_flag(void)
{
	long r;

	signal(SIGTRAP, on_trap);
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf\n\t"
			 "movl %1, %%eax; syscall; nop; nop\n\t"
			 "pushf; andq $~0x100, (%%rsp); popf"
			 : "=&a"(r)
			 : "i"(SYS_getpid)
			 : "rcx", "r11", "memory", "cc");
	CHECK_EQ(r, getpid());
	CHECK(traps >= 5);
	signal(SIGTRAP, SIG_DFL);
}

/* ---- forks (row D4) ---- */

static void
fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		CHECK(getppid() != 1);
		_exit(3);
	}
	CHECK_EXIT(pid, 3); /* the tracer gives it back to us */
	CHECK_ERR(wait(NULL), ECHILD);
}

static void
forks(void)
{
	pid_t pid = traced_child(fork_child, OPT(EV_FORK) | OPT(EV_EXIT)), child;
	int st;

	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, EV_FORK);
	child = (pid_t)message(pid);
	CHECK(child > 0 && child != pid);
	CHECK_STOP(child, SIGSTOP, 0); /* before its first instruction (row D9) */
	{
		struct user_regs_struct r;

		CHECK_EQ(pt(PTRACE_GETREGS, child, 0, (unsigned long)&r), 0);
		CHECK_EQ(r.rax, 0);
	}
	go(pid, 0);
	for (int i = 0; i < 10; i++)
		sched_yield();
	CHECK_EQ(waitpid(-1, &st, __WALL | WNOHANG), 0); /* it waits for its child */
	go(child, 0);
	CHECK_STOP(child, SIGTRAP, EV_EXIT);
	CHECK_EQ(message(child), 3 << 8);
	go(child, 0);
	CHECK_EXIT(child, 3);        /* for us ... */
	CHECK_STOP(pid, SIGCHLD, 0); /* ... and then for its parent */
	go(pid, SIGCHLD);
	CHECK_STOP(pid, SIGTRAP, EV_EXIT);
	go(pid, 0);
	CHECK_EXIT(pid, 0);
	CHECK_ERR(wait(NULL), ECHILD);
}

static void
vfork_child(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(4);
	CHECK_EXIT(pid, 4);
}

static void
vforks(void)
{
	pid_t pid = traced_child(vfork_child, OPT(EV_VFORK) | OPT(EV_VFORK_DONE)), child;

	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, EV_VFORK);
	child = (pid_t)message(pid);
	CHECK_STOP(child, SIGSTOP, 0);
	go(pid, 0);
	go(child, 0);
	CHECK_EXIT(child, 4);
	CHECK_STOP(pid, SIGTRAP, EV_VFORK_DONE);
	CHECK_EQ(message(pid), child);
	go(pid, 0);
	CHECK_STOP(pid, SIGCHLD, 0);
	go(pid, 0);
	CHECK_EXIT(pid, 0);
}

/* A child that is not followed runs untraced. */
static void
unfollowed(void)
{
	pid_t pid = traced_child(fork_child, 0);

	go(pid, 0);
	CHECK_STOP(pid, SIGCHLD, 0);
	go(pid, 0);
	CHECK_EXIT(pid, 0);
}

/* ---- threads ---- */

static char thread_stack[16384] __attribute__((aligned(16)));
static volatile int thread_ran;

static int
thread_main(void *arg)
{
	(void)arg;
	thread_ran = 1;
	syscall(SYS_exit, 9);
	return 0;
}

static void
thread_child(void)
{
	CHECK(
	    clone(thread_main, thread_stack + sizeof(thread_stack),
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		  NULL) > 0);
	while (!thread_ran)
		sched_yield();
}

static void
threads(void)
{
	pid_t pid = traced_child(thread_child, OPT(EV_CLONE)), tid;
	int st;

	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, EV_CLONE);
	tid = (pid_t)message(pid);
	CHECK_STOP(tid, SIGSTOP, 0);
	go(tid, 0);
	st = wait_for(tid);
	CHECK(WIFEXITED(st));
	CHECK_EQ(WEXITSTATUS(st), 9);
	go(pid, 0);
	CHECK_EXIT(pid, 0);
}

/* ---- exec ---- */

static void
exec_child(void)
{
	char *argv[] = {"ptrace", "exit7", NULL};

	execv("/proc/self/exe", argv);
	_exit(1);
}

static void
execs(void)
{
	pid_t pid = traced_child(exec_child, 0);

	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, 0);
	go(pid, 0);
	CHECK_EXIT(pid, 7);
	pid = traced_child(exec_child, OPT(EV_EXEC));
	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, EV_EXEC);
	CHECK_EQ(message(pid), pid);
	go(pid, 0);
	CHECK_EXIT(pid, 7);
}

/* ---- attaching ---- */

static pid_t
idle_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	wait_state(pid, 'S');
	return pid;
}

static void
attaching(void)
{
	pid_t pid = idle_child();
	siginfo_t si;

	CHECK_EQ(pt(PTRACE_ATTACH, pid, 0, 0), 0);
	CHECK_ERR(pt(PTRACE_ATTACH, pid, 0, 0), EPERM);
	CHECK_STOP(pid, SIGSTOP, 0);
	CHECK_EQ(pt(PTRACE_DETACH, pid, 0, 0), 0);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	wait_state(pid, 'S');

	CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, 0), 0);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH); /* it runs */
	CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0);
	CHECK_STOP(pid, SIGTRAP, EV_STOP);
	go(pid, 0);
	wait_state(pid, 'S');
	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_STOP(pid, SIGSTOP, 0);
	go(pid, SIGSTOP);
	CHECK_STOP(pid, SIGSTOP, EV_STOP);
	CHECK_EQ(pt(PTRACE_LISTEN, pid, 0, 0), 0);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	CHECK_STOP(pid, SIGTRAP, EV_STOP);
	go(pid, 0);
	CHECK_STOP(pid, SIGCONT, 0);
	CHECK_EQ(pt(PTRACE_DETACH, pid, 0, SIGTERM), 0);
	CHECK_KILLED(pid, SIGTERM);

	pid = idle_child(); /* a plain group stop: no siginfo, and the tracer ends it */
	CHECK_EQ(pt(PTRACE_ATTACH, pid, 0, 0), 0);
	CHECK_STOP(pid, SIGSTOP, 0);
	go(pid, SIGSTOP);
	CHECK_STOP(pid, SIGSTOP, 0);
	CHECK_ERR(pt(PTRACE_GETSIGINFO, pid, 0, (unsigned long)&si), EINVAL);
	go(pid, 0);
	wait_state(pid, 'S');
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
}

static void
permission(void)
{
	pid_t pid = idle_child();

	CHECK_ERR(pt(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
	CHECK_ERR(pt(PTRACE_ATTACH, 999999, 0, 0), ESRCH);
	CHECK_ERR(pt(PTRACE_CONT, pid, 0, 0), ESRCH);
	if (getuid() == 0) {
		pid_t other = fork();

		if (other == 0) {
			CHECK_EQ(setgid(1000), 0);
			CHECK_EQ(setuid(1000), 0);
			CHECK_ERR(pt(PTRACE_ATTACH, pid, 0, 0), EPERM);
			_exit(0);
		}
		CHECK_EXIT(other, 0);
	}
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_KILLED(pid, SIGKILL);
}

/* ---- the tracer's death ---- */

static void
tracer_dies(long options)
{
	pid_t pid = idle_child(), tracer = fork();

	if (tracer == 0) {
		CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, (unsigned long)options), 0);
		CHECK_EQ(pt(PTRACE_INTERRUPT, pid, 0, 0), 0);
		CHECK_STOP(pid, SIGTRAP, EV_STOP);
		_exit(0);
	}
	/* Adopted, but still ours to wait for. */
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK_EXIT(tracer, 0);
	if (options & EXITKILL) {
		CHECK_KILLED(pid, SIGKILL);
		return;
	}
	wait_state(pid, 'S');
	CHECK_EQ(kill(pid, SIGTERM), 0);
	CHECK_KILLED(pid, SIGTERM);
}

/* A zombie that its tracer has not seen goes to the real parent, too. */
static void
tracer_leaves_zombie(void)
{
	pid_t pid = idle_child(), tracer = fork();

	if (tracer == 0) {
		CHECK_EQ(pt(PTRACE_SEIZE, pid, 0, 0), 0);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		wait_state(pid, 'Z');
		_exit(0);
	}
	CHECK_KILLED(pid, SIGKILL);
	CHECK_EXIT(tracer, 0);
}

/* Each is the other's parent in a way, and still orphans find the way up. */
static void
child_traces_parent(void)
{
	pid_t parent = fork(), tracer, pid;

	if (parent == 0) {
		parent = getpid();
		if ((tracer = fork()) == 0) {
			CHECK_EQ(pt(PTRACE_ATTACH, parent, 0, 0), 0);
			CHECK_STOP(parent, SIGSTOP, 0);
			if ((pid = fork()) == 0)
				_exit(fork() < 0);
			CHECK_EXIT(pid, 0);
			CHECK_EQ(pt(PTRACE_DETACH, parent, 0, 0), 0);
			_exit(0);
		}
		CHECK_EXIT(tracer, 0);
		_exit(0);
	}
	CHECK_EXIT(parent, 0);
}

/* ---- OpenBSD's view of following a fork: both trap, and know each other ---- */

struct process_state {
	int report_event, other_pid, tid;
};

static struct process_state
state_of(pid_t pid)
{
	struct process_state ps;

	CHECK_EQ(syscall(SYS_ptrace_process_state, pid, &ps, sizeof(ps)), 0);
	return ps;
}

static void
process_events(void)
{
	pid_t pid, child;
	int st;

	if (syscall(SYS_ptrace_event_mask, 0, 0) == -1 && errno == ENOSYS)
		return; /* Linux */
	pid = traced_child(fork_child, 0);
	CHECK_EQ(syscall(SYS_ptrace_event_mask, pid, 2 /* PTRACE_FORK */), 0);
	CHECK_EQ(syscall(SYS_ptrace_event_mask, pid, -1), 2);
	CHECK_ERR(syscall(SYS_ptrace_event_mask, pid, 4), EINVAL);
	CHECK_EQ(state_of(pid).report_event, 0);
	go(pid, 0);
	CHECK_STOP(pid, SIGTRAP, 0);
	CHECK_EQ(state_of(pid).report_event, 2);
	child = state_of(pid).other_pid;
	CHECK_EQ(waitpid(child, &st, __WALL), child);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
	CHECK_EQ(state_of(child).report_event, 2);
	CHECK_EQ(state_of(child).other_pid, pid);
	CHECK_EQ(state_of(child).tid, child);
	go(pid, 0);
	CHECK_EQ(state_of(pid).report_event, 0);
	go(child, 0);
	CHECK_EXIT(child, 3);
	CHECK_STOP(pid, SIGCHLD, 0);
	go(pid, 0);
	CHECK_EXIT(pid, 0);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit7") == 0)
		return 7;
	signals();
	memory_registers();
	calls();
	steps();
	step_calls();
	own_trap_flag();
	forks();
	vforks();
	unfollowed();
	threads();
	execs();
	attaching();
	permission();
	tracer_dies(0);
	tracer_dies(EXITKILL);
	tracer_leaves_zombie();
	child_traces_parent();
	process_events();
	return ok();
}
