/* job.c: decode what the launcher wants to be run and prepare the machine for it. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

/* From linux/random.h, which the musl compiler does not come with. */
#define RNDADDENTROPY _IOW('R', 0x03, int[2])
#define RNDRESEEDCRNG _IO('R', 0x07)
struct rand_pool_info {
	int entropy_count; /* bits */
	int buf_size;      /* bytes that follow */
};

static void
push(char ***list, size_t *count, char *value)
{
	char **grown = realloc(*list, (*count + 2) * sizeof(**list));

	if (grown == NULL)
		die("out of memory");
	grown[*count] = value;
	grown[++*count] = NULL;
	*list = grown;
}

/* One field: a letter that says what it is, then its value (the list is README.md's "protocol"). */
static bool
decode_field(struct job *job, char *field)
{
	char *value = field + 1;
	long seconds, nanoseconds;

	switch (field[0]) {
	case 'a':
		push(&job->argv, &job->argc, value);
		return true;
	case 'e':
		push(&job->env, &job->nenv, value);
		return true;
	case 'd':
		job->directory = value;
		return true;
	case 'c':
		job->checkout = value;
		return true;
	case 's':
		push((char ***)(uintptr_t)&job->shares, &job->nshares, value);
		return true;
	case 'b':
		job->buffered = true;
		return true;
	case 'w':
		job->write_back = true;
		return true;
	case 'i':
		job->deterministic = true;
		return true;
	case 'r':
		job->seed = value;
		return true;
	case 't':
		for (int i = 0; i < 3; i++)
			job->tty[i] = strchr(value, '0' + i) != NULL;
		return true;
	case 'z':
		return sscanf(value, "%hu %hu", &job->window.ws_row, &job->window.ws_col) == 2;
	case 'T':
		if (sscanf(value, "%ld %ld", &seconds, &nanoseconds) != 2)
			return false;
		job->realtime = (struct timespec){seconds, nanoseconds};
		return true;
	default:
		return false;
	}
}

bool
job_decode(struct job *job, const struct frame *f)
{
	char *text = malloc(f->length + 1u);

	if (text == NULL)
		die("out of memory");
	memcpy(text, f->payload, f->length);
	text[f->length] = '\0';
	job->text = text;
	for (char *field = text; field < text + f->length; field += strlen(field) + 1)
		if (!decode_field(job, field))
			return false;
	return job->argc > 0 && job->directory != NULL;
}

/*
 * A machine that was resumed from a saved one has the random numbers of that one until it is given
 * new ones.
 */
static void
reseed(const char *seed)
{
	struct {
		struct rand_pool_info info;
		char bytes[64];
	} pool = {.info = {.entropy_count = 256, .buf_size = sizeof(pool.bytes)}};
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	memcpy(pool.bytes, seed, strnlen(seed, sizeof(pool.bytes)));
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) != 0 || ioctl(fd, RNDRESEEDCRNG) != 0)
		die("reseed the random numbers: %s", strerror(errno));
	close(fd);
}

static void
no_address_randomization(void)
{
	int fd = open("/proc/sys/kernel/randomize_va_space", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		die("switch address randomization off: %s", strerror(errno));
	close(fd);
}

void
job_prepare(const struct job *job)
{
	char source[64];

	if (job->seed != NULL)
		reseed(job->seed);
	if (job->realtime.tv_sec != 0)
		clock_settime(CLOCK_REALTIME, &job->realtime);
	if (job->checkout != NULL) {
		mount_image(boot_disk(1), "checkout");
		mount_overlay("checkout", job->checkout);
	}
	if (job->nshares > 0) {
		mount_image(boot_disk(2), "shares");
		mount_overlay("shares", "/run/machine/shares/merged");
	}
	for (size_t i = 0; i < job->nshares; i++) {
		snprintf(source, sizeof(source), "/run/machine/shares/merged/%zu", i);
		mount_bind(source, job->shares[i]);
	}
	if (job->deterministic) {
		no_address_randomization();
		if (job->checkout != NULL)
			read_ahead("checkout");
		if (job->nshares > 0)
			read_ahead("shares");
	}
	make_directories(job->directory);
}
