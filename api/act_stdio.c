/* SPDX-License-Identifier: ISC */
/* act_stdio.c: standard input, output and error of launched processes. */
#include <stdio.h>
#include <stdlib.h>

#include "actions.h"
#include "sandbox.h"
#include "server.h"

/* ---- output -------------------------------------------------------------------------------- */

const struct field output_query[] = {
    F_UINT("offset", struct output_args, offset, 0, INT64_MAX),
    F_BOOL("follow", struct output_args, follow),
    F_END,
};

struct follow { /* ctx of a request that follows an output stream */
	unsigned stream;
	uint64_t offset;
	bool begun;
};

static ssize_t
follow_read(struct request *req, char *buf, size_t max)
{
	struct follow *f = req->ctx;
	struct outbuf *out = &req->process->out[f->stream];
	size_t n;

	/* A gap cannot be shown in raw bytes: cut, the client sees it and can ask again. */
	if (f->begun && f->offset < out->start)
		return STREAM_ABORT;
	n = outbuf_read(out, &f->offset, buf, max);
	f->begun = true;
	if (n > 0) {
		f->offset += n;
		process_consumed(req->process, f->stream, f->offset);
		return (ssize_t)n;
	}
	if (out->eof)
		return STREAM_END;
	request_wait(req, &out->readers, NULL);
	return 0;
}

static void
output_headers(struct request *req, const struct outbuf *out, uint64_t offset)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)offset);
	request_header(req, "Tine-Offset", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)out->dropped);
	request_header(req, "Tine-Dropped", text);
	request_header(req, "Tine-Eof", out->eof ? "true" : "false");
}

static void
reply_kept(struct request *req, unsigned stream, uint64_t offset)
{
	struct outbuf *out = &req->process->out[stream];
	size_t len = offset < out->end ? (size_t)(out->end - offset) : 0;
	char *data = malloc(len + 1);

	if (data == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	len = outbuf_read(out, &offset, data, len);
	reply_bytes(req, "application/octet-stream", data, len);
	output_headers(req, out, offset);
	free(data);
	process_consumed(req->process, stream, offset + len);
}

static void
act_output(struct request *req, unsigned stream)
{
	const struct output_args *args = req->args;
	const struct outbuf *out = &req->process->out[stream];
	uint64_t offset = args->offset < out->start ? out->start : args->offset;
	struct follow *f;

	if (offset > out->end)
		offset = out->end;
	if (!args->follow) {
		reply_kept(req, stream, offset);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		request_fail(req, PROBLEM_OUT_OF_MEMORY, "no memory");
		return;
	}
	*f = (struct follow){.stream = stream, .offset = offset};
	req->ctx = f;
	req->ctx_free = free;
	reply_stream(req, "application/octet-stream", follow_read);
	output_headers(req, out, offset);
}

void
act_stdout(struct request *req)
{
	act_output(req, 0);
}

void
act_stderr(struct request *req)
{
	act_output(req, 1);
}

/* ---- input --------------------------------------------------------------------------------- */

const struct field stdin_query[] = {
    F_BOOL("eof", struct stdin_args, eof),
    F_END,
};

static void
stdin_leave(void *ctx)
{
	struct api_process *p = ctx;

	p->in_busy = false;
}

static int
stdin_check(struct request *req)
{
	const struct api_process *p = req->process;

	if (process_ended(p))
		return problem_set(&req->problem, PROBLEM_PROCESS_EXITED, "it is %s",
				   process_state_name(p->state));
	if (!p->in.open || p->in.ending)
		return problem_set(&req->problem, PROBLEM_STDIN_CLOSED, "%s",
				   p->in.open ? "its end was sent"
					      : "launch with \"stdin\": \"open\"");
	return 0;
}

void
stdin_open(struct request *req)
{
	if (stdin_check(req) < 0)
		return;
	if (req->process->in_busy) {
		problem_set(&req->problem, PROBLEM_STDIN_BUSY, "one at a time");
		return;
	}
	req->process->in_busy = true;
	req->ctx = req->process;
	req->ctx_free = stdin_leave;
	/* Somebody types: pauses of any length are right. */
	MHD_set_connection_option(req->conn, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
}

size_t
stdin_upload(struct request *req, const uint8_t *data, size_t len)
{
	struct inbuf *in = &req->process->in;
	size_t n;

	if (stdin_check(req) < 0)
		return 0;
	n = inbuf_put(in, data, len, INBUF_CAP);
	if (n > 0)
		process_feed(req->process);
	else if (in->len > 0) /* full, and no credit to send any of it */
		request_wait(req, &in->space, NULL);
	else
		problem_set(&req->problem, PROBLEM_OUT_OF_MEMORY, "no memory");
	return n;
}

void
act_stdin(struct request *req)
{
	const struct stdin_args *args = req->args;

	if (stdin_check(req) < 0) {
		reply_problem(req);
		return;
	}
	if (args->eof)
		process_stdin_end(req->process);
	reply_empty(req, 204);
}
