/* SPDX-License-Identifier: ISC */
/* zygote.c: a VMM process that was forked is in no way different from one that was executed; and a
 * zygote that dies, or does not answer, costs nobody a clone. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests.h"

#define TEXT 4096
#define FILES 64

static void
read_file(pid_t pid, const char *name, char text[TEXT])
{
	char path[300];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	f = fopen(path, "r");
	if (f != NULL) {
		n = fread(text, 1, TEXT - 1, f);
		fclose(f);
	}
	text[n] = '\0';
}

/* The zygote of this process, 0 if there is none. */
static pid_t
find_zygote(void)
{
	DIR *proc = opendir("/proc");
	char text[TEXT], wanted[32];
	struct dirent *d;
	pid_t found = 0;

	snprintf(wanted, sizeof(wanted), "\nPPid:\t%d\n", (int)getpid());
	while (proc != NULL && found == 0 && (d = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)atoi(d->d_name);

		if (pid <= 0)
			continue;
		read_file(pid, "status", text);
		if (strncmp(text, "Name:\ttine-zygote\n", 18) == 0 && strstr(text, wanted) != NULL)
			found = pid;
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

/* ---- what a process has of its own ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Its descriptors, by kind: names without numbers, in order. */
static void
descriptors(pid_t pid, char text[TEXT])
{
	char path[300], target[256], *kind[FILES];
	struct dirent *d;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir != NULL && n < FILES && (d = readdir(dir)) != NULL) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, d->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		for (char *p = target; (p = strpbrk(p, "0123456789")) != NULL;)
			memmove(p, p + 1, strlen(p));
		kind[n++] = strdup(target);
	}
	if (dir != NULL)
		closedir(dir);
	qsort(kind, n, sizeof(kind[0]), by_text);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(text);

		snprintf(text + used, TEXT - used, "%s\n", kind[i]);
		free(kind[i]);
	}
}

/* What /proc/PID/status says of privileges and signals. */
static void
privileges(pid_t pid, char text[TEXT])
{
	static const char *const wanted[] = {
	    "Name:",   "PPid:",   "Uid:",        "Gid:",    "Groups:", "Threads:",
	    "SigBlk:", "SigIgn:", "SigCgt:",     "CapInh:", "CapPrm:", "CapEff:",
	    "CapAmb:", "CapBnd:", "NoNewPrivs:", "Seccomp:"};
	char status[TEXT], *save = NULL;
	size_t used = 0;

	read_file(pid, "status", status);
	text[0] = '\0';
	for (char *line = strtok_r(status, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0) {
				snprintf(text + used, TEXT - used, "%s\n", line);
				used += strlen(text + used);
			}
}

static void
root_of(pid_t pid, char text[TEXT])
{
	char path[64];
	DIR *dir;
	unsigned n = 0;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	dir = opendir(path);
	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	snprintf(text, TEXT, "%u entries", n);
}

static void
same(pid_t a, pid_t b, const char *what, void (*describe)(pid_t pid, char text[TEXT]))
{
	char x[TEXT], y[TEXT];

	describe(a, x);
	describe(b, y);
	if (x[0] == '\0' || strcmp(x, y) != 0)
		fail("%s of the forked process:\n%sof the executed one:\n%s", what, x, y);
}

static void
limits(pid_t pid, char text[TEXT])
{
	read_file(pid, "limits", text);
}

static void
oom_score(pid_t pid, char text[TEXT])
{
	read_file(pid, "oom_score_adj", text);
}

/* System call filters of a thread. */
static int
filters(pid_t pid, const char *status)
{
	char text[TEXT];
	const char *count;

	read_file(pid, status, text);
	count = strstr(text, "\nSeccomp_filters:\t");
	return count != NULL && strstr(text, "\nSeccomp:\t2\n") != NULL
		   ? atoi(strchr(count, '\t') + 1)
		   : 0;
}

/* Each of so many threads has so many filters, beside those that this test has itself. */
static void
confined(pid_t pid, int nthreads, int nfilters)
{
	int wanted = filters(getpid(), "status"), threads = 0;
	char path[300];
	struct dirent *d;
	DIR *dir;

#ifndef __SANITIZE_ADDRESS__ /* which loads none: jail_filter.c */
	wanted += nfilters;
#else
	(void)nfilters;
#endif
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%s/status", d->d_name);
		if (filters(pid, path) != wanted)
			fail("thread %s of %d has %d filters, not %d", d->d_name, (int)pid,
			     filters(pid, path), wanted);
		threads++;
	}
	if (dir != NULL)
		closedir(dir);
	if (threads != nthreads)
		fail("%d has %d threads", (int)pid, threads);
}

