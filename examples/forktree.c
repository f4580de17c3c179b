/* SPDX-License-Identifier: ISC */
/*
 * forktree.c: a complete binary tree of processes, `forktree DEPTH` (2^(DEPTH + 1) - 1 of them).
 *
 * Every process writes its own mark over a block of memory that all of them inherited, forks its
 * two children, waits for them and then checks that nobody has touched its block.  Each reports
 * its place in the tree through one pipe; the root reads it when all have ended and prints the
 * tree.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DEPTH 11 /* 4095 reports still fit into the pipe before anybody reads */
#define BLOCK (64 * 1024 / sizeof(unsigned))

static unsigned block[BLOCK]; /* copy-on-write between all processes of the tree */

struct report {        /* smaller than PIPE_BUF: written in one piece */
	unsigned node; /* 1 = root, children of n: 2n and 2n + 1 */
	pid_t pid, parent;
	int intact;
};

static void
die(const char *what)
{
	fprintf(stderr, "forktree: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
mark(unsigned node)
{
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = node * 2654435761u + (unsigned)i;
}

static int
intact(unsigned node)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (block[i] != node * 2654435761u + (unsigned)i)
			return 0;
	return 1;
}

/* The life of one node; returns 0 if it and everything below it was as it should be. */
static int
grow(unsigned node, unsigned depth, int out)
{
	struct report r = {.node = node, .pid = getpid(), .parent = getppid()};
	pid_t child[2] = {0, 0};
	int failed = 0, status;

	mark(node);
	for (unsigned i = 0; depth > 0 && i < 2; i++) {
		child[i] = fork();
		if (child[i] == 0)
			_exit(grow(2 * node + i, depth - 1, out));
		if (child[i] < 0)
			die("fork");
	}
	for (unsigned i = 0; i < 2; i++) {
		if (child[i] == 0)
			continue;
		if (waitpid(child[i], &status, 0) != child[i])
			die("waitpid");
		failed |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	r.intact = intact(node);
	if (write(out, &r, sizeof(r)) != (ssize_t)sizeof(r))
		die("write");
	return failed || !r.intact;
}

static unsigned
level_of(unsigned node)
{
	return 31 - (unsigned)__builtin_clz(node);
}

/* Depth-first, as a tree is read. */
static void
print_tree(const struct report *all, unsigned node, unsigned count)
{
	if (node > count)
		return;
	printf("%*s%u: pid %d, parent %d, memory %s\n", (int)(2 * level_of(node)), "", node,
	       all[node].pid, all[node].parent, all[node].intact ? "untouched" : "DAMAGED");
	print_tree(all, 2 * node, count);
	print_tree(all, 2 * node + 1, count);
}

/* Read one report of every node; fewer than count means that somebody died. */
static unsigned
collect(int in, struct report *all, unsigned count)
{
	struct report r;
	unsigned n = 0;

	while (read(in, &r, sizeof(r)) == (ssize_t)sizeof(r))
		if (r.node >= 1 && r.node <= count) {
			all[r.node] = r;
			n++;
		}
	return n;
}

int
main(int argc, char **argv)
{
	char *end = NULL;
	long depth = argc == 2 ? strtol(argv[1], &end, 10) : -1;
	int fds[2], failed;
	unsigned count, got;
	struct report *all;

	if (argc != 2 || *argv[1] == '\0' || *end != '\0' || depth < 0 || depth > MAX_DEPTH) {
		fprintf(stderr, "usage: forktree DEPTH   (0..%d)\n", MAX_DEPTH);
		return 2;
	}
	count = (2u << depth) - 1;
	if ((all = calloc(count + 1, sizeof(*all))) == NULL || pipe(fds) != 0)
		die("set-up");
	failed = grow(1, (unsigned)depth, fds[1]);
	close(fds[1]);
	got = collect(fds[0], all, count);
	print_tree(all, 1, count);
	free(all);
	printf("%u of %u processes reported, %s\n", got, count,
	       failed ? "FAILED" : "all memory untouched");
	return got == count && !failed ? 0 : 1;
}
