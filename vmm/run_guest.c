/* SPDX-License-Identifier: ISC */
/* run_guest.c: the conversation of `tine run` with its guest: launch, streams, end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ttydefaults.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

/* Credit is given in pieces no smaller than this: fewer messages, and the guest never runs dry. */
#define CREDIT_STEP (TINE_STREAM_CREDIT / 4)
/* A background process that writes all the time must not keep the run from ending. */
#define BARRIER_ROUNDS 16

static uint32_t
launch_flags(const struct run *run)
{
	return (run->options.tty ? TINE_LAUNCH_TTY : 0) |
	       (run->options.tty || !run->in.ended ? TINE_LAUNCH_STDIN : 0);
}

void
run_launch(struct run *run)
{
	const struct run_options *o = &run->options;
	struct launch_spec spec = {
	    .path = o->program,
	    .cwd = o->cwd,
	    .argv = (const char *const *)o->argv,
	    .env = (const char *const *)o->env.v,
	    .uid = o->uid,
	    .gid = o->gid,
	    .flags = launch_flags(run),
	};
	struct tine_error error;
	uint8_t *payload;
	size_t len;

	tty_winsize(&run->tty, &spec.rows, &spec.cols);
	if (launch_encode(&spec, &payload, &len, &error) != 0) {
		run_fail(run, RUN_FAILED, &error);
		return;
	}
	run->stage = RUN_LAUNCHING;
	run_send(run, TINE_MSG_LAUNCH, RUN_LAUNCH_ID, 0, payload, len);
	free(payload);
}

static void
launched(struct run *run, const struct sandbox_msg *msg)
{
	struct tine_launched reply;
	struct tine_error error;
	int err = (int)msg->arg;

	if (err != 0) {
		launch_failure(run->options.argv[0], msg, &error);
		run_fail(run,
			 err == ENOENT && msg->len == 0   ? RUN_NOT_FOUND
			 : err == ENOMEM || err == EAGAIN ? RUN_FAILED
							  : RUN_NOT_EXECUTABLE,
			 &error);
		return;
	}
	if (msg->len != sizeof(reply)) {
		tine_error_set(&error, EPROTO, "guest-protocol", "reply to LAUNCH of %zu bytes",
			       msg->len);
		run_fail(run, RUN_FAILED, &error);
		return;
	}
	memcpy(&reply, msg->payload, sizeof(reply));
	run->pid = reply.pid;
	run->stage = RUN_STARTED;
	run_input_pump(run);
}

static void
on_ready(struct run *run, const struct sandbox_msg *msg)
{
	struct tine_error error;

	if (run->stage != RUN_BOOTING)
		return;
	if (ready_check(run->options.config.params, msg->arg, &error) != 0)
		run_fail(run, RUN_FAILED, &error);
	else
		run_launch(run);
}

static bool
output_written(const struct run *run)
{
	return stdio_out_idle(&run->out[0]) && stdio_out_idle(&run->out[1]);
}

static bool
output_ended(const struct run *run)
{
	return run->out[0].ended && (run->options.tty || run->out[1].ended);
}

/* After the program's end: done once its streams have ended, or, when other processes keep them
 * open, once the guest has nothing more under way.  It is asked by a request whose answer follows
 * whatever it had to send before. */
void
run_check_end(struct run *run)
{
	struct tine_signal nothing = {.pid = run->pid, .sig = 0};

	if (run->stage == RUN_DONE || !output_written(run))
		return;
	if (run->halted) {
		run_judge(run);
		return;
	}
	if (run->stage != RUN_EXITED || run->barrier_id != 0)
		return;
	if (output_ended(run) || (run->barrier_rounds > 0 && !run->barrier_output) ||
	    run->barrier_rounds >= BARRIER_ROUNDS) {
		run_finish(run, run->status);
		return;
	}
	run->barrier_rounds++;
	run->barrier_output = false;
	run->barrier_id = run->next_id++;
	run_send(run, TINE_MSG_SIGNAL, run->barrier_id, 0, &nothing, sizeof(nothing));
}

static void
on_reply(struct run *run, const struct sandbox_msg *msg)
{
	if (msg->id == RUN_LAUNCH_ID) {
		launched(run, msg);
	} else if (msg->id == run->barrier_id) {
		run->barrier_id = 0;
		run_check_end(run);
	} else if (msg->id == run->signal_id) {
		run_signal_reply(run, msg->arg);
	}
}

static void
on_out(struct run *run, const struct sandbox_msg *msg)
{
	struct stdio_out *out = &run->out[msg->arg - TINE_STREAM_STDOUT];

	if (msg->len == 0) {
		stdio_out_end(out);
		run_check_end(run);
		return;
	}
	run->barrier_output = true;
	stdio_out_write(out, msg->payload, msg->len);
	run_output_progress(run, out);
}

