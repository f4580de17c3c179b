/* relay.c: carry stdio, signals and the exit status between the launcher and the command. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* Output is read from the command only while less than this waits for the launcher. */
#define OUTPUT_QUEUE_MAX (256u << 10)

struct relay {
	int channel, children;
	struct stream from_launcher, to_launcher, input;
	bool input_ended, started, exited;
	int input_file; /* collects stdin when all of it comes first, else -1 */
	uint32_t status;
	struct job job;
	struct command command;
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * With the instruction clock nothing that comes from the host may arrive while the command runs,
 * and the command must start at the same time in every run, however long the disk took before:
 * timers of the kernel then interrupt it at the same places. Waiting for the next round time costs
 * next to nothing, for the clock jumps while all sleep.
 */
static void
align_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t = (struct timespec){(t.tv_sec / 20 + 1) * 20, 0};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		continue;
}

static void
start(struct relay *r)
{
	if (r->input_file >= 0)
		lseek(r->input_file, 0, SEEK_SET);
	if (r->job.deterministic)
		align_clock();
	command_start(&r->command, &r->job, r->input_file);
	r->input_file = -1;
	r->started = true;
	frame_put(&r->to_launcher, FRAME_STARTED, NULL, 0);
}

static void
take_job(struct relay *r, const struct frame *f)
{
	if (r->started || r->job.argc > 0 || !job_decode(&r->job, f))
		die("the launcher's job is malformed");
	job_prepare(&r->job);
	if (r->job.buffered)
		r->input_file = memfd_create("stdin", MFD_CLOEXEC);
	else
		start(r);
}

static void
give_credit(struct relay *r, size_t bytes)
{
	uint32_t credit = (uint32_t)bytes;

	frame_put(&r->to_launcher, FRAME_CREDIT, &credit, sizeof(credit));
}

static void
take_input(struct relay *r, const struct frame *f)
{
	if (r->input_file >= 0) {
		if (f->length == 0) {
			start(r);
		} else {
			if (write(r->input_file, f->payload, f->length) != (ssize_t)f->length)
				die("keep stdin: %s", strerror(errno));
			give_credit(r, f->length);
		}
	} else if (f->length == 0) {
		r->input_ended = true;
	} else if (r->command.input >= 0) {
		stream_append(&r->input, f->payload, f->length);
	} else {
		give_credit(r, f->length);
	}
}

static void
signal_command(const struct relay *r, int number)
{
	if (r->started && !r->exited)
		kill(-r->command.pid, number);
}

static void
take_frame(struct relay *r, const struct frame *f)
{
	uint32_t number = 0;
	struct winsize size;

	if (f->length == sizeof(number))
		memcpy(&number, f->payload, sizeof(number));
	switch (f->type) {
	case FRAME_JOB:
		take_job(r, f);
		break;
	case FRAME_STDIN:
		take_input(r, f);
		break;
	case FRAME_SIGNAL:
		signal_command(r, (int)number);
		break;
	case FRAME_CLOSE:
		close_fd(number == 1 ? &r->command.output : &r->command.errors);
		break;
	case FRAME_WINSIZE:
		memcpy(&size, f->payload, f->length < sizeof(size) ? f->length : sizeof(size));
		if (r->command.terminal >= 0)
			ioctl(r->command.terminal, TIOCSWINSZ, &size);
		break;
	default:
		die("unknown frame %#x", f->type);
	}
}

static void
channel_readable(struct relay *r)
{
	struct frame f;
	int got;

	if (stream_read(&r->from_launcher, r->channel) <= 0)
		return;
	while ((got = frame_get(&r->from_launcher, &f)) > 0)
		take_frame(r, &f);
	if (got < 0)
		die("the channel to the launcher lost bytes");
}

/*
 * Moves output of the command into a frame; closes the descriptor at its end (a terminal reports
 * that as EIO).
 */
