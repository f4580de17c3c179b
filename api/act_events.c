/* SPDX-License-Identifier: ISC */
/* act_events.c: the event stream, as NDJSON or server-sent events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "events.h"
#include "sandbox.h"
#include "server.h"

const struct events_args events_defaults = {.follow = true, .since = UINT64_MAX};

const struct field events_query[] = {
    F_STRING("sandbox", struct events_args, sandbox, 1, ROUTE_PARAM_LEN - 1),
    F_UINT("since", struct events_args, since, 0, INT64_MAX),
    F_BOOL("follow", struct events_args, follow),
    F_END,
};

struct follower {
	uint64_t next;               /* seq of the next event to send */
	uint64_t sandbox;            /* only of this one, 0 = of all */
	char id[SANDBOX_ID_LEN + 1]; /* its id */
	bool sse, follow, last;
	char *line; /* being sent */
	size_t len, sent;
};

static void
follower_free(void *ctx)
{
	struct follower *f = ctx;

	free(f->line);
	free(f);
}

static int
set_line(struct follower *f, uint64_t seq, const char *type, const char *json)
{
	int n;

	free(f->line);
	f->line = NULL;
	f->sent = 0;
	if (f->sse)
		n = asprintf(&f->line, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)seq,
			     type, json);
	else
		n = asprintf(&f->line, "%s\n", json);
	f->len = n > 0 ? (size_t)n : 0;
	if (n < 0)
		f->line = NULL;
	return n < 0 ? -1 : 0;
}

/* What was overwritten before this follower came to it. */
static int
tell_dropped(struct follower *f, uint64_t oldest)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"seq\":%llu,\"type\":\"dropped\",\"count\":%llu}",
		 (unsigned long long)(oldest - 1), (unsigned long long)(oldest - f->next));
	f->next = oldest;
	return set_line(f, oldest - 1, "dropped", json);
}

/* Make the next line: 1, 0 if there is none, -1 without memory. */
static int
next_line(struct follower *f, const struct event_log *log)
{
	const struct event *ev;

	if (f->next < events_oldest(log))
		return tell_dropped(f, events_oldest(log)) < 0 ? -1 : 1;
	for (; (ev = events_get(log, f->next)) != NULL; f->next++) {
		if (ev->json == NULL || (f->sandbox != 0 && ev->sandbox != f->sandbox))
			continue;
		f->next++;
		f->last = f->sandbox != 0 && strcmp(ev->type, "sandbox.deleted") == 0;
		return set_line(f, ev->seq, ev->type, ev->json) < 0 ? -1 : 1;
	}
	return 0;
}

/* The news of the end of its sandbox may be among what it missed. */
static bool
nothing_follows(const struct request *req, const struct follower *f)
{
	const struct api_sandbox *sb;

	if (f->last || !f->follow)
		return true;
	if (f->sandbox == 0)
		return false;
	sb = server_find(req->server, f->id);
	return sb == NULL || sb->seq != f->sandbox;
}

static ssize_t
events_read(struct request *req, char *buf, size_t max)
{
	struct event_log *log = &req->server->events;
	struct follower *f = req->ctx;
	size_t done = 0, n;
	int rc = 1;

	while (done < max) {
		if (f->sent == f->len) {
			rc = f->last ? 0 : next_line(f, log);
			if (rc <= 0)
				break;
		}
		n = f->len - f->sent < max - done ? f->len - f->sent : max - done;
		memcpy(buf + done, f->line + f->sent, n);
		f->sent += n;
		done += n;
	}
	if (done > 0)
		return (ssize_t)done;
	if (rc < 0)
		return STREAM_ABORT;
	if (nothing_follows(req, f))
		return STREAM_END;
	request_wait(req, &log->followers, NULL);
	return 0;
}

static uint64_t
first_seq(struct request *req, uint64_t since)
{
	const char *last_id = request_field(req, "Last-Event-ID");
	uint64_t id;

	/* A browser's EventSource tells by this where it was when the connection broke. */
	if (since == UINT64_MAX && last_id != NULL && parse_uint(last_id, INT64_MAX, &id) == 0)
		since = id;
	return since > req->server->events.last ? req->server->events.last + 1 : since + 1;
}

void
act_events(struct request *req)
{
	const struct events_args *args = req->args;
	const char *accept = request_field(req, "Accept");
	struct api_sandbox *sb = NULL;
	struct follower *f;

	if (args->sandbox != NULL && (sb = server_find(req->server, args->sandbox)) == NULL) {
		request_fail(req, PROBLEM_UNKNOWN_SANDBOX, "\"%s\"", args->sandbox);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	req->ctx = f;
	req->ctx_free = follower_free;
	f->next = first_seq(req, args->since);
	if (sb != NULL) {
		f->sandbox = sb->seq;
		memcpy(f->id, sb->id, sizeof(f->id));
	}
	f->follow = args->follow;
	f->sse = accept != NULL && strstr(accept, "text/event-stream") != NULL;
	reply_stream(req, f->sse ? "text/event-stream" : "application/x-ndjson", events_read);
}
