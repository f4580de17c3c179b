/* SPDX-License-Identifier: ISC */
/* routes.c: the API, one row for each method of each resource. */
#include "actions.h"
#include "args.h"
#include "route.h"

#define JSON_MAX (1u << 20)
/* A launch may carry an executable in base64, and standard input. */
#define LAUNCH_MAX (UPLOAD_MAX / 3 * 4 + 4 * JSON_MAX)

#define SB "/v1/sandboxes/{}"
#define PROC SB "/processes/{}"
#define QUERY(table, type) .query = (table), .args_size = sizeof(struct type)
#define BODY(table, type)                                                                          \
	.body = BODY_JSON, .fields = (table), .args_size = sizeof(struct type), .body_max = JSON_MAX

/* method, pattern, action, then what else is not zero */
#define ROUTE(m, p, a, ...)                                                                        \
	{                                                                                          \
		.method = m, .pattern = p, .action = a, __VA_ARGS__                                \
	}

const struct route api_routes[] = {
    ROUTE("GET", "/v1/version", act_version),
    ROUTE("GET", "/v1/health", act_health),
    ROUTE("GET", "/v1/openapi.json", act_openapi_json),
    ROUTE("GET", "/v1/openapi.yaml", act_openapi_yaml),
    ROUTE("GET", "/v1/forkstat", act_forkstat_all),
    ROUTE("GET", "/v1/events", act_events, QUERY(events_query, events_args),
	  .defaults = &events_defaults),
    ROUTE("GET", "/metrics", act_metrics),

    ROUTE("GET", "/v1/sandboxes", act_sandbox_list, QUERY(list_query, list_args),
	  .defaults = &list_defaults),
    ROUTE("POST", "/v1/sandboxes", act_sandbox_create, .query = sandbox_query,
	  BODY(sandbox_fields, sandbox_args), .body_optional = true, .defaults = &sandbox_defaults,
	  .args_free = sandbox_args_free),
    ROUTE("GET", SB, act_sandbox_get, .needs = NEED_SANDBOX),
    ROUTE("PATCH", SB, act_sandbox_patch, .needs = NEED_SANDBOX | NEED_READY,
	  BODY(patch_fields, patch_args)),
    ROUTE("DELETE", SB, act_sandbox_delete, .needs = NEED_SANDBOX),
    ROUTE("GET", SB "/forkstat", act_forkstat, .needs = NEED_SANDBOX),
    ROUTE("GET", SB "/log", act_sandbox_log, .needs = NEED_SANDBOX, QUERY(log_query, log_args),
	  .defaults = &log_defaults),
    ROUTE("GET", SB "/sysctl/{}", act_sysctl_get, .needs = NEED_SANDBOX | NEED_READY),
    ROUTE("PUT", SB "/sysctl/{}", act_sysctl_put, .needs = NEED_SANDBOX | NEED_READY,
	  BODY(sysctl_fields, sysctl_args)),
    ROUTE("PUT", SB "/files", act_file_put, .needs = NEED_SANDBOX | NEED_READY, .body = BODY_RAW,
	  .body_max = UPLOAD_MAX, QUERY(file_query, file_put_args)),

    ROUTE("POST", SB "/fork", act_sandbox_fork, .needs = NEED_SANDBOX | NEED_READY,
	  .query = fork_query, BODY(fork_fields, fork_args), .body_optional = true,
	  .defaults = &fork_defaults, .args_free = fork_args_free),
    ROUTE("POST", SB "/reset", act_sandbox_reset, .needs = NEED_SANDBOX | NEED_READY),
    ROUTE("POST", SB "/template", act_template_create, .needs = NEED_SANDBOX | NEED_READY,
	  BODY(template_fields, template_args), .body_optional = true),
    ROUTE("GET", "/v1/templates", act_template_list, QUERY(list_query, list_args),
	  .defaults = &list_defaults),
    ROUTE("POST", "/v1/templates", act_template_load,
	  BODY(template_load_fields, template_file_args)),
    ROUTE("GET", "/v1/templates/{}", act_template_get),
    ROUTE("POST", "/v1/templates/{}/save", act_template_save,
	  BODY(template_save_fields, template_file_args)),
    ROUTE("GET", "/v1/templates/{}/forkstat", act_template_forkstat),
    ROUTE("DELETE", "/v1/templates/{}", act_template_delete),

    ROUTE("GET", SB "/processes", act_process_list, .needs = NEED_SANDBOX,
	  QUERY(procs_query, list_args), .defaults = &list_defaults),
    ROUTE("POST", SB "/processes", act_process_create, .needs = NEED_SANDBOX | NEED_READY,
	  .body = BODY_JSON, .body_max = LAUNCH_MAX, .fields = process_fields,
	  .args_size = sizeof(struct process_args), .defaults = &process_defaults,
	  .args_free = process_args_free),
    ROUTE("GET", PROC, act_process_get, .needs = NEED_SANDBOX),
    ROUTE("POST", PROC "/signal", act_process_signal, .needs = NEED_SANDBOX | NEED_READY,
	  BODY(signal_fields, signal_args)),
    ROUTE("GET", PROC "/wait", act_process_wait, .needs = NEED_SANDBOX | NEED_PROCESS,
	  QUERY(wait_query, wait_args), .defaults = &wait_defaults),
    ROUTE("GET", PROC "/stdout", act_stdout, .needs = NEED_SANDBOX | NEED_PROCESS,
	  QUERY(output_query, output_args)),
    ROUTE("GET", PROC "/stderr", act_stderr, .needs = NEED_SANDBOX | NEED_PROCESS,
	  QUERY(output_query, output_args)),
    ROUTE("PUT", PROC "/stdin", act_stdin, .needs = NEED_SANDBOX | NEED_READY | NEED_PROCESS,
	  .body = BODY_STREAM, QUERY(stdin_query, stdin_args), .open = stdin_open,
	  .upload = stdin_upload),
    ROUTE("POST", PROC "/winsize", act_process_winsize,
	  .needs = NEED_SANDBOX | NEED_READY | NEED_PROCESS, BODY(winsize_fields, winsize_args)),
    ROUTE("GET", PROC "/profile", act_profile_get, .needs = NEED_SANDBOX | NEED_READY),
    ROUTE("POST", PROC "/profile", act_profile_post, .needs = NEED_SANDBOX | NEED_READY,
	  BODY(profile_fields, profile_args)),
    {0},
};
