/* SPDX-License-Identifier: ISC */
/* http.c: take requests from libmicrohttpd through their stages. */
#include "http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "route.h"
#include "server.h"

#define CONNECTION_MEMORY (64u * 1024)
#define CONNECTION_LIMIT 4096u
#define CONNECTION_IDLE_S 60u
#define DISCARD_MAX (1u << 20) /* of the body of a request that is refused anyway */

/* ---- stage 1: the header ------------------------------------------------------------------- */

static bool
caller_allowed(struct request *req)
{
	if (req->http->token == NULL) {
		if (peer_allowed(req->hup.fd, req->http->uid))
			return true;
		problem_set(&req->problem, PROBLEM_FORBIDDEN,
			    "only the user that started the daemon and root may use this socket");
		return false;
	}
	if (token_matches(req->http->token, request_field(req, "Authorization")))
		return true;
	problem_set(&req->problem, PROBLEM_UNAUTHORIZED,
		    "send Authorization: Bearer with the token of the daemon");
	return false;
}

static bool
media_is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	return type != NULL && strncasecmp(type, json, len) == 0 &&
	       (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

struct field_counter {
	const char *name;
	int count;
};

static enum MHD_Result
count_field(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct field_counter *c = cls;
	size_t len = strcspn(name, " \t");

	(void)kind, (void)value;
	/* With a space before its colon a field is not allowed, and not the same to everybody. */
	if (len == strlen(c->name) && strncasecmp(name, c->name, len) == 0)
		c->count += name[len] == '\0' ? 1 : 2;
	return MHD_YES;
}

/* How often a field stands in the header. */
static int
field_count(struct request *req, const char *name)
{
	struct field_counter c = {name, 0};

	MHD_get_connection_values(req->conn, MHD_HEADER_KIND, count_field, &c);
	return c.count;
}

/* A proxy before us may take another of two lengths, and what we take for the body, for the next
 * request. */
static bool
framing_is_clear(struct request *req)
{
	const char *encoding = request_field(req, "Transfer-Encoding");
	int encodings = field_count(req, "Transfer-Encoding");

	if (field_count(req, "Content-Length") + encodings <= 1 &&
	    (encoding == NULL || strcasecmp(encoding, "chunked") == 0))
		return true;
	req->unframed = true;
	problem_set(&req->problem, PROBLEM_BAD_FRAMING,
		    "one Content-Length, or Transfer-Encoding: chunked");
	return false;
}

/* What the header says of the body: -1 = chunked, length unknown; 0 = none. */
static int64_t
announced_length(struct request *req)
{
	const char *length = request_field(req, "Content-Length");
	uint64_t n;

	if (request_field(req, "Transfer-Encoding") != NULL)
		return -1;
	if (length == NULL || parse_uint(length, INT64_MAX, &n) < 0)
		return 0;
	return (int64_t)n;
}

/* What stands for a request whose address has a %00, until on_access() makes it. */
static char cut_address;

/* Unescaped addresses are C strings: what follows a %00 would be overlooked, and
 * DELETE .../sandboxes/x%00/... be taken for the removal of x. */
static void *
on_address(void *cls, const char *address, struct MHD_Connection *conn)
{
	(void)cls, (void)conn;
	return strstr(address, "%00") != NULL ? &cut_address : NULL;
}

static bool
address_is_whole(struct request *req, bool cut)
{
	if (cut)
		problem_set(&req->problem, PROBLEM_BAD_VALUE, "the address has a %%00 in it");
	return !cut;
}

static void
check_header(struct request *req, const char *method, const char *url, bool cut)
{
	int64_t length = announced_length(req);
	const struct route *route;

	if (!framing_is_clear(req) || !caller_allowed(req) || !address_is_whole(req, cut) ||
	    route_find(req, method, url) < 0)
		return;
	if (req->http->stopping) {
		problem_set(&req->problem, PROBLEM_SHUTTING_DOWN, "the daemon is ending");
		return;
	}
	route = req->route;
	if (length == 0)
		return;
	if (route->body == BODY_NONE)
		problem_set(&req->problem, PROBLEM_BODY_TOO_LARGE, "this request takes no body");
	else if (route->body != BODY_STREAM && length > (int64_t)route->body_max)
		problem_set(&req->problem, PROBLEM_BODY_TOO_LARGE,
			    "%lld bytes, at most %zu are taken", (long long)length,
			    route->body_max);
	else if (route->body == BODY_JSON && !media_is_json(request_field(req, "Content-Type")))
		problem_set(&req->problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			    "Content-Type: application/json expected");
	else if (route->body == BODY_STREAM)
		server_open_upload(req);
}

/* A refused request whose body is short is read to its end, so that the connection stays usable
 * and the client gets to see the answer; a long one is answered at once and cut. */
static bool
refuse_now(struct request *req)
{
	int64_t length = announced_length(req);

	req->discard = true;
	if (req->unframed)
		return true;
	return length > DISCARD_MAX || request_field(req, "Expect") != NULL;
}

/* ---- stage 2: the body --------------------------------------------------------------------- */

static bool
body_reserve(struct request *req, size_t want)
{
	size_t size = req->body_size ? req->body_size : 4096;
	uint8_t *body;

	while (size < want)
		size *= 2;
	if (size == req->body_size)
		return true;
	if (!server_body_account(req->server, size - req->body_size))
		return false;
	body = realloc(req->body, size);
	if (body == NULL) {
		server_body_unaccount(req->server, size - req->body_size);
		return false;
	}
	req->body = body;
	req->body_size = size;
	return true;
}

static void
collect(struct request *req, const char *data, size_t len)
{
	if (len > req->route->body_max - req->body_len) {
		problem_set(&req->problem, PROBLEM_BODY_TOO_LARGE, "at most %zu bytes are taken",
			    req->route->body_max);
		req->discard = true;
	} else if (!body_reserve(req, req->body_len + len)) {
		problem_set(&req->problem, PROBLEM_OUT_OF_MEMORY, "no room for the body now");
		req->discard = true;
	} else {
		memcpy(req->body + req->body_len, data, len);
		req->body_len += len;
	}
}

/* How many of len bytes the route has taken.  With some left the connection stands still until it
 * can take more: MHD itself would offer them again only when the client sends further ones. */
static size_t
take_stream(struct request *req, const uint8_t *data, size_t len)
{
	size_t taken = 0, n = 1;

	while (req->problem.status == 0 && req->state != REQUEST_GONE && n > 0 && taken < len) {
		n = req->route->upload(req, data + taken, len - taken);
		taken += n;
	}
	if (req->problem.status != 0)
		req->discard = true;
	else if (taken < len && req->state != REQUEST_GONE)
		request_suspend(req);
	return taken;
}

/* MHD_NO cuts the connection. */
static enum MHD_Result
take_body(struct request *req, const char *data, size_t *len)
{
	size_t n = *len;

	if (req->state == REQUEST_GONE)
		return MHD_NO;
	if (!req->discard && req->route->body == BODY_STREAM) {
		n = take_stream(req, (const uint8_t *)data, *len);
		if (req->state == REQUEST_GONE)
			return MHD_NO;
	} else if (!req->discard) {
		collect(req, data, *len);
	}
	if (req->discard) {
		n = *len;
		req->body_discarded += n;
		if (req->body_discarded > DISCARD_MAX)
			return MHD_NO;
	}
	*len -= n;
	return MHD_YES;
}

/* ---- stage 3: the action ------------------------------------------------------------------- */

static enum MHD_Result
send_reply(struct request *req)
{
	return MHD_queue_response(req->conn, req->status, req->response);
}

static enum MHD_Result
finish(struct request *req)
{
	if (req->state == REQUEST_RECEIVING) {
		req->state = REQUEST_ACTIVE;
		if (req->problem.status != 0)
			reply_problem(req);
		else
			server_dispatch(req);
	}
	if (req->state == REQUEST_GONE)
		return MHD_NO;
	if (req->state == REQUEST_REPLIED)
		return send_reply(req);
	request_suspend(req);
	return MHD_YES;
}

static enum MHD_Result
on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
	  const char *version, const char *data, size_t *len, void **con_cls)
{
	bool cut = *con_cls == &cut_address;
	struct request *req = cut ? NULL : *con_cls;

	(void)version;
	if (req == NULL) {
		req = *con_cls = request_new(cls, conn);
		if (req == NULL)
			return MHD_NO;
		check_header(req, method, url, cut);
		if (req->problem.status != 0 && refuse_now(req)) {
			reply_problem(req);
			if (req->unframed)
				MHD_add_response_header(req->response, "Connection", "close");
			return send_reply(req);
		}
		return MHD_YES;
	}
	if (*len > 0)
		return take_body(req, data, len);
	return finish(req);
}

