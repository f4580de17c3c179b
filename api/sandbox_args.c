/* SPDX-License-Identifier: ISC */
/* sandbox_args.c: decode the body that asks for a sandbox. */
#include "args.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/boot.h"
#include "sandbox.h"

#define PATH_LEN 4095u
#define FILES_MAX 64u
#define TIMEOUT_MAX 600000u

static bool
all_of(const char *text, const char *extra)
{
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && strchr(extra, *text) == NULL)
			return false;
	return true;
}

/* A name may stand wherever an id may, so it must not look like one. */
int
check_object_name(struct decode *d, const char *name)
{
	if (!isalnum((unsigned char)name[0]) || !all_of(name, "._-"))
		return decode_fail(
		    d, PROBLEM_BAD_VALUE,
		    "a name has letters, digits, \".\", \"_\" and \"-\", a letter or digit first");
	if (strlen(name) == SANDBOX_ID_LEN && strspn(name, "0123456789abcdef") == SANDBOX_ID_LEN)
		return decode_fail(d, PROBLEM_BAD_VALUE, "a name must not look like an id");
	return 0;
}

static int
check_hostname(struct decode *d, const char *name)
{
	if (!all_of(name, ".-") || name[0] == '-' || name[0] == '.')
		return decode_fail(d, PROBLEM_BAD_VALUE, "not a host name");
	return 0;
}

int
check_guest_path(struct decode *d, const char *path)
{
	if (path[0] != '/' || path[1] == '\0' || strstr(path, "//") != NULL)
		return decode_fail(d, PROBLEM_BAD_VALUE, "an absolute path of a file expected");
	for (const char *p = path; (p = strstr(p, "/..")) != NULL; p += 3)
		if (p[3] == '/' || p[3] == '\0')
			return decode_fail(d, PROBLEM_BAD_VALUE, "a path without \"..\" expected");
	return 0;
}

/* ---- sysctls: {"kern.maxproc": 100} -------------------------------------------------------- */

static int
sysctl_text(struct decode *d, const char *name, const json_t *value, char **out)
{
	int n;

	if (*name == '\0' || strlen(name) > 64 || !all_of(name, "._-"))
		return decode_fail(d, PROBLEM_BAD_VALUE, "not the name of a sysctl variable");
	if (json_is_integer(value))
		n = asprintf(out, "%s=%lld", name, (long long)json_integer_value(value));
	else if (json_is_string(value) && strpbrk(json_string_value(value), "\r\n") == NULL)
		n = asprintf(out, "%s=%s", name, json_string_value(value));
	else
		return decode_fail(d, PROBLEM_WRONG_TYPE, "integer or one-line string expected");
	return n < 0 ? problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory") : 0;
}

static int
decode_sysctls(struct decode *d, const json_t *value, void *dst)
{
	struct strings *out = dst;
	size_t len = d->len;
	const char *name;
	json_t *member;
	char *text = NULL;

	if (decode_type(d, value, JSON_OBJECT) < 0)
		return -1;
	json_object_foreach ((json_t *)(uintptr_t)value, name, member) {
		decode_push(d, name);
		if (sysctl_text(d, name, member, &text) < 0)
			return -1;
		if (strings_add(out, text) < 0)
			return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
		if (out->bytes > TINE_BOOT_PARAMS_MAX)
			return decode_fail(d, PROBLEM_OUT_OF_RANGE, "more than %u bytes in all",
					   TINE_BOOT_PARAMS_MAX);
		decode_pop(d, len);
	}
	return 0;
}

/* ---- vmfork: what the daemon counts, and what the kernel is told ----------------------------- */

static int
decode_vmfork(struct decode *d, const json_t *value, void *dst)
{
	struct sandbox_args *args =
	    (struct sandbox_args *)(void *)((char *)dst - offsetof(struct sandbox_args, vmfork));
	char *text;

	if (decode_type(d, value, JSON_INTEGER) < 0)
		return -1;
	if (json_integer_value(value) < 0 || json_integer_value(value) > (json_int_t)VMFORKS_MAX)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "%lld is not within 0..%u",
				   (long long)json_integer_value(value), VMFORKS_MAX);
	args->vmfork = (uint64_t)json_integer_value(value);
	if (asprintf(&text, "kern.vmfork=%u", (unsigned)args->vmfork) < 0 ||
	    strings_add(&args->sysctls, text) < 0)
		return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	return 0;
}

/* ---- files: [{"host_path": ..., "guest_path": ..., "mode": ...}] ---------------------------- */

struct file_args {
	const char *host_path, *guest_path;
	uint64_t mode;
};

static const struct field file_fields[] = {
    F_STRING("host_path", struct file_args, host_path, 1, PATH_LEN, .required = true),
    F_STRING("guest_path", struct file_args, guest_path, 2, PATH_LEN, .required = true,
	     .check = check_guest_path),
    F_UINT("mode", struct file_args, mode, 0, 07777),
    F_END,
};

static int
decode_files(struct decode *d, const json_t *value, void *dst)
{
	struct sandbox_args *args =
	    (struct sandbox_args *)(void *)((char *)dst - offsetof(struct sandbox_args, files));
	size_t i, len = d->len;
	json_t *item;

	if (decode_type(d, value, JSON_ARRAY) < 0)
		return -1;
	if (json_array_size(value) > FILES_MAX)
		return decode_fail(d, PROBLEM_OUT_OF_RANGE, "at most %u files", FILES_MAX);
	args->files = calloc(json_array_size(value) + 1, sizeof(*args->files));
	if (args->files == NULL)
		return problem_set(d->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	json_array_foreach (value, i, item) {
		struct file_args file = {0};

		decode_push_index(d, i);
		if (decode_object(d, item, file_fields, &file) < 0)
			return -1;
		decode_pop(d, len);
		args->files[args->nfiles++] = (struct rootfs_file){.host_path = file.host_path,
								   .guest_path = file.guest_path,
								   .mode = (unsigned)file.mode};
	}
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

const struct sandbox_args sandbox_defaults = {.wait = "ready", .timeout_ms = 30000};

const struct field sandbox_query[] = {
    F_STRING("wait", struct sandbox_args, wait, 4, 5),
    F_UINT("timeout_ms", struct sandbox_args, timeout_ms, 0, TIMEOUT_MAX),
    F_END,
};

const struct field sandbox_fields[] = {
    F_STRING("name", struct sandbox_args, name, 1, SANDBOX_NAME_MAX, .check = check_object_name),
    F_STRING("template", struct sandbox_args, template, 1, SANDBOX_NAME_MAX),
    F_STRING("rootfs", struct sandbox_args, rootfs, 1, PATH_LEN),
    F_STRING("hostname", struct sandbox_args, hostname, 1, TINE_HOSTNAME_MAX - 1,
	     .check = check_hostname),
    F_UINT("memory_mib", struct sandbox_args, memory_mib, TINE_RAM_MIN_MIB, TINE_RAM_MAX_MIB),
    F_FN("vmfork", struct sandbox_args, vmfork, decode_vmfork),
    F_BOOL("events", struct sandbox_args, events),
    F_FN("sysctls", struct sandbox_args, sysctls, decode_sysctls),
    F_FN("files", struct sandbox_args, files, decode_files),
    F_END,
};

void
sandbox_args_free(void *arg)
{
	struct sandbox_args *args = arg;

	strings_free(&args->sysctls);
	free(args->files);
}
