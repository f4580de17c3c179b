/* SPDX-License-Identifier: ISC */
/*
 * whole.c: what a whole command costs: from the call that starts it to the word that it has ended.
 *
 * usage: whole ROUNDS COMMAND ARG...; prints the median in nanoseconds.  The command's input and
 * output are the null device; it has to exit with 0.
 *
 * Processes that it leaves behind (the guard of `tine run') are waited for outside of the measured
 * time, so that no round pays for the one before it.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

int
main(int argc, char **argv)
{
	static uint64_t v[ROUNDS_MAX];
	int rounds = argc > 2 ? atoi(argv[1]) : 0;
	posix_spawn_file_actions_t fa;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fputs("usage: whole ROUNDS COMMAND ARG...\n", stderr);
		return 2;
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < rounds; i++) {
		int status, r;
		pid_t pid;

		v[i] = now();
		r = posix_spawn(&pid, argv[2], &fa, NULL, argv + 2, environ);
		if (r != 0 || waitpid(pid, &status, 0) != pid || status != 0) {
			fprintf(stderr, "whole: %s failed\n", argv[2]);
			return 1;
		}
		v[i] = now() - v[i];
		while (wait(NULL) > 0)
			continue;
	}
	printf("%llu\n", (unsigned long long)median(v, (size_t)rounds));
	return 0;
}
