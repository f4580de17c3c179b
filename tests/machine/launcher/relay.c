/* relay.c: carry stdio and signals to the command in the machine, and its end back. */
/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "launcher.h"

/*
 * Frames are taken from the machine only while less than this waits for a slow reader of our
 * output.
 */
#define OUTPUT_QUEUE_MAX (256u << 10)
/* A write of at most this many bytes does not block on a pipe that poll(2) found writable. */
#define ATOMIC_WRITE 4096
/* The same signal this often means: not the command, the machine. */
#define SIGNAL_PATIENCE 3

struct relay {
	struct emulator *emulator;
	const struct options *options;
	struct stream from_agent, to_agent, out[3]; /* out[1], out[2]: stdout and stderr */
	uint32_t window;                            /* bytes of stdin that may still be sent */
	bool ready, job_sent, input_ended, closed[3];
	bool done;
	int status;
	int signals, timer;
	unsigned signal_count[65];
	uint64_t begin, started;
};

static void
end(struct relay *r, int status)
{
	r->done = true;
	r->status = status;
}

static void
machine_failed(struct relay *r, const char *why, size_t length)
{
	terminal_restore();
	fprintf(stderr, "machine: %.*s\n", (int)length, why);
	log_print();
	end(r, EXIT_MACHINE);
}

static void
take_frame(struct relay *r, const struct frame *f)
{
	uint32_t number = 0;

	if (f->length == sizeof(number))
		memcpy(&number, f->payload, sizeof(number));
	switch (f->type) {
	case FRAME_READY:
		r->ready = true;
		break;
	case FRAME_STARTED:
		r->started = milliseconds();
		break;
	case FRAME_STDOUT:
	case FRAME_STDERR: {
		int fd = f->type == FRAME_STDOUT ? 1 : 2;
		if (!r->closed[fd])
			stream_append(&r->out[fd], f->payload, f->length);
		break;
	}
	case FRAME_CREDIT:
		r->window += number;
		break;
	case FRAME_FILES:
		if (r->options->write_back != NULL)
			files_take(r->options->write_back, f->payload, f->length);
		break;
	case FRAME_FAIL:
		machine_failed(r, (const char *)f->payload, f->length);
		break;
	case FRAME_EXIT:
		end(r, (int)number);
		break;
	default:
		machine_failed(r, "the agent sent an unknown frame", 31);
		break;
	}
}

static void
channel_readable(struct relay *r)
{
	struct frame f;
	int got = 0;

	if (stream_read(&r->from_agent, r->emulator->channel) <= 0)
		return;
	while (!r->done && (got = frame_get(&r->from_agent, &f)) > 0)
		take_frame(r, &f);
	if (got < 0)
		machine_failed(r, "the channel to the agent lost bytes", 35);
}

static void
input_readable(struct relay *r)
{
	static unsigned char buffer[FRAME_WINDOW];
	ssize_t n = read(STDIN_FILENO, buffer, r->window);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	size_t length = n > 0 ? (size_t)n : 0;
	frame_put(&r->to_agent, FRAME_STDIN, buffer, length);
	r->window -= (uint32_t)length;
	r->input_ended = length == 0;
}

/* Nobody reads this output any more: the command is to get its SIGPIPE. */
static void
output_broken(struct relay *r, int fd)
{
	uint32_t number = (uint32_t)fd;

	r->closed[fd] = true;
	stream_consume(&r->out[fd], stream_used(&r->out[fd]));
	frame_put(&r->to_agent, FRAME_CLOSE, &number, sizeof(number));
}

static void
output_writable(struct relay *r, int fd)
{
	if (stream_write(&r->out[fd], fd, ATOMIC_WRITE) < 0 && errno != EAGAIN && errno != EINTR)
		output_broken(r, fd);
}

static void
take_signal(struct relay *r)
{
	struct signalfd_siginfo info;
	struct winsize size;

	if (read(r->signals, &info, sizeof(info)) != sizeof(info))
		return;
	uint32_t number = info.ssi_signo;
	if (number == SIGWINCH) {
		if (r->job_sent && terminal_size(&size))
			frame_put(&r->to_agent, FRAME_WINSIZE, &size, sizeof(size));
	} else if (!r->job_sent || ++r->signal_count[number] >= SIGNAL_PATIENCE) {
		end(r, 128 + (int)number);
	} else {
		frame_put(&r->to_agent, FRAME_SIGNAL, &number, sizeof(number));
	}
}

