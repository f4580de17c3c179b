/* SPDX-License-Identifier: ISC */
/* blob.c: decode bytes that are carried in JSON. */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "text.h"

struct blob_args {
	const char *encoding, *data;
};

static const struct field blob_fields[] = {
    F_STRING("encoding", struct blob_args, encoding, 1, 16),
    F_STRING("data", struct blob_args, data, 0, UINT64_MAX, .required = true),
    F_END,
};

static int
take(struct decode *d, uint8_t *bytes, size_t len, size_t max, struct blob *out)
{
	if (bytes == NULL)
		return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	if (len > max) {
		free(bytes);
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "%zu bytes, at most %zu", len, max);
	}
	*out = (struct blob){bytes, len};
	return 0;
}

int
decode_blob(struct decode *d, const json_t *value, struct blob *out, size_t max)
{
	struct blob_args args = {.encoding = "utf-8"};
	uint8_t *bytes;
	size_t len;
	bool bad;

	if (json_is_string(value))
		return take(d, (uint8_t *)strdup(json_string_value(value)),
			    json_string_length(value), max, out);
	if (decode_object(d, value, blob_fields, &args) < 0)
		return -1;
	len = strlen(args.data);
	if (strcmp(args.encoding, "utf-8") == 0)
		return take(d, (uint8_t *)strdup(args.data), len, max, out);
	if (strcmp(args.encoding, "base64") != 0) {
		decode_push(d, "encoding");
		return decode_fail(d, PROBLEM_BAD_VALUE, "\"utf-8\" or \"base64\" expected");
	}
	bytes = base64_decode(args.data, len, &len, &bad);
	if (bad) {
		decode_push(d, "data");
		return decode_fail(d, PROBLEM_BAD_VALUE, "not base64 (RFC 4648, padded)");
	}
	return take(d, bytes, len, max, out);
}
