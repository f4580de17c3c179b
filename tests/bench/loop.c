/* SPDX-License-Identifier: ISC */
/*
 * loop.c: the same operation again and again, for whoever counts something while it runs.
 *
 * usage: loop fork|vfork|cow N	fork, vfork: N times fork (vfork), exit and wait.
 *				cow: children write to N pages that they share with the parent
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 100 /* that a child writes to */

static void
reap(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		perror("loop");
		exit(1);
	}
}

static void
fork_loop(long n)
{
	pid_t pid;

	while (n-- > 0) {
		if ((pid = fork()) == 0)
			_exit(0);
		reap(pid);
	}
}

static void
vfork_loop(long n)
{
	pid_t pid;

	while (n-- > 0) {
		if ((pid = vfork()) == 0)
			_exit(0);
		reap(pid);
	}
}

static void
cow_loop(long n)
{
	char *m =
	    mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (m == MAP_FAILED) {
		perror("loop: mmap");
		exit(1);
	}
	memset(m, 1, PAGES * PAGE);
	for (; n > 0; n -= PAGES) {
		if ((pid = fork()) == 0) {
			for (int i = 0; i < PAGES; i++)
				((volatile char *)m)[i * PAGE] = 2;
			_exit(0);
		}
		reap(pid);
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long n);
	} loops[] = {{"fork", fork_loop}, {"vfork", vfork_loop}, {"cow", cow_loop}};
	long n = argc == 3 ? atol(argv[2]) : 0;

	for (size_t i = 0; n > 0 && i < sizeof(loops) / sizeof(loops[0]); i++)
		if (strcmp(argv[1], loops[i].name) == 0) {
			loops[i].run(n);
			return 0;
		}
	fprintf(stderr, "usage: loop fork|vfork|cow N\n");
	return 2;
}
