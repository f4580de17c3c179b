/* SPDX-License-Identifier: ISC */
/* args.h: requests in typed form, and the tables that decode them. */
#ifndef TINE_API_ARGS_H
#define TINE_API_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "decode.h"
#include "vmm/vmm.h"

#define UPLOAD_MAX (32u << 20) /* bytes of a file that is put into a sandbox */

struct sandbox_args {     /* POST /v1/sandboxes */
	const char *wait; /* query: "ready", "none" */
	uint64_t timeout_ms;
	const char *name, *template, *rootfs, *hostname;
	uint64_t memory_mib;
	uint64_t vmfork; /* clones and templates its programs may ask for */
	bool events;
	struct strings sysctls; /* "name=value" */
	struct rootfs_file *files;
	size_t nfiles;
	const uint8_t *id; /* 16 bytes, not from the request; NULL: made */
};
extern const struct field sandbox_query[], sandbox_fields[];
extern const struct sandbox_args sandbox_defaults;
void sandbox_args_free(void *args);

struct blob { /* bytes in JSON: a string, or {"encoding": "base64", "data": "..."} */
	uint8_t *data;
	size_t len;
};
int decode_blob(struct decode *d, const json_t *value, struct blob *out, size_t max);

enum stdin_mode { STDIN_CLOSED, STDIN_OPEN, STDIN_DATA };

struct executable_args { /* a file to put first */
	const char *path;
	uint64_t mode;
	struct blob data;
	bool given;
};

struct process_args { /* POST .../processes */
	struct strings argv, env;
	bool env_given;
	const char *path, *cwd;
	uint64_t uid, gid;
	enum stdin_mode stdin_mode;
	struct blob stdin_data;
	bool tty, merge, wait;
	uint64_t rows, cols;
	uint64_t timeout_ms; /* of wait; 0 = none */
	uint64_t output_limit;
	bool output_block;
	struct executable_args executable;
};
extern const struct field process_fields[];
extern const struct process_args process_defaults;
void process_args_free(void *args);

/* Names of sandboxes and templates. */
int check_object_name(struct decode *d, const char *name);

/* Absolute, without empty or ".." parts. */
int check_guest_path(struct decode *d, const char *path);

#endif
