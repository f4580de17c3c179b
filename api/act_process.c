/* SPDX-License-Identifier: ISC */
/* act_process.c: signals, waits, window sizes. */
#include <errno.h>

#include "actions.h"
#include "call.h"
#include "names.h"
#include "sandbox.h"
#include "server.h"

/* ---- signal -------------------------------------------------------------------------------- */

static int
decode_signal(struct decode *d, const json_t *value, void *dst)
{
	int *sig = dst;

	if (json_is_integer(value)) {
		json_int_t n = json_integer_value(value);

		if (n < 0 || n > 64)
			return decode_fail(d, PROBLEM_OUT_OF_RANGE, "%lld is not within 0..64",
					   (long long)n);
		*sig = (int)n;
		return 0;
	}
	if (!json_is_string(value))
		return decode_fail(d, PROBLEM_WRONG_TYPE, "signal name or number expected");
	*sig = signal_number(json_string_value(value));
	return *sig >= 0 ? 0 : decode_fail(d, PROBLEM_BAD_VALUE, "not the name of a signal");
}

const struct field signal_fields[] = {
    F_FN("signal", struct signal_args, sig, decode_signal, .required = true),
    F_BOOL("group", struct signal_args, group),
    F_END,
};

static void
signalled(struct request *req, int errnum, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	if (errnum == 0) {
		reply_empty(req, 204);
		return;
	}
	problem_from_guest(&req->problem,
			   errnum == ESRCH ? PROBLEM_UNKNOWN_PROCESS : PROBLEM_GUEST_REFUSED,
			   errnum, "signal");
	reply_problem(req);
}

bool
process_target(struct request *req, int32_t *pidp)
{
	struct api_process *p = process_lookup(req->sandbox, req->param[1]);
	uint64_t pid = 0;

	if (req->param[1][0] == 'l') { /* a handle means that launch and never another process */
		if (p != NULL && process_ended(p)) {
			request_fail(req, PROBLEM_PROCESS_EXITED, "it is %s",
				     process_state_name(p->state));
			return false;
		}
		pid = p != NULL ? (uint64_t)p->pid : 0;
	} else if (parse_uint(req->param[1], INT32_MAX, &pid) < 0) {
		pid = 0;
	}
	if (pid == 0) {
		request_fail(req, PROBLEM_UNKNOWN_PROCESS, "\"%s\"", req->param[1]);
		return false;
	}
	*pidp = (int32_t)pid;
	return true;
}

void
act_process_signal(struct request *req)
{
	const struct signal_args *args = req->args;
	struct tine_signal msg = {.sig = args->sig};
	int32_t pid;

	if (!process_target(req, &pid))
		return;
	/* kill(-1) is not group 1 but every process. */
	msg.pid = args->group && pid > 1 ? -pid : pid;
	request_call(req, TINE_MSG_SIGNAL, 0, &msg, sizeof(msg), signalled);
}

/* ---- wait and window size ------------------------------------------------------------------ */

const struct wait_args wait_defaults = {.timeout_ms = UINT64_MAX}; /* for ever */

const struct field wait_query[] = {
    F_UINT("timeout_ms", struct wait_args, timeout_ms, 0, 3600000),
    F_END,
};

static void
wait_again(struct request *req)
{
	json_t *doc;

	if (!process_ended(req->process) && !req->timed_out) {
		request_wait(req, &req->process->changed, wait_again);
		return;
	}
	doc = process_exit_json(req->process);
	json_object_set_new(doc, "launch", json_integer(req->process->node.id));
	if (req->process->pid != 0)
		json_object_set_new(doc, "pid", json_integer(req->process->pid));
	reply_json(req, 200, doc);
}

void
act_process_wait(struct request *req)
{
	const struct wait_args *args = req->args;

	if (args->timeout_ms != UINT64_MAX)
		request_deadline(req, args->timeout_ms);
	wait_again(req);
}

const struct field winsize_fields[] = {
    F_UINT("rows", struct winsize_args, rows, 0, UINT16_MAX, .required = true),
    F_UINT("cols", struct winsize_args, cols, 0, UINT16_MAX, .required = true),
    F_END,
};

void
act_process_winsize(struct request *req)
{
	const struct winsize_args *args = req->args;
	struct api_process *p = req->process;

	if (!p->tty) {
		request_fail(req, PROBLEM_NO_TTY, "it was launched without \"tty\"");
		return;
	}
	if (process_ended(p)) {
		request_fail(req, PROBLEM_PROCESS_EXITED, "it is %s", process_state_name(p->state));
		return;
	}
	if (api_sandbox_room(req->sandbox, &req->problem) < 0) {
		reply_problem(req);
		return;
	}
	api_sandbox_send(req->sandbox, TINE_MSG_WINSIZE, p->node.id,
			 (uint32_t)(args->rows << 16 | args->cols), NULL, 0);
	reply_empty(req, 204);
}
