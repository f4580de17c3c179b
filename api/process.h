/* SPDX-License-Identifier: ISC */
/* process.h: a process that was launched over the API: its streams, its end. */
#ifndef TINE_API_PROCESS_H
#define TINE_API_PROCESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "idmap.h"
#include "inbuf.h"
#include "outbuf.h"
#include "problem.h"
#include "vmm/vmm.h"
#include "waitq.h"

struct api_sandbox;

#define PROCESS_ENDED_MAX 256u          /* ended ones that are remembered */
#define PROCESS_ENDED_BYTES (16u << 20) /* of their output */

enum process_state {
	PROCESS_LAUNCHING,
	PROCESS_RUNNING,
	PROCESS_EXITED,
	PROCESS_REFUSED, /* exec failed: errnum */
	PROCESS_LOST,    /* its sandbox ended first */
};

struct api_process {
	struct idnode node; /* .id is the launch handle */
	TAILQ_ENTRY(api_process) link, feeder;
	struct api_sandbox *sandbox;
	unsigned refs;
	bool listed, ended_counted;
	bool feeding; /* one of sandbox->feeders */

	enum process_state state;
	int32_t pid;
	int errnum;
	char why[LAUNCH_WHY_MAX + 1]; /* what errnum is about, "" = the program */
	struct tine_exited exited;
	uint64_t launched_ns, ended_ns; /* CLOCK_REALTIME */

	json_t *argv;
	char *cwd;
	uint32_t uid, gid;
	bool tty, merged;
	struct outbuf out[2]; /* stdout, stderr */
	struct inbuf in;
	bool in_busy; /* a request is feeding stdin */
	struct waitq changed;
};

TAILQ_HEAD(process_list, api_process);

struct launch_record { /* a launch as a template remembers it */
	uint32_t launch;
	enum process_state state;
	int32_t pid;
	struct tine_exited exited;
	uint32_t uid, gid;
	bool tty, merged, in_open;
	json_t *argv;
	char *cwd;
	struct {
		size_t cap;
		bool block, eof;
		uint64_t credit; /* that the guest had, at least */
	} out[2];
};

struct process_args;

/* Send the launch: 0, or -1 with *problem; *out is not held. */
int process_launch(struct api_sandbox *sb, const struct process_args *args,
		   struct api_process **out, struct problem *problem);

void process_hold(struct api_process *p);
void process_release(struct api_process *p);

/* An empty record, listed in sb under this handle; streams are to be set up. NULL without memory.
 */
struct api_process *process_alloc(struct api_sandbox *sb, uint32_t launch);

/* process_clone.c */
void launch_record(const struct api_process *p, struct launch_record *record);
void launch_record_fini(struct launch_record *record);
int process_restore(struct api_sandbox *sb, const struct launch_record *record);
void process_resume(struct api_process *p);

/* "123" = the newest launch with that pid, "l7" = launch handle 7; NULL if there is none. */
struct api_process *process_lookup(struct api_sandbox *sb, const char *name);
struct api_process *process_by_launch(struct api_sandbox *sb, uint32_t launch);

/* Messages of the guest for a launch: 0, or -EPROTO when they break the rules. */
int process_on_reply(struct api_process *p, uint32_t errnum, const uint8_t *data, size_t len);
int process_on_output(struct api_process *p, uint32_t stream, const uint8_t *data, size_t len);
int process_on_exited(struct api_process *p, const uint8_t *data, size_t len);
int process_on_credit(struct api_process *p, uint32_t stream, const uint8_t *data, size_t len);

/* The sandbox is over. */
void process_lost(struct api_process *p);
/* The sandbox is freed. */
void process_unlist(struct api_process *p);

/* Neither running nor about to. */
bool process_ended(const struct api_process *p);
/* Ended, and both its output streams have. */
bool process_complete(const struct api_process *p);

/* Bytes of an output stream were read up to offset: send credit if that frees some. */
void process_consumed(struct api_process *p, unsigned stream, uint64_t offset);
/* Send what stdin holds, as far as there is credit, and as the VMM takes it. */
void process_feed(struct api_process *p);
/* The VMM has taken all that was sent: those go on that had to wait for that. */
void processes_feed(struct api_sandbox *sb);
void process_stdin_end(struct api_process *p);

const char *process_state_name(enum process_state state);
json_t *process_json(const struct api_process *p);
/* The members that tell how it ended, for processes and waits. */
json_t *process_exit_json(const struct api_process *p);

#endif
