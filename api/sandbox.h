/* SPDX-License-Identifier: ISC */
/*
 * sandbox.h: a sandbox as the daemon keeps it: state, requests to its kernel, its processes.
 *
 * References: the table holds one until the sandbox is deleted; each HTTP request that works on it
 * holds one, so that waiting requests find it (in state deleting) and can say so.
 */
#ifndef TINE_API_SANDBOX_H
#define TINE_API_SANDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "decode.h"
#include "forkstat.h"
#include "idmap.h"
#include "klog.h"
#include "loop.h"
#include "problem.h"
#include "process.h"
#include "state.h"
#include "vmfork.h"
#include "vmm/vmm.h"
#include "waitq.h"

struct server;
struct api_template;

#define SANDBOX_ID_LEN 16u /* hexadecimal digits */
#define SANDBOX_NAME_MAX 64u
#define SANDBOX_CALLS_MAX 1024u         /* requests that wait for one guest */
#define SANDBOX_BACKLOG_MAX (64u << 20) /* bytes sent to one that it has not taken */
#define SANDBOX_LAUNCHES_MAX 4096u      /* launched processes that have not ended */

struct api_sandbox {
	TAILQ_ENTRY(api_sandbox) link; /* of the table, in order of creation */
	LIST_ENTRY(api_sandbox) by_id, by_name;
	struct server *server;
	unsigned refs;
	enum api_state state;
	bool listed, events;
	bool booted;       /* not a clone */
	bool have_started; /* *started is valid */
	bool gone;         /* the VMM process has been seen dead */
	bool want_write;
	bool resetting;   /* asked for, not done: what comes is of the past */
	uint32_t next_id; /* of requests and launches */
	uint64_t seq;     /* order of creation, never reused */

	char id[SANDBOX_ID_LEN + 1];
	char name[SANDBOX_NAME_MAX + 1]; /* "" = none */
	char *rootfs, *hostname;         /* NULL = none; the id */
	struct strings sysctls;          /* as given */
	uint64_t memory_mib;
	uint64_t created_ns; /* CLOCK_REALTIME */
	/* CLOCK_MONOTONIC; 0 = not yet.  A reset is a new request for a ready sandbox. */
	uint64_t requested_ns, spawned_ns, ready_ns;

	struct tine_error reason; /* of failed, stopped */
	struct sandbox *vm;
	struct vmm_started started;

	struct loop_source io;
	struct loop_task more; /* messages are left over from the last turn */
	struct loop_task feed; /* the VMM has taken what was sent */

	struct idmap calls, launches;
	struct process_list processes; /* oldest first */
	struct process_list feeders;   /* their stdin waits for the VMM to take what was sent */
	size_t nprocesses, nended, ended_bytes;

	char template_id[SANDBOX_ID_LEN + 1]; /* it is a clone of, "" = none that has a name */
	struct tine_stats inherited;          /* counters that it began with */
	struct api_template *origin;          /* it is a clone of, NULL = none */
	struct tine_stats *before_reset;      /* what it had counted, while resetting */
	struct api_template *frozen;          /* handed from VMM_MSG_FROZEN to who asked */
	uint64_t vmforks_left;                /* clones and templates its programs may ask for */
	struct vmfork_request vmfork;

	struct klog log;
	uint64_t guest_events, guest_events_dropped;
	struct hoststats_cache hoststats;
	struct start_sum start; /* all 0 until it is ready */
	struct waitq changed;   /* state */
};

/* What POST /v1/sandboxes asks for, checked. */
struct sandbox_args;

/* Start one, as a clone of tmpl if that is not NULL: 0, or -1 with *problem.  *out is not held. */
int api_sandbox_create(struct server *server, const struct sandbox_args *args,
		       struct api_template *tmpl, struct api_sandbox **out,
		       struct problem *problem);

/* Begin the end: kills the VMM; the sandbox leaves the table when the process is gone. */
void api_sandbox_delete(struct api_sandbox *sb);

/* Kill and free without waiting for events: only when the daemon ends. */
void api_sandbox_kill_now(struct api_sandbox *sb);

struct api_sandbox *api_sandbox_hold(struct api_sandbox *sb);
void api_sandbox_release(struct api_sandbox *sb);

/* No more messages will come: stopped, failed or deleting. */
bool api_sandbox_over(const struct api_sandbox *sb);
/* Why, as a problem. */
int api_sandbox_problem(const struct api_sandbox *sb, struct problem *problem);

/* The guest or its VMM did what it must not: kill it, with this reason. */
void api_sandbox_violation(struct api_sandbox *sb, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Send to the guest; failures show as the end of the sandbox. */
void api_sandbox_send(struct api_sandbox *sb, uint16_t type, uint32_t id, uint32_t arg,
		      const void *payload, size_t len);
/* May a request be sent?  0, or -1 with *problem: too much waits for the sandbox to take it. */
int api_sandbox_room(const struct api_sandbox *sb, struct problem *problem);
/* Write what is queued. */
void api_sandbox_flush(struct api_sandbox *sb);
uint32_t api_sandbox_new_id(struct api_sandbox *sb);

json_t *api_sandbox_json(const struct api_sandbox *sb);

/* sandbox_io.c: watch the control socket. */
int sandbox_io_start(struct api_sandbox *sb);
void sandbox_io_stop(struct api_sandbox *sb);
/* act_reset.c: the VMM has put it back; its kernel goes on.  0 or -ENOMEM. */
int sandbox_on_reset_done(struct api_sandbox *sb);
/* sandbox.c: an input of the state machine; reason may be NULL. */
void api_sandbox_input(struct api_sandbox *sb, enum api_input input,
		       const struct tine_error *reason);
/* sandbox.c: the VMM process is gone. */
void api_sandbox_gone(struct api_sandbox *sb);

#endif
