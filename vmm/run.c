/* SPDX-License-Identifier: ISC */
/* run.c: `tine run`: a sandbox for one program, in this process. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cpu_x86_64.h"
#include "forkstat.h"
#include "host.h"
#include "jail.h"
#include "run.h"
#include "setup.h"
#include "template.h"

#define LARGE (16u << 20)

void
run_finish(struct run *run, int status)
{
	if (run->stage != RUN_DONE)
		run->status = status;
	run->stage = RUN_DONE;
	run->loop.quit = true;
}

void
run_fail(struct run *run, int status, const struct tine_error *error)
{
	tty_restore(&run->tty);
	console_set_raw(&run->console, false);
	if (run->stage != RUN_DONE)
		console_printf(&run->console, "tine: %s\n", error->detail);
	run_finish(run, status);
}

void
run_send(struct run *run, uint16_t type, uint32_t id, uint32_t arg, const void *payload, size_t len)
{
	struct tine_error error;

	if (channel_send(&run->channel, type, id, arg, payload, len, &error) != 0)
		run_fail(run, RUN_FAILED, &error);
}

static void
on_channel_failed(void *arg, const struct tine_error *error)
{
	run_fail(arg, RUN_FAILED, error);
}

static void
on_channel_drained(void *arg)
{
	run_input_pump(arg);
}

void
run_judge(struct run *run)
{
	const struct vm_end *end = &run->vm.end;
	struct tine_error error;

	if (end->kind == VM_PANICKED || end->kind == VM_FAILED) {
		run_fail(run, RUN_FAILED, &end->error);
	} else if (run->stage == RUN_EXITED) {
		run_finish(run, run->status); /* no more output can come */
	} else {
		tine_error_set(&error, EIO, "guest-halted",
			       "the sandbox shut down before the program ended");
		run_fail(run, RUN_FAILED, &error);
	}
}

/* The vCPU thread has ended: what it left in the ring is written before that is told. */
static void
on_stopped(void *arg, uint32_t events)
{
	struct run *run = arg;

	(void)events;
	evloop_watch(&run->loop, &run->stopped, 0);
	channel_finish(&run->channel);
	run->halted = true;
	run_check_end(run);
}

static void
on_timer(void *arg, uint32_t events)
{
	struct run *run = arg;
	struct tine_error error;

	(void)events;
	tine_error_set(&error, ETIMEDOUT, "timeout", "time is up after %g s", run->options.timeout);
	run->vm.report_stop = run->options.config.trace;
	run_fail(run, RUN_TIMEOUT, &error);
}

static int
open_timer(struct run *run, struct tine_error *error)
{
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)run->options.timeout}};
	int fd;

	if (run->options.timeout == 0)
		return 0;
	when.it_value.tv_nsec = (long)((run->options.timeout - (double)when.it_value.tv_sec) * 1e9);
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (fd < 0 || timerfd_settime(fd, 0, &when, NULL) < 0)
		return tine_error_set(error, errno, "no-files", "timer: %s", strerror(errno));
	run->timer = (struct source){.fd = fd, .ready = on_timer, .arg = run};
	return evloop_watch(&run->loop, &run->timer, EPOLLIN);
}

/* Before anything large is mapped: a terminal's guard is a fork of this process. */
static int
open_terminal(struct run *run, struct tine_error *error)
{
	int fd = run->options.tty && isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
	int r = tty_init(&run->tty, fd, error);

	run->guard.fd = -1;
	return r != 0 || fd < 0 ? r : guard_start(&run->guard, fd, &run->tty.saved, error);
}

static int
enter_raw_mode(struct run *run, struct tine_error *error)
{
	int r = tty_set_raw(&run->tty);

	if (r != 0)
		return tine_error_set(error, -r, "terminal", "terminal: %s", strerror(-r));
	console_set_raw(&run->console, run->tty.raw);
	return 0;
}

