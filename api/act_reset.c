/* SPDX-License-Identifier: ISC */
/* act_reset.c: put a clone back to the state of its template, in place. */
#include <errno.h>
#include <stdlib.h>

#include "actions.h"
#include "call.h"
#include "sandbox.h"
#include "server.h"
#include "template.h"

static void
again(struct request *req)
{
	struct api_sandbox *sb = req->sandbox;

	if (sb->state == API_READY) {
		reply_json(req, 200, api_sandbox_json(sb));
	} else if (api_sandbox_over(sb)) {
		api_sandbox_problem(sb, &req->problem);
		reply_problem(req);
	} else if (req->timed_out) {
		request_fail(req, PROBLEM_GUEST_TIMEOUT, "not reset within %llu ms",
			     (unsigned long long)req->server->config.guest_timeout_ms);
	} else {
		request_wait(req, &sb->changed, again);
	}
}

/* Whatever runs in it and whatever is being asked of it is of the past. */
static void
forget(struct api_sandbox *sb)
{
	struct api_process *p;

	while ((p = TAILQ_FIRST(&sb->processes)) != NULL) {
		process_hold(p);
		process_lost(p);
		process_unlist(p);
		process_release(p);
	}
	calls_drop(sb);
	sb->spawned_ns = loop_now_ns();
	sb->resetting = true;
	api_sandbox_input(sb, INPUT_RESET, NULL); /* whose call was dropped hears of it now */
}

void
act_sandbox_reset(struct request *req)
{
	struct api_sandbox *sb = req->sandbox;
	struct tine_error error = {0};

	if (sb->origin == NULL) {
		request_fail(req, PROBLEM_WRONG_STATE, "the sandbox is not a clone of a template");
		return;
	}
	if (forkstat_before_reset(sb) < 0) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	if (sandbox_reset(sb->vm, api_sandbox_new_id(sb), &error) < 0) {
		problem_from_error(&req->problem, &error);
		reply_problem(req);
		return;
	}
	request_deadline(req, req->server->config.guest_timeout_ms);
	forget(sb);
	again(req);
}

int
sandbox_on_reset_done(struct api_sandbox *sb)
{
	sb->resetting = false;
	forkstat_after_reset(sb);
	return template_restore(sb->origin, sb);
}
