/* SPDX-License-Identifier: ISC */
/* process.c: the life of a launched process. */
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "args.h"
#include "clock.h"
#include "names.h"
#include "sandbox.h"
#include "text.h"

#define FEED_CHUNK 32768u
#define FEED_BACKLOG 65536u /* with more than this on its way to the VMM, stdin waits */

/* ---- references and the list --------------------------------------------------------------- */

void
process_hold(struct api_process *p)
{
	p->refs++;
}

void
process_release(struct api_process *p)
{
	if (--p->refs > 0)
		return;
	outbuf_fini(&p->out[0]);
	outbuf_fini(&p->out[1]);
	inbuf_fini(&p->in);
	json_decref(p->argv);
	free(p->cwd);
	free(p);
}

static void
leave_feeders(struct api_process *p)
{
	if (p->feeding)
		TAILQ_REMOVE(&p->sandbox->feeders, p, feeder);
	p->feeding = false;
}

static size_t
output_bytes(const struct api_process *p)
{
	return p->out[0].size + p->out[1].size;
}

void
process_unlist(struct api_process *p)
{
	struct api_sandbox *sb = p->sandbox;

	if (!p->listed)
		return;
	p->listed = false;
	leave_feeders(p);
	TAILQ_REMOVE(&sb->processes, p, link);
	idmap_remove(&sb->launches, &p->node);
	sb->nprocesses--;
	if (p->ended_counted) {
		sb->nended--;
		sb->ended_bytes -= output_bytes(p);
	}
	process_release(p);
}

static struct api_process *
oldest_complete(struct api_sandbox *sb)
{
	struct api_process *p;

	TAILQ_FOREACH (p, &sb->processes, link)
		if (p->ended_counted) /* NOLINT: what is freed is off the list */
			return p;
	return NULL;
}

/* Once nothing more can come for a process it is kept only while there is room. */
static void
count_ended(struct api_process *p)
{
	struct api_sandbox *sb = p->sandbox;
	struct api_process *old;

	if (p->ended_counted || !p->listed || !process_complete(p))
		return;
	p->ended_counted = true;
	sb->nended++;
	sb->ended_bytes += output_bytes(p);
	while (sb->nended > PROCESS_ENDED_MAX ||
	       (sb->ended_bytes > PROCESS_ENDED_BYTES && sb->nended > 1)) {
		old = oldest_complete(sb);
		if (old == p)
			break;
		process_unlist(old);
	}
}

/* ---- launch -------------------------------------------------------------------------------- */

static json_t *
argv_json(const struct strings *argv)
{
	json_t *list = json_array();

	for (size_t i = 0; i < argv->n; i++)
		json_array_append_new(list, json_string(argv->v[i]));
	return list;
}

struct api_process *
process_alloc(struct api_sandbox *sb, uint32_t launch)
{
	struct api_process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->sandbox = sb;
	p->refs = 1;
	p->launched_ns = realtime_ns();
	LIST_INIT(&p->changed);
	p->listed = true;
	TAILQ_INSERT_TAIL(&sb->processes, p, link);
	idmap_add(&sb->launches, &p->node, launch);
	sb->nprocesses++;
	return p;
}

static struct api_process *
process_new(struct api_sandbox *sb, const struct process_args *args)
{
	struct api_process *p = process_alloc(sb, api_sandbox_new_id(sb));

	if (p == NULL)
		return NULL;
	p->argv = argv_json(&args->argv);
	p->cwd = args->cwd != NULL ? strdup(args->cwd) : NULL;
	p->uid = (uint32_t)args->uid;
	p->gid = (uint32_t)args->gid;
	p->tty = args->tty;
	p->merged = args->merge || args->tty;
	outbuf_init(&p->out[0], args->output_limit, args->output_block);
	outbuf_init(&p->out[1], args->output_limit, args->output_block);
	p->out[1].eof = p->merged; /* nothing comes on it */
	inbuf_init(&p->in, args->tty || args->stdin_mode != STDIN_CLOSED);
	return p;
}

