/* SPDX-License-Identifier: ISC */
/* row_tfork.c: __tfork(): threads with their own stack and thread control block; errors; ids.
 * rows: A6 C11 */
#include "native.h"
#include <setjmp.h>

static volatile int ran, tid_seen;
static volatile unsigned long tcb_seen;
static int32_t tid;
static sigjmp_buf back;

/* The thread has no C library state of its own: plain system calls only. */
static long
raw0(long nr)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr) : "rcx", "r11", "memory");
	return ret;
}

static void
thread(void *arg)
{
	unsigned long self;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(self));
	tcb_seen = self;
	tid_seen = (int)raw0(SYS_gettid);
	ran += (int)(long)arg;
}

static void
wait_ran(int n)
{
	while (ran != n)
		sched_yield();
}

static void
good(void)
{
	static unsigned long tcb[8] = {0x1234};
	struct __tfork param = {tcb, &tid, new_stack()};
	struct tine_stats st = stats();
	pid_t ret = __tfork_thread(&param, sizeof(param), thread, (void *)1);

	CHECK(ret > 0 && ret != getpid());
	CHECK_EQ(tid, ret);
	wait_ran(1);
	CHECK_EQ(tid_seen, ret);
	CHECK_EQ(tcb_seen, 0x1234);
	CHECK_EQ(stats().cnttfork, st.cnttfork + 1);
	CHECK(stats().siztfork > st.siztfork);
	/* No control block, nowhere for the id: as if the structure were longer than what is
	 * passed. */
	param = (struct __tfork){NULL, NULL, new_stack()};
	CHECK(__tfork_thread(&param, sizeof(param), thread, (void *)2) > 0);
	wait_ran(3);
}

static void
bad(void)
{
	struct __tfork param = {NULL, &tid, new_stack()};
	struct tine_stats st = stats();

	CHECK_ERR(__tfork_thread(&param, 0, thread, NULL), EINVAL);
	CHECK_ERR(__tfork_thread(&param, sizeof(param) + 1, thread, NULL), EINVAL);
	CHECK_ERR(__tfork_thread(NULL, sizeof(param), thread, NULL), EFAULT);
	CHECK_ERR(__tfork_thread((void *)0x7fffffff0000, sizeof(param), thread, NULL), EFAULT);
	CHECK_ERR(__tfork_thread((void *)-8, sizeof(param), thread, NULL), EFAULT);
	CHECK_ERR(__tfork_thread(&param, 16, thread, NULL), EINVAL); /* without the stack */
	param.tf_tcb = (void *)0x7ffffffff000;
	CHECK_ERR(__tfork_thread(&param, sizeof(param), thread, NULL), EINVAL);
	param = (struct __tfork){NULL, &tid, NULL};
	CHECK_ERR(__tfork_thread(&param, sizeof(param), thread, NULL), EINVAL);
	CHECK_EQ(stats().cnttfork, st.cnttfork);
	CHECK_EQ(ran, 3);
}

static void
on_segv(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

/* The id cannot be stored: the thread runs all the same, and its parent hears of it. */
static void
unwritable(void)
{
	struct __tfork param = {NULL, (int32_t *)8, new_stack()};

	signal(SIGSEGV, on_segv);
	if (sigsetjmp(back, 1) == 0) {
		__tfork_thread(&param, sizeof(param), thread, (void *)4);
		CHECK(!"SIGSEGV");
	}
	wait_ran(7);
	signal(SIGSEGV, SIG_DFL);
}

/* Ids are random even if pids are not, and distinct from all others. */
static void
ids(void)
{
	enum { N = 20 };
	pid_t id[N], pid;
	int near = 0;

	set_text("kern.pidpolicy", "sequential");
	for (int i = 0; i < N; i++) {
		struct __tfork param = {NULL, NULL, new_stack()};

		id[i] = __tfork_thread(&param, sizeof(param), thread, (void *)1);
		CHECK(id[i] > 0);
		for (int j = 0; j < i; j++)
			CHECK(id[i] != id[j]);
		near += i > 0 && id[i] - id[i - 1] > 0 && id[i] - id[i - 1] < 10;
		if ((pid = fork()) == 0)
			_exit(0);
		CHECK(pid > 0 && pid != id[i]);
		CHECK_EXIT(pid, 0);
	}
	CHECK(near < 5);
	set_text("kern.pidpolicy", "random");
}

int
main(void)
{
	good();
	bad();
	unwritable();
	ids();
	return ok();
}
