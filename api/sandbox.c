/* SPDX-License-Identifier: ISC */
/* sandbox.c: make, end and describe sandboxes. */
#include "sandbox.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "args.h"
#include "call.h"
#include "clock.h"
#include "confine.h"
#include "log.h"
#include "server.h"
#include "template.h"
#include "text.h"

/* ---- references ---------------------------------------------------------------------------- */

struct api_sandbox *
api_sandbox_hold(struct api_sandbox *sb)
{
	sb->refs++;
	return sb;
}

static void
sandbox_free(struct api_sandbox *sb)
{
	struct api_process *p;

	while ((p = TAILQ_FIRST(&sb->processes)) != NULL)
		process_unlist(p);
	sandbox_io_stop(sb);
	if (sb->vm != NULL)
		sandbox_destroy(sb->vm);
	if (sb->origin != NULL)
		template_unref(sb->origin);
	free(sb->before_reset);
	klog_fini(&sb->log);
	free(sb->rootfs);
	free(sb->hostname);
	strings_free(&sb->sysctls);
	free(sb);
}

void
api_sandbox_release(struct api_sandbox *sb)
{
	if (--sb->refs == 0)
		sandbox_free(sb);
}

/* ---- creation ------------------------------------------------------------------------------ */

static int
sandbox_config(const struct sandbox_args *args, struct sandbox_config *config)
{
	*config = (struct sandbox_config){.rootfs = args->rootfs,
					  .files = args->files,
					  .nfiles = args->nfiles,
					  .memory_mib = args->memory_mib,
					  .hostname = args->hostname,
					  .params = (const char *const *)args->sysctls.v,
					  .events = args->events};
	if (args->id != NULL)
		memcpy(config->id, args->id, sizeof(config->id));
	else if (getrandom(config->id, sizeof(config->id), 0) != sizeof(config->id))
		return -1;
	return 0;
}

static struct api_sandbox *
sandbox_new(struct server *server, const struct sandbox_args *args, const uint8_t id[16])
{
	struct api_sandbox *sb = calloc(1, sizeof(*sb));

	if (sb == NULL)
		return NULL;
	sb->server = server;
	sb->refs = 1;
	sb->memory_mib = args->memory_mib;
	sb->events = args->events;
	sb->vmforks_left = args->vmfork;
	sb->created_ns = realtime_ns();
	sb->requested_ns = sb->spawned_ns = loop_now_ns();
	sb->rootfs = args->rootfs != NULL ? strdup(args->rootfs) : NULL;
	sb->hostname = args->hostname != NULL ? strdup(args->hostname) : NULL;
	snprintf(sb->name, sizeof(sb->name), "%s", args->name != NULL ? args->name : "");
	for (size_t i = 0; i < SANDBOX_ID_LEN / 2; i++)
		sprintf(sb->id + 2 * i, "%02x", id[i]);
	TAILQ_INIT(&sb->processes);
	TAILQ_INIT(&sb->feeders);
	LIST_INIT(&sb->changed);
	for (size_t i = 0; i < args->sysctls.n; i++) {
		char *copy = strdup(args->sysctls.v[i]);

		if (copy == NULL || strings_add(&sb->sysctls, copy) < 0) {
			api_sandbox_release(sb);
			return NULL;
		}
	}
	return sb;
}

static int
check_limits(struct server *server, const struct sandbox_args *args, struct problem *problem)
{
	if (server->nsandboxes >= server->config.max_sandboxes)
		return problem_set(problem, PROBLEM_TOO_MANY_SANDBOXES,
				   "%zu sandboxes exist, which is the limit", server->nsandboxes);
	if (args->name != NULL && server_find_name(server, args->name) != NULL)
		return problem_set(problem, PROBLEM_NAME_IN_USE, "\"%s\"", args->name);
	return server_has_files(server, problem) ? 0 : -1;
}

/* From a booted kernel of that memory size if there is one; else, or if that does not work, boot.
 */
static int
spawn_new(struct api_sandbox *sb, struct sandbox_config *config, struct tine_error *error)
{
	struct base *base = &sb->server->base;
	struct sandbox_config clone = *config;

	clone.template = base_get(base, config->memory_mib);
	if (clone.template != NULL) {
		clone.memory_mib = 0; /* the template's */
		clone.pool = base->pool;
		if (sandbox_spawn(&clone, &sb->vm, error) == 0)
			return 0;
		log_info("sandbox %s: not cloned, booting: %s", sb->id, error->detail);
	}
	sb->booted = true;
	return sandbox_spawn(config, &sb->vm, error);
}

static int
spawn_clone(struct api_sandbox *sb, struct sandbox_config *config, struct api_template *tmpl,
	    struct tine_error *error)
{
	int rc;

