/* SPDX-License-Identifier: ISC */
/* run.h: state of `tine run`, shared by its parts. */
#ifndef TINE_VMM_RUN_H
#define TINE_VMM_RUN_H

#include "channel.h"
#include "console.h"
#include "gdb.h"
#include "guard.h"
#include "joiner.h"
#include "run_options.h"
#include "run_stdio.h"
#include "tty.h"
#include "vm.h"

#define RUN_LAUNCH_ID 1u

enum run_stage {
	RUN_BOOTING,   /* LAUNCH not sent yet */
	RUN_LAUNCHING, /* LAUNCH sent */
	RUN_STARTED,   /* the program runs */
	RUN_EXITED,    /* it has ended; output may be on its way */
	RUN_DONE,
};

/* What every run writes to lies together, between the buffers, in as few pages as possible. */
struct run {
	struct console console; /* its buffer comes first */
	struct run_options options;
	struct vm vm;
	struct evloop loop;
	struct joiner joiner;
	struct tty tty;
	struct guard guard;
	struct stdio_in in;
	struct stdio_out out[2];
	struct source signals, stopped, timer;
	enum run_stage stage;
	uint32_t next_id;
	int32_t pid;
	int status;  /* exit status to end with */
	bool halted; /* the vCPU thread has ended: nothing more comes */
	/* forwarding of signals */
	uint32_t signal_id; /* request of the last one, 0 = answered */
	struct tine_signal signal;
	/* after the exit: rounds of asking whether more output is on its way */
	uint32_t barrier_id;
	unsigned barrier_rounds;
	bool barrier_output;    /* some came since the question */
	struct channel channel; /* its buffer comes last */
	struct gdb gdb;
	uint8_t out_buf[2][TINE_STREAM_CREDIT];
};

/* End with status; the first call decides. */
void run_finish(struct run *run, int status);
/* The same after printing why, unless something has been reported already. */
void run_fail(struct run *run, int status, const struct tine_error *error);
/* Send one message of ours; a failure ends the run. */
void run_send(struct run *run, uint16_t type, uint32_t id, uint32_t arg, const void *payload,
	      size_t len);

/* The sandbox has ended, and all output is written: the status follows from how it did. */
void run_judge(struct run *run);

/* run_guest.c: launch the program; messages of the guest. */
void run_launch(struct run *run);
void run_guest_record(void *run, const struct tine_msg *hdr, const uint8_t *payload);
/* Give credit for output that has been passed on; look whether everything is out. */
void run_output_progress(void *run, struct stdio_out *out);
/* Is it over, and everything written? */
void run_check_end(struct run *run);
/* Move standard input on as far as credit allows. */
void run_input_pump(struct run *run);

/* run_signals.c */
int run_signals_open(struct run *run, struct tine_error *error);
/* Send a signal to the program or to its process group. */
void run_signal_guest(struct run *run, int sig, bool group);
/* Answer to the request that run_signal_guest() made. */
void run_signal_reply(struct run *run, uint32_t err);

#endif
