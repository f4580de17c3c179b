/* SPDX-License-Identifier: ISC */
/* problem.c: make problem documents out of failures. */
#include "problem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int status;
	const char *slug, *title;
} kinds[PROBLEM_NKINDS] = {
#define PROBLEM_ROW(kind, status, slug, title) [PROBLEM_##kind] = {status, slug, title},
    PROBLEM_KINDS(PROBLEM_ROW)
#undef PROBLEM_ROW
};

int
problem_set(struct problem *problem, enum problem_kind kind, const char *fmt, ...)
{
	va_list ap;

	problem->status = kinds[kind].status;
	problem->title = kinds[kind].title;
	snprintf(problem->slug, sizeof(problem->slug), "%s", kinds[kind].slug);
	va_start(ap, fmt);
	vsnprintf(problem->detail, sizeof(problem->detail), fmt, ap);
	va_end(ap);
	return -1;
}

/* The VMM reports what the caller gave (a rootfs that is not there), what the host lacks and what
 * broke; only the first is the client's fault. */
static int
status_of_errno(int code)
{
	switch (code) {
	case EINVAL:
	case ENOENT:
	case ENOTDIR:
	case ENOEXEC:
	case E2BIG:
	case EFBIG:
	case ENAMETOOLONG:
	case EISDIR:
	case ERANGE:
	case ELOOP:
		return 422;
	case EACCES:
	case EPERM:
	case EROFS:
		return 403;
	case EBUSY:
	case EEXIST:
		return 409;
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENODEV:
	case EOPNOTSUPP:
	case ENOSYS:
	case ENXIO:
		return 503;
	default:
		return 500;
	}
}

int
problem_from_error(struct problem *problem, const struct tine_error *error)
{
	problem->status = status_of_errno(error->code);
	problem->title = "The virtual machine monitor refused or failed";
	snprintf(problem->slug, sizeof(problem->slug), "%s",
		 error->type[0] != '\0' ? error->type : "internal");
	snprintf(problem->detail, sizeof(problem->detail), "%s", error->detail);
	return -1;
}

int
problem_from_guest(struct problem *problem, enum problem_kind kind, int errnum, const char *what)
{
	const char *name = strerrorname_np(errnum);

	problem_set(problem, kind, "%s: %s", what,
		    name != NULL ? strerrordesc_np(errnum) : "unknown error");
	problem->errnum = errnum;
	return -1;
}

static void
put(json_t *doc, const char *key, json_t *value)
{
	json_object_set_new(doc, key, value);
}

json_t *
problem_json(const struct problem *problem)
{
	const char *name;
	json_t *doc = json_object();

	put(doc, "type", json_sprintf(PROBLEM_URN "%s", problem->slug));
	put(doc, "title", json_string(problem->title));
	put(doc, "status", json_integer(problem->status));
	/* The detail may quote what a hostile client or guest sent: never fail on bad UTF-8. */
	if (problem->detail[0] != '\0')
		put(doc, "detail",
		    json_string(problem->detail) ?: json_string("(detail is not UTF-8)"));
	if (problem->has_pointer)
		put(doc, "pointer", json_string(problem->pointer) ?: json_string(""));
	if (problem->parameter[0] != '\0')
		put(doc, "parameter", json_string(problem->parameter) ?: json_string("?"));
	if (problem->line > 0) {
		put(doc, "line", json_integer(problem->line));
		put(doc, "column", json_integer(problem->column));
	}
	if (problem->errnum != 0) {
		name = strerrorname_np(problem->errnum);
		put(doc, "errno",
		    name != NULL ? json_string(name) : json_sprintf("%d", problem->errnum));
	}
	return doc;
}
