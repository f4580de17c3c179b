/* SPDX-License-Identifier: ISC */
/* box.c: start a sandbox, talk to the program in it, freeze it; whatever fails ends the test. */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi/ring.h"
#include "box.h"
#include "vmm/sandbox.h"
#include "vmm/vm.h"

/* Far more than it takes: the machine may share its processors with many others. */
#define TIMEOUT_S 200
#define FREEZE_ID 1000u
#define SETTLE_ID 999u

const char *program;
bool events;
struct tine_error error;

void
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\nFAIL\n");
	exit(1);
}

void
need(int r, const char *what)
{
	if (r < 0)
		fail("%s: %s: %s", what, error.type, error.detail);
}

uint64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
take(struct box *b, const struct sandbox_msg *m)
{
	struct tine_event event;
	struct tine_exited e;
	uint32_t credit = (uint32_t)m->len;

	switch (m->type) {
	case TINE_MSG_READY:
		b->ready = true;
		break;
	case VMM_MSG_STARTED:
		memcpy(&b->started, m->payload, sizeof(b->started));
		break;
	case TINE_MSG_OUT:
		if (b->len + m->len >= sizeof(b->out))
			b->len = 0; /* only the end is of interest */
		memcpy(b->out + b->len, m->payload, m->len);
		b->len += m->len;
		b->out[b->len] = '\0';
		if (m->len > 0)
			sandbox_send(b->sb, TINE_MSG_CREDIT, m->id, m->arg, &credit, sizeof(credit),
				     &error);
		break;
	case TINE_MSG_EVENT:
		memcpy(&event, m->payload, sizeof(event));
		if (b->first_event == 0)
			b->first_event = event.seq;
		b->last_event = event.seq;
		break;
	case TINE_MSG_EXITED:
		memcpy(&e, m->payload, sizeof(e));
		b->exited = true;
		b->status = e.status;
		break;
	case TINE_MSG_REPLY:
		b->arg = m->arg;
		b->answered = true;
		if (m->id == LAUNCH_ID && m->arg != 0)
			fail("launch: %s", strerror((int)m->arg));
		b->launched |= m->id == LAUNCH_ID;
		break;
	case TINE_MSG_VMFORK:
		b->asked_again = b->asked;
		b->asked = true;
		break;
	case VMM_MSG_FROZEN:
		b->frozen = true;
		b->arg = m->arg;
		if (m->arg == 0)
			memcpy(&b->report, m->payload, sizeof(b->report));
		else
			memcpy(&error, m->payload, sizeof(error));
		break;
	case VMM_MSG_RESET:
		b->reset = true;
		b->resets++;
		b->ready = b->exited = false;
		b->len = 0;
		b->out[0] = '\0';
		b->arg = m->arg;
		break;
	case VMM_MSG_FAILED:
		memcpy(&error, m->payload, sizeof(error));
		fail("sandbox failed: %s: %s", error.type, error.detail);
	default:
		break;
	}
}

/* What VMM process and guest are doing, for whoever reads the log of a test that has failed. */
static void
describe(struct box *b)
{
	static struct console console;
	char command[256];
	struct tine_stats stats;
	bool torn;

	snprintf(
	    command, sizeof(command),
	    "cd /proc/%d/task && for t in *; do echo \"thread $t: $(cat $t/comm $t/wchan) $(cat "
	    "$t/syscall)\"; cat $t/stack; done",
	    (int)b->sb->pid);
	if (system(command) != 0)
		printf("VMM process %d has gone\n", (int)b->sb->pid);
	if (sandbox_stats(b->sb, &stats, &torn) != 0)
		return;
	const struct tine_rings *rings = (const void *)(b->sb->shared + TINE_SHARED_RINGS);

	printf(
	    "to the guest: %u, flag %u, read to %u, flag %u; to the host: %u, flag %u, read to %u, "
	    "flag %u\n",
	    rings->h2g_tail.pos, rings->h2g_tail.flag, rings->h2g_head.pos, rings->h2g_head.flag,
	    rings->g2h_tail.pos, rings->g2h_tail.flag, rings->g2h_head.pos, rings->g2h_head.flag);
	console_init(&console, STDOUT_FILENO, true);
	trace_report(&console, b->sb->shared, 0, 100);
}

/* Serve the sandbox until *flag, or text in its output. */
void
serve_until(struct box *b, const bool *flag, const char *text)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + TIMEOUT_S * 1000000000ull;

	while (!(flag != NULL && *flag) && !(text != NULL && strstr(b->out, text) != NULL)) {
		int more = sandbox_flush(b->sb, &error);
		struct pollfd p = {.fd = sandbox_fd(b->sb),
				   .events = (short)(POLLIN | (more == 1 ? POLLOUT : 0))};
		struct sandbox_msg m;
		int r;

		if (now_ns(CLOCK_MONOTONIC) > end) {
			describe(b);
			fail("timeout waiting for %s; so far: %s", text != NULL ? text : "an event",
			     b->out);
		}
		poll(&p, 1, 1000);
		while ((r = sandbox_recv(b->sb, &m, &error)) == 1)
			take(b, &m);
		need(r, "recv");
	}
}

