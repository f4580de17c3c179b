/* SPDX-License-Identifier: ISC */
/*
 * profile.c: the host starts, stops and reads the profile of a program in a sandbox.  rows: B16
 *
 * usage: profile-test TINE KERNEL SPIN.  Needs nested paging.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/vmm.h"

#define LIMIT_MS 30000

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static struct sandbox *sb;
static uint32_t last_id;

static void
next(struct sandbox_msg *msg)
{
	struct tine_error error;
	int r;

	while ((r = sandbox_recv(sb, msg, &error)) == 0) {
		int more = sandbox_flush(sb, NULL);
		struct pollfd p = {.fd = sandbox_fd(sb),
				   .events = (short)(POLLIN | (more == 1 ? POLLOUT : 0))};

		CHECK(poll(&p, 1, LIMIT_MS) == 1);
	}
	if (r != 1)
		fprintf(stderr, "%s: %s\n", error.type, error.detail);
	CHECK(r == 1);
}

/* Whatever else comes is not ours to look at. */
static void
await(struct sandbox_msg *msg, uint16_t type)
{
	do
		next(msg);
	while (msg->type != type);
}

static void
request(struct sandbox_msg *msg, uint16_t type, uint32_t arg, const void *payload, size_t len)
{
	CHECK(sandbox_send(sb, type, ++last_id, arg, payload, len, NULL) == 0);
	do
		await(msg, TINE_MSG_REPLY);
	while (msg->id != last_id);
}

static uint32_t
profile(struct sandbox_msg *msg, int32_t pid, uint32_t op)
{
	request(msg, TINE_MSG_PROFILE, (uint32_t)pid, &op, sizeof(op));
	return msg->arg;
}

/* Samples in [start, end); *all: altogether. */
static uint64_t
samples(int32_t pid, uint64_t start, uint64_t end, uint64_t *all)
{
	const struct tine_profile_entry *e;
	struct sandbox_msg msg;
	uint64_t in = 0;

	CHECK(profile(&msg, pid, TINE_PROFILE_READ) == 0);
	CHECK(msg.len % sizeof(*e) == 0);
	*all = 0;
	for (size_t off = 0; off < msg.len; off += sizeof(*e)) {
		struct tine_profile_entry entry;

		memcpy(&entry, msg.payload + off, sizeof(entry));
		*all += entry.count;
		if (entry.pc >= start && entry.pc < end)
			in += entry.count;
	}
	return in;
}

static void
boot(const char *kernel, const char *program)
{
	struct rootfs_file file = {.host_path = program, .guest_path = "/spin", .mode = 0755};
	struct sandbox_config config = {.kernel = kernel, .files = &file, .nfiles = 1};
	struct tine_error error;
	struct sandbox_msg msg;

	if (sandbox_spawn(&config, &sb, &error) != 0) {
		fprintf(stderr, "%s\n", error.detail);
		exit(1);
	}
	await(&msg, TINE_MSG_READY);
}

/* Launch the program: its pid, its child's, and where the loop is. */
static int32_t
launch(uint64_t *start, uint64_t *end, int32_t *child)
{
	const char *argv[] = {"/spin", NULL}, *env[] = {NULL};
	struct launch_spec spec = {.argv = argv, .env = env};
	struct tine_launched done;
	struct sandbox_msg msg;
	char line[80] = "";
	uint8_t *payload;
	size_t len;
	void *a, *b;

	CHECK(launch_encode(&spec, &payload, &len, NULL) == 0);
	request(&msg, TINE_MSG_LAUNCH, 0, payload, len);
	free(payload);
	CHECK(msg.arg == 0 && msg.len == sizeof(done));
	memcpy(&done, msg.payload, sizeof(done));
	await(&msg, TINE_MSG_OUT);
	CHECK(msg.len < sizeof(line));
	memcpy(line, msg.payload, msg.len);
	CHECK(sscanf(line, "%p %p %d", &a, &b, child) == 3);
	*start = (uint64_t)(uintptr_t)a;
	*end = (uint64_t)(uintptr_t)b;
	return done.pid;
}

static void
nap(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

int
main(int argc, char **argv)
{
	uint64_t start, end, all, in;
	struct sandbox_msg msg;
	int32_t pid, child;

	if (argc != 4) {
		fprintf(stderr, "usage: profile-test TINE KERNEL SPIN\n");
		return 2;
	}
	sandbox_set_program(argv[1]);
	boot(argv[2], argv[3]);
	pid = launch(&start, &end, &child);
	CHECK(samples(pid, start, end, &all) == 0 && all == 0);
	CHECK(profile(&msg, pid, TINE_PROFILE_START) == 0);
	while (samples(pid, start, end, &all) < 3)
		nap(20); /* it counts ticks of the CPU time that it gets */
	CHECK(profile(&msg, pid, TINE_PROFILE_STOP) == 0);
	in = samples(pid, start, end, &all);
	CHECK(in >= 3 && all - in <= 1); /* one tick may have met it on its way to the loop */
	nap(200);
	CHECK(samples(pid, start, end, &all) == in);  /* stopped */
	CHECK(samples(child, start, end, &all) == 0); /* nobody asked for the child */
	CHECK(profile(&msg, 999999, TINE_PROFILE_READ) == ESRCH);
	CHECK(profile(&msg, 1, TINE_PROFILE_START) == ESRCH);
	CHECK(profile(&msg, pid, 9) == EINVAL);
	sandbox_destroy(sb);
	printf("ok\n");
	return 0;
}