static void
on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
	     enum MHD_RequestTerminationCode why)
{
	(void)cls, (void)conn, (void)why;
	if (*con_cls != NULL && *con_cls != &cut_address)
		request_free(*con_cls);
	*con_cls = NULL;
}

/* ---- the daemon ---------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void
on_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	(void)cls;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

static void
on_ready(struct loop_source *src, uint32_t events)
{
	struct http *http = (struct http *)(void *)((char *)src - offsetof(struct http, source));

	(void)events;
	MHD_run(http->daemon);
}

uint64_t
http_prepare(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (http->daemon == NULL)
		return LOOP_NEVER;
	/* In external polling MHD does not look at resumed connections before its next run. */
	while (http->resumed) {
		http->resumed = false;
		MHD_run(http->daemon);
	}
	if (MHD_get_timeout(http->daemon, &ms) == MHD_NO)
		return LOOP_NEVER;
	if (ms == 0)
		MHD_run(http->daemon);
	return loop_now_ns() + ms * 1000000u;
}

int
http_start(struct http *http, struct server *server, struct loop *loop,
	   const struct listener *listener, const char *token, struct tine_error *error)
{
	const union MHD_DaemonInfo *info;

	*http = (struct http){.server = server,
			      .loop = loop,
			      .listener = *listener,
			      .token = token,
			      .uid = geteuid()};
	LIST_INIT(&http->requests);
	http->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access,
	    http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_address,
	    NULL, MHD_OPTION_LISTEN_SOCKET, listener->fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    NULL, MHD_OPTION_CONNECTION_LIMIT, CONNECTION_LIMIT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_S,
	    MHD_OPTION_END);
	if (http->daemon == NULL)
		return tine_error_set(error, errno ? errno : EIO, "http",
				      "cannot start the HTTP server: %m");
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	http->source = (struct loop_source){.fd = info->epoll_fd, .ready = on_ready};
	return loop_add(loop, &http->source, EPOLLIN);
}

void
http_stop(struct http *http)
{
	struct request *req;

	if (http->daemon == NULL)
		return;
	MHD_quiesce_daemon(http->daemon);
	http->stopping = true;
	/* MHD must not be stopped while connections are suspended. */
	LIST_FOREACH (req, &http->requests, link) {
		if (req->state == REQUEST_ACTIVE)
			request_fail(req, PROBLEM_SHUTTING_DOWN, "the daemon is ending");
		else
			request_abort(req);
	}
	for (int i = 0; i < 4; i++) /* resume, queue, send, close */
		MHD_run(http->daemon);
	loop_del(http->loop, &http->source);
	MHD_stop_daemon(http->daemon);
	http->daemon = NULL;
	listen_close(&http->listener);
}
