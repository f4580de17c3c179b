/* SPDX-License-Identifier: ISC */
/* route.c: match paths against the table of routes. */
#include "route.h"

#include <stdio.h>
#include <string.h>

bool
route_match(const char *pattern, const char *path, char param[ROUTE_PARAMS][ROUTE_PARAM_LEN])
{
	unsigned n = 0;

	for (; *pattern != '\0'; pattern++) {
		size_t len;

		if (strncmp(pattern, "{}", 2) != 0) {
			if (*path++ != *pattern)
				return false;
			continue;
		}
		len = strcspn(path, "/");
		if (len == 0 || len >= ROUTE_PARAM_LEN || n == ROUTE_PARAMS)
			return false;
		memcpy(param[n], path, len);
		param[n++][len] = '\0';
		path += len;
		pattern++; /* the closing brace goes with the loop */
	}
	return *path == '\0';
}

static void
allow_add(struct problem *problem, const char *method)
{
	size_t len = strlen(problem->allow);

	snprintf(problem->allow + len, sizeof(problem->allow) - len, "%s%s", len > 0 ? ", " : "",
		 method);
}

int
route_lookup(const struct route *table, const char *method, const char *path,
	     const struct route **route, char param[ROUTE_PARAMS][ROUTE_PARAM_LEN],
	     struct problem *problem)
{
	/* HEAD is GET; libmicrohttpd leaves the body out. */
	const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;

	problem->allow[0] = '\0';
	for (; table->pattern != NULL; table++) {
		if (!route_match(table->pattern, path, param))
			continue;
		if (strcmp(table->method, want) == 0) {
			*route = table;
			problem->allow[0] = '\0';
			return 0;
		}
		allow_add(problem, table->method);
	}
	if (problem->allow[0] == '\0')
		return problem_set(problem, PROBLEM_NOT_FOUND, "%.200s", path);
	return problem_set(problem, PROBLEM_METHOD_NOT_ALLOWED, "allowed are %s", problem->allow);
}

int
route_find(struct request *req, const char *method, const char *path)
{
	return route_lookup(api_routes, method, path, &req->route, req->param, &req->problem);
}
