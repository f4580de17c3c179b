/* SPDX-License-Identifier: ISC */
/*
 * decode.h: typed structures out of untrusted JSON and query strings, by declarative tables.
 *
 * A table row says name, type, bounds and where the value goes.  A field that no row names is
 * an error, and so is every value of another type; the problem carries its JSON pointer.
 * Strings in the decoded structure point into the JSON value, which has to outlive it.
 */
#ifndef TINE_API_DECODE_H
#define TINE_API_DECODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "problem.h"

struct decode { /* where in the document the decoder is */
	struct problem *problem;
	char path[256];
	size_t len;
};

enum field_type {
	FIELD_BOOL,   /* bool */
	FIELD_UINT,   /* uint64_t within min..max */
	FIELD_STRING, /* const char *, length within min..max bytes */
	FIELD_FN,     /* by fn */
};

struct field { /* a table ends with a NULL name */
	const char *name;
	size_t offset;
	uint64_t min, max;
	enum field_type type;
	bool required;
	/* FIELD_FN: decode value to dst.  FIELD_STRING: further check of the string, may be NULL.
	 */
	int (*fn)(struct decode *d, const json_t *value, void *dst);
	int (*check)(struct decode *d, const char *string);
};

/* Rows of tables: name, structure, member, then bounds or function, then what else is not zero. */
#define F_BOOL(n, s, m, ...)                                                                       \
	{                                                                                          \
		.name = n, .type = FIELD_BOOL, .offset = offsetof(s, m), __VA_ARGS__               \
	}
#define F_UINT(n, s, m, lo, hi, ...)                                                               \
	{                                                                                          \
		.name = n, .type = FIELD_UINT, .offset = offsetof(s, m), .min = lo, .max = hi,     \
		__VA_ARGS__                                                                        \
	}
#define F_STRING(n, s, m, lo, hi, ...)                                                             \
	{                                                                                          \
		.name = n, .type = FIELD_STRING, .offset = offsetof(s, m), .min = lo, .max = hi,   \
		__VA_ARGS__                                                                        \
	}
#define F_FN(n, s, m, f, ...)                                                                      \
	{                                                                                          \
		.name = n, .type = FIELD_FN, .offset = offsetof(s, m), .fn = f, __VA_ARGS__        \
	}
#define F_END                                                                                      \
	{                                                                                          \
		.name = NULL                                                                       \
	}

/* All return 0, or -1 with *d->problem filled. */
int decode_object(struct decode *d, const json_t *value, const struct field *fields, void *dst);
int decode_body(const json_t *value, const struct field *fields, void *dst,
		struct problem *problem);

/* Parse text strictly: no duplicate keys, no trailing bytes; new reference or NULL. */
json_t *decode_parse(const char *text, size_t len, struct problem *problem);

/* One query parameter; value NULL means "?name" without "=", true for a FIELD_BOOL. */
int decode_param(const char *name, const char *value, const struct field *params, void *dst,
		 struct problem *problem);

/* Decimal digits only, no sign or space, no overflow. */
int parse_uint(const char *text, uint64_t max, uint64_t *out);

/* For FIELD_FN decoders. */
void decode_push(struct decode *d, const char *key);
void decode_push_index(struct decode *d, size_t index);
void decode_pop(struct decode *d, size_t len);
int decode_fail(struct decode *d, enum problem_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int decode_type(struct decode *d, const json_t *value, json_type want);

/* An array of strings, or an object of strings as "key=value" when as_env: a NULL terminated,
 * malloc'd vector; bytes bounds the sum of all lengths. */
struct strings {
	char **v;
	size_t n, bytes;
};
int decode_strings(struct decode *d, const json_t *value, struct strings *out, size_t max,
		   size_t bytes);
void strings_free(struct strings *strings);
int strings_add(struct strings *strings, char *owned);

#endif
