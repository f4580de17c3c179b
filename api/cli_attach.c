/* SPDX-License-Identifier: ISC */
/*
 * cli_attach.c: the streams of `tine exec`.
 *
 * Four exchanges run side by side: output and error (followed), input (one chunked PUT that lasts
 * as long as our own input), and the wait for the end.  The program's last bytes are known by their
 * offset, so the end is not held up by children that keep the output open.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli_exec.h"
#include "cli_tty.h"

/* What a pipe takes without blocking once poll() says that it is writable: while nobody reads our
 * output, signals and the program's end are still to be heard of. */
#define PIECE 4096u

/* ---- output and end ------------------------------------------------------------------------ */

static int
on_output(void *arg, const uint8_t *data, size_t len)
{
	struct stream *s = arg;

	if (s->x.status != 200)
		return 0;
	if (len > sizeof(s->buf) - s->head - s->len)
		return -EPROTO;
	memcpy(s->buf + s->head + s->len, data, len);
	s->len += len;
	return 0;
}

static int
on_answer(void *arg, const uint8_t *data, size_t len)
{
	struct exec *e = arg;

	if (len > sizeof(e->answer) - e->answer_len)
		return -EPROTO;
	memcpy(e->answer + e->answer_len, data, len);
	e->answer_len += len;
	return 0;
}

static uint64_t
output_total(const json_t *doc, const char *key)
{
	return (uint64_t)get_int(json_object_get(doc, key), "bytes");
}

/* The wait is over: the exit status, and how many bytes of output belong to it. */
static void
take_end(struct exec *e)
{
	json_t *doc = json_loadb(e->answer, e->answer_len, 0, NULL);

	e->exited = true;
	e->total[0] = output_total(doc, "stdout");
	e->total[1] = output_total(doc, "stderr");
	if (json_object_get(doc, "signal") != NULL)
		e->status = 128 + (int)get_int(doc, "signal");
	else if (json_object_get(doc, "exit_code") != NULL)
		e->status = (int)get_int(doc, "exit_code");
	else {
		e->gone = true;
		e->status = CMD_EXEC_FAILURE;
	}
	json_decref(doc);
}

static int
open_one(struct exec *e, struct exchange *x, const char *method, const char *tail, size_t len)
{
	char *path = path_printf("%s/%s", e->base, tail);
	int rc = client_open(e->client, x, method, path,
			     len == SIZE_MAX ? "application/octet-stream" : NULL, NULL, len);

	free(path);
	return rc;
}

static int
open_all(struct exec *e)
{
	for (int i = 0; i < 2; i++) {
		e->out[i].fd = 1 + i;
		e->out[i].x.sink = on_output;
		e->out[i].x.sink_arg = &e->out[i];
		if (open_one(e, &e->out[i].x, "GET", i ? "stderr?follow=1" : "stdout?follow=1",
			     0) != CMD_OK)
			return -1;
	}
	e->wait.sink = on_answer;
	e->wait.sink_arg = e;
	if (open_one(e, &e->wait, "GET", "wait", 0) != CMD_OK)
		return -1;
	if (e->interactive) {
		if (open_one(e, &e->in, "PUT", "stdin?eof=1", SIZE_MAX) != CMD_OK)
			return -1;
		e->in_open = true;
	}
	return 0;
}

/* ---- input --------------------------------------------------------------------------------- */

static void
input_close(struct exec *e)
{
	if (e->in_open)
		exchange_close(&e->in);
	e->in_open = false;
}

static void
input_read(struct exec *e)
{
	char buf[65536];
	ssize_t n = read(0, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0)
		n = 0;
	e->in_eof = n == 0;
	e->pending_len = exchange_chunk(buf, (size_t)n, e->pending);
	e->pending_sent = 0;
}

