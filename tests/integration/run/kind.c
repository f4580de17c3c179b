/* SPDX-License-Identifier: ISC */
/*
 * kind.c: a guest program that is built in every way there is, static and dynamic:
 *
 *	kind		threads, thread-local storage, floating point and fork work: prints "fine"
 *	kind segv	dies by SIGSEGV in a thread
 *	kind abort	dies by SIGABRT
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 1000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local long mine;
static long all;
static volatile double half = 0.5;

static void *
add(void *arg)
{
	double sum = 0;

	for (int i = 0; i < ROUNDS; i++) {
		mine++;
		sum += half * i;
	}
	pthread_mutex_lock(&lock);
	all += mine;
	pthread_mutex_unlock(&lock);
	return sum == 0.5 * (ROUNDS - 1) * ROUNDS / 2 ? arg : NULL; /* exact in binary */
}

static void *
fault(void *arg)
{
	*(volatile int *)arg = 1;
	return NULL;
}

static int
threads_work(void)
{
	pthread_t thread[THREADS];
	void *result;
	int good = 0;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, add, &lock) != 0)
			return 0;
	for (int i = 0; i < THREADS; i++)
		good += pthread_join(thread[i], &result) == 0 && result == &lock;
	return good == THREADS && all == THREADS * ROUNDS && mine == 0;
}

/* A child's threads, memory and exit status are its own. */
static int
fork_works(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		all = 0;
		_exit(threads_work() ? 42 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 42 && all == THREADS * ROUNDS;
}

int
main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1 && strcmp(argv[1], "segv") == 0) {
		pthread_create(&thread, NULL, fault, (void *)8);
		pthread_join(thread, NULL);
	} else if (argc > 1 && strcmp(argv[1], "abort") == 0) {
		abort();
	}
	if (!threads_work() || !fork_works())
		return 1;
	puts("fine");
	return 0;
}
