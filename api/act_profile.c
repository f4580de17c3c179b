/* SPDX-License-Identifier: ISC */
/* act_profile.c: where a process spends its time: its program counter at the ticks of the clock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/msg.h"
#include "actions.h"
#include "call.h"
#include "sandbox.h"
#include "text.h"

#define LOST UINT64_MAX /* in place of an address: samples that found no room */

static int
decode_action(struct decode *d, const json_t *value, void *dst)
{
	const char *name = json_string_value(value);
	uint32_t *op = dst;

	if (name == NULL)
		return decode_fail(d, PROBLEM_WRONG_TYPE, "\"start\" or \"stop\" expected");
	if (strcmp(name, "start") == 0)
		*op = TINE_PROFILE_START;
	else if (strcmp(name, "stop") == 0)
		*op = TINE_PROFILE_STOP;
	else
		return decode_fail(d, PROBLEM_BAD_VALUE, "\"start\" or \"stop\" expected");
	return 0;
}

const struct field profile_fields[] = {
    F_FN("action", struct profile_args, op, decode_action, .required = true),
    F_END,
};

static void
profile_call(struct request *req, uint32_t op,
	     void (*done)(struct request *req, int errnum, const uint8_t *data, size_t len))
{
	int32_t pid;

	if (process_target(req, &pid))
		request_call(req, TINE_MSG_PROFILE, (uint32_t)pid, &op, sizeof(op), done);
}

static bool
failed(struct request *req, int errnum)
{
	if (errnum == 0)
		return false;
	problem_from_guest(&req->problem,
			   errnum == ESRCH ? PROBLEM_UNKNOWN_PROCESS : PROBLEM_GUEST_REFUSED,
			   errnum, "profile");
	reply_problem(req);
	return true;
}

static void
changed(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	if (!failed(req, errnum))
		reply_empty(req, 204);
}

void
act_profile_post(struct request *req)
{
	const struct profile_args *args = req->args;

	profile_call(req, args->op, changed);
}

/* Most samples first. */
static int
by_count(const void *a, const void *b)
{
	const struct tine_profile_entry *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
				    : (x->pc > y->pc) - (x->pc < y->pc);
}

static json_t *
profile_json(const struct tine_profile_entry *list, size_t n)
{
	json_t *entries = json_array();
	uint64_t samples = 0, lost = 0;

	for (size_t i = 0; i < n; i++) {
		samples += list[i].count; /* wraps if the guest lies, and harms nobody */
		if (list[i].pc == LOST)
			lost += list[i].count;
		else
			json_array_append_new(entries,
					      json_pack("{s:o, s:o}", "pc", u64_json(list[i].pc),
							"count", u64_json(list[i].count)));
	}
	return json_pack("{s:o, s:o, s:o}", "samples", u64_json(samples), "lost", u64_json(lost),
			 "entries", entries);
}

static void
got(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	size_t n = len / sizeof(struct tine_profile_entry);
	struct tine_profile_entry *list;

	if (failed(req, errnum))
		return;
	if ((list = calloc(n + 1, sizeof(*list))) == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	memcpy(list, data, n * sizeof(*list));
	qsort(list, n, sizeof(*list), by_count);
	reply_json(req, 200, profile_json(list, n));
	free(list);
}

void
act_profile_get(struct request *req)
{
	profile_call(req, TINE_PROFILE_READ, got);
}