	config->template = tmpl->tmpl;
	config->pool = sb->server->base.pool;
	rc = sandbox_config_check(config, error);
	if (rc == 0)
		rc = sandbox_spawn(config, &sb->vm, error);
	if (rc < 0)
		return rc;
	tmpl->clones++;
	if (tmpl->listed) /* what is made for one fork is not kept */
		base_cloned(&sb->server->base, tmpl->tmpl);
	sb->inherited = tmpl->stats;
	sb->origin = template_ref(tmpl);
	if (tmpl->listed)
		memcpy(sb->template_id, tmpl->id, sizeof(sb->template_id));
	return template_restore(tmpl, sb);
}

static int
spawn(struct api_sandbox *sb, struct sandbox_config *config, struct api_template *tmpl,
      struct problem *problem)
{
	struct tine_error error = {.code = ENOMEM, .type = "out-of-memory"};
	int rc = tmpl != NULL ? 0 : sandbox_config_check(config, &error);

	config->requested_ns = sb->requested_ns;
	if (rc == 0)
		rc = tmpl != NULL ? spawn_clone(sb, config, tmpl, &error)
				  : spawn_new(sb, config, &error);
	if (rc < 0)
		return problem_from_error(problem, &error);
	base_spawned(&sb->server->base);
	if (sandbox_io_start(sb) < 0)
		return problem_set(problem, PROBLEM_INTERNAL, "cannot watch the VMM: %s",
				   strerror(errno));
	return 0;
}

int
api_sandbox_create(struct server *server, const struct sandbox_args *args,
		   struct api_template *tmpl, struct api_sandbox **out, struct problem *problem)
{
	struct sandbox_config config;
	struct sandbox_args confined = *args;
	struct confinement paths = {0};
	struct api_sandbox *sb = NULL;
	int rc = -1;

	if (check_limits(server, args, problem) < 0 ||
	    confine_args(server->config.rootfs_dir, &confined, &paths, problem) < 0)
		goto out;
	if (sandbox_config(&confined, &config) < 0 ||
	    (sb = sandbox_new(server, &confined, config.id)) == NULL) {
		problem_set(problem, PROBLEM_OUT_OF_MEMORY, "no memory for a sandbox");
		goto out;
	}
	if (config.hostname == NULL) /* of a fork's clones, each has its own */
		config.hostname = sb->id;
	if (spawn(sb, &config, tmpl, problem) < 0) {
		api_sandbox_release(sb);
		goto out;
	}
	server_insert(server, sb);
	server->created_total++;
	events_sandbox(sb, "sandbox.created");
	log_info("sandbox %s: created, VMM process %d", sb->id, (int)sandbox_pid(sb->vm));
	*out = sb;
	rc = 0;
out:
	confinement_free(&paths);
	return rc;
}

/* ---- state --------------------------------------------------------------------------------- */

bool
api_sandbox_over(const struct api_sandbox *sb)
{
	return sb->state != API_STARTING && sb->state != API_READY;
}

int
api_sandbox_problem(const struct api_sandbox *sb, struct problem *problem)
{
	switch (sb->state) {
	case API_FAILED:
		return problem_set(problem, PROBLEM_SANDBOX_FAILED, "%s: %s", sb->reason.type,
				   sb->reason.detail);
	case API_STOPPED:
		return problem_set(problem, PROBLEM_SANDBOX_STOPPED, "%s", sb->reason.detail);
	case API_DELETING:
		return problem_set(problem, PROBLEM_SANDBOX_DELETED, "sandbox %s", sb->id);
	default:
		return problem_set(problem, PROBLEM_WRONG_STATE, "the sandbox is %s",
				   api_state_name(sb->state));
	}
}

static void
on_over(struct api_sandbox *sb)
{
	struct api_process *p, *next;

	for (p = TAILQ_FIRST(&sb->processes); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		process_lost(p);
	}
	calls_drop(sb);
}

static void
announce(struct api_sandbox *sb)
{
	static const char *const types[API_NSTATES] = {[API_READY] = "sandbox.ready",
						       [API_FAILED] = "sandbox.failed",
						       [API_STOPPED] = "sandbox.stopped"};

	if (types[sb->state] != NULL)
		events_sandbox(sb, types[sb->state]);
	if (sb->state == API_FAILED)
		log_error("sandbox %s: failed: %s: %s", sb->id, sb->reason.type, sb->reason.detail);
	else
		log_info("sandbox %s: %s", sb->id, api_state_name(sb->state));
}

