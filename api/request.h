/* SPDX-License-Identifier: ISC */
/*
 * request.h: one HTTP request, from its header to the end of its reply.
 *
 * Life: the route is found and the caller is checked when the header is there; the body is
 * collected (or handed to the route piece by piece); query and body are decoded into args by the
 * route's tables; sandbox and process named in the path are resolved and their state is checked;
 * then the route's action runs.  An action either replies or waits (request_wait); a request
 * that waits costs no thread and notices when its client goes away.
 */
#ifndef TINE_API_REQUEST_H
#define TINE_API_REQUEST_H

#include <jansson.h>
#include <microhttpd.h>
#include <sys/types.h>

#include "decode.h"
#include "loop.h"
#include "problem.h"
#include "waitq.h"

struct request;
struct server;
struct http;
struct api_sandbox;
struct api_process;
struct guest_call;

#define ROUTE_PARAMS 2u
#define ROUTE_PARAM_LEN 128u

enum body_kind {
	BODY_NONE,
	BODY_JSON,   /* collected, parsed, decoded by .fields */
	BODY_RAW,    /* collected in req->body */
	BODY_STREAM, /* handed to .upload as it comes */
};

enum route_needs {                   /* what has to hold before the action runs */
		   NEED_SANDBOX = 1, /* {0} names a sandbox: req->sandbox */
		   NEED_READY = 2,   /* which runs */
		   NEED_PROCESS = 4, /* {1} names a launched process: req->process */
};

struct route {
	const char *method, *pattern; /* pattern: "/v1/x/{}/y" */
	void (*action)(struct request *req);
	unsigned needs;
	enum body_kind body;
	bool body_optional;
	size_t body_max;
	const struct field *query, *fields; /* both decode into args */
	size_t args_size;
	const void *defaults;          /* initial args, NULL = zero */
	void (*args_free)(void *args); /* what decoders allocated */
	/* BODY_STREAM.  open: before the first byte.  upload: how many bytes were taken; with 0
	 * it has to have called request_wait(). */
	void (*open)(struct request *req);
	size_t (*upload)(struct request *req, const uint8_t *data, size_t len);
};

enum request_state {
	REQUEST_RECEIVING,
	REQUEST_ACTIVE, /* action has run, no reply yet */
	REQUEST_REPLIED,
	REQUEST_GONE, /* the client has closed the connection */
};

/* What a streamed reply is made from: > 0 bytes, 0 = nothing yet (then request_wait() has been
 * called), STREAM_END, STREAM_ABORT (the connection is cut so that the client sees it). */
#define STREAM_END (-1)
#define STREAM_ABORT (-2)
typedef ssize_t stream_fn(struct request *req, char *buf, size_t max);

struct request {
	LIST_ENTRY(request) link;
	struct http *http;
	struct server *server;
	struct MHD_Connection *conn;
	const struct route *route;
	char param[ROUTE_PARAMS][ROUTE_PARAM_LEN];
	enum request_state state;
	bool suspended, discard, opened, tcp;
	bool unframed; /* what follows the header cannot be understood: the connection ends */

	uint8_t *body;
	size_t body_len, body_size, body_discarded;
	json_t *json; /* parsed body */
	void *args;
	struct problem problem; /* status 0 = none so far */

	struct MHD_Response *response;
	unsigned status;
	stream_fn *stream;

	/* Waiting. */
	struct waiter waiter;
	void (*again)(struct request *req);
	struct guest_call *call; /* a question to the guest that is open */
	struct loop_timer timer;
	bool timed_out;
	struct loop_source hup;

	/* Held for the life of the request. */
	struct api_sandbox *sandbox;
	struct api_process *process;
	void *ctx; /* of the action */
	void (*ctx_free)(void *ctx);
};

/* ---- for actions --------------------------------------------------------------------------- */

/* Each reply ends the request; the first one wins.  json references are stolen. */
void reply_json(struct request *req, unsigned status, json_t *json);
void reply_created(struct request *req, const char *location, json_t *json);
void reply_empty(struct request *req, unsigned status);
void reply_text(struct request *req, const char *type, const char *text, size_t len);
void reply_problem(struct request *req);                                      /* req->problem */
void reply_problem_with(struct request *req, const char *key, json_t *extra); /* one more member */
void request_fail(struct request *req, enum problem_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void request_bad_param(struct request *req, const char *name, const char *what);

/* Reply with a stream; headers may be added with request_header() afterwards. */
void reply_stream(struct request *req, const char *type, stream_fn *stream);
/* Reply with a copy of bytes. */
void reply_bytes(struct request *req, const char *type, const void *data, size_t len);
void request_header(struct request *req, const char *name, const char *value);

/* Call again(req) when q is woken, or when the timer set with request_deadline() fires (then
 * timed_out is set).  again replies or waits again.  In streams and uploads again is NULL: the
 * stream or upload function is called again instead. */
void request_wait(struct request *req, struct waitq *q, void (*again)(struct request *));
void request_deadline(struct request *req, uint64_t timeout_ms);

/* Header field of the request, NULL if absent. */
const char *request_field(struct request *req, const char *name);

/* ---- for http.c ---------------------------------------------------------------------------- */

struct request *request_new(struct http *http, struct MHD_Connection *conn);
void request_free(struct request *req);
/* The client is gone, or the daemon ends. */
void request_abort(struct request *req);
void request_suspend(struct request *req);
void request_resume(struct request *req);

#endif
