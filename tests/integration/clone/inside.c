/* SPDX-License-Identifier: ISC */
/* inside.c: the program in the sandboxes of clonetest. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SYS_VMFORK 524
#define SYS_TINE_SYSCTL 514
#define FILL_BYTES (256u << 10)

static uint32_t memory[FILL_BYTES / sizeof(uint32_t)];

static void
identity(void)
{
	uint8_t random[16];
	char boot_id[64] = "", host[65];
	struct timespec t;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	if (f != NULL && fgets(boot_id, sizeof(boot_id), f) != NULL)
		boot_id[strcspn(boot_id, "\n")] = '\0';
	if (f != NULL)
		fclose(f);
	getrandom(random, sizeof(random), 0);
	gethostname(host, sizeof(host));
	clock_gettime(CLOCK_REALTIME, &t);
	printf("identity ");
	for (size_t i = 0; i < sizeof(random); i++)
		printf("%02x", random[i]);
	printf("/%s %s %lld.%09ld\n", boot_id, host, (long long)t.tv_sec, t.tv_nsec);
}

static void
fill(uint32_t pattern)
{
	for (size_t i = 0; i < FILL_BYTES / sizeof(memory[0]); i++)
		memory[i] = pattern;
	printf("filled %u\n", pattern);
}

static void
check(uint32_t pattern)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < FILL_BYTES / sizeof(memory[0]); i++)
		wrong += memory[i] != pattern;
	printf("checked %u %u\n", pattern, wrong);
}

static void
generation(void)
{
	char value[32] = "";
	uint64_t len = sizeof(value);

	syscall(SYS_TINE_SYSCTL, "kern.generation", value, &len, NULL);
	printf("generation %s\n", value);
}

/* Serve commands that come on standard input. */
static int
loop(void)
{
	char line[64];

	printf("loop\n");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (strncmp(line, "identity", 8) == 0)
			identity();
		else if (strncmp(line, "fill ", 5) == 0)
			fill((uint32_t)atoi(line + 5));
		else if (strncmp(line, "check ", 6) == 0)
			check((uint32_t)atoi(line + 6));
		else if (strncmp(line, "generation", 10) == 0)
			generation();
	}
	return 0;
}

/* ---- storm ---- */

#define ROUNDS 100
#define PIPE_INTS 5000

static volatile sig_atomic_t signals;

static void
on_signal(int sig)
{
	(void)sig;
	signals++;
}

static int
producer(int fd)
{
	for (int i = 0; i < PIPE_INTS; i++)
		if (write(fd, &i, sizeof(i)) != sizeof(i))
			return 1;
	return 0;
}

static int
consumer(int fd)
{
	int v;

	for (int i = 0; i < PIPE_INTS; i++)
		if (read(fd, &v, sizeof(v)) != sizeof(v) || v != i)
			return 1;
	return read(fd, &v, sizeof(v)) == 0 ? 0 : 1;
}

static int
sleeper(void)
{
	struct timespec nap = {.tv_nsec = 2000000};

	for (int i = 0; i < 50; i++)
		nanosleep(&nap, NULL);
	return 0;
}

static int
signalled(void)
{
	struct timespec tick = {.tv_nsec = 1000000};

	while (signals < 50)
		nanosleep(&tick, NULL);
	return 0;
}

static int
forker(void)
{
	int sum = 0, status;

	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i % 100);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != i % 100)
			return 1;
		sum += WEXITSTATUS(status);
	}
	return sum == ROUNDS / 100 * 4950 ? 0 : 1;
}

static int
storm(void)
{
	int p[2], bad = 0, status;
	pid_t target;

	signal(SIGUSR1, on_signal);
	if (pipe(p) < 0)
		return 1;
	printf("storm\n");
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
	target = fork();
	if (target == 0)
		_exit(signalled());
	if (fork() == 0) {
		struct timespec tick = {.tv_nsec = 2000000};

		while (kill(target, SIGUSR1) == 0)
			nanosleep(&tick, NULL);
		_exit(0);
	}
	for (int i = 0; i < 6; i++) {
		pid_t pid = wait(&status);

		if (pid < 0 || status != 0) {
			printf("child %d of the storm: status %#x\n", (int)pid, status);
			bad++;
		}
	}
	return bad;
}

static int
vmfork(void)
{
	long r = syscall(SYS_VMFORK);

	printf("vmfork %ld %d\n", r, r < 0 ? errno : 0);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(what, "loop") == 0)
		return loop();
	if (strcmp(what, "storm") == 0)
		return storm();
	if (strcmp(what, "vmfork") == 0)
		return vmfork();
	return 2;
}
