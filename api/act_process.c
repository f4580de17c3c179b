/* SPDX-License-Identifier: ISC */
/* act_process.c: the process tree, signals, waits, window sizes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "call.h"
#include "names.h"
#include "sandbox.h"
#include "server.h"
#include "text.h"

/* ---- what the kernel says of a process ----------------------------------------------------- */

static void
put_flags(json_t *doc, uint32_t flags)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
	    {TINE_PROC_AFORK, "afork"},    {TINE_PROC_SYSTEM, "system"},
	    {TINE_PROC_TRACED, "traced"},  {TINE_PROC_SUGID, "sugid"},
	    {TINE_PROC_PLEDGE, "pledged"}, {TINE_PROC_CONTROLT, "controlling_tty"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_object_set_new(doc, names[i].name, json_boolean(flags & names[i].bit));
}

static json_t *
procinfo_json(const struct tine_procinfo *pi)
{
	char state[2] = {pi->state > 0x20 && pi->state < 0x7f ? (char)pi->state : '?', '\0'};
	char *comm = text_printable((const uint8_t *)pi->comm, strnlen(pi->comm, 16));
	json_t *doc =
	    json_pack("{s:i, s:i, s:i, s:i, s:s, s:s}", "pid", pi->pid, "ppid", pi->ppid, "pgid",
		      pi->pgid, "sid", pi->sid, "state", state, "comm", comm != NULL ? comm : "?");

	free(comm);
#define MEMBER(name) json_object_set_new(doc, #name, u64_json(pi->name))
	MEMBER(uid);
	MEMBER(gid);
	MEMBER(euid);
	MEMBER(egid);
	MEMBER(start_ns);
	MEMBER(utime_ns);
	MEMBER(stime_ns);
	MEMBER(vsize);
	MEMBER(rss);
#undef MEMBER
	json_object_set_new(doc, "threads", u64_json(pi->nthreads));
	if (pi->launch != 0)
		json_object_set_new(doc, "launch", u64_json(pi->launch));
	put_flags(doc, pi->flags);
	return doc;
}

static int
by_pid(const void *a, const void *b)
{
	int32_t x = ((const struct tine_procinfo *)a)->pid;
	int32_t y = ((const struct tine_procinfo *)b)->pid;

	return (x > y) - (x < y);
}

/* A sorted copy of a reply to TINE_MSG_PROCS, malloc'd; NULL after a problem reply. */
static struct tine_procinfo *
procs_copy(struct request *req, int errnum, const uint8_t *data, size_t len, size_t *n)
{
	struct tine_procinfo *list;

	if (errnum != 0) {
		problem_from_guest(&req->problem, PROBLEM_GUEST_REFUSED, errnum, "processes");
		reply_problem(req);
		return NULL;
	}
	if (len % sizeof(*list) != 0) {
		api_sandbox_violation(req->sandbox, "a process list of %zu bytes", len);
		api_sandbox_problem(req->sandbox, &req->problem);
		reply_problem(req);
		return NULL;
	}
	list = malloc(len + 1);
	if (list == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return NULL;
	}
	*n = len / sizeof(*list);
	if (len > 0)
		memcpy(list, data, len);
	qsort(list, *n, sizeof(*list), by_pid);
	return list;
}

/* ---- list ---------------------------------------------------------------------------------- */

const struct field procs_query[] = {
    F_UINT("limit", struct list_args, limit, 1, 1000),
    F_STRING("cursor", struct list_args, cursor, 1, 32),
    F_BOOL("launched", struct list_args, launched),
    F_END,
};

static json_t *
launched_json(const struct api_sandbox *sb)
{
	json_t *list = json_array();
	struct api_process *p;

	TAILQ_FOREACH (p, &sb->processes, link)
		json_array_append_new(list, process_json(p));
	return list;
}

static void
reply_list(struct request *req, const struct tine_procinfo *list, size_t n)
{
	const struct list_args *args = req->args;
	json_t *items = json_array(), *doc;
	uint64_t after = 0;
	size_t i;

	if (args->cursor != NULL)
		parse_uint(args->cursor, INT32_MAX, &after); /* act_process_list() has checked it */
	for (i = 0; i < n && json_array_size(items) < args->limit; i++)
		if (args->cursor == NULL || list[i].pid > (int64_t)after)
			json_array_append_new(items, procinfo_json(&list[i]));
	doc = json_pack("{s:o, s:I}", "items", items, "total", (json_int_t)n);
	if (i < n)
		json_object_set_new(doc, "next", json_sprintf("%d", list[i - 1].pid));
	if (args->launched)
		json_object_set_new(doc, "launched", launched_json(req->sandbox));
	reply_json(req, 200, doc);
}

static void
listed(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	size_t n = 0;
	struct tine_procinfo *list = procs_copy(req, errnum, data, len, &n);

	if (list == NULL)
		return;
	reply_list(req, list, n);
	free(list);
}

void
act_process_list(struct request *req)
{
	const struct list_args *args = req->args;
	uint64_t after;

	if (args->cursor != NULL && parse_uint(args->cursor, INT32_MAX, &after) < 0) {
		request_bad_param(req, "cursor", "not one of ours");
		return;
	}
	if (req->sandbox->state == API_READY)
		request_call(req, TINE_MSG_PROCS, 0, NULL, 0, listed);
	else
		reply_list(req, NULL, 0); /* what was launched is still known */
}

/* ---- one process --------------------------------------------------------------------------- */

