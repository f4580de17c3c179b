/* SPDX-License-Identifier: ISC */
/* route.h: from method and path to a route. */
#ifndef TINE_API_ROUTE_H
#define TINE_API_ROUTE_H

#include <stdbool.h>

#include "request.h"

/* Does path match pattern ("{}" takes one non-empty segment)?  Segments go to param. */
bool route_match(const char *pattern, const char *path, char param[ROUTE_PARAMS][ROUTE_PARAM_LEN]);

/* Find the route: 0, or -1 with *problem (404, or 405 with the methods allowed). */
int route_lookup(const struct route *table, const char *method, const char *path,
		 const struct route **route, char param[ROUTE_PARAMS][ROUTE_PARAM_LEN],
		 struct problem *problem);

/* The same for a request, in the table of the API. */
int route_find(struct request *req, const char *method, const char *path);

extern const struct route api_routes[]; /* ends with a NULL pattern */

#endif
