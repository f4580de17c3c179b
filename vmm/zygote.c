/* SPDX-License-Identifier: ISC */
/*
 * zygote.c: the zygote as its parent sees it: started when it is needed, started again when it has
 * died.
 *
 * No child gets lost: one whose number nobody has been told is still in the zygote's process group,
 * and goes with it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"
#include "template.h"
#include "wire.h"
#include "zygote.h"

/* A zygote that does not answer for so long is stopped or stuck: it is replaced. */
#define ANSWER_MS 5000
/* After so many that never forked anything no other one is started. */
#define FAILURES_MAX 3u

struct zygote {
	pid_t pid; /* 0: none is there */
	int fd;
	unsigned jail, failures;
	struct tine_template *wanted; /* owned; NULL: none in particular */
	struct tine_template *held;   /* by the process; owned */
};

int
zygote_create(unsigned jail, struct zygote **out, struct tine_error *error)
{
	struct zygote *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	z->jail = jail;
	z->fd = -1;
	*out = z;
	return 0;
}

static void
bury(struct zygote *z)
{
	if (z->pid == 0)
		return;
	close(z->fd);
	z->fd = -1;
	kill(-z->pid, SIGKILL);
	while (waitpid(-z->pid, NULL, 0) > 0 || errno == EINTR)
		continue;
	z->pid = 0;
	template_release(z->held);
	z->held = NULL;
}

static int
start(struct zygote *z)
{
	const struct sandbox_config config = {.jail = z->jail};
	struct vmm_args args;
	int pair[2], r;

	if (z->failures >= FAILURES_MAX)
		return -ECHILD;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	sandbox_args(&args, &config);
	args.zygote = args.clone = args.idle = true;
	r = vmm_exec(&args, pair[1], &z->pid);
	close(pair[1]);
	if (r != 0) {
		close(pair[0]);
		z->pid = 0;
		return r;
	}
	z->fd = pair[0];
	z->failures++; /* until it has done something */
	return 0;
}

/* Nothing ever comes unasked but the end. */
static bool
has_died(const struct zygote *z)
{
	struct pollfd p = {.fd = z->fd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

static int
await(const struct zygote *z, uint16_t type, struct record *rec)
{
	struct pollfd p = {.fd = z->fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	return n == 1 && wire_recv(z->fd, rec, NULL, NULL, NULL) == 1 && rec->hdr.type == type &&
		       rec->hdr.len == 0
		   ? 0
		   : -EPIPE;
}

/* One request and its answer in *rec; whoever does not give one is dead or about to be. */
static int
ask(struct zygote *z, uint16_t type, const int *fds, int nfds, uint16_t answer, struct record *rec)
{
	const struct tine_msg m = {.type = type};
	int r;

	if (z->pid != 0 && has_died(z))
		bury(z);
	r = z->pid != 0 ? 0 : start(z);
	if (r == 0)
		r = wire_send(z->fd, (const uint8_t *)&m, sizeof(m), fds, nfds);
	if (r == 0)
		r = await(z, answer, rec);
	if (r != 0)
		bury(z);
	return r;
}

/* Not being able to is no failure: the template is sent to each process then. */
static void
hold_wanted(struct zygote *z)
{
	struct tine_template *t = z->wanted;
	struct record rec;
	int fds[2], nfds;

	if (t == z->held || t == NULL || z->failures >= FAILURES_MAX)
		return;
	nfds = template_fds(t, fds);
	if (ask(z, ZYGOTE_HOLD, fds, nfds, ZYGOTE_HELD, &rec) != 0)
		return;
	template_release(z->held);
	z->held = rec.hdr.arg == 0 ? template_hold(t) : NULL;
}

int
zygote_fork(struct zygote *z, int control, pid_t *pid, struct tine_template **held)
{
	struct record rec;
	int r;

	hold_wanted(z);
	r = ask(z, ZYGOTE_FORK, &control, 1, ZYGOTE_FORKED, &rec);
	if (r != 0)
		return r;
	if (rec.hdr.id == 0 || rec.hdr.id > INT32_MAX)
		return rec.hdr.arg != 0 ? -(int)rec.hdr.arg : -EPROTO;
	*pid = (pid_t)rec.hdr.id;
	/* Fails for what is not a child of this process. */
	if (setpgid(*pid, *pid) < 0) {
		r = -errno;
		bury(z);
		return r;
	}
	z->failures = 0;
	*held = z->held;
	return 0;
}

void
zygote_prefer(struct zygote *z, struct tine_template *tmpl)
{
	if (tmpl == z->wanted)
		return;
	template_release(z->wanted);
	z->wanted = tmpl != NULL ? template_hold(tmpl) : NULL;
	/* One that holds what nobody wants any more would keep its memory. */
	if (z->held != NULL && tmpl == NULL)
		bury(z);
}

void
zygote_destroy(struct zygote *z)
{
	if (z == NULL)
		return;
	bury(z);
	template_release(z->wanted);
	free(z);
}
