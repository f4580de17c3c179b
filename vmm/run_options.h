/* SPDX-License-Identifier: ISC */
/* run_options.h: the command line of `tine run`. */
#ifndef TINE_VMM_RUN_OPTIONS_H
#define TINE_VMM_RUN_OPTIONS_H

#include "program.h"
#include "vmm.h"

/* Exit statuses of `tine run` that are not the program's. */
#define RUN_FAILED 125
#define RUN_NOT_EXECUTABLE 126
#define RUN_NOT_FOUND 127
#define RUN_TIMEOUT 124

struct string_list { /* NULL terminated */
	char **v;
	size_t n, cap;
};

struct run_options {
	struct sandbox_config config;
	struct string_list env, params;
	struct rootfs_file *files;
	size_t nfiles, files_cap;
	struct file_list closure; /* program and libraries, without rootfs */
	const char *program;      /* path in the guest, borrowed; NULL = look it up there */
	char *const *argv;
	const char *cwd;
	uint32_t uid, gid;
	bool tty, no_stdin, stats, json, verbose;
	bool env_clear, env_host, no_template;
	const char *stats_file;
	double timeout; /* seconds, 0 = none */
};

/* Parse and resolve.  -1: run; otherwise the exit status to end with (text has been printed). */
int run_options_parse(struct run_options *options, int argc, char **argv);
void run_options_free(struct run_options *options);
/* Find the program and, without a rootfs, all that it needs from the host. */
int run_options_resolve(struct run_options *options, struct tine_error *error);

/* run_env.c: a growing list; ends the program when memory is out. */
void string_list_add(struct string_list *list, char *s);
/* The program's environment: PATH, HOME and TERM, or nothing, or that of this host; then *given. */
void run_env_make(struct run_options *options, const struct string_list *given);

#endif
