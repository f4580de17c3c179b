/* SPDX-License-Identifier: ISC */
/*
 * profil.c: sampling of the program counter: where a program spins is where it is counted; a
 * child is profiled if its parent is, exec ends it.  rows: B16
 */
#include "guest.h"
#include "../../guest/kernel/include/sys/native.h"

#define MAXENT 1100

static struct profil_entry entry[MAXENT];

static long
profil(pid_t pid, int op, void *buf, size_t size)
{
	return syscall(TINE_SYS_profil, pid, op, buf, size);
}

/* A known place in the text: code from spin_start to spin_end. */
extern char spin_start[], spin_end[];
void spin(volatile int *stop);
__asm__(".text\n"
	"spin:\n"
	"spin_start:\n"
	"1:	cmpl $0, (%rdi)\n"
	"	je 1b\n"
	"spin_end:\n"
	"	ret\n");

static volatile int stop;

static void
on_alarm(int sig)
{
	(void)sig;
	stop = 1;
}

static void
spin_for(unsigned ms)
{
	struct itimerval it = {.it_value = {ms / 1000, ms % 1000 * 1000}};

	stop = 0;
	signal(SIGALRM, on_alarm);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	spin(&stop);
}

/* Samples in the loop; *all = samples altogether. */
static uint64_t
samples(pid_t pid, uint64_t *all)
{
	long n = profil(pid, PROFIL_READ, entry, sizeof(entry));
	uint64_t in = 0;

	CHECK(n >= 0 && n <= MAXENT);
	*all = 0;
	for (long i = 0; i < n; i++) {
		CHECK(entry[i].count > 0);
		*all += entry[i].count;
		if (entry[i].pc >= (uintptr_t)spin_start && entry[i].pc < (uintptr_t)spin_end)
			in += entry[i].count;
	}
	return in;
}

static void
self(void)
{
	uint64_t all, in;

	CHECK_EQ(samples(0, &all), 0);
	CHECK_EQ(all, 0);
	CHECK_EQ(profil(0, PROFIL_START, NULL, 0), 0);
	spin_for(500);
	CHECK_EQ(profil(0, PROFIL_STOP, NULL, 0), 0);
	in = samples(0, &all);
	CHECK(in >= 3 && in <= 100); /* ticks of 10 ms, fewer in a slow machine */
	CHECK(in * 10 >= all * 8);
	spin_for(50);
	CHECK_EQ(samples(getpid(), &all), in); /* it has stopped */
	CHECK_EQ(profil(0, PROFIL_READ, NULL, 0) > 0, 1);
	CHECK_ERR(profil(0, PROFIL_READ, (void *)8, sizeof(entry)), EFAULT);
	CHECK_ERR(profil(0, 9, NULL, 0), EINVAL);
	CHECK_ERR(profil(999999, PROFIL_START, NULL, 0), ESRCH);
	CHECK_ERR(profil(1, PROFIL_START, NULL, 0), EPERM);
	CHECK_EQ(profil(0, PROFIL_START, NULL, 0), 0); /* starts anew */
	CHECK_EQ(profil(0, PROFIL_STOP, NULL, 0), 0);
	CHECK(samples(0, &all) < in);
}

static void
children(void)
{
	uint64_t all, in;
	int p[2], q[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(pipe(q), 0);
	CHECK_EQ(profil(0, PROFIL_START, NULL, 0), 0);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(samples(0, &all), 0); /* a table of its own */
		spin_for(300);
		CHECK_EQ(write(p[1], "x", 1), 1);
		CHECK_EQ(read(q[0], &c, 1), 1);
		_exit(0);
	}
	CHECK_EQ(read(p[0], &c, 1), 1);
	in = samples(pid, &all);
	CHECK(in >= 2);
	CHECK_EQ(samples(0, &all), 0); /* we were asleep */
	CHECK_EQ(write(q[1], "x", 1), 1);
	CHECK_EXIT(pid, 0);
	CHECK_EQ(profil(0, PROFIL_STOP, NULL, 0), 0);

	pid = fork(); /* nobody is profiled any more */
	if (pid == 0) {
		spin_for(50);
		CHECK_EQ(profil(0, PROFIL_READ, NULL, 0), 0);
		_exit(0);
	}
	CHECK_EXIT(pid, 0);
}

static void
execs(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		char *argv[] = {"profil", "spin", NULL};

		CHECK_EQ(profil(0, PROFIL_START, NULL, 0), 0);
		spin_for(50);
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	CHECK_EXIT(pid, 0);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "spin") == 0) {
		spin_for(50);
		return profil(0, PROFIL_READ, NULL, 0) == 0 ? 0 : 2;
	}
	self();
	children();
	execs();
	return ok();
}