static void
send_job(struct relay *r)
{
	frame_put(&r->to_agent, FRAME_JOB, r->options->job.data + r->options->job.start,
		  stream_used(&r->options->job));
	r->job_sent = true;
	/* With the instruction clock input that comes when it likes would spoil what is counted. */
	struct stat st;
	if (r->options->buffered && (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode))) {
		frame_put(&r->to_agent, FRAME_STDIN, NULL, 0);
		r->input_ended = true;
	}
	if (isatty(STDIN_FILENO) && !r->options->buffered)
		terminal_raw();
}

static void
turn(struct relay *r)
{
	struct emulator *e = r->emulator;
	bool room = stream_used(&r->out[1]) < OUTPUT_QUEUE_MAX &&
		    stream_used(&r->out[2]) < OUTPUT_QUEUE_MAX;
	bool input = r->job_sent && !r->input_ended && r->window > 0;
	struct pollfd p[] = {
	    {e->channel,
	     (short)((room ? POLLIN : 0) | (stream_used(&r->to_agent) > 0 ? POLLOUT : 0)), 0},
	    {r->signals, POLLIN, 0},
	    {r->timer, POLLIN, 0},
	    {input ? STDIN_FILENO : -1, POLLIN, 0},
	    {stream_used(&r->out[1]) > 0 ? 1 : -1, POLLOUT, 0},
	    {stream_used(&r->out[2]) > 0 ? 2 : -1, POLLOUT, 0},
	    {e->console, POLLIN, 0},
	    {e->chatter, POLLIN, 0},
	    {e->monitor, POLLIN, 0},
	};

	if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
		return;
	if (p[6].revents)
		log_drain(&e->console, r->options->console);
	if (p[8].revents)
		log_drain(&e->monitor, false);
	if (p[0].revents & POLLOUT)
		stream_write(&r->to_agent, e->channel, SIZE_MAX);
	if (p[0].revents & POLLIN)
		channel_readable(r);
	if (p[1].revents)
		take_signal(r);
	if (p[3].revents)
		input_readable(r);
	if (p[4].revents)
		output_writable(r, 1);
	if (p[5].revents)
		output_writable(r, 2);
	if (p[2].revents && !r->done) {
		terminal_restore();
		fprintf(stderr, "machine: timeout after %u s\n", r->options->timeout);
		if (r->options->save != NULL)
			log_print();
		end(r, EXIT_TIMEOUT);
	}
	/* The emulator keeps this one open for as long as it lives. */
	if (p[7].revents && !log_drain(&e->chatter, false) && !r->done)
		machine_failed(r, "the emulator ended before the command", 37);
}

static void
relay_init(struct relay *r, struct emulator *e, const struct options *o)
{
	sigset_t mask;

	*r = (struct relay){
	    .emulator = e, .options = o, .window = FRAME_WINDOW, .begin = milliseconds()};
	sigemptyset(&mask);
	for (const int *s = (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, 0}; *s != 0;
	     s++)
		sigaddset(&mask, *s);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	r->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	timerfd_settime(r->timer, 0, &(struct itimerspec){.it_value.tv_sec = (time_t)o->timeout},
			NULL);
}

static void
finish(struct relay *r)
{
	emulator_kill(r->emulator);
	for (int fd = 1; fd <= 2; fd++)
		while (stream_used(&r->out[fd]) > 0 && stream_write(&r->out[fd], fd, SIZE_MAX) >= 0)
			continue;
	terminal_restore();
	files_finish();
}

void
relay_wait_ready(struct emulator *e, const struct options *o)
{
	static struct relay r;

	relay_init(&r, e, o);
	while (!r.ready && !r.done)
		turn(&r);
	if (!r.ready) {
		finish(&r);
		exit(r.status);
	}
}

int
relay_run(struct emulator *e, const struct options *o)
{
	static struct relay r;

	relay_init(&r, e, o);
	r.ready = o->resume != NULL;
	while (!r.done) {
		if (r.ready && !r.job_sent)
			send_job(&r);
		turn(&r);
	}
	finish(&r);
	if (o->verbose)
		fprintf(stderr, "machine: command started after %llu ms, all %llu ms\n",
			(unsigned long long)(r.started ? r.started - r.begin : 0),
			(unsigned long long)(milliseconds() - r.begin));
	return r.status;
}
