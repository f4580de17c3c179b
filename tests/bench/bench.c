/* SPDX-License-Identifier: ISC */
/*
 * bench.c: what processes cost.  The same static binary runs inside a sandbox and on Linux; one
 * JSON line per figure: {"name", "unit", "median", "min", "n"}.
 *
 * Times are TSC ticks.  In the emulated machine with the instruction clock one tick is one
 * instruction; on other machines ticks only compare with each other.
 *
 * usage: bench TRUE [NAME...]	TRUE: path of a static program that does nothing; without names
 *				all figures but the one that needs more than 1 GiB
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE 4096UL
#define MAX_SAMPLES 400

static const char *true_path;
static uint64_t samples[MAX_SAMPLES];

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Median and minimum of n samples, each of which did `per` operations. */
static void
report(const char *name, int n, double per)
{
	qsort(samples, (size_t)n, sizeof(samples[0]), compare);
	printf(
	    "{\"name\": \"%s\", \"unit\": \"ticks\", \"median\": %.1f, \"min\": %.1f, \"n\": %d}\n",
	    name, (double)samples[n / 2] / per, (double)samples[0] / per, n);
	fflush(stdout);
}

/* Fresh memory of 4 KiB pages, all of them written. */
static char *
touched(size_t size)
{
	char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		die("mmap");
	madvise(m, size, MADV_NOHUGEPAGE); /* compare like with like; not an error where unknown */
	for (size_t i = 0; i < size; i += PAGE)
		m[i] = 1;
	return m;
}

static void
wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("child");
}

/* ---- the figures ---- */

static void
bench_null(const char *name)
{
	for (int i = 0; i < 50; i++) {
		uint64_t t = __rdtsc();

		for (int j = 0; j < 1000; j++)
			syscall(SYS_getppid);
		samples[i] = __rdtsc() - t;
	}
	report(name, 50, 1000);
}

static uint64_t
fork_once(void)
{
	uint64_t t = __rdtsc();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		die("fork");
	wait_for(pid);
	return __rdtsc() - t;
}

static void
fork_exit_wait(const char *name, size_t size, int n)
{
	char *m = size > 0 ? touched(size) : NULL;

	for (int i = 0; i < n; i++)
		samples[i] = fork_once();
	report(name, n, 1);
	if (m != NULL)
		munmap(m, size);
}

static void
bench_fork_small(const char *name)
{
	fork_exit_wait(name, 0, 200);
}

static void
bench_fork_1m(const char *name)
{
	fork_exit_wait(name, 1UL << 20, 100);
}

static void
bench_fork_16m(const char *name)
{
	fork_exit_wait(name, 16UL << 20, 50);
}

static void
bench_fork_256m(const char *name)
{
	fork_exit_wait(name, 256UL << 20, 8);
}

static void
bench_fork_1g(const char *name)
{
	fork_exit_wait(name, 1UL << 30, 8);
}

static void
bench_fork_call(const char *name)
{
	for (int i = 0; i < 200; i++) {
		uint64_t t = __rdtsc(), u;
		pid_t pid = fork();

		u = __rdtsc();
		if (pid == 0)
			_exit(0);
		wait_for(pid);
		samples[i] = u - t;
	}
	report(name, 200, 1);
}

static void
exec_true(void)
{
	execl(true_path, "true", (char *)NULL);
	_exit(127);
}

static void
bench_fork_exec(const char *name)
{
	for (int i = 0; i < 100; i++) {
		uint64_t t = __rdtsc();
		pid_t pid = fork();

		if (pid == 0)
			exec_true();
		wait_for(pid);
		samples[i] = __rdtsc() - t;
	}
	report(name, 100, 1);
}

static void
bench_vfork_exec(const char *name)
{
	for (int i = 0; i < 100; i++) {
		uint64_t t = __rdtsc();
		pid_t pid = vfork();

		if (pid == 0)
			exec_true();
		wait_for(pid);
		samples[i] = __rdtsc() - t;
	}
	report(name, 100, 1);
}

#define COW_PAGES 4096

/* First write after fork, per page, by the child, over consecutive pages. */
static void
bench_cow_fault(const char *name)
{
	char *m = touched(COW_PAGES * PAGE);
	int fds[2];

	if (pipe(fds) != 0)
		die("pipe");
	for (int i = 0; i < 9; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			uint64_t t = __rdtsc();

			for (size_t j = 0; j < COW_PAGES; j++)
				m[j * PAGE] = 2;
			t = __rdtsc() - t;
			_exit(write(fds[1], &t, sizeof(t)) != (ssize_t)sizeof(t));
		}
		wait_for(pid);
		if (read(fds[0], &samples[i], sizeof(samples[i])) != (ssize_t)sizeof(samples[i]))
			die("read");
	}
	report(name, 9, COW_PAGES);
	close(fds[0]);
	close(fds[1]);
	munmap(m, COW_PAGES * PAGE);
}

#define FAULT_PAGES 1024

/* Demand-zero write fault per page.  The first rounds are dropped: by then the frames are present
 * in the host, and only the kernel under test is measured. */
