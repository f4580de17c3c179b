/* SPDX-License-Identifier: ISC */
/* threads.c: pthreads: creation, mutexes, conditions, thread-local storage, exit, exec and fork of
 * a threaded process. */
#include "guest.h"
#include <pthread.h>

#define N 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static int turn;
static __thread long mine;

static void *
count(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		CHECK_EQ(pthread_mutex_lock(&lock), 0);
		long c = counter;
		if (i % 100 == 0)
			sched_yield();
		counter = c + 1;
		CHECK_EQ(pthread_mutex_unlock(&lock), 0);
		mine++;
	}
	CHECK_EQ(mine, 2000);
	return arg;
}

static void *
ping_pong(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&lock);
		while (turn != me)
			pthread_cond_wait(&cond, &lock);
		turn = !me;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void *
sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *
exit_group(void *arg)
{
	(void)arg;
	exit(33);
}

static void *
do_exec(void *arg)
{
	char *argv[] = {(char *)"threads", (char *)"child", NULL};

	(void)arg;
	execv("/proc/self/exe", argv);
	return NULL;
}

/* A process with sleeping threads in which one thread does `what`; its exit status. */
static int
in_threaded_child(void *(*what)(void *))
{
	pthread_t t;
	pid_t pid = fork();
	int st;

	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&t, NULL, sleeper, NULL), 0);
		CHECK_EQ(pthread_create(&t, NULL, what, NULL), 0);
		for (;;)
			pause();
	}
	st = reap(pid);
	CHECK(WIFEXITED(st));
	return WEXITSTATUS(st);
}

int
main(int argc, char **argv)
{
	pthread_t t[N];
	void *ret;
	pid_t pid;

	(void)argv;
	if (argc > 1)
		return getpid() == (pid_t)syscall(SYS_gettid) ? 44 : 1;
	for (long i = 0; i < N; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, count, (void *)i), 0);
	for (long i = 0; i < N; i++) {
		CHECK_EQ(pthread_join(t[i], &ret), 0);
		CHECK_EQ((long)ret, i);
	}
	CHECK_EQ(counter, N * 2000);
	for (long i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, ping_pong, (void *)i), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);

	/* fork copies only the calling thread. */
	CHECK_EQ(pthread_create(&t[0], NULL, sleeper, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(access("/proc/self/task", F_OK) == 0 ? 0 : 1);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(in_threaded_child(exit_group), 33);
	CHECK_EQ(in_threaded_child(do_exec), 44);
	return ok();
}
