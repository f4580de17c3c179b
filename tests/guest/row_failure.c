/* SPDX-License-Identifier: ISC */
/* row_failure.c: no memory at the n-th allocation of each entry point, for every n until it works:
 * everything is as before.  For the debug kernel.  rows: C3 C5 */
#include "native.h"
#include <dirent.h>

struct state {
	long frames, objects, nprocs, nthreads, listed;
	struct tine_stats st;
};

static int
count_listed(void)
{
	static char buf[65536];
	int fd = open("/proc", O_RDONLY | O_DIRECTORY), n = 0;
	long len;

	CHECK(fd >= 0);
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + len; p += *(uint16_t *)(void *)(p + 16))
			n += p[19] >= '1' && p[19] <= '9';
	CHECK_EQ(len, 0);
	close(fd);
	return n;
}

static struct state
look(void)
{
	static struct state s;

	s = (struct state){.listed = count_listed(), .st = stats()};
	s.nprocs = var("kern.nprocs");
	s.nthreads = var("kern.nthreads");
	s.objects = var("kern.objects");
	s.frames = var("vm.frames_free");
	return s;
}

/* Nothing but the count of failures has changed. */
static void
same(const struct state *a, const struct state *b, const char *what, int n)
{
	if (a->frames == b->frames && a->objects == b->objects && a->nprocs == b->nprocs &&
	    a->nthreads == b->nthreads && a->listed == b->listed && a->st.forks == b->st.forks &&
	    a->st.nprocesses == b->st.nprocesses && a->st.nthreads == b->st.nthreads)
		return;
	dprintf(
	    2,
	    "%s, allocation %d: frames %ld %ld, objects %ld %ld, processes %ld %ld, threads %ld "
	    "%ld, listed %ld %ld\n",
	    what, n, a->frames, b->frames, a->objects, b->objects, a->nprocs, b->nprocs,
	    a->nthreads, b->nthreads, a->listed, b->listed);
	_exit(1);
}

static void
inject(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	CHECK_EQ(tine_sysctl("kern.fork_fail_at", NULL, NULL, text), 0);
}

/* ---- the entry points; each ends its child and waits for it ---- */

static void *stack_end;
static int flags;

static int
ends(void *arg)
{
	(void)arg;
	return 0;
}

static volatile int thread_done;

static void
thread_ends(void *arg)
{
	(void)arg;
	thread_done = 1;
}