static int
open_streams(struct run *run)
{
	stdio_in_open(&run->in, run->options.no_stdin ? -1 : STDIN_FILENO);
	/* The guest has a null device of its own; but at a terminal somebody has to type ^D. */
	if (run->in.kind == STDIO_NULL && !run->options.tty)
		run->in.ended = true;
	stdio_out_open(&run->out[0], STDOUT_FILENO, run->out_buf[0], &run->loop,
		       run_output_progress, run);
	stdio_out_open(&run->out[1], STDERR_FILENO, run->out_buf[1], &run->loop,
		       run_output_progress, run);
	return 0;
}

static int
open_events(struct run *run, struct tine_error *error)
{
	struct channel_client client = {
	    .record = run_guest_record,
	    .drained = on_channel_drained,
	    .failed = on_channel_failed,
	    .arg = run,
	};
	int r;

	r = channel_init(&run->channel, &run->vm, &run->loop, &client, error);
	if (r == 0)
		r = run_signals_open(run, error);
	if (r == 0)
		r = open_timer(run, error);
	run->stopped = (struct source){.fd = run->vm.stopped_fd, .ready = on_stopped, .arg = run};
	if (r == 0)
		r = evloop_watch(&run->loop, &run->stopped, EPOLLIN);
	return r;
}

static int
serve(struct run *run, struct tine_error *error)
{
	int r = open_streams(run);

	if (r == 0)
		r = open_events(run, error);
	if (r == 0 && run->options.config.gdb != NULL)
		r = gdb_open(&run->gdb, &run->vm, &run->loop, run->options.config.gdb, error);
	if (r == 0)
		r = enter_raw_mode(run, error);
	if (r == 0 && run->vm.jailed)
		r = jail_process(error);
	/* The guest finds the request when it is up.  A parameter that it refuses must keep the
	 * program from starting: then its first word is waited for. */
	if (r == 0 && run->options.config.params == NULL)
		run_launch(run);
	if (r == 0)
		r = vm_start(&run->vm, error);
	while (r == 0 && !run->loop.quit) {
		r = evloop_step(&run->loop);
		if (r != 0)
			tine_error_set(error, -r, "io", "event loop: %s", strerror(-r));
	}
	/* The guest ends with this process; it is waited for where its last words count. */
	if (r != 0 || run->options.stats || run->vm.report_stop)
		vm_stop(&run->vm);
	tty_restore(&run->tty);
	guard_dismiss(&run->guard);
	console_set_raw(&run->console, false);
	return r;
}

static FILE *
open_stats(const struct run_options *o, struct tine_error *error)
{
	FILE *f =
	    o->stats_file != NULL ? fopen(o->stats_file, "we") : fdopen(dup(STDERR_FILENO), "w");

	if (f == NULL)
		tine_error_set(error, errno, "stats-file", "%s: %s",
			       o->stats_file != NULL ? o->stats_file : "standard error",
			       strerror(errno));
	forkstat_prepare();
	return f;
}

/* A figure that could not be written is told; the exit status is the program's all the same. */
static void
close_stats(FILE *f, const struct run_options *o)
{
	bool failed = ferror(f) != 0;

	if (fclose(f) != 0 || failed)
		fprintf(stderr, "tine: %s: %s\n",
			o->stats_file != NULL ? o->stats_file : "statistics", strerror(errno));
}

/* The booted kernel to start from, unless the boot itself is of interest.  Without one we boot;
 * *why is what stood against it, if that was not meant. */
