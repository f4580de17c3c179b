/* SPDX-License-Identifier: ISC */
/* process_args.c: decode the body that launches a process. */
#include <stdlib.h>
#include <string.h>

#include "abi/msg.h"
#include "args.h"
#include "outbuf.h"
#include "text.h"

#define ARGS_MAX 16384u
#define STDIN_MAX (1u << 20)
#define PATH_LEN 4095u
#define TIMEOUT_MAX 3600000u

static int
decode_argv(struct decode *d, const json_t *value, void *dst)
{
	struct strings *argv = dst;

	if (decode_type(d, value, JSON_ARRAY) < 0 ||
	    decode_strings(d, value, argv, ARGS_MAX, TINE_LAUNCH_ARGS_MAX / 2) < 0)
		return -1;
	return argv->n > 0 ? 0 : decode_fail(d, PROBLEM_OUT_OF_RANGE, "at least one argument");
}

static int
decode_env(struct decode *d, const json_t *value, void *dst)
{
	struct process_args *args =
	    (struct process_args *)(void *)((char *)dst - offsetof(struct process_args, env));
	size_t len = d->len;

	args->env_given = true;
	if (decode_strings(d, value, &args->env, ARGS_MAX, TINE_LAUNCH_ARGS_MAX / 2) < 0)
		return -1;
	for (size_t i = 0; i < args->env.n; i++) {
		if (strchr(args->env.v[i], '=') > args->env.v[i])
			continue;
		decode_push_index(d, i);
		return decode_fail(d, PROBLEM_BAD_VALUE, "NAME=VALUE expected");
	}
	decode_pop(d, len);
	return 0;
}

static int
decode_stdin(struct decode *d, const json_t *value, void *dst)
{
	struct process_args *args =
	    (struct process_args *)(void *)((char *)dst -
					    offsetof(struct process_args, stdin_mode));

	if (json_is_object(value)) {
		args->stdin_mode = STDIN_DATA;
		return decode_blob(d, value, &args->stdin_data, STDIN_MAX);
	}
	if (decode_type(d, value, JSON_STRING) < 0)
		return -1;
	if (strcmp(json_string_value(value), "open") == 0)
		args->stdin_mode = STDIN_OPEN;
	else if (strcmp(json_string_value(value), "closed") == 0)
		args->stdin_mode = STDIN_CLOSED;
	else
		return decode_fail(d, PROBLEM_BAD_VALUE,
				   "\"closed\", \"open\" or {\"data\": ...} expected");
	return 0;
}

struct tty_args {
	uint64_t rows, cols;
};

static const struct field tty_fields[] = {
    F_UINT("rows", struct tty_args, rows, 0, UINT16_MAX),
    F_UINT("cols", struct tty_args, cols, 0, UINT16_MAX),
    F_END,
};

static int
decode_tty(struct decode *d, const json_t *value, void *dst)
{
	struct process_args *args =
	    (struct process_args *)(void *)((char *)dst - offsetof(struct process_args, tty));
	struct tty_args tty = {24, 80};

	if (decode_object(d, value, tty_fields, &tty) < 0)
		return -1;
	args->tty = true;
	args->rows = tty.rows;
	args->cols = tty.cols;
	return 0;
}

static int
decode_policy(struct decode *d, const json_t *value, void *dst)
{
	bool *block = dst;

	if (decode_type(d, value, JSON_STRING) < 0)
		return -1;
	*block = strcmp(json_string_value(value), "block") == 0;
	if (!*block && strcmp(json_string_value(value), "keep-newest") != 0)
		return decode_fail(d, PROBLEM_BAD_VALUE, "\"keep-newest\" or \"block\" expected");
	return 0;
}

/* ---- an executable that is put first ------------------------------------------------------- */

static int
decode_exe_data(struct decode *d, const json_t *value, void *dst)
{
	struct blob *out = dst;
	uint8_t *bytes;
	size_t len;
	bool bad;

	if (decode_type(d, value, JSON_STRING) < 0)
		return -1;
	bytes = base64_decode(json_string_value(value), json_string_length(value), &len, &bad);
	if (bad)
		return decode_fail(d, PROBLEM_BAD_VALUE, "not base64 (RFC 4648, padded)");
	if (bytes == NULL)
		return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	*out = (struct blob){bytes, len};
	return len <= UPLOAD_MAX
		   ? 0
		   : decode_fail(d, PROBLEM_OUT_OF_RANGE, "at most %u bytes", UPLOAD_MAX);
}

static const struct field exe_fields[] = {
    F_STRING("path", struct executable_args, path, 2, PATH_LEN, .required = true,
	     .check = check_guest_path),
    F_FN("data", struct executable_args, data, decode_exe_data, .required = true),
    F_UINT("mode", struct executable_args, mode, 0, 07777),
    F_END,
};

static int
decode_exe(struct decode *d, const json_t *value, void *dst)
{
	struct process_args *args =
	    (struct process_args *)(void *)((char *)dst -
					    offsetof(struct process_args, executable));

	args->executable.given = true;
	return decode_object(d, value, exe_fields, dst);
}

/* ---- the whole ----------------------------------------------------------------------------- */

const struct process_args process_defaults = {.output_limit = OUTBUF_CAP_DEFAULT,
					      .executable.mode = 0755};

const struct field process_fields[] = {
    F_FN("argv", struct process_args, argv, decode_argv, .required = true),
    F_FN("env", struct process_args, env, decode_env),
    F_STRING("path", struct process_args, path, 1, PATH_LEN),
    F_STRING("cwd", struct process_args, cwd, 1, PATH_LEN),
    F_UINT("uid", struct process_args, uid, 0, UINT32_MAX - 1),
    F_UINT("gid", struct process_args, gid, 0, UINT32_MAX - 1),
    F_FN("stdin", struct process_args, stdin_mode, decode_stdin),
    F_FN("tty", struct process_args, tty, decode_tty),
    F_BOOL("merge_stderr", struct process_args, merge),
    F_FN("stdout_policy", struct process_args, output_block, decode_policy),
    F_UINT("output_limit", struct process_args, output_limit, OUTBUF_CAP_MIN, OUTBUF_CAP_MAX),
    F_FN("executable", struct process_args, executable, decode_exe),
    F_BOOL("wait", struct process_args, wait),
    F_UINT("timeout_ms", struct process_args, timeout_ms, 1, TIMEOUT_MAX),
    F_END,
};

void
process_args_free(void *arg)
{
	struct process_args *args = arg;

	strings_free(&args->argv);
	strings_free(&args->env);
	free(args->stdin_data.data);
	free(args->executable.data.data);
}