static int
encode(const struct process_args *args, uint8_t **data, size_t *len, struct problem *problem)
{
	static const char *const default_env[] = {
	    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL,
	    NULL};
	const char *tty_env[] = {default_env[0], default_env[1], "TERM=xterm", NULL};
	struct tine_error error = {0};
	struct launch_spec spec = {.path = args->path,
				   .cwd = args->cwd,
				   .argv = (const char *const *)args->argv.v,
				   .env = args->env_given ? (const char *const *)args->env.v
					  : args->tty     ? tty_env
							  : default_env,
				   .uid = (uint32_t)args->uid,
				   .gid = (uint32_t)args->gid,
				   .rows = (uint16_t)args->rows,
				   .cols = (uint16_t)args->cols};

	if (args->tty)
		spec.flags |= TINE_LAUNCH_TTY;
	if (args->tty || args->stdin_mode != STDIN_CLOSED)
		spec.flags |= TINE_LAUNCH_STDIN;
	if (args->merge)
		spec.flags |= TINE_LAUNCH_MERGE;
	if (launch_encode(&spec, data, len, &error) < 0)
		return problem_from_error(problem, &error);
	return 0;
}

int
process_launch(struct api_sandbox *sb, const struct process_args *args, struct api_process **out,
	       struct problem *problem)
{
	struct api_process *p;
	uint8_t *data = NULL;
	size_t len = 0;

