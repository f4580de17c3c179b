/* SPDX-License-Identifier: ISC */
/* events.c: the ring of events and what is put into it. */
#include "events.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "names.h"
#include "sandbox.h"
#include "server.h"
#include "text.h"

void
events_init(struct event_log *log)
{
	memset(log, 0, sizeof(*log));
	LIST_INIT(&log->followers);
}

void
events_fini(struct event_log *log)
{
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		free(log->ring[i].json);
}

uint64_t
events_oldest(const struct event_log *log)
{
	return log->last > EVENTS_KEPT ? log->last - EVENTS_KEPT + 1 : 1;
}

const struct event *
events_get(const struct event_log *log, uint64_t seq)
{
	if (seq > log->last || seq < events_oldest(log))
		return NULL;
	return &log->ring[seq % EVENTS_KEPT];
}

/* Takes json over; an event for which there was no memory still takes its number. */
static void
add(struct api_sandbox *sb, const char *type, char *json)
{
	struct event_log *log = &sb->server->events;
	struct event *ev = &log->ring[++log->last % EVENTS_KEPT];

	free(ev->json);
	*ev = (struct event){.seq = log->last,
			     .sandbox = sb->seq,
			     .type = type,
			     .json = json,
			     .len = json != NULL ? strlen(json) : 0};
	waitq_wake(&log->followers);
}

void
events_sandbox(struct api_sandbox *sb, const char *type)
{
	char when[RFC3339_LEN];
	json_t *doc = json_pack(
	    "{s:o, s:s, s:s, s:s, s:s}", "seq", u64_json(sb->server->events.last + 1), "time",
	    rfc3339_now(when), "type", type, "sandbox", sb->id, "state", api_state_name(sb->state));

	if (sb->name[0] != '\0')
		json_object_set_new(doc, "name", json_string(sb->name));
	if (sb->state == API_FAILED || sb->state == API_STOPPED)
		json_object_set_new(
		    doc, "reason",
		    json_pack("{s:s, s:s}", "type", sb->reason.type, "detail", sb->reason.detail));
	add(sb, type, doc != NULL ? json_dumps(doc, JSON_COMPACT) : NULL);
	json_decref(doc);
}

/* The command name, cut down to what needs no escapes in JSON. */
static void
safe_comm(const char comm[16], char out[17])
{
	size_t i;

	for (i = 0; i < 16 && comm[i] != '\0'; i++) {
		unsigned char c = (unsigned char)comm[i];

		out[i] = c < 0x7f && isprint(c) && c != '"' && c != '\\' ? (char)c : '?';
	}
	out[i] = '\0';
}

/* Forks come by the thousand: printed straight, without building a tree first. */
void
events_guest(struct api_sandbox *sb, const struct tine_event *ev)
{
	static const char *const types[] = {[TINE_EVENT_FORK] = "process.fork",
					    [TINE_EVENT_EXEC] = "process.exec",
					    [TINE_EVENT_EXIT] = "process.exit"};
	unsigned long long seq = (unsigned long long)sb->server->events.last + 1;
	char when[RFC3339_LEN], comm[17], extra[96] = "", *json = NULL;

	safe_comm(ev->comm, comm);
	if (ev->kind == TINE_EVENT_FORK)
		snprintf(extra, sizeof(extra), ",\"child\":%d,\"how\":\"%s\"", ev->other,
			 fork_kind_name(ev->how));
	else if (ev->kind == TINE_EVENT_EXIT)
		snprintf(extra, sizeof(extra), ",\"status\":%d", ev->status);
	if (asprintf(
		&json,
		"{\"seq\":%llu,\"time\":\"%s\",\"type\":\"%s\",\"sandbox\":\"%s\",\"pid\":%d%s,"
		"\"comm\":\"%s\",\"guest_seq\":%llu,\"guest_time_ns\":%llu,\"guest_dropped\":%u}",
		seq, rfc3339_now(when), types[ev->kind], sb->id, ev->pid, extra, comm,
		(unsigned long long)(ev->seq & INT64_MAX),
		(unsigned long long)(ev->time_ns & INT64_MAX), ev->dropped) < 0)
		json = NULL;
	add(sb, types[ev->kind], json);
}