int
try_spawn(struct box *b, struct tine_template *tmpl, struct sandbox_pool *pool,
	  const char *hostname, const char *const *params)
{
	/* The machine's busybox is static. */
	const struct rootfs_file files[] = {{program, "/inside", 0755, 0},
					    {"/usr/bin/busybox", "/bin/busybox", 0755, 0},
					    {RESEED, "/reseed", 0755, 0}};
	struct template_info info = {.base = true};
	struct sandbox_config config = {
	    .template = tmpl,
	    .pool = pool,
	    .memory_mib = tmpl == NULL ? MEMORY_MIB : 0,
	    .hostname = hostname,
	    .params = params,
	    .events = events,
	};

	memset(b, 0, sizeof(*b));
	if (tmpl != NULL)
		template_info(tmpl, &info);
	if (info.base) {
		config.files = files;
		config.nfiles = sizeof(files) / sizeof(files[0]);
	}
	return sandbox_spawn(&config, &b->sb, &error);
}

void
spawn(struct box *b, struct tine_template *tmpl, struct sandbox_pool *pool, const char *hostname,
      const char *const *params)
{
	need(try_spawn(b, tmpl, pool, hostname, params), "spawn");
}

void
launch_argv(struct box *b, const char *const *argv)
{
	const char *const env[] = {NULL};
	struct launch_spec spec = {
	    .path = argv[0], .argv = argv, .env = env, .flags = TINE_LAUNCH_STDIN};
	uint8_t *payload;
	size_t len;

	serve_until(b, &b->ready, NULL);
	need(launch_encode(&spec, &payload, &len, &error), "encode");
	need(sandbox_send(b->sb, TINE_MSG_LAUNCH, LAUNCH_ID, 0, payload, len, &error), "launch");
	free(payload);
}

void
launch(struct box *b, const char *what)
{
	launch_argv(b, (const char *const[]){"/inside", what, NULL});
	if (strcmp(what, "loop") == 0)
		serve_until(b, NULL, "loop\n");
}

void
type(struct box *b, const char *line)
{
	b->len = 0;
	b->out[0] = '\0';
	need(sandbox_send(b->sb, TINE_MSG_STDIN, LAUNCH_ID, 0, line, strlen(line), &error),
	     "stdin");
}

void
let_settle(struct box *b)
{
	static const char name[] = "kern.generation";

	b->answered = false;
	need(sandbox_send(b->sb, TINE_MSG_SYSCTL, SETTLE_ID, 0, name, sizeof(name), &error),
	     "sysctl");
	serve_until(b, &b->answered, NULL);
}

void
reset_clone(struct box *b, uint32_t id)
{
	b->reset = false;
	need(sandbox_reset(b->sb, id, &error), "reset");
	serve_until(b, &b->reset, NULL);
	if (b->arg != 0)
		fail("reset: error %u", b->arg);
	serve_until(b, &b->ready, NULL);
}

struct tine_template *
freeze(struct box *b, bool answer, uint64_t value)
{
	static uint32_t id = FREEZE_ID;
	struct tine_template *t;

	b->frozen = false;
	need(sandbox_freeze(b->sb, id++, answer, value, &error), "freeze");
	serve_until(b, &b->frozen, NULL);
	if (b->arg != 0)
		fail("freeze: %s: %s", error.type, error.detail);
	t = sandbox_take_template(b->sb, &error);
	if (t == NULL)
		fail("template: %s: %s", error.type, error.detail);
	return t;
}

void
fill_pool(struct sandbox_pool *pool)
{
	int r;

	while ((r = sandbox_pool_refill(pool, &error)) == 1)
		continue;
	need(r, "refill");
}

void
ask_identity(struct box *b, char id[256])
{
	char host[65];
	double t, before = (double)now_ns(CLOCK_REALTIME) / 1e9, after;

	type(b, "identity\n");
	serve_until(b, NULL, "\n");
	if (sscanf(b->out, "identity %255s %64s %lf", id, host, &t) != 3)
		fail("answer: %s", b->out);
	after = (double)now_ns(CLOCK_REALTIME) / 1e9;
	/* A second for the difference of two clocks; the machine may be as slow as it likes. */
	if (t < before - 1 || t > after + 1)
		fail("time %f, should be from %f to %f", t, before, after);
}

struct tine_template *
base(void)
{
	struct tine_template *t;

	need(template_base(MEMORY_MIB, NULL, &t, &error), "base");
	return t;
}