static void
on_exited(struct run *run, const struct sandbox_msg *msg)
{
	struct tine_exited e;

	memcpy(&e, msg->payload, sizeof(e));
	run->status = WIFSIGNALED(e.status) ? 128 + WTERMSIG(e.status) : WEXITSTATUS(e.status);
	run->stage = RUN_EXITED;
	run_check_end(run);
}

/* A clone needs somebody who runs it, and a template somebody who keeps it: not here. */
static void
refuse_vmfork(struct run *run)
{
	struct tine_freeze answer = {.answer = 1, .error = EPERM};

	run_send(run, TINE_MSG_FREEZE, run->next_id++, 0, &answer, sizeof(answer));
}

static void
dispatch(struct run *run, const struct sandbox_msg *msg)
{
	switch (msg->type) {
	case TINE_MSG_READY:
		on_ready(run, msg);
		break;
	case TINE_MSG_REPLY:
		on_reply(run, msg);
		break;
	case TINE_MSG_OUT:
		on_out(run, msg);
		break;
	case TINE_MSG_CREDIT:
		run_input_pump(run);
		break;
	case TINE_MSG_EXITED:
		on_exited(run, msg);
		break;
	case TINE_MSG_LOG:
		console_log_line(&run->console, (const char *)msg->payload, msg->len);
		break;
	case TINE_MSG_VMFORK:
		refuse_vmfork(run);
		break;
	default: /* events were not asked for */
		break;
	}
}

void
run_guest_record(void *arg, const struct tine_msg *hdr, const uint8_t *payload)
{
	struct run *run = arg;
	struct tine_error error;
	struct sandbox_msg msg;
	int r = joiner_add(&run->joiner, hdr, payload, &msg);

	if (r == 1 && run->stage != RUN_DONE)
		dispatch(run, &msg);
	else if (r < 0) {
		tine_error_set(&error, -r, "no-memory", "out of memory");
		run_fail(run, RUN_FAILED, &error);
	}
}

void
run_output_progress(void *arg, struct stdio_out *out)
{
	struct run *run = arg;
	uint32_t stream = TINE_STREAM_STDOUT + (uint32_t)(out - run->out);
	bool broke = out->broken && !out->ended;

	if (out->owed >= CREDIT_STEP) {
		run_send(run, TINE_MSG_CREDIT, RUN_LAUNCH_ID, stream, &out->owed,
			 sizeof(out->owed));
		out->owed = 0;
	}
	if (out->error != 0) {
		console_printf(&run->console, "tine: standard %s: %s\n",
			       stream == TINE_STREAM_STDOUT ? "output" : "error",
			       strerror(out->error));
		out->error = 0;
	}
	/* Whoever writes to a pipe without a reader is told by this signal; so is one whose writes
	 * fail for another reason, as they have succeeded long ago. */
	if (broke && run->stage == RUN_STARTED && run->signal_id == 0)
		run_signal_guest(run, SIGPIPE, true);
	run_check_end(run);
}

static void
stop_watching(struct run *run)
{
	evloop_watch(&run->loop, &run->in.source, 0);
}

static void
on_input(void *arg, uint32_t events)
{
	(void)events;
	run_input_pump(arg);
}

/* Wait until there is something to read; false for a file, which is always readable. */
static bool
wait_for_input(struct run *run)
{
	run->in.source.ready = on_input;
	run->in.source.arg = run;
	return evloop_watch(&run->loop, &run->in.source, EPOLLIN) == 0;
}

/* The end of standard input in buf: nothing, or for a terminal that is fed by a pipe or file the
 * key that says so; nothing would hang it up.  Two, as the first may only end an unfinished line.
 */
static ssize_t
end_of_input(const struct run *run, uint8_t *buf, uint64_t credit)
{
	static const uint8_t key[2] = {CEOF, CEOF};
	size_t n = run->options.tty && run->tty.fd < 0 ? sizeof(key) : 0;

	n = n < credit ? n : credit;
	memcpy(buf, key, n);
	return (ssize_t)n;
}

void
run_input_pump(struct run *run)
{
	uint8_t buf[TINE_MSG_FRAG];

	while (run->stage == RUN_STARTED && !run->in.ended && !channel_backlog(&run->channel)) {
		uint64_t credit = proto_stdin_credit(&run->channel.proto, RUN_LAUNCH_ID);
		ssize_t n;

		if (credit == 0)
			break;
		n = stdio_in_read(&run->in, buf, credit < sizeof(buf) ? credit : sizeof(buf));
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN && wait_for_input(run))
			return;
		if (n <= 0) {
			/* A stream that cannot be read has ended for the guest.  That is all for
			 * one which is not meant to be read (of nohup), or a terminal that has
			 * gone. */
			if (n < 0 && n != -EBADF && n != -EIO)
				console_printf(&run->console, "tine: standard input: %s\n",
					       strerror((int)-n));
			n = end_of_input(run, buf, credit);
			run->in.ended = true;
		}
		run_send(run, TINE_MSG_STDIN, RUN_LAUNCH_ID, 0, buf, (size_t)n);
	}
	stop_watching(run);
}
