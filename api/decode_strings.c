/* SPDX-License-Identifier: ISC */
/* decode_strings.c: argument vectors and environments out of JSON arrays and objects. */
#include "decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
strings_add(struct strings *strings, char *owned)
{
	char **v;

	if (owned == NULL)
		return -1;
	v = reallocarray(strings->v, strings->n + 2, sizeof(char *));
	if (v == NULL) {
		free(owned);
		return -1;
	}
	v[strings->n++] = owned;
	v[strings->n] = NULL;
	strings->bytes += strlen(owned) + 1;
	strings->v = v;
	return 0;
}

void
strings_free(struct strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		free(strings->v[i]);
	free(strings->v);
	*strings = (struct strings){0};
}

static int
decode_one_string(struct decode *d, const char *key, const json_t *value, struct strings *out,
		  size_t bytes)
{
	char *text = NULL;

	if (decode_type(d, value, JSON_STRING) < 0)
		return -1;
	if (out->bytes + json_string_length(value) > bytes)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "more than %zu bytes in all", bytes);
	if (key != NULL && (*key == '\0' || strchr(key, '=') != NULL))
		return decode_fail(d, PROBLEM_BAD_VALUE, "not a variable name");
	if (key == NULL)
		text = strdup(json_string_value(value));
	else if (asprintf(&text, "%s=%s", key, json_string_value(value)) < 0)
		text = NULL;
	if (strings_add(out, text) < 0)
		return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	return 0;
}

static int
decode_string_array(struct decode *d, const json_t *value, struct strings *out, size_t bytes)
{
	size_t i, len = d->len;
	json_t *item;

	json_array_foreach (value, i, item) {
		decode_push_index(d, i);
		if (decode_one_string(d, NULL, item, out, bytes) < 0)
			return -1;
		decode_pop(d, len);
	}
	return 0;
}

static int
decode_string_object(struct decode *d, const json_t *value, struct strings *out, size_t bytes)
{
	size_t len = d->len;
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)value, key, item) {
		decode_push(d, key);
		if (decode_one_string(d, key, item, out, bytes) < 0)
			return -1;
		decode_pop(d, len);
	}
	return 0;
}

int
decode_strings(struct decode *d, const json_t *value, struct strings *out, size_t max, size_t bytes)
{
	size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value);

	if (!json_is_object(value) && decode_type(d, value, JSON_ARRAY) < 0)
		return -1;
	if (n > max)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "%zu items, at most %zu", n, max);
	out->v = calloc(1, sizeof(char *));
	if (out->v == NULL)
		return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	return json_is_object(value) ? decode_string_object(d, value, out, bytes)
				     : decode_string_array(d, value, out, bytes);
}
