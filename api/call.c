/* SPDX-License-Identifier: ISC */
/* call.c: match answers of a guest kernel to HTTP requests. */
#include "call.h"

#include <errno.h>
#include <stdlib.h>

#include "request.h"
#include "sandbox.h"
#include "server.h"

#define ERRNUM_MAX 4095u /* Linux's largest errno */

/* The sandbox has changed, or time is up. */
static void
recheck(struct request *req)
{
	if (api_sandbox_over(req->sandbox)) {
		api_sandbox_problem(req->sandbox, &req->problem);
		reply_problem(req);
	} else if (req->timed_out) {
		request_fail(req, PROBLEM_GUEST_TIMEOUT, "no answer within %llu ms",
			     (unsigned long long)req->server->config.guest_timeout_ms);
	} else if (req->call == NULL) { /* dropped */
		request_fail(req, PROBLEM_WRONG_STATE, "the sandbox was reset meanwhile");
	} else {
		request_wait(req, &req->sandbox->changed, recheck);
	}
}

/* A new call that the request waits for; NULL after a problem reply. */
static struct guest_call *
call_new(struct request *req,
	 void (*done)(struct request *, int errnum, const uint8_t *data, size_t len))
{
	struct api_sandbox *sb = req->sandbox;
	struct guest_call *call;

	if (sb->calls.count >= SANDBOX_CALLS_MAX) {
		request_fail(req, PROBLEM_TOO_MANY_REQUESTS, "%zu requests wait for this sandbox",
			     sb->calls.count);
		return NULL;
	}
	if (api_sandbox_room(sb, &req->problem) < 0) {
		reply_problem(req);
		return NULL;
	}
	call = calloc(1, sizeof(*call));
	if (call == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return NULL;
	}
	call->req = req;
	call->done = done;
	req->call = call;
	idmap_add(&sb->calls, &call->node, api_sandbox_new_id(sb));
	request_wait(req, &sb->changed, recheck);
	request_deadline(req, req->server->config.guest_timeout_ms);
	return call;
}

void
request_call(struct request *req, uint16_t type, uint32_t arg, const void *payload, size_t len,
	     void (*done)(struct request *, int errnum, const uint8_t *data, size_t len))
{
	struct guest_call *call = call_new(req, done);

	/* Last: a send that fails ends the sandbox, which answers the request. */
	if (call != NULL)
		api_sandbox_send(req->sandbox, type, call->node.id, arg, payload, len);
}

void
request_freeze(struct request *req,
	       void (*done)(struct request *, int errnum, const uint8_t *data, size_t len))
{
	struct tine_error error = {0};
	struct guest_call *call;

	if (!server_has_files(req->server, &req->problem)) {
		reply_problem(req);
		return;
	}
	call = call_new(req, done);
	if (call == NULL)
		return;
	if (sandbox_freeze(req->sandbox->vm, call->node.id, false, 0, &error) < 0) {
		idmap_remove(&req->sandbox->calls, &call->node);
		call_detach(req);
		free(call);
		problem_from_error(&req->problem, &error);
		reply_problem(req);
		return;
	}
	api_sandbox_flush(req->sandbox);
}

int
call_expect(struct api_sandbox *sb, uint32_t id)
{
	struct guest_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return -ENOMEM;
	idmap_add(&sb->calls, &call->node, id);
	return 0;
}

void
call_detach(struct request *req)
{
	if (req->call != NULL)
		req->call->req = NULL;
	req->call = NULL;
}

int
calls_on_reply(struct api_sandbox *sb, uint32_t id, uint32_t errnum, const uint8_t *data,
	       size_t len)
{
	struct guest_call *call = (struct guest_call *)(void *)idmap_find(&sb->calls, id);
	struct request *req;

	if (call == NULL || errnum > ERRNUM_MAX)
		return -EPROTO;
	idmap_remove(&sb->calls, &call->node);
	req = call->req;
	if (req != NULL) {
		req->call = NULL;
		waitq_remove(&req->waiter);
		loop_timer_clear(req->http->loop, &req->timer);
		call->done(req, (int)errnum, data, len);
	}
	free(call);
	return 0;
}

void
calls_drop(struct api_sandbox *sb)
{
	struct idnode *node;

	while ((node = idmap_first(&sb->calls)) != NULL) {
		struct guest_call *call = (struct guest_call *)(void *)node;

		if (call->req != NULL)
			call->req->call = NULL;
		idmap_remove(&sb->calls, node);
		free(call);
	}
}
