/* SPDX-License-Identifier: ISC */
/*
 * sandbox_io.c: the messages of a sandbox's control socket.
 *
 * The VMM checks record headers and joins fragments; what a message means, and whether it may come
 * now, is checked here.  A guest that breaks a rule is killed with a reason; the daemon goes on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "sandbox.h"
#include "server.h"
#include "template.h"
#include "vmfork.h"

#define MESSAGES_A_TURN 128 /* then the others get theirs */

static void on_end(struct api_sandbox *sb, int rc, const struct tine_error *error);
static void want_write(struct api_sandbox *sb, bool want);

/* ---- messages ------------------------------------------------------------------------------ */

static int
on_ready(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct tine_error error;
	struct api_process *p;

	if (sb->state != API_STARTING)
		return -EPROTO;
	if (ready_check((const char *const *)sb->sysctls.v, msg->arg, &error) < 0) {
		api_sandbox_input(sb, INPUT_FAILED, &error);
		sandbox_kill(sb->vm);
		return 0;
	}
	for (p = TAILQ_FIRST(&sb->processes); p != NULL; p = TAILQ_NEXT(p, link)) { /* a clone */
		process_resume(p);
		if (api_sandbox_over(sb)) /* a send failed; p may be gone */
			return 0;
	}
	api_sandbox_input(sb, INPUT_READY, NULL);
	return 0;
}

static int
on_reply(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct api_process *p = process_by_launch(sb, msg->id);

	if (p != NULL && p->state == PROCESS_LAUNCHING)
		return process_on_reply(p, msg->arg, msg->payload, msg->len);
	return calls_on_reply(sb, msg->id, msg->arg, msg->payload, msg->len);
}

static int
on_out(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct api_process *p = process_by_launch(sb, msg->id);

	if (p != NULL)
		return process_on_output(p, msg->arg, msg->payload, msg->len);
	return msg->len == 0 ? 0 : -EPROTO; /* the end may come late, bytes may not */
}

static int
on_exited(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct api_process *p = process_by_launch(sb, msg->id);

	return p != NULL ? process_on_exited(p, msg->payload, msg->len) : -EPROTO;
}

static int
on_credit(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct api_process *p = process_by_launch(sb, msg->id);

	/* Credit may cross our forgetting of an ended process. */
	return p != NULL ? process_on_credit(p, msg->arg, msg->payload, msg->len) : 0;
}

static int
on_event(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct tine_event ev;

	if (msg->len != sizeof(ev))
		return -EPROTO;
	memcpy(&ev, msg->payload, sizeof(ev));
	if (ev.kind < TINE_EVENT_FORK || ev.kind > TINE_EVENT_EXIT)
		return -EPROTO;
	sb->guest_events++;
	sb->guest_events_dropped = ev.dropped;
	events_guest(sb, &ev);
	return 0;
}

static int
on_log(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	klog_add(&sb->log, msg->arg, msg->payload, msg->len);
	return 0;
}

static int
on_started(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	if (msg->len != sizeof(sb->started) || sb->have_started)
		return -EPROTO;
	memcpy(&sb->started, msg->payload, sizeof(sb->started));
	sb->have_started = true;
	return 0;
}

static int
on_failed(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct tine_error error;

	if (msg->len != sizeof(error))
		return -EPROTO;
	memcpy(&error, msg->payload, sizeof(error));
	forkstat_host(sb);
	api_sandbox_input(sb, INPUT_FAILED, &error);
	return 0;
}

static int
on_halted(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct tine_error error = {.code = ESHUTDOWN, .type = "halted"};

	snprintf(error.detail, sizeof(error.detail), "the guest ended by itself (reason %u)",
		 msg->arg);
	forkstat_host(sb);
	api_sandbox_input(sb, INPUT_HALTED, &error);
	return 0;
}

static int
on_vmfork(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	int rc = vmfork_asked(sb, msg->arg);

	if (rc == -EPIPE) /* sandbox_recv() tells, with the reason */
		return 0;
	api_sandbox_flush(sb);
	return rc;
}

/* What is left in sb->frozen afterwards was asked for by somebody who has gone. */
static int
on_frozen(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct tine_error error = {.code = EIO, .type = "freeze"};
	struct vmm_frozen frozen;
	uint32_t errnum = msg->arg;
	int rc;

	if (errnum == 0 && msg->len != sizeof(frozen))
		return -EPROTO;
	if (errnum == 0) {
		memcpy(&frozen, msg->payload, sizeof(frozen));
		sb->frozen = template_new(sb, frozen.pause_ns, &error);
		if (sb->frozen == NULL)
			errnum = EIO;
	}
	vmfork_frozen(sb, msg->id, sb->frozen);
	rc = calls_on_reply(sb, msg->id, errnum, msg->payload, msg->len);
	if (sb->frozen != NULL)
		template_unref(sb->frozen);
	sb->frozen = NULL;
	return rc;
}

static int
on_reset(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	struct tine_error error = {.code = ENOMEM, .type = "out-of-memory"};

	if (!sb->resetting || (msg->arg != 0 && msg->len != sizeof(error)))
		return -EPROTO;
	if (msg->arg == 0 && sandbox_on_reset_done(sb) == 0)
		return 0;
	/* Half of it may be of the past, half of the template. */
	if (msg->arg != 0)
		memcpy(&error, msg->payload, sizeof(error));
	api_sandbox_input(sb, INPUT_FAILED, &error);
	sandbox_kill(sb->vm);
	return 0;
}

