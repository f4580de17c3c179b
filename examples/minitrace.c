/* SPDX-License-Identifier: ISC */
/*
 * minitrace.c: run a program, follow all its forks, and print the tree of processes in the end:
 * `minitrace PROGRAM [ARGS...]`.
 *
 * Uses ptrace(2) alone, so it runs on Linux as well.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT(status) ((status) >> 16 & 0xffff)
#define EV_FORK 1
#define EV_VFORK 2
#define EV_CLONE 3
#define EV_EXEC 4
#define EXITKILL 0x100000L /* they do not outlive us */
#define OPTIONS (1L << EV_FORK | 1L << EV_VFORK | 1L << EV_CLONE | 1L << EV_EXEC | EXITKILL)

struct proc {
	struct proc *next;
	pid_t pid, parent;
	const char *how; /* it was made */
	char *image;     /* what it has exec'ed last */
	int seen, status, signals, execs;
};

static struct proc *procs, **last = &procs;
static unsigned nprocs, nlive;

static void
die(const char *what)
{
	fprintf(stderr, "minitrace: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ptrace()'s request is an enum in one C library and an int in another. */
#define trace(req, pid, data)                                                                      \
	do {                                                                                       \
		if (ptrace((req), (pid), NULL, (void *)(long)(data)) != 0 && errno != ESRCH)       \
			die("ptrace");                                                             \
	} while (0)

/* One that lives, or that has come and gone before its parent told us of it. */
static struct proc *
find(pid_t pid, int unknown)
{
	struct proc *p;

	for (p = procs; p != NULL; p = p->next)
		if (p->pid == pid && (unknown ? p->how == NULL : p->status < 0))
			return p;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		die("memory");
	p->pid = pid;
	p->status = -1;
	*last = p;
	last = &p->next;
	nprocs++;
	nlive++;
	return p;
}

static void
made(struct proc *parent, const char *how)
{
	unsigned long child = 0;
	struct proc *p;

	trace(PTRACE_GETEVENTMSG, parent->pid, (long)&child);
	p = find((pid_t)child, 1);
	p->parent = parent->pid;
	p->how = how;
}

static void
new_image(struct proc *p)
{
	char link[64], path[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", p->pid);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	free(p->image);
	p->image = strdup(path);
	p->execs++;
}

/* A stop: which signal the process takes when it goes on. */
static int
stopped(struct proc *p, int status)
{
	int sig = WSTOPSIG(status);

	switch (EVENT(status)) {
	case EV_FORK:
		made(p, "fork");
		return 0;
	case EV_VFORK:
		made(p, "vfork");
		return 0;
	case EV_CLONE:
		made(p, "clone");
		return 0;
	case EV_EXEC:
		new_image(p);
		return 0;
	}
	if (!p->seen && sig == SIGSTOP) { /* a new process stops before its first instruction */
		p->seen = 1;
		return 0;
	}
	p->signals++;
	return sig;
}

static void
loop(void)
{
	int status;
	pid_t pid;

	while (nlive > 0 && (pid = waitpid(-1, &status, __WALL)) > 0) {
		struct proc *p = find(pid, 0);

		if (WIFSTOPPED(status)) {
			trace(PTRACE_CONT, pid, stopped(p, status));
		} else {
			p->status = status;
			nlive--;
		}
	}
}

static void
print_tree(pid_t parent, int depth)
{
	for (struct proc *p = procs; p != NULL; p = p->next) {
		if (p->parent != parent)
			continue;
		printf("%*s%s: %s", 2 * depth, "", p->how != NULL ? p->how : "unknown",
		       p->image != NULL ? p->image : "(image of its parent)");
		if (p->status < 0) /* a thread whose exec gave it the process's id */
			printf(", gone by exec");
		else if (WIFSIGNALED(p->status))
			printf(", killed by signal %d", WTERMSIG(p->status));
		else
			printf(", exit status %d", WEXITSTATUS(p->status));
		if (p->signals > 0)
			printf(", %d signals", p->signals);
		putchar('\n');
		if (p->pid != parent)
			print_tree(p->pid, depth + 1);
	}
}

int
main(int argc, char **argv)
{
	struct proc *top;
	pid_t pid;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: minitrace PROGRAM [ARGS...]\n");
		return 2;
	}
	if ((pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		trace(PTRACE_TRACEME, 0, 0);
		raise(SIGSTOP);
		execvp(argv[1], argv + 1);
		die(argv[1]);
	}
	top = find(pid, 0);
	top->how = "run";
	top->seen = 1;
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("the program did not stop");
	trace(PTRACE_SETOPTIONS, pid, OPTIONS);
	trace(PTRACE_CONT, pid, 0);
	loop();
	print_tree(0, 0);
	printf("%u processes and threads\n", nprocs);
	status = top->status;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