static void
input_send(struct exec *e)
{
	ssize_t n = send(e->in.fd, e->pending + e->pending_sent, e->pending_len - e->pending_sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		input_close(e); /* the program has closed its input, or has ended */
	else if (n > 0)
		e->pending_sent += (size_t)n;
	if (e->pending_sent == e->pending_len)
		e->pending_len = e->pending_sent = 0;
}

/* ---- signals ------------------------------------------------------------------------------- */

static int
signals_open(bool tty)
{
	static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
	sigset_t set;

	/* A closed output shows as EPIPE; the program in the sandbox has to hear of it too. */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	if (tty)
		sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
post(struct exec *e, const char *tail, json_t *body)
{
	char *path = path_printf("%s/%s", e->base, tail), *text = json_dumps(body, JSON_COMPACT);
	json_t *doc = NULL;
	int status;

	/* A program that has ended meanwhile is no error worth a word. */
	client_try(e->client, "POST", path, "application/json", text, strlen(text), &status, &doc);
	json_decref(doc);
	json_decref(body);
	free(text);
	free(path);
}

static void
on_signal(struct exec *e)
{
	struct signalfd_siginfo info;
	uint16_t rows, cols;

	if (read(e->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		cli_tty_size(0, &rows, &cols);
		post(e, "winsize", json_pack("{s:i, s:i}", "rows", (int)rows, "cols", (int)cols));
	} else if (e->exited) {
		/* All that is left is output that nobody takes. */
		e->given_up = true;
		e->status = 128 + (int)info.ssi_signo;
	} else {
		/* Its group, as a terminal would. */
		post(e, "signal",
		     json_pack("{s:i, s:b}", "signal", (int)info.ssi_signo, "group", 1));
	}
}

/* ---- the loop ------------------------------------------------------------------------------ */

static bool
finished(const struct exec *e)
{
	for (int i = 0; i < 2; i++)
		if (e->out[i].len > 0 || (!e->out[i].ended && e->out[i].done < e->total[i]))
			return e->given_up;
	return e->exited;
}

/* What would tell a program that nobody reads, or that its disk is full; its write has succeeded
 * long ago. */
static void
output_broke(struct exec *e, struct stream *s, int error)
{
	if (error != EPIPE) {
		cli_tty_restore();
		client_error(e->client, "standard %s: %s", s->fd == 1 ? "output" : "error",
			     strerror(error));
	}
	s->ended = true;
	s->len = 0;
	post(e, "signal", json_pack("{s:i, s:b}", "signal", SIGPIPE, "group", 1));
}

static void
output_write(struct exec *e, struct stream *s)
{
	ssize_t n = write(s->fd, s->buf + s->head, s->len < PIECE ? s->len : PIECE);

	if (n < 0) {
		if (errno != EINTR && errno != EAGAIN)
			output_broke(e, s, errno);
		return;
	}
	s->done += (uint64_t)n;
	s->head += (size_t)n;
	s->len -= (size_t)n;
	if (s->len == 0)
		s->head = 0;
}

static int
output_read(struct exec *e, struct stream *s)
{
	int rc = exchange_read(&s->x);

	s->ended = rc != 0;
	e->gone |= rc == 1 && s->x.status != 200; /* the daemon knows the program no more */
	return rc == 0 || (rc == 1 && s->x.status == 200) ? 0 : -1;
}

static int
on_stream(struct exec *e, struct stream *s)
{
	if (s->len == 0)
		return output_read(e, s);
	output_write(e, s);
	return 0;
}

static int
on_wait(struct exec *e)
{
	int rc = exchange_read(&e->wait);

	if (rc == 0)
		return 0;
	e->gone |= rc == 1 && e->wait.status != 200;
	if (rc < 0 || e->wait.status != 200)
		return -1;
	take_end(e);
	return 0;
}

enum { WATCH_OUT, WATCH_ERR, WATCH_WAIT, WATCH_SIGNAL, WATCH_STDIN, WATCH_IN, NWATCH };

static void
fill_poll(const struct exec *e, struct pollfd pfd[NWATCH])
{
	bool pending = e->in_open && e->pending_len > 0;

	for (int i = 0; i < NWATCH; i++)
		pfd[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	for (int i = 0; i < 2; i++)
		if (e->out[i].len > 0)
			pfd[WATCH_OUT + i] = (struct pollfd){.fd = e->out[i].fd, .events = POLLOUT};
		else if (!e->out[i].ended)
			pfd[WATCH_OUT + i].fd = e->out[i].x.fd;
	if (!e->exited)
		pfd[WATCH_WAIT].fd = e->wait.fd;
	pfd[WATCH_SIGNAL].fd = e->signal_fd;
	if (e->in_open && !pending && !e->in_eof)
		pfd[WATCH_STDIN].fd = 0;
	if (pending)
		pfd[WATCH_IN] = (struct pollfd){.fd = e->in.fd, .events = POLLOUT};
}

static int
serve_poll(struct exec *e, const struct pollfd pfd[NWATCH])
{
	for (int i = 0; i < 2; i++)
		if (pfd[WATCH_OUT + i].revents != 0 && on_stream(e, &e->out[i]) < 0)
			return -1;
	if (pfd[WATCH_SIGNAL].revents != 0)
		on_signal(e);
	if (pfd[WATCH_STDIN].revents != 0)
		input_read(e);
	if (pfd[WATCH_IN].revents != 0)
		input_send(e);
	return pfd[WATCH_WAIT].revents != 0 ? on_wait(e) : 0;
}

static int
serve(struct exec *e)
{
	struct pollfd pfd[NWATCH];

	while (!finished(e)) {
		fill_poll(e, pfd);
		if (poll(pfd, NWATCH, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (serve_poll(e, pfd) < 0)
			return -1;
	}
	return 0;
}

int
exec_attach(struct exec *e)
{
	int rc = 0;

	e->signal_fd = signals_open(e->tty);
	if (e->tty && (rc = cli_tty_raw(0)) < 0)
		client_error(e->client, "--tty: standard input is no terminal: %s", strerror(-rc));
	if (rc == 0 && (open_all(e) < 0 || serve(e) < 0)) {
		cli_tty_restore();
		if (!e->gone)
			client_error(e->client, "the connection to the daemon was lost");
		rc = -1;
	}
	cli_tty_restore();
	if (e->gone)
		client_error(e->client, "the sandbox ended or was reset before the program ended");
	input_close(e);
	for (int i = 0; i < 2; i++)
		exchange_close(&e->out[i].x);
	exchange_close(&e->wait);
	close(e->signal_fd);
	return rc < 0 ? CMD_EXEC_FAILURE : e->status;
}
