/* SPDX-License-Identifier: ISC */
/* server.h: the daemon: its listeners, its sandboxes, its event log. */
#ifndef TINE_API_SERVER_H
#define TINE_API_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base.h"
#include "events.h"
#include "forkstat.h"
#include "http.h"
#include "loop.h"
#include "sandbox.h"
#include "template.h"
#include "template_file.h"

#define SERVER_BUCKETS 256u
#define SERVER_BODY_BYTES (256u << 20) /* of request bodies held at any time */

struct server_config {
	const char *socket, *listen, *token_file;
	char *rootfs_dir; /* real path; NULL = anywhere */
	size_t max_sandboxes;
	unsigned pool;             /* idle VMM processes for clones */
	bool cold_boot;            /* boot every sandbox instead of cloning it */
	bool no_zygote;            /* VMM processes are executed, not forked */
	uint64_t guest_timeout_ms; /* how long a kernel may take to answer */
	bool json_log, verbose;
};

TAILQ_HEAD(sandbox_list, api_sandbox);
LIST_HEAD(sandbox_bucket, api_sandbox);

struct server {
	struct loop loop;
	struct server_config config;
	struct http unix_http, tcp_http;
	char *token;

	struct sandbox_list sandboxes; /* in order of creation */
	struct sandbox_bucket by_id[SERVER_BUCKETS], by_name[SERVER_BUCKETS];
	size_t nsandboxes, nstate[API_NSTATES];
	size_t nlooked; /* of them, whose memory the host has been asked for: a file more */
	uint64_t next_seq, created_total, failed_total;

	struct template_list templates;
	size_t ntemplates;
	struct base base;
	struct file_jobs file_jobs;
	bool in_use; /* by a thread that outlives serve() */

	struct event_log events;
	struct forkstat_sum retired; /* of sandboxes that were deleted */
	size_t body_bytes;
	uint64_t requests_total, started_ns;
};

void server_init(struct server *server);
void server_fini(struct server *server);

/* The table. */
void server_insert(struct server *server, struct api_sandbox *sb);
void server_remove(struct server *server, struct api_sandbox *sb);
struct api_sandbox *server_find(struct server *server, const char *id_or_name);
struct api_sandbox *server_find_name(struct server *server, const char *name);

/* May something be made that takes descriptors for as long as it lives?  Without some that are left
 * no client would be served any more, not even one that comes to delete. */
bool server_has_files(const struct server *server, struct problem *problem);
/* Bound the memory that bodies take. */
bool server_body_account(struct server *server, size_t bytes);
void server_body_unaccount(struct server *server, size_t bytes);

/* dispatch.c: decode, resolve and check, then run the action (or the opener of an upload). */
void server_dispatch(struct request *req);
void server_open_upload(struct request *req);

#endif
