/* SPDX-License-Identifier: ISC */
/* harness.h: a daemon over fake sandboxes, and requests to it whose answers are checked. */
#ifndef TINE_TESTS_HARNESS_H
#define TINE_TESTS_HARNESS_H

/* cmocka needs these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "contract.h"

struct daemon {
	pid_t pid;
	char dir[64], socket[96];
	struct contract contract;
};

struct answer {
	int status;
	char head[4096];
	char *body; /* NUL terminated, chunks joined */
	size_t len;
	json_t *json; /* if it is some */
};

/* args: further options, NULL terminated; NULL = none.  Waits until it listens. */
void daemon_start(struct daemon *d, const char *const *args);
/* SIGTERM; checks that it ends well and takes its socket away. */
void daemon_stop(struct daemon *d);

/* main() of a test program: the tests of an array, while a daemon runs with these arguments. */
#define RUN_WITH_DAEMON(d, args, tests)                                                            \
	run_with_daemon(d, args, #tests, tests, sizeof(tests) / sizeof((tests)[0]))
int run_with_daemon(struct daemon *d, const char *const *args, const char *name,
		    const struct CMUnitTest *tests, size_t n);

/* One request on a connection of its own; body NULL = none.  The answer is checked against the
 * contract and has to have this status (0: any).  Lives until the next call. */
struct answer *call(struct daemon *d, const char *method, const char *path, const char *body,
		    int status);
/* The same with a media type and bytes. */
struct answer *call_raw(struct daemon *d, const char *method, const char *path, const char *type,
			const void *body, size_t len, int status);
/* A member of its object, which has to be there; as text, as a number. */
json_t *answer_member(const struct answer *a, const char *key);
const char *answer_text(const struct answer *a, const char *key);
json_int_t answer_number(const struct answer *a, const char *key);
/* Slug of the problem that the last answer told. */
const char *problem_slug(const struct answer *a);
/* Value of a header field, "" if absent; lives until the next call of it. */
const char *header(const struct answer *a, const char *name);

/* A connection to be used by hand. */
int dial(const struct daemon *d);
void send_text(int fd, const char *text);
/* Read until text is there (true) or the connection ends; buf collects. */
bool read_until(int fd, char *buf, size_t size, const char *text);
void answer_free(struct answer *a);

/* Make a sandbox, get its id. */
const char *make_sandbox(struct daemon *d, const char *body);
/* printf into a ring of buffers, for paths. */
const char *fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
