/* SPDX-License-Identifier: ISC */
/*
 * forks.c: a guest program whose forks can be counted:
 *
 *	forks FORKS VFORKS	that many children, each waited for
 *	forks sleep		until a signal comes
 *	forks vmfork		asks for a clone of the sandbox, and says what it gets
 *	forks freeze		the same for a template
 *	forks touch MIB		write to so much memory and end
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYS_VMFORK 524
#define SYS_FREEZE 525

/* In a function of its own: the child of vfork must not change what its parent lives on. */
static __attribute__((noinline)) pid_t
vfork_child(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static void
reap(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "forks: child %d failed\n", (int)pid);
		exit(1);
	}
}

/* 0 in a clone, 16 digits of an id, or an error by its name. */
static int
ask(long number)
{
	long r = syscall(number);

	if (r > 0)
		printf("%016lx\n", r);
	else if (r == 0)
		printf("0\n");
	else
		printf("%ld %s\n", r, strerrorname_np(errno));
	return 0;
}

static void
touch(size_t size)
{
	char *m = malloc(size);

	if (m == NULL) {
		perror("forks: malloc");
		exit(1);
	}
	memset(m, 1, size);
	__asm__ volatile("" : : "r"(m) : "memory"); /* somebody might look */
	free(m);
}

int
main(int argc, char **argv)
{
	int forks = argc > 1 ? atoi(argv[1]) : 0, vforks = argc > 2 ? atoi(argv[2]) : 0;

	if (argc > 1 && strcmp(argv[1], "sleep") == 0)
		for (;;)
			pause();
	if (argc > 1 && strcmp(argv[1], "vmfork") == 0)
		return ask(SYS_VMFORK);
	if (argc > 1 && strcmp(argv[1], "freeze") == 0)
		return ask(SYS_FREEZE);
	if (argc > 2 && strcmp(argv[1], "touch") == 0) {
		touch((size_t)atoi(argv[2]) << 20);
		return 0;
	}
	for (int i = 0; i < forks; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid);
	}
	for (int i = 0; i < vforks; i++)
		reap(vfork_child());
	printf("%d forks, %d vforks\n", forks, vforks);
	return 0;
}
