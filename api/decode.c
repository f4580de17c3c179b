/* SPDX-License-Identifier: ISC */
/* decode.c: table-driven decoders of JSON bodies and query parameters. */
#include "decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where we are -------------------------------------------------------------------------- */

/* Appends one reference token (RFC 6901); a path that grows too long is cut, never overrun. */
void
decode_push(struct decode *d, const char *key)
{
	size_t room = sizeof(d->path) - 3;

	if (d->len < room)
		d->path[d->len++] = '/';
	for (; *key != '\0' && d->len < room; key++) {
		if (*key == '~' || *key == '/') {
			d->path[d->len++] = '~';
			d->path[d->len++] = *key == '~' ? '0' : '1';
		} else {
			d->path[d->len++] = *key;
		}
	}
	d->path[d->len] = '\0';
}

void
decode_push_index(struct decode *d, size_t index)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", index);
	decode_push(d, text);
}

void
decode_pop(struct decode *d, size_t len)
{
	d->len = len;
	d->path[len] = '\0';
}

int
decode_fail(struct decode *d, enum problem_kind kind, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_set(d->problem, kind, "%s", text);
	snprintf(d->problem->pointer, sizeof(d->problem->pointer), "%s", d->path);
	d->problem->has_pointer = true;
	return -1;
}

/* ---- types --------------------------------------------------------------------------------- */

static const char *
type_name(json_type type)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "object",          [JSON_ARRAY] = "array",
	    [JSON_STRING] = "string",          [JSON_INTEGER] = "integer",
	    [JSON_REAL] = "fractional number", [JSON_TRUE] = "boolean",
	    [JSON_FALSE] = "boolean",          [JSON_NULL] = "null"};

	return names[type];
}

int
decode_type(struct decode *d, const json_t *value, json_type want)
{
	if (json_typeof(value) == want)
		return 0;
	return decode_fail(d, PROBLEM_WRONG_TYPE, "%s expected, found %s", type_name(want),
			   type_name(json_typeof(value)));
}

static int
decode_bool(struct decode *d, const json_t *value, bool *dst)
{
	if (!json_is_boolean(value))
		return decode_type(d, value, JSON_TRUE);
	*dst = json_is_true(value);
	return 0;
}

static int
decode_uint(struct decode *d, const json_t *value, const struct field *f, uint64_t *dst)
{
	json_int_t i = json_integer_value(value);

	if (decode_type(d, value, JSON_INTEGER) < 0)
		return -1;
	if (i < 0 || (uint64_t)i < f->min || (uint64_t)i > f->max)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "%lld is not within %llu..%llu",
				   (long long)i, (unsigned long long)f->min,
				   (unsigned long long)f->max);
	*dst = (uint64_t)i;
	return 0;
}

static int
decode_string(struct decode *d, const json_t *value, const struct field *f, const char **dst)
{
	size_t len = json_string_length(value);

	if (decode_type(d, value, JSON_STRING) < 0)
		return -1;
	if (len < f->min || len > f->max)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE,
				   "%zu bytes long, allowed are %llu..%llu", len,
				   (unsigned long long)f->min, (unsigned long long)f->max);
	if (f->check != NULL && f->check(d, json_string_value(value)) < 0)
		return -1;
	*dst = json_string_value(value);
	return 0;
}

static int
decode_value(struct decode *d, const json_t *value, const struct field *f, void *dst)
{
	void *at = (char *)dst + f->offset;

	switch (f->type) {
	case FIELD_BOOL:
		return decode_bool(d, value, at);
	case FIELD_UINT:
		return decode_uint(d, value, f, at);
	case FIELD_STRING:
		return decode_string(d, value, f, at);
	case FIELD_FN:
		return f->fn(d, value, at);
	}
	return -1;
}

/* ---- objects ------------------------------------------------------------------------------- */

static const struct field *
field_find(const struct field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static int
decode_member(struct decode *d, const char *key, const json_t *value, const struct field *fields,
	      void *dst)
{
	const struct field *f = field_find(fields, key);

	if (f == NULL)
		return decode_fail(d, PROBLEM_UNKNOWN_FIELD, "unknown field \"%.64s\"", key);
	return decode_value(d, value, f, dst);
}

int
decode_object(struct decode *d, const json_t *value, const struct field *fields, void *dst)
{
	const char *key;
	json_t *member;
	size_t len = d->len;

	if (decode_type(d, value, JSON_OBJECT) < 0)
		return -1;
	/* jansson's iterator takes the object as non-const but does not change it. */
	json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
		decode_push(d, key);
		if (decode_member(d, key, member, fields, dst) < 0)
			return -1;
		decode_pop(d, len);
	}
	for (const struct field *f = fields; f->name != NULL; f++) {
		if (!f->required || json_object_get(value, f->name) != NULL)
			continue;
		decode_push(d, f->name);
		return decode_fail(d, PROBLEM_MISSING_FIELD, "field \"%s\" is required", f->name);
	}
	return 0;
}

int
decode_body(const json_t *value, const struct field *fields, void *dst, struct problem *problem)
{
	struct decode d = {.problem = problem};

	return decode_object(&d, value, fields, dst);
}

json_t *
decode_parse(const char *text, size_t len, struct problem *problem)
{
	json_error_t error;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (value == NULL) {
		problem_set(problem, PROBLEM_BAD_JSON, "line %d, column %d: %s", error.line,
			    error.column, error.text);
		problem->line = error.line > 0 ? error.line : 1;
		problem->column = error.column > 0 ? error.column : 0;
	}
	return value;
}

/* ---- query parameters ---------------------------------------------------------------------- */

int
parse_uint(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
			return -1;
	}
	*out = n;
	return n > max ? -1 : 0;
}

static int
param_bool(const char *value, bool *dst)
{
	if (value == NULL || strcmp(value, "1") == 0 || strcmp(value, "true") == 0)
		*dst = true;
	else if (strcmp(value, "0") == 0 || strcmp(value, "false") == 0)
		*dst = false;
	else
		return -1;
	return 0;
}

static int
param_fail(struct problem *problem, enum problem_kind kind, const char *name, const char *what)
{
	problem_set(problem, kind, "query parameter \"%.60s\": %s", name, what);
	snprintf(problem->parameter, sizeof(problem->parameter), "%.63s", name);
	return -1;
}

int
decode_param(const char *name, const char *value, const struct field *params, void *dst,
	     struct problem *problem)
{
	const struct field *f = params != NULL ? field_find(params, name) : NULL;
	char *at;

	if (f == NULL)
		return param_fail(problem, PROBLEM_UNKNOWN_PARAMETER, name, "not known here");
	at = (char *)dst + f->offset;
	if (f->type == FIELD_BOOL) {
		if (param_bool(value, (bool *)(void *)at) < 0)
			return param_fail(problem, PROBLEM_BAD_PARAMETER, name, "0 or 1 expected");
	} else if (f->type == FIELD_UINT) {
		uint64_t *n = (uint64_t *)(void *)at;

		if (value == NULL || parse_uint(value, f->max, n) < 0 || *n < f->min)
			return param_fail(problem, PROBLEM_BAD_PARAMETER, name,
					  "not a number, or out of range");
	} else {
		if (value == NULL || strlen(value) < f->min || strlen(value) > f->max)
			return param_fail(problem, PROBLEM_BAD_PARAMETER, name, "bad length");
		*(const char **)(void *)at = value;
	}
	return 0;
}