static long
by_fork(void)
{
	long pid = syscall(SYS_fork);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
by_vfork(void)
{
	long pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
by_rfork(void)
{
	long pid;

	if (flags & RFMEM)
		return rfork_thread(flags, stack_end, ends, NULL);
	pid = spawn((unsigned)flags);
	if (pid == 0)
		_exit(0);
	if (pid > 0 && flags & RFSTOPPED)
		CHECK_EQ(kill((pid_t)pid, SIGKILL), 0);
	while (pid > 0 && flags & RFNOWAIT && kill((pid_t)pid, 0) == 0) /* init waits for it */
		sched_yield();
	return pid;
}

static long
wait_for_thread(long tid)
{
	while (tid > 0 && (!thread_done || syscall(SYS_tkill, tid, 0) == 0))
		sched_yield();
	return tid;
}

static long
by_tfork(void)
{
	struct __tfork param = {NULL, NULL, stack_end};

	thread_done = 0;
	return wait_for_thread(__tfork_thread(&param, sizeof(param), thread_ends, NULL));
}

static int
clone_ends(void *arg)
{
	thread_ends(arg);
	return 0;
}

static long
by_clone_thread(void)
{
	thread_done = 0;
	return wait_for_thread(
	    clone(clone_ends, stack_end,
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		  NULL));
}

static long
by_clone_pidfd(void)
{
	int fd = -1;
	long pid = syscall(SYS_clone, 0x1000 | SIGCHLD, 0, &fd, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		close(fd);
	return pid;
}

/* The entry point with the n-th allocation failing: false if it succeeded. */
static int
fails(long (*entry)(void), int n, int *error)
{
	long ret;

	inject(n);
	errno = 0;
	ret = entry();
	*error = errno;
	if (ret >= 0) {
		inject(0);
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		return 0;
	}
	CHECK_EQ(var("kern.fork_fail_at"), 0); /* it was our allocation that failed */
	CHECK(*error == ENOMEM || *error == EAGAIN || *error == ENFILE);
	return 1;
}

/* Our own memory changes owners at the first failure after a success; the second one must leave
 * everything as the first did. */
static void
run(const char *what, long (*entry)(void))
{
	struct state before, after;
	int n = 1, error;

	for (int i = 0; i < 3; i++) { /* whatever is made once is there afterwards */
		before = look();
		fails(entry, 1, &error);
		fails(entry, 1000, &error);
	}
	for (; fails(entry, n, &error); n++) {
		before = look();
		before = look();
		CHECK(fails(entry, n, &error));
		after = look();
		same(&before, &after, what, n);
		CHECK_EQ(after.st.enomem, before.st.enomem + (error == ENOMEM));
		CHECK(n < 200);
	}
	CHECK(n > 1);
	dprintf(1, "%s: %d allocations\n", what, n - 1);
}

static void
all_rforks(void)
{
	static const struct {
		const char *name;
		unsigned flags;
	} ways[] = {
	    {"rfork: shared files", RFPROC},
	    {"rfork: RFFDG", RFPROC | RFFDG},
	    {"rfork: RFCFDG", RFPROC | RFCFDG},
	    {"rfork: RFMEM", RFPROC | RFMEM},
	    {"rfork: RFMEM RFSIGSHARE", RFPROC | RFMEM | RFFDG | RFSIGSHARE},
	    {"rfork: RFPPWAIT", RFPROC | RFFDG | RFPPWAIT},
	    {"rfork: RFTHREAD", RFPROC | RFFDG | RFTHREAD},
	    {"rfork: RFLINUXTHPN", RFPROC | RFFDG | RFLINUXTHPN},
	    {"rfork: RFNOZOMBIE", RFPROC | RFFDG | RFNOZOMBIE},
	    {"rfork: RFSHARELIM", RFPROC | RFFDG | RFSHARELIM},
	    {"rfork: RFNOWAIT", RFPROC | RFFDG | RFNOWAIT},
	    {"rfork: RFSTOPPED", RFPROC | RFFDG | RFSTOPPED},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		flags = (int)ways[i].flags;
		run(ways[i].name, by_rfork);
	}
}

static int
fails_self(int how, int n, int *error)
{
	int ret;

	inject(n);
	ret = rfork(how);
	*error = errno;
	if (ret == 0) {
		inject(0);
		return 0;
	}
	CHECK_EQ(*error, ENOMEM);
	return 1;
}

/* Without RFPROC: the caller shares everything with a child, and goes on sharing it. */
static void
run_unshare(const char *what, int how)
{
	struct state before, after;
	int n = 1, status, error;
	pid_t sharer;

	do {
		sharer = rfork_thread((int)(RFPROC | RFMEM | RFSTOPPED), stack_end, ends, NULL);
		CHECK(sharer > 0);
		if (fails_self(how, n, &error) && fails_self(how, n, &error)) {
			before = look();
			CHECK(fails_self(how, n, &error));
			after = look();
			same(&before, &after, what, n);
			n++;
		} else {
			how = -1;
		}
		CHECK_EQ(kill(sharer, SIGKILL), 0);
		CHECK_EQ(waitpid(sharer, &status, 0), sharer);
	} while (how != -1 && n < 200);
	CHECK(how == -1 && n > 1);
	dprintf(1, "%s: %d allocations\n", what, n - 1);
}

int
main(void)
{
	CHECK(debug_kernel());
	signal(SIGUSR1, SIG_IGN);
	stack_end = new_stack();
	run("fork", by_fork);
	run("vfork", by_vfork);
	all_rforks();
	run("__tfork", by_tfork);
	run("clone: a thread", by_clone_thread);
	run("clone with a pidfd", by_clone_pidfd);
	run_unshare("rfork: memory", 0);
	run_unshare("rfork: memory, RFFDG", RFFDG);
	run_unshare("rfork: RFMEM RFFDG", RFMEM | RFFDG);
	return ok();
}
