/* SPDX-License-Identifier: ISC */
/* procs.h: ask a guest kernel for its processes. */
#ifndef TINE_API_PROCS_H
#define TINE_API_PROCS_H

#include "abi/msg.h"
#include "request.h"

/* Fetch processes with a pid above `after`, ascending, until there are `want` or all are there (a
 * few more than `want` may come), then call done, which replies.  Uses the ctx of the request. */
void procs_fetch(struct request *req, int32_t after, size_t want,
		 void (*done)(struct request *req, const struct tine_procinfo *list, size_t n));

#endif
