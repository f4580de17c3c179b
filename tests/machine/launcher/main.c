/* main.c: the launcher of npt and ept: start a machine, run one command in it, exit as it did. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "launcher.h"

static const char usage[] =
    "usage: launcher [options] -- EMULATOR ARGS... -- COMMAND ARGS...\n"
    "       launcher --tsc-khz\n"
    "  --save DIR        boot the machine and save it in DIR (no COMMAND)\n"
    "  --resume DIR      go on from the machine saved in DIR instead of booting\n"
    "  --after SCRIPT    run this by the shell at the end, whatever that is\n"
    "  --write-back DIR  put the files that the agent returns into DIR\n"
    "  --timeout SEC     end the machine then, exit status 124\n"
    "  --terminal        give the emulator terminals for its stdio and for the channel\n"
    "  --buffered        send stdin, if it is a file, before the command starts\n"
    "  --console         the machine's console on stderr\n"
    "  --verbose         timing on stderr\n"
    "  --job FIELD       a field of the job (repeatable)\n";

void
fail(const char *format, ...)
{
	va_list ap;

	terminal_restore();
	va_start(ap, format);
	fputs("machine: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	log_print();
	exit(EXIT_MACHINE);
}

uint64_t
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * The frequency of the time stamp counter, the median of several looks, in whole MHz so that every
 * look at the same host gives the same number: it is part of what a saved machine is found by. The
 * guest must be told, it hangs when it calibrates itself.
 */
static int
print_tsc_khz(void)
{
	double khz[9];
	struct timespec a, b;

	for (int i = 0; i < 9; i++) {
		double ns = 0;
		clock_gettime(CLOCK_MONOTONIC_RAW, &a);
		unsigned long long begin = __rdtsc();
		while (ns < 1e7) {
			clock_gettime(CLOCK_MONOTONIC_RAW, &b);
			ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
		}
		khz[i] = (double)(__rdtsc() - begin) / ns * 1e6;
	}
	qsort(khz, 9, sizeof(khz[0]), compare);
	printf("%.0f000\n", khz[4] / 1000);
	return 0;
}

static void
job_add(struct options *o, char letter, const char *value)
{
	stream_append(&o->job, &letter, 1);
	stream_append(&o->job, value, strlen(value) + 1);
}

/* What every run gives the machine anew: random numbers and the time. */
static void
job_add_fresh(struct options *o)
{
	unsigned char random[32];
	char text[sizeof(random) * 2 + 1];
	struct timespec now;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		fail("getrandom: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(text + 2 * i, 3, "%02x", random[i]);
	job_add(o, 'r', text);
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(text, sizeof(text), "%lld %ld", (long long)now.tv_sec, now.tv_nsec);
	job_add(o, 'T', text);
}

static char **
parse_option(struct options *o, char **arg)
{
	const char *name = arg[0], *value = arg[1];

	if (strcmp(name, "--terminal") == 0)
		return o->terminal = true, arg + 1;
	if (strcmp(name, "--buffered") == 0)
		return o->buffered = true, arg + 1;
	if (strcmp(name, "--console") == 0)
		return o->console = true, arg + 1;
	if (strcmp(name, "--verbose") == 0)
		return o->verbose = true, arg + 1;
	if (value == NULL)
		fail("%s: no value, or not an option\n%s", name, usage);
	if (strcmp(name, "--save") == 0)
		o->save = value;
	else if (strcmp(name, "--resume") == 0)
		o->resume = value;
	else if (strcmp(name, "--after") == 0)
		o->after = value;
	else if (strcmp(name, "--write-back") == 0)
		o->write_back = value;
	else if (strcmp(name, "--timeout") == 0)
		o->timeout = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(name, "--job") == 0)
		stream_append(&o->job, value, strlen(value) + 1);
	else
		fail("%s: unknown option\n%s", name, usage);
	return arg + 2;
}

static void
parse(struct options *o, char **arg)
{
	while (*arg != NULL && strcmp(*arg, "--") != 0)
		arg = parse_option(o, arg);
	if (*arg == NULL || arg[1] == NULL)
		fail("no emulator\n%s", usage);
	o->emulator = ++arg;
	while (*arg != NULL && strcmp(*arg, "--") != 0)
		arg++;
	if (*arg != NULL)
		*arg++ = NULL;
	if (o->save == NULL && *arg == NULL)
		fail("no command\n%s", usage);
	for (; *arg != NULL; arg++)
		job_add(o, 'a', *arg);
}

static const char *after;

static void
run_after(void)
{
	if (after != NULL && system(after) != 0)
		fputs("machine: cleaning up failed\n", stderr);
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct emulator e;
	int status = 0;

	if (argc == 2 && strcmp(argv[1], "--tsc-khz") == 0)
		return print_tsc_khz();
	parse(&o, argv + 1);
	after = o.after;
	atexit(run_after);
	if (o.buffered)
		job_add(&o, 'b', "");
	else
		terminal_fields(&o.job);
	job_add_fresh(&o);
	emulator_start(&e, &o);
	if (o.save != NULL) {
		relay_wait_ready(&e, &o);
		emulator_save(&e, o.save);
	} else {
		if (o.resume != NULL)
			emulator_resume(&e, o.resume);
		status = relay_run(&e, &o);
	}
	return status;
}