static const struct {
	uint16_t type;
	const char *name;
	int (*handle)(struct api_sandbox *sb, const struct sandbox_msg *msg);
} handlers[] = {
    {TINE_MSG_OUT, "OUT", on_out},          {TINE_MSG_REPLY, "REPLY", on_reply},
    {TINE_MSG_EXITED, "EXITED", on_exited}, {TINE_MSG_EVENT, "EVENT", on_event},
    {TINE_MSG_CREDIT, "CREDIT", on_credit}, {TINE_MSG_LOG, "LOG", on_log},
    {TINE_MSG_READY, "READY", on_ready},    {TINE_MSG_VMFORK, "VMFORK", on_vmfork},
    {VMM_MSG_FROZEN, "FROZEN", on_frozen},  {VMM_MSG_STARTED, "STARTED", on_started},
    {VMM_MSG_FAILED, "FAILED", on_failed},  {VMM_MSG_HALTED, "HALTED", on_halted},
    {VMM_MSG_RESET, "RESET", on_reset},
};

static void
handle(struct api_sandbox *sb, const struct sandbox_msg *msg)
{
	if (sb->resetting && msg->type < VMM_MSG_STARTED)
		return; /* from the guest that was */
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type != msg->type)
			continue;
		if (handlers[i].handle(sb, msg) < 0)
			api_sandbox_violation(sb, "message %s of id %u, arg %u, %zu bytes",
					      handlers[i].name, msg->id, msg->arg, msg->len);
		return;
	}
	api_sandbox_violation(sb, "message of unknown type %u", msg->type);
}

/* ---- receiving ----------------------------------------------------------------------------- */

static void
on_end(struct api_sandbox *sb, int rc, const struct tine_error *error)
{
	if (rc == -EPIPE) {
		api_sandbox_input(sb, INPUT_GONE, error);
		api_sandbox_gone(sb);
	} else {
		/* A broken protocol, or no memory to join a message: this sandbox cannot go on. */
		api_sandbox_input(sb, INPUT_FAILED, error);
		sandbox_kill(sb->vm);
	}
}

static void
pump(struct api_sandbox *sb)
{
	struct tine_error error = {0};
	struct sandbox_msg msg;
	int rc = 1;

	api_sandbox_hold(sb);
	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		rc = sandbox_recv(sb->vm, &msg, &error);
		if (rc <= 0)
			break;
		if (!api_sandbox_over(sb) || msg.type == TINE_MSG_LOG)
			handle(sb, &msg);
	}
	if (rc > 0)
		loop_task_queue(&sb->server->loop, &sb->more);
	else if (rc < 0)
		on_end(sb, rc, &error);
	api_sandbox_release(sb);
}

static void
want_write(struct api_sandbox *sb, bool want)
{
	if (want == sb->want_write || !sb->io.added)
		return;
	sb->want_write = want;
	loop_mod(&sb->server->loop, &sb->io, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
on_io(struct loop_source *src, uint32_t events)
{
	struct api_sandbox *sb =
	    (struct api_sandbox *)(void *)((char *)src - offsetof(struct api_sandbox, io));

	/* An error shows in sandbox_recv() as well. */
	if (events & EPOLLOUT)
		api_sandbox_flush(sb);
	if (events & ~(uint32_t)EPOLLOUT)
		pump(sb);
}

static void
on_more(struct loop_task *task)
{
	pump((struct api_sandbox *)(void *)((char *)task - offsetof(struct api_sandbox, more)));
}

static void
on_feed(struct loop_task *task)
{
	struct api_sandbox *sb =
	    (struct api_sandbox *)(void *)((char *)task - offsetof(struct api_sandbox, feed));

	api_sandbox_hold(sb);
	processes_feed(sb);
	api_sandbox_release(sb);
}

int
sandbox_io_start(struct api_sandbox *sb)
{
	sb->io = (struct loop_source){.fd = sandbox_fd(sb->vm), .ready = on_io};
	sb->more.run = on_more;
	sb->feed.run = on_feed;
	return loop_add(&sb->server->loop, &sb->io, EPOLLIN);
}

void
sandbox_io_stop(struct api_sandbox *sb)
{
	loop_del(&sb->server->loop, &sb->io);
	loop_task_cancel(&sb->server->loop, &sb->more);
	loop_task_cancel(&sb->server->loop, &sb->feed);
}

/* ---- sending ------------------------------------------------------------------------------- */

uint32_t
api_sandbox_new_id(struct api_sandbox *sb)
{
	do {
		if (++sb->next_id == 0)
			sb->next_id = 1;
	} while (idmap_find(&sb->calls, sb->next_id) != NULL ||
		 idmap_find(&sb->launches, sb->next_id) != NULL);
	return sb->next_id;
}

int
api_sandbox_room(const struct api_sandbox *sb, struct problem *problem)
{
	size_t backlog = sandbox_backlog(sb->vm);

	return backlog < SANDBOX_BACKLOG_MAX
		   ? 0
		   : problem_set(problem, PROBLEM_TOO_MANY_REQUESTS,
				 "%zu bytes wait for this sandbox to take them", backlog);
}

void
api_sandbox_flush(struct api_sandbox *sb)
{
	bool left = sandbox_flush(sb->vm, NULL) > 0;

	want_write(sb, left);
	if (!left && sb->io.added && !TAILQ_EMPTY(&sb->feeders))
		loop_task_queue(&sb->server->loop, &sb->feed);
}

void
api_sandbox_send(struct api_sandbox *sb, uint16_t type, uint32_t id, uint32_t arg,
		 const void *payload, size_t len)
{
	struct tine_error error = {0};
	int rc;

	if (api_sandbox_over(sb) || sb->gone)
		return;
	rc = sandbox_send(sb->vm, type, id, arg, payload, len, &error);
	if (rc == 0)
		api_sandbox_flush(sb);
	else if (rc != -EPIPE) /* of that sandbox_recv() tells, with the reason */
		on_end(sb, rc, &error);
}