/* A reason may quote the guest: it has to be text that every later user can print. */
static void
take_reason(struct api_sandbox *sb, const struct tine_error *reason)
{
	sb->reason = *reason;
	text_clean(sb->reason.type, sizeof(sb->reason.type));
	text_clean(sb->reason.detail, sizeof(sb->reason.detail));
}

void
api_sandbox_input(struct api_sandbox *sb, enum api_input input, const struct tine_error *reason)
{
	enum api_state next = api_state_next(sb->state, input);

	if (next == sb->state)
		return;
	if (sb->listed) {
		sb->server->nstate[sb->state]--;
		sb->server->nstate[next]++;
	}
	sb->state = next;
	if (reason != NULL)
		take_reason(sb, reason);
	if (next == API_READY) {
		sb->ready_ns = loop_now_ns();
		forkstat_started(sb);
		if (sb->booted)
			base_want(&sb->server->base, sb->memory_mib);
	}
	if (next == API_FAILED)
		sb->server->failed_total++;
	api_sandbox_hold(sb); /* the last waiter may be what kept it */
	announce(sb);
	waitq_wake(&sb->changed);
	if (api_sandbox_over(sb))
		on_over(sb);
	api_sandbox_release(sb);
}

void
api_sandbox_violation(struct api_sandbox *sb, const char *fmt, ...)
{
	struct tine_error error = {.code = EPROTO, .type = "guest-protocol"};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error.detail, sizeof(error.detail), fmt, ap);
	va_end(ap);
	api_sandbox_input(sb, INPUT_FAILED, &error);
	sandbox_kill(sb->vm);
}

/* ---- end ----------------------------------------------------------------------------------- */

void
api_sandbox_delete(struct api_sandbox *sb)
{
	if (sb->state == API_DELETING)
		return;
	/* The last figures, while the process can still be looked at. */
	forkstat_host(sb);
	api_sandbox_input(sb, INPUT_DELETE, NULL);
	if (sb->gone)
		api_sandbox_gone(sb);
	else
		sandbox_kill(sb->vm);
}

/* A deleted sandbox whose process has been reaped leaves the table; its counters stay in the sums.
 */
static void
bury(struct api_sandbox *sb)
{
	struct server *server = sb->server;

	if (!sb->listed)
		return;
	forkstat_add(&server->retired, sb, true);
	server_remove(server, sb);
	events_sandbox(sb, "sandbox.deleted");
	waitq_wake(&sb->changed);
	api_sandbox_release(sb);
}

void
api_sandbox_gone(struct api_sandbox *sb)
{
	sb->gone = true;
	sandbox_io_stop(sb);
	if (sb->state == API_DELETING)
		bury(sb);
}

void
api_sandbox_kill_now(struct api_sandbox *sb)
{
	sandbox_kill(sb->vm);
	if (sb->state != API_DELETING)
		api_sandbox_input(sb, INPUT_DELETE, NULL);
	api_sandbox_gone(sb); /* NOLINT: the table holds it until here */
}

/* ---- description --------------------------------------------------------------------------- */

static void
put_timings(const struct api_sandbox *sb, json_t *doc)
{
	if (sb->have_started)
		json_object_set_new(doc, "start_ns", u64_json(sb->started.start_ns));
	if (sb->ready_ns != 0)
		json_object_set_new(doc, "ready_ns", u64_json(sb->ready_ns - sb->spawned_ns));
}

json_t *
api_sandbox_json(const struct api_sandbox *sb)
{
	char when[RFC3339_LEN];
	json_t *doc = json_pack(
	    "{s:s, s:s, s:s, s:b, s:I, s:I}", "id", sb->id, "state", api_state_name(sb->state),
	    "created", rfc3339(sb->created_ns, when), "events", sb->events, "processes",
	    (json_int_t)(sb->nprocesses - sb->nended), "vmm_pid", (json_int_t)sandbox_pid(sb->vm));

	if (sb->name[0] != '\0')
		json_object_set_new(doc, "name", json_string(sb->name));
	if (sb->rootfs != NULL)
		json_object_set_new(doc, "rootfs", json_string(sb->rootfs));
	json_object_set_new(doc, "hostname",
			    json_string(sb->hostname != NULL ? sb->hostname : sb->id));
	if (sb->template_id[0] != '\0')
		json_object_set_new(doc, "template", json_string(sb->template_id));
	if (sb->have_started)
		json_object_set_new(doc, "memory_bytes", u64_json(sb->started.memory_bytes));
	put_timings(sb, doc);
	if (sb->state == API_FAILED || sb->state == API_STOPPED)
		json_object_set_new(
		    doc, "reason",
		    json_pack("{s:s, s:s}", "type", sb->reason.type, "detail", sb->reason.detail));
	return doc;
}
