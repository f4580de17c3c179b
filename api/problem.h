/* SPDX-License-Identifier: ISC */
/*
 * problem.h: failures as the API shows them, RFC 9457 problem documents.
 *
 * PROBLEM_KINDS is the one list of stable types; docs/api.md and the tests are checked against it.
 * Failures that the VMM names itself (struct tine_error) keep the VMM's slug as their type.
 */
#ifndef TINE_API_PROBLEM_H
#define TINE_API_PROBLEM_H

#include <jansson.h>

#include "vmm/vmm.h"

#define PROBLEM_URN "urn:tine:problem:"

#define PROBLEM_KINDS(X)                                                                           \
	X(BAD_JSON, 400, "bad-json", "The body is not valid JSON")                                 \
	X(BAD_FRAMING, 400, "bad-framing", "Where the body ends is not clear")                     \
	X(BODY_REQUIRED, 400, "body-required", "The request needs a body")                         \
	X(UNKNOWN_FIELD, 400, "unknown-field", "A field is not known")                             \
	X(MISSING_FIELD, 400, "missing-field", "A required field is missing")                      \
	X(WRONG_TYPE, 400, "wrong-type", "A field has the wrong type")                             \
	X(OUT_OF_RANGE, 400, "out-of-range", "A field is out of range")                            \
	X(BAD_VALUE, 400, "bad-value", "A field has a value that is not allowed")                  \
	X(UNKNOWN_PARAMETER, 400, "unknown-parameter", "A query parameter is not known")           \
	X(BAD_PARAMETER, 400, "bad-parameter", "A query parameter has a bad value")                \
	X(UNAUTHORIZED, 401, "unauthorized", "A valid bearer token is needed")                     \
	X(FORBIDDEN, 403, "forbidden", "Not allowed")                                              \
	X(NOT_FOUND, 404, "not-found", "There is no such resource")                                \
	X(UNKNOWN_SANDBOX, 404, "unknown-sandbox", "There is no such sandbox")                     \
	X(UNKNOWN_TEMPLATE, 404, "unknown-template", "There is no such template")                  \
	X(UNKNOWN_PROCESS, 404, "unknown-process", "There is no such process")                     \
	X(UNKNOWN_SYSCTL, 404, "unknown-sysctl", "There is no such sysctl variable")               \
	X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The resource has no such method")        \
	X(NAME_IN_USE, 409, "name-in-use", "Another sandbox has this name")                        \
	X(WRONG_STATE, 409, "wrong-state", "The sandbox is not in a state for this")               \
	X(PROCESS_EXITED, 409, "process-exited", "The process has exited")                         \
	X(STDIN_CLOSED, 409, "stdin-closed", "Standard input of the process is not open")          \
	X(STDIN_BUSY, 409, "stdin-busy", "Another request is writing standard input")              \
	X(NO_TTY, 409, "no-tty", "The process has no terminal")                                    \
	X(SANDBOX_FAILED, 410, "sandbox-failed", "The sandbox has failed")                         \
	X(SANDBOX_STOPPED, 410, "sandbox-stopped", "The sandbox has stopped")                      \
	X(SANDBOX_DELETED, 410, "sandbox-deleted", "The sandbox was deleted meanwhile")            \
	X(BODY_TOO_LARGE, 413, "body-too-large", "The body is too large")                          \
	X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type",                                   \
	  "The body has a wrong media type")                                                       \
	X(LAUNCH_FAILED, 422, "launch-failed", "The program could not be started")                 \
	X(GUEST_REFUSED, 422, "guest-refused", "The kernel of the sandbox refused the request")    \
	X(TOO_MANY_SANDBOXES, 429, "too-many-sandboxes", "The limit on sandboxes is reached")      \
	X(TOO_MANY_TEMPLATES, 429, "too-many-templates", "The limit on templates is reached")      \
	X(TOO_MANY_PROCESSES, 429, "too-many-processes",                                           \
	  "The limit on launched processes of a sandbox is reached")                               \
	X(TOO_MANY_REQUESTS, 429, "too-many-requests", "Too many requests wait for this sandbox")  \
	X(INTERNAL, 500, "internal", "The daemon could not do it")                                 \
	X(OUT_OF_MEMORY, 503, "out-of-memory", "The daemon has no memory for this")                \
	X(SHUTTING_DOWN, 503, "shutting-down", "The daemon is ending")                             \
	X(GUEST_TIMEOUT, 504, "guest-timeout", "The kernel of the sandbox did not answer in time")

enum problem_kind {
#define PROBLEM_ENUM(kind, status, slug, title) PROBLEM_##kind,
	PROBLEM_KINDS(PROBLEM_ENUM)
#undef PROBLEM_ENUM
	    PROBLEM_NKINDS
};

struct problem {
	int status; /* HTTP status; 0 = no problem */
	char slug[48];
	const char *title;
	char detail[512];
	char pointer[256]; /* JSON pointer into the body; "" with has_pointer = the whole body */
	bool has_pointer;
	char parameter[64]; /* query parameter, "" = none */
	int line, column;   /* of a JSON syntax error, 0 = none */
	int errnum;         /* Linux errno from the guest, 0 = none */
	char allow[48];     /* 405: value of the Allow field */
};

/* Fill *problem; always returns -1 so that a decoder can return it. */
int problem_set(struct problem *problem, enum problem_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A failure that the VMM described; the status is chosen by its errno. */
int problem_from_error(struct problem *problem, const struct tine_error *error);

/* An errno that the kernel of a sandbox answered with. */
int problem_from_guest(struct problem *problem, enum problem_kind kind, int errnum,
		       const char *what);

/* The document; new reference, NULL without memory. */
json_t *problem_json(const struct problem *problem);

#endif