static void
reply_one(struct request *req, const struct tine_procinfo *list, size_t n)
{
	struct api_process *p = process_lookup(req->sandbox, req->param[1]);
	json_t *doc = json_object();
	uint64_t pid = 0;

	if (p != NULL) {
		json_object_set_new(doc, "launched", process_json(p));
		pid = process_ended(p) ? 0 : (uint64_t)p->pid;
	} else if (parse_uint(req->param[1], INT32_MAX, &pid) < 0) {
		pid = 0;
	}
	for (size_t i = 0; i < n && pid != 0; i++)
		if (list[i].pid == (int32_t)pid)
			json_object_set_new(doc, "info", procinfo_json(&list[i]));
	if (json_object_size(doc) > 0) {
		reply_json(req, 200, doc);
		return;
	}
	json_decref(doc);
	request_fail(req, PROBLEM_UNKNOWN_PROCESS, "\"%s\"", req->param[1]);
}

static void
got_one(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	size_t n = 0;
	struct tine_procinfo *list = procs_copy(req, errnum, data, len, &n);

	if (list == NULL)
		return;
	reply_one(req, list, n);
	free(list);
}

void
act_process_get(struct request *req)
{
	if (req->sandbox->state == API_READY)
		request_call(req, TINE_MSG_PROCS, 0, NULL, 0, got_one);
	else
		reply_one(req, NULL, 0);
}

/* ---- signal -------------------------------------------------------------------------------- */

static int
decode_signal(struct decode *d, const json_t *value, void *dst)
{
	int *sig = dst;

	if (json_is_integer(value)) {
		json_int_t n = json_integer_value(value);

		if (n < 0 || n > 64)
			return decode_fail(d, PROBLEM_OUT_OF_RANGE, "%lld is not within 0..64",
					   (long long)n);
		*sig = (int)n;
		return 0;
	}
	if (!json_is_string(value))
		return decode_fail(d, PROBLEM_WRONG_TYPE, "signal name or number expected");
	*sig = signal_number(json_string_value(value));
	return *sig >= 0 ? 0 : decode_fail(d, PROBLEM_BAD_VALUE, "not the name of a signal");
}

const struct field signal_fields[] = {
    F_FN("signal", struct signal_args, sig, decode_signal, .required = true),
    F_BOOL("group", struct signal_args, group),
    F_END,
};

static void
signalled(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	if (errnum == 0) {
		reply_empty(req, 204);
		return;
	}
	problem_from_guest(&req->problem,
			   errnum == ESRCH ? PROBLEM_UNKNOWN_PROCESS : PROBLEM_GUEST_REFUSED,
			   errnum, "signal");
	reply_problem(req);
}

void
act_process_signal(struct request *req)
{
	const struct signal_args *args = req->args;
	struct api_process *p = process_lookup(req->sandbox, req->param[1]);
	struct tine_signal msg = {.sig = args->sig};
	uint64_t pid = 0;

	if (req->param[1][0] == 'l') { /* a handle means that launch and never another process */
		if (p != NULL && process_ended(p)) {
			request_fail(req, PROBLEM_PROCESS_EXITED, "it is %s",
				     process_state_name(p->state));
			return;
		}
		pid = p != NULL ? (uint64_t)p->pid : 0;
	} else if (parse_uint(req->param[1], INT32_MAX, &pid) < 0) {
		pid = 0;
	}
	if (pid == 0) {
		request_fail(req, PROBLEM_UNKNOWN_PROCESS, "\"%s\"", req->param[1]);
		return;
	}
	/* kill(-1) is not group 1 but every process. */
	msg.pid = args->group && pid > 1 ? -(int32_t)pid : (int32_t)pid;
	request_call(req, TINE_MSG_SIGNAL, 0, &msg, sizeof(msg), signalled);
}

/* ---- wait and window size ------------------------------------------------------------------ */

const struct wait_args wait_defaults = {.timeout_ms = UINT64_MAX}; /* for ever */

const struct field wait_query[] = {
    F_UINT("timeout_ms", struct wait_args, timeout_ms, 0, 3600000),
    F_END,
};

static void
wait_again(struct request *req)
{
	json_t *doc;

	if (!process_ended(req->process) && !req->timed_out) {
		request_wait(req, &req->process->changed, wait_again);
		return;
	}
	doc = process_exit_json(req->process);
	json_object_set_new(doc, "launch", json_integer(req->process->node.id));
	if (req->process->pid != 0)
		json_object_set_new(doc, "pid", json_integer(req->process->pid));
	reply_json(req, 200, doc);
}

void
act_process_wait(struct request *req)
{
	const struct wait_args *args = req->args;

	if (args->timeout_ms != UINT64_MAX)
		request_deadline(req, args->timeout_ms);
	wait_again(req);
}

const struct field winsize_fields[] = {
    F_UINT("rows", struct winsize_args, rows, 0, UINT16_MAX, .required = true),
    F_UINT("cols", struct winsize_args, cols, 0, UINT16_MAX, .required = true),
    F_END,
};

void
act_process_winsize(struct request *req)
{
	const struct winsize_args *args = req->args;
	struct api_process *p = req->process;

	if (!p->tty) {
		request_fail(req, PROBLEM_NO_TTY, "it was launched without \"tty\"");
		return;
	}
	if (process_ended(p)) {
		request_fail(req, PROBLEM_PROCESS_EXITED, "it is %s", process_state_name(p->state));
		return;
	}
	api_sandbox_send(req->sandbox, TINE_MSG_WINSIZE, p->node.id,
			 (uint32_t)(args->rows << 16 | args->cols), NULL, 0);
	reply_empty(req, 204);
}
