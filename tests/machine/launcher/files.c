/* files.c: unpack the changed files that the agent returns as a tar archive. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

static int archive = -1; /* pipe to tar */
static pid_t tar;

static void
start(const char *directory)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) != 0)
		fail("pipe: %s", strerror(errno));
	tar = fork();
	if (tar < 0)
		fail("fork: %s", strerror(errno));
	if (tar == 0) {
		dup2(p[0], STDIN_FILENO);
		execlp("tar", "tar", "-xf", "-", "--no-same-owner", "--no-overwrite-dir", "-C",
		       directory, (char *)NULL);
		_exit(127);
	}
	close(p[0]);
	archive = p[1];
}

void
files_take(const char *directory, const void *data, size_t length)
{
	const char *from = data;

	if (archive < 0)
		start(directory);
	while (length > 0) {
		ssize_t n = write(archive, from, length);
		if (n <= 0)
			return; /* tar has ended; its status says so */
		from += n;
		length -= (size_t)n;
	}
}

void
files_finish(void)
{
	int status = 0;

	if (archive < 0)
		return;
	close(archive);
	waitpid(tar, &status, 0);
	if (status != 0)
		fputs("machine: changed files could not be written back\n", stderr);
}
