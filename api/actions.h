/* SPDX-License-Identifier: ISC */
/* actions.h: what the routes do, and the tables of arguments that only they use. */
#ifndef TINE_API_ACTIONS_H
#define TINE_API_ACTIONS_H

#include "request.h"

/* act_sandbox.c */
void act_sandbox_create(struct request *req);
void act_sandbox_list(struct request *req);
void act_sandbox_get(struct request *req);
void act_sandbox_patch(struct request *req);
void act_sandbox_delete(struct request *req);
void act_sandbox_log(struct request *req);

struct list_args {
	uint64_t limit;
	const char *cursor;
	bool launched;
};
extern const struct field list_query[], procs_query[];
extern const struct list_args list_defaults;

struct patch_args {
	bool events;
};
extern const struct field patch_fields[];

struct log_args {
	uint64_t since, limit;
};
extern const struct field log_query[];
extern const struct log_args log_defaults;

/* act_template.c */
void act_template_create(struct request *req);
void act_template_list(struct request *req);
void act_template_get(struct request *req);
void act_template_forkstat(struct request *req);
void act_template_delete(struct request *req);
void act_template_save(struct request *req);
void act_template_load(struct request *req);
void act_sandbox_fork(struct request *req);

/* act_reset.c */
void act_sandbox_reset(struct request *req);

#define FORK_MAX 64u /* clones of one request */

struct template_args {
	const char *name;
};
struct template_file_args {
	const char *path, *name;
};
struct fork_args {
	uint64_t count, timeout_ms;
	struct strings names;
};
extern const struct field template_fields[], template_save_fields[], template_load_fields[];
extern const struct field fork_fields[], fork_query[];
extern const struct fork_args fork_defaults;
void fork_args_free(void *args);

/* act_launch.c */
void act_process_create(struct request *req);

/* act_process.c */
void act_process_list(struct request *req);
void act_process_get(struct request *req);
void act_process_signal(struct request *req);
void act_process_wait(struct request *req);
void act_process_winsize(struct request *req);
/* The pid that the request's path means; false: it has been answered that there is none. */
bool process_target(struct request *req, int32_t *pid);

struct signal_args {
	int sig;
	bool group;
};

/* act_profile.c */
void act_profile_get(struct request *req);
void act_profile_post(struct request *req);

struct profile_args {
	uint32_t op; /* enum tine_profile_op */
};
extern const struct field profile_fields[];

extern const struct field signal_fields[], winsize_fields[], wait_query[];

struct winsize_args {
	uint64_t rows, cols;
};
struct wait_args {
	uint64_t timeout_ms;
};
extern const struct wait_args wait_defaults;

/* act_stdio.c */
void act_stdout(struct request *req);
void act_stderr(struct request *req);
void stdin_open(struct request *req);
size_t stdin_upload(struct request *req, const uint8_t *data, size_t len);
void act_stdin(struct request *req);

struct output_args {
	uint64_t offset;
	bool follow;
};
struct stdin_args {
	bool eof;
};
extern const struct field output_query[], stdin_query[];

/* act_guest.c */
void act_sysctl_get(struct request *req);
void act_sysctl_put(struct request *req);
void act_file_put(struct request *req);

struct sysctl_args {
	char value[256];
};
struct file_put_args {
	const char *path, *mode;
	uint64_t uid, gid;
};
extern const struct field sysctl_fields[], file_query[];

/* act_misc.c */
void act_version(struct request *req);
void act_health(struct request *req);
void act_openapi_json(struct request *req);
void act_openapi_yaml(struct request *req);
void act_forkstat(struct request *req);
void act_forkstat_all(struct request *req);
void act_metrics(struct request *req);

/* act_events.c */
void act_events(struct request *req);

struct events_args {
	const char *sandbox;
	uint64_t since;
	bool follow;
};
extern const struct field events_query[];
extern const struct events_args events_defaults;

/* Put a file into the sandbox of the request, then call done with the guest's errno. */
void put_file(struct request *req, const char *path, uint32_t mode, uint32_t uid, uint32_t gid,
	      const uint8_t *data, size_t len,
	      void (*done)(struct request *req, int errnum, const uint8_t *data, size_t len));

#endif