	if (sb->nprocesses - sb->nended >= SANDBOX_LAUNCHES_MAX)
		return problem_set(problem, PROBLEM_TOO_MANY_PROCESSES, "%zu are running",
				   sb->nprocesses - sb->nended);
	if (api_sandbox_room(sb, problem) < 0 || encode(args, &data, &len, problem) < 0)
		return -1;
	p = process_new(sb, args);
	if (p == NULL) {
		free(data);
		return problem_set(problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	}
	if (args->stdin_mode == STDIN_DATA) {
		inbuf_put(&p->in, args->stdin_data.data, args->stdin_data.len, SIZE_MAX);
		p->in.ending = true;
	}
	*out = p;
	api_sandbox_send(sb, TINE_MSG_LAUNCH, p->node.id, 0, data, len);
	free(data);
	return 0;
}

/* ---- lookup -------------------------------------------------------------------------------- */

struct api_process *
process_by_launch(struct api_sandbox *sb, uint32_t launch)
{
	return (struct api_process *)(void *)idmap_find(&sb->launches, launch);
}

struct api_process *
process_lookup(struct api_sandbox *sb, const char *name)
{
	struct api_process *p;
	uint64_t n;

	if (name[0] == 'l')
		return parse_uint(name + 1, UINT32_MAX, &n) == 0 && n != 0
			   ? process_by_launch(sb, (uint32_t)n)
			   : NULL;
	if (parse_uint(name, INT32_MAX, &n) < 0 || n == 0)
		return NULL;
	/* Pids are used again; the newest is meant. */
	TAILQ_FOREACH_REVERSE(p, &sb->processes, process_list, link)
	if (p->pid == (int32_t)n)
		return p;
	return NULL;
}

bool
process_ended(const struct api_process *p)
{
	return p->state != PROCESS_LAUNCHING && p->state != PROCESS_RUNNING;
}

bool
process_complete(const struct api_process *p)
{
	return process_ended(p) && p->out[0].eof && p->out[1].eof;
}

/* ---- messages ------------------------------------------------------------------------------ */

static void
end(struct api_process *p, enum process_state state)
{
	p->state = state;
	p->ended_ns = realtime_ns();
	inbuf_close(&p->in);
	process_hold(p);
	if (state != PROCESS_EXITED) { /* no output will follow */
		outbuf_end(&p->out[0]);
		outbuf_end(&p->out[1]);
	}
	waitq_wake(&p->changed);
	count_ended(p);
	process_release(p);
}

int
process_on_reply(struct api_process *p, uint32_t errnum, const uint8_t *data, size_t len)
{
	struct tine_launched launched;

	if (errnum > 4095 || (errnum == 0 && len != sizeof(launched)))
		return -EPROTO;
	if (errnum != 0) {
		p->errnum = (int)errnum;
		snprintf(p->why, sizeof(p->why), "%.*s",
			 len < sizeof(p->why) ? (int)len : (int)sizeof(p->why) - 1,
			 (const char *)data);
		end(p, PROCESS_REFUSED);
		return 0;
	}
	memcpy(&launched, data, sizeof(launched));
	if (launched.pid <= 0)
		return -EPROTO;
	p->pid = launched.pid;
	p->state = PROCESS_RUNNING;
	process_feed(p);
	waitq_wake(&p->changed);
	return 0;
}

int
process_on_output(struct api_process *p, uint32_t stream, const uint8_t *data, size_t len)
{
	struct outbuf *out;
	int rc;

	if (stream != TINE_STREAM_STDOUT && stream != TINE_STREAM_STDERR)
		return -EPROTO;
	out = &p->out[stream - TINE_STREAM_STDOUT];
	if (len == 0 &&
	    out->eof) /* its pipes close too when a launch fails, or for a merged stream */
		return p->merged || p->state == PROCESS_REFUSED ? 0 : -EPROTO;
	if (len > 0) {
		rc = outbuf_append(out, data, len);
		if (rc == 0)
			process_consumed(p, stream - TINE_STREAM_STDOUT, 0);
		return rc;
	}
	process_hold(p);
	outbuf_end(out);
	waitq_wake(&p->changed);
	count_ended(p);
	process_release(p);
	return 0;
}

int
process_on_exited(struct api_process *p, const uint8_t *data, size_t len)
{
	if (len != sizeof(p->exited) || p->state != PROCESS_RUNNING)
		return -EPROTO;
	memcpy(&p->exited, data, sizeof(p->exited));
	end(p, PROCESS_EXITED);
	return 0;
}

int
process_on_credit(struct api_process *p, uint32_t stream, const uint8_t *data, size_t len)
{
	uint32_t bytes;

	if (stream != TINE_STREAM_STDIN || len != sizeof(bytes))
		return -EPROTO;
	memcpy(&bytes, data, sizeof(bytes));
	if (!p->in.open)
		return 0;
	if (inbuf_credit(&p->in, bytes) < 0)
		return -EPROTO;
	process_feed(p);
	return 0;
}

void
process_lost(struct api_process *p)
{
	if (!process_ended(p)) {
		end(p, PROCESS_LOST);
		return;
	}
	if (process_complete(p))
		return;
	process_hold(p);
	outbuf_end(&p->out[0]);
	outbuf_end(&p->out[1]);
	waitq_wake(&p->changed);
	count_ended(p);
	process_release(p);
}

/* ---- streams ------------------------------------------------------------------------------- */

void
process_consumed(struct api_process *p, unsigned stream, uint64_t offset)
{
	uint32_t credit;

	outbuf_consumed(&p->out[stream], offset);
	credit = outbuf_credit(&p->out[stream]);
	if (credit > 0)
		api_sandbox_send(p->sandbox, TINE_MSG_CREDIT, p->node.id,
				 TINE_STREAM_STDOUT + stream, &credit, sizeof(credit));
}

/* True if more could be sent but for what the VMM has not taken yet: a guest can give any credit
 * and read nothing, and what is sent to it is held here.  The caller holds p, which may end. */
static bool
feed(struct api_process *p)
{
	struct inbuf *in = &p->in;
	const uint8_t *data;
	bool held = false;
	size_t n;

	while (p->state == PROCESS_RUNNING && in->open &&
	       (n = inbuf_peek(in, &data, FEED_CHUNK)) > 0) {
		held = sandbox_backlog(p->sandbox->vm) >= FEED_BACKLOG;
		if (held)
			break;
		api_sandbox_send(p->sandbox, TINE_MSG_STDIN, p->node.id, 0, data, n);
		if (in->open) /* the sandbox has not ended */
			inbuf_sent(in, n);
	}
	if (p->state == PROCESS_RUNNING && in->open && in->ending && !in->ended && in->len == 0) {
		in->ended = true;
		api_sandbox_send(p->sandbox, TINE_MSG_STDIN, p->node.id, 0, NULL, 0);
	}
	return held;
}

static void
join_feeders(struct api_process *p)
{
	if (!p->listed) /* its sandbox ended meanwhile */
		return;
	p->feeding = true;
	TAILQ_INSERT_TAIL(&p->sandbox->feeders, p, feeder);
}

void
process_feed(struct api_process *p)
{
	process_hold(p);
	/* Those that wait come first, each in its turn. */
	if (!p->feeding && (!TAILQ_EMPTY(&p->sandbox->feeders) || feed(p)))
		join_feeders(p);
	process_release(p);
}

void
processes_feed(struct api_sandbox *sb)
{
	struct api_process *p;

	while (sandbox_backlog(sb->vm) < FEED_BACKLOG && (p = TAILQ_FIRST(&sb->feeders)) != NULL) {
		process_hold(p); /* NOLINT: what is freed is off the list */
		leave_feeders(p);
		if (feed(p))
			join_feeders(p);
		process_release(p);
	}
}

void
process_stdin_end(struct api_process *p)
{
	p->in.ending = true;
	process_feed(p);
}
