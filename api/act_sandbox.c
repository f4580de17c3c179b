/* SPDX-License-Identifier: ISC */
/* act_sandbox.c: create, list, describe, change and delete sandboxes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "args.h"
#include "call.h"
#include "sandbox.h"
#include "server.h"

#define TAIL_LINES 20 /* of the log of a sandbox that did not start */

/* ---- create -------------------------------------------------------------------------------- */

static void
reply_new_sandbox(struct request *req)
{
	char location[64];

	snprintf(location, sizeof(location), "/v1/sandboxes/%s", req->sandbox->id);
	reply_created(req, location, api_sandbox_json(req->sandbox));
}

static void
not_started_again(struct request *req)
{
	if (req->sandbox->listed && !req->timed_out) {
		request_wait(req, &req->sandbox->changed, not_started_again);
		return;
	}
	reply_problem_with(req, "log", json_incref(req->ctx));
}

static void
json_free(void *json)
{
	json_decref(json);
}

/* The client never got a 201, so there is nothing it would have to delete: what can be told of the
 * failure goes into the answer, and the sandbox goes away. */
static void
reply_not_started(struct request *req)
{
	struct api_sandbox *sb = req->sandbox;

	if (sb->state == API_FAILED)
		problem_from_error(&req->problem, &sb->reason);
	else
		api_sandbox_problem(sb, &req->problem);
	req->ctx = klog_tail(&sb->log, TAIL_LINES);
	req->ctx_free = json_free;
	api_sandbox_delete(sb);
	req->timed_out = false;
	request_deadline(req, req->server->config.guest_timeout_ms);
	not_started_again(req);
}

static void
create_again(struct request *req)
{
	struct api_sandbox *sb = req->sandbox;

	if (sb->state == API_READY || (req->timed_out && !api_sandbox_over(sb)))
		reply_new_sandbox(req);
	else if (api_sandbox_over(sb))
		reply_not_started(req);
	else
		request_wait(req, &sb->changed, create_again);
}

void
act_sandbox_create(struct request *req)
{
	const struct sandbox_args *args = req->args;
	bool wait = strcmp(args->wait, "ready") == 0;
	struct api_template *tmpl = NULL;
	struct api_sandbox *sb;

	if (!wait && strcmp(args->wait, "none") != 0) {
		request_bad_param(req, "wait", "ready or none expected");
		return;
	}
	if (args->template != NULL && (tmpl = template_find(req->server, args->template)) == NULL) {
		request_fail(req, PROBLEM_UNKNOWN_TEMPLATE, "\"%s\"", args->template);
		return;
	}
	if (api_sandbox_create(req->server, args, tmpl, &sb, &req->problem) < 0) {
		reply_problem(req);
		return;
	}
	req->sandbox = api_sandbox_hold(sb);
	if (!wait) {
		reply_new_sandbox(req);
		return;
	}
	request_deadline(req, args->timeout_ms);
	create_again(req);
}

/* ---- list and describe --------------------------------------------------------------------- */

const struct list_args list_defaults = {.limit = 100};

const struct field list_query[] = {
    F_UINT("limit", struct list_args, limit, 1, 1000),
    F_STRING("cursor", struct list_args, cursor, 1, 32),
    F_END,
};

/* A cursor is the creation number of the last item seen: valid also when that one is deleted. */
void
act_sandbox_list(struct request *req)
{
	const struct list_args *args = req->args;
	json_t *items = json_array(), *doc;
	struct api_sandbox *sb;
	uint64_t after = 0, last = 0;

	if (args->cursor != NULL && parse_uint(args->cursor, UINT64_MAX, &after) < 0) {
		json_decref(items);
		request_bad_param(req, "cursor", "not one of ours");
		return;
	}
	TAILQ_FOREACH (sb, &req->server->sandboxes, link) {
		if (sb->seq <= after)
			continue;
		if (json_array_size(items) == args->limit)
			break;
		json_array_append_new(items, api_sandbox_json(sb));
		last = sb->seq;
	}
	doc = json_pack("{s:o, s:I}", "items", items, "total", (json_int_t)req->server->nsandboxes);
	if (sb != NULL)
		json_object_set_new(doc, "next", json_sprintf("%llu", (unsigned long long)last));
	reply_json(req, 200, doc);
}

void
act_sandbox_get(struct request *req)
{
	reply_json(req, 200, api_sandbox_json(req->sandbox));
}

const struct log_args log_defaults = {.limit = KLOG_LINES};

const struct field log_query[] = {
    F_UINT("since", struct log_args, since, 0, INT64_MAX),
    F_UINT("limit", struct log_args, limit, 1, KLOG_LINES),
    F_END,
};

void
act_sandbox_log(struct request *req)
{
	const struct log_args *args = req->args;

	reply_json(req, 200, klog_json(&req->sandbox->log, args->since, args->limit));
}

/* ---- change -------------------------------------------------------------------------------- */

const struct field patch_fields[] = {
    F_BOOL("events", struct patch_args, events, .required = true),
    F_END,
};

static void
patched(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	const struct patch_args *args = req->args;

	(void)data, (void)len;
	if (errnum != 0) {
		problem_from_guest(&req->problem, PROBLEM_GUEST_REFUSED, errnum, "events");
		reply_problem(req);
		return;
	}
	req->sandbox->events = args->events;
	reply_json(req, 200, api_sandbox_json(req->sandbox));
}

void
act_sandbox_patch(struct request *req)
{
	const struct patch_args *args = req->args;

	request_call(req, TINE_MSG_EVENTS, args->events, NULL, 0, patched);
}

/* ---- delete -------------------------------------------------------------------------------- */

static void
delete_again(struct request *req)
{
	if (!req->sandbox->listed)
		reply_empty(req, 204);
	else if (req->timed_out) /* the host has not let the process die yet */
		reply_json(req, 202, api_sandbox_json(req->sandbox));
	else
		request_wait(req, &req->sandbox->changed, delete_again);
}

void
act_sandbox_delete(struct request *req)
{
	api_sandbox_delete(req->sandbox);
	request_deadline(req, req->server->config.guest_timeout_ms);
	delete_again(req);
}
