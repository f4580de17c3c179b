/* SPDX-License-Identifier: ISC */
/* act_guest.c: sysctl variables and files inside a sandbox. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/msg.h"
#include "actions.h"
#include "args.h"
#include "call.h"
#include "sandbox.h"
#include "text.h"

/* ---- sysctl -------------------------------------------------------------------------------- */

static int
decode_sysctl_value(struct decode *d, const json_t *value, void *dst)
{
	char *out = dst;
	size_t size = sizeof(((struct sysctl_args *)0)->value);

	if (json_is_integer(value)) {
		snprintf(out, size, "%lld", (long long)json_integer_value(value));
		return 0;
	}
	if (!json_is_string(value))
		return decode_fail(d, PROBLEM_WRONG_TYPE, "string or integer expected");
	if (json_string_length(value) >= size)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "at most %zu bytes", size - 1);
	memcpy(out, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

const struct field sysctl_fields[] = {
    F_FN("value", struct sysctl_args, value, decode_sysctl_value, .required = true),
    F_END,
};

static json_t *
reply_text_json(const uint8_t *data, size_t len)
{
	char *text = text_printable(data, len > 0 && data[len - 1] == '\0' ? len - 1 : len);
	json_t *json = json_string(text != NULL ? text : "");

	free(text);
	return json;
}

static bool
sysctl_failed(struct request *req, int errnum)
{
	if (errnum == 0)
		return false;
	problem_from_guest(&req->problem,
			   errnum == ENOENT ? PROBLEM_UNKNOWN_SYSCTL : PROBLEM_GUEST_REFUSED,
			   errnum, req->param[1]);
	reply_problem(req);
	return true;
}

static void
sysctl_got(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	if (!sysctl_failed(req, errnum))
		reply_json(req, 200,
			   json_pack("{s:s, s:o}", "name", req->param[1], "value",
				     reply_text_json(data, len)));
}

static void
sysctl_set(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	const struct sysctl_args *args = req->args;

	if (!sysctl_failed(req, errnum))
		reply_json(req, 200,
			   json_pack("{s:s, s:s, s:o}", "name", req->param[1], "value", args->value,
				     "old", reply_text_json(data, len)));
}

static bool
sysctl_name_ok(struct request *req)
{
	for (const char *p = req->param[1]; *p != '\0'; p++) {
		if (isalnum((unsigned char)*p) || strchr("._-", *p) != NULL)
			continue;
		request_fail(req, PROBLEM_UNKNOWN_SYSCTL, "\"%s\"", req->param[1]);
		return false;
	}
	return true;
}

void
act_sysctl_get(struct request *req)
{
	if (sysctl_name_ok(req))
		request_call(req, TINE_MSG_SYSCTL, 0, req->param[1], strlen(req->param[1]) + 1,
			     sysctl_got);
}

void
act_sysctl_put(struct request *req)
{
	const struct sysctl_args *args = req->args;
	char payload[ROUTE_PARAM_LEN + sizeof(args->value)];
	size_t name = strlen(req->param[1]) + 1, value = strlen(args->value) + 1;

	if (!sysctl_name_ok(req))
		return;
	memcpy(payload, req->param[1], name);
	memcpy(payload + name, args->value, value);
	request_call(req, TINE_MSG_SYSCTL, 0, payload, name + value, sysctl_set);
}

/* ---- files --------------------------------------------------------------------------------- */

const struct field file_query[] = {
    F_STRING("path", struct file_put_args, path, 2, 4095),
    F_STRING("mode", struct file_put_args, mode, 1, 5),
    F_UINT("uid", struct file_put_args, uid, 0, UINT32_MAX - 1),
    F_UINT("gid", struct file_put_args, gid, 0, UINT32_MAX - 1),
    F_END,
};

void
put_file(struct request *req, const char *path, uint32_t mode, uint32_t uid, uint32_t gid,
	 const uint8_t *data, size_t len,
	 void (*done)(struct request *req, int errnum, const uint8_t *data, size_t len))
{
	struct tine_put put = {.mode = mode, .uid = uid, .gid = gid};
	size_t path_len = strlen(path) + 1, total = sizeof(put) + path_len + len;
	uint8_t *payload = malloc(total);

	if (payload == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	put.path_len = (uint32_t)path_len;
	memcpy(payload, &put, sizeof(put));
	memcpy(payload + sizeof(put), path, path_len);
	if (len > 0)
		memcpy(payload + sizeof(put) + path_len, data, len);
	request_call(req, TINE_MSG_PUT, 0, payload, total, done);
	free(payload);
}

static void
file_put(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	const struct file_put_args *args = req->args;

	(void)data, (void)len;
	if (errnum == 0) {
		reply_empty(req, 204);
		return;
	}
	problem_from_guest(&req->problem, PROBLEM_GUEST_REFUSED, errnum, args->path);
	reply_problem(req);
}

static int
octal(const char *text, uint32_t *mode)
{
	char *end;
	unsigned long n = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || n > 07777)
		return -1;
	*mode = (uint32_t)n;
	return 0;
}

void
act_file_put(struct request *req)
{
	const struct file_put_args *args = req->args;
	struct problem problem = {0};
	struct decode d = {.problem = &problem};
	uint32_t mode = 0644;

	if (args->path == NULL || check_guest_path(&d, args->path) < 0)
		request_bad_param(req, "path", "an absolute path is needed");
	else if (args->mode != NULL && octal(args->mode, &mode) < 0)
		request_bad_param(req, "mode", "octal permission bits expected");
	else
		put_file(req, args->path, mode, (uint32_t)args->uid, (uint32_t)args->gid, req->body,
			 req->body_len, file_put);
}
