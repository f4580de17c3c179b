/* SPDX-License-Identifier: ISC */
/* act_launch.c: start a program in a sandbox, optionally put there first, optionally waited for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actions.h"
#include "args.h"
#include "sandbox.h"
#include "server.h"
#include "text.h"

/* ---- the answer ---------------------------------------------------------------------------- */

static void
put_output(json_t *doc, const char *key, const struct outbuf *out)
{
	size_t len = (size_t)(out->end - out->start);
	uint64_t offset = out->start;
	uint8_t *data = malloc(len + 1);
	json_t *bytes;

	if (data == NULL)
		return;
	outbuf_read(out, &offset, data, len);
	bytes = bytes_json(data, len);
	free(data);
	json_object_update_new(bytes,
			       json_pack("{s:I, s:I, s:I, s:b}", "bytes", (json_int_t)out->end,
					 "kept_from", (json_int_t)out->start, "dropped",
					 (json_int_t)out->dropped, "eof", out->eof));
	json_object_set_new(doc, key, bytes);
}

static void
reply_result(struct request *req)
{
	const struct api_process *p = req->process;
	json_t *doc = process_json(p);

	json_object_set_new(doc, "complete", json_boolean(process_complete(p)));
	put_output(doc, "stdout", &p->out[0]);
	put_output(doc, "stderr", &p->out[1]);
	reply_json(req, 200, doc);
}

static void
reply_launched(struct request *req)
{
	char location[96];

	snprintf(location, sizeof(location), "/v1/sandboxes/%s/processes/l%u", req->sandbox->id,
		 req->process->node.id);
	reply_created(req, location, process_json(req->process));
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void
wait_end(struct request *req)
{
	if (process_complete(req->process) || req->timed_out)
		reply_result(req);
	else
		request_wait(req, &req->process->changed, wait_end);
}

static void
refused(struct request *req, const struct api_process *p)
{
	const struct process_args *args = req->args;
	char what[sizeof(req->problem.detail)];

	snprintf(what, sizeof(what), "%s%s%s", args->path != NULL ? args->path : args->argv.v[0],
		 p->why[0] != '\0' ? ": " : "", p->why);
	problem_from_guest(&req->problem, PROBLEM_LAUNCH_FAILED, p->errnum, what);
	reply_problem(req);
}

static void
launch_again(struct request *req)
{
	const struct process_args *args = req->args;
	struct api_process *p = req->process;

	if (p->state == PROCESS_REFUSED) {
		refused(req, p);
	} else if (p->state == PROCESS_LOST) {
		api_sandbox_problem(req->sandbox, &req->problem);
		reply_problem(req);
	} else if (p->state == PROCESS_LAUNCHING && !req->timed_out) {
		request_wait(req, &p->changed, launch_again);
	} else if (p->state == PROCESS_LAUNCHING) {
		request_fail(req, PROBLEM_GUEST_TIMEOUT, "not started within %llu ms",
			     (unsigned long long)req->server->config.guest_timeout_ms);
	} else if (!args->wait) {
		reply_launched(req);
	} else {
		loop_timer_clear(req->http->loop, &req->timer);
		if (args->timeout_ms != 0)
			request_deadline(req, args->timeout_ms);
		wait_end(req);
	}
}

static void
launch(struct request *req)
{
	if (process_launch(req->sandbox, req->args, &req->process, &req->problem) < 0) {
		reply_problem(req);
		return;
	}
	process_hold(req->process);
	request_deadline(req, req->server->config.guest_timeout_ms);
	launch_again(req);
}

/* ---- an executable that comes with the request --------------------------------------------- */

static void
executable_put(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	const struct process_args *args = req->args;

	(void)data, (void)len;
	if (errnum == 0) {
		launch(req);
		return;
	}
	problem_from_guest(&req->problem, PROBLEM_GUEST_REFUSED, errnum, args->executable.path);
	reply_problem(req);
}

/* What the kernel would refuse to execute is refused here with a reason that it could not give. */
static int
executable_check(const struct blob *data, struct problem *problem)
{
	int fd = memfd_create("executable", MFD_CLOEXEC);
	struct tine_error error = {0};
	char path[48];
	ssize_t n = 0;
	int rc;

	for (size_t at = 0; fd >= 0 && at < data->len; at += (size_t)n) {
		n = write(fd, data->data + at, data->len - at);
		if (n < 0)
			break;
	}
	if (fd < 0 || n < 0) {
		if (fd >= 0)
			close(fd);
		return problem_set(problem, PROBLEM_OUT_OF_MEMORY, "memfd: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = program_check(path, &error);
	close(fd);
	if (rc == 0)
		return 0;
	problem_from_error(problem, &error);
	problem->status = 422;
	snprintf(problem->pointer, sizeof(problem->pointer), "/executable/data");
	problem->has_pointer = true;
	return -1;
}

static int
check_args(const struct process_args *args, struct problem *problem)
{
	if (args->wait && args->output_block) {
		/* Nobody would read, so the program would never end. */
		problem_set(problem, PROBLEM_BAD_VALUE, "\"block\" cannot be waited for");
		snprintf(problem->pointer, sizeof(problem->pointer), "/stdout_policy");
		problem->has_pointer = true;
		return -1;
	}
	return args->executable.given ? executable_check(&args->executable.data, problem) : 0;
}

void
act_process_create(struct request *req)
{
	const struct process_args *args = req->args;

	if (check_args(args, &req->problem) < 0)
		reply_problem(req);
	else if (args->executable.given)
		put_file(req, args->executable.path, (uint32_t)args->executable.mode,
			 (uint32_t)args->uid, (uint32_t)args->gid, args->executable.data.data,
			 args->executable.data.len, executable_put);
	else
		launch(req);
}
