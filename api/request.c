/* SPDX-License-Identifier: ISC */
/* request.c: replies and waiting. */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "call.h"
#include "http.h"
#include "sandbox.h"
#include "server.h"

static void
request_woken(struct waiter *waiter)
{
	struct request *req =
	    (struct request *)(void *)((char *)waiter - offsetof(struct request, waiter));

	if (req->again != NULL)
		req->again(req);
	else
		request_resume(req);
}

static void
request_timeout(struct loop_timer *timer)
{
	struct request *req =
	    (struct request *)(void *)((char *)timer - offsetof(struct request, timer));

	req->timed_out = true;
	if (!req->waiter.queued)
		return;
	waitq_remove(&req->waiter);
	request_woken(&req->waiter);
}

static void
request_hangup(struct loop_source *src, uint32_t events)
{
	struct request *req =
	    (struct request *)(void *)((char *)src - offsetof(struct request, hup));

	(void)events;
	request_abort(req);
}

struct request *
request_new(struct http *http, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct request *req = calloc(1, sizeof(*req));

	if (req == NULL)
		return NULL;
	req->http = http;
	req->server = http->server;
	req->conn = conn;
	req->tcp = http->listener.tcp;
	req->waiter.wake = request_woken;
	req->timer.fire = request_timeout;
	req->hup = (struct loop_source){.fd = info->connect_fd, .ready = request_hangup};
	LIST_INSERT_HEAD(&http->requests, req, link);
	http->nrequests++;
	return req;
}

static void
request_unwait(struct request *req)
{
	waitq_remove(&req->waiter);
	loop_timer_clear(req->http->loop, &req->timer);
}

void
request_free(struct request *req)
{
	request_unwait(req);
	call_detach(req);
	loop_del(req->http->loop, &req->hup);
	LIST_REMOVE(req, link);
	req->http->nrequests--;
	if (req->ctx_free != NULL)
		req->ctx_free(req->ctx);
	if (req->args != NULL && req->route->args_free != NULL)
		req->route->args_free(req->args);
	free(req->args);
	if (req->process != NULL)
		process_release(req->process);
	if (req->sandbox != NULL)
		api_sandbox_release(req->sandbox);
	if (req->response != NULL)
		MHD_destroy_response(req->response);
	json_decref(req->json);
	server_body_unaccount(req->server, req->body_size);
	free(req->body);
	free(req);
}

/* ---- suspension ---------------------------------------------------------------------------- */

void
request_suspend(struct request *req)
{
	if (req->suspended)
		return;
	req->suspended = true;
	MHD_suspend_connection(req->conn);
	/* MHD does not look at a suspended connection, so we watch for its end.  A Unix socket
	 * tells a closed peer (HUP) from one that only has nothing more to send (RDHUP). */
	loop_add(req->http->loop, &req->hup, req->tcp ? EPOLLRDHUP : 0);
}

void
request_resume(struct request *req)
{
	if (!req->suspended)
		return;
	req->suspended = false;
	loop_del(req->http->loop, &req->hup);
	MHD_resume_connection(req->conn);
	req->http->resumed = true;
}

void
request_abort(struct request *req)
{
	request_unwait(req);
	call_detach(req);
	req->state = REQUEST_GONE;
	request_resume(req);
}

void
request_wait(struct request *req, struct waitq *q, void (*again)(struct request *))
{
	req->again = again;
	waitq_add(q, &req->waiter);
}

void
request_deadline(struct request *req, uint64_t timeout_ms)
{
	uint64_t due = loop_now_ns() + timeout_ms * 1000000u;

	/* Without memory for the timer the request is late already rather than never. */
	if (loop_timer_set(req->http->loop, &req->timer, due) < 0)
		req->timed_out = true;
}

/* ---- replies ------------------------------------------------------------------------------- */

static bool
reply_with(struct request *req, unsigned status, const char *type, struct MHD_Response *response)
{
	if (req->state == REQUEST_REPLIED || req->state == REQUEST_GONE || response == NULL) {
		if (response != NULL)
			MHD_destroy_response(response);
		else if (req->state != REQUEST_REPLIED)
			request_abort(req);
		return false;
	}
	request_unwait(req);
	call_detach(req);
	req->again = NULL;
	req->state = REQUEST_REPLIED;
	req->status = status;
	req->response = response;
	if (type != NULL)
		MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	request_resume(req);
	return true;
}

static bool
reply_document(struct request *req, unsigned status, const char *type, json_t *json)
{
	struct MHD_Response *response = NULL;
	char *text;

	text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (text != NULL)
		response =
		    MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	return reply_with(req, status, type, response);
}

void
reply_json(struct request *req, unsigned status, json_t *json)
{
	reply_document(req, status, "application/json", json);
}

void
reply_created(struct request *req, const char *location, json_t *json)
{
	if (reply_document(req, 201, "application/json", json))
		request_header(req, "Location", location);
}

static struct MHD_Response *
response_copy(const void *data, size_t len)
{
	/* MHD copies before it returns; its parameter is not const for the other modes' sake. */
	return MHD_create_response_from_buffer(len, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);
}

void
reply_empty(struct request *req, unsigned status)
{
	reply_with(req, status, NULL, response_copy("", 0));
}

void
reply_text(struct request *req, const char *type, const char *text, size_t len)
{
	reply_with(
	    req, 200, type,
	    MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

void
reply_bytes(struct request *req, const char *type, const void *data, size_t len)
{
	reply_with(req, 200, type, response_copy(data, len));
}

void
reply_problem_with(struct request *req, const char *key, json_t *extra)
{
	const struct problem *p = &req->problem;
	json_t *doc = problem_json(p);

	if (key != NULL)
		json_object_set_new(doc, key, extra);
	if (!reply_document(req, (unsigned)p->status, "application/problem+json", doc))
		return;
	if (p->allow[0] != 0)
		request_header(req, "Allow", p->allow);
	if (p->status == 401)
		request_header(req, "WWW-Authenticate", "Bearer realm=\"tine\"");
}

void
reply_problem(struct request *req)
{
	reply_problem_with(req, NULL, NULL);
}

void
request_fail(struct request *req, enum problem_kind kind, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_set(&req->problem, kind, "%s", text);
	reply_problem(req);
}

void
request_bad_param(struct request *req, const char *name, const char *what)
{
	snprintf(req->problem.parameter, sizeof(req->problem.parameter), "%s", name);
	request_fail(req, PROBLEM_BAD_PARAMETER, "query parameter \"%s\": %s", name, what);
}

/* ---- streams ------------------------------------------------------------------------------- */

static ssize_t
stream_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct request *req = arg;
	ssize_t n;

	(void)pos;
	if (req->state == REQUEST_GONE)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = req->stream(req, buf, max);
	if (n > 0)
		return n;
	if (n == STREAM_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == STREAM_ABORT)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	request_suspend(req);
	return 0;
}

void
reply_stream(struct request *req, const char *type, stream_fn *stream)
{
	req->stream = stream;
	reply_with(
	    req, 200, type,
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, stream_read, req, NULL));
}

void
request_header(struct request *req, const char *name, const char *value)
{
	if (req->response != NULL)
		MHD_add_response_header(req->response, name, value);
}

const char *
request_field(struct request *req, const char *name)
{
	return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}
