/* SPDX-License-Identifier: ISC */
/* act_template.c: templates, and forks of running sandboxes. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "args.h"
#include "call.h"
#include "confine.h"
#include "sandbox.h"
#include "server.h"
#include "template.h"
#include "template_file.h"

/* ---- freezing ------------------------------------------------------------------------------ */

/* The template that a freeze has made, a reference; NULL after a problem reply. */
static struct api_template *
frozen(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	struct api_sandbox *sb = req->sandbox;
	struct tine_error error;

	if (errnum == 0 && sb->frozen != NULL)
		return template_ref(sb->frozen);
	if (errnum != 0 && len == sizeof(error)) {
		memcpy(&error, data, sizeof(error));
		error.type[sizeof(error.type) - 1] = error.detail[sizeof(error.detail) - 1] = '\0';
		problem_from_error(&req->problem, &error);
	} else {
		problem_from_guest(&req->problem, PROBLEM_GUEST_REFUSED, errnum ? errnum : EIO,
				   "freeze");
	}
	reply_problem(req);
	return NULL;
}

/* ---- templates ----------------------------------------------------------------------------- */

const struct field template_fields[] = {
    F_STRING("name", struct template_args, name, 1, SANDBOX_NAME_MAX, .check = check_object_name),
    F_END,
};

static void
templated(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	const struct template_args *args = req->args;
	struct api_template *t = frozen(req, errnum, data, len);
	char location[64];

	if (t == NULL)
		return;
	if (args->name != NULL && template_find(req->server, args->name) != NULL) {
		request_fail(req, PROBLEM_NAME_IN_USE, "\"%s\"", args->name);
	} else {
		template_list_add(t, args->name != NULL ? args->name : "");
		snprintf(location, sizeof(location), "/v1/templates/%s", t->id);
		reply_created(req, location, template_json(t));
	}
	template_unref(t);
}

void
act_template_create(struct request *req)
{
	const struct template_args *args = req->args;

	if (args->name != NULL && template_find(req->server, args->name) != NULL)
		request_fail(req, PROBLEM_NAME_IN_USE, "\"%s\"", args->name);
	else if (req->server->ntemplates >= TEMPLATES_MAX)
		request_fail(req, PROBLEM_TOO_MANY_TEMPLATES, "%zu exist", req->server->ntemplates);
	else
		request_freeze(req, templated);
}

void
act_template_list(struct request *req)
{
	const struct list_args *args = req->args;
	json_t *items = json_array(), *doc;
	struct api_template *t;
	uint64_t after = 0, last = 0;

	if (args->cursor != NULL && parse_uint(args->cursor, UINT64_MAX, &after) < 0) {
		json_decref(items);
		request_bad_param(req, "cursor", "not one of ours");
		return;
	}
	TAILQ_FOREACH (t, &req->server->templates, link) {
		if (t->seq <= after)
			continue;
		if (json_array_size(items) == args->limit)
			break;
		json_array_append_new(items, template_json(t));
		last = t->seq;
	}
	doc = json_pack("{s:o, s:I}", "items", items, "total", (json_int_t)req->server->ntemplates);
	if (t != NULL)
		json_object_set_new(doc, "next", json_sprintf("%llu", (unsigned long long)last));
	reply_json(req, 200, doc);
}

static struct api_template *
named_template(struct request *req)
{
	struct api_template *t = template_find(req->server, req->param[0]);

	if (t == NULL)
		request_fail(req, PROBLEM_UNKNOWN_TEMPLATE, "\"%s\"", req->param[0]);
	return t;
}

void
act_template_get(struct request *req)
{
	struct api_template *t = named_template(req);

	if (t != NULL)
		reply_json(req, 200, template_json(t));
}

void
act_template_forkstat(struct request *req)
{
	struct api_template *t = named_template(req);

	if (t != NULL)
		reply_json(req, 200, forkstat_template_json(t));
}

/* Clones that run keep what they share of it. */
void
act_template_delete(struct request *req)
{
	struct api_template *t = named_template(req);

	if (t == NULL)
		return;
	template_list_remove(t);
	reply_empty(req, 204);
}

/* ---- files --------------------------------------------------------------------------------- */

const struct field template_save_fields[] = {
    F_STRING("path", struct template_file_args, path, 1, PATH_MAX - 1, .required = true),
    F_END,
};