static void
find_template(struct run *run, struct tine_error *why)
{
	const struct run_options *o = &run->options;
	struct sandbox_config *config = &run->options.config;
	const char *kernel = config->kernel;
	char found[PATH_MAX];
	int fd;

	why->code = 0;
	if (o->no_template || config->gdb != NULL || config->trace)
		return;
	if (kernel != NULL) {
		fd = open(kernel, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	} else {
		fd = kernel_find_open(found, sizeof(found), why);
		if (fd < 0)
			return;
		kernel = found;
	}
	if (template_base_of(config->memory_mib, kernel, fd, &config->template, why) != 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	why->code = 0;
	config->symbols_fd = fd;
	config->memory_mib = 0; /* both are the template's now */
	config->kernel = NULL;
}

/* Has the guest used much memory, by its own account (it is its own that is kept), or its root
 * image? */
static bool
is_large(const struct guest_mem *mem)
{
	const struct tine_stats *stats = (const void *)(mem->shared + TINE_SHARED_STATS);
	uint64_t pages = stats->frames_total - stats->frames_free + stats->zero_fill_faults +
			 stats->cow_pages_copied;

	return mem->rootfs_size > LARGE || pages > LARGE / TINE_PAGE_SIZE;
}

static int
run_sandbox(struct run *run, FILE *stats, struct tine_error *error)
{
	struct tine_error no_template;
	struct sandbox_config *config = &run->options.config;
	int r = open_terminal(run, error);

	config->alone = true;
	if (r == 0)
		r = sandbox_config_check(config, error);
	if (r == 0)
		r = host_open(&config->kvm_fd, error);
	if (r == 0)
		r = cpu_load_features(config->kvm_fd, error);
	if (r == 0) {
		find_template(run, &no_template);
		r = sandbox_setup_checked(&run->vm, config, &run->console, error);
		file_list_close(&run->options.closure);
	}
	if (r != 0)
		return r;
	if (no_template.code != 0)
		console_printf(&run->console, "tine: no template: %s\n", no_template.detail);
	guard_hold(&run->guard, run->vm.vm_fd, run->vm.vcpu_fd);
	r = evloop_init(&run->loop, error);
	if (r == 0) {
		r = serve(run, error);
		if (stats != NULL)
			forkstat_print(stats, run->vm.mem.shared, run->options.json);
	}
	/* All that the run has is left to the kernel, which takes it down faster than it could be
	 * done here, piece by piece; but what is large not until the guard gets to it. */
	if (is_large(&run->vm.mem)) {
		vm_stop(&run->vm);
		mem_destroy(&run->vm.mem);
	}
	return r;
}

/* Status for a failure before the program could be launched. */
static int
status_of(const struct tine_error *error)
{
	static const char *const not_executable[] = {
	    "not-executable", "is-directory",         "not-regular",         "empty-file",
	    "not-elf",        "wrong-class",          "wrong-arch",          "truncated-elf",
	    "bad-elf",        "overlapping-segments", "missing-interpreter", "missing-library",
	    "bad-script",     "not-readable"};

	if (strcmp(error->type, "not-found") == 0)
		return RUN_NOT_FOUND;
	for (size_t i = 0; i < sizeof(not_executable) / sizeof(not_executable[0]); i++)
		if (strcmp(error->type, not_executable[i]) == 0)
			return RUN_NOT_EXECUTABLE;
	return RUN_FAILED;
}

int
vmm_cmd_run(int argc, char **argv)
{
	static struct run the_run; /* with large buffers, of which most runs use little */
	struct run *run = &the_run;
	struct tine_error error;
	FILE *stats = NULL;
	int status, r;

	if (stdio_fill_gaps() != 0) {
		fputs("tine: no /dev/null for a closed standard stream\n", stderr);
		return RUN_FAILED;
	}
	signal(SIGXFSZ, SIG_IGN); /* the limit on the size of files is an error that can be told */
	status = run_options_parse(&run->options, argc, argv);
	if (status >= 0)
		goto out;
	console_init(&run->console, STDERR_FILENO, run->options.verbose);
	run->next_id = RUN_LAUNCH_ID + 1;
	run->status = RUN_FAILED;
	r = run_options_resolve(&run->options, &error);
	status = r != 0 ? status_of(&error) : RUN_FAILED;
	if (r == 0 && run->options.stats && (stats = open_stats(&run->options, &error)) == NULL)
		r = -EIO;
	if (r == 0)
		r = run_sandbox(run, stats, &error);
	if (r != 0)
		fprintf(stderr, "tine: %s\n", error.detail);
	else
		status = run->status;
	if (stats != NULL)
		close_stats(stats, &run->options);
out:
	run_options_free(&run->options);
	return status;
}
