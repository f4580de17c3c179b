/* SPDX-License-Identifier: ISC */
/* row_clone.c: Linux clone and clone3: flags, refusals, registers of the child.  rows: A7 B1 B3 D9
 */
#include "guest.h"

#define VM 0x100UL
#define FS 0x200UL
#define FILES 0x400UL
#define SIGHAND 0x800UL
#define PIDFD 0x1000UL
#define NATIVE_SYSCTL 514
#define VFORK 0x4000UL
#define PARENT 0x8000UL
#define THREAD 0x10000UL
#define SETTLS 0x80000UL
#define PARENT_SETTID 0x100000UL
#define CHILD_CLEARTID 0x200000UL
#define DETACHED 0x400000UL
#define CHILD_SETTID 0x1000000UL
#define CLEAR_SIGHAND 0x100000000UL

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
	    set_tid_size, cgroup;
};

static pid_t
clone5(unsigned long flags, void *ptid, void *ctid, unsigned long tls)
{
	return (pid_t)syscall(SYS_clone, flags, 0, ptid, ctid, tls);
}

static pid_t
clone3(struct args *a, size_t size)
{
	return (pid_t)syscall(SYS_clone3, a, size);
}

static void
refused(void)
{
	static char big[8192];
	struct args a = {.exit_signal = SIGCHLD};

	CHECK_ERR(clone5(SIGHAND | SIGCHLD, NULL, NULL, 0), EINVAL);
	CHECK_ERR(clone5(THREAD | VM, NULL, NULL, 0), EINVAL);
	if (syscall(NATIVE_SYSCTL, NULL) != -1 || errno != ENOSYS) /* Linux waits for the thread */
		CHECK_ERR(clone5(THREAD | SIGHAND | VM | FS | FILES | VFORK, NULL, NULL, 0),
			  EINVAL);
	CHECK_ERR(clone5(SIGCHLD | SETTLS, NULL, NULL, 0x7ffffffff000), EPERM);
	CHECK_ERR(clone5(SIGCHLD | SETTLS, NULL, NULL, 1UL << 63), EPERM);
	CHECK_ERR(clone5(PIDFD | PARENT_SETTID | SIGCHLD, big, NULL, 0), EINVAL);
	CHECK_ERR(clone5(PIDFD | DETACHED | SIGCHLD, big, NULL, 0), EINVAL);
	CHECK_ERR(clone5(PIDFD | SIGCHLD, (void *)8, NULL, 0), EFAULT);
	CHECK_ERR(clone3(&a, 63), EINVAL);
	CHECK_ERR(clone3(&a, PAGE + 1), E2BIG);
	CHECK_ERR(clone3((void *)8, sizeof(a)), EFAULT);
	memcpy(big, &a, sizeof(a));
	big[200] = 1;
	CHECK_ERR(clone3((void *)big, 256), E2BIG);
	a = (struct args){.flags = SIGCHLD};
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL); /* the signal has its own field */
	a = (struct args){.exit_signal = 65};
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args){.exit_signal = SIGCHLD, .stack = (uintptr_t)big};
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL); /* a stack without a size */
	a = (struct args){.flags = VM | SIGHAND | CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args){.flags = DETACHED, .exit_signal = SIGCHLD};
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
}

static void
tids(void)
{
	static pid_t ptid;
	volatile pid_t *page =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t ctid = 0, pid;

	pid = clone5(PARENT_SETTID | CHILD_SETTID | SIGCHLD, &ptid, &ctid, 0);
	if (pid == 0)
		_exit(ctid == getpid() && ptid == 0 ? 5 : 1);
	CHECK_EQ(ptid, pid);
	CHECK_EQ(ctid, 0); /* each is written in the memory of its own process */
	CHECK_EXIT(pid, 5);

	/* It is cleared for those who still use the memory: here that is nobody. */
	pid = clone5(CHILD_SETTID | CHILD_CLEARTID | SIGCHLD, NULL, (void *)(uintptr_t)page, 0);
	if (pid == 0)
		_exit(*page == getpid() ? 6 : 1);
	CHECK_EXIT(pid, 6);
	CHECK_EQ(*page, pid);
}

