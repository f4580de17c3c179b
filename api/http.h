/* SPDX-License-Identifier: ISC */
/*
 * http.h: libmicrohttpd inside the event loop.
 *
 * Each listener is one MHD daemon in external epoll mode: its epoll descriptor is a source of our
 * loop, so requests, sandboxes and timers share one thread and no locks are needed.
 */
#ifndef TINE_API_HTTP_H
#define TINE_API_HTTP_H

#include "listen.h"
#include "loop.h"
#include "request.h"

struct http {
	struct server *server;
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_source source; /* the daemon's epoll descriptor */
	struct listener listener;
	const char *token; /* bearer token wanted from every request; NULL = peer credentials */
	uid_t uid;         /* whose requests are served, besides root's */
	LIST_HEAD(, request) requests;
	size_t nrequests;
	bool resumed;  /* MHD has to be run for connections that were resumed */
	bool stopping; /* what comes now is refused: it must not wait */
};

/* Take over *listener and serve it. 0 or -errno. */
int http_start(struct http *http, struct server *server, struct loop *loop,
	       const struct listener *listener, const char *token, struct tine_error *error);

/* Cut all connections and close the listener. */
void http_stop(struct http *http);

/* When MHD wants to be run next, ns; LOOP_NEVER.  Runs it if that is now. */
uint64_t http_prepare(struct http *http);

#endif
