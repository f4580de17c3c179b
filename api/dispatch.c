/* SPDX-License-Identifier: ISC */
/* dispatch.c: decode a request by its route's tables, check it against the state, run it. */
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "server.h"

/* ---- decode -------------------------------------------------------------------------------- */

static int
args_new(struct request *req)
{
	const struct route *route = req->route;

	if (route->args_size == 0)
		return 0;
	req->args = calloc(1, route->args_size);
	if (req->args == NULL)
		return problem_set(&req->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	if (route->defaults != NULL)
		memcpy(req->args, route->defaults, route->args_size);
	return 0;
}

static enum MHD_Result
on_param(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct request *req = cls;

	(void)kind;
	return decode_param(name, value, req->route->query, req->args, &req->problem) == 0 ? MHD_YES
											   : MHD_NO;
}

static int
decode_query(struct request *req)
{
	MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, on_param, req);
	return req->problem.status == 0 ? 0 : -1;
}

static int
decode_json(struct request *req)
{
	const struct route *route = req->route;

	if (req->body_len == 0) {
		if (route->body_optional)
			return 0;
		return problem_set(&req->problem, PROBLEM_BODY_REQUIRED, "a JSON object expected");
	}
	req->json = decode_parse((const char *)req->body, req->body_len, &req->problem);
	/* What was decoded takes the place of the text in the account until the request ends. */
	free(req->body);
	req->body = NULL;
	if (req->json == NULL)
		return -1;
	return decode_body(req->json, route->fields, req->args, &req->problem);
}

/* ---- resolve and check --------------------------------------------------------------------- */

static int
resolve_sandbox(struct request *req)
{
	struct api_sandbox *sb = server_find(req->server, req->param[0]);

	if (sb == NULL)
		return problem_set(&req->problem, PROBLEM_UNKNOWN_SANDBOX, "\"%s\"", req->param[0]);
	req->sandbox = api_sandbox_hold(sb);
	if ((req->route->needs & NEED_READY) != 0 && sb->state != API_READY)
		return api_sandbox_problem(sb, &req->problem);
	return 0;
}

static int
resolve_process(struct request *req)
{
	struct api_process *p = process_lookup(req->sandbox, req->param[1]);

	if (p == NULL)
		return problem_set(&req->problem, PROBLEM_UNKNOWN_PROCESS,
				   "\"%s\" was not launched over the API, or ended long ago",
				   req->param[1]);
	process_hold(p);
	req->process = p;
	return 0;
}

static int
prepare(struct request *req)
{
	unsigned needs = req->route->needs;

	if (args_new(req) < 0 || decode_query(req) < 0)
		return -1;
	if (req->route->body == BODY_JSON && decode_json(req) < 0)
		return -1;
	if (needs != 0 && resolve_sandbox(req) < 0)
		return -1;
	return (needs & NEED_PROCESS) != 0 ? resolve_process(req) : 0;
}

void
server_open_upload(struct request *req)
{
	req->opened = true;
	if (prepare(req) == 0 && req->route->open != NULL)
		req->route->open(req);
}

void
server_dispatch(struct request *req)
{
	req->server->requests_total++;
	if (req->route->body == BODY_STREAM) {
		if (!req->opened)
			server_open_upload(req);
	} else {
		prepare(req);
	}
	if (req->problem.status != 0)
		reply_problem(req);
	else
		req->route->action(req);
}
