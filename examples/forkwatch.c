/* SPDX-License-Identifier: ISC */
/* forkwatch.c: run a command and print every fork, exec and exit under it, as it happens. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tine.h>
#include <unistd.h>

static void
print_name(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if ((f = fopen(path, "r")) == NULL)
		return;
	if (fgets(name, sizeof(name), f) != NULL)
		printf(" (%.*s)", (int)strcspn(name, "\n"), name);
	fclose(f);
}

static void
print_status(int status)
{
	if (WIFSIGNALED(status))
		printf(" exit: signal %d", WTERMSIG(status));
	else
		printf(" exit: %d", WEXITSTATUS(status));
}

static void
print_event(const struct forkwatch_event *ev)
{
	static const char *const kinds[] = {"fork", "vfork", "rfork", "thread", "kernel", "clone"};

	printf("%5lu.%06lu ", (unsigned long)(ev->time_ns / 1000000000),
	       (unsigned long)(ev->time_ns / 1000 % 1000000));
	switch (ev->kind) {
	case FORKWATCH_FORK:
		printf("%5d %s -> %d", ev->pid, kinds[ev->status % 6], ev->other);
		break;
	case FORKWATCH_EXEC:
		printf("%5d exec", ev->pid);
		print_name(ev->pid);
		break;
	case FORKWATCH_EXIT:
		printf("%5d", ev->pid);
		print_status(ev->status);
		break;
	case FORKWATCH_OVERFLOW:
		printf("%lu events lost", (unsigned long)ev->lost);
		break;
	}
	putchar('\n');
}

/* Print what there is; true when pid has exited. */
static int
drain(int fd, pid_t pid)
{
	struct forkwatch_event ev[16];
	ssize_t n;
	int over = 0;

	if ((n = read(fd, ev, sizeof(ev))) < 0) {
		perror("forkwatch: read");
		exit(1);
	}
	for (size_t i = 0; i < (size_t)n / sizeof(ev[0]); i++) {
		print_event(&ev[i]);
		over |= ev[i].kind == FORKWATCH_EXIT && ev[i].pid == pid;
	}
	return over;
}

int
main(int argc, char **argv)
{
	int fd, status;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		fprintf(stderr, "usage: forkwatch COMMAND [ARGUMENT]...\n");
		return 2;
	}
	/* pid 0: everybody, which root may watch. */
	if ((fd = forkwatch_open(0, NOTE_FORK | NOTE_EXEC | NOTE_EXIT, 0)) < 0) {
		fprintf(stderr, "forkwatch: %s\n",
			errno == ENOSYS ? "not inside a tine sandbox" : strerror(errno));
		return 1;
	}
	if ((pid = fork()) == 0) {
		close(fd);
		execvp(argv[1], argv + 1);
		fprintf(stderr, "forkwatch: %s: %s\n", argv[1], strerror(errno));
		_exit(127);
	}
	if (pid < 0) {
		perror("forkwatch: fork");
		return 1;
	}
	while (!drain(fd, pid))
		;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