/* The template is one that the zygote held, or one that it did not. */
static void
compare(struct tine_template *t, struct sandbox_pool *pool, pid_t zygote)
{
	struct box forked, executed;
	char id[256];
	pid_t pid, other;

	spawn(&executed, t, NULL, NULL, NULL);
	spawn(&forked, t, pool, NULL, NULL);
	/* Who passes a request on has closed what it has sent along with its READY. */
	ask_identity(&executed, id);
	ask_identity(&forked, id);
	pid = sandbox_pid(forked.sb);
	other = sandbox_pid(executed.sb);
	if (zygote != 0 && find_zygote() != zygote)
		fail("the zygote is another one");
	same(pid, other, "descriptors", descriptors);
	same(pid, other, "privileges", privileges);
	confined(pid, 2, 2); /* the zygote's, and what that leaves to refuse */
	confined(other, 2, 1);
	if (zygote != 0)
		confined(zygote, 1, 1);
	same(pid, other, "limits", limits);
	same(pid, other, "root", root_of);
	same(pid, other, "OOM score", oom_score);
	if (getpgid(pid) != pid || getpgid(other) != other)
		fail("process groups %d of %d, %d of %d", (int)getpgid(pid), (int)pid,
		     (int)getpgid(other), (int)other);
	sandbox_destroy(forked.sb);
	sandbox_destroy(executed.sb);
}

/* ---- the end of a zygote ---- */

static void
clone_one(struct tine_template *t, struct sandbox_pool *pool)
{
	struct box b;

	spawn(&b, t, pool, NULL, NULL);
	type(&b, "check 1\n");
	serve_until(&b, NULL, "checked 1 0\n");
	sandbox_destroy(b.sb);
}

/* The signal: SIGKILL, or SIGSTOP, after which it does not answer. */
static void
lose_zygote(struct tine_template *t, struct sandbox_pool *pool, int sig)
{
	pid_t old = find_zygote();

	if (old == 0)
		fail("no zygote");
	kill(old, sig);
	clone_one(t, pool);
	if (kill(old, 0) == 0 || errno != ESRCH)
		fail("zygote %d has not been buried", (int)old);
	clone_one(t, pool);
	if (find_zygote() == 0 || find_zygote() == old)
		fail("no new zygote");
}

void
test_zygote(void)
{
	struct tine_template *bt = base(), *t, *other;
	struct sandbox_pool *pool;
	struct box original;
	pid_t zygote;

	spawn(&original, bt, NULL, NULL, NULL);
	launch(&original, "loop");
	type(&original, "fill 1\n");
	serve_until(&original, NULL, "filled 1\n");
	t = freeze(&original, false, 0);
	other = freeze(&original, false, 0);
	need(sandbox_pool_create(0, JAIL_DEFAULT, true, &pool, &error), "pool");
	compare(t, pool, 0);
	zygote = find_zygote();
	if (zygote == 0)
		fail("no zygote");
	sandbox_pool_prefer(pool, t);
	compare(t, pool, zygote);
	compare(other, pool, zygote);
	sandbox_pool_prefer(pool, other);
	compare(t, pool, zygote);
	compare(other, pool, zygote);
	lose_zygote(t, pool, SIGKILL);
	lose_zygote(other, pool, SIGKILL);
	lose_zygote(other, pool, SIGSTOP);
	zygote = find_zygote();
	sandbox_pool_destroy(pool);
	if (kill(zygote, 0) == 0 || errno != ESRCH)
		fail("the zygote has outlived its pool");
	sandbox_destroy(original.sb);
	template_release(other);
	template_release(t);
	template_release(bt);
}
