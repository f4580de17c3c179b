/* SPDX-License-Identifier: ISC */
/*
 * firstword.c: what a new process costs on Linux until it can do something: fork() and exec of a
 * static program, from the call to the arrival of the first byte that it writes.  What becomes of
 * it then is not counted.  A clone of a sandbox is measured in the same way: from the request to
 * the arrival of its first word.
 *
 * usage: firstword ROUNDS; prints the median in nanoseconds.  The program is this one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

static uint64_t
one_round(const int fd[2])
{
	uint64_t start = now(), end;
	pid_t pid = fork();
	int status;
	char c;

	if (pid == 0) {
		dup2(fd[1], STDOUT_FILENO);
		execl("/proc/self/exe", "firstword", "word", (char *)NULL);
		_exit(127);
	}
	need(pid > 0 && read(fd[0], &c, 1) == 1, "the word");
	end = now();
	need(waitpid(pid, &status, 0) == pid && status == 0, "its process");
	return end - start;
}

int
main(int argc, char **argv)
{
	static uint64_t v[ROUNDS_MAX];
	int rounds = argc == 2 ? atoi(argv[1]) : 0, fd[2];

	if (argc == 2 && strcmp(argv[1], "word") == 0)
		return write(STDOUT_FILENO, "w", 1) != 1;
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fputs("usage: firstword ROUNDS\n", stderr);
		return 2;
	}
	need(pipe(fd) == 0, "pipe");
	for (int i = 0; i < rounds; i++)
		v[i] = one_round(fd);
	printf("%llu\n", (unsigned long long)median(v, (size_t)rounds));
	return 0;
}
