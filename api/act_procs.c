/* SPDX-License-Identifier: ISC */
/* act_procs.c: the process tree of a sandbox. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "call.h"
#include "procs.h"
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

/* One more than the limit was asked for: whether it came tells if there is a next page. */
static void
reply_list(struct request *req, const struct tine_procinfo *list, size_t n)
{
	const struct list_args *args = req->args;
	json_t *items = json_array(), *doc = json_pack("{s:o}", "items", items);

	for (size_t i = 0; i < n && i < args->limit; i++)
		json_array_append_new(items, procinfo_json(&list[i]));
	if (n > args->limit)
		json_object_set_new(doc, "next", json_sprintf("%d", list[args->limit - 1].pid));
	if (args->launched)
		json_object_set_new(doc, "launched", launched_json(req->sandbox));
	reply_json(req, 200, doc);
}

void
act_process_list(struct request *req)
{
	const struct list_args *args = req->args;
	uint64_t after = 0;

	if (args->cursor != NULL && parse_uint(args->cursor, INT32_MAX, &after) < 0)
		request_bad_param(req, "cursor", "not one of ours");
	else if (req->sandbox->state == API_READY)
		procs_fetch(req, (int32_t)after, (size_t)args->limit + 1, reply_list);
	else
		reply_list(req, NULL, 0); /* what was launched is still known */
}

/* ---- one process --------------------------------------------------------------------------- */

/* The pid that a path means now, 0 if none. */
static int32_t
live_pid(struct request *req)
{
	struct api_process *p = process_lookup(req->sandbox, req->param[1]);
	uint64_t pid = 0;

	if (p != NULL)
		return p->state == PROCESS_RUNNING ? p->pid : 0;
	return parse_uint(req->param[1], INT32_MAX, &pid) == 0 ? (int32_t)pid : 0;
}

static void
reply_one(struct request *req, const struct tine_procinfo *list, size_t n)
{
	struct api_process *p = process_lookup(req->sandbox, req->param[1]);
	json_t *doc = json_object();

	if (p != NULL)
		json_object_set_new(doc, "launched", process_json(p));
	if (n > 0 && list[0].pid == live_pid(req))
		json_object_set_new(doc, "info", procinfo_json(&list[0]));
	if (json_object_size(doc) > 0) {
		reply_json(req, 200, doc);
		return;
	}
	json_decref(doc);
	request_fail(req, PROBLEM_UNKNOWN_PROCESS, "\"%s\"", req->param[1]);
}

void
act_process_get(struct request *req)
{
	int32_t pid = live_pid(req);

	if (req->sandbox->state == API_READY && pid > 0)
		procs_fetch(req, pid - 1, 1, reply_one);
	else
		reply_one(req, NULL, 0);
}