static void
bench_page_fault(const char *name)
{
	for (int i = -3; i < 20; i++) {
		char *m = mmap(NULL, FAULT_PAGES * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		uint64_t t;

		if (m == MAP_FAILED)
			die("mmap");
		madvise(m, FAULT_PAGES * PAGE, MADV_NOHUGEPAGE);
		t = __rdtsc();
		for (size_t j = 0; j < FAULT_PAGES; j++)
			m[j * PAGE] = 1;
		if (i >= 0)
			samples[i] = __rdtsc() - t;
		munmap(m, FAULT_PAGES * PAGE);
	}
	report(name, 20, FAULT_PAGES);
}

static void
echo_loop(int in, int out)
{
	char b;

	while (read(in, &b, 1) == 1)
		if (write(out, &b, 1) != 1)
			_exit(1);
	_exit(0);
}

static void
bench_pipe(const char *name)
{
	int to[2], from[2];
	char b = 0;
	pid_t pid;

	if (pipe(to) != 0 || pipe(from) != 0)
		die("pipe");
	if ((pid = fork()) == 0) {
		close(to[1]);
		echo_loop(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	for (int i = 0; i < 50; i++) {
		uint64_t t = __rdtsc();

		for (int j = 0; j < 50; j++)
			if (write(to[1], &b, 1) != 1 || read(from[0], &b, 1) != 1)
				die("pipe round trip");
		samples[i] = __rdtsc() - t;
	}
	report(name, 50, 50);
	close(to[1]);
	wait_for(pid);
	close(from[0]);
}

/* ---- memory ---- */

static long
free_kib(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	if (f == NULL)
		die("/proc/meminfo");
	while (kib < 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemFree: %ld", &kib) != 1)
			kib = -1;
	fclose(f);
	if (kib < 0)
		die("MemFree");
	return kib;
}

#define CHILDREN 64

/* What a child that waits takes of the memory that is free, its parent having written to 64 MiB. */
static void
bench_idle_child(const char *name)
{
	size_t size = 64UL << 20;
	char *m = touched(size), b = 0;
	pid_t pid[CHILDREN];
	int fds[2];
	long before;

	if (pipe(fds) != 0)
		die("pipe");
	free_kib(); /* what the C library needs for it is there now */
	before = free_kib();
	for (int i = 0; i < CHILDREN; i++) {
		if ((pid[i] = fork()) == 0) {
			if (write(fds[1], &b, 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		if (pid[i] < 0 || read(fds[0], &b, 1) != 1)
			die("idle child");
		sched_yield(); /* let it get to its pause() */
	}
	samples[0] = (uint64_t)(before - free_kib()) * 1024;
	for (int i = 0; i < CHILDREN; i++)
		if (kill(pid[i], SIGKILL) != 0 || waitpid(pid[i], NULL, 0) != pid[i])
			die("idle child");
	printf("{\"name\": \"%s\", \"unit\": \"bytes\", \"median\": %.1f, \"n\": %d}\n", name,
	       (double)samples[0] / CHILDREN, CHILDREN);
	close(fds[0]);
	close(fds[1]);
	munmap(m, size);
}

static const struct {
	const char *name;
	void (*run)(const char *name);
	bool by_name; /* runs only when asked for */
} figures[] = {
    {"null_syscall", bench_null, false},
    {"fork_exit_wait_small", bench_fork_small, false},
    {"fork_exit_wait_1m", bench_fork_1m, false},
    {"fork_exit_wait_16m", bench_fork_16m, false},
    {"fork_exit_wait_256m", bench_fork_256m, false},
    {"fork_exit_wait_1g", bench_fork_1g, true},
    {"fork_call", bench_fork_call, false},
    {"fork_exec_exit_wait", bench_fork_exec, false},
    {"vfork_exec_exit_wait", bench_vfork_exec, false},
    {"cow_fault", bench_cow_fault, false},
    {"page_fault", bench_page_fault, false},
    {"pipe_round_trip", bench_pipe, false},
    {"idle_child_64m", bench_idle_child, false},
};
#define NFIGURES (sizeof(figures) / sizeof(figures[0]))

static bool
wanted(size_t figure, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], figures[figure].name) == 0)
			return true;
	return argc <= 2 && !figures[figure].by_name;
}

/*
 * Runs everything with the stack pointer in the middle of a page: where address randomisation has
 * put it decides otherwise whether a child writes to one page of its stack or to two.
 */
static __attribute__((noinline)) void
run_figures(int argc, char **argv)
{
	volatile char *pad =
	    __builtin_alloca(((uintptr_t)__builtin_frame_address(0) + PAGE / 2) % PAGE + 1);

	pad[0] = 0;
	for (size_t i = 0; i < NFIGURES; i++)
		if (wanted(i, argc, argv))
			figures[i].run(figures[i].name);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: bench TRUE [NAME...]\n");
		return 2;
	}
	true_path = argv[1];
	run_figures(argc, argv);
	return 0;
}