static void
output_readable(struct relay *r, int *fd, enum frame_type type)
{
	static unsigned char buffer[32768];
	ssize_t n = read(*fd, buffer, sizeof(buffer));

	if (n > 0)
		frame_put(&r->to_launcher, type, buffer, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		close_fd(fd);
}

static void
input_writable(struct relay *r)
{
	ssize_t n = stream_write(&r->input, r->command.input, 4096);

	if (n > 0) {
		give_credit(r, (size_t)n);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		give_credit(r, stream_used(&r->input));
		stream_consume(&r->input, stream_used(&r->input));
		close_fd(&r->command.input);
	}
}

/*
 * As init we reap everything; when the command itself has ended, so does everything that it left
 * behind.
 */
static void
reap(struct relay *r)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(r->children, &info, sizeof(info)) < 0 && errno != EAGAIN)
		die("signalfd: %s", strerror(errno));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!r->started || pid != r->command.pid)
			continue;
		r->exited = true;
		r->status = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status)
					      : 128u + (uint32_t)WTERMSIG(status);
		close_fd(&r->command.input);
		kill(-1, SIGKILL);
	}
}

static void
flush(struct relay *r)
{
	while (stream_used(&r->to_launcher) > 0)
		if (stream_write(&r->to_launcher, r->channel, SIZE_MAX) < 0 && errno == EAGAIN)
			poll(&(struct pollfd){r->channel, POLLOUT, 0}, 1, -1);
}

static void
send_changes(struct relay *r)
{
	static unsigned char buffer[32768];
	pid_t pid;
	ssize_t n;
	int archive = archive_changes("checkout", &pid);

	while ((n = read(archive, buffer, sizeof(buffer))) > 0) {
		frame_put(&r->to_launcher, FRAME_FILES, buffer, (size_t)n);
		flush(r);
	}
	close(archive);
	waitpid(pid, NULL, 0);
}

static bool
finished(const struct relay *r)
{
	return r->exited && r->command.output < 0 && r->command.errors < 0 &&
	       r->command.terminal < 0;
}

static void
turn(struct relay *r)
{
	struct command *c = &r->command;
	bool room = stream_used(&r->to_launcher) < OUTPUT_QUEUE_MAX;
	struct pollfd p[] = {
	    {r->channel, (short)(POLLIN | (stream_used(&r->to_launcher) > 0 ? POLLOUT : 0)), 0},
	    {r->children, POLLIN, 0},
	    {stream_used(&r->input) > 0 ? c->input : -1, POLLOUT, 0},
	    {room ? c->output : -1, POLLIN, 0},
	    {room ? c->errors : -1, POLLIN, 0},
	    {room ? c->terminal : -1, POLLIN, 0},
	};

	if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0 && errno != EINTR)
		die("poll: %s", strerror(errno));
	if (p[1].revents)
		reap(r);
	if (p[0].revents & POLLOUT)
		stream_write(&r->to_launcher, r->channel, SIZE_MAX);
	if (p[2].revents && c->input >= 0)
		input_writable(r);
	if (p[3].revents && c->output >= 0)
		output_readable(r, &c->output, FRAME_STDOUT);
	if (p[4].revents && c->errors >= 0)
		output_readable(r, &c->errors, FRAME_STDERR);
	if (p[5].revents && c->terminal >= 0)
		output_readable(r, &c->terminal, FRAME_STDOUT);
	if (p[0].revents & POLLIN)
		channel_readable(r);
	if (r->input_ended && stream_used(&r->input) == 0)
		close_fd(&c->input);
}

void
relay_run(int channel)
{
	static struct relay r;
	sigset_t mask;

	r.channel = channel;
	r.input_file = -1;
	r.command = (struct command){-1, -1, -1, -1, -1};
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	r.children = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	fcntl(channel, F_SETFL, fcntl(channel, F_GETFL) | O_NONBLOCK);

	frame_put(&r.to_launcher, FRAME_READY, NULL, 0);
	while (!finished(&r))
		turn(&r);
	if (r.job.write_back && r.job.checkout != NULL)
		send_changes(&r);
	frame_put(&r.to_launcher, FRAME_EXIT, &r.status, sizeof(r.status));
	flush(&r);
	machine_stop();
}
