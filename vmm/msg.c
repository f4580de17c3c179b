/* SPDX-License-Identifier: ISC */
/* msg.c: the rules that a single record header must keep, by direction; building of LAUNCH. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm.h"

#define BYTES 0xffffffffu /* any length, may be fragmented */

/* What a message of a type looks like. */
static const struct msg_rule {
	const char *name; /* NULL = no such type */
	bool to_guest, to_host;
	bool needs_id;
	uint32_t len; /* exact payload length, or BYTES */
} rules[] = {
    [TINE_MSG_LAUNCH] = {"LAUNCH", true, false, true, BYTES},
    [TINE_MSG_STDIN] = {"STDIN", true, false, true, BYTES},
    [TINE_MSG_CREDIT] = {"CREDIT", true, true, true, sizeof(uint32_t)},
    [TINE_MSG_WINSIZE] = {"WINSIZE", true, false, true, 0},
    [TINE_MSG_SIGNAL] = {"SIGNAL", true, false, true, sizeof(struct tine_signal)},
    [TINE_MSG_PUT] = {"PUT", true, false, true, BYTES},
    [TINE_MSG_SYSCTL] = {"SYSCTL", true, false, true, BYTES},
    [TINE_MSG_PROCS] = {"PROCS", true, false, true, 0},
    [TINE_MSG_EVENTS] = {"EVENTS", true, false, true, 0},
    [TINE_MSG_FREEZE] = {"FREEZE", true, false, true, sizeof(struct tine_freeze)},
    [TINE_MSG_PROFILE] = {"PROFILE", true, false, true, sizeof(uint32_t)},
    [TINE_MSG_READY] = {"READY", false, true, false, 0},
    [TINE_MSG_REPLY] = {"REPLY", false, true, true, BYTES},
    [TINE_MSG_OUT] = {"OUT", false, true, true, BYTES},
    [TINE_MSG_EXITED] = {"EXITED", false, true, true, sizeof(struct tine_exited)},
    [TINE_MSG_EVENT] = {"EVENT", false, true, false, sizeof(struct tine_event)},
    [TINE_MSG_LOG] = {"LOG", false, true, false, BYTES},
    [TINE_MSG_VMFORK] = {"VMFORK", false, true, false, 0},
};

static int
check_fields(const struct tine_msg *hdr, const struct msg_rule *rule, struct tine_error *error)
{
	bool more = (hdr->flags & TINE_MSG_MORE) != 0;

	if ((hdr->flags & ~TINE_MSG_MORE) != 0)
		return tine_error_set(error, EPROTO, "guest-protocol", "%s message with flags %#x",
				      rule->name, hdr->flags);
	if (rule->needs_id && hdr->id == 0)
		return tine_error_set(error, EPROTO, "guest-protocol", "%s message without an id",
				      rule->name);
	if (rule->len == BYTES ? more && hdr->len == 0 : more || hdr->len != rule->len)
		return tine_error_set(error, EPROTO, "guest-protocol",
				      "%s message with %u bytes of payload%s", rule->name, hdr->len,
				      more ? " and more to come" : "");
	if (hdr->type == TINE_MSG_OUT && hdr->arg != TINE_STREAM_STDOUT &&
	    hdr->arg != TINE_STREAM_STDERR)
		return tine_error_set(error, EPROTO, "guest-protocol", "output on stream %u",
				      hdr->arg);
	return 0;
}

int
msg_check(const struct tine_msg *hdr, bool to_guest, struct tine_error *error)
{
	const struct msg_rule *rule = NULL;

	if (hdr->type < sizeof(rules) / sizeof(rules[0]))
		rule = &rules[hdr->type];
	if (rule == NULL || rule->name == NULL || !(to_guest ? rule->to_guest : rule->to_host))
		return tine_error_set(error, EPROTO, "guest-protocol",
				      "message of type %u, which the %s does not send", hdr->type,
				      to_guest ? "host" : "guest");
	if (hdr->len > TINE_MSG_FRAG)
		return tine_error_set(error, EPROTO, "guest-protocol",
				      "%s record of %u bytes; %u are the limit", rule->name,
				      hdr->len, TINE_MSG_FRAG);
	return check_fields(hdr, rule, error);
}

int
ready_check(const char *const *params, uint32_t arg, struct tine_error *error)
{
	uint32_t number = arg >> 16, n = 0;
	int err = (int)(arg & 0xffff);

	if (arg == 0)
		return 0;
	while (params != NULL && params[n] != NULL && n < number)
		n++;
	if (number == 0 || n < number || err == 0)
		return tine_error_set(error, EPROTO, "guest-protocol", "READY message with arg %#x",
				      arg);
	return tine_error_set(error, err, "sysctl", "kernel variable %s: %s", params[number - 1],
			      err == ENOENT   ? "there is none of this name"
			      : err == EPERM  ? "it cannot be set"
			      : err == EINVAL ? "it does not take this value"
					      : strerror(err));
}

void
launch_failure(const char *program, const struct sandbox_msg *msg, struct tine_error *error)
{
	int len = msg->len < LAUNCH_WHY_MAX ? (int)msg->len : (int)LAUNCH_WHY_MAX;

	tine_error_set(error, (int)msg->arg, "launch-failed", "%s: %.*s%s%s", program, len,
		       (const char *)msg->payload, len > 0 ? ": " : "", strerror((int)msg->arg));
}

static size_t
strings_size(const char *const *v, uint32_t *count)
{
	size_t size = 0;

	*count = 0;
	for (; v != NULL && *v != NULL; v++, (*count)++)
		size += strlen(*v) + 1;
	return size;
}

static uint8_t *
put_string(uint8_t *p, const char *s)
{
	size_t n = strlen(s) + 1;

	memcpy(p, s, n);
	return p + n;
}

int
launch_encode(const struct launch_spec *spec, uint8_t **out, size_t *len, struct tine_error *error)
{
	const char *path = spec->path != NULL ? spec->path : "";
	const char *cwd = spec->cwd != NULL ? spec->cwd : "";
	struct tine_launch head = {
	    .flags = spec->flags,
	    .uid = spec->uid,
	    .gid = spec->gid,
	    .rows = spec->rows,
	    .cols = spec->cols,
	};
	size_t args = strings_size(spec->argv, &head.argc) + strings_size(spec->env, &head.envc);
	size_t names = strlen(path) + strlen(cwd) + 2;
	uint8_t *p;

	if (head.argc == 0)
		return tine_error_set(error, EINVAL, "empty-argv", "argv is empty");
	if (path[0] == '\0' && spec->argv[0][0] == '\0')
		return tine_error_set(error, EINVAL, "empty-argv", "the program has no name");
	if (args > TINE_LAUNCH_ARGS_MAX || names > TINE_LAUNCH_ARGS_MAX)
		return tine_error_set(error, E2BIG, "arguments-too-long",
				      "arguments and environment take %zu bytes; %u are the limit",
				      args, TINE_LAUNCH_ARGS_MAX);
	head.strings = (uint32_t)(names + args);
	p = malloc(sizeof(head) + head.strings);
	if (p == NULL)
		return tine_error_set(error, ENOMEM, "no-memory", "out of memory");
	*out = p;
	*len = sizeof(head) + head.strings;
	memcpy(p, &head, sizeof(head));
	p = put_string(put_string(p + sizeof(head), path), cwd);
	for (uint32_t i = 0; i < head.argc; i++)
		p = put_string(p, spec->argv[i]);
	for (uint32_t i = 0; i < head.envc; i++)
		p = put_string(p, spec->env[i]);
	return 0;
}