const struct field template_load_fields[] = {
    F_STRING("path", struct template_file_args, path, 1, PATH_MAX - 1, .required = true),
    F_STRING("name", struct template_file_args, name, 1, SANDBOX_NAME_MAX,
	     .check = check_object_name),
    F_END,
};

static void
release_job(void *ctx)
{
	file_job_release(ctx);
}

/* The request waits until its thread is done; path is taken over. */
static void
start_job(struct request *req, char *path, const struct api_template *t,
	  void (*again)(struct request *req))
{
	struct file_jobs *jobs = &req->server->file_jobs;
	struct file_job *job;

	if (jobs->busy >= FILE_JOBS_MAX) {
		free(path);
		request_fail(req, PROBLEM_TOO_MANY_REQUESTS,
			     "%u templates are being saved or loaded", jobs->busy);
		return;
	}
	job = file_job_start(jobs, path, t);
	if (job == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	req->ctx = job;
	req->ctx_free = release_job;
	request_wait(req, &job->changed, again);
}

static void
fail_file(struct request *req, const struct tine_error *error)
{
	problem_from_error(&req->problem, error);
	/* Of another version, kernel or CPU: the file does not fit, no part of this host is
	 * missing. */
	if (error->code == ENOTSUP || error->code == EBADMSG)
		req->problem.status = 422;
	reply_problem(req);
}

static void
saved(struct request *req)
{
	const struct file_job *job = req->ctx;

	if (job->rc == 0)
		reply_empty(req, 204);
	else
		fail_file(req, &job->error);
}

void
act_template_save(struct request *req)
{
	const struct template_file_args *args = req->args;
	struct api_template *t = named_template(req);
	char *path;

	if (t == NULL)
		return;
	path = confine_new_file(req->server->config.rootfs_dir, args->path, "/path", &req->problem);
	if (path == NULL)
		reply_problem(req);
	else
		start_job(req, path, t, saved);
}

/* May there be one more, with this name? */
static bool
may_add(struct request *req, const char *name)
{
	if (name != NULL && template_find(req->server, name) != NULL)
		request_fail(req, PROBLEM_NAME_IN_USE, "\"%s\"", name);
	else if (req->server->ntemplates >= TEMPLATES_MAX)
		request_fail(req, PROBLEM_TOO_MANY_TEMPLATES, "%zu exist", req->server->ntemplates);
	else if (!server_has_files(req->server, &req->problem))
		reply_problem(req);
	else
		return true;
	return false;
}

static void
loaded(struct request *req)
{
	const struct template_file_args *args = req->args;
	struct file_job *job = req->ctx;
	struct tine_template *tmpl = job->tmpl;
	struct api_template *t;
	char location[64];

	if (job->rc != 0) {
		fail_file(req, &job->error);
		return;
	}
	if (!may_add(req, args->name)) /* others may have come meanwhile */
		return;
	job->tmpl = NULL;
	t = template_from_file(req->server, tmpl, &job->error);
	if (t == NULL) {
		fail_file(req, &job->error);
		return;
	}
	template_list_add(t, args->name != NULL ? args->name : "");
	snprintf(location, sizeof(location), "/v1/templates/%s", t->id);
	reply_created(req, location, template_json(t));
	template_unref(t);
}

void
act_template_load(struct request *req)
{
	const struct template_file_args *args = req->args;
	char *path;

	if (!may_add(req, args->name))
		return;
	path = confine_file(req->server->config.rootfs_dir, args->path, "/path", &req->problem);
	if (path == NULL)
		reply_problem(req);
	else
		start_job(req, path, NULL, loaded);
}

/* ---- forks --------------------------------------------------------------------------------- */

static int
decode_names(struct decode *d, const json_t *value, void *dst)
{
	struct strings *names = dst;
	size_t len = d->len;

	if (decode_type(d, value, JSON_ARRAY) < 0 ||
	    decode_strings(d, value, names, FORK_MAX, FORK_MAX * (SANDBOX_NAME_MAX + 1)) < 0)
		return -1;
	for (size_t i = 0; i < names->n; i++) {
		decode_push_index(d, i);
		if (check_object_name(d, names->v[i]) < 0)
			return -1;
		decode_pop(d, len);
	}
	return 0;
}

const struct fork_args fork_defaults = {.count = 1, .timeout_ms = 30000};

const struct field fork_query[] = {
    F_UINT("timeout_ms", struct fork_args, timeout_ms, 0, 600000),
    F_END,
};

const struct field fork_fields[] = {
    F_UINT("count", struct fork_args, count, 1, FORK_MAX),
    F_FN("names", struct fork_args, names, decode_names),
    F_END,
};

void
fork_args_free(void *arg)
{
	struct fork_args *args = arg;

	strings_free(&args->names);
}

struct clones { /* ctx of a fork */
	struct api_sandbox *sb[FORK_MAX];
	size_t n;
	uint64_t pause_ns;
};

static void
clones_free(void *ctx)
{
	struct clones *clones = ctx;

	for (size_t i = 0; i < clones->n; i++)
		api_sandbox_release(clones->sb[i]);
	free(clones);
}

static void
reply_clones(struct request *req, const struct clones *clones)
{
	json_t *items = json_array();

	for (size_t i = 0; i < clones->n; i++)
		json_array_append_new(items, api_sandbox_json(clones->sb[i]));
	reply_json(
	    req, 201,
	    json_pack("{s:o, s:I}", "items", items, "pause_ns", (json_int_t)clones->pause_ns));
}

/* Until none of them is starting any more; each tells its state. */
static void
wait_clones(struct request *req)
{
	struct clones *clones = req->ctx;

	for (size_t i = 0; i < clones->n && !req->timed_out; i++) {
		if (clones->sb[i]->state != API_STARTING)
			continue;
		request_wait(req, &clones->sb[i]->changed, wait_clones);
		return;
	}
	reply_clones(req, clones);
}

/* All or none. */
static int
spawn_clones(struct request *req, struct api_template *t, struct clones *clones)
{
	const struct fork_args *args = req->args;
	struct sandbox_args sandbox = {.events = req->sandbox->events};

	while (clones->n < args->count) {
		struct api_sandbox *sb;

		sandbox.name = clones->n < args->names.n ? args->names.v[clones->n] : NULL;
		if (api_sandbox_create(req->server, &sandbox, t, &sb, &req->problem) < 0)
			break;
		clones->sb[clones->n++] = api_sandbox_hold(sb);
	}
	if (clones->n == args->count)
		return 0;
	for (size_t i = 0; i < clones->n; i++)
		api_sandbox_delete(clones->sb[i]);
	return -1;
}

static void
forked(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	const struct fork_args *args = req->args;
	struct api_template *t = frozen(req, errnum, data, len);
	struct clones *clones;

	if (t == NULL)
		return;
	clones = calloc(1, sizeof(*clones));
	if (clones == NULL) {
		template_unref(t);
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	req->ctx = clones;
	req->ctx_free = clones_free;
	clones->pause_ns = t->pause_ns;
	if (spawn_clones(req, t, clones) < 0) {
		reply_problem(req);
	} else {
		request_deadline(req, args->timeout_ms);
		wait_clones(req);
	}
	template_unref(t);
}

static bool
name_taken(const struct request *req, size_t which)
{
	const struct fork_args *args = req->args;
	const char *name = args->names.v[which];

	for (size_t i = 0; i < which; i++)
		if (strcmp(args->names.v[i], name) == 0)
			return true;
	return server_find_name(req->server, name) != NULL;
}

void
act_sandbox_fork(struct request *req)
{
	const struct fork_args *args = req->args;
	struct server *server = req->server;

	/* All found out before the sandbox is made to stand still. */
	if (args->names.n > args->count) {
		request_fail(req, PROBLEM_BAD_VALUE, "%zu names for %llu clones", args->names.n,
			     (unsigned long long)args->count);
		return;
	}
	for (size_t i = 0; i < args->names.n; i++) {
		if (!name_taken(req, i))
			continue;
		snprintf(req->problem.pointer, sizeof(req->problem.pointer), "/names/%zu", i);
		req->problem.has_pointer = true;
		request_fail(req, PROBLEM_NAME_IN_USE, "\"%s\"", args->names.v[i]);
		return;
	}
	if (server->nsandboxes + args->count > server->config.max_sandboxes) {
		request_fail(req, PROBLEM_TOO_MANY_SANDBOXES,
			     "%zu sandboxes exist, at most %zu can", server->nsandboxes,
			     server->config.max_sandboxes);
		return;
	}
	request_freeze(req, forked);
}