/* Exit signals other than SIGCHLD; none at all. */
static void
exit_signals(void)
{
	sigset_t set;
	siginfo_t si;
	pid_t pid;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((pid = clone5(SIGUSR2, NULL, NULL, 0)) == 0)
		_exit(1);
	CHECK_EQ(sigwaitinfo(&set, &si), SIGUSR2);
	CHECK_ERR(waitpid(pid, &status, 0), ECHILD); /* not an ordinary child */
	CHECK_EQ(waitpid(pid, &status, __WCLONE), pid);
	if ((pid = clone5(0, NULL, NULL, 0)) == 0)
		_exit(2);
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK_EQ(WEXITSTATUS(status), 2);
	CHECK_EQ(sigpending(&set), 0);
	CHECK(!sigismember(&set, SIGUSR2) && !sigismember(&set, SIGCHLD));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void
sharing(void)
{
	int fd = open("/", O_RDONLY);
	char buf[64];
	pid_t pid;

	CHECK(fd >= 0 && chdir("/") == 0);
	if ((pid = clone5(FILES | FS | SIGCHLD, NULL, NULL, 0)) == 0)
		_exit(close(fd) == 0 && chdir("/tmp") == 0 ? 7 : 1);
	CHECK_EXIT(pid, 7);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	CHECK_EQ(strcmp(getcwd(buf, sizeof(buf)), "/tmp"), 0);
}

static void
parent(void)
{
	int p[2];
	pid_t top = getpid(), pid, sibling = 0;

	CHECK_EQ(pipe(p), 0);
	if ((pid = fork()) == 0) {
		if ((sibling = clone5(PARENT | SIGCHLD, NULL, NULL, 0)) == 0)
			_exit(getppid() == top ? 8 : 1);
		CHECK_EQ(write(p[1], &sibling, sizeof(sibling)), (long)sizeof(sibling));
		CHECK_ERR(waitpid(sibling, NULL, 0), ECHILD);
		_exit(9);
	}
	CHECK_EXIT(pid, 9);
	CHECK_EQ(read(p[0], &sibling, sizeof(sibling)), (long)sizeof(sibling));
	CHECK_EXIT(sibling, 8);
}

static void
pidfd(void)
{
	int fd = -1;
	struct args a = {
	    .flags = PIDFD | CLEAR_SIGHAND, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
	struct pollfd pfd;
	pid_t pid;

	signal(SIGUSR1, (void (*)(int))(uintptr_t)0x1000);
	signal(SIGUSR2, SIG_IGN);
	if ((pid = clone3(&a, sizeof(a))) == 0)
		_exit(signal(SIGUSR1, SIG_DFL) == SIG_DFL && signal(SIGUSR2, SIG_DFL) == SIG_IGN
			  ? 10
			  : 1);
	CHECK(pid > 0 && fd >= 0);
	pfd = (struct pollfd){fd, POLLIN, 0};
	CHECK_EQ(poll(&pfd, 1, 5000), 1);
	CHECK_EXIT(pid, 10);
	close(fd);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

static void
wanted_pid(void)
{
	pid_t want = 0, pid;
	struct args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&want, .set_tid_size = 1};

	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
	want = getpid();
	CHECK_ERR(clone3(&a, sizeof(a)), EEXIST);
	want = getpid() > 20000 ? 12345 : 23456;
	if ((pid = clone3(&a, sizeof(a))) == 0)
		_exit(11);
	CHECK_EQ(pid, want);
	CHECK_EXIT(pid, 11);
	a.set_tid_size = 40;
	CHECK_ERR(clone3(&a, sizeof(a)), EINVAL);
}

/*
 * fork by hand: the child goes on at the next instruction with every register but rax (and rcx,
 * r11) as it was; their sum, made right after, shows it.
 */
static long
fork_summing(uint64_t *sum)
{
	long ret;

	__asm__ volatile("movl $0x1, %%ebx\n\tmovl $0x20, %%r12d\n\tmovl $0x300, %%r13d\n\t"
			 "movl $0x4000, %%r14d\n\tmovl $0x50000, %%r15d\n\t"
			 "movl $0x600000, %%r8d\n\tmovl $0x7000000, %%r9d\n\t"
			 "movl $0x10000000, %%r10d\n\tmovl $0x2, %%edi\n\tmovl $0x30, %%edx\n\t"
			 "movl $57, %%eax\n\tsyscall\n\t"
			 "addq %%r12, %%rbx\n\taddq %%r13, %%rbx\n\taddq %%r14, %%rbx\n\t"
			 "addq %%r15, %%rbx\n\taddq %%r8, %%rbx\n\taddq %%r9, %%rbx\n\t"
			 "addq %%r10, %%rbx\n\taddq %%rdi, %%rbx\n\taddq %%rdx, %%rbx\n\t"
			 "movq %%rbx, (%%rsi)"
			 : "=&a"(ret)
			 : "S"(sum)
			 : "rbx", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r14", "r15", "memory", "cc");
	return ret;
}

static void
registers(void)
{
	uint64_t sum = 0;
	long pid = fork_summing(&sum);

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(sum == 0x17654353 ? 12 : 1);
	CHECK_EQ(sum, 0x17654353);
	CHECK_EXIT((pid_t)pid, 12);
}

int
main(void)
{
	refused();
	tids();
	exit_signals();
	sharing();
	parent();
	pidfd();
	wanted_pid();
	registers();
	return ok();
}
