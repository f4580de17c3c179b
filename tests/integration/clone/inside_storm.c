/* SPDX-License-Identifier: ISC */
/* inside_storm.c: much is under way until a line comes; then each child checks what it has counted.
 */
#include <tine.h>

#include "../../guest/guest.h"
#include "inside.h"

/* Rounds that each child must make: before the first word, and after the line. */
#define PROGRESS 10

enum { PIPE, SLEEP, FORK, SIGNAL, GENERATION, NCOUNTS };
#define STORM_CHILDREN 7

static struct {
	volatile int stop;
	volatile unsigned count[NCOUNTS];
	volatile unsigned sent, signalled; /* final, before the receiver is told the end */
} * storm_state;

static int
producer(int fd)
{
	unsigned i = 0;

	for (; !storm_state->stop; i++)
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			return 1;
	storm_state->sent = i;
	return 0;
}

static int
consumer(int fd)
{
	unsigned i = 0, v;
	ssize_t n;

	for (; (n = read(fd, &v, sizeof(v))) == sizeof(v); i++) {
		if (v != i)
			return 1;
		storm_state->count[PIPE] = i;
	}
	return n == 0 && i == storm_state->sent ? 0 : 2;
}

static int64_t
monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int
sleeper(void)
{
	struct timespec nap = {.tv_nsec = 2000000};

	while (!storm_state->stop) {
		int64_t start = monotonic_ns();

		if (nanosleep(&nap, NULL) < 0)
			return 1;
		if (monotonic_ns() - start < nap.tv_nsec)
			return 2;
		storm_state->count[SLEEP]++;
	}
	return 0;
}

static int
forker(void)
{
	int status;

	for (unsigned i = 0; !storm_state->stop; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit((int)(i % 100));
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != (int)(i % 100))
			return 1;
		storm_state->count[FORK] = i;
	}
	return 0;
}

/* Each value once and in order; -1 is the last. */
static int
signalled(const sigset_t *set)
{
	siginfo_t info;

	for (int next = 0;; next++) {
		int sig = sigwaitinfo(set, &info);

		if (sig < 0)
			return 1;
		if (info.si_value.sival_int == -1)
			return (unsigned)next == storm_state->signalled ? 0 : 2;
		if (info.si_value.sival_int != next)
			return 3;
		storm_state->count[SIGNAL] = (unsigned)next;
	}
}

static int
sender(pid_t target)
{
	struct timespec tick = {.tv_nsec = 1000000};
	bool last;
	int i = 0;

	do {
		last = storm_state->stop;
		if (last)
			storm_state->signalled = (unsigned)i;
		while (sigqueue(target, SIGRTMIN, (union sigval){.sival_int = last ? -1 : i}) < 0)
			if (errno != EAGAIN || nanosleep(&tick, NULL) < 0)
				return 1;
		i++;
		nanosleep(&tick, NULL);
	} while (!last);
	return 0;
}

/* Whenever the sandbox is cloned, the page and the kernel's variable say the same. */
static int
observer(void)
{
	const volatile struct tine_generation *page = tine_generation_page();
	struct timespec tick = {.tv_nsec = 1000000};

	if (page == NULL)
		return 1;
	while (!storm_state->stop) {
		for (int i = 0; i < 10; i++) {
			unsigned long before = kern_generation(), g = page->generation;

			if (g < before || g > kern_generation())
				return 2;
		}
		storm_state->count[GENERATION]++;
		nanosleep(&tick, NULL);
	}
	return 0;
}

static void
await_progress(void)
{
	struct timespec tick = {.tv_nsec = 1000000};
	unsigned goal[NCOUNTS];

	for (int i = 0; i < NCOUNTS; i++)
		goal[i] = storm_state->count[i] + PROGRESS;
	for (int i = 0; i < NCOUNTS; i++)
		while (storm_state->count[i] < goal[i])
			nanosleep(&tick, NULL);
}

static void
start_children(void)
{
	sigset_t set;
	pid_t target;
	int p[2];

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe(p) < 0)
		exit(1);
	if (fork() == 0)
		close(p[0]), _exit(producer(p[1]));
	if (fork() == 0)
		close(p[1]), _exit(consumer(p[0]));
	close(p[0]);
	close(p[1]);
	if (fork() == 0)
		_exit(sleeper());
	if (fork() == 0)
		_exit(forker());
	if (fork() == 0)
		_exit(observer());
	target = fork();
	if (target == 0)
		_exit(signalled(&set));
	if (fork() == 0)
		_exit(sender(target));
}

int
storm(void)
{
	int bad = 0, status;
	char line[8];

	storm_state = mmap(NULL, sizeof(*storm_state), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (storm_state == MAP_FAILED)
		return 1;
	start_children();
	await_progress();
	printf("storm\n");
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	await_progress();
	storm_state->stop = 1;
	for (int i = 0; i < STORM_CHILDREN; i++) {
		pid_t pid = wait(&status);

		if (pid < 0 || status != 0) {
			printf("child %d of the storm: status %#x\n", (int)pid, status);
			bad++;
		}
	}
	return bad;
}
