/* SPDX-License-Identifier: ISC */
/*
 * events.h: what happened, for those who follow.
 *
 * One ring for the whole daemon with one sequence; a follower is a position in it, so that a slow
 * one costs nothing: what it missed is told as a count.
 */
#ifndef TINE_API_EVENTS_H
#define TINE_API_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/vmm.h"
#include "waitq.h"

struct api_sandbox;
struct server;

#define EVENTS_KEPT 8192u

struct event {
	uint64_t seq;
	uint64_t sandbox; /* its creation number */
	const char *type; /* "sandbox.created", "process.fork", ... */
	char *json;       /* one object, no newline */
	size_t len;
};

struct event_log {
	struct event ring[EVENTS_KEPT]; /* by seq */
	uint64_t last;                  /* 0 = none yet */
	uint64_t guest_dropped;         /* lost between the guests and here, over all */
	struct waitq followers;
};

void events_init(struct event_log *log);
void events_fini(struct event_log *log);

/* The first seq that is still kept. */
uint64_t events_oldest(const struct event_log *log);
const struct event *events_get(const struct event_log *log, uint64_t seq);

/* type is a string literal. */
void events_sandbox(struct api_sandbox *sb, const char *type);
/* An event message of a guest; untrusted. */
void events_guest(struct api_sandbox *sb, const struct tine_event *ev);

#endif
