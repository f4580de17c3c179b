/* SPDX-License-Identifier: ISC */
/* futex.c: futexes between processes on shared memory, timeouts, requeue, robust lists, clear_tid.
 */
#include "guest.h"
#include <pthread.h>

/* Not from <linux/futex.h>: musl's compiler wrapper has no kernel headers. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_PRIVATE 128
#define FUTEX_WAIT_PRIVATE (FUTEX_WAIT | FUTEX_PRIVATE)
#define FUTEX_WAKE_PRIVATE (FUTEX_WAKE | FUTEX_PRIVATE)
#define FUTEX_CMP_REQUEUE_PRIVATE (4 | FUTEX_PRIVATE)

static long
futex(volatile int *u, int op, int val, const struct timespec *ts, volatile int *u2, int val3)
{
	return syscall(SYS_futex, u, op, val, ts, u2, val3);
}

static void
between_processes(void)
{
	volatile int *w =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (pid == 0) {
		while (*w == 0)
			futex(w, FUTEX_WAIT, 0, NULL, NULL, 0);
		CHECK_EQ(*w, 1);
		_exit(0);
	}
	wait_state(pid, 'S');
	*w = 1;
	CHECK_EQ(futex(w, FUTEX_WAKE, 10, NULL, NULL, 0), 1);
	CHECK_EXIT(pid, 0);
}

static void
errors(void)
{
	struct timespec ts = {0, 10000000}, bad = {0, -1};
	int v = 5;

	CHECK_ERR(futex(&v, FUTEX_WAIT, 4, NULL, NULL, 0), EAGAIN);
	CHECK_ERR(futex(&v, FUTEX_WAIT_PRIVATE, 5, &ts, NULL, 0), ETIMEDOUT);
	CHECK_ERR(futex(&v, FUTEX_WAIT, 5, &bad, NULL, 0), EINVAL);
	CHECK_ERR(futex((int *)2, FUTEX_WAIT, 5, NULL, NULL, 0), EINVAL);
	CHECK_ERR(futex((int *)8, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT);
	CHECK_ERR(futex(&v, 99, 5, NULL, NULL, 0), ENOSYS);
	CHECK_EQ(futex(&v, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
}

static volatile int a, b;
static volatile int awake;

static void *
waiter(void *arg)
{
	(void)arg;
	CHECK_EQ(futex(&a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), 0);
	__atomic_fetch_add(&awake, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
requeue(void)
{
	pthread_t t[3];
	int moved = 0;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, waiter, NULL), 0);
	while (moved < 3) {
		moved += (int)futex(&a, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)10, &b, 0);
		sched_yield();
	}
	CHECK_EQ(awake, 0);
	CHECK_EQ(futex(&a, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 0);
	CHECK_EQ(futex(&b, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

static pthread_mutex_t *robust;

static void
robust_list(void)
{
	pthread_mutexattr_t at;
	pid_t pid;

	robust = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&at);
	pthread_mutexattr_setpshared(&at, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init(robust, &at), 0);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(pthread_mutex_lock(robust), 0);
		_exit(0); /* dies as the owner */
	}
	CHECK_EXIT(pid, 0);
	CHECK_EQ(pthread_mutex_lock(robust), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(robust), 0);
	CHECK_EQ(pthread_mutex_unlock(robust), 0);
}

int
main(void)
{
	between_processes();
	errors();
	requeue();
	robust_list();
	return ok();
}
